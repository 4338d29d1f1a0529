"""Taking back what was published: a delivery of its own to every target that carries the text. Nobody is stranded."""

import asyncio

from crisis.delivery import ARRIVED, Delivery, DeliveryClass, Purpose, delivery_id
from records import StatementStatus
from tasks.deliver import deliver
from tasks.installation import Installation
from tasks.publish import ask_about_open


class NothingToWithdraw(ValueError):
    """No target carries the statement."""


async def withdraw(here: Installation, statement: str, version: int, *, actor: str, reason: str) -> list[Delivery]:
    """Withdraw a published version from every target that carries it, and return the withdrawals as they stand.

    What a platform cannot take back (a mail that was sent) ends refused and in front of the incident lead: it needs a
    correction instead. Repeats withdraw nothing twice.

    Raises:
        NothingToWithdraw: no target carries the version.
    """
    async with here.store.transaction() as tx:
        text = await tx.statements.get(statement, version)
        incident = await tx.incidents.get(text.incident)
        carried = await tx.outbox.list(
            statement=statement, version=version, purpose=Purpose.STATEMENT, states=tuple(ARRIVED)
        )
        if not carried:
            raise NothingToWithdraw(f"no target carries {text.label}, so there is nothing to withdraw")
        planned = [_withdrawal(here, d) for d in carried]
        for delivery in planned:
            await tx.outbox.enqueue(delivery, actor=actor, via=here.via, reason=reason, flow_run_id=here.flow_run_id)
        if await tx.statements.status(statement, version) is not StatementStatus.WITHDRAWN:
            await tx.statements.set_status(
                statement, version, StatementStatus.WITHDRAWN, actor=actor, via=here.via, reason=reason
            )
    done = list(await asyncio.gather(*(deliver(here, d.id) for d in planned)))
    await ask_about_open(here, incident, done)
    return done


def _withdrawal(here: Installation, carried: Delivery) -> Delivery:
    now = here.clock.now()
    return Delivery(
        id=delivery_id(Purpose.WITHDRAWAL, carried.id, carried.rendering.target),
        incident=carried.incident,
        purpose=Purpose.WITHDRAWAL,
        statement=carried.statement,
        version=carried.version,
        content_hash=carried.content_hash,
        rendering=carried.rendering,
        delivery_class=DeliveryClass.CREATE_IF_ABSENT,
        withdraws=carried.id,
        created_at=now,
        updated_at=now,
    )

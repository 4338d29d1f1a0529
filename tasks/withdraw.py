"""Taking back what was published: a delivery of its own to every target that carries the text. Nobody is stranded."""

import asyncio

from crisis.approval import check_withdrawal
from crisis.delivery import ARRIVED, Delivery, DeliveryState, Purpose
from records import StatementStatus
from tasks.deliver import deliver, stop, withdrawal_of
from tasks.installation import Installation
from tasks.publish import ask_about_open

UNDER_WAY = frozenset({DeliveryState.ARMED, DeliveryState.UNKNOWN})
"""Possibly on its target by now; whoever finds out takes it back."""


class NothingToWithdraw(ValueError):
    """No target carries the statement."""


async def withdraw(here: Installation, statement: str, version: int, *, actor: str, reason: str) -> list[Delivery]:
    """Withdraw a published version from every target that carries it, and return the withdrawals as they stand.

    What was still waiting to be sent is not sent any more; what is just being sent, or may have arrived, is taken back
    as soon as it is found to be there. What a platform cannot take back (a mail that was sent) ends refused and in
    front of the incident lead: it needs a correction instead. Repeats withdraw nothing twice.

    Raises:
        NotAllowed: the actor may not withdraw statements, or the reason is blank.
        NothingToWithdraw: no target carries the version, or will.
    """
    async with here.store.transaction() as tx:
        text = await tx.statements.get(statement, version)
        incident = await tx.incidents.get(text.incident)
        person = await tx.stakeholders.get(actor)
        roles = person.roles if person else ()
        check_withdrawal(actor=actor, roles_of_actor=roles, lead=incident.lead, reason=reason)
        planned = await tx.outbox.list(statement=statement, version=version, purpose=Purpose.STATEMENT)
        if all(d.state is DeliveryState.REFUSED for d in planned):
            raise NothingToWithdraw(f"no target carries {text.label}, so there is nothing to withdraw")
        for delivery in planned:
            if delivery.state is DeliveryState.PENDING:
                await stop(here, tx, delivery, actor=actor, reason=reason)
            elif delivery.state in ARRIVED:
                withdrawal = withdrawal_of(delivery, here.clock.now())
                await tx.outbox.enqueue(
                    withdrawal, actor=actor, via=here.via, reason=reason, flow_run_id=here.flow_run_id
                )
        await tx.statements.set_status(
            statement, version, StatementStatus.WITHDRAWN, actor=actor, via=here.via, reason=reason
        )
        withdrawals = await tx.outbox.list(statement=statement, version=version, purpose=Purpose.WITHDRAWAL)
    under_way = [d for d in planned if d.state in UNDER_WAY]
    await asyncio.gather(*(deliver(here, d.id) for d in (*withdrawals, *under_way)))
    async with here.store.reading() as tx:
        done = await tx.outbox.list(statement=statement, version=version, purpose=Purpose.WITHDRAWAL)
        texts = await tx.outbox.list(statement=statement, version=version, purpose=Purpose.STATEMENT)
    await ask_about_open(here, incident, [*done, *texts])
    return done

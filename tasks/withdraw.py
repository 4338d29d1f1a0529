"""Taking back what was published: a delivery of its own to every target that carries the text. Nobody is stranded.

Whoever was told that a text is out is told that it is withdrawn, and the promises it made are withdrawn with it.
"""

import asyncio

from crisis.approval import check_withdrawal
from crisis.commitment import CommitmentState, commitment_id
from crisis.delivery import ARRIVED, Delivery, DeliveryState, Purpose
from crisis.statement import Statement
from records import StatementStatus, Transaction
from records.work import Act
from tasks.deliver import deliver, stop, withdrawal_of
from tasks.installation import Installation
from tasks.notify import Notice, tell_stakeholders, told_of
from tasks.publish import all_settled, ask_about_open

UNDER_WAY = frozenset({DeliveryState.ARMED, DeliveryState.UNKNOWN})
"""Possibly on its target by now; whoever finds out takes it back."""


class NothingToWithdraw(ValueError):
    """No target carries the statement."""


async def withdraw(here: Installation, statement: str, version: int, *, actor: str, reason: str) -> list[Delivery]:
    """Withdraw a published version from every target that carries it, and return the withdrawals as they stand.

    What was still waiting to be sent is not sent any more; what is just being sent, or may have arrived, is taken back
    as soon as it is found to be there. What a platform cannot take back (a mail that was sent) ends refused and in
    front of the incident lead: it needs a correction instead. Repeats withdraw nothing twice and tell nobody twice.

    Raises:
        NotAllowed: the actor may not withdraw statements, or the reason is blank.
        NothingToWithdraw: no target carries the version, or will.
    """
    act: Act = {"actor": actor, "via": here.via, "reason": reason, "flow_run_id": here.flow_run_id}
    async with here.store.transaction() as tx:
        text = await tx.statements.get(statement, version)
        incident = await tx.incidents.get(text.incident)
        person = await tx.stakeholders.get(actor)
        roles = person.roles_on(incident.watch) if person else ()
        check_withdrawal(actor=actor, roles_of_actor=roles, lead=incident.lead, reason=reason)
        planned = await tx.outbox.list(statement=statement, version=version, purpose=Purpose.STATEMENT)
        if all(d.state is DeliveryState.REFUSED for d in planned):
            raise NothingToWithdraw(f"no target carries {text.label}, so there is nothing to withdraw")
        for delivery in planned:
            if delivery.state is DeliveryState.PENDING and not delivery.arrived:
                await stop(here, tx, delivery, actor=actor, reason=reason)
            elif delivery.state in ARRIVED:
                await tx.outbox.enqueue(withdrawal_of(delivery, here.clock.now()), **act)
        await tx.statements.set_status(statement, version, StatementStatus.WITHDRAWN, **act)
        await _withdraw_promises(here, tx, text, act)
        withdrawals = await tx.outbox.list(statement=statement, version=version, purpose=Purpose.WITHDRAWAL)
    under_way = [d for d in planned if d.state in UNDER_WAY or (d.state is DeliveryState.PENDING and d.arrived)]
    await asyncio.gather(*(deliver(here, d.id) for d in (*withdrawals, *under_way)))
    async with here.store.reading() as tx:
        done = await tx.outbox.list(statement=statement, version=version, purpose=Purpose.WITHDRAWAL)
        texts = await tx.outbox.list(statement=statement, version=version, purpose=Purpose.STATEMENT)
    await tell_of_withdrawal(here, statement, version)
    await ask_about_open(here, incident, [*done, *texts])
    return done


async def _withdraw_promises(here: Installation, tx: Transaction, text: Statement, act: Act) -> None:
    """What the text promised and nobody has kept yet is no promise any more; what other texts promised stays one."""
    made = commitment_id(text.id, text.version, 0)[:-1]
    for promise in await tx.commitments.list(incident=text.incident, state=CommitmentState.OPEN):
        if promise.id.startswith(made):
            now = here.clock.now()
            await tx.commitments.settle(promise.id, CommitmentState.WITHDRAWN, by=act["actor"], at=now, **act)


async def tell_of_withdrawal(here: Installation, statement: str, version: int) -> None:
    """Tell everybody who was, or should have been, told of a text that it is withdrawn. Telling twice tells once."""
    async with here.store.reading() as tx:
        text = await tx.statements.get(statement, version)
        incident = await tx.incidents.get(text.incident)
        record = next(
            r
            for r in reversed(await tx.ledger.list(kind="statement.withdrawn", incident=incident.id))
            if (r.data.get("statement"), r.data.get("version")) == (statement, version)
        )
        withdrawals = await tx.outbox.list(statement=statement, version=version, purpose=Purpose.WITHDRAWAL)
        person = await tx.stakeholders.get(record.actor)
        published = f"published/{statement}/{version}"
        if not withdrawals and not await told_of(tx, incident, published):
            return  # it reached nobody, and nobody was told that it had
    notice = Notice(
        occasion=f"withdrawn/{statement}/{version}",
        template="withdrawn",
        context={
            "statement": text,
            "withdrawals": withdrawals,
            "by": person.name if person else record.actor,
            "reason": record.reason,
        },
    )
    await tell_stakeholders(here, incident, notice, after=published)


async def recover_withdrawals(here: Installation, incidents: frozenset[str]) -> None:
    """Finish telling of withdrawals in these incidents whose process was killed before it had told everybody."""
    async with here.store.reading() as tx:
        records = [r for r in await tx.ledger.list(kind="statement.withdrawn") if r.incident in incidents]
        known = {(str(r.data["statement"]), int(r.data["version"])) for r in records}
        settled = [
            (statement, version)
            for statement, version in sorted(known)
            if all_settled(await tx.outbox.list(statement=statement, version=version))
        ]
    for statement, version in settled:
        await tell_of_withdrawal(here, statement, version)

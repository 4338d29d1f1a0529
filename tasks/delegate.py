"""Handing one's turn to a named person, and taking it back into one's own hands. Both are on record, and whoever now
decides is asked at once with a signed link of their own."""

from datetime import timedelta

from crisis.approval import NotAllowed
from crisis.delegation import Delegation, check_delegation
from records import Transaction
from records.work import Act
from tasks.asking import ask
from tasks.installation import Installation
from tasks.people import circle_of


async def delegate(
    here: Installation,
    *,
    delegator: str,
    to: str,
    lasts: timedelta,
    reason: str,
    statement: str = "",
    via: str = "",
) -> Delegation:
    """Hand a turn on, for all statements or for one, until the time is over.

    Raises:
        NotAllowed: see ``crisis.delegation.check_delegation``; why is on record, too.
        records.NotFound: there is no such statement.
    """
    now = here.clock.now()
    act: Act = {"actor": delegator, "via": via or here.via, "reason": reason, "flow_run_id": here.flow_run_id}
    try:
        async with here.store.transaction() as tx:
            text = await tx.statements.get(statement) if statement else None
            given = Delegation(
                id=await tx.delegations.next_id(),
                delegator=delegator,
                delegate=to,
                statement=statement,
                given_at=now,
                until=now + lasts,
                reason=reason,
            )
            people = await tx.stakeholders.list()
            if text:
                people = await circle_of(tx, await tx.incidents.get(text.incident))
            check_delegation(given, people, author=text.author if text else "")
            await tx.delegations.add(given, incident=text.incident if text else "", **act)
    except NotAllowed as refusal:
        async with here.store.transaction() as tx:
            data = {"delegator": delegator, "delegate": to, "statement": statement}
            await tx.ledger.append("delegation.refused", data=data, **(act | {"reason": str(refusal)}))
        raise
    await ask_delegates(here, statement)
    return given


async def take_over_again(here: Installation, id: str, *, actor: str, reason: str, via: str = "") -> Delegation:
    """End a delegation. What the delegate has decided until now stays on record and counts.

    Raises:
        NotAllowed: it is not theirs.
        records.NotFound: there is no such delegation.
    """
    async with here.store.transaction() as tx:
        given = await tx.delegations.get(id)
        if actor not in (given.delegator, given.delegate):
            raise NotAllowed(f"{id} was given by {given.delegator}: only they, or {given.delegate}, can end it")
        act: Act = {"actor": actor, "via": via or here.via, "reason": reason, "flow_run_id": here.flow_run_id}
        return await tx.delegations.revoke(id, incident=await _incident_of(tx, given.statement), **act)


async def _incident_of(tx: Transaction, statement: str) -> str:
    return (await tx.statements.get(statement)).incident if statement else ""


async def ask_delegates(here: Installation, statement: str = "") -> None:
    """Ask whoever may decide since then, on what waits for a decision (of one statement, or of all)."""
    async with here.store.reading() as tx:
        waiting = [p for p in await tx.statements.open_proposals() if statement in ("", p.statement)]
        texts = [await tx.statements.get(p.statement, p.version) for p in waiting]
    for text in texts:
        await ask(here, text)

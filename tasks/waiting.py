"""What an incident waits for, and from whom, in one sentence: what a tired person needs to read first."""

from collections.abc import AsyncIterator

from crisis.commitment import CommitmentState
from crisis.delivery import ARRIVED, Purpose
from crisis.freeze import FreezeState
from crisis.incident import Incident, IncidentState
from crisis.read_back import to_mend
from records import StatementStatus
from tasks.approve import standing_of
from tasks.freeze import frozen_in
from tasks.installation import Installation
from tasks.linting import blocking

_BY_STATE = {
    IncidentState.CANDIDATE: "somebody to confirm that it is real, or dismiss it",
    IncidentState.OPEN: "the response to be started",
    IncidentState.RESOLVED: "its after-action review: a meeting, what was learnt, and signatures",
    IncidentState.REVIEWED: "nothing: it is closed and its report is written",
    IncidentState.DISMISSED: "nothing: it was a false alarm",
}


async def waiting_for(here: Installation, incident: Incident) -> str:
    """The most urgent thing this incident waits for, and how many more there are.

    First what may have gone wrong outside, then decisions, then published texts that do not stand as they did, then
    promises by when they are due, then texts to write.
    """
    if incident.merged_into:
        return f"nothing: it is part of {incident.merged_into}"
    if incident.state in _BY_STATE:
        frozen = sum(p.state is FreezeState.FROZEN for p in await frozen_in(here, incident.id))
        if frozen and incident.closed_at:
            what = "a frozen post" if frozen == 1 else f"{frozen} frozen posts"
            return f"somebody to say what becomes of {what}: `fireline unfreeze {incident.id}`"
        return _BY_STATE[incident.state]
    waits = [says async for says in _waits(here, incident)]
    if not waits:
        return "the reaction to calm, or the next statement"
    more = len(waits) - 1
    return waits[0] + (f"; and {more} more" if more else "")


async def _waits(here: Installation, incident: Incident) -> AsyncIterator[str]:
    async with here.store.reading() as tx:
        deliveries = await tx.outbox.list(incident=incident.id)
        statements = [(s, await tx.statements.status(s.id, s.version)) for s in await tx.statements.list(incident.id)]
        seen = await tx.read_backs.of(incident.id)
        promises = await tx.commitments.list(incident=incident.id, state=CommitmentState.OPEN)
        people = [p.on(incident.watch) for p in await tx.stakeholders.list()]
    for delivery in deliveries:
        if delivery.needs_human and delivery.purpose is not Purpose.NOTICE:
            yield f"somebody to look whether {delivery.statement} arrived on {delivery.rendering.target.channel}"
    for statement, status in statements:
        if status is StatementStatus.PROPOSED:
            standing = await standing_of(here, statement.id, statement.version)
            who = ", ".join(
                p.name
                for p in people
                if set(standing.missing) & set(standing.asked) & set(p.roles) and p.email != statement.author
            )
            yield f"approval of {statement.label}: {standing.says}" + (f" ({who})" if who else "")
    back = frozenset(d.withdraws for d in deliveries if d.purpose is Purpose.WITHDRAWAL and d.state in ARRIVED)
    corrections = [s for s, status in statements if s.corrects and status is StatementStatus.PUBLISHED]
    for name, changed in to_mend(deliveries, seen, back, corrections).items():
        where = ", ".join(d.rendering.target.channel for d, _ in changed)
        yield f"somebody to correct or withdraw {name}, which does not stand as approved on {where}"
    for promise in sorted(promises, key=lambda promise: promise.due_at):
        yield f"{promise.text}, due by {promise.due_at:%H:%M} UTC"
    for statement, status in statements:
        if status in (StatementStatus.DRAFT, StatementStatus.RETURNED, StatementStatus.VOIDED, StatementStatus.EXPIRED):
            stops = await blocking(here, statement) if status is StatementStatus.DRAFT else ()
            lint = f" and held by lint ({', '.join(stops)})" if stops else ""
            yield f"a new version of {statement.label}, which is {status.value}{lint}"
    if not any(statement.kind.to_all for statement, _ in statements):
        yield "its first draft"

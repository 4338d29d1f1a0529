"""What an incident waits for, and from whom, in one sentence: what a tired person needs to read first."""

from crisis.commitment import CommitmentState
from crisis.delivery import Purpose
from crisis.incident import Incident, IncidentState
from records import StatementStatus
from tasks.approve import standing_of
from tasks.installation import Installation

_BY_STATE = {
    IncidentState.CANDIDATE: "somebody to confirm that it is real, or dismiss it",
    IncidentState.OPEN: "the response to be started",
    IncidentState.RESOLVED: "its after-action report",
    IncidentState.REVIEWED: "nothing: it is closed and its report is written",
    IncidentState.DISMISSED: "nothing: it was a false alarm",
}


async def waiting_for(here: Installation, incident: Incident) -> str:
    """The most urgent thing this incident waits for."""
    if incident.merged_into:
        return f"nothing: it is part of {incident.merged_into}"
    if incident.state in _BY_STATE:
        return _BY_STATE[incident.state]
    async with here.store.reading() as tx:
        deliveries = await tx.outbox.list(incident=incident.id)
        statements = [(s, await tx.statements.status(s.id, s.version)) for s in await tx.statements.list(incident.id)]
        promises = await tx.commitments.list(incident=incident.id, state=CommitmentState.OPEN)
        people = await tx.stakeholders.list()
    stuck = [d for d in deliveries if d.needs_human and d.purpose is not Purpose.NOTICE]
    if stuck:
        return f"somebody to look whether {stuck[0].statement} arrived on {stuck[0].rendering.target.channel}"
    for statement, status in statements:
        if status is StatementStatus.PROPOSED:
            standing = await standing_of(here, statement.id, statement.version)
            who = ", ".join(
                p.name for p in people if set(standing.missing) & set(p.roles) and p.email != statement.author
            )
            return f"approval of {statement.label}: {standing.says}" + (f" ({who})" if who else "")
        if status in (StatementStatus.DRAFT, StatementStatus.RETURNED, StatementStatus.VOIDED, StatementStatus.EXPIRED):
            return f"a new version of {statement.label}, which is {status.value}"
    if promises:
        return f"{promises[0].text}, due by {promises[0].due_at:%H:%M} UTC"
    if not statements:
        return "its first draft"
    return "the reaction to calm, or the next statement"

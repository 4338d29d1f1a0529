"""Closing: a person resolves an incident once nothing that was promised is open; the review follows."""

from crisis.commitment import CommitmentState
from crisis.incident import IllegalStep, Incident, IncidentState
from tasks.freeze import propose_unfreezing
from tasks.installation import Installation
from tasks.notify import Notice, tell_stakeholders
from tasks.runs import Started, emit, start_run


async def resolve(here: Installation, incident_id: str, *, actor: str, reason: str) -> Incident:
    """Resolve, and ask for the review.

    Raises:
        IllegalStep: the incident cannot be resolved now, or a promise is still open.
    """
    async with here.store.transaction() as tx:
        promises = await tx.commitments.list(incident=incident_id, state=CommitmentState.OPEN)
        if promises:
            raise IllegalStep(
                f"{incident_id} still owes the public: {promises[0].text}. Publish a resolution statement first: "
                f"`fireline draft {incident_id} --kind resolution`"
            )
        incident = await tx.incidents.step(
            incident_id, IncidentState.RESOLVED, actor=actor, via=here.via, reason=reason, flow_run_id=here.flow_run_id
        )
    await tell_stakeholders(
        here, incident, Notice(occasion="resolved", template="resolved", context={"reason": reason})
    )
    await propose_unfreezing(here, incident)
    await start_review(incident)
    emit(
        "incident.resolved",
        incident=incident.id,
        reference=str(incident.closed_at),
        payload={"incident": incident.id, "by": actor, "reason": reason},
    )
    return incident


async def start_review(incident: Incident) -> Started:
    """Ask for the one ``review`` run of a resolved incident, or for the one that writes its final report once it is
    reviewed."""
    signed = "-signed" if incident.state is IncidentState.REVIEWED else ""
    return await start_run(
        "review/review",
        key=f"review-{incident.id}-{incident.closed_at}{signed}",
        name=f"{incident.id} · {incident.severity} · review",
        parameters={"incident": incident.id},
        tags=[f"incident:{incident.id}"],
    )


async def mark_reviewed(here: Installation, incident_id: str) -> Incident:
    """The report is written: where nobody is asked to sign the review, that is its end. Doing it twice changes nothing."""
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(incident_id)
        if incident.state is IncidentState.REVIEWED or here.settings.review.signed_by:
            return incident
        return await tx.incidents.step(
            incident_id,
            IncidentState.REVIEWED,
            actor="review",
            via=here.via,
            reason="the after-action report is done",
            flow_run_id=here.flow_run_id,
        )

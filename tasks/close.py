"""Closing: a person resolves an incident once nothing that was promised is open; the review follows."""

from crisis.commitment import CommitmentState, PromiseKind
from crisis.incident import IllegalStep, Incident, IncidentState
from tasks.freeze import propose_unfreezing
from tasks.installation import Installation
from tasks.notify import Notice, tell_stakeholders
from tasks.promises import still_owed
from tasks.runs import Started, emit, start_run
from tasks.stranded import audiences, excuse_all


async def resolve(here: Installation, incident_id: str, *, actor: str, reason: str, unreached: str = "") -> Incident:
    """Resolve, and ask for the review.

    ``unreached``: why those who were told earlier and not that it is over are not told; it goes on record for each.

    Raises:
        IllegalStep: the incident cannot be resolved now, a promise is still open, or somebody is stranded.
    """
    async with here.store.transaction() as tx:
        promises = await tx.commitments.list(incident=incident_id, state=CommitmentState.OPEN)
        if owed := still_owed(promises, here.clock.now()):
            how = (
                f"Publish a resolution statement first: `fireline draft {incident_id} --kind resolution`"
                if owed.kind is PromiseKind.UPDATE
                else f"It is overdue: keep it, or say that it is broken, with `fireline kept {owed.id}`"
            )
            raise IllegalStep(f"{incident_id} still owes the public: {owed.text}. {how}")
        before = await tx.incidents.get(incident_id)
        if unreached.strip():
            await excuse_all(here, tx, before, by=actor, reason=unreached)
        elif stranded := [a for a in await audiences(tx, before) if a.open]:
            names = ", ".join(dict.fromkeys(a.key for a in stranded[:5]))
            more = f" and {len(stranded) - 5} more" if len(stranded) > 5 else ""
            raise IllegalStep(
                f"{incident_id} would leave people behind who were told earlier: {names}{more}. Publish the resolution "
                f"there, or say why they are not told (`fireline stranded {incident_id}`)"
            )
        incident = await tx.incidents.step(
            incident_id, IncidentState.RESOLVED, actor=actor, via=here.via, reason=reason, flow_run_id=here.flow_run_id
        )
    await tell_stakeholders(
        here, incident, Notice(occasion="resolved", template="resolved", context={"reason": reason}), after="opened"
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

"""Closing: a person resolves an incident once nothing that was promised is open; the review follows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crisis.commitment import Commitment, CommitmentState, PromiseKind
from crisis.incident import IllegalStep, Incident, IncidentState
from crisis.stranded import Audience
from records import Transaction
from tasks.effect import judge_effects
from tasks.freeze import propose_unfreezing
from tasks.installation import Installation
from tasks.notify import Notice, tell_stakeholders
from tasks.promises import still_owed
from tasks.questions import Asked, in_a_word, unanswered
from tasks.runs import Started, emit, start_run
from tasks.stranded import audiences, excuse_all


@dataclass(frozen=True)
class Owed:
    """What is open when an incident is to be closed: one sentence each, empty where nothing is."""

    promise: str = ""
    stranded: str = ""
    questions: str = ""
    """Does not keep it from being closed: not every question can be answered."""

    @property
    def blocks(self) -> bool:
        return bool(self.promise or self.stranded)

    @property
    def says(self) -> tuple[str, ...]:
        return tuple(sentence for sentence in (self.promise, self.stranded, self.questions) if sentence)


async def owed(here: Installation, tx: Transaction, incident: Incident) -> Owed:
    """What the public, and those who were told, are still owed."""
    now = here.clock.now()
    return Owed(
        promise=_promise(incident, still_owed(await _open_promises(tx, incident), now)),
        stranded=_stranded(incident, [a for a in await audiences(tx, incident) if a.open]),
        questions=_questions(incident, await unanswered(tx, incident, now), now),
    )


async def _open_promises(tx: Transaction, incident: Incident) -> Sequence[Commitment]:
    return await tx.commitments.list(incident=incident.id, state=CommitmentState.OPEN)


def _promise(incident: Incident, promise: Commitment | None) -> str:
    if promise is None:
        return ""
    how = (
        f"Publish a resolution statement first: `fireline draft {incident.id} --kind resolution`"
        if promise.kind is PromiseKind.UPDATE
        else f"It is overdue: keep it, or say that it is broken, with `fireline kept {promise.id}`"
    )
    return f"{incident.id} still owes the public: {promise.text}. {how}"


def _stranded(incident: Incident, stranded: Sequence[Audience]) -> str:
    if not stranded:
        return ""
    names = ", ".join(dict.fromkeys(a.key for a in stranded[:5]))
    more = f" and {len(stranded) - 5} more" if len(stranded) > 5 else ""
    return (
        f"{incident.id} would leave people behind who were told earlier: {names}{more}. Publish the resolution there, "
        f"or say why they are not told (`fireline stranded {incident.id}`)"
    )


def _questions(incident: Incident, waiting: Sequence[Asked], now: datetime) -> str:
    says = in_a_word(waiting, now)
    return (
        f"{says}: answer, or set aside with a reason (`fireline questions {incident.id} --unanswered`)" if says else ""
    )


async def resolve(here: Installation, incident_id: str, *, actor: str, reason: str, unreached: str = "") -> Incident:
    """Settle what our words did, resolve, and ask for the review.

    ``unreached``: why those who were told earlier and not that it is over are not told; it goes on record for each.
    Questions without an answer do not keep it open; they are named with whatever does.

    Raises:
        IllegalStep: the incident cannot be resolved now, a promise is still open, or somebody is stranded.
    """
    async with here.store.reading() as tx:
        before = await tx.incidents.get(incident_id)
        found = await owed(here, tx, before)
    if unreached.strip():
        found = replace(found, stranded="")
    if found.blocks:
        raise IllegalStep(". ".join(found.says))
    if before.closed_at is None:
        await judge_effects(here, incident_id)
    async with here.store.transaction() as tx:
        before = await tx.incidents.get(incident_id)
        if unreached.strip():
            await excuse_all(here, tx, before, by=actor, reason=unreached)
        if (meanwhile := await owed(here, tx, before)).blocks:
            raise IllegalStep(". ".join(meanwhile.says))
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
        incident=incident,
        reference=str(incident.closed_at),
        payload={},
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

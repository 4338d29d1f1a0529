"""Opening incidents and keeping their assessment: the row is written first, then people are told, then a run is started."""

from datetime import datetime

from crisis import doctrine
from crisis.correlation import Matter, incident_for
from crisis.incident import Incident, IncidentState
from crisis.opening import again, answered, opening
from crisis.retelling import retold
from crisis.triage import REPORTED, Assessment, Cluster, Factor, Signal
from crisis.typed_in import TITLE, one_line
from crisis.values import CrisisType, Severity
from crisis.watch import Mention, Watch
from records import Transaction
from records.work import Act
from tasks.installation import Installation
from tasks.notify import Notice
from tasks.runs import Started, emit, start_run


async def open_detected(
    here: Installation,
    watch: Watch,
    signal: Signal,
    assessment: Assessment,
    mentions: list[Mention],
    *,
    matter: Matter | None = None,
) -> tuple[Incident, bool]:
    """The incident of a signal: a live one of the same watch that it joins (and may change), or a new one.

    ``matter``: what is being said now; another matter than the live incidents' opens one of its own, for which
    ``assessment`` and ``mentions`` must be of that matter alone. An episode whose incident was closed or dismissed
    opens no second one. Where the playbook says so, a new incident is a candidate first.

    Returns the incident and whether it is new (or has just stopped waiting as a candidate).
    """
    async with here.store.transaction() as tx:
        live = await tx.incidents.live(watch.name)
        incident = incident_for(live, matter, signal.at)
        if incident is not None:
            await tx.mentions.relied_on(incident.id, mentions)
            return await _reassess(here, tx, incident, assessment)
        closed = None if live else answered(await tx.incidents.list(watch=watch.name), signal)
        if closed is not None:
            return closed, False
        new = opening(watch, signal, assessment, mentions, another=matter if live else None, playbooks=here.playbooks)
        incident = await tx.incidents.open(
            watch=watch.name,
            title=here.marked(new.title),
            assessment=assessment,
            opened_at=signal.at,
            started_at=new.started_at,
            narrative=new.narrative,
            opened_by="detector",
            lead=watch.owner,
            state=new.state,
            actor="detector",
            via=here.via,
            flow_run_id=here.flow_run_id,
        )
        await tx.mentions.relied_on(incident.id, mentions)
    return incident, True


async def _reassess(here: Installation, tx: Transaction, incident: Incident, seen: Assessment) -> tuple[Incident, bool]:
    """What one more look at a live incident changes; true when a candidate has grown beyond what waits for a person."""
    look = again(
        incident,
        await tx.incidents.assessments(incident.id),
        seen,
        may_lower=not await tx.statements.open_proposals(incident.id),
        playbooks=here.playbooks,
        sensitivity=here.settings.detection,
    )
    settled = look.settled
    incident = await tx.incidents.seen_lower(incident.id, settled.lower_since)
    act: Act = {"actor": "triage", "via": here.via, "reason": settled.says, "flow_run_id": here.flow_run_id}
    if settled.assessment is None:
        renewed = retold(incident.assessment, seen, tied=await tx.incidents.ties(incident.id))
        if renewed is not None:
            incident = await tx.incidents.retell(incident.id, renewed.assessment, **act | {"reason": renewed.says})
        return incident, False
    incident = await tx.incidents.assess(incident.id, settled.assessment, **act)
    if look.opens:
        return await tx.incidents.step(incident.id, IncidentState.OPEN, **act), True
    return incident, False


async def open_by_hand(
    here: Installation,
    *,
    watch: str,
    title: str,
    crisis_type: CrisisType,
    severity: Severity,
    reported_by: str,
    key: str = "",
) -> Incident:
    """Open an incident that a person reports. ``key`` (such as the run's id) makes a repeat find the same incident.

    Raises:
        crisis.typed_in.NotOneLine: the title is blank, too long, or holds what cannot be shown.
        records.NotFound: no such watch.
    """
    title = one_line(title, "the title", longest=TITLE)
    opened_by = f"{reported_by or 'unattributed'}{f' [{key}]' if key else ''}"
    async with here.store.whole.transaction() as tx:
        protected = await tx.watches.get(watch)
        if key:
            for known in await tx.incidents.list(watch=watch):
                if known.opened_by == opened_by:
                    return known
        now = here.clock.now()
        return await tx.incidents.open(
            watch=watch,
            title=here.marked(title),
            assessment=assessment_by_hand(here, protected, crisis_type, severity, now, reported_by),
            opened_at=now,
            started_at=now,
            opened_by=opened_by,
            lead=protected.owner,
            actor=reported_by or "unattributed",
            via=here.via,
            flow_run_id=here.flow_run_id,
        )


def assessment_by_hand(
    here: Installation,
    watch: Watch,
    crisis_type: CrisisType,
    severity: Severity,
    now: datetime,
    by: str,
    *,
    reason: str = "",
) -> Assessment:
    """What a person says of an incident, completed by the playbook and the doctrine."""
    playbook = here.playbook(crisis_type)
    choice = doctrine.choose_strategy(
        playbook.cluster, crisis_type, past_crises=watch.past_crises, standing=watch.standing
    )
    says = f"{by or 'somebody'} reported it as {severity}"
    return Assessment(
        severity=severity,
        type=crisis_type,
        score=0.0,
        factors=(Factor(name=REPORTED, value=1, says=says),),
        cluster=Cluster(playbook.cluster),
        strategy=choice.strategy,
        why_strategy=choice.why,
        clocks=playbook.clocks,
        assessed_at=now,
        assessed_by=by or "unattributed",
        override_reason=reason,
    )


async def override(
    here: Installation, incident_id: str, *, severity: Severity, crisis_type: CrisisType, actor: str, reason: str
) -> Incident:
    """A person's assessment replaces triage's; the reason is on record, and earlier approvals no longer match."""
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(incident_id)
        watch = await tx.watches.get(incident.watch)
        by_hand = assessment_by_hand(here, watch, crisis_type, severity, here.clock.now(), actor, reason=reason)
        kept = {
            "factors": incident.assessment.factors + by_hand.factors,
            "narratives": incident.assessment.narratives,
            "authors": incident.assessment.authors,
            "negative_share": incident.assessment.negative_share,
            "score": incident.assessment.score,
        }
        return await tx.incidents.assess(
            incident_id, by_hand.model_copy(update=kept), actor=actor, via=here.via, reason=reason
        )


def opened_notice(here: Installation, incident: Incident) -> Notice:
    """The first word that people get of an incident."""
    return Notice(occasion="opened", template="opened")


async def start_response(here: Installation, incident: Incident) -> Started:
    """Ask for the one ``respond`` run of an incident, and leave the event for the trail."""
    started = await start_run(
        "respond/respond",
        key=f"respond-{incident.id}-{incident.opened_at.isoformat()}",
        name=f"{incident.id} · {incident.severity} · respond",
        parameters={"incident": incident.id},
        tags=[f"incident:{incident.id}"],
    )
    emit(
        "incident.opened",
        incident=incident,
        reference=incident.opened_at.isoformat(),
        payload={},
    )
    return started


async def find(here: Installation, incident_id: str) -> Incident:
    """The incident of that id. Raises ``records.NotFound``."""
    async with here.store.reading() as tx:
        return await tx.incidents.get(incident_id)


async def claim(here: Installation, incident_id: str, *, takeover_from: str = "") -> Incident | None:
    """Take the response for this flow run; None when another run has it. Safe to repeat by the same run."""
    async with here.store.transaction() as tx:
        ours = await tx.incidents.claim(
            incident_id, here.flow_run_id, takeover_from=takeover_from, actor="respond", via=here.via
        )
        if not ours:
            return None
        incident = await tx.incidents.get(incident_id)
        if incident.state is IncidentState.OPEN:
            incident = await tx.incidents.step(
                incident_id,
                IncidentState.RESPONDING,
                actor="respond",
                via=here.via,
                reason="a response is started",
                flow_run_id=here.flow_run_id,
            )
    emit(
        "incident.claimed",
        incident=incident,
        reference=here.flow_run_id,
        payload={"run": here.flow_run_id},
    )
    return incident

"""What people do with incidents besides answering them: confirm a candidate, dismiss a false alarm, merge two that are one,
split one that is two, tie a narrative to the fact that answers it; and the labels that all this leaves.

Statements and deliveries stay with the incident under which they were made; mentions go where they belong, and a legal
hold and a restriction go with them.
"""

from collections.abc import Sequence
from datetime import datetime

from crisis import severity
from crisis.approval import NotAllowed
from crisis.commitment import CommitmentState
from crisis.fact import Fact
from crisis.incident import Dismissal, IllegalStep, Incident, IncidentState, Label
from crisis.narratives import Narratives
from crisis.triage import Assessment, Narrative, Signal
from crisis.watch import Mention, Watch
from records import NotFound, Transaction
from records.work import Act
from tasks import hold
from tasks.approve import CHECK_AGAIN
from tasks.first_word import alert
from tasks.freeze import propose_unfreezing
from tasks.installation import Installation
from tasks.links import ACTING_PLACEHOLDER
from tasks.notify import Notice, tell_lead
from tasks.people import sees
from tasks.runs import wake

REAL = frozenset(
    {
        IncidentState.OPEN,
        IncidentState.RESPONDING,
        IncidentState.MONITORING,
        IncidentState.RESOLVED,
        IncidentState.REVIEWED,
    }
)
"""States that only what people took for real is in."""


async def ask_to_confirm(here: Installation, incident: Incident) -> bool:
    """Tell the lead of a candidate, with the way to confirm or dismiss it. Telling twice tells once."""
    notice = Notice(
        occasion="candidate", template="candidate", link=ACTING_PLACEHOLDER, button="Look, then confirm or dismiss"
    )
    return await tell_lead(here, incident, notice, why="the playbook asks a person first")


async def may_act(here: Installation, incident: Incident, person: str) -> None:
    """Hold somebody to the role: the incident's lead, or whoever is an incident lead.

    Raises:
        NotAllowed: they are neither.
    """
    async with here.store.reading() as tx:
        known = await tx.stakeholders.get(person)
        seen = await sees(tx, incident, known)
    if known is None:
        raise NotAllowed(f"{person} is not among the stakeholders")
    if not seen:
        raise NotAllowed(f"{incident.id} is restricted, and {known.name} is not among those who may see it")
    if person != incident.lead and "incident_lead" not in known.roles_on(incident.watch):
        raise NotAllowed(f"{known.name} neither leads {incident.id} nor is an incident lead")


async def confirm(here: Installation, incident_id: str, *, actor: str, reason: str) -> Incident:
    """A person confirms a candidate: it opens, people are told and the response starts.

    Raises:
        IllegalStep: it is no candidate.
        records.NotFound: there is no such incident.
    """
    async with here.store.transaction() as tx:
        incident = await tx.incidents.step(
            incident_id, IncidentState.OPEN, actor=actor, via=here.via, reason=reason, flow_run_id=here.flow_run_id
        )
    await alert(here, incident)
    return incident


async def dismiss(
    here: Installation, incident_id: str, *, actor: str, reason: str, label: Dismissal = Dismissal.FALSE_ALARM
) -> Incident:
    """A person calls it a false alarm; why is a label for later tuning. A run that waits for people ends.

    Raises:
        IllegalStep: the incident is over, or a statement on it is out.
        records.NotFound: there is no such incident.
    """
    act: Act = {"actor": actor, "via": here.via, "reason": reason, "flow_run_id": here.flow_run_id}
    async with here.store.transaction() as tx:
        incident = await tx.incidents.step(incident_id, IncidentState.DISMISSED, **act)
        await tx.ledger.append("incident.labelled", incident=incident_id, data={"label": label.value}, **act)
    await wake(incident.flow_run_id, CHECK_AGAIN)
    await propose_unfreezing(here, incident)
    return incident


async def merge(here: Installation, incident_id: str, into: str, *, actor: str, reason: str) -> Incident:
    """Two incidents are one: the first ends, its mentions and narratives go to the second, which goes on, and is from then
    on as grave as the graver of both. The first one's run ends by itself.

    Raises:
        IllegalStep: see ``Incident.merge``; or the public is still owed a word on the first, or its circle is smaller.
        records.NotFound: there is no such incident.
    """
    async with here.store.transaction() as tx:
        promises = await tx.commitments.list(incident=incident_id, state=CommitmentState.OPEN)
        if promises:
            raise IllegalStep(
                f"{incident_id} still owes the public: {promises[0].text}. Keep that promise first, or merge {into} "
                f"into {incident_id} instead"
            )
        ours, theirs = await tx.restrictions.get(incident_id), await tx.restrictions.get(into)
        if ours is not None and (theirs is None or ours.circle != theirs.circle):
            raise IllegalStep(
                f"{incident_id} is restricted, and {into} is not to the same people: restrict {into} alike first"
            )
        merged = await tx.incidents.merge(
            incident_id, into, actor=actor, via=here.via, reason=reason, flow_run_id=here.flow_run_id
        )
        await hold.carry_over(tx, here, incident_id, into, actor=actor, reason=reason)
        await tx.mentions.move(incident_id, into)
        whole = (await tx.incidents.get(into)).assessment
        seen = _taken_up(whole, merged.assessment, here.clock.now())
        keep = tx.incidents.retell if seen.severity is whole.severity else tx.incidents.assess
        await keep(into, seen, actor=actor, via=here.via, reason=reason)
    await hold.mark_archives(here, into)
    await wake(merged.flow_run_id, CHECK_AGAIN)
    await propose_unfreezing(here, merged)
    return merged


def _taken_up(whole: Assessment, other: Assessment, now: datetime) -> Assessment:
    """What an incident is rated that another became part of: as the graver of both, since that trouble is now its own, and
    with the narratives of both, so that they can be told apart, answered and split off again."""
    there = {narrative.id for narrative in whole.narratives}
    more = tuple(narrative for narrative in other.narratives if narrative.id not in there)
    changes: dict[str, object] = {"narratives": (*whole.narratives, *more), "narratives_at": now} if more else {}
    if other.severity > whole.severity:
        names = ("severity", "score", "factors", "negative_share", "confidence", "why_confidence", "assessed_by")
        changes |= {name: getattr(other, name) for name in names}
        changes |= {"authors": max(whole.authors, other.authors), "assessed_at": now}
    return whole.model_copy(update=changes)


async def split(here: Installation, incident_id: str, narrative: str, *, actor: str, reason: str) -> Incident:
    """One incident is two: a narrative and its mentions become an incident of their own, which is answered from now on.

    Raises:
        IllegalStep: the incident is over, or the narrative is all there is.
        records.NotFound: there is no such incident, or no such narrative in it.
    """
    act: Act = {"actor": actor, "via": here.via, "reason": reason, "flow_run_id": here.flow_run_id}
    async with here.store.transaction() as tx:
        old = await tx.incidents.get(incident_id)
        if old.state not in REAL or old.closed_at is not None:
            raise IllegalStep(f"{incident_id} is {old.state}: only an incident that is being answered can be split")
        chosen = named(old, narrative)
        watch = await tx.watches.get(old.watch)
        mentions = await tx.mentions.list(incident_id)
        moved = of_narratives(watch, old, (chosen,), mentions)[chosen.id]
        if not moved or len(moved) == len(mentions):
            raise IllegalStep(f"{incident_id} cannot be split: {chosen.label or chosen.id} is all or none of it")
        now = here.clock.now()
        assessment = _assessed(here, watch, old, await tx.signals.latest(old.watch), moved)
        new = await tx.incidents.open(
            watch=old.watch,
            title=here.marked(f"{watch.brand}: {assessment.type.value.replace('_', ' ')} ({chosen.label})"),
            assessment=assessment.model_copy(update={"assessed_at": now}),
            opened_at=now,
            started_at=min(now, moved[0].created_at),
            narrative=chosen.id,
            opened_by=actor,
            lead=old.lead,
            **act,
        )
        restriction = await tx.restrictions.get(incident_id)
        if restriction is not None:  # what was hidden stays hidden
            await tx.restrictions.put(restriction.model_copy(update={"incident": new.id}), **act)
        await hold.carry_over(tx, here, incident_id, new.id, actor=actor, reason=reason)
        await tx.mentions.move(incident_id, new.id, moved)
        data = {"narrative": chosen.id, "label": chosen.label, "into": new.id, "mentions": len(moved)}
        await tx.ledger.append("incident.split", incident=incident_id, data=data, **act)
    await alert(here, new)
    return new


def named(incident: Incident, narrative: str) -> Narrative:
    """The narrative of that id, or of that label. Raises ``records.NotFound`` naming those there are."""
    for known in incident.assessment.narratives:
        if narrative in (known.id, known.label):
            return known
    there = "; ".join(f"{n.id} ({n.label})" for n in incident.assessment.narratives) or "none"
    raise NotFound(f"{incident.id} has no narrative {narrative!r}; it has: {there}")


def of_narratives(
    watch: Watch, incident: Incident, chosen: Sequence[Narrative], mentions: Sequence[Mention]
) -> dict[str, list[Mention]]:
    """Which of an incident's posts make each of these narratives' claims, by narrative."""
    found = Narratives((watch.brand, watch.query), known=incident.assessment.narratives, keep=max(1, len(mentions)))
    for mention in mentions:
        found.add(mention.text, reposts=mention.reposts)
    found.settle()
    placed = [(found.narrative(mention.text), mention) for mention in mentions]
    names = {n.id: found.narrative(n.quote) if n.quote else found.now(n.id) for n in chosen}
    return {n.id: [mention for name, mention in placed if name == names[n.id]] for n in chosen}


def _assessed(
    here: Installation, watch: Watch, old: Incident, signal: Signal | None, mentions: list[Mention]
) -> Assessment:
    """Triage of the mentions that go: the watch's signal, but only with their voices."""
    if signal is None:
        return old.assessment.model_copy(update={"narratives": ()})
    sources: dict[str, int] = {}
    for mention in mentions:
        sources[mention.source] = sources.get(mention.source, 0) + 1
    voices = {(m.source, m.author or m.id) for m in mentions}
    part = signal.model_copy(
        update={
            "mentions": min(signal.mentions, len(mentions)),
            "distinct_texts": min(signal.distinct_texts, len(mentions)),
            "authors": min(signal.authors, len(voices)),
            "unread": min(signal.unread, len(mentions)),
            "reach": min(signal.reach, sum(m.followers + m.reposts for m in mentions)),
            "sources": sources,
            "started_at": min(signal.at, mentions[0].created_at),
            "copying_authors": 0,
            "copies": 0,
        }
    )
    return severity.assess(
        part, watch, mentions, playbooks=here.playbooks, newsrooms=here.newsrooms, sensitivity=here.settings.detection
    )


async def tie(
    here: Installation, incident_id: str, narrative: str, fact: str, *, actor: str, reason: str = ""
) -> Narrative:
    """Say which fact answers a narrative: the claim it makes is true, open or false as that fact says. Empty unties it.

    Raises:
        records.NotFound: there is no such incident, narrative or fact of this incident.
    """
    async with here.store.transaction() as tx:
        chosen = named(await tx.incidents.get(incident_id), narrative)
        if fact and (await tx.facts.get(fact)).incident != incident_id:
            raise NotFound(f"{fact} is not a fact of {incident_id}: `fireline fact {incident_id} TEXT` adds one")
        await tx.incidents.tie(
            incident_id, chosen.id, fact, actor=actor, via=here.via, reason=reason, flow_run_id=here.flow_run_id
        )
    return chosen


async def answers(tx: Transaction, incident_id: str) -> dict[str, Fact]:
    """The facts that answer an incident's narratives, by narrative."""
    return {narrative: await tx.facts.get(fact) for narrative, fact in (await tx.incidents.ties(incident_id)).items()}


async def labels(here: Installation) -> list[Label]:
    """What people said of each episode, oldest first: dismissed and why, or real. Candidates and merged ones say nothing."""
    found = []
    async with here.store.reading() as tx:
        now = here.clock.now()
        for incident in await tx.incidents.list():
            said = await tx.ledger.list(kind="incident.labelled", incident=incident.id)
            by_hand = [a for a in await tx.incidents.assessments(incident.id) if a.assessed_by != "triage"]
            if incident.state is IncidentState.DISMISSED and not incident.merged_into:
                label = str(said[-1].data["label"]) if said else Dismissal.FALSE_ALARM.value
                by, reason = (said[-1].actor, said[-1].reason) if said else ("", "")
            elif incident.state in REAL:
                label = "crisis"
                by = by_hand[-1].assessed_by if by_hand else incident.opened_by
                reason = by_hand[-1].override_reason if by_hand else ""
            else:
                continue
            found.append(
                Label(
                    start=incident.started_at,
                    end=incident.closed_at or now,
                    label=label,
                    incident=incident.id,
                    watch=incident.watch,
                    severity=incident.severity,
                    by=by,
                    reason=reason,
                )
            )
    return found

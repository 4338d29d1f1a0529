"""The summary of an incident for people who read one screen: what happened, how we did, what needs attention.

Every sentence is made of recorded numbers; nothing is praised and nothing is left out to look better.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from crisis.clocks import ClockReading, ClockState, Publication, span_in_words
from crisis.commitment import Commitment, CommitmentState
from crisis.delivery import Delivery, DeliveryState, Purpose
from crisis.effect import Effect, Verdict
from crisis.fact import Fact, FactStatus
from crisis.incident import Incident, IncidentState
from crisis.reaction import Observation, Reaction
from crisis.statement import Statement
from crisis.triage import Signal
from crisis.values import Frozen, UtcDatetime


class Figure(Frozen):
    """One number of the first screen."""

    label: str
    value: str
    note: str = ""
    good: bool | None = None
    """Whether it is good news; ``None`` when it is neither."""


class Account(Frozen):
    """What a summary is made of."""

    incident: Incident
    brand: str
    at: UtcDatetime
    signals: tuple[Signal, ...] = ()
    clocks: tuple[ClockReading, ...] = ()
    publications: tuple[Publication, ...] = ()
    statements: tuple[Statement, ...] = ()
    """Those that became public."""
    facts: tuple[Fact, ...] = ()
    """As they now stand."""
    deliveries: tuple[Delivery, ...] = ()
    """Of statements and withdrawals."""
    notices: tuple[Delivery, ...] = ()
    approvers: int = 0
    commitments: tuple[Commitment, ...] = ()
    observations: tuple[Observation, ...] = ()
    effects: tuple[Effect, ...] = ()
    """The newest judgement of each statement's effect, in the order of publication."""


def sentences(account: Account) -> tuple[str, ...]:
    """What happened, in four to six sentences."""
    told = [
        _beginning(account),
        _peak(account.signals),
        _words(account),
        _reaction(account),
        _end(account),
    ]
    return tuple(sentence for sentence in told if sentence)


def _beginning(account: Account) -> str:
    incident = account.incident
    kind = incident.assessment.type.value.replace("_", " ")
    noticed = incident.opened_at - incident.started_at
    after = f" {span_in_words(noticed)} after the first posts" if noticed >= timedelta(seconds=1) else ""
    day = f"{incident.opened_at.day} {incident.opened_at:%B %Y at %H:%M} UTC"
    return f"On {day} an incident about {account.brand} was opened{after}: {incident.severity}, {kind}."


def _peak(signals: Sequence[Signal]) -> str:
    if not signals:
        return ""
    peak = max(signals, key=lambda s: s.authors)
    times = (
        f", {peak.authors / peak.usual_authors:.1f}× the usual {peak.usual_authors:.0f}" if peak.usual_authors else ""
    )
    minutes = peak.window / timedelta(minutes=1)
    return (
        f"At its peak, at {peak.at:%H:%M} UTC, {peak.authors:,} people wrote within {minutes:g} minutes{times}; "
        f"{peak.negative_share:.0%} of the posts were negative (usually {peak.usual_negative_share:.0%})."
    )


def _words(account: Account) -> str:
    words = [p for p in account.publications if p.to_all]
    if not words:
        return "Nothing was said to the public."
    first = min(words, key=lambda p: p.at)
    reached, planned = _channels(account.deliveries)
    count = len(words)
    several = f"{count} statements were" if count > 1 else "One statement was"
    people = f"{account.approvers} {'people' if account.approvers != 1 else 'person'}"
    return (
        f"The first word was public {span_in_words(first.at - account.incident.opened_at)} after the incident opened. "
        f"{several} published, approved by {people}, and reached {reached} of {planned} targets."
    )


def _channels(deliveries: Sequence[Delivery]) -> tuple[int, int]:
    statements = [d for d in deliveries if d.purpose is Purpose.STATEMENT and not d.rendering.answers]
    return sum(d.arrived for d in statements), len(statements)


def _reaction(account: Account) -> str:
    """What was measured last, and how the effect of what was said was judged."""
    told = []
    if account.observations:
        last = account.observations[-1]
        count = len(account.observations)
        times = f"{count} times" if count > 1 else "once"
        told.append(f"The reaction was measured {times}; the last time, at {last.at:%H:%M} UTC: {last.says}.")
    if account.effects:
        effect = account.effects[-1]
        told.append(f"The effect of {effect.statement} v{effect.version} was judged: {effect.judged}.")
    return " ".join(told) or "The reaction after publication was not measured."


def _end(account: Account) -> str:
    incident = account.incident
    if incident.state is IncidentState.DISMISSED:
        return "The incident was dismissed as a false alarm."
    if incident.closed_at is None:
        return f"The incident is still {incident.state.value}."
    return f"It was resolved {span_in_words(incident.closed_at - incident.opened_at)} after it had opened."


def figures(account: Account) -> tuple[Figure, ...]:
    """The numbers of the first screen."""
    incident = account.incident
    shown = []
    if incident.started_at < incident.opened_at:
        noticed = span_in_words(incident.opened_at - incident.started_at)
        shown.append(Figure(label="Noticed", value=noticed, note="after the first posts"))
    holding = next((c for c in account.clocks if c.name == "Holding statement"), None)
    if holding is not None:
        value = span_in_words(holding.took) if holding.took is not None else "none"
        note = f"after opening; target {span_in_words(holding.target)}"
        shown.append(Figure(label="First word", value=value, note=note, good=_good(holding)))
    reached, planned = _channels(account.deliveries)
    if planned:
        shown.append(Figure(label="Reached", value=f"{reached} of {planned}", note="targets", good=reached == planned))
    counted = [c for c in account.clocks if c.state in (ClockState.KEPT, ClockState.MISSED)]
    if counted:
        kept = sum(c.state is ClockState.KEPT for c in counted)
        shown.append(Figure(label="Clocks", value=f"{kept} of {len(counted)}", note="kept", good=kept == len(counted)))
    due = [
        c
        for c in account.commitments
        if c.state in (CommitmentState.KEPT, CommitmentState.BROKEN)
        or (c.state is CommitmentState.OPEN and c.due_at <= account.at)
    ]
    if due:
        kept = sum(c.state is CommitmentState.KEPT for c in due)
        shown.append(Figure(label="Promises", value=f"{kept} of {len(due)}", note="kept", good=kept == len(due)))
    if account.observations:
        last = account.observations[-1]
        good = {Reaction.CALMING: True, Reaction.HOLDING: None, Reaction.GROWING: False}[last.verdict]
        value = "calm" if last.calm else last.verdict.value
        share = f"{last.negative_share:.0%} negative, {last.before_negative_share:.0%} before"
        shown.append(Figure(label="Reaction", value=value, note=share, good=good))
    elif account.effects:
        judged = account.effects[-1]
        good = {Verdict.WORKING: True, Verdict.WORSE: False}.get(judged.verdict)
        note = f"after {judged.statement} v{judged.version}"
        shown.append(Figure(label="Reaction", value=judged.verdict.value, note=note, good=good))
    return tuple(shown)


def _good(clock: ClockReading) -> bool | None:
    return {ClockState.KEPT: True, ClockState.MISSED: False}.get(clock.state)


def attention(account: Account) -> tuple[str, ...]:
    """What went wrong, is still open or needs a human, one sentence each; empty when the records show nothing."""
    return (
        *(f"{c.name}: {c.says}." for c in account.clocks if c.state is ClockState.MISSED),
        *_promise_trouble(account),
        *_delivery_trouble(account.deliveries, "statement"),
        *_delivery_trouble(account.notices, "notice"),
        *_fact_trouble(account),
        *_reaction_trouble(account),
    )


def _promise_trouble(account: Account) -> Iterator[str]:
    for promise in account.commitments:
        due = f"{promise.due_at:%H:%M} UTC"
        if promise.state is CommitmentState.BROKEN:
            yield f"A promise was broken: “{promise.text}”, due by {due}."
        elif promise.state is CommitmentState.KEPT and promise.kept_at is not None and promise.kept_at > promise.due_at:
            late = span_in_words(promise.kept_at - promise.due_at)
            yield f"A promise was kept {late} late: “{promise.text}”, due by {due}."
        elif promise.state is CommitmentState.OPEN and promise.due_at < account.at:
            yield f"A promise is overdue: “{promise.text}”, due by {due}."


def _delivery_trouble(deliveries: Sequence[Delivery], what: str) -> Iterator[str]:
    refused = [d for d in deliveries if d.state is DeliveryState.REFUSED]
    waiting = [d for d in deliveries if not d.arrived and d.state is not DeliveryState.REFUSED]
    for group, says in ((refused, "was refused by"), (waiting, "is not known to have reached")):
        if len(group) > 5:
            names = sorted({d.rendering.target.channel for d in group})
            yield f"{len(group):,} deliveries ({what}): each {says} its target, on {', '.join(names)}."
            continue
        for d in group:
            target = d.rendering.target
            name = "A notice" if what == "notice" else f"{d.statement} v{d.version}"
            name = f"The withdrawal of {name}" if d.purpose is Purpose.WITHDRAWAL else name
            public = d.purpose is not Purpose.NOTICE  # a stakeholder's address is nobody's business
            place = f"{target.channel} ({target.address})" if target.address and public else target.channel
            told = d.problem if public or not target.address else d.problem.replace(target.address, "their address")
            problem = f": {told.rstrip('. ')}" if told else ""
            yield f"{name} {says} {place}{problem}."


def _fact_trouble(account: Account) -> Iterator[str]:
    now = {fact.id: fact for fact in account.facts}
    for text in account.statements:
        for fact in text.facts:
            current = now.get(fact.id)
            if current is not None and current.status is FactStatus.REFUTED and fact.status is FactStatus.CONFIRMED:
                yield f"{text.label} relied on {fact.id} as confirmed; it has been refuted since: “{fact.text}”."


def _reaction_trouble(account: Account) -> Iterator[str]:
    if account.observations and account.observations[-1].verdict is Reaction.GROWING:
        yield f"The reaction was still growing when last measured: {account.observations[-1].says}."
    for effect in account.effects:
        if effect.verdict is Verdict.WORSE:
            yield f"{effect.statement} v{effect.version}: {effect.judged}."

"""The clocks of a response: which were kept, which were missed, by how much, against the playbook and the public.

A clock runs from the moment the incident opens (updates: from the word before). It is *kept* when its stage came in
time, *missed* when it came late or not at all, *running* while there is still time, and *not needed* when the incident
closed before it was due. What the public expects is quoted beside it, with its source.
"""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum

from crisis.incident import Incident
from crisis.triage import Assessment
from crisis.values import Frozen, Severity, StatementKind, UtcDatetime


class ClockState(StrEnum):
    """How a clock ended, or that it still runs."""

    KEPT = "kept"
    MISSED = "missed"
    RUNNING = "running"
    NOT_NEEDED = "not needed"


class Publication(Frozen):
    """A statement version became public: the first of its channels had it."""

    statement: str
    version: int
    kind: StatementKind
    at: UtcDatetime

    @property
    def to_all(self) -> bool:
        """The public was spoken to, not single people."""
        return self.kind.to_all


class ClockReading(Frozen):
    """One clock, its target and what came of it."""

    name: str
    target: timedelta
    started_at: UtcDatetime
    due_at: UtcDatetime
    met_at: UtcDatetime | None = None
    met_by: str = ""
    """The statement or act that met it."""
    state: ClockState

    @property
    def took(self) -> timedelta | None:
        """From start to met; ``None`` when it never was."""
        return None if self.met_at is None else self.met_at - self.started_at

    @property
    def says(self) -> str:
        """One sentence for people."""
        target = span_in_words(self.target)
        if self.took is None:
            missing = "still has time" if self.state is ClockState.RUNNING else "did not come"
            missing = "was no longer needed" if self.state is ClockState.NOT_NEEDED else missing
            return f"{missing}; the target was {target}"
        if self.state is ClockState.KEPT:
            return f"after {span_in_words(self.took)}; the target was {target}"
        return f"after {span_in_words(self.took)}, {span_in_words(self.took - self.target)} over the target of {target}"


class Norm(Frozen):
    """What is known of the public's expectation or of what others manage."""

    says: str
    span: timedelta
    source: str


NORMS = (
    Norm(
        says="34 % of the public expect a first response within 30 minutes",
        span=timedelta(minutes=30),
        source="Crisp 2019, n = 2,000",
    ),
    Norm(
        says="53 % of the public expect a first response within 1 hour",
        span=timedelta(hours=1),
        source="Crisp 2019, n = 2,000",
    ),
    Norm(says="companies took 21 hours on average", span=timedelta(hours=21), source="Freshfields"),
)
"""DESIGN §5. All are about the first response to the public."""


def read_clocks(
    incident: Incident, assessments: Sequence[Assessment], publications: Sequence[Publication], now: UtcDatetime
) -> tuple[ClockReading, ...]:
    """Read every clock of an incident at ``now``, in the order in which they started.

    Updates are owed after every word while the incident is SEV1 or SEV2 and not closed, until a resolution statement.
    """
    clocks = incident.assessment.clocks
    spoken = sorted((p for p in publications if p.to_all), key=lambda p: p.at)
    assessed = min((a.assessed_at for a in assessments), default=incident.assessment.assessed_at)
    answers = [p for p in spoken if p.kind in (StatementKind.SUBSTANTIVE, StatementKind.RESOLUTION)]
    opened = incident.opened_at
    readings = [
        _reading("Triage", opened, clocks.triage, assessed, "assessment", incident, now),
        _first("Holding statement", opened, clocks.holding, spoken, incident, now),
        _first("Substantive statement", opened, clocks.substantive, answers, incident, now),
    ]
    for number, word in enumerate(spoken):
        if word.kind is StatementKind.RESOLUTION or _severity_at(word.at, assessments, incident) < Severity.SEV2:
            continue
        name = f"Update after {word.statement} v{word.version}"
        readings.append(_first(name, word.at, clocks.update_every, spoken[number + 1 :], incident, now))
    return tuple(readings)


def _first(
    name: str,
    start: UtcDatetime,
    target: timedelta,
    words: Sequence[Publication],
    incident: Incident,
    now: UtcDatetime,
) -> ClockReading:
    word = words[0] if words else None
    label = f"{word.statement} v{word.version}" if word else ""
    return _reading(name, start, target, word.at if word else None, label, incident, now)


def _reading(
    name: str,
    start: UtcDatetime,
    target: timedelta,
    met: UtcDatetime | None,
    by: str,
    incident: Incident,
    now: UtcDatetime,
) -> ClockReading:
    due = start + target
    closed = incident.closed_at
    if met is not None and met <= due:
        state = ClockState.KEPT
    elif closed is not None and closed <= due:
        state = ClockState.NOT_NEEDED
    elif met is None and now <= due:
        state = ClockState.RUNNING
    else:
        state = ClockState.MISSED
    return ClockReading(name=name, target=target, started_at=start, due_at=due, met_at=met, met_by=by, state=state)


def _severity_at(at: UtcDatetime, assessments: Sequence[Assessment], incident: Incident) -> Severity:
    known = [a for a in sorted(assessments, key=lambda a: a.assessed_at) if a.assessed_at <= at]
    return known[-1].severity if known else incident.severity


def span_in_words(span: timedelta) -> str:
    """A stretch of time as people say it: ``45 s``, ``12 min``, ``3 h 05 min``, ``2 d 4 h``; signs are dropped."""
    seconds = round(abs(span.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"
    days, hours = divmod(round(seconds / 3600), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"

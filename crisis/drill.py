"""How a rehearsal went: the team's clocks against the playbook's targets and the public's patience, and what to practise.

Only what people do is scored. That the storm was found is the detector's doing, so it is told and not scored.
"""

from collections.abc import Sequence
from datetime import timedelta

from crisis.clocks import NORMS, ClockReading, ClockState, Publication, span_in_words
from crisis.commitment import Commitment, CommitmentState
from crisis.incident import Incident
from crisis.values import Frozen, UtcDatetime

UPDATES, PROMISES = "Update", "Promise"
"""First word of the names of clocks that an incident has many of."""


class Mark(Frozen):
    """One thing that was measured."""

    name: str
    state: ClockState | None = None
    """None: told, and not scored."""
    says: str


class Score(Frozen):
    """What a drill showed."""

    marks: tuple[Mark, ...]
    kept: int
    missed: int

    @property
    def says(self) -> str:
        """The result in one sentence."""
        if not self.kept + self.missed:
            return "No clock ran to its end: the drill was stopped early."
        return f"{self.kept} of {self.kept + self.missed} clocks kept."


def score(
    storm_began: UtcDatetime,
    now: UtcDatetime,
    incident: Incident | None = None,
    *,
    told_at: UtcDatetime | None = None,
    acknowledged_at: UtcDatetime | None = None,
    clocks: Sequence[ClockReading] = (),
    publications: Sequence[Publication] = (),
    commitments: Sequence[Commitment] = (),
) -> Score:
    """Score one rehearsed incident; ``None`` when none was opened.

    ``told_at``: when the first person had word of it; ``clocks``: as ``crisis.clocks.read_clocks`` reads them at ``now``.
    """
    if incident is None:
        told = Mark(name="Found", says=f"no incident was opened in {span_in_words(now - storm_began)}")
        return Score(marks=(told,), kept=0, missed=0)
    scored = [
        _acknowledged(incident, told_at, acknowledged_at, now),
        *(Mark(name=c.name, state=c.state, says=c.says) for c in clocks),
        *(_promise(promise) for promise in commitments),
    ]
    found = Mark(name="Found", says=f"{span_in_words(incident.opened_at - storm_began)} after the storm began")
    states = [mark.state for mark in scored]
    return Score(
        marks=(found, *_in_short(scored), *_patience(incident, publications, now)),
        kept=states.count(ClockState.KEPT),
        missed=states.count(ClockState.MISSED),
    )


def _in_short(scored: Sequence[Mark]) -> list[Mark]:
    """The marks, with the updates and the promises that were kept in one row each; what was missed keeps its own."""
    shown: list[Mark] = []
    for group, what in ((UPDATES, "updates came in time"), (PROMISES, "promises were kept")):
        every = [m for m in scored if m.name.startswith(group)]
        kept = [m for m in every if m.state is ClockState.KEPT]
        if len(kept) > 1:
            says = f"{len(kept)} of {len(every)} {what}"
            shown.append(Mark(name=f"{group}s", state=ClockState.KEPT, says=says))
        shown += [m for m in every if m not in kept or len(kept) == 1]
    return [m for m in scored if not m.name.startswith((UPDATES, PROMISES))] + shown


def _acknowledged(
    incident: Incident, told_at: UtcDatetime | None, acknowledged_at: UtcDatetime | None, now: UtcDatetime
) -> Mark:
    """From the first word to somebody's "I am on it"."""
    name, target = "Somebody on it", incident.assessment.clocks.acknowledge
    since = told_at or incident.opened_at
    if acknowledged_at is None:
        over = now - since > target
        return Mark(
            name=name,
            state=ClockState.MISSED if over else ClockState.RUNNING,
            says=f"nobody said so; the target was {span_in_words(target)}",
        )
    took = acknowledged_at - since
    state = ClockState.KEPT if took <= target else ClockState.MISSED
    return Mark(name=name, state=state, says=f"after {span_in_words(took)}; the target was {span_in_words(target)}")


_PROMISES = {
    CommitmentState.KEPT: (ClockState.KEPT, "kept"),
    CommitmentState.BROKEN: (ClockState.MISSED, "broken"),
    CommitmentState.OPEN: (ClockState.RUNNING, "still open"),
    CommitmentState.WITHDRAWN: (ClockState.NOT_NEEDED, "withdrawn with its statement"),
}


def _promise(promise: Commitment) -> Mark:
    state, says = _PROMISES[promise.state]
    return Mark(name=f"{PROMISES} of {promise.statement}", state=state, says=f"{says}: {promise.text}")


def _patience(incident: Incident, publications: Sequence[Publication], now: UtcDatetime) -> list[Mark]:
    """The first word against what the public expects of it."""
    first = min((p.at for p in publications if p.to_all), default=None)
    waited = (first or now) - incident.opened_at
    marks = []
    for norm in NORMS:
        if norm.span > timedelta(hours=1):
            continue  # what others manage is no aim
        within = first is not None and waited <= norm.span
        how = f"it came after {span_in_words(waited)}" if first else "none came"
        marks.append(Mark(name="First word", says=f"{'in time' if within else 'late'}: {norm.says} ({how})"))
    return marks

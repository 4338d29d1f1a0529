"""Up at once, down slowly: how an incident's severity follows triage.

Triage raises a severity the moment it sees reason. It lowers one level at a time, and each only after what it sees has
been lower without a break for ``HOLD``, and for twice as long after each time it rose again: a storm breathes. What a
person set stands: triage never goes below it, and goes above it only when it sees more than it saw when the person
decided. So it is with the cause: what a person named stays, what was unclear is named once it is clear, a graver one is
taken at once, and one that is known does not become unknown again.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from crisis.doctrine import CAUSES
from crisis.sensitivity import USUAL, Sensitivity
from crisis.triage import Assessment, Factor
from crisis.values import CrisisType, Frozen, Severity, UtcDatetime

HOLD = timedelta(minutes=30)
"""How long triage must see less before it lowers by one level."""
MOST_DOUBLED = 3
"""How often that time doubles at the most: up to four hours."""
TRIAGE = "triage"
"""Who an assessment is by when nobody overrode it."""


class Settled(Frozen):
    """What follows from one more look."""

    assessment: Assessment | None = None
    """The assessment that holds from now on; None when nothing changes."""
    lower_since: UtcDatetime | None = None
    """Since when triage has seen less than holds; to be handed in with the next look."""
    says: str = ""


def settle(
    history: Sequence[Assessment],
    seen: Assessment,
    lower_since: UtcDatetime | None = None,
    *,
    hold: timedelta = HOLD,
    may_lower: bool = True,
    sensitivity: Sensitivity = USUAL,
) -> Settled:
    """What holds after triage has ``seen`` an incident again whose assessments so far are ``history`` (at least one).

    ``may_lower``: false while something depends on the severity, such as a text before its approvers.
    """
    holds, seen = history[-1], _of_its_cause(history, seen)
    by_hand = holds.assessed_by != TRIAGE
    if seen.severity > holds.severity:
        if by_hand and seen.severity <= sensitivity.severity_of(holds.score):
            return Settled(says=f"{holds.severity} was set by {holds.assessed_by}, who had seen as much")
        return Settled(assessment=seen, says="the signal grew")
    if seen.severity == holds.severity:
        clearer = _clearer(holds.type, seen.type)
        return Settled(assessment=seen, says=f"the cause is clearer: {_title(seen.type)}") if clearer else Settled()
    since = min(lower_since or seen.assessed_at, seen.assessed_at)
    floor = next((a.severity for a in reversed(history) if a.assessed_by != TRIAGE), Severity.SEV4)
    if floor >= holds.severity:
        return Settled(lower_since=since, says=f"{floor} was set by a person: triage goes no lower")
    if not may_lower or seen.assessed_at - since < hold * 2 ** min(MOST_DOUBLED, _returns(history)):
        return Settled(lower_since=since, says=f"{holds.severity} is held: it has been less since {since:%H:%M} UTC")
    target = max(_below(holds.severity), seen.severity)
    minutes = round((seen.assessed_at - since).total_seconds() / 60)
    says = f"{holds.severity} until now; triage has seen less for {minutes} min"
    told = Factor(name="de-escalation", value=minutes, points=0.0, says=says)
    lowered = seen.model_copy(update={"severity": target, "factors": (*seen.factors, told)})
    return Settled(assessment=lowered, lower_since=seen.assessed_at, says=says)


_CAUSE = ("type", "cluster", "why_cluster", "cluster_quotes", "strategy", "why_strategy", "clocks")
"""What of an assessment follows from its cause."""


def _of_its_cause(history: Sequence[Assessment], seen: Assessment) -> Assessment:
    """What triage has seen, with the cause that a person named, or that was known and is unclear now."""
    named = (a for a in reversed(history) if a.assessed_by != TRIAGE and a.type is not CrisisType.UNKNOWN)
    decided = next(named, None)
    known = decided or history[-1]
    if seen.type is known.type or (decided is None and seen.type is not CrisisType.UNKNOWN):
        return seen
    reads = f"triage reads {_title(seen.type)}" if seen.type is not CrisisType.UNKNOWN else "it is unclear now"
    says = f"{_title(known.type)}, as {known.assessed_by} had it; {reads}"
    told = Factor(name="cause", value=1, points=0.0, says=says)
    return seen.model_copy(update={**{name: getattr(known, name) for name in _CAUSE}, "factors": (*seen.factors, told)})


def _clearer(known: CrisisType, seen: CrisisType) -> bool:
    """Whether a cause is to be taken although the severity stays: it was unknown, or is a graver one."""
    return seen is not known and (known is CrisisType.UNKNOWN or CAUSES[seen].gravity > CAUSES[known].gravity)


def _title(kind: CrisisType) -> str:
    return kind.value.replace("_", " ")


def _returns(history: Sequence[Assessment]) -> int:
    """How often triage raised it again after it had been lowered."""
    levels = [held.severity for held in history if held.assessed_by == TRIAGE]
    lowered = returns = 0
    for before, after in pairwise(levels):
        returns += bool(lowered and after > before)
        lowered += after < before
    return returns


def _below(severity: Severity) -> Severity:
    return Severity(f"SEV{min(4, 5 - severity.weight + 1)}")

"""How far an assessment can be trusted: every reason for doubt takes its share away, and is said.

Doubt never changes a severity: an incident that a brigade blows up may be real underneath, and whoever decides must see
both. Shares multiply, so that no doubt alone makes confidence nought.
"""

from collections.abc import Iterable

from crisis.triage import Signal
from crisis.values import CrisisType, Frozen, Share

LEVELS = ((0.85, "sure"), (0.6, "fairly sure"), (0.4, "unsure"), (0.0, "very unsure"))
"""Words for a confidence, from its lower end."""


class Doubt(Frozen):
    """One reason to trust an assessment less."""

    name: str
    discount: Share
    """Share of the confidence that it takes away."""
    says: str


class Confidence(Frozen):
    """How far to trust, and why not further."""

    value: Share
    says: str


def doubts(signal: Signal, crisis_type: CrisisType) -> tuple[Doubt, ...]:
    """What the signal itself gives reason to doubt."""
    found = []
    everybody = signal.authors + signal.copying_authors
    copying = signal.copying_authors / max(1, everybody)
    if copying > 0.3:
        says = f"{copying:.0%} of {everybody:,} authors only repeat others' words"
        found.append(Doubt(name="coordination", discount=min(0.5, (copying - 0.3) * 5 / 6), says=says))
    if signal.cold:
        found.append(Doubt(name="cold start", discount=0.2, says="what is usual is hardly known yet"))
    unread = signal.unread / max(1, signal.distinct_texts)
    if unread > 0.1:
        says = f"{unread:.0%} of the texts are in languages that cannot be read"
        found.append(Doubt(name="languages", discount=min(0.5, unread / 2), says=says))
    if signal.authors < 20:
        found.append(Doubt(name="few voices", discount=0.2, says=f"only {signal.authors:,} authors speak"))
    if crisis_type is CrisisType.UNKNOWN:
        found.append(Doubt(name="cause", discount=0.1, says="the cause is not clear"))
    return tuple(found)


def confidence(reasons: Iterable[Doubt]) -> Confidence:
    """What remains after all ``reasons``; one named like an earlier one takes its place."""
    by_name = {doubt.name: doubt for doubt in reasons}
    value = 1.0
    for doubt in by_name.values():
        value *= 1.0 - doubt.discount
    word = next(word for least, word in LEVELS if value >= least)
    heaviest = sorted(by_name.values(), key=lambda d: (-d.discount, d.name))
    why = "; ".join(doubt.says for doubt in heaviest if doubt.discount)
    return Confidence(value=round(value, 3), says=f"{word} ({value:.0%})" + (f": {why}" if why else ""))

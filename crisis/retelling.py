"""What people say of an incident as it is now, although its severity stays.

An assessment changes when the severity does. What people say changes sooner: a claim that nobody made when the incident
opened must be seen, tied to a fact and judged against while it grows. So whenever triage looks, the narratives of the
assessment that holds are renewed, and nothing else of it: who rated it, when, and why stay as they are. Only where a
person opened the incident, and triage has never rated it, what is measured stands beside that person's word.
"""

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from crisis.triage import REPORTED, Assessment
from crisis.values import Frozen

EVERY = timedelta(minutes=10)
"""At least so long between two renewals: each is on record."""
SOON = timedelta(minutes=1)
"""The same while there is no narrative yet."""
GROWN = 0.2
"""A narrative, or how many speak, has changed when it moved by this part of it."""


class Retold(Frozen):
    """The assessment that holds, with what people say now."""

    assessment: Assessment
    says: str
    """What changed, in numbers: no word of a post."""


def retold(holds: Assessment, seen: Assessment, *, tied: Collection[str] = ()) -> Retold | None:
    """What a look that has ``seen`` this renews; None when people say what they said, or it was renewed just now.

    ``tied``: ids of narratives that a fact answers; they stay although they are no longer among the largest.
    """
    measured = _measured(holds, seen)
    if not (seen.narratives or measured) or seen.assessed_at <= holds.looked_at:
        return None
    if holds.looked_at + pause(holds) > seen.assessed_at:
        return None
    before = {n.id: n.size for n in holds.narratives}
    new = sum(n.id not in before for n in seen.narratives)
    moved = sum(abs(n.size - before[n.id]) > GROWN * before[n.id] for n in seen.narratives if n.id in before)
    if not (new or moved or measured):
        return None
    there = {n.id for n in seen.narratives}
    kept = tuple(n for n in holds.narratives if n.id in tied and n.id not in there)
    rated = before.keys() - set(holds.newcomers)
    changes = measured | {
        "narratives": (*seen.narratives, *kept),
        "narratives_at": seen.assessed_at,
        "newcomers": tuple(n.id for n in seen.narratives if n.id not in rated),
    }
    renewed = holds.model_copy(update=changes)
    says = f"{new} new, {moved} changed in size by more than a fifth"
    return Retold(assessment=renewed, says=says + (f"; {seen.authors:,} authors speak of it" if measured else ""))


def pause(holds: Assessment) -> timedelta:
    """How long after the last look there is another."""
    if holds.narratives:
        return EVERY
    return SOON if holds.retold or not rated_by_hand(holds) else timedelta()


def rated_by_hand(holds: Assessment) -> bool:
    """Whether only people have rated it."""
    return holds.score == 0 and any(f.name == REPORTED for f in holds.factors)


def _measured(holds: Assessment, seen: Assessment) -> dict[str, Any]:
    """What is measured of an incident that only people have rated, if it moved and anybody speaks."""
    moved = abs(seen.authors - holds.authors) > GROWN * holds.authors
    if not (seen.authors and moved and rated_by_hand(holds)):
        return {}
    said = tuple(f for f in holds.factors if f.name == REPORTED)
    found = tuple(f for f in seen.factors if f.name != REPORTED)
    return {"authors": seen.authors, "negative_share": seen.negative_share, "factors": (*said, *found)}

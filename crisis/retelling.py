"""What people say of an incident as it is now, although its severity stays.

An assessment changes when the severity does. What people say changes sooner: a claim that nobody made when the incident
opened must be seen, tied to a fact and judged against while it grows. So whenever triage looks, the narratives of the
assessment that holds are renewed, and nothing else of it: who rated it, when, and why stay as they are.
"""

from collections.abc import Collection
from datetime import timedelta

from crisis.triage import Assessment
from crisis.values import Frozen

EVERY = timedelta(minutes=10)
"""At least so long between two renewals: each is on record."""
GROWN = 0.2
"""A narrative has changed when its size moved by this part of it."""


class Retold(Frozen):
    """The assessment that holds, with what people say now."""

    assessment: Assessment
    says: str
    """What changed, in numbers: no word of a post."""


def retold(holds: Assessment, seen: Assessment, *, tied: Collection[str] = ()) -> Retold | None:
    """What a look that has ``seen`` this renews; None when people say what they said, or it was renewed just now.

    ``tied``: ids of narratives that a fact answers; they stay although they are no longer among the largest.
    """
    if not seen.narratives or seen.assessed_at - holds.looked_at < EVERY:
        return None
    before = {n.id: n.size for n in holds.narratives}
    new = sum(n.id not in before for n in seen.narratives)
    moved = sum(abs(n.size - before[n.id]) > GROWN * before[n.id] for n in seen.narratives if n.id in before)
    if not new and not moved:
        return None
    there = {n.id for n in seen.narratives}
    kept = tuple(n for n in holds.narratives if n.id in tied and n.id not in there)
    rated = before.keys() - set(holds.newcomers)
    changes = {
        "narratives": (*seen.narratives, *kept),
        "narratives_at": seen.assessed_at,
        "newcomers": tuple(n.id for n in seen.narratives if n.id not in rated),
    }
    renewed = holds.model_copy(update=changes)
    return Retold(assessment=renewed, says=f"{new} new, {moved} changed in size by more than a fifth")

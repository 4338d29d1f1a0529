"""Which incident a signal belongs to: one an episode and narrative.

A signal joins the live incident of its watch. Another incident opens only for *another matter*: a narrative that was not
among those of the incident when it was assessed, of another cause, that after a while carries most of what is being
said. Everything about this is cautious on purpose: a storm has many narratives, and two incidents that should be one
cost more than one that should be two, which a person can split.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from crisis.doctrine import guess_cause
from crisis.incident import Incident
from crisis.narratives import OTHER, Narratives
from crisis.understanding import Understood, understood
from crisis.values import CrisisType, Frozen
from crisis.watch import Mention

RECENT = timedelta(minutes=60)
"""What is being said now: the posts of the last hour."""
SETTLED = timedelta(hours=2)
"""How long an incident must have been open before anything can be another matter."""
MOST = 0.5
"""Share of the recent authors that another matter takes."""
VOICES = 30
"""Recent authors that another matter takes, at the least."""


class Matter(Frozen):
    """What most of an episode's recent posts are about."""

    narrative: str
    """Its id."""
    voices: int
    """Recent authors who speak of it."""
    share: float
    """Their share of all recent authors."""
    type: CrisisType
    """The cause that its own posts speak of."""


def dominant(posts: Sequence[Mention | Understood], narratives: Narratives, at: datetime) -> Matter | None:
    """The matter most recent authors speak of; None when nobody spoke of late. ``narratives`` has been fed already."""
    recent = [post for post in understood(posts) if post.mention.created_at > at - RECENT]
    where = [narratives.narrative(post.mention.text) for post in recent]
    voices = Counter(narrative for _, narrative in {(p.author, spoke) for p, spoke in zip(recent, where, strict=True)})
    voices.pop(OTHER, None)
    if not voices:
        return None
    leading = max(voices, key=lambda narrative: (voices[narrative], narrative))
    own = {post.mention.text: None for post, spoke in zip(recent, where, strict=True) if spoke == leading}
    share = voices[leading] / len({post.author for post in recent})
    return Matter(narrative=leading, voices=voices[leading], share=share, type=guess_cause(own).type)


def incident_for(
    live: Sequence[Incident], matter: Matter | None, at: datetime, known: Collection[str] = ()
) -> Incident | None:
    """The incident of ``live`` (of one watch, oldest first) that a signal joins; None when it is another matter.

    ``known``: further ids of narratives that were named in earlier assessments of these incidents.
    """
    if not live:
        return None
    if matter is None:
        return live[0]
    for incident in live:
        if incident.narrative == matter.narrative:
            return incident
    rated = (incident.assessment for incident in live)
    named = {n.id for told in rated for n in told.narratives if n.id not in told.newcomers} | set(known)
    new = (
        matter.narrative not in named
        and matter.voices >= VOICES
        and matter.share >= MOST
        and matter.type is not CrisisType.UNKNOWN
        and all(matter.type is not incident.assessment.type for incident in live)
        and all(at - incident.opened_at >= SETTLED for incident in live)
    )
    return None if new else live[0]

"""Who carries a narrative: its reach, how it grows, and the few posts under which a correction would be seen by most.

Reach is what sources tell: the author's audience plus reposts; a post of which neither is known has an unknown reach and
is counted as such, never as nobody. Copies are folded: the same words are answered once, where most people see them.

The rule (``carriers``): the smallest set of answerable posts that together carry more than half of the known reach, and
never more than ``crisis.replies.PER_NARRATIVE``. Why so few: answering everywhere repeats the claim to people who had not
met it (Lewandowsky, Cook et al. 2020, *The Debunking Handbook*: debunk what has traction, leave the rest alone).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from pydantic import Field

from crisis.replies import PER_NARRATIVE
from crisis.understanding import Understood, author_key
from crisis.values import Frozen, Share, UtcDatetime
from crisis.watch import Mention

MOST = 0.5
"""The share of the reach that the chosen posts must exceed."""
HOUR = timedelta(hours=1)
BARS = 12
"""Hours that the growth is shown for."""


class Hour(Frozen):
    """What was posted in one hour."""

    start: UtcDatetime
    posts: int
    reach: int


class Spread(Frozen):
    """How far a narrative went, and how it grows."""

    posts: int
    """Copies included."""
    authors: int
    texts: int
    """Distinct ones."""
    reach: int
    """Of the posts whose reach is known; an author counts once, with their largest audience."""
    unknown: int
    """Posts of which no reach is known."""
    hours: tuple[Hour, ...] = ()
    """The last hours up to the moment looked at, oldest first."""

    @property
    def says(self) -> str:
        """The growth in words."""
        if not self.hours:
            return "nothing yet"
        last = self.hours[-1].posts
        before = self.hours[-2].posts if len(self.hours) > 1 else 0
        if not last:
            return "no post in the last hour"
        way = "growing" if last > before else "falling" if last < before else "steady"
        return f"{way}: {last:,} {'post' if last == 1 else 'posts'} in the last hour, {before:,} in the hour before"


class Carrier(Frozen):
    """One text of a narrative, at the post of it that most people see."""

    mention: Mention
    reach: int
    """Of all that say it."""
    posts: int
    share: Share
    """Of the narrative's known reach."""


class Carriers(Frozen):
    """The posts to answer, and what was left out."""

    chosen: tuple[Carrier, ...] = ()
    share: Share = 0.0
    """Of the known reach that they carry together, with what was answered before."""
    enough: bool = False
    """They carry most of it."""
    left_out: dict[str, int] = Field(default_factory=dict)
    """Texts that were passed over, by why."""


def reach_of(mention: Mention) -> int | None:
    """How many a post may have reached; None when its source tells neither audience nor reposts."""
    return mention.followers + mention.reposts or None


def spread(posts: Sequence[Understood], now: datetime) -> Spread:
    """How far the posts of a narrative went."""
    hours = Counter[int]()
    reached = Counter[int]()
    for post in posts:
        ago = int((now - post.mention.created_at) / HOUR)
        if 0 <= ago < BARS:
            hours[ago] += 1
            reached[ago] += reach_of(post.mention) or 0
    return Spread(
        posts=len(posts),
        authors=len({post.author for post in posts}),
        texts=len({post.text for post in posts}),
        reach=_together(post.mention for post in posts),
        unknown=sum(reach_of(post.mention) is None for post in posts),
        hours=tuple(
            Hour(start=now - (ago + 1) * HOUR, posts=hours[ago], reach=reached[ago]) for ago in reversed(range(BARS))
        ),
    )


def carriers(
    posts: Sequence[Understood],
    excluded: Callable[[Mention], str],
    *,
    answered: Callable[[Mention], bool] = lambda mention: False,
    most: int = PER_NARRATIVE,
) -> Carriers:
    """The smallest set of posts that carry most of the reach, the widest first.

    Args:
        excluded: why a post cannot be answered (own, answered, gone, do-not-engage, no channel); empty when it can.
        answered: whether a post was answered already: its text, with all copies, is carried then and answered no more.
        most: no more than these; never more than ``PER_NARRATIVE``.
    """
    total = _together(post.mention for post in posts)
    texts: dict[int, list[Mention]] = {}
    for post in posts:
        texts.setdefault(post.text, []).append(post.mention)
    ranked = sorted(texts.values(), key=lambda same: (-_together(same), same[0].created_at, same[0].id))
    done = [same for same in ranked if any(answered(m) for m in same)]
    ranked = [same for same in ranked if same not in done]
    chosen: list[Carrier] = []
    left_out = Counter[str]()
    carried = _together(m for same in done for m in same)
    most = max(0, min(most, PER_NARRATIVE))
    people: set[int] = set()
    for same in ranked:
        reach = _together(same)
        if not reach or carried > MOST * total or len(chosen) == most:
            break
        why = ""
        for mention in sorted(same, key=lambda m: (-(reach_of(m) or 0), m.created_at, m.id)):
            why = "the same author as another" if author_key(mention) in people else excluded(mention)
            if not why:
                people.add(author_key(mention))
                chosen.append(Carrier(mention=mention, reach=reach, posts=len(same), share=min(1.0, reach / total)))
                carried += reach
                break
        if why:
            left_out[why] += 1
    share = min(1.0, carried / total) if total else 0.0
    return Carriers(chosen=tuple(chosen), share=share, enough=share > MOST, left_out=dict(left_out))


def _together(mentions: Iterable[Mention]) -> int:
    """The reach of several posts: each author's largest audience once, and every repost."""
    audience: dict[int, int] = {}
    reposts = 0
    for mention in mentions:
        key = author_key(mention)
        audience[key] = max(audience.get(key, 0), mention.followers)
        reposts += mention.reposts
    return sum(audience.values()) + reposts

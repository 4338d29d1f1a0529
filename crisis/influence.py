"""The people of an incident: who reaches many, who speaks for us, who asks; by what their posts show, with the posts.

Stance is read from posts, never from profiles: it is what a person's own posts say, by the model that reads all posts
(``crisis.reading``), and each comes with posts quoted as the evidence. Where no post of theirs could be read, the stance
is *unread*, not neutral; where no source tells their audience, the reach is unknown, not nought. Who is under age or in
distress cannot be told from posts reliably: posts that say so themselves are pointed out, and people mark the rest.
"""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from pydantic import Field

from crisis.interrogative import asked
from crisis.understanding import Understood
from crisis.values import Frozen
from crisis.watch import Mention

QUOTES = 2
"""Posts of a person that are shown."""
INFLUENCER = 1_000
"""Followers from which severity counts a voice as one of weight (``crisis.severity``)."""
CLEAR = 0.6
"""Share of a person's readable posts from which these say which side they are on."""

_CARE = re.compile(
    r"\b(?:i(?:'m| am) (?:only )?(?:1[0-7]|[6-9])\b(?! (?:%|percent|min|hours?|days?|weeks?|months?|miles?|km|times))"
    r"|years? old and (?:still )?(?:in|at) (?:school|primary)|my homework|my mum won'?t let me"
    r"|(?:want|going) to (?:die|kill myself|end it)|suicid\w+|self[- ]harm\w*|can'?t go on any ?more)",
    re.IGNORECASE,
)


class Stance(StrEnum):
    """Which side a person's posts are on."""

    CRITIC = "critic"
    ADVOCATE = "advocate"
    MIXED = "mixed"
    """Neither clearly."""
    UNREAD = "unread"
    """None of their posts is in a language that can be read."""


class Person(Frozen):
    """Somebody who posts about an incident."""

    source: str
    author: str
    stance: Stance
    why: str
    """What the stance rests on, in words and numbers."""
    asks: bool = False
    posts: int = Field(ge=1)
    reach: int | None = None
    """Their audience as last told, or the reposts of their posts where no audience is; None when unknown."""
    followers: int | None = None
    quotes: tuple[Mention, ...] = ()
    """The posts that the stance rests on, the widest first; a reply answers the first."""
    care: str = ""
    """Words of a post of theirs that may say that they are under age or in distress: a person must look first."""

    @property
    def influencer(self) -> bool:
        return (self.followers or 0) >= INFLUENCER


def people(posts: Iterable[Understood], *, most: int) -> tuple[Person, ...]:
    """The ``most`` people whose posts go furthest, known reach first; then by how much they post. Posts without an author
    are nobody's."""
    by_author: dict[int, list[Understood]] = {}
    for post in posts:
        if post.mention.author:
            by_author.setdefault(post.author, []).append(post)
    found = [_person(theirs) for theirs in by_author.values()]
    return tuple(sorted(found, key=lambda p: (-(p.reach or 0), -p.posts, p.source, p.author))[:most])


def _person(theirs: Sequence[Understood]) -> Person:
    read = [post for post in theirs if post.reading.supported]
    against = [post for post in read if post.reading.sentiment == "negative"]
    speaking = [post for post in read if post.reading.sentiment == "positive"]
    stance, shown = _stance(theirs, read, against, speaking)
    mentions = [post.mention for post in theirs]
    followers = max(m.followers for m in mentions) or None
    reposts = sum(m.reposts for m in mentions) or None
    posts = "post" if len(read) == 1 else "posts"
    counts = f"{len(against)} negative and {len(speaking)} positive of {len(read)} {posts} that could be read"
    care = next((found.group() for m in mentions if (found := _CARE.search(m.text))), "")
    return Person(
        source=mentions[0].source,
        author=mentions[0].author,
        stance=stance,
        why="no post in a language that can be read" if stance is Stance.UNREAD else counts,
        asks=any(asked(m.text) for m in mentions),
        posts=len(theirs),
        reach=(followers or 0) + (reposts or 0) or None,
        followers=followers,
        quotes=tuple(sorted((p.mention for p in shown), key=lambda m: (-m.reposts, m.created_at, m.id))[:QUOTES]),
        care=care,
    )


def _stance(
    theirs: Sequence[Understood],
    read: Sequence[Understood],
    against: Sequence[Understood],
    speaking: Sequence[Understood],
) -> tuple[Stance, Sequence[Understood]]:
    """The stance, and the posts that show it."""
    if not read:
        return Stance.UNREAD, theirs
    if len(against) >= CLEAR * len(read):
        return Stance.CRITIC, against
    if len(speaking) >= CLEAR * len(read):
        return Stance.ADVOCATE, speaking
    return Stance.MIXED, read

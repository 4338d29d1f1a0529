"""The coordination panel: how much of an episode looks arranged, said apart and never hidden.

Three signs: the same text (near copies too) from five authors or more; repeats within ten seconds of each other; young
accounts. They lower how far an assessment is trusted and never its severity: what a brigade blows up may be real
underneath. Passing on is no coordination: reposts and quotations are left out, and so is a text that everybody has
from one post, the brand's own or one that was passed on more often than it was copied.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from crisis.copies import CopyFinder, fingerprint
from crisis.folding import fold
from crisis.values import Frozen, Share
from crisis.watch import Mention

SAME_TEXT = 5
"""Authors of one text from which on it is no coincidence."""
AT_ONCE = timedelta(seconds=10)
"""Two posts of one text within this were hardly typed by hand."""
FEWEST_AT_ONCE = 3
"""Such repeats from which on they are told."""
YOUNG = timedelta(days=30)
"""Age below which an account is young."""
FEWEST_KNOWN = 10
"""Authors whose account's age is known, at the least, to say anything about it."""
USUAL_YOUNG = 0.2
"""Share of young accounts that nobody wonders at."""
BY_SAME_TEXT, BY_REPEATS, BY_YOUNG = 0.6, 0.2, 0.4
"""Share of confidence that each sign takes at the most."""


class Sign(Frozen):
    """One sign of coordination."""

    name: str
    """``same text``, ``repeats`` or ``young accounts``."""
    value: float
    """Authors who share a text with four others or more; repeats within ten seconds; share of young accounts."""
    discount: Share
    """Share of the confidence that it takes away."""
    says: str


class Coordination(Frozen):
    """What was found."""

    confidence_discount: Share
    """Share of an assessment's confidence that all signs together take away; 0 when there is none."""
    signs: tuple[Sign, ...]
    says: str


class _Text(NamedTuple):
    """Posts of one text that do not say that they pass it on, in order of time."""

    posts: list[Mention]

    @property
    def authors(self) -> set[str]:
        return {_author(post) for post in self.posts}

    def arranged(self, own: set[str]) -> bool:
        """Is it the text of many that does not come from one post everybody saw?"""
        first = self.posts[0]
        seen_by_all = first.reposts >= len(self.posts) or fold(first.author).removeprefix("@") in own
        return len(self.authors) >= SAME_TEXT and not seen_by_all

    def at_once(self) -> int:
        return sum(later.created_at - sooner.created_at < AT_ONCE for sooner, later in pairwise(self.posts))


def _author(post: Mention) -> str:
    return f"{post.source}/{post.author or post.id}"


def _grouped(mentions: Sequence[Mention], texts: Sequence[int | None]) -> list[_Text]:
    groups: dict[int, list[Mention]] = {}
    for post, text in zip(mentions, texts, strict=True):
        if text is not None:
            groups.setdefault(text, []).append(post)
    return [_Text(sorted(posts, key=_in_time)) for posts in groups.values() if len(posts) >= SAME_TEXT]


def _in_time(post: Mention) -> tuple[datetime, str, str]:
    return post.created_at, post.source, post.id


def _texts(mentions: Sequence[Mention]) -> list[_Text]:
    ordered = sorted(mentions, key=_in_time)
    said = [post for post in ordered if not fingerprint(post.text).repost]
    first_of = CopyFinder(keep=2 * len(said) + 2).add_many([(str(n), post.text) for n, post in enumerate(said)])
    groups: dict[int, list[Mention]] = {}
    for number, (post, first) in enumerate(zip(said, first_of, strict=True)):
        groups.setdefault(number if first is None else int(first), []).append(post)
    return [_Text(posts) for posts in groups.values()]


def _same_text(texts: Sequence[_Text], everybody: int) -> Sign | None:
    if not texts:
        return None
    authors = len(set().union(*(text.authors for text in texts)))
    largest = max(texts, key=lambda text: len(text.authors))
    quote = " ".join(largest.posts[0].text.split())[:80]
    what = "the same text" if len(texts) == 1 else f"one of {len(texts)} texts"
    says = f"{authors:,} of {everybody:,} authors post {what} as their own, most often “{quote}”"
    return Sign(name="same text", value=authors, discount=BY_SAME_TEXT * authors / everybody, says=says)


def _repeats(texts: Sequence[_Text], posts: int) -> Sign | None:
    count = sum(text.at_once() for text in texts)
    if count < FEWEST_AT_ONCE:
        return None
    says = f"{count:,} times a text came again within {AT_ONCE.seconds} seconds"
    return Sign(name="repeats", value=count, discount=BY_REPEATS * min(1.0, count / posts), says=says)


def _young(mentions: Sequence[Mention]) -> Sign | None:
    known = {_author(post): post.created_at - post.author_since for post in mentions if post.author_since is not None}
    young = sum(age < YOUNG for age in known.values())
    if len(known) < FEWEST_KNOWN or young <= USUAL_YOUNG * len(known):
        return None
    share = young / len(known)
    says = f"{share:.0%} of {len(known):,} accounts whose age is known are younger than {YOUNG.days} days"
    discount = BY_YOUNG * (share - USUAL_YOUNG) / (1 - USUAL_YOUNG)
    return Sign(name="young accounts", value=round(share, 3), discount=discount, says=says)


def assess(
    mentions: Sequence[Mention], own: Collection[str] = (), *, texts: Sequence[int | None] | None = None
) -> Coordination:
    """How far the posts of one episode look arranged.

    Args:
        own: the brand's handles.
        texts: one a post, where that is known already: what stands for the text it has or copies, None where it passes
            another on.
    """
    if not mentions:
        return Coordination(confidence_discount=0.0, signs=(), says="no posts, so no sign of coordination")
    handles = {fold(handle).removeprefix("@") for handle in own}
    known = _texts(mentions) if texts is None else _grouped(mentions, texts)
    arranged = [text for text in known if text.arranged(handles)]
    everybody = len({_author(post) for post in mentions})
    found = (_same_text(arranged, everybody), _repeats(arranged, len(mentions)), _young(mentions))
    signs = tuple(sign for sign in found if sign is not None)
    left = 1.0
    for sign in signs:
        left *= 1.0 - sign.discount
    says = "; ".join(sign.says for sign in signs) or "no sign of coordination"
    return Coordination(confidence_discount=round(1.0 - left, 4), signs=signs, says=says)

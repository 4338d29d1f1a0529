"""The coordination panel: how much of an episode looks arranged, said apart and never hidden.

Three signs: the same text (near copies too) from five authors or more; one text again and again within ten seconds,
however few the authors; young accounts. They lower how far an assessment is trusted and never its severity: what a
brigade blows up may be real underneath. Passing on is no coordination: reposts and quotations are left out, and so is a
text that everybody has from one post, the brand's own or one that was passed on more often than it was copied. Nor is the
same text a sign where people share a page (its headline with a link, unless within seconds of each other), take part in a
giveaway, or agree in a few common words.
"""

import re
from collections.abc import Collection, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import NamedTuple

from crisis.copies import CopyFinder, Fingerprint, fingerprint, plain, said
from crisis.folding import fold
from crisis.rarity import table
from crisis.templates import SENTENCE, size
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
MOST = 0.8
"""Share of the posts of a text that must do so for it to be something that people share or quote."""
BUNCHED = 0.2
"""Share of its posts that came within ``AT_ONCE`` of the one before, from which on nobody merely shares a page."""
_READ = 500
"""Letters of a post that are looked at."""
_PAGE = re.compile(r"https?://\S|\bwww\.\S|\bvia @\w", re.IGNORECASE)
_QUOTED = re.compile(r"[“„«\"](?P<quoted>[^“„«»”\"]{24,})[”“»\"]")
_GIVEAWAY = re.compile(
    r"\bto (?:win|enter)\b|\bgive ?aways?\b|\bchance (?:to|of) win|#(?:win|competition|sweepstakes?)\b", re.IGNORECASE
)


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

    def seen_by_all(self, own: set[str]) -> bool:
        """Does everybody have it from one post: the brand's own, or one passed on more often than it was copied?"""
        first = self.posts[0]
        return first.reposts >= len(self.posts) or fold(first.author).removeprefix("@") in own

    @property
    def of_many(self) -> bool:
        return len(self.authors) >= SAME_TEXT

    @property
    def for_a_reason(self) -> bool:
        """Do people say the same because they share a page, quote somebody, take part in a giveaway, or merely agree?"""
        if len(self.posts) == 1:
            return False
        texts = [post.text[:_READ] for post in self.posts]
        most = MOST * len(texts)
        if _GIVEAWAY.search(texts[0]) or sum(map(_quotes, texts)) >= most or _agrees(texts[0]):
            return True
        return sum(_PAGE.search(text) is not None for text in texts) >= most and self.at_once() < BUNCHED * len(texts)

    def at_once(self) -> int:
        return sum(later.created_at - sooner.created_at < AT_ONCE for sooner, later in pairwise(self.posts))


def _quotes(text: str) -> bool:
    """Does most of a text stand in quotation marks?"""
    found = _QUOTED.search(text)
    return found is not None and 2 * len(found["quoted"]) >= len(text)


def _agrees(text: str) -> bool:
    """Does a text say little, in words that everybody uses? "I have the same problem" is said by many."""
    known, compared = table(), plain(said(text)[0])
    return size(compared) < SENTENCE and all(word in known for word in compared.split())


def _author(post: Mention) -> str:
    return f"{post.source}/{post.author or post.id}"


def _texts(mentions: Sequence[Mention], marks: Sequence[Fingerprint] | None) -> list[_Text]:
    """Posts by text, those left out that say that they pass on another's."""
    found = [fingerprint(post.text) for post in mentions] if marks is None else marks
    told = sorted(
        (pair for pair in zip(mentions, found, strict=True) if not pair[1].repost),
        key=lambda pair: (pair[0].created_at, pair[0].source, pair[0].id),
    )
    names = _copied(told) if marks is None else [f"{mark.value}" if mark.long_enough else "" for _, mark in told]
    groups: dict[str, list[Mention]] = {}
    for number, ((post, _), name) in enumerate(zip(told, names, strict=True)):
        groups.setdefault(name or f"post {number}", []).append(post)
    return [_Text(posts) for posts in groups.values()]


def _copied(told: Sequence[tuple[Mention, Fingerprint]]) -> list[str]:
    """For each post the number of the first one that says the same."""
    posts = [(number, post.text) for number, (post, _) in enumerate(told)]
    first_of = CopyFinder(keep=2 * len(posts) + 2).add_many(posts)
    return [str(number if first is None else first) for number, first in enumerate(first_of)]


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
    mentions: Sequence[Mention], own: Collection[str] = (), marks: Sequence[Fingerprint] | None = None
) -> Coordination:
    """How far the posts of one episode look arranged. ``own`` are the brand's handles.

    ``marks``: what a detector told the texts apart by (``Detector.feed`` returns it), one a post, so that copies are
    looked for only once; without them they are found here.

    Raises:
        ValueError: there are not as many marks as posts.
    """
    if not mentions:
        return Coordination(confidence_discount=0.0, signs=(), says="no posts, so no sign of coordination")
    handles = {fold(handle).removeprefix("@") for handle in own}
    texts = [text for text in _texts(mentions, marks) if not text.seen_by_all(handles) and not text.for_a_reason]
    of_many = [text for text in texts if text.of_many]
    everybody = len({_author(post) for post in mentions})
    found = (_same_text(of_many, everybody), _repeats(texts, len(mentions)), _young(mentions))
    signs = tuple(sign for sign in found if sign is not None)
    left = 1.0
    for sign in signs:
        left *= 1.0 - sign.discount
    says = "; ".join(sign.says for sign in signs) or "no sign of coordination"
    return Coordination(confidence_discount=round(1.0 - left, 4), signs=signs, says=says)

"""What a watch query is made of, and what each part says about a post.

A word matches a whole word, also behind ``#`` or ``@`` and as a camel-case part of a hashtag (or several of them in a
row: ``youtube`` in #YouTubeDown). In scripts written without spaces it matches anywhere, and their letters beside a
word do not hide it. Emoji match whatever their skin tone, but not inside a joined emoji. ``needs`` tells what every
post that can match must hold, so that all other posts are turned away without a look.
"""

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, Protocol

from crisis.folding import MARK, PICTURE, Folded, fold, views

HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
"""Words stand apart, but particles are written onto their end."""
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese letters: nothing stands between their words."""

_ONE_WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")
_BEGINS = rf"(?<![^\W{UNSPACED}{HANGUL}])"
_ENDS = rf"(?![^\W{UNSPACED}{HANGUL}])"
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}")


class Posted(Protocol):
    """What a query looks at: a ``Mention``, or whatever a stream is decoded to before it becomes one."""

    @property
    def text(self) -> str: ...
    @property
    def author(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def source(self) -> str: ...


class Post:
    """A post made ready for matching."""

    def __init__(self, mention: Posted, folded: Folded | None = None) -> None:
        self.mention = mention
        self.views = folded or views(mention.text)
        self.marked = self.views.marked

    @cached_property
    def word_starts(self) -> list[int]:
        return [m.start() for m in _ONE_WORD.finditer(self.views.native)]


Spans = list[tuple[int, int]]
MOST_SPANS = 1000
"""Places in one post at which a ``near`` is told to hold; more of them change nothing for a reader."""


class Need(NamedTuple):
    """Something that a matching post holds."""

    where: str
    """Empty for the text, else ``author``, ``lang`` or ``source``."""
    what: str
    """Folded."""
    whole: bool = False
    """The field is exactly this (a language also with a region behind it), not only somewhere in it."""

    @property
    def frequency(self) -> float:
        """Rough share of posts that hold it, to choose the rarest."""
        if self.where:
            return {"author": 0.0001, "lang": 0.3, "source": 0.5}[self.where]
        return float(0.14 ** sum(1 if sign.isascii() else 2 for sign in self.what))


Needs = frozenset[Need]
ANYTHING: Needs = frozenset()


@dataclass(frozen=True)
class Term:
    """A word, phrase, tag, handle or sign, compiled."""

    source: str
    literal: str
    """A text that every match contains, marks of hashtags left out."""
    pattern: "re.Pattern[str]" = field(repr=False, compare=False)
    split: "re.Pattern[str]" = field(repr=False, compare=False)
    """The same for a text whose hashtags are told apart."""
    latin: bool = True
    """Looked for in the Latin view of a post."""

    def _in(self, post: Post) -> "tuple[re.Pattern[str], str]":
        return self.split if post.marked else self.pattern, post.views[self.latin]

    def holds(self, post: Post) -> bool:
        pattern, text = self._in(post)
        return pattern.search(text) is not None

    def spans(self, post: Post) -> Spans:
        pattern, text = self._in(post)
        return [m.span() for m in pattern.finditer(text)]

    def needs(self) -> Needs:
        return frozenset((Need("", self.literal),))


@dataclass(frozen=True)
class Field:
    """``lang:``, ``source:`` or ``author:``."""

    name: str
    value: str
    source: str = ""

    @cached_property
    def _pattern(self) -> "re.Pattern[str]":
        pattern = re.escape(self.value).replace(r"\*", ".*")
        return re.compile(pattern + r"(?:-.*)?" if self.name == "lang" else pattern, re.DOTALL)

    def holds(self, post: Post) -> bool:
        return self._pattern.fullmatch(field_of(post.mention, self.name)) is not None

    def needs(self) -> Needs:
        if "*" not in self.value:
            return frozenset((Need(self.name, self.value, whole=True),))
        part = max(self.value.split("*"), key=len)
        return frozenset((Need(self.name, part),)) if part else ANYTHING


def field_of(mention: Posted, name: str) -> str:
    """A field's value as it is compared."""
    value = {"lang": mention.language, "source": mention.source, "author": mention.author}[name]
    return fold(value).removeprefix("@")


@dataclass(frozen=True)
class Not:
    part: "Node"

    def holds(self, post: Post) -> bool:
        return not self.part.holds(post)

    def needs(self) -> Needs:
        return ANYTHING


def _rarest(parts: "tuple[Node, ...]") -> Needs:
    useful = [needs for needs in (part.needs() for part in parts) if needs]
    if not useful:
        return ANYTHING
    return min(useful, key=lambda needs: (sum(need.frequency for need in needs), sorted(needs)))


@dataclass(frozen=True)
class All:
    parts: tuple["Node", ...]

    def holds(self, post: Post) -> bool:
        return all(part.holds(post) for part in self.parts)

    def needs(self) -> Needs:
        return _rarest(self.parts)


@dataclass(frozen=True)
class Any:
    parts: tuple["Node", ...]

    def holds(self, post: Post) -> bool:
        return any(part.holds(post) for part in self.parts)

    def spans(self, post: Post) -> Spans:
        return [span for part in self.parts for span in part.spans(post)]  # type: ignore[union-attr]

    def needs(self) -> Needs:
        each = [part.needs() for part in self.parts]
        return ANYTHING.union(*each) if all(each) else ANYTHING


@dataclass(frozen=True)
class Near:
    """Both sides, in either order, with at most ``gap`` words between them."""

    left: "Term | Any | Near"
    right: "Term | Any"
    gap: int

    def holds(self, post: Post) -> bool:
        return bool(self.spans(post))

    def spans(self, post: Post) -> Spans:
        lefts, rights = self.left.spans(post), self.right.spans(post)
        if not (lefts and rights):
            return []
        mirrored = [(a, b, c, d) for c, d, a, b in self._behind(rights, lefts, post.word_starts)]
        near = [*self._behind(lefts, rights, post.word_starts), *mirrored]
        return [(min(a, c), max(b, d)) for a, b, c, d in near[:MOST_SPANS]]

    def _behind(self, firsts: Spans, seconds: Spans, starts: list[int]) -> list[tuple[int, int, int, int]]:
        """Pairs of which the second begins behind the end of the first, with at most ``gap`` words between; the nearest
        first, so that a post of a hundred thousand letters costs no more than its length."""
        ordered, found = sorted(seconds), list[tuple[int, int, int, int]]()
        begins = [start for start, _ in ordered]
        for a, b in firsts:
            behind = bisect_right(starts, b - 1)
            for at in range(bisect_left(begins, b), len(ordered)):
                c, d = ordered[at]
                if bisect_right(starts, c - 1) - behind > self.gap:
                    break
                found.append((a, b, c, d))
            if len(found) >= MOST_SPANS:
                break
        return found

    def needs(self) -> Needs:
        return _rarest((self.left, self.right))


Node = Term | Field | Not | All | Any | Near


class Unusable(ValueError):
    """A term that cannot be searched for; says why and what to do."""


_WORDS = re.compile(r"[\w*]+(?:[+#]+(?![\w*]))?")
"""Words and wildcards; a + or # at the end of a name belongs to it (C++, Disney+)."""


def _edges(first: str, last: str) -> tuple[str, str]:
    """What must stand before a word that begins with ``first`` and behind one that ends with ``last``."""
    before = "" if first == "*" or re.match(f"[{UNSPACED}]", first) else _BEGINS
    if last in "+#":
        return before, rf"(?![+#]){_ENDS}"
    after = "" if last == "*" or re.match(f"[{UNSPACED}{HANGUL}]", last) else _ENDS
    return before, after


def _pattern(word: str, letter: str, between: str) -> str:
    """A word with wildcards as a regular expression, of which a post costs no more than its length.

    A first wildcard begins where the word does; one within takes the nearest place that its letters are at and is not
    tried again farther on, which finds the same words.
    """
    pieces = [between.join(map(re.escape, piece)) for piece in word.split("*")]
    if len(pieces) == 1:
        return pieces[0]
    first, *within, last = pieces
    begins = first or f"(?<!{letter})"
    body = "".join(f"(?>{letter}*?{piece})" for piece in within if piece)
    return f"{begins}{body}{letter}*" + (f"{between}{last}" if last else "")


def _sign(raw: str, folded: Folded) -> Term:
    """An emoji or another sign, looked for as it is."""
    text = folded.native.replace(MARK, "")
    body = re.escape(text)
    if PICTURE.match(text[0]):
        body = rf"(?<!\u200d){body}(?!\u200d)"
        if _FLAG.fullmatch(text):
            body = "(?<![\U0001f1e6-\U0001f1ff])(?:[\U0001f1e6-\U0001f1ff]{2})*?" + body
    pattern = re.compile(body)
    return Term(raw, text, pattern, pattern, latin=folded.only_latin)


def term(raw: str) -> Term:
    """The term behind ``raw``: one word, a phrase without its quotation marks, a #tag, an @handle or a sign.

    Raises:
        Unusable: it is empty, a wildcard alone, or too wide.
    """
    view = views(raw)
    folded = view.native.replace(MARK, "")
    sigil = folded[0] if folded[:1] in ("#", "@") and len(folded) > 1 else ""
    pieces = _WORDS.findall(folded[len(sigil) :])
    words = [piece for piece in pieces if piece.strip("*")]
    if not words or len(words) != len(pieces):
        if pieces:
            raise Unusable(f"{raw!r} holds a wildcard alone; put letters beside it, as in acme*")
        if not raw.strip():
            raise Unusable("there is nothing between the quotation marks; write a phrase or remove them")
        if not folded.strip():
            raise Unusable(f"{raw!r} holds nothing that can be seen; write a word")
        return _sign(raw, view)
    for word in words:
        if word.startswith("*") and len(word.strip("*")) < 2:
            raise Unusable(f"{raw!r} would match almost anything; write at least two letters beside the *")
    before, after = _edges(words[0][0], words[-1][-1])
    plain = r"\W+".join(_pattern(word, r"\w", "") for word in words)
    split, split_after = r"\W+".join(_pattern(word, rf"[\w{MARK}]", f"{MARK}?") for word in words), after
    if sigil:
        before = re.escape(sigil)
        if after:
            after, split_after = r"(?!\w)", rf"(?![\w{MARK}])"
    literal = max((part for word in words for part in word.split("*")), key=len)
    return Term(
        raw,
        sigil + literal if words[0].startswith(literal) else literal,
        re.compile(before + plain + after),
        re.compile(before + split + split_after),
        view.only_latin,
    )

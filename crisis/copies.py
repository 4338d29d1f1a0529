"""Copies: posts that say the same once reposting marks, links, case and spacing are taken away, or nearly the same.

A copy counts once as a text and is discounted as a voice, but never hidden. Two posts of a few words ("thank you",
"me too") are people agreeing, not copying: below ``LONG_ENOUGH`` a text is a copy only when it is marked as a repost.
Fingerprints tell exact copies; they are the same in every process and on every machine, so they may be stored.

``CopyFinder`` also finds copies that somebody changed a little: a few words, typing errors, letters that only look alike,
the end cut off. Posts that share some of their sketch (``crisis.sketch``) are compared letter by letter; how
alike they must be depends on the length (``ALIKE``).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import Any, NamedTuple

from rapidfuzz.distance import OSA, Indel

from crisis.folding import flat
from crisis.sketch import sketch, sketches

OWN_WORDS = 12
"""Letters beside a quotation from which on they count as what the post says."""
LONG_ENOUGH = 24
"""Characters of normalised text from which on two equal posts are taken for copies."""

_REPOST = re.compile(r"^(?:\s*(?:rt|mt|repost)\s*:?\s*@[\w.\-]+:?)+\s*", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“«]@[\w.\-]+:\s*(?P<quoted>[^\"”»]*)[\"”»]")
_PASSED_ON = re.compile(r"\s(?:rt|mt)\s*:?\s*@[\w.\-]+:?\s*(?P<quoted>.*)\Z", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r"[^\W_]+")
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_VIA = re.compile(r"(?<!\s)\s+(?:via|by)\s+@[\w.\-]+\s*$", re.IGNORECASE)
_LEADING = re.compile(r"^(?:\s*[.@]?@[\w.\-]+)+")
_NUMBER = re.compile(r"\d+")
_GAPS = re.compile(r"[\W_]+")
_ASCII_GAPS = str.maketrans({code: " " for code in range(128) if not chr(code).isalnum()})
_SPACE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")


class Fingerprint(NamedTuple):
    """What a text is recognised by."""

    value: int
    """64 bits of the normalised text."""
    repost: bool
    """The text says itself that it repeats another."""
    long_enough: bool
    """An equal text of somebody else is a copy, not a coincidence."""


def normalise(text: str) -> str:
    """``text`` without reposting marks, links, case and superfluous space."""
    text = _REPOST.sub("", text).lower()
    if "://" in text or "www." in text:
        text = _LINK.sub(" ", text)
    if " @" in text:
        text = _VIA.sub("", text)
    if text.isascii():
        return " ".join(text.split()).rstrip(".").rstrip()
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip().rstrip("….").strip()


def fingerprint(text: str) -> Fingerprint:
    """The fingerprint of ``text``: equal for exact copies, and practically never otherwise (64 bits)."""
    text, repost = said(text)
    compared = normalise(text)
    return Fingerprint(key(compared), repost, len(compared) >= LONG_ENOUGH)


def said(text: str) -> tuple[str, bool]:
    """What a post says, and whether it only passes on another: its own words, or if it has none to speak of, the other's.

    A quotation is one that names its author, as in “@ada: …” or RT @ada: …
    """
    said_so = _REPOST.match(text)
    text, repost = text[said_so.end() if said_so else 0 :], said_so is not None
    if "@" not in text:
        return text, repost
    match = _PASSED_ON.search(text, 0, _LONGEST) or _QUOTED.search(text, 0, _LONGEST)
    if match is None:
        return text, repost
    own = _WORD.findall(text[: match.start()] + text[match.end() :])
    if sum(map(len, own)) < OWN_WORDS:
        return match["quoted"], True
    return text[: match.start()] + " " + text[match.end() :], repost


def _width_enough(text: str) -> bool:
    """Half as many ideographs say as much."""
    return len(text) >= LONG_ENOUGH // 2 and len(text) + _wide(text) >= LONG_ENOUGH


def _wide(text: str) -> int:
    return sum(sign >= "\u2e80" for sign in text)


def key(text: str) -> int:
    """64 bits that stand for ``text``."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


ALIKE = ((40, 0.78), (60, 0.70), (90, 0.75), (10**9, 0.80))
"""How alike two texts must be (1 - insertions and deletions over both lengths), by length of the shorter one: below the
first figure the second one holds."""
ALIKE_CUT = 0.92
"""How alike a text must be to the beginning of a longer one, to be that one with its end cut off."""
BUT_NUMBERS = 0.97
"""How alike texts with different numbers must be without them, to be the same words about different things."""
KEEP = 50_000
"""Originals remembered, unless told otherwise: between half of that and all of it."""
_SHARED = 8
"""Newest originals remembered by one hash."""
_BEGINNING = 16
"""Letters at the beginning that are remembered as they are: what is left of a text that was cut off begins like it."""
_COMPARED = 4
"""Originals that a post is compared with, those that share most first."""
_LONGEST = 2_000
"""Letters of a text that are looked at."""
_TOGETHER = 512


def plain(text: str) -> str:
    """What is compared: letters and digits, lookalikes folded, without reposting marks, links and leading @handles."""
    text = flat(text[: 4 * _LONGEST])
    text = _REPOST.sub("", text)
    if "://" in text or "www." in text:
        text = _LINK.sub(" ", text)
    if "@" in text:
        text = _LEADING.sub("", text)
        if " via @" in text or " by @" in text:
            text = _VIA.sub("", text)
    gapped = text.translate(_ASCII_GAPS) if text.isascii() else _GAPS.sub(" ", text)
    return " ".join(gapped.split())[:_LONGEST]


def alike(one: str, other: str) -> bool:
    """Is one of two ``plain`` texts a changed copy of the other?"""
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    length, whole = len(short), len(long)
    size = length if short.isascii() else length + _wide(short)
    least = next(share for limit, share in ALIKE if size < limit)
    if 2 * length >= least * (length + whole) and Indel.normalized_similarity(short, long, score_cutoff=least):
        return not _about_others(short, long)
    begin = long[:length]
    return (
        length < whole
        and Indel.normalized_similarity(short, begin, score_cutoff=ALIKE_CUT) > 0
        and not _about_others(short, begin)
    )


def _about_others(one: str, other: str) -> bool:
    """Does each text name a number that the other does not? Another flight, price or order is another text.

    A number with one wrong digit is the same number, unless nothing else is different.
    """
    first, second = set(_NUMBER.findall(one)[:20]), set(_NUMBER.findall(other)[:20])
    if first <= second or second <= first:
        return False
    both = ((first, second), (second, first))
    if all(any(all(OSA.distance(n, m) > 1 for m in there) for n in here) for here, there in both):
        return True
    one, other = _NUMBER.sub("", one), _NUMBER.sub("", other)
    return Indel.normalized_similarity(one, other, score_cutoff=BUT_NUMBERS) > 0


Name = str | int
"""What a post is called by whoever asks."""


class _Generation:
    """Originals in the order in which they came."""

    def __init__(self) -> None:
        self.originals: list[tuple[Name, str]] = []
        self.by_text: dict[str, int] = {}
        self.by_hash: dict[int | str, int | list[int]] = {}
        """Numbers of originals; a single one, which is the usual case, by itself."""

    def add(self, name: Name, text: str, drawn: Sequence[int]) -> None:
        number = len(self.originals)
        self.originals.append((name, text))
        self.by_text[text] = number
        known = self.by_hash
        keys: tuple[int | str, ...] = (text[:_BEGINNING], *drawn) if drawn else ()
        for key in keys:
            before = known.setdefault(key, number)
            if isinstance(before, list):
                before.append(number)
            elif before != number:
                known[key] = [before, number]

    def copied(self, text: str, drawn: Sequence[int]) -> int | None:
        """The number of the original that ``text`` copies."""
        number = self.by_text.get(text)
        if number is not None or not self.by_hash:
            return number
        shared: list[int] = []
        keys: tuple[int | str, ...] = (text[:_BEGINNING], text[:_BEGINNING], *drawn)
        for key in keys:
            held = self.by_hash.get(key)
            if isinstance(held, list):
                shared += held[-_SHARED:]
            elif held is not None:
                shared.append(held)
        shared.sort()
        twice = [one for one, next_one in pairwise(shared) if one == next_one]
        if not twice:
            return None
        likely = [twice[0]] if twice[0] == twice[-1] else [n for n, _ in Counter(twice).most_common(_COMPARED)]
        return next((number for number in likely if alike(text, self.originals[number][1])), None)


class CopyFinder:
    """Finds the post that a post copies. What it answers depends only on the posts given before.

    Memory is bounded: about 1.5 kB for each of ``keep`` originals of ordinary length. The oldest are forgotten, by half of
    ``keep`` at once; an original that is still being copied is kept.
    """

    def __init__(self, keep: int = KEEP) -> None:
        if keep < 2:
            raise ValueError(f"a finder must keep at least 2 originals, not {keep}")
        self.keep = keep
        self._new, self._old = _Generation(), _Generation()

    def add(self, name: Name, text: str) -> Name | None:
        """The ``name`` of the post that ``text`` copies, or None: then ``name`` is an original from now on."""
        return self.add_many([(name, text)])[0]

    def add_many(self, posts: Sequence[tuple[Name, str]]) -> list[Name | None]:
        """``add`` for each post in order; much faster than one by one."""
        found: list[Name | None] = []
        for start in range(0, len(posts), _TOGETHER):
            some = posts[start : start + _TOGETHER]
            texts = [plain(said(text)[0]) for _, text in some]
            fresh = {text for text in texts if text not in self._new.by_text and text not in self._old.by_text}
            drawn = {} if len(fresh) < 4 else dict(zip(fresh, sketches(list(fresh)), strict=True))
            for (name, text), compared in zip(some, texts, strict=True):
                found.append(self._take(name, text, compared, drawn.get(compared)))
        return found

    def _take(self, name: Name, text: str, compared: str, drawn: Sequence[int] | None) -> Name | None:
        if len(compared) < LONG_ENOUGH and not _width_enough(compared):
            return self._short(name, text, compared)
        number = self._new.by_text.get(compared)
        if number is not None:
            return self._new.originals[number][0]
        drawn = sketch(compared) if drawn is None else drawn
        number = self._new.copied(compared, drawn)
        if number is not None:
            return self._new.originals[number][0]
        number = self._old.copied(compared, drawn)
        if number is None:
            self._remember(name, compared, drawn)
            return None
        first, original = self._old.originals[number]
        self._remember(first, original, sketch(original))
        return first

    def _short(self, name: Name, text: str, compared: str) -> Name | None:
        """A text too short to be a copy, unless it says so itself."""
        for generation in (self._new, self._old):
            number = generation.by_text.get(compared)
            if number is not None:
                return generation.originals[number][0] if fingerprint(text).repost else None
        if compared:
            self._remember(name, compared, ())
        return None

    def _remember(self, name: Name, text: str, drawn: Sequence[int]) -> None:
        if len(self._new.originals) >= self.keep // 2:
            self._new, self._old = _Generation(), self._new
        self._new.add(name, text, drawn)

    def dump(self) -> dict[str, Any]:
        """Everything, as plain JSON values; ``load`` continues exactly."""
        return {"keep": self.keep, "old": self._old.originals, "new": self._new.originals}

    @classmethod
    def load(cls, state: dict[str, Any]) -> "CopyFinder":
        """The finder that ``dump`` described."""
        finder = cls(state["keep"])
        for generation, originals in ((finder._old, state["old"]), (finder._new, state["new"])):
            long = [text if len(text) >= LONG_ENOUGH or _width_enough(text) else "" for _, text in originals]
            for (name, text), drawn in zip(originals, sketches(long), strict=True):
                generation.add(name, text, drawn)
        return finder


class Originals:
    """Fingerprints under which near copies count as the text that they copy: what a detector tells texts apart by."""

    def __init__(self, keep: int = 800) -> None:
        self._finder = CopyFinder(keep)

    def fingerprint(self, text: str) -> Fingerprint:
        """The fingerprint of ``text``, or, if it copies a text seen before, of that one."""
        mark, original = self.fingerprints([text])[0]
        return mark._replace(value=original)

    def fingerprints(self, texts: Sequence[str]) -> list[tuple[Fingerprint, int]]:
        """Each text's own fingerprint, in order, and the value of that of the text it copies (else its own).

        Much faster than one by one.
        """
        marks = [fingerprint(text) for text in texts]
        long = [(f"{mark.value:x}", text) for mark, text in zip(marks, texts, strict=True) if mark.long_enough]
        names = iter(self._finder.add_many(long))
        first = [next(names) if mark.long_enough else None for mark in marks]
        return [
            (mark, mark.value if name is None else int(str(name), 16)) for mark, name in zip(marks, first, strict=True)
        ]

    def dump(self) -> dict[str, Any]:
        """Everything, as plain JSON values; ``load`` continues exactly."""
        return self._finder.dump()

    @classmethod
    def load(cls, state: dict[str, Any]) -> "Originals":
        """What ``dump`` described."""
        new = cls()
        new._finder = CopyFinder.load(state)
        return new

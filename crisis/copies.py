"""Copies: posts that say the same once reposting marks, links, case and spacing are taken away, or nearly the same.

A copy counts once as a text and is discounted as a voice, but never hidden. Two posts of a few words ("thank you",
"me too") are people agreeing, not copying: below ``LONG_ENOUGH`` letters a text is a copy only when it is marked as a
repost or tells enough by itself (``crisis.rarity``). Fingerprints tell exact copies; they are the same in every process
and on every machine, so they may be stored.

``CopyFinder`` also finds copies that somebody changed a little: a few words, typing errors, letters that only look alike,
the end cut off. Posts that share some of their sketch (``crisis.sketch``) are compared letter by letter
(``crisis.likeness``).
"""

import re
import unicodedata
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from crisis.folding import disguised, flat
from crisis.generation import Batch, Generation, Looked, Name, Remembered
from crisis.likeness import LONG_ENOUGH, Compared, distinctive, long_enough
from crisis.sketch import keys

OWN_WORDS = 12
"""Letters beside a quotation from which on they count as what the post says."""

_REPOST = re.compile(r"^(?:\s*(?:rt|mt|repost)\s*:?\s*@[\w.\-]+:?)+\s*", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“«]@[\w.\-]+:\s*(?P<quoted>[^\"”»]*)[\"”»]")
_PASSED_ON = re.compile(r"\s(?:rt|mt)\s*:?\s*@[\w.\-]+:?\s*(?P<quoted>.*)\Z", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r"[^\W_]+")
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_VIA = re.compile(r"(?<!\s)\s+(?:via|by)\s+@[\w.\-]+\s*$", re.IGNORECASE)
_LEADING = re.compile(r"^(?:\s*[.@]?@[\w.\-]+)+")
_GAPS = re.compile(r"[\W_]+")
_ASCII_GAPS = bytes(code if chr(code).isalnum() and code < 128 else 32 for code in range(256))
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
    if text.rfind("@") < 1:
        return text, False
    said_so = _REPOST.match(text)
    text, repost = text[said_so.end() if said_so else 0 :], said_so is not None
    match = _PASSED_ON.search(text, 0, _LONGEST) or _QUOTED.search(text, 0, _LONGEST)
    if match is None:
        return text, repost
    own = _WORD.findall(text[: match.start()] + text[match.end() :])
    if sum(map(len, own)) < OWN_WORDS:
        return match["quoted"], True
    return text[: match.start()] + " " + text[match.end() :], repost


def key(text: str) -> int:
    """64 bits that stand for ``text``."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


KEEP = 50_000
"""Originals remembered, unless told otherwise: between half of that and all of it."""
_LONGEST = 2_000
"""Letters of a text that are looked at."""
_TOGETHER = 512
_WRITTEN = 400
"""Letters of an original that are kept as they were written, for the names in it."""


def plain(text: str) -> str:
    """What is compared: letters and digits, lookalikes folded, without reposting marks, links and leading @handles."""
    text = flat(text[: 4 * _LONGEST])
    handles = "@" in text
    if handles:
        text = _REPOST.sub("", text)
    if "://" in text or "www." in text:
        text = _LINK.sub(" ", text)
    if handles:
        text = _LEADING.sub("", text)
        if " via @" in text or " by @" in text:
            text = _VIA.sub("", text)
    gapped = text.encode().translate(_ASCII_GAPS).decode() if text.isascii() else _GAPS.sub(" ", text)
    return " ".join(gapped.split())[:_LONGEST]


class CopyFinder:
    """Finds the post that a post copies. What it answers depends only on the posts given before.

    Memory is bounded: about 1.7 kB for each of ``keep`` originals of ordinary length. The oldest are forgotten, by half of
    ``keep`` at once; an original that is still being copied is kept.
    """

    def __init__(self, keep: int = KEEP) -> None:
        if keep < 2:
            raise ValueError(f"a finder must keep at least 2 originals, not {keep}")
        self.keep = keep
        self._new, self._old = Generation(keep // 2), Generation(keep // 2)

    def add(self, name: Name, text: str) -> Name | None:
        """The ``name`` of the post that ``text`` copies, or None: then ``name`` is an original from now on."""
        return self.add_many([(name, text)])[0]

    def add_many(self, posts: Sequence[tuple[Name, str]]) -> list[Name | None]:
        """``add`` for each post in order; much faster than one by one."""
        found: list[Name | None] = []
        texts = [plain(said(text)[0]) for _, text in posts]
        while len(found) < len(posts):
            begin = len(found)
            end = begin + min(_TOGETHER, max(1, self.keep // 2))
            found += self._take_some(posts[begin:end], texts[begin:end])
        return found

    def _take_some(self, posts: Sequence[tuple[Name, str]], texts: Sequence[str]) -> list[Name | None]:
        """Answers for as many of ``posts`` (``texts``: what is compared) as there is room for in a generation."""
        new, old = self._new, self._old
        fresh = [text for text in dict.fromkeys(texts) if len(text) and text not in new.by_text]
        drawn = keys(fresh)
        batch = Batch(fresh, drawn, new)
        looked = old.look(fresh, drawn)
        rows = dict(zip(fresh, range(len(fresh)), strict=True))
        found: list[Name | None] = []
        for (name, text), compared in zip(posts, texts, strict=True):
            found.append(self._take(name, text, compared, (batch, looked, rows.get(compared, 0))))
            if len(new.originals) >= self.keep // 2:
                self._new, self._old = Generation(self.keep // 2), new
                break
        new.settle()
        return found

    def _take(self, name: Name, text: str, compared: str, look: tuple[Batch, Looked, int]) -> Name | None:
        if not compared:
            return None
        new, old = self._new, self._old
        number = new.by_text.get(compared)
        if number is not None:
            return new[number].name if self._repeats(text, compared) else None
        batch, looked, row = look
        number = old.by_text.get(compared)
        if number is not None:
            if not self._repeats(text, compared):
                return None
            new.add(old[number], batch.keys[row], batch.asked(row, every=False))
            return old[number].name
        post = Compared(compared, text[: 4 * _LONGEST], (new.stream, old.stream))
        found = new.copied(post, batch, row)
        if found is None:
            found = old.first_of(post, looked.begun.get(row, []), looked.likely.get(row, []))
            if found is None:
                new.add(Remembered(name, compared, text[:_WRITTEN]), batch.keys[row], batch.asked(row, every=False))
                return None
            if found.text not in new.by_text:
                new.add(found, keys([found.text])[0])
        elif new.wants_variant(found, compared):
            new.add(Remembered(found.name, compared, text[:_WRITTEN]), batch.keys[row], batch.asked(row, every=False))
        return found.name

    def _repeats(self, text: str, compared: str) -> bool:
        """Is an equal text a copy? Below ``LONG_ENOUGH`` only if it tells much, or says itself that it repeats."""
        return (
            long_enough(compared)
            or distinctive(compared, (self._new.stream, self._old.stream))
            or fingerprint(text).repost
            or disguised(text)
        )

    def dump(self) -> dict[str, Any]:
        """Everything, as plain JSON values; ``load`` continues exactly."""
        return {"keep": self.keep, "old": self._old.originals, "new": self._new.originals}

    @classmethod
    def load(cls, state: dict[str, Any]) -> "CopyFinder":
        """The finder that ``dump`` described."""
        finder = cls(state["keep"])
        for generation, originals in ((finder._old, state["old"]), (finder._new, state["new"])):
            for original, drawn in zip(originals, keys([original[1] for original in originals]), strict=True):
                generation.add(Remembered(*original), drawn)
            generation.settle()
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

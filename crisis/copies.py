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
from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from crisis.candidates import NOTHING, Index, Near, nearest
from crisis.folding import disguised, flat
from crisis.likeness import LONG_ENOUGH, Compared, distinctive, long_enough
from crisis.rarity import Stream

OWN_WORDS = 12
"""Letters beside a quotation from which on they count as what the post says."""

_REPOST = re.compile(r"^(?:\s*(?:rt|mt|repost)\s*:?\s*@[\w.\-]+:?)+\s*", re.IGNORECASE)
_QUOTED = re.compile(r"[\"“«]@[\w.\-]+:\s*(?P<quoted>[^\"”»]*)[\"”»]")
_QUOTED_TO_THE_END = re.compile(r"[\"“«]@[\w.\-]+:\s*(?P<quoted>.*)[\"”»]\s*\Z", re.DOTALL)
_PASSED_ON = re.compile(r"\s(?:rt|mt)\s*:?\s*@[\w.\-]+:?\s*(?P<quoted>.*)\Z", re.IGNORECASE | re.DOTALL)
_WORD = re.compile(r"[^\W_]+")
_LINK = re.compile(r"[hw](?:(?<=h)ttps?://|(?<=w)ww\.)\S+")
_VIA = re.compile(r"(?<!\s)\s+(?:via|by)\s+@[\w.\-]+\s*$", re.IGNORECASE)
_LEADING = re.compile(r"^(?:\s*[.@]?@[\w.\-]+)+")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
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
    match = (
        _PASSED_ON.search(text, 0, _LONGEST)
        or _QUOTED_TO_THE_END.search(text, 0, _LONGEST)
        or _QUOTED.search(text, 0, _LONGEST)
    )
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
_SHORT = 60
"""Letters below which a text is compared with an original that alone holds one of its hashes: few are left of it."""
_VARIANTS = 8
"""Changed copies of an original that are remembered beside it: each author of a brigade changes other words."""
_LONGEST = 2_000
"""Letters of a text that are looked at."""
_WRITTEN = 400
"""Letters of an original that are kept as they were written, for the names in it."""


def plain(text: str) -> str:
    """What is compared: letters and digits, lookalikes folded, without reposting marks, links and leading @handles."""
    text = flat(text[: 4 * _LONGEST])
    handles = "@" in text
    if handles and (repost := _REPOST.match(text)):
        text = text[repost.end() :]
    if "://" in text or "www." in text:
        text = _LINK.sub(" ", text)
    if handles:
        if leading := _LEADING.match(text):
            text = text[leading.end() :]
        if " via @" in text or " by @" in text:
            text = _VIA.sub("", text)
    return " ".join(_ungapped(text))[:_LONGEST]


def _ungapped(text: str) -> list[str]:
    """What stands between signs that are neither letters nor digits."""
    if text.isascii() or not any(map(str.isalnum, _NOT_ASCII.findall(text))):
        return text.encode("ascii", "replace").translate(_ASCII_GAPS).decode().split()
    return _WORD.findall(text)


Name = str | int
"""What a post is called by whoever asks."""


class _Generation:
    """Originals in the order in which they came, numbered from 1."""

    def __init__(self, keep: int) -> None:
        self.originals: list[tuple[Name, str, str]] = []
        """What each is called, its plain text, and the beginning of what was written."""
        self.stream = Stream()
        self.first: dict[Name, int] = {}
        """Number of the first text under each name: the original's."""
        self.variants: dict[int, int] = {}
        """How many variants of it are remembered beside it, if any."""
        self.by_text: dict[str, int] = {}
        self.index = Index(keep, _SHORT)

    def __getitem__(self, number: int) -> tuple[Name, str, str]:
        return self.originals[number - 1]

    def add(self, name: Name, text: str, written: str) -> None:
        self.originals.append((name, text, written))
        number = self.by_text[text] = len(self.originals)
        first = self.first.setdefault(name, number)
        if first == number:
            self.stream.meet(text)
        else:
            self.variants[first] = self.variants.get(first, 0) + 1
        self.index.add(number, text)

    def wants_variant(self, number: int) -> bool:
        """Is a changed copy of that text to be remembered? Not of a variant, lest texts drift away from the original."""
        return self.first[self[number][0]] == number and self.variants.get(number, 0) < _VARIANTS

    def copied(self, post: Compared, near: Near) -> int | None:
        """The number of the original that ``post`` is a changed copy of."""
        originals = self.originals
        if near.begun:
            only = post.cut_from([originals[number - 1][1] for number in near.begun])
            if only is not None:
                return near.begun[only]
        for number in nearest(near):
            _, text, written = originals[number - 1]
            if post.copies(text, written):
                return number
        return None


class CopyFinder:
    """Finds the post that a post copies. What it answers depends only on the posts given before.

    Memory is bounded: about 1 kB for each of ``keep`` originals of ordinary length. The oldest are forgotten, by half of
    ``keep`` at once; an original that is still being copied is kept.
    """

    def __init__(self, keep: int = KEEP) -> None:
        if keep < 2:
            raise ValueError(f"a finder must keep at least 2 originals, not {keep}")
        self.keep = keep
        self._new, self._old = _Generation(keep // 2), _Generation(keep // 2)

    def add(self, name: Name, text: str) -> Name | None:
        """The ``name`` of the post that ``text`` copies, or None: then ``name`` is an original from now on."""
        return self.add_many([(name, text)])[0]

    def add_many(self, posts: Sequence[tuple[Name, str]]) -> list[Name | None]:
        """``add`` for each post in order; much faster than one by one."""
        found: list[Name | None] = []
        texts = [plain(said(text)[0]) for _, text in posts]
        while len(found) < len(posts):
            start = len(found)
            end = self._look(texts, start)
            for (name, text), compared in zip(posts[start:end], texts[start:end], strict=True):
                found.append(self._take(name, text, compared))
        return found

    def _look(self, texts: Sequence[str], start: int) -> int:
        """Look up as many of ``texts`` from ``start`` on as may be taken before the index changes; where that ends."""
        if len(self._new.originals) >= self.keep // 2:
            self._new.index.settle()
            self._new, self._old = _Generation(self.keep // 2), self._new
        new, old = self._new, self._old
        end = min(len(texts), start + self.keep // 2 - len(new.originals))
        fresh: dict[str, None] = {}
        room = new.index.room
        for at, text in enumerate(texts[start:end], start):
            if not text or text in fresh or text in new.by_text or text in old.by_text or text in new.index:
                continue
            if len(fresh) == room:
                end = at
                break
            fresh[text] = None
        if end == start:
            new.index.settle()
            return self._look(texts, start)
        if fresh:
            new.index.look(list(fresh), old.index)
        return end

    def _take(self, name: Name, text: str, compared: str) -> Name | None:
        if not compared:
            return None
        new, old = self._new, self._old
        number = new.by_text.get(compared)
        if number is not None:
            return new[number][0] if self._repeats(text, compared) else None
        number = old.by_text.get(compared)
        if number is not None and not self._repeats(text, compared):
            return None
        if number is None:
            here, there = new.index.near(compared)
            if here is not NOTHING or there is not NOTHING:
                post = Compared(compared, text[: 4 * _LONGEST], (new.stream, old.stream))
                changed = new.copied(post, here)
                if changed is not None:
                    first = new[changed][0]
                    if long_enough(compared) and new.wants_variant(changed):
                        new.add(first, compared, text[:_WRITTEN])
                    return first
                number = old.copied(post, there)
        if number is None:
            new.add(name, compared, text[:_WRITTEN])
            return None
        first, original, written = old[number]
        if original not in new.by_text:
            new.add(first, original, written)
        return first

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
        new = self._new
        block = [new.by_text.get(text, text) for text in new.index.block]
        return {
            "keep": self.keep,
            "old": self._old.originals,
            "new": new.originals,
            "settled": new.index.settled,
            "block": block,
        }

    @classmethod
    def load(cls, state: dict[str, Any]) -> "CopyFinder":
        """The finder that ``dump`` described."""
        finder = cls(state["keep"])
        new, old = finder._new, finder._old
        for original in state["old"]:
            old.add(*original)
        old.index.settle()
        settled = state.get("settled", len(state["new"]))
        for original in state["new"][:settled]:
            new.add(*original)
        new.index.settle()
        block = state.get("block", [])
        new.index.look([state["new"][text - 1][1] if isinstance(text, int) else text for text in block], old.index)
        for original in state["new"][settled:]:
            new.add(*original)
        return finder


HELD = _WRITTEN
"""Characters of a text that a finder keeps as they were written."""


def compared(text: str) -> str:
    """What of ``text`` is compared with others, cut after ``HELD`` characters: so a finder keeps what copies another."""
    return plain(said(text)[0])[:HELD]


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

    def held(self) -> list[str]:
        """The texts that are kept, cut after ``HELD`` characters: as they were written, or, where only to compare with,
        ``compared``."""
        state = self._finder.dump()
        written = [str(written) for generation in ("old", "new") for _, _, written in state[generation]]
        return written + [text[:HELD] for text in state["block"] if isinstance(text, str)]

    def forget(self, gone: Collection[str]) -> None:
        """Keep none of these texts any more: they were erased. A later copy of one is an original of its own."""
        if gone:
            state = self._finder.dump()
            left = {g: [one for one in state[g] if one[2] not in gone] for g in ("old", "new")}
            self._finder = CopyFinder.load({"keep": state["keep"]} | left)  # the block, whose texts are numbered, ends

    def dump(self) -> dict[str, Any]:
        """Everything, as plain JSON values; ``load`` continues exactly."""
        return self._finder.dump()

    @classmethod
    def load(cls, state: dict[str, Any]) -> "Originals":
        """What ``dump`` described."""
        new = cls()
        new._finder = CopyFinder.load(state)
        return new

"""Is one text a changed copy of another? What they share must tell much, what they do not share little.

Evidence for a copy are the bits (``crisis.rarity``) of the letters that both have in the same order, and how alike they
are letter by letter; against it speak the bits of what is only in the shorter one, and less so of what is only in the
longer one. Two posts of common words need to be nearly the same; three rare words in a row are nobody's coincidence.
A text that another begins with is that one with its end cut off, if it tells enough; it need tell less when it stops
in the middle of a word or says by an ellipsis that it was cut. Texts that name different numbers, or different names,
are different texts: another flight, another order, another city.

The weights were chosen on edited training texts against pairs of distinct ones (docs/matching.md).
"""

import re
from typing import NamedTuple

from rapidfuzz.distance import OSA, Indel

from crisis.folding import flat
from crisis.rarity import WIDE, Stream, familiar, table, worth

LONG_ENOUGH = 24
"""Letters from which on two equal texts are copies, whatever they say. An ideograph counts as two."""
LEAST_ALIKE = ((40, 0.60), (60, 0.64), (80, 0.74), (10**9, 0.80))
"""How alike (1 - insertions and deletions over both lengths) texts must be in any case, by length of the shorter one: below
the first figure the second one holds. A few words changed in a long text leave more of it."""
SAME, SURE = 0.9, 60
"""So alike are two texts of so many letters only if one copies the other."""
MISSING, ADDED, ALIKE, ENOUGH = 0.6, 0.5, 60.0, 36.0
"""Bits against for each bit that only the shorter, only the longer text has; bits for being alike; the bits needed."""
LEAST_SHARED, LEAST_SHARED_SHORT = 14.0, 30.0
"""Bits that must be shared; the second of texts below ``LONG_ENOUGH``, where people agree by coincidence."""
BEGINS = 0.92
"""How alike a text must be to the beginning of a longer one, to be that one with its end cut off."""
LEAST_LEFT, LEAST_CUT = 16.0, 9.0
"""Bits of what is left of a text that was cut; the second if it shows that it was."""
LETTERS = 8
"""Letters that must be shared in any case."""
TYPING = 2
"""Letters that may be different (a wrong one counts twice) before different numbers are taken for typing errors."""
_WRITTEN = re.compile(r"[^\W\d_][\w'’-]*")
_OPENS = '.!?…:;"“”‘(\n•|–—-'
_MARKED = frozenset("@#/&")
_NUMBER = re.compile(r"\d+")
_CUT = re.compile(r"(?:…|\.\.\.)[\"”’'»)\]\s]*(?:https?://\S+\s*)?\Z")


def size(text: str) -> int:
    """Letters, an ideograph as two: it says as much."""
    return len(text) if text.isascii() else len(text) + sum(sign >= WIDE for sign in text)


def long_enough(text: str) -> bool:
    """Is an equal plain text a copy, whatever it says?"""
    return len(text) >= LONG_ENOUGH or (len(text) >= LONG_ENOUGH // 2 and size(text) >= LONG_ENOUGH)


def distinctive(text: str, streams: tuple[Stream, Stream]) -> bool:
    """Is an equal plain text a copy, though it is short? Not if it may be a common phrase."""
    return familiar(text) and sum(worth(text, streams)) >= LEAST_SHARED_SHORT


class Compared(NamedTuple):
    """A plain text that is compared with others."""

    text: str
    written: str
    """As it was posted."""
    streams: tuple[Stream, Stream]

    def copies(self, other: str, as_written: str) -> bool:
        """Is one of the two a changed copy of the other? ``as_written``: how the other one was posted."""
        if not self._alike(other):
            return False
        return not named_otherwise((self.text, names(self.written)), (other, names(as_written)))

    def _alike(self, other: str) -> bool:
        text = self.text
        short, long = (text, other) if len(text) <= len(other) else (other, text)
        alike = Indel.normalized_similarity(short, long, score_cutoff=_least_alike(short))
        if not alike and short[:LETTERS] != long[:LETTERS]:
            return False
        if alike >= SAME and len(short) >= SURE:
            return not about_others(short, long)
        begins = self._begins(short, long)
        if not alike and not begins:
            return False
        told = worth(long, self.streams)
        if begins and self._is_left_of(short, long, sum(told[: len(short)])):
            return not about_others(short, long[: len(short)])
        return alike > 0 and self._enough(short, long, told, alike) and not about_others(short, long)

    def _enough(self, short: str, long: str, told: list[float], alike: float) -> bool:
        bits = worth(short, self.streams)
        shared, letters = _shared(short, long, bits)
        if letters < LETTERS or shared < LEAST_SHARED:
            return False
        missing, added = sum(bits) - shared, max(0.0, sum(told) - shared)
        if shared - MISSING * missing - ADDED * added + ALIKE * alike < ENOUGH:
            return False
        return long_enough(short) or (shared >= LEAST_SHARED_SHORT and familiar(long))

    @staticmethod
    def _begins(short: str, long: str) -> bool:
        length = len(short)
        return (
            LETTERS <= length < len(long)
            and short[:LETTERS] == long[:LETTERS]
            and Indel.normalized_similarity(short, long[:length], score_cutoff=BEGINS) > 0
        )

    def _is_left_of(self, short: str, long: str, bits: float) -> bool:
        in_word = long.startswith(short) and " " not in short[-2:] + long[len(short)]
        shown = in_word or (short is self.text and _CUT.search(self.written) is not None)
        if bits < (LEAST_CUT if shown else LEAST_LEFT):
            return False
        return long_enough(short) or familiar(long if shown else short)


def _least_alike(short: str) -> float:
    length = len(short) if short.isascii() else size(short)
    for limit, least in LEAST_ALIKE:
        if length < limit:
            return least
    return 1.0


def _shared(short: str, long: str, bits: list[float]) -> tuple[float, int]:
    """Bits and letters of the runs that both texts have in the same order; runs of a letter or two are chance."""
    least = 3 if short.isascii() else 2
    told, letters = 0.0, 0
    for start, _, run in Indel.opcodes(short, long).as_matching_blocks():
        if run >= least:
            told += sum(bits[start : start + run])
            letters += run
    return told, letters


def names(written: str) -> str:
    """The names in a text, folded, a space between: words with a capital, and at the beginning of a sentence those that
    are no common word. At most eight.

    Empty where capitals tell nothing: in shouting, and in headlines that capitalise most words.
    """
    found, words = [], 0
    for match in _WRITTEN.finditer(written):
        words += 1
        word, before = match[0], written[: match.start()].rstrip()
        if len(word) < 3 or not word[0].isupper() or not word[1:].islower() or before[-1:] in _MARKED:
            continue
        name = flat(word).split("'")[0]
        if (before and before[-1] not in _OPENS) or name not in table():
            found.append(name)
    return " ".join(found[:8]) if 3 * len(found) <= words else ""


def named_otherwise(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Is it only names that two texts (plain, and its ``names``) differ in, each holding one that the other does not?

    "Stuck in Denver" and "Stuck in Oslo" are two people. A name with a typing error in it is the same name.
    """
    here, there = _names_more(one[1], other[0]), _names_more(other[1], one[0])
    if not here or not there:
        return False
    rest = " ".join(word for word in one[0].split() if word not in here)
    rest_too = " ".join(word for word in other[0].split() if word not in there)
    return Indel.distance(rest, rest_too, score_cutoff=TYPING) <= TYPING


def _names_more(named: str, text: str) -> set[str]:
    """The names that ``text`` does not hold."""
    words = set(text.split())
    return {name for name in named.split() if not any(_is_name(name, word) for word in words)}


def _is_name(name: str, word: str) -> bool:
    """Is ``word`` that name, perhaps with a slip or cut off?"""
    slips = _slips(name)
    if word == name or word.startswith(name) or (len(word) > 2 and name.startswith(word)):
        return True
    return OSA.distance(name, word, score_cutoff=slips) <= slips


def _slips(name: str) -> int:
    return 1 + len(name) // 6


def about_others(one: str, other: str) -> bool:
    """Does each text name a number that the other does not? Another flight, price or order is another text.

    A number with one wrong digit, or with a letter typed into it, is the same number, unless nothing else is different.
    """
    here, there = _NUMBER.findall(one)[:20], _NUMBER.findall(other)[:20]
    first, second = set(here), set(there)
    if first <= second or second <= first:
        return False
    both = ((first, second), (second, first))
    if OSA.distance("".join(here), "".join(there), score_cutoff=1) > 1 and all(
        any(all(OSA.distance(n, m) > 1 for m in known) for n in named) for named, known in both
    ):
        return True
    return Indel.distance(_NUMBER.sub("", one), _NUMBER.sub("", other), score_cutoff=TYPING) <= TYPING

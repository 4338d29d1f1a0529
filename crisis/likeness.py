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
from collections.abc import Sequence
from typing import NamedTuple

from rapidfuzz.distance import Indel

from crisis.folding import disguised
from crisis.rarity import Stream, familiar, worth
from crisis.templates import about_others, filled_otherwise, named_otherwise, size

LONG_ENOUGH = 24
"""Letters from which on two equal texts are copies, whatever they say. An ideograph counts as two."""
LEAST_ALIKE = ((40, 0.60), (60, 0.64), (80, 0.74), (10**9, 0.80))
"""How alike (1 - insertions and deletions over both lengths) texts must be in any case, by length of the shorter one: below
the first figure the second one holds. A few words changed in a long text leave more of it."""
_LEAST = [next(least for limit, least in LEAST_ALIKE if length < limit) for length in range(LEAST_ALIKE[-2][0])]
SAME, SURE = 0.9, 60
"""So alike are two texts of so many letters only if one copies the other."""
MISSING, ADDED, ALIKE, ENOUGH = 0.6, 0.5, 60.0, 36.0
"""Bits against for each bit that only the shorter, only the longer text has; bits for being alike; the bits needed."""
LEAST_SHARED = 14.0
"""Bits that must be shared."""
LEAST_SHARED_SHORT, LEAST_SHARED_KNOWN, KNOWN = 30.0, 19.0, 500
"""The same below ``LONG_ENOUGH`` letters, where people agree by coincidence: in a new stream, and once so many of its texts
are known, which tell what everybody says there."""
BEGINS = 0.92
"""How alike a text must be to the beginning of a longer one, to be that one with its end cut off."""
LEAST_LEFT, LEAST_CUT = 16.0, 7.0
"""Bits of what is left of a text that was cut; the second if it shows that it was."""
LETTERS = 8
"""Letters that must be shared in any case."""
_alike = Indel.normalized_similarity
_ELLIPSIS = re.compile(r"…[\"”’'»)\]\s]*(?:https?://\S+\s*)?\Z")
"""As programs shorten a text; people type three dots, which may mean anything."""
_CUT = re.compile(r"(?:…|\.\.\.)[\"”’'»)\]\s]*(?:https?://\S+\s*)?\Z")


def long_enough(text: str) -> bool:
    """Is an equal plain text a copy, whatever it says?"""
    return len(text) >= LONG_ENOUGH or (len(text) >= LONG_ENOUGH // 2 and size(text) >= LONG_ENOUGH)


def distinctive(text: str, streams: tuple[Stream, Stream]) -> bool:
    """Is an equal plain text a copy, though it is short? Not if it may be a common phrase."""
    return familiar(text) and sum(worth(text, streams)) >= _least_shared_short(streams)


def _least_shared_short(streams: tuple[Stream, Stream]) -> float:
    known = min(1.0, sum(stream.texts for stream in streams) / KNOWN)
    return LEAST_SHARED_SHORT - known * (LEAST_SHARED_SHORT - LEAST_SHARED_KNOWN)


class Compared(NamedTuple):
    """A plain text that is compared with others."""

    text: str
    written: str
    """As it was posted."""
    streams: tuple[Stream, Stream]

    def cut_from(self, others: Sequence[str]) -> int | None:
        """Which of ``others``, if only one, this text begins, to stop inside a word of it or at an ellipsis."""
        text = self.text
        if not LETTERS <= len(text) < SURE:
            return None
        begun = [at for at, other in enumerate(others) if other.startswith(text) and len(other) > len(text)]
        if len(begun) != 1 or not (_in_word(text, others[begun[0]]) or _ELLIPSIS.search(self.written)):
            return None
        return begun[0]

    def copies(self, other: str, as_written: str) -> bool:
        """Is one of the two a changed copy of the other? ``as_written``: how the other one was posted."""
        text = self.text
        length = min(len(text), len(other))
        least = _LEAST[length] if length < len(_LEAST) else LEAST_ALIKE[-1][1]
        alike = _alike(text, other, score_cutoff=least)
        if not alike and text[:LETTERS] != other[:LETTERS]:  # by far the usual case
            return False
        short, long = (text, other) if len(text) <= len(other) else (other, text)
        if alike < _least_alike(short):
            alike = 0.0
        if not self._alike(short, long, alike) or filled_otherwise(text, other):
            return False
        named = named_otherwise((self.text, self.written), (other, as_written))
        return not named or disguised(self.written) or disguised(as_written)

    def _alike(self, short: str, long: str, alike: float) -> bool:
        if alike >= SAME and len(short) >= SURE:
            return not about_others(short, long)
        begins = self._begins(short, long)
        if not alike and not begins:
            return False
        told = worth(long, self.streams)
        if begins and self._is_left_of(short, long, sum(told[: len(short)])):
            kept = long[: len(short)]
            return not about_others(short.rsplit(" ", 1)[0], kept.rsplit(" ", 1)[0])
        return alike > 0 and self._enough(short, long, told, alike) and not about_others(short, long)

    def _enough(self, short: str, long: str, told: list[float], alike: float) -> bool:
        bits = worth(short, self.streams)
        shared, letters = _shared(short, long, bits)
        if letters < LETTERS or shared < LEAST_SHARED:
            return False
        missing, added = sum(bits) - shared, max(0.0, sum(told) - shared)
        if shared - MISSING * missing - ADDED * added + ALIKE * alike < ENOUGH:
            return False
        return long_enough(short) or (
            shared >= _least_shared_short(self.streams) and (familiar(short) or familiar(long))
        )

    @staticmethod
    def _begins(short: str, long: str) -> bool:
        length = len(short)
        return (
            LETTERS <= length < len(long)
            and short[:LETTERS] == long[:LETTERS]
            and _alike(short, long[:length], score_cutoff=BEGINS) > 0
        )

    def _is_left_of(self, short: str, long: str, bits: float) -> bool:
        shown = _in_word(short, long) or (short is self.text and _CUT.search(self.written) is not None)
        if bits < (LEAST_CUT if shown else LEAST_LEFT):
            return False
        return long_enough(short) or familiar(long if shown else short)


def _in_word(short: str, long: str) -> bool:
    """Does ``short`` stop inside a word of ``long``, with two letters of it at the least?"""
    return long.startswith(short) and " " not in short[-2:] + long[len(short)]


def _least_alike(short: str) -> float:
    length = len(short)
    if length < len(_LEAST) and not short.isascii():
        length = size(short)
    return _LEAST[length] if length < len(_LEAST) else LEAST_ALIKE[-1][1]


def _shared(short: str, long: str, bits: list[float]) -> tuple[float, int]:
    """Bits and letters of the runs that both texts have in the same order; runs of a letter or two are chance."""
    least = 3 if short.isascii() else 2
    told, letters = 0.0, 0
    for start, _, run in Indel.opcodes(short, long).as_matching_blocks():
        if run >= least:
            told += sum(bits[start : start + run])
            letters += run
    return told, letters

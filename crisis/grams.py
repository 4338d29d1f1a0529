"""What the small model sees of a post: hashed pieces of its spelling and of its words, many posts at a time.

All posts of a batch are laid end to end as bytes. With prefix sums of a polynomial over them, the hash of any stretch
is one subtraction and one product (Karp and Rabin 1987, modulo 2**64), so every n-gram of every post comes from a few
array operations and none from a Python loop. Digits count as one digit, letters as lower case, and letters repeated
more than twice as twice. After a negation the next words are other words: "not good" is no "good".
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crisis.spelling import tidy

Hashes = NDArray[np.uint64]
Places = NDArray[np.intp]

LENGTHS = (3, 4, 5)
"""Bytes of a piece of spelling."""
BITS = 17
"""Each of the two tables, spelling and words, has ``2**BITS`` places."""
SCOPE = 3
"""Words that a negation turns round."""

_BASE = 0x9E3779B97F4A7C15
_BACK = pow(_BASE, -1, 2**64)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_NEGATED = np.uint64(0xA0761D6478BD642F)
_PAIR = np.uint64(0xE7037ED1A0B428DB)
_SALT = {length: np.uint64((0x8EBC6AF09C88C6E3 * (2 * length + 1)) % 2**64) for length in LENGTHS}
_SHIFT = np.uint64(64 - BITS)

NEGATIONS = (
    "not no never none nobody nothing neither nor cannot cant wont dont doesnt didnt isnt wasnt arent werent without "
    "hardly can't won't don't doesn't didn't isn't wasn't aren't weren't ain't aint couldn't wouldn't shouldn't hasn't "
    "haven't hadn't couldnt wouldnt shouldnt hasnt havent hadnt"
)


def _byte_table() -> NDArray[np.uint8]:
    table = np.arange(256, dtype=np.uint8)
    table[ord("A") : ord("Z") + 1] += 32
    table[ord("0") : ord("9") + 1] = ord("0")
    table[:33] = ord(" ")
    return table


_TAIL = b" " * max(LENGTHS)
_FOLD = _byte_table()
_IN_WORD = np.zeros(256, dtype=bool)
_IN_WORD[
    [*range(48, 58), *range(65, 91), *range(97, 123), *range(128, 256), ord("'"), ord("#"), ord("_"), ord("@")]
] = True


class Grams(NamedTuple):
    """Places in the tables, for all posts of a batch; ``bounds`` say which are whose."""

    spelling: list[tuple[Places, Places, Places]]
    """For each length: the places, and where each post's begin and end."""
    words: list[tuple[Places, Places, Places]]
    """The same for single words, words as negated, and pairs."""
    word_hashes: Hashes
    """Every word of the batch, as ``word_hash`` gives it."""
    senses: Hashes
    """The same, as ``turned_hash`` gives it where a negation turns the word."""
    first: Places
    """Each post's first word in ``word_hashes``; the next post's first is its end."""


@lru_cache(maxsize=8)
def _powers(size: int) -> tuple[Hashes, Hashes]:
    up, down = np.full(size, _BASE, np.uint64), np.full(size, _BACK, np.uint64)
    up[0] = down[0] = 1
    return np.multiply.accumulate(up), np.multiply.accumulate(down)


def word_hash(word: str) -> int:
    """64 bits that stand for ``word`` (lower case) in ``Grams.word_hashes``."""
    found = 0
    for place, byte in enumerate(word.encode()):
        found += byte * pow(_BASE, place, 2**64)
    return found % 2**64


def turned_hash(word: str) -> int:
    """What stands for ``word`` after a negation."""
    return word_hash(word) ^ int(_NEGATED)


class Listed:
    """Which of many words are on a fixed list, and where: a place of a table for each, more tables where places clash."""

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = np.append(hashes, np.zeros(1, np.uint64))
        self._shift = np.uint64(64 - max(8, (8 * len(hashes)).bit_length()))
        self._tables: list[NDArray[np.int32]] = []
        left, places = np.arange(len(hashes), dtype=np.int32), self._places(hashes)
        while len(left):
            table = np.full(1 << (64 - int(self._shift)), len(hashes), np.int32)
            table[places[left]] = left
            self._tables.append(table)
            left = left[table[places[left]] != left]

    def _places(self, words: Hashes) -> Places:
        return ((words * _MIX) >> self._shift).astype(np.intp)

    def find(self, words: Hashes) -> Places:
        """Where on the list each of ``words`` is, or the list's length."""
        places = self._places(words)
        found = np.full(len(words), len(self._hashes) - 1, np.intp)
        for table in self._tables:
            held = table.take(places, mode="clip")
            np.copyto(found, held, where=self._hashes.take(held, mode="clip") == words)
        return found

    def holds(self, words: Hashes) -> NDArray[np.bool_]:
        """Which of ``words`` are on the list."""
        found: NDArray[np.bool_] = self.find(words) < len(self._hashes) - 1
        return found


def listed(words: Iterable[str]) -> Listed:
    """The list of ``words`` (lower case)."""
    return Listed(np.array([word_hash(word) for word in words], np.uint64))


_NEGATIVE = listed(NEGATIONS.split())


def grams(texts: Sequence[str]) -> Grams:
    """All that the model sees of ``texts``, in order."""
    raw = [b" " + tidy(text).replace("’", "'").encode("utf-8", "surrogatepass") + b"  " for text in texts]
    ends = np.cumsum([len(post) for post in raw])
    line = _FOLD[np.frombuffer(b"".join([*raw, _TAIL]), np.uint8)]
    again = np.zeros(len(line), bool)
    again[2:] = (line[2:] == line[1:-1]) & (line[2:] == line[:-2]) & (line[2:] > 32)
    if again.any():
        ends = ends - np.cumsum(again)[ends - 1]
        line = line[~again]
    starts = np.concatenate([[0], ends[:-1]])
    up, down = _powers(1 << max(14, len(line).bit_length()))
    prefix = np.zeros(len(line) + 1, np.uint64)
    np.cumsum(line * up[: len(line)], out=prefix[1:])
    spelling = []
    for length in LENGTHS:
        stretch = (prefix[length:] - prefix[:-length]) * down[: len(line) - length + 1]
        places = ((stretch * _SALT[length]) >> _SHIFT).astype(np.intp)
        spelling.append((places, starts, ends - length))
    inside = np.zeros(len(line) + 2, np.int8)
    inside[1:-1] = _IN_WORD[line]
    turns = np.diff(inside)
    begin, end = np.flatnonzero(turns == 1), np.flatnonzero(turns == -1)
    words = (prefix[end] - prefix[begin]) * down[begin]
    bounds = np.searchsorted(begin, np.concatenate([starts, ends[-1:]]))
    senses = _senses(words, bounds)
    first, last = bounds[:-1], bounds[1:]
    pair = ((words[:-1] * _PAIR + words[1:]) * _MIX) >> _SHIFT
    begin = np.minimum(first, len(pair))
    pairs = (pair.astype(np.intp), begin, np.maximum(begin, last - 1))
    return Grams(spelling, [(single_places(senses), first, last), pairs], words, senses, bounds)


def single_places(senses: Hashes) -> Places:
    """Where single words are in the table of words."""
    return ((senses * _MIX) >> _SHIFT).astype(np.intp)


def _senses(words: Hashes, bounds: Places) -> Hashes:
    """Each word, or the word it becomes after a negation."""
    first, last = bounds[:-1], bounds[1:]
    negation = _NEGATIVE.holds(words)
    turned = np.zeros(len(words), bool)
    nth = np.arange(len(words)) - np.repeat(first, last - first)
    for back in range(1, SCOPE + 1):
        turned[back:] |= negation[:-back] & (nth[back:] >= back)
    found: Hashes = np.where(turned, words ^ _NEGATED, words)
    return found

"""Sketches of texts: a few of their letter sequences, drawn so that texts that share much share some of the sketch.

A text's sketch is the ``KEYS`` smallest hashes of its sequences of ``LENGTH`` letters (bottom-k sampling: Cohen and
Kaplan 2007; for resemblance: Broder 1997). An ideograph, kana or Hangul syllable counts as two letters, because it says
as much. Before them stand two hashes of its beginning, ``LENGTH`` and ``BEGINNING`` letters: what is left of a text that
was cut off begins like it. Hashes are a fixed polynomial with a fixed finish, so a sketch is the same in every process
and on every machine. Many texts at a time are sketched with numpy.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

LENGTH = 8
"""Letters in a sequence, a power of two."""
KEYS = 12
"""Hashes of sequences in a sketch at the most; a text of fewer sequences has fewer."""
BEGINNINGS = 2
"""Hashes of the beginning in a sketch."""
BEGINNING = 20
"""Letters of the longer beginning; of a shorter text it is all."""

_HASH_BITS = 44
MOST = 1 << (63 - _HASH_BITS)
"""Texts that are sketched at a time."""
_MULTIPLIER = 0x100000001B3
_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_SHORTER, _LONGER = np.uint64(1 << _HASH_BITS), np.uint64(2 << _HASH_BITS)
"""Tell the beginnings from a sequence elsewhere."""
_WIDE = 0x2E80

Words = npt.NDArray[np.uint64]


class Sketches(NamedTuple):
    """Sketches of several texts."""

    hashes: Words
    """Those of all texts in a row."""
    counts: npt.NDArray[np.int64]
    """How many each text has."""


def _letters(texts: Sequence[str]) -> tuple[Words, npt.NDArray[np.int64]]:
    """Code points of all texts in a row, wide ones twice, and how many each text has."""
    codes = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    wide = codes >= _WIDE
    if wide.any():
        times = wide.astype(np.int64) + 1
        codes = np.repeat(codes, times)
        ends = np.cumsum(lengths)
        before = np.concatenate([[0], np.cumsum(times)])
        lengths = before[ends] - before[ends - lengths]
    return codes.astype(np.uint64), lengths


def _hashes(codes: Words) -> Words:
    """A hash of every sequence of ``LENGTH`` codes, ``_HASH_BITS`` wide."""
    found, reach = codes, 1
    while reach < LENGTH:
        found = found[:-reach] * np.uint64(pow(_MULTIPLIER, reach, 2**64)) + found[reach:]
        reach *= 2
    return _finished(found)


def _finished(found: Words) -> Words:
    found ^= found >> np.uint64(31)
    found *= _FIRST
    found ^= found >> np.uint64(29)
    found *= _SECOND
    return found >> np.uint64(64 - _HASH_BITS)


def _longer(first: Words, second: Words, third: Words, letters: npt.NDArray[np.int64]) -> Words:
    """A hash of the longer beginning, of three sequences that it is made of and its length."""
    found = (first * _FIRST + second) * _SECOND + third * _FIRST + letters.astype(np.uint64)
    return _finished(found) | _LONGER


def _beginnings(every: Words, starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> tuple[Words, Words]:
    """Both hashes of the beginning of each text, from those of all sequences; texts have ``LENGTH`` letters at the least."""
    last = lengths - LENGTH
    first = every[starts]
    second, third = (every[starts + np.minimum(at, last)] for at in (LENGTH, BEGINNING - LENGTH))
    return first | _SHORTER, _longer(first, second, third, np.minimum(lengths, BEGINNING))


def sketches(texts: Sequence[str]) -> Sketches:
    """The sketch of each text: its beginnings, then smallest hash first; of a text shorter than ``LENGTH`` it is empty.

    Raises:
        ValueError: there are more texts than can be told apart, ``MOST``.
    """
    if len(texts) > MOST:
        raise ValueError(f"{len(texts)} texts at a time are too many: give {MOST} at the most")
    codes, lengths = _letters(texts)
    if len(codes) < LENGTH:
        return Sketches(np.empty(0, np.uint64), np.zeros(len(texts), np.int64))
    posts = np.repeat(np.arange(len(texts), dtype=np.uint64), lengths)
    whole = posts[: len(codes) - LENGTH + 1] == posts[LENGTH - 1 :]
    every = _hashes(codes)
    marked = (posts[: len(whole)] << np.uint64(_HASH_BITS) | every)[whole]
    marked.sort()
    marked = marked[np.concatenate([[True], marked[1:] != marked[:-1]])] if len(marked) else marked
    edges = np.arange(len(texts) + 1, dtype=np.uint64) << np.uint64(_HASH_BITS)
    first = np.searchsorted(marked, edges)
    counts = np.minimum(first[1:] - first[:-1], KEYS)
    ends = np.cumsum(counts)
    kept = np.arange(ends[-1]) + np.repeat(first[:-1] - (ends - counts), counts)
    long = lengths >= LENGTH
    before = BEGINNINGS * np.cumsum(long)
    hashes = np.empty(len(kept) + before[-1], np.uint64)
    hashes[np.arange(len(kept)) + np.repeat(before, counts)] = marked[kept] & np.uint64((1 << _HASH_BITS) - 1)
    begins = _beginnings(every, (np.cumsum(lengths) - lengths)[long], lengths[long])
    at = (ends - counts + before)[long] - BEGINNINGS
    hashes[at], hashes[at + 1] = begins
    return Sketches(hashes, counts + BEGINNINGS * long)

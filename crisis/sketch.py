"""Sketches of texts: a few of their letter sequences, drawn so that texts that share much share some of the sketch.

A text's sketch is the twelve smallest hashes of its sequences of ``LENGTH`` letters (bottom-k sampling: Cohen and
Kaplan 2007; for resemblance: Broder 1997). An ideograph, kana or Hangul syllable counts as two letters, because it says
as much. Hashes are a fixed polynomial with a fixed finish, so a sketch is the same in every process and on every
machine. Many texts at a time are sketched with numpy.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

LENGTH = 8
"""Letters in a sequence."""
LONGER = 20
"""Letters at the beginning that are hashed as one, beside the first ``LENGTH``: what is left of a text that was cut off
begins like it."""
BEGINNINGS = 2
KEYS = BEGINNINGS + 12
"""Hashes of a text at the most, those of its beginnings among them; one of fewer sequences has fewer."""

_HASH_BITS = 44
_BATCH = 1 << (63 - _HASH_BITS)
_MULTIPLIER = 0x100000001B3
_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_WIDE = 0x2E80

Words = npt.NDArray[np.uint64]


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
    found = codes
    reach = 1
    while reach < LENGTH:
        found = found[:-reach] * _powers(reach) + found[reach:]
        reach *= 2
    found ^= found >> np.uint64(31)
    found *= _FIRST
    found ^= found >> np.uint64(29)
    found *= _SECOND
    return found >> np.uint64(64 - _HASH_BITS)


def _powers(reach: int) -> np.uint64:
    return np.uint64(pow(_MULTIPLIER, reach, 2**64))


def keys(texts: Sequence[str]) -> Words:
    """What each text is found by, a row each: its beginning, its longer beginning, and its sketch, smallest hash first.

    Zero stands for none; a text shorter than ``LENGTH`` has nothing else.
    """
    if len(texts) > _BATCH:
        return np.vstack([keys(texts[:_BATCH]), keys(texts[_BATCH:])])
    found = np.zeros((len(texts), KEYS), np.uint64)
    codes, lengths = _letters(texts)
    if len(codes) < LENGTH:
        return found
    posts = np.repeat(np.arange(len(texts), dtype=np.uint64), lengths)
    whole = posts[: len(codes) - LENGTH + 1] == posts[LENGTH - 1 :]
    hashes = _hashes(codes)
    _begin(found, hashes, lengths)
    marked = (posts[: len(whole)] << np.uint64(_HASH_BITS) | hashes)[whole]
    marked.sort()
    marked = marked[np.concatenate([[True], marked[1:] != marked[:-1]])] if len(marked) else marked
    edges = np.arange(len(texts) + 1, dtype=np.uint64) << np.uint64(_HASH_BITS)
    first = np.searchsorted(marked, edges)
    counts = np.minimum(first[1:] - first[:-1], KEYS - BEGINNINGS)
    nth = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    rows = np.repeat(np.arange(len(texts)), counts)
    found[rows, BEGINNINGS + nth] = marked[first[rows] + nth] & np.uint64((1 << _HASH_BITS) - 1)
    return found


def _begin(found: Words, hashes: Words, lengths: npt.NDArray[np.int64]) -> None:
    """Put a hash of the first ``LENGTH`` and one of the first ``LONGER`` letters (or all, if fewer) into the rows."""
    rows = np.flatnonzero(lengths >= LENGTH)
    size = np.minimum(lengths[rows], LONGER)
    start = (np.cumsum(lengths) - lengths)[rows]
    last = size - LENGTH
    mixed = size.astype(np.uint64)
    for at in (np.zeros_like(last), np.minimum(LENGTH, last), last):
        mixed = (mixed ^ hashes[start + at]) * _FIRST
    found[rows, 0] = hashes[start] * _SECOND >> np.uint64(64 - _HASH_BITS)
    found[rows, 1] = mixed >> np.uint64(64 - _HASH_BITS)

"""Sketches of texts: a few of their letter sequences, drawn so that texts that share much share some of the sketch.

A text's sketch is the ``KEYS`` smallest hashes of its sequences of ``LENGTH`` letters (bottom-k sampling: Cohen and
Kaplan 2007; for resemblance: Broder 1997). An ideograph, kana or Hangul syllable counts as two letters, because it says
as much. Hashes are a fixed polynomial with a fixed finish, so a sketch is the same in every process and on every
machine. Many texts at a time are sketched with numpy.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

LENGTH = 8
"""Letters in a sequence, a power of two."""
KEYS = 12
"""Hashes in a sketch at the most; a text of fewer sequences has fewer."""

_HASH_BITS = 44
_BATCH = 1 << (63 - _HASH_BITS)
_MULTIPLIER = 0x100000001B3
_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_POWERS = np.array([pow(_MULTIPLIER, LENGTH - 1 - at, 2**64) for at in range(LENGTH)], dtype=np.uint64)
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


def sketches(texts: Sequence[str]) -> list[list[int]]:
    """The sketch of each text, smallest hash first; of a text shorter than ``LENGTH`` it is empty."""
    if len(texts) > _BATCH:
        return sketches(texts[:_BATCH]) + sketches(texts[_BATCH:])
    codes, lengths = _letters(texts)
    if len(codes) < LENGTH:
        return [[] for _ in texts]
    posts = np.repeat(np.arange(len(texts), dtype=np.uint64), lengths)
    whole = posts[: len(codes) - LENGTH + 1] == posts[LENGTH - 1 :]
    marked = (posts[: len(whole)] << np.uint64(_HASH_BITS) | _hashes(codes))[whole]
    marked.sort()
    marked = marked[np.concatenate([[True], marked[1:] != marked[:-1]])] if len(marked) else marked
    edges = np.arange(len(texts) + 1, dtype=np.uint64) << np.uint64(_HASH_BITS)
    first = np.searchsorted(marked, edges)
    counts = np.minimum(first[1:] - first[:-1], KEYS)
    ends = np.cumsum(counts)
    kept = np.arange(ends[-1]) + np.repeat(first[:-1] - (ends - counts), counts)
    hashes = (marked[kept] & np.uint64((1 << _HASH_BITS) - 1)).tolist()
    return [hashes[end - count : end] for end, count in zip(ends.tolist(), counts.tolist(), strict=True)]


def sketch(text: str) -> list[int]:
    """The sketch of one text, the same as ``sketches`` draws, with less ado."""
    codes = _letters([text])[0]
    count = len(codes) - LENGTH + 1
    if count < 1:
        return []
    every = _finished(np.ndarray((count, LENGTH), np.uint64, codes, 0, (8, 8)) @ _POWERS)
    every.sort()
    found = list(dict.fromkeys(every[: 2 * KEYS].tolist()))
    return (found if len(found) >= KEYS or count <= 2 * KEYS else list(dict.fromkeys(every.tolist())))[:KEYS]

"""Which remembered texts share enough of their sketches with a new one to be compared with it.

Texts are looked up many at a time and in numpy's arrays, because a walk through memory for each hash of each text would
cost more than all the rest. The last ``BLOCK`` texts that were looked up are compared with each other; when a block is full,
those of them that are remembered go into a table. Blocks are filled in the order of the texts, whoever gives them, so the
answer is the same one by one, in batches, and after a restart. A hash that more than ``SHARED`` remembered texts hold tells
nothing and is forgotten; within a block the first so many that hold it count.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crisis.sketch import BEGINNINGS, KEYS, Sketches, sketches

BLOCK = 512
"""Texts of a block."""
SHARED = 18
"""Texts that are near by one hash, at the most."""
NEAREST = 4
"""Texts that a new one is compared with, those that share most first."""
ENOUGH = 2
"""Hashes that must be shared. The longer beginning counts as two; so do, of a short text, the shorter one, and what only one
other text holds."""

_NUMBER_BITS, _POINT_BITS, _ENTRY_BITS = 32, 8, 13
_NUMBER, _MOST, _ENTRY = (1 << _NUMBER_BITS) - 1, (1 << _POINT_BITS) - 1, np.uint64((1 << _ENTRY_BITS) - 1)
_EACH = KEYS + BEGINNINGS

Bools = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]


class Near(NamedTuple):
    """What is near a text."""

    ranked: Sequence[int]
    """Texts, best first: ``_MOST`` less its points, before the number of the text."""
    begun: Sequence[int]
    """Numbers of texts that begin alike, of a short text."""


NOTHING = Near((), ())


class _Pairs(NamedTuple):
    """Hashes that two texts share: for each its place among those asked for, and the number of the other text."""

    places: Whole
    numbers: Whole
    alone: Bools
    """Whether no third text holds it."""


class _Table:
    """Remembered texts by their hashes; entries are chained by slot, each points to the one before it."""

    def __init__(self, texts: int) -> None:
        most = texts * _EACH + 1
        size = 2 << max(10, most.bit_length())
        self._mask = np.uint64(size - 1)
        self._last = np.zeros(size, np.int32)
        """Latest entry of a slot; 0: none; -1: too many, forgotten."""
        self._held = np.zeros(size, np.int16)
        self._hashes, self._numbers = np.empty(most, np.uint64), np.empty(most, np.int32)
        self._before = np.empty(most, np.int32)
        self._used = 1

    def add(self, drawn: Sketches, numbers: Whole) -> None:
        """Remember texts by their numbers, in the order of these, whatever the order of the texts."""
        numbers = np.repeat(numbers, drawn.counts)
        order = np.argsort(numbers, kind="stable")  # nearly sorted as a rule
        hashes, numbers = drawn.hashes[order], numbers[order]
        slots = (hashes & self._mask).astype(np.int64)
        order = np.sort((slots << _NUMBER_BITS) | np.arange(len(slots))) & _NUMBER
        slots = slots[order]
        first = _starts(slots)
        kept = (_ranks(first) + self._held[slots] <= SHARED) & (self._last[slots] >= 0)
        order, slots, first = order[kept], slots[kept], first[kept]
        if not len(slots):
            return
        entries = np.arange(self._used, self._used + len(slots), dtype=np.int32)
        self._used += len(slots)
        self._hashes[entries], self._numbers[entries] = hashes[order], numbers[order]
        self._before[entries] = np.where(first, self._last[slots], entries - 1)
        begins = np.flatnonzero(first)
        ends = np.append(begins[1:], len(slots))
        slots = slots[begins]
        self._last[slots] = entries[ends - 1]
        self._held[slots] += (ends - begins).astype(np.int16)
        self._last[slots[self._held[slots] > SHARED]] = -1

    def near(self, drawn: Sketches, short: Bools) -> list[Near]:
        """What is near each text."""
        return _ranked(self._pairs(drawn.hashes), drawn.counts, short)

    def _pairs(self, hashes: Hashes) -> _Pairs:
        entries = self._last[(hashes & self._mask).astype(np.int64)]
        places = np.flatnonzero(entries > 0)
        entries, wanted = entries[places], hashes[places]
        found, numbers = [places[:0]], [entries[:0]]
        while len(entries):
            same = self._hashes[entries] == wanted
            found.append(places[same])
            numbers.append(self._numbers[entries[same]])
            entries = self._before[entries]
            more = np.flatnonzero(entries)
            entries, places, wanted = entries[more], places[more], wanted[more]
        every = np.concatenate(found)
        alone = np.bincount(every, minlength=len(hashes))[every] == 1
        return _Pairs(every, np.concatenate(numbers).astype(np.int64), alone)


class _Block:
    """The sketches of the last texts that were looked up, by the places of the texts."""

    def __init__(self) -> None:
        self._hashes, self._owners = np.empty(BLOCK * _EACH, np.uint64), np.empty(BLOCK * _EACH, np.int64)
        self._used = 0
        self._texts = 0

    def pairs(self, drawn: Sketches) -> _Pairs:
        """Take texts in; who before them in the block holds their hashes."""
        start = self._used
        self._used += len(drawn.hashes)
        self._hashes[start : self._used] = drawn.hashes
        places = np.arange(self._texts, self._texts + len(drawn.counts))
        self._texts += len(places)
        self._owners[start : self._used] = np.repeat(places, drawn.counts)
        code = (self._hashes[: self._used] << np.uint64(_ENTRY_BITS)) | np.arange(self._used, dtype=np.uint64)
        code.sort()
        rank = _ranks(_starts(code >> np.uint64(_ENTRY_BITS)))
        entries = (code & _ENTRY).astype(np.int64)
        asking = np.flatnonzero((rank > 0) & (entries >= start))
        times = np.minimum(rank[asking], SHARED)
        each = np.repeat(asking, times)
        other = each - rank[each] + np.arange(len(each)) - np.repeat(np.cumsum(times) - times, times)
        return _Pairs(entries[each] - start, self._owners[entries[other]], rank[each] == 1)

    def sketches(self, which: Bools) -> Sketches:
        """Those of some texts."""
        owners = self._owners[: self._used]
        counts = np.bincount(owners, minlength=len(which))
        return Sketches(self._hashes[: self._used][which[owners]], counts[which])


class Index:
    """Remembered texts, by what they hold. They are called by numbers, which grow."""

    def __init__(self, texts: int, short: int) -> None:
        """``texts``: how many are remembered at the most; below ``short`` letters few hashes are left of a text."""
        self._texts, self._short = texts, short
        self._table: _Table | None = None
        """Only made when there is something to put into it."""
        self._settled = 0
        self._begin()

    def _begin(self) -> None:
        self._block: _Block | None = None
        self._places: dict[str, int] = {}
        """Places in the block by text."""
        self._numbers: list[int] = []
        """By place; 0: not remembered."""
        self._near: list[tuple[Near, Near, Near]] = []
        """What is near each text: in the block by place, in the table and in the older index by number."""
        self._kept: list[tuple[int, str]] = []
        """Texts that were remembered without being looked up."""

    @property
    def block(self) -> list[str]:
        """Texts of the block, in order."""
        return list(self._places)

    @property
    def settled(self) -> int:
        """Numbers up to this one are settled, if they are remembered."""
        return self._settled

    @property
    def room(self) -> int:
        """How many texts the block has room for."""
        return BLOCK - len(self._places)

    def __contains__(self, text: str) -> bool:
        """Was it looked up in this block?"""
        return text in self._places

    def look(self, texts: Sequence[str], older: "Index") -> None:
        """Look up texts of the block: those before them in it, those before it, and those of a settled index."""
        drawn = sketches(texts)
        short = np.fromiter((len(text) < self._short for text in texts), np.bool_, len(texts))
        if self._block is None:
            self._block = _Block()
        here = _ranked(self._block.pairs(drawn), drawn.counts, short)
        before = (
            [NOTHING] * len(texts) if table is None else table.near(drawn, short)
            for table in (self._table, older._table)
        )
        self._near += zip(here, *before, strict=True)
        self._places |= zip(texts, range(len(self._numbers), len(self._numbers) + len(texts)), strict=True)
        self._numbers += [0] * len(texts)

    def near(self, text: str) -> tuple[Near, Near]:
        """What is near a text that was looked up, here and in the older index."""
        place = self._places.get(text)
        if place is None:
            return NOTHING, NOTHING
        here, table, older = self._near[place]
        if here is not NOTHING:
            numbers = self._numbers
            codes = [code & ~_NUMBER | number for code in here.ranked if (number := numbers[code & _NUMBER])]
            begun = [number for place in here.begun if (number := numbers[place])]
            if codes or begun:
                return Near(sorted([*table.ranked, *codes]), [*table.begun, *begun]), older
        return table, older

    def add(self, number: int, text: str) -> None:
        """Remember a text."""
        place = self._places.get(text)
        if place is None:
            self._kept.append((number, text))
        else:
            self._numbers[place] = number

    def settle(self) -> None:
        """End the block."""
        if any(self._numbers) or self._kept:
            self._remember()
        self._begin()

    def _remember(self) -> None:
        """Put into the table what is remembered of the block."""
        numbers = np.array(self._numbers, np.int64)
        which = numbers > 0
        drawn = sketches([text for _, text in self._kept])
        if self._block is not None:
            block = self._block.sketches(which)
            drawn = Sketches(np.concatenate([block.hashes, drawn.hashes]), np.concatenate([block.counts, drawn.counts]))
        numbers = np.concatenate([numbers[which], np.array([number for number, _ in self._kept], np.int64)])
        if self._table is None:
            self._table = _Table(self._texts)
        self._table.add(drawn, numbers)
        self._settled = int(numbers.max())


def _starts(values: npt.NDArray[np.generic]) -> Bools:
    """Where in sorted ``values`` another one begins."""
    first = np.ones(len(values), np.bool_)
    first[1:] = values[1:] != values[:-1]
    return first


def _ranks(first: Bools) -> Whole:
    here = np.arange(len(first))
    return here - np.maximum.accumulate(np.where(first, here, 0))


def _ranked(pairs: _Pairs, counts: Whole, short: Bools) -> list[Near]:
    """What is near each text, of the pairs of its hashes."""
    texts = np.repeat(np.arange(len(counts)), counts)
    column = np.arange(len(texts)) - (np.cumsum(counts) - counts)[texts]
    is_short, longer = short[texts], column == 1
    points = np.where(longer | (is_short & (column == 0)), 2, 1)[pairs.places]
    points[pairs.alone & is_short[pairs.places]] *= 2
    row = texts[pairs.places]
    code = (row << (_NUMBER_BITS + _POINT_BITS)) | (pairs.numbers << _POINT_BITS) | points
    code.sort()
    begins = ((column == 0) & is_short)[pairs.places]
    begun = np.sort((row[begins] << _NUMBER_BITS) | pairs.numbers[begins])
    return [
        Near(*both) if both[0] or both[1] else NOTHING
        for both in zip(
            _by_row(_best(code), _NUMBER_BITS + _POINT_BITS, len(counts)),
            _by_row(begun, _NUMBER_BITS, len(counts)),
            strict=True,
        )
    ]


def _best(code: Whole) -> Whole:
    """Texts, each with what shares enough with it, best first, from sorted pairs with points."""
    if not len(code):
        return code
    pair = code >> _POINT_BITS
    starts = np.flatnonzero(_starts(pair))
    points = np.add.reduceat(code & _MOST, starts)
    enough = points >= ENOUGH
    pair, points = pair[starts[enough]], points[enough]
    best = (pair >> _NUMBER_BITS) << (_NUMBER_BITS + _POINT_BITS)
    best |= ((_MOST - points) << _NUMBER_BITS) | (pair & _NUMBER)
    best.sort()
    return best


def _by_row(code: Whole, bits: int, rows: int) -> list[Sequence[int]]:
    """Each row without its number, which stands above ``bits`` in sorted ``code``."""
    edges = np.searchsorted(code, np.arange(rows + 1) << bits).tolist()
    values = (code & ((1 << bits) - 1)).tolist()
    return [values[start:end] if end > start else () for start, end in pairwise(edges)]


def nearest(near: Near) -> list[int]:
    """Numbers of the nearest texts, best first."""
    return [code & _NUMBER for code in near.ranked[:NEAREST]]

"""Which texts share keys with which: an index of hashes that answers for many texts at a time, with numpy.

Every key of a text is an entry that points at the entry before it under the same place of a table (a hash table with
chains, laid out in arrays), so texts are put in and looked up by a few array operations, and an entry costs a dozen bytes. A
key that more than ``SHARED`` texts hold tells nothing: it is passed over.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crisis.sketch import KEYS, Words

Numbers = NDArray[np.int64]

SHARED = 16
"""Texts that may hold a key (or keys of one place of the table); what more of them share tells nothing."""
_TAG = np.uint64(20)
"""Bits of a key that do not go into the tag by which keys of one place are told apart."""


class Shared(NamedTuple):
    """Pairs of a text that was asked about and one that holds some of its keys, a line each."""

    row: Numbers
    """Place of the text among those asked about."""
    key: Numbers
    """Which of its keys."""
    number: Numbers
    """Of the text that holds it."""
    oldest: NDArray[np.bool_]
    """It was the first to hold it."""


class Holders:
    """Texts by their keys; texts have numbers from 1 to ``most``."""

    def __init__(self, most: int) -> None:
        self._mask = np.uint64((1 << (2 * KEYS * most).bit_length()) - 1)
        self._newest = np.zeros(int(self._mask) + 1, np.int32)
        """The newest entry of each place. Entry ``number * KEYS + key``; 0 is none."""
        size = (most + 1) * KEYS
        self._before = np.zeros(size, np.int32)
        self._rank = np.zeros(size, np.int32)
        """Entries of one place, up to this one."""
        self._tag = np.zeros(size, np.uint32)

    def add(self, numbers: Sequence[int], keys: Words) -> None:
        """Put texts in, the rows of ``keys``; ``numbers`` ascend and are new."""
        rows, columns = np.nonzero(keys)
        entries = np.asarray(numbers, np.int64)[rows] * KEYS + columns
        held = keys[rows, columns]
        places = self.places(held)
        self._tag[entries] = held >> _TAG
        order = np.argsort(places, kind="stable")
        places, entries = places[order], entries[order]
        first = np.ones(len(places), bool)
        first[1:] = places[1:] != places[:-1]
        starts = np.flatnonzero(first)
        before = np.empty(len(places), np.int64)
        before[1:] = entries[:-1]
        before[starts] = self._newest[places[starts]]
        self._before[entries] = before
        run = np.diff(np.append(starts, len(places)))
        nth = np.arange(len(places)) - np.repeat(starts, run)
        self._rank[entries] = np.repeat(self._rank[before[starts]], run) + nth + 1
        self._newest[places] = entries

    def share(self, keys: Words) -> Shared:
        """Who holds any of ``keys`` (a row a text), the newest first; 0 is no key."""
        flat = keys.ravel()
        current = self._newest[self.places(flat)]
        tags = (flat >> _TAG).astype(np.uint32)
        asked = np.flatnonzero((current > 0) & (self._rank[current] <= SHARED) & (flat > 0))
        current = current[asked]
        found: list[tuple[Numbers, NDArray[np.int32]]] = []
        while len(asked):
            same = self._tag[current] == tags[asked]
            found.append((asked[same], current[same]))
            current = self._before[current]
            there = np.flatnonzero(current)
            asked, current = asked[there], current[there]
        if not found:
            none = np.zeros(0, np.int64)
            return Shared(none, none, none, none.astype(bool))
        place = np.concatenate([asked for asked, _ in found])
        held = np.concatenate([current for _, current in found])
        return Shared(place // KEYS, place % KEYS, held.astype(np.int64) // KEYS, self._rank[held] == 1)

    def places(self, keys: Words) -> Numbers:
        """Where in the table each key is."""
        return (keys & self._mask).astype(np.int64)

    def counts(self, keys: Words) -> NDArray[np.int32]:
        """Texts that hold each key, as far as they are counted: all of its place of the table."""
        found: NDArray[np.int32] = self._rank[self._newest[self.places(keys)]]
        return found

"""Groups of texts: placing the texts that are in none, and joining groups that are alike.

A group is a distribution of words and a direction of meaning (``crisis.word_vectors``). ``placed`` puts a text where
its words are likeliest, against the words of all texts (Dirichlet smoothing, Zhai and Lafferty 2004), and its meaning is
near. ``joined`` joins groups from the most alike on. How alike two must be
depends on how firm they are: a large group with a word of its own that most of its texts have stays apart, a fragment
without one is taken up readily. Pure: arrays in, arrays out, the same for the same input.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crisis.small import Floats

SMOOTH = 300.0
"""Words of everybody's that a group starts with."""
NEAR, SHRINK = 12.0, 3.0
"""What a cosine of 1 with a group's meaning weighs (in nats), and the texts without meaning that a group starts with."""
LOOSE, FIRM = 0.14, 0.3
"""How alike two groups must be to be joined: fragments, and firm ones."""
MEANING = 2.0
"""What the mean cosine of two groups' texts in meaning weighs beside the cosine of their distinctive words."""
OWN_WORD = (0.8, 1.5)
"""Strength of the best own word (log of how much likelier, times the share of the group's texts that have it) below
which a group is a fragment and from which on it is firm, if it is large enough."""
LARGE = 40.0
"""Texts from which on a group with its own word is firm."""
AT_ONCE = 2_048
_SHARP = 10.0

Places = npt.NDArray[np.int64]
Wide = npt.NDArray[np.floating]


class Batch(NamedTuple):
    """Texts; each has at least one word."""

    columns: Places
    """Which word of the stream each column is."""
    words: Places
    """Columns of the words of all texts, one text after the other."""
    first: Places
    """Where each text's words begin."""
    lengths: Places
    """How many words each text has."""
    usual: Wide
    """How usual the word of each column is in the stream."""
    vectors: Floats
    """What each text means, a row a text, of length 1 or 0."""


class Groups(NamedTuple):
    """What groups are made of; a group without texts has size 0."""

    counts: Wide
    """Columns by groups."""
    total: Wide
    size: Wide
    sums: Floats
    """Groups by numbers of a vector."""


def groups(batch: Batch, labels: Places, number: int) -> Groups:
    """The groups as ``labels`` says (-1: in none)."""
    inside = labels >= 0
    owner = np.repeat(labels, batch.lengths)
    taken = owner >= 0
    cells = batch.words[taken] * number + owner[taken]
    shape = (len(batch.columns), number)
    counts = np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float32)
    total = np.bincount(labels[inside], batch.lengths[inside], minlength=number).astype(float)
    size = np.bincount(labels[inside], minlength=number).astype(float)
    sums = np.zeros((number, batch.vectors.shape[1]), np.float32)
    order = np.argsort(labels, kind="stable")
    order = order[np.count_nonzero(~inside) :]
    if len(order):
        begins = np.flatnonzero(np.diff(labels[order], prepend=-1))
        sums[labels[order][begins]] = np.add.reduceat(batch.vectors[order], begins, axis=0)
    return Groups(counts, total, size, sums)


def some(batch: Batch, rows: Places) -> Batch:
    """Only these texts, with the words of all."""
    lengths = batch.lengths[rows]
    first = np.cumsum(lengths) - lengths
    at = np.arange(int(lengths.sum())) + np.repeat(batch.first[rows] - first, lengths)
    return Batch(batch.columns, batch.words[at], first, lengths, batch.usual, batch.vectors[rows])


def placed(batch: Batch, labels: Places, number: int) -> Places:
    """The groups, with the texts that are in none put where they belong; -1 where one shares neither word nor meaning."""
    held, found = groups(batch, labels, number), labels.copy()
    logs = np.log(held.counts / batch.usual[:, None].astype(np.float32) + np.float32(SMOOTH))
    rest = np.where(held.size > 0, np.log(np.maximum(held.size, 1e-9)), -np.inf)
    meaning = (NEAR * held.sums / (held.size + SHRINK)[:, None]).astype(np.float32).T
    lost = np.flatnonzero(labels < 0)
    for begin in range(0, len(lost), AT_ONCE):
        rows = lost[begin : begin + AT_ONCE]
        part = some(batch, rows)
        likely = np.add.reduceat(logs[part.words], part.first, axis=0) + part.vectors @ meaning + rest
        likely -= part.lengths[:, None] * np.log(held.total + SMOOTH)
        best = likely.argmax(axis=1)
        shared = np.add.reduceat(held.counts[part.words, np.repeat(best, part.lengths)], part.first)
        near = (part.vectors * held.sums[best]).sum(axis=1)
        found[rows] = np.where((shared > 0) | (near > 0.1 * held.size[best]), best, -1)
    return found


def joined(batch: Batch, labels: Places, number: int) -> Places:
    """Which group each group is in after joining."""
    held = groups(batch, labels, number)
    into: Places = np.arange(number)
    rows = np.flatnonzero(held.size > 0)
    if len(rows) < 2:
        return into
    mixing = _Joining(held, rows, batch.usual)
    while (pair := mixing.most_alike()) is not None:
        kept, gone = pair
        into[into == rows[gone]] = rows[kept]
        mixing.join(kept, gone)
    return into


class _Joining:
    """Groups while they are joined: their vectors, and how alike each two are."""

    def __init__(self, held: Groups, rows: Places, usual: Wide) -> None:
        self._counts, self._total = held.counts[:, rows].astype(np.float32), held.total[rows].astype(float)
        self._size, self._sums = held.size[rows].copy(), held.sums[rows].copy()
        self._usual = usual
        self._gone = np.zeros(len(rows), bool)
        self._own = np.zeros(len(rows))
        self._distinct = np.stack([self._distinctive(row) for row in range(len(rows))])
        self._means: Floats = (self._sums / self._size[:, None]).astype(np.float32)
        self._alike: Wide = self._distinct @ self._distinct.T + MEANING * (self._means @ self._means.T)
        np.fill_diagonal(self._alike, -np.inf)

    def _distinctive(self, row: int) -> Floats:
        """The unit vector of a group's distinctive words; the strength of the best is kept."""
        held = np.flatnonzero(self._counts[:, row])
        counts, usual = self._counts[held, row], self._usual[held]
        above = np.log((counts + _SHARP * usual) / ((self._total[row] + _SHARP) * usual))
        strength = np.maximum(above, 0.0) * counts / self._size[row]
        found = np.zeros(len(self._usual), np.float32)
        found[held] = strength / max(float(np.linalg.norm(strength)), 1e-9)
        self._own[row] = strength.max(initial=0.0)
        return found

    def most_alike(self) -> tuple[int, int] | None:
        """The two that are most alike for how firm they are, the larger first; None when none are enough."""
        low, high = OWN_WORD
        firm = np.clip((self._own - low) / (high - low), 0, 1) * np.minimum(1, self._size / LARGE)
        over = self._alike - (LOOSE + (FIRM - LOOSE) * np.minimum.outer(firm, firm))
        one, other = divmod(int(over.argmax()), len(over))
        if over[one, other] < 0:
            return None
        return (one, other) if self._size[one] >= self._size[other] else (other, one)

    def join(self, kept: int, gone: int) -> None:
        """``gone`` is in ``kept`` from now on."""
        for held in (self._total, self._size, self._sums):
            held[kept] += held[gone]
        self._counts[:, kept] += self._counts[:, gone]
        self._gone[gone] = True
        self._distinct[kept] = self._distinctive(kept)
        self._means[kept] = self._sums[kept] / np.float32(self._size[kept])
        likeness = self._distinct @ self._distinct[kept] + MEANING * (self._means @ self._means[kept])
        likeness[self._gone], likeness[kept] = -np.inf, -np.inf
        self._alike[kept], self._alike[:, kept] = likeness, likeness
        self._alike[gone], self._alike[:, gone] = -np.inf, -np.inf

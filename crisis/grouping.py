"""Which texts belong together, all texts at hand looked at in one go: placing each anew, and joining groups.

A group is a distribution of words and a direction of meaning (``crisis.word_vectors``). ``placed`` puts every text where
its words are likeliest, against the words of all texts (Dirichlet smoothing, Zhai and Lafferty 2004), and its meaning is
near; a text is never evidence for its own place. ``joined`` joins groups from the most alike on. How alike two must be
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
LOOSE, FIRM = 0.14, 0.35
"""How alike two groups must be to be joined: fragments, and firm ones."""
MEANING = 0.5
"""What the cosine of two groups' meanings weighs beside that of their distinctive words."""
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


def placed(batch: Batch, labels: Places, number: int, *, sure: bool = False) -> Places:
    """Where each text belongs, all groups being as they are; ``sure``: -1 where it shares neither word nor meaning."""
    held = groups(batch, labels, number)
    logs = np.log(held.counts / batch.usual[:, None].astype(np.float32) + np.float32(SMOOTH))
    rest = np.where(held.size > 0, np.log(np.maximum(held.size, 1e-9)), -np.inf)
    meaning = (NEAR * held.sums / (held.size + SHRINK)[:, None]).astype(np.float32).T
    found = np.empty_like(labels)
    for begin in range(0, len(labels), AT_ONCE):
        part = slice(begin, min(begin + AT_ONCE, len(labels)))
        lengths, start = batch.lengths[part], int(batch.first[part.start])
        words = batch.words[start : start + int(lengths.sum())]
        first = batch.first[part] - start
        likely = np.add.reduceat(logs[words], first, axis=0) + batch.vectors[part] @ meaning + rest
        likely -= lengths[:, None] * np.log(held.total + SMOOTH)
        own = _without_itself(batch, held, labels, part, words, first)
        inside = np.flatnonzero(labels[part] >= 0)
        likely[inside, labels[part][inside]] = own[inside]
        best = likely.argmax(axis=1)
        if sure:
            shared = held.counts[words, np.repeat(best, lengths)] - np.repeat(best == labels[part], lengths)
            near = (batch.vectors[part] * held.sums[best]).sum(axis=1) - (best == labels[part])
            alone = (best == labels[part]) & (held.size[best] == 1)
            fits = (np.add.reduceat(shared, first) > 0) | (near > 0.1 * held.size[best]) | alone
            best = np.where(fits, best, -1)
        found[part] = best
    return found


def _without_itself(batch: Batch, held: Groups, labels: Places, part: slice, words: Places, first: Places) -> Wide:
    """How likely each text is in its own group, were it not in it."""
    own, lengths, vectors = np.maximum(labels[part], 0), batch.lengths[part], batch.vectors[part]
    counts = np.maximum(held.counts[words, np.repeat(own, lengths)] - 1, 0)
    others = held.size[own] - 1
    likely: Wide = np.add.reduceat(np.log(counts / batch.usual[words] + SMOOTH), first)
    likely -= lengths * np.log(np.maximum(held.total[own] - lengths, 0) + SMOOTH)
    likely += np.log(np.maximum(others, 1e-9))
    likely += NEAR * ((held.sums[own] - vectors) * vectors).sum(axis=1) / (np.maximum(others, 0) + SHRINK)
    return likely


def joined(batch: Batch, labels: Places, number: int, weight: Wide) -> Places:
    """Which group each group is in after joining; ``weight``: which of two goes on."""
    held = groups(batch, labels, number)
    into: Places = np.arange(number)
    rows = np.flatnonzero(held.size > 0)
    if len(rows) < 2:
        return into
    mixing = _Joining(held, rows, batch.usual, weight[rows].astype(float))
    while (pair := mixing.most_alike()) is not None:
        kept, gone = pair
        into[into == rows[gone]] = rows[kept]
        mixing.join(kept, gone)
    return into


class _Joining:
    """Groups while they are joined: their vectors, and how alike each two are."""

    def __init__(self, held: Groups, rows: Places, usual: Wide, weight: Wide) -> None:
        self._counts, self._total = held.counts[:, rows].astype(np.float32), held.total[rows].astype(float)
        self._size, self._sums = held.size[rows].copy(), held.sums[rows].copy()
        self._usual, self._weight = usual, weight
        self._gone = np.zeros(len(rows), bool)
        self._own = np.zeros(len(rows))
        self._distinct = np.stack([self._distinctive(row) for row in range(len(rows))])
        self._means = self._sums / np.maximum(np.linalg.norm(self._sums, axis=1, keepdims=True), 1e-9)
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
        """The two that are most alike for how firm they are, the one that goes on first; None when none are enough."""
        low, high = OWN_WORD
        firm = np.clip((self._own - low) / (high - low), 0, 1) * np.minimum(1, self._size / LARGE)
        over = self._alike - (LOOSE + (FIRM - LOOSE) * np.minimum.outer(firm, firm))
        one, other = divmod(int(over.argmax()), len(over))
        if over[one, other] < 0:
            return None
        return (one, other) if self._weight[one] >= self._weight[other] else (other, one)

    def join(self, kept: int, gone: int) -> None:
        """``gone`` is in ``kept`` from now on."""
        for held in (self._total, self._size, self._sums, self._weight):
            held[kept] += held[gone]
        self._counts[:, kept] += self._counts[:, gone]
        self._gone[gone] = True
        self._distinct[kept] = self._distinctive(kept)
        self._means[kept] = self._sums[kept] / max(float(np.linalg.norm(self._sums[kept])), 1e-9)
        likeness = self._distinct @ self._distinct[kept] + MEANING * (self._means @ self._means[kept])
        likeness[self._gone], likeness[kept] = -np.inf, -np.inf
        self._alike[kept], self._alike[:, kept] = likeness, likeness
        self._alike[gone], self._alike[:, gone] = -np.inf, -np.inf

"""Which texts say the same, found in one go and without being told how many things are said.

Every text is tied to the ``NEIGHBOURS`` most like it, by the words they share (the rarer, the more) and by what they
mean, and the texts that are tied more to one another than chance would have it are a community: the partition of
greatest modularity (Newman and Girvan 2004), found by moving one text at a time and then whole communities (Blondel et
al. 2008, *Fast unfolding of communities in large networks*). What modularity alone does not tell apart, small matters
beside a very large one, is looked for inside each community; what that splits too finely is joined
(``crisis.grouping``). Words that everybody uses weigh next to nothing, so inside one crisis its own words tell nothing
apart. Pure: arrays in, arrays out, the same for the same input.
"""

from collections import deque
from collections.abc import Callable

import numpy as np

from crisis.grouping import Batch, Places, joined, placed, some
from crisis.small import Floats

NEIGHBOURS = 25
"""Texts that each text is tied to; of few texts, a quarter of them."""
MEANING = 0.8
"""What the cosine of two texts' meanings weighs beside that of their words."""
FLOOR = 0.2
"""Likeness below which two texts are not tied."""
SHARPNESS = 1.5
"""Power of the likeness that is the strength of a tie."""
LOOKED_AT = 2_048
"""Texts that are tied to one another; of more, these evenly spaced ones, and the others are placed among them."""
SENTENCES = 0.6
"""Share of the cosine of whole sentences in that of meaning, where sentences are read."""
_AT_ONCE = 256
_GAIN = 1e-9

Ties = list[dict[int, float]]


def grouped(
    batch: Batch, least: float, most: int, sentences: Callable[[Places], Floats] | None = None
) -> tuple[Places, int]:
    """The group of each text (-1: like none), and how many groups there are, numbered from 0.

    ``least``: texts that make a group, if anything does; ``most``: groups, the largest ones; ``sentences``: unit vectors
    of what these texts mean as wholes, asked once for those that are tied.
    """
    number = len(batch.lengths)
    rows = np.arange(number) if number <= LOOKED_AT else np.linspace(0, number - 1, LOOKED_AT).astype(np.int64)
    seen = some(batch, rows)
    if sentences is not None:
        seen = seen._replace(vectors=_with(seen.vectors, sentences(rows)))
    tied = ties(seen)
    found = within(tied, parted(tied))
    found = joined(seen, found, len(found))[found]
    size = np.bincount(found)
    least = least * len(rows) / number if number > LOOKED_AT else least
    kept = np.argsort(-size, kind="stable")[: max(1, min(int((size >= least).sum()) or most, most))]
    kept = kept[size[kept] > 0]
    numbers: Places = np.full(len(size), -1)
    numbers[kept] = np.arange(len(kept))
    labels: Places = np.full(number, -1)
    labels[rows] = numbers[found]
    return placed(batch, labels, len(kept)), len(kept)


def _with(words: Floats, sentences: Floats) -> Floats:
    """What words and what whole sentences mean, side by side, less what all sentences have in common."""
    apart = sentences - sentences.mean(axis=0)
    apart /= np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-9)
    return np.concatenate([words * (1 - SENTENCES) ** 0.5, apart * SENTENCES**0.5], axis=1).astype(np.float32)


def ties(batch: Batch) -> Ties:
    """For each text, those it is tied to and how strongly; both ends hold a tie, and those who chose each other twice."""
    number = len(batch.lengths)
    found: Ties = [{} for _ in range(number)]
    most = min(NEIGHBOURS, max(2, number // 4), number - 1)
    if most < 1:
        return found
    words = _Words(batch)
    for begin in range(0, number, _AT_ONCE):
        end = min(begin + _AT_ONCE, number)
        alike = words.alike(begin, end)
        alike += MEANING * np.maximum(batch.vectors[begin:end] @ batch.vectors.T, 0)
        alike[alike < FLOOR] = 0
        alike[np.arange(end - begin), np.arange(begin, end)] = 0
        chosen = np.argpartition(-alike, most - 1, axis=1)[:, :most]
        strength = np.take_along_axis(alike, chosen, axis=1).astype(float) ** SHARPNESS
        for row, (others, strengths) in enumerate(zip(chosen.tolist(), strength.tolist(), strict=True), begin):
            for other, tie in zip(others, strengths, strict=True):
                if tie > 0:
                    found[row][other] = found[row].get(other, 0.0) + tie
                    found[other][row] = found[other].get(row, 0.0) + tie
    return found


class _Words:
    """The words of all texts, each text of length 1, by text and by word; a word that one text alone has is left out."""

    def __init__(self, batch: Batch) -> None:
        self._number = number = len(batch.lengths)
        often = np.bincount(batch.words, minlength=len(batch.columns))
        owner = np.repeat(np.arange(number), batch.lengths)
        kept = often[batch.words] > 1
        self._words, self._owner = batch.words[kept], owner[kept]
        weight = np.log(1 + number / np.maximum(often, 1))[self._words]
        length = np.sqrt(np.bincount(self._owner, weight * weight, minlength=number))
        self._weight = weight / np.maximum(length[self._owner], 1e-9)
        self._begin = np.searchsorted(self._owner, np.arange(number + 1))
        by_word = np.argsort(self._words, kind="stable")
        self._texts, self._weights = self._owner[by_word], self._weight[by_word]
        self._often = np.bincount(self._words, minlength=len(batch.columns))
        self._first = np.cumsum(self._often) - self._often

    def alike(self, begin: int, end: int) -> Floats:
        """The cosine of each of the texts from ``begin`` to ``end`` with every text."""
        part = slice(self._begin[begin], self._begin[end])
        words, times = self._words[part], self._often[self._words[part]]
        ahead = np.arange(int(times.sum())) - np.repeat(np.cumsum(times) - times, times)
        at = np.repeat(self._first[words], times) + ahead
        cells = np.repeat((self._owner[part] - begin) * self._number, times) + self._texts[at]
        products = np.repeat(self._weight[part], times) * self._weights[at]
        shape = (end - begin, self._number)
        return np.bincount(cells, products, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float32)


def parted(ties: Ties) -> Places:
    """The communities of a graph, numbered in the order in which they first come."""
    labels: Places = np.arange(len(ties))
    weight = [sum(tied.values()) for tied in ties]
    while len(weight) > 1:
        inside = _moved(ties, weight)
        numbers = {community: place for place, community in enumerate(dict.fromkeys(inside))}
        if len(numbers) == len(weight):
            break
        into = [numbers[community] for community in inside]
        labels = np.array(into)[labels]
        ties, weight = _together(ties, weight, into)
    return labels


def within(ties: Ties, labels: Places) -> Places:
    """The communities inside each community: of many texts, modularity alone does not tell small ones apart."""
    found = labels.copy()
    begin = 0
    for community in range(int(labels.max()) + 1):
        rows = np.flatnonzero(labels == community).tolist()
        places = {row: place for place, row in enumerate(rows)}
        inner: Ties = [{places[other]: tie for other, tie in ties[row].items() if other in places} for row in rows]
        parts = parted(inner)
        found[rows] = parts + begin
        begin += int(parts.max()) + 1
    return found


def _moved(ties: Ties, weight: list[float]) -> list[int]:
    """Each node's community, nodes moved one at a time to where modularity gains most until none gains."""
    inside, total, whole = list(range(len(ties))), list(weight), sum(weight)
    waiting = deque(node for node, tied in enumerate(ties) if tied)
    queued, most = [True] * len(ties), 50 * len(ties)
    while waiting and most:
        most -= 1
        node = waiting.popleft()
        queued[node] = False
        here, share = inside[node], weight[node] / whole
        links: dict[int, float] = {}
        for other, tie in ties[node].items():
            if other != node:
                links[inside[other]] = links.get(inside[other], 0.0) + tie
        total[here] -= weight[node]
        best, gain = here, links.get(here, 0.0) - total[here] * share
        for community, tie in links.items():
            if tie - total[community] * share > gain + _GAIN:
                best, gain = community, tie - total[community] * share
        total[best] += weight[node]
        if best != here:
            inside[node] = best
            for other in ties[node]:
                if not queued[other] and inside[other] != best:
                    queued[other] = True
                    waiting.append(other)
    return inside


def _together(ties: Ties, weight: list[float], into: list[int]) -> tuple[Ties, list[float]]:
    """The graph whose nodes are the communities."""
    found: Ties = [{} for _ in range(max(into) + 1)]
    weights = [0.0] * len(found)
    for node, tied in enumerate(ties):
        weights[into[node]] += weight[node]
        row = found[into[node]]
        for other, tie in tied.items():
            row[into[other]] = row.get(into[other], 0.0) + tie
    return found, weights

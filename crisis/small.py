"""The small model: sentiment, emotion and offence of English posts from one file of a megabyte or two, with numpy.

Linear over ``crisis.grams``: each piece of a post has a weight for each of six outputs, and a post's score is their
sum over the root of their number; words that VADER's lexicon knows, plain or negated, have weights of their own. A
weight is kept as one byte, the root of its size with its sign; in memory two weights share one 64-bit number (``LANE``
bits each), and a row of three is gathered and summed at a time. The file is learned by
``python -m benchmarks.train_small`` and described in docs/understanding.md.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from crisis.grams import Grams, Listed, Places, grams

Floats = NDArray[np.float32]
Packed = NDArray[np.int64]

FILE = Path(__file__).parent / "models" / "small.npz"
OUTPUTS = 6
"""Negative and positive against neutral; offence; anger, joy and optimism against sadness."""
LANE = 32
"""Bits of one sum; the longest post's, 16,000 pieces of 127 squared, stays below 2**31."""


_HALF, _FULL = np.int64(1 << (LANE - 1)), np.int64((1 << LANE) - 1)


class NoModel(Exception):
    """The model's file is missing or cannot be read; the message says which and what is done instead."""


class Judgement(NamedTuple):
    """What a model makes of a batch of posts, a row each."""

    sentiment: Floats
    """Probabilities: negative, neutral, positive."""
    emotion: Floats
    """Probabilities: anger, joy, optimism, sadness, were it one of them."""
    offence: Floats
    """Probability."""
    negative: Floats
    """Calibrated probability of being negative; from 0.5 on, detection counts the post as negative."""


def softmax(scores: Floats) -> Floats:
    """Probabilities of each row."""
    raised = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: Floats = raised / raised.sum(axis=1, keepdims=True)
    return found


def sigmoid(scores: Floats) -> Floats:
    """The probability that stands for each log odds."""
    found: Floats = (1 / (1 + np.exp(-scores))).astype(np.float32)
    return found


def calibrated(sentiment: Floats, slope: float, shift: float) -> Floats:
    """Platt's (1999) probability of being negative, from the log odds of the model's own."""
    own = np.clip(sentiment[:, 0], 1e-6, 1 - 1e-6)
    return sigmoid((slope * np.log(own / (1 - own)) + shift).astype(np.float32))


def pack(roots: NDArray[np.int8]) -> Packed:
    """Rows of six roots of weights as rows of three numbers that hold two weights each."""
    wide = roots.astype(np.int64)
    squares = wide * np.abs(wide)
    packed: Packed = np.ascontiguousarray(squares[:, 0::2] + (squares[:, 1::2] << LANE))
    return packed


def unpack(sums: Packed) -> Floats:
    """The six sums that each row of three numbers holds."""
    low = ((sums + _HALF) & _FULL) - _HALF
    found = np.empty((len(sums), OUTPUTS), np.float32)
    found[:, 0::2] = low
    found[:, 1::2] = (sums - low) >> LANE
    return found


class SmallModel:
    """A model file in memory; reading is pure and takes no lock."""

    def __init__(self, path: Path | None = None) -> None:
        path = path or FILE
        try:
            with np.load(path, allow_pickle=False) as kept:
                tables = {part: kept[part] for part in ("spelling", "words", "known")}
                self._scales: dict[str, Floats] = {part: kept[f"{part}_scale"] for part in tables}
                self._known = Listed(kept["keys"])
                self._bias: Floats = kept["bias"]
                self._heat: Floats = kept["heat"]
                self._slope, self._shift = (float(value) for value in kept["negative"])
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise NoModel(f"the model {path} cannot be read ({error}); install Fireline again") from error
        tables["known"] = np.vstack([tables["known"], np.zeros((1, OUTPUTS), np.int8)])
        self._tables = {part: np.ascontiguousarray(pack(table).T) for part, table in tables.items()}

    def scores(self, seen: Grams) -> Floats:
        """Six scores a post."""
        first, last = seen.first[:-1], seen.first[1:]
        pieces = 1 / np.sqrt(_count(seen.spelling))[:, None]
        words = 1 / np.sqrt(_count(seen.words))[:, None]
        total: Floats = (
            self._bias
            + self._part("spelling", seen.spelling) * pieces
            + self._part("words", seen.words) * words
            + self._part("known", [(self._known.find(seen.senses), first, last)]) * words
        ).astype(np.float32)
        return total

    def _part(self, part: str, blocks: list[tuple[Places, Places, Places]]) -> Floats:
        """The weights of one table, summed by post over all ``blocks``."""
        table = self._tables[part]
        total: Packed = np.zeros((len(blocks[0][1]), len(table)), np.int64)
        for places, first, last in blocks:
            weights = np.zeros(len(places) + 1, np.int64)
            edges = np.stack([first, np.maximum(first, last)], axis=1).ravel()
            some = last > first
            for lane, column in enumerate(table):
                column.take(places, out=weights[:-1], mode="clip")
                total[some, lane] += np.add.reduceat(weights, edges)[::2][some]
        return unpack(total) * self._scales[part]

    def judge(self, texts: Sequence[str]) -> Judgement:
        """What ``texts`` say, in order; they are taken to be English."""
        return self.judgement(grams(texts))

    def judgement(self, seen: Grams) -> Judgement:
        """What posts say whose pieces are known."""
        scores = self.scores(seen) * self._heat
        none = np.zeros((len(scores), 1), np.float32)
        sentiment = softmax(np.hstack([scores[:, :1], none, scores[:, 1:2]]))
        emotion = softmax(np.hstack([scores[:, 3:], none]))
        return Judgement(sentiment, emotion, sigmoid(scores[:, 2]), calibrated(sentiment, self._slope, self._shift))


def _count(blocks: list[tuple[Places, Places, Places]]) -> Places:
    """Pieces of each post, at least 1."""
    count: Places = np.maximum(sum(np.maximum(last - first, 0) for _, first, last in blocks), 1)
    return count

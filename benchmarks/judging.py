"""How good an answer is: macro recall, macro F1, and how often a post is wrongly called negative, with intervals."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Classes = NDArray[np.intp]


def macro_recall(said: Classes, true: Sequence[int] | Classes) -> float:
    """Mean over the classes of the share that is recognised; TweetEval's measure for sentiment."""
    there = np.asarray(true)
    return float(np.mean([(said[there == kind] == kind).mean() for kind in np.unique(there)]))


def macro_f1(said: Classes, true: Sequence[int] | Classes) -> float:
    """Mean over the classes of the harmonic mean of precision and recall."""
    there = np.asarray(true)
    found = []
    for kind in np.unique(there):
        right = np.sum((said == kind) & (there == kind))
        found.append(2 * right / max(1, np.sum(said == kind) + np.sum(there == kind)))
    return float(np.mean(found))


def wrongly_negative(said: Classes, true: Sequence[int] | Classes) -> float:
    """Share of the posts that are not negative (0) and are called so."""
    return float((said[np.asarray(true) != 0] == 0).mean())


def interval(
    measure: Callable[[Classes, Classes], float],
    said: Classes,
    true: Sequence[int],
    *,
    draws: int = 1000,
    seed: int = 1,
) -> tuple[float, float]:
    """95 % of ``measure`` over posts drawn again with replacement (bootstrap, seeded)."""
    there, dice = np.asarray(true), np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        drawn = dice.integers(0, len(there), len(there))
        found.append(measure(said[drawn], there[drawn]))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)

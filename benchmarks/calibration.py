"""Turning scores into probabilities, on posts that were not learned from: temperature, and Platt's line for negative."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from crisis.small import Floats

WRONG = 0.076
"""Share of posts that are not negative and may be taken for negative from ``negative`` 0.5 on."""
WRONG_ELSEWHERE = 0.11
"""The same on posts of brands that the model has never met."""
PRIOR = 1 / 3
"""Share of negative posts that ``negative`` is calibrated for: about what a brand sees on ordinary days."""


def balance(labels: list[int]) -> NDArray[np.float64]:
    """A weight for each post, so that every class counts the same; adds up to 1."""
    counts = np.bincount(labels)
    found: NDArray[np.float64] = (1 / (np.count_nonzero(counts) * np.maximum(counts, 1)))[labels]
    return found


def temperature(scores: Floats, labels: list[int]) -> float:
    """The factor of ``scores`` (a column a class) under which ``labels`` are likeliest, classes counting the same."""
    weight, rows = balance(labels), np.arange(len(labels))

    def loss(factor: float) -> float:
        hot = scores * factor
        hot = hot - hot.max(axis=1, keepdims=True)
        logs = hot - np.log(np.exp(hot).sum(axis=1, keepdims=True))
        return float(-(weight * logs[rows, labels]).sum())

    return min((float(factor) for factor in np.geomspace(0.2, 8, 150)), key=loss)


def platt(
    sentiment: Floats, labels: list[int], elsewhere: Sequence[tuple[Floats, list[int]]] = ()
) -> tuple[float, float]:
    """Slope and shift of ``negative``, by likelihood with ``PRIOR`` negative.

    The shift is at most what ``WRONG`` allows on these posts, and ``WRONG_ELSEWHERE`` on each of ``elsewhere``: posts of
    brands that the model which judged them has never met.
    """
    negative = np.array(labels) == 0
    weight = np.where(negative, PRIOR / negative.mean(), (1 - PRIOR) / (1 - negative.mean())) / len(labels)
    odds = log_odds(sentiment)
    columns, line = np.stack([odds, np.ones_like(odds)], axis=1), np.array([1.0, 0.0])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-(columns @ line)))
        bend = columns.T @ (columns * (weight * chance * (1 - chance))[:, None])
        line = line + np.linalg.solve(bend, columns.T @ (weight * (negative - chance)))
    slope, shift = float(line[0]), float(line[1])
    bounds = [-slope * float(np.quantile(odds[~negative], 1 - WRONG))]
    for judged, true in elsewhere:
        bounds.append(-slope * float(np.quantile(log_odds(judged)[np.array(true) != 0], 1 - WRONG_ELSEWHERE)))
    told = ", ".join(f"{bound:.3f}" for bound in bounds)
    print(f"negative: slope {slope:.3f}, shift {shift:.3f} by likelihood, at most {told} for few false alarms")
    return slope, min(shift, *bounds)


def log_odds(sentiment: Floats) -> NDArray[np.float64]:
    """The model's own log odds that a post is negative."""
    own = np.clip(sentiment[:, 0].astype(float), 1e-6, 1 - 1e-6)
    odds: NDArray[np.float64] = np.log(own / (1 - own))
    return odds

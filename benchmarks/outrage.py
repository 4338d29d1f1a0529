"""Simulated brands and what befalls them, in counts of five minutes: outrage, praise, news, and nothing.

A brand has a level (2 to 500 mentions in five minutes), days and weeks that wax and wane, rates that wander, counts
wilder than Poisson, and harmless bursts, about three a week. Its share of negative mentions is between .12 and .4 (a
classifier that is wrong on .12 of the others makes most of that), drifts slowly, and is noisy (beta-binomial). Instead
of a simulated background real counts can be given. An outrage rises to ``times`` the usual, half of it 30 minutes after
it begins, in one of five shapes, holds for hours and fades; of its mentions .55 to .85 are seen as negative. Praise and
news rise alike, with a share below the usual or at it. Everything comes from the seed.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

STEP = 300
DAY = 86_400 // STEP
HOUR = 3600 // STEP
HALF_PEAK = 30.0
"""Minutes from the beginning to half of the peak."""

Kind = Literal["outrage", "praise", "news", "nothing"]
Shape = Literal["linear", "logistic", "step", "exponential", "saturating"]
SHAPES: tuple[Shape, ...] = ("linear", "logistic", "step", "exponential", "saturating")
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Stream:
    """One brand over some days."""

    kind: Kind
    values: Counts
    negative: Counts
    begins: int
    """The row with which it begins; the number of rows when nothing does."""
    shape: str = ""


def wander(dice: np.random.Generator, rows: int, memory: float, deviation: float) -> Floats:
    """A first-order autoregressive walk around 0."""
    steps = dice.normal(0, deviation * np.sqrt(1 - memory**2), rows)
    found, at = np.zeros(rows), 0.0
    for row in range(rows):
        at = memory * at + steps[row]
        found[row] = at
    return found


def rates(dice: np.random.Generator, rows: int, level: float) -> Floats:
    """What is usual, by row: level, day, week, and how rates wander."""
    day = np.arange(rows) % DAY / DAY
    height = dice.uniform(0.3, 1.0)
    log = height * np.cos(2 * np.pi * (day - dice.uniform())) + 0.15 * height * np.cos(
        4 * np.pi * (day - dice.uniform())
    )
    log += dice.normal(0, 0.12, 7)[np.arange(rows) // DAY % 7]
    log += wander(dice, rows, 0.97, dice.uniform(0.08, 0.3))
    return np.asarray(level * np.exp(log), dtype=np.float64)


def background(dice: np.random.Generator, usual: Floats) -> Counts:
    """Counts around the usual: harmless bursts, gamma-Poisson."""
    mean = usual.copy()
    for _ in range(dice.poisson(3 * len(usual) / DAY / 7)):
        start, length = int(dice.integers(len(usual))), int(dice.integers(6, 36))
        burst = min(8.0, 1 + dice.pareto(2.0)) * np.exp(-np.arange(3 * length) / length)
        mean[start : start + 3 * length] *= 1 + burst[: len(mean[start : start + 3 * length])]
    wild = dice.uniform(4, 40)
    return dice.poisson(mean * dice.gamma(wild, 1 / wild, len(mean)))


def shares(dice: np.random.Generator, rows: int, usual: float, spread: float) -> Floats:
    """The share of negative mentions, by row."""
    logit = np.log(usual / (1 - usual)) + wander(dice, rows, 0.995, 0.15)
    mean, weight = 1 / (1 + np.exp(-logit)), 1 / spread - 1
    return np.asarray(dice.beta(mean * weight, (1 - mean) * weight), dtype=np.float64)


def ramp(dice: np.random.Generator, shape: Shape, rows: int) -> Floats:
    """Height by row, 0 to 1: .5 at ``HALF_PEAK``, then held for hours, then fading."""
    minutes = (np.arange(rows) + 0.5) * STEP / 60
    if shape == "linear":
        height = np.clip(minutes / (2 * HALF_PEAK), 0, 1)
    elif shape == "logistic":
        height = 1 / (1 + np.exp(-(minutes - HALF_PEAK) / dice.uniform(5, 9)))
    elif shape == "step":
        height = np.where(minutes < HALF_PEAK, dice.choice([0.0, 0.25]), 1.0)
    elif shape == "exponential":
        height = np.clip(2 ** ((minutes - 2 * HALF_PEAK) / HALF_PEAK), 0, 1)
    else:
        height = 1 - 2 ** (-minutes / HALF_PEAK)
    held = int(dice.integers(2 * HOUR, 5 * HOUR))
    return np.asarray(height * np.exp(-np.clip(np.arange(rows) - held, 0, None) / (2 * HOUR)), dtype=np.float64)


def simulate(seed: int, kind: Kind, times: float = 1.0, *, days: float = 0.0, real: Counts | None = None) -> Stream:
    """One brand over ``days`` of history (2 to 14 when not told) and half a day more, in which it happens."""
    dice = np.random.default_rng(seed)
    days = days or float(dice.uniform(2, 14))
    rows = int((days + 0.5) * DAY)
    if real is None:
        usual = rates(dice, rows, float(np.exp(dice.uniform(np.log(2), np.log(500)))))
        values = background(dice, usual)
    else:
        start = int(dice.integers(0, len(real) - rows + 1))
        values = real[start : start + rows].copy()
        lately = np.sort(values[-2 * DAY :])
        usual = np.full(rows, lately[: int(0.98 * len(lately))].mean() + 0.2)
    share = float(dice.uniform(0.12, 0.4))
    negative = dice.binomial(values, shares(dice, rows, share, float(dice.uniform(0.005, 0.05))))
    if kind == "nothing":
        return Stream(kind, values, negative, rows)
    begins = rows - DAY // 2 + int(dice.integers(DAY // 5))
    shape = SHAPES[int(dice.integers(len(SHAPES)))]
    lasts = min(6 * HOUR, rows - begins)
    added = usual[begins] * (times - 1) * ramp(dice, shape, lasts) * dice.gamma(20, 1 / 20, lasts)
    more = dice.poisson(np.maximum(added, 0))
    seen = {"outrage": dice.uniform(0.55, 0.85), "praise": share * dice.uniform(0.1, 0.7), "news": share}[kind]
    moods = dice.beta(40 * seen, 40 * (1 - seen), lasts)
    values[begins : begins + lasts] += more
    negative[begins : begins + lasts] += dice.binomial(more, moods)
    return Stream(kind, values, negative, begins, shape)

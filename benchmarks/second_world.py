"""A second, independent simulation of brands and what befalls them: people who answer people, in counts of five minutes.

``benchmarks.outrage`` draws counts from a rate; here most of the wildness comes from cascades. Somebody says something,
others repeat it over minutes or hours (sizes by a power law), and all of a cascade share a mood, so volume and share
err together. Rates are log-normal with a memory of an hour and of days, on a day with two humps and a week with two
quiet days; levels reach from one mention in ten minutes to a hundred a minute. The share of negative mentions drifts
over the weeks, is higher at some hours, and has heavy noise of its own. Instead of made-up counts real ones can be
given. An outrage follows one of five shapes, among them a sudden spike and two waves; it is at least .2 more negative
than usual. Praise lies below the usual share; news is *slightly worse than usual* (.03 to .1 above), so that a detector
which alerts at any excess pays for it. Everything comes from the seed.
"""

import numpy as np

from benchmarks.outrage import DAY, HOUR, STEP, Counts, Floats, Kind, Stream, wander

SHAPES = ("linear", "exponential", "logistic", "spike", "two waves")
MINUTES = STEP / 60


def _rates(dice: np.random.Generator, rows: int, level: float) -> Floats:
    """The rate of those who speak unasked, by row."""
    place = np.arange(rows) / DAY + dice.uniform(0, 7)
    hour, day = 2 * np.pi * (place % 1.0), place.astype(int) % 7
    morning, evening = dice.uniform(0, 2 * np.pi), dice.uniform(0, 2 * np.pi)
    humps = np.exp(2.0 * (np.cos(hour - morning) - 1)) + dice.uniform(0, 1) * np.exp(4.0 * (np.cos(hour - evening) - 1))
    depth = dice.uniform(0.3, 0.9)
    log = np.log(1 - depth + depth * humps / humps.mean()) + np.where(day >= 5, np.log(dice.uniform(0.4, 1.1)), 0.0)
    log += wander(dice, rows, np.exp(-1 / HOUR), dice.uniform(0.03, 0.15))
    log += wander(dice, rows, np.exp(-1 / (2 * DAY)), dice.uniform(0.05, 0.3))
    log += dice.normal(0, dice.uniform(0.05, 0.3), rows)
    return np.asarray(level * np.exp(log - log.mean()), dtype=np.float64)


def _shares(dice: np.random.Generator, rows: int, usual: float) -> Floats:
    """The share of negative ones among those who speak unasked, by row."""
    place = np.arange(rows) / DAY
    logit = np.log(usual / (1 - usual)) + dice.uniform(-0.02, 0.02) * (place - place.mean())
    logit += dice.uniform(0, 0.25) * np.cos(2 * np.pi * (place - dice.uniform()))
    logit += wander(dice, rows, np.exp(-1 / (6 * HOUR)), dice.uniform(0.05, 0.25))
    logit += dice.standard_t(5, rows) * dice.uniform(0.05, 0.4)
    return np.asarray(1 / (1 + np.exp(-logit)), dtype=np.float64)


def _cascades(dice: np.random.Generator, usual: Floats, share: float) -> tuple[Floats, Floats]:
    """What those who repeat others add to the rate, and to the rate of negative ones."""
    rows = len(usual)
    more, worse = np.zeros(rows), np.zeros(rows)
    part, level = dice.uniform(0.05, 0.3), float(np.median(usual))
    per_week = float(np.exp(dice.uniform(np.log(5), np.log(40))))
    for _ in range(dice.poisson(per_week * rows / DAY / 7)):
        start, last = int(dice.integers(rows)), float(np.exp(dice.normal(np.log(HOUR / 2), 0.8)))
        size = min(1 + dice.pareto(1.3), 60.0) * part * level * 7 * DAY / per_week / 4
        size = min(size, 8.0 * level * last)
        length = min(rows - start, int(6 * last) + 1)
        mood = dice.beta(25 * share, 25 * (1 - share))
        spread = np.exp(-np.arange(length) / last) / last * size
        more[start : start + length] += spread
        worse[start : start + length] += spread * mood
    return more, worse


def ramp(dice: np.random.Generator, shape: str, rows: int) -> Floats:
    """Height by row, 0 to 1: half of the (first) peak about 30 minutes after it begins."""
    minutes = (np.arange(rows) + 0.5) * MINUTES
    half = dice.uniform(26, 34)
    hold = dice.uniform(60, 240)
    if shape == "linear":
        height = np.clip(minutes / (2 * half), 0, 1)
    elif shape == "exponential":
        pace = dice.uniform(8, 14)
        height = np.clip(np.exp((minutes - half) / pace) / 2, 0, 1)
    elif shape == "logistic":
        height = 1 / (1 + np.exp(-(minutes - half) / dice.uniform(4, 10)))
    elif shape == "spike":
        height, hold = np.where(minutes < half, 0.0, 1.0), dice.uniform(30, 60)
    else:
        first = np.exp(-(((minutes - 60) / 36) ** 2))
        height = 0.8 * first + np.exp(-(((minutes - dice.uniform(150, 240)) / 50) ** 2))
        return np.asarray(np.minimum(height, 1.0), dtype=np.float64)
    fading = np.clip(minutes - 2 * half - hold, 0, None)
    return np.asarray(height * np.exp(-fading / dice.uniform(60, 240)), dtype=np.float64)


def _made_up(dice: np.random.Generator, rows: int, share: float) -> tuple[Counts, Counts]:
    """Counts, and negative ones, of a brand that does not exist."""
    usual = _rates(dice, rows, float(np.exp(dice.uniform(np.log(0.5), np.log(500)))))
    more, worse = _cascades(dice, usual, share)
    negative = dice.poisson(usual * _shares(dice, rows, share) + worse)
    return negative + dice.poisson(np.maximum(usual * (1 - share) + more - worse, 0.0)), negative


def _borrowed(dice: np.random.Generator, rows: int, share: float, real: Counts) -> tuple[Counts, Counts]:
    """Counts of a real brand, with negative ones made up: the mood of an hour errs as a whole."""
    start = int(dice.integers(0, len(real) - rows + 1))
    values = real[start : start + rows].copy()
    logit = np.log(1 / _shares(dice, rows, share) - 1) + wander(dice, rows, np.exp(-1 / HOUR), dice.uniform(0.1, 0.35))
    return values, dice.binomial(values, 1 / (1 + np.exp(logit)))


def _local(values: Counts, begins: int) -> float:
    """What is usual at this time of the day, bursts left out: rows within an hour of it, on the days before."""
    around = [values[max(0, at - HOUR) : at + HOUR] for at in range(begins - DAY, 0, -DAY)]
    seen = np.sort(np.concatenate([values[begins - HOUR : begins], *around]))
    return float(seen[: max(1, int(0.95 * len(seen)))].mean()) + 0.2


def simulate(seed: int, kind: Kind, times: float = 1.0, *, days: float = 0.0, real: Counts | None = None) -> Stream:
    """One brand over ``days`` of history (3 to 14 when not told) and half a day more, in which it happens."""
    dice = np.random.default_rng([seed, 2])
    days = days or float(dice.uniform(3, 14))
    rows = int((days + 0.5) * DAY)
    share = float(dice.uniform(0.08, 0.4))
    values, negative = _made_up(dice, rows, share) if real is None else _borrowed(dice, rows, share, real)
    if kind == "nothing":
        return Stream(kind, values, negative, rows)
    begins = rows - DAY // 2 + int(dice.integers(DAY // 5))
    lasts = min(8 * HOUR, rows - begins)
    shape = SHAPES[int(dice.integers(len(SHAPES)))]
    noise = np.exp(wander(dice, lasts, 0.5, 0.25))
    added = dice.poisson(_local(values, begins) * (times - 1) * ramp(dice, shape, lasts) * noise)
    mood = {
        "outrage": dice.uniform(max(0.5, share + 0.2), 0.9),
        "praise": share * dice.uniform(0.05, 0.8),
        "news": share + dice.uniform(0.03, 0.1),
    }[kind]
    moods = 1 / (1 + np.exp(-np.log(mood / (1 - mood)) - wander(dice, lasts, 0.7, 0.3)))
    values[begins : begins + lasts] += added
    negative[begins : begins + lasts] += dice.binomial(added, moods)
    return Stream(kind, values, negative, begins, shape)

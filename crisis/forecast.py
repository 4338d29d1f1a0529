"""How a storm would probably have gone on without a word: a forecast from the curve before, with an interval.

A storm is taken as a ramp that ends in a decay, on top of what is usual: a logistic rise of the authors of a window, then
either an exponential decay or the slower power law found for collective attention (Crane & Sornette 2008, PNAS 105:15649,
whose relaxation exponents lie between 0.2 and 1.4). Thousands of such curves are drawn from a wide prior by how well
they fit what was seen (over-dispersed counts, negative binomial), and continued as paths with a level that drifts at
random. The interval is read off the paths, so a curve that still rises, a short history and small counts each make it
wide by themselves. The share of negative authors follows from a mixture: those the storm brings have one share, the
usual ones theirs, so negativity falls as the crowd goes home. Coverage on simulated storms, of the same and of other
shapes, is measured by ``python -m benchmarks effect``. The same history always gives the same forecast.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from crisis.triage import Signal
from crisis.values import Frozen, UtcDatetime

Floats = npt.NDArray[np.float64]

LEVEL = 0.9
"""Share of paths inside the interval that is shown and judged by."""
HORIZON = timedelta(hours=6)
"""How far a forecast reaches. Beyond it news, sleep and work days decide, and no curve knows them."""
STEPS = 3
"""Points of a forecast in the length of one window; windows overlap, so each point of the past counts for a third."""
CURVES, PATHS = 4_000, 2_000
SPAN = timedelta(hours=24)
"""The most of the past that is looked at."""
POINTS = 48
"""Points of the past at most; a longer past is looked at more coarsely."""
LEAST_POINTS, LEAST_AUTHORS = 6, 15
"""Two whole windows, and so many negative authors in them: below, a forecast is a guess and none is made."""

DISPERSION = 0.02
"""Variance of a count beyond chance, as a share of its mean squared (negative binomial)."""
DRIFT = 0.35
"""Standard deviation of the level's random walk, of its logarithm, per square root of an hour."""
SHARE_DRIFT = 0.20
"""The same for the log odds that one whom the storm brings is negative."""
KEEPS = 0.85
"""How much of the last departure from the fitted curve goes on."""
_SEED = 20260301
_HEATS, _MOVES = (0.03, 0.1, 0.3, 0.6, 1.0), (0.2, 0.14, 0.1, 0.07, 0.05)


class Band(Frozen):
    """An interval and its middle."""

    low: float
    middle: float
    high: float


class Expected(Frozen):
    """What was to be expected of the window that ends ``at``."""

    at: UtcDatetime
    negative: Band
    """Negative authors."""
    authors: Band
    share: Band
    """Share of negative authors, 0..1."""


class NoForecast(ValueError):
    """Too little was seen before; the message says what is missing."""


@dataclass(frozen=True, eq=False)
class Forecast:
    """Paths on from ``start``, a point every third of a window."""

    start: datetime
    step: timedelta
    negative: Floats
    """Negative authors, paths x points; the first point is one step after ``start``."""
    authors: Floats
    share: Floats
    rising: float
    """Share of the paths that had not peaked at ``start``."""
    half_life: timedelta | None
    """The middle of the times in which what is beyond the usual halves; None where half of the paths do not halve within
    the horizon."""

    def moment(self, point: int) -> datetime:
        """The end of the window of a point."""
        return self.start + (point + 1) * self.step

    def expected(self, point: int) -> Expected:
        """The intervals at one point."""
        return Expected(
            at=self.moment(point),
            negative=band(self.negative[:, point]),
            authors=band(self.authors[:, point]),
            share=band(self.share[:, point]),
        )

    def over(self, points: Sequence[int]) -> Floats:
        """The mean of negative authors over some points, path by path: what the mean of as many windows is held against."""
        found: Floats = self.negative[:, list(points)].mean(axis=1)
        return found


def band(values: Floats) -> Band:
    """The interval of ``LEVEL`` and the median."""
    low, middle, high = np.quantile(values, [(1 - LEVEL) / 2, 0.5, (1 + LEVEL) / 2])
    return Band(low=float(low), middle=float(middle), high=float(high))


def forecast(before: Sequence[Signal], *, until: datetime) -> Forecast:
    """The forecast from ``until`` on, by signals of one watch; later ones are not looked at.

    Raises:
        NoForecast: too few windows or authors were seen, or nothing lately.
    """
    history = _history(before, until)
    window = history[-1].window
    step = window / STEPS
    times = np.array([(s.at - until).total_seconds() / 60 for s in history])
    seen = np.array([float(s.authors) for s in history])
    usual = np.array([s.usual_authors for s in history])
    spacing = float(np.median(np.diff(times))) if len(times) > 1 else window.total_seconds() / 60
    trust = min(1.0, spacing / (window.total_seconds() / 60))
    dice = np.random.default_rng(_SEED)
    curves, size = _fitted(dice, _Seen(times, seen, usual, trust))
    ahead: Floats = np.arange(1.0, int(HORIZON / step) + 1) * (step.total_seconds() / 60)
    excess = size[:, None] * curves.at(ahead)
    now = size * curves.at(np.zeros(1))[:, 0]
    excess *= _drifts(dice, ahead, DRIFT) * _departure(seen[-1], usual[-1], now)[:, None]
    mean = np.maximum(usual[-1] + excess, 1e-9)
    authors = _counts(dice, mean)
    share = _shares(dice, history, excess, usual[-1], ahead)
    negative = dice.binomial(authors.astype(np.int64), share).astype(np.float64)
    return Forecast(
        start=until,
        step=step,
        negative=negative,
        authors=authors,
        share=np.divide(negative, authors, out=share.copy(), where=authors > 0),
        rising=float((curves.peak > 0).mean()),
        half_life=_half_life(now, size[:, None] * curves.at(ahead), step),
    )


def _history(before: Sequence[Signal], until: datetime) -> list[Signal]:
    """The signals that are looked at, in order: of one length of window, evenly thinned, the newest kept."""
    known = sorted((s for s in before if until - SPAN <= s.at <= until), key=lambda s: s.at)
    if not known:
        raise NoForecast("nothing was measured before")
    window = known[-1].window
    since = known[-1].started_at - 2 * window
    known = [s for s in known if s.window == window and s.at >= since]
    if until - known[-1].at > window:
        minutes = (until - known[-1].at) // timedelta(minutes=1)
        raise NoForecast(f"nothing was measured in the {minutes} minutes before")
    step = max(window / STEPS, (until - known[0].at) / POINTS)
    kept = [known[-1]]
    for signal in reversed(known[:-1]):
        if kept[-1].at - signal.at >= step * 0.99:
            kept.append(signal)
    if len(kept) < LEAST_POINTS:
        needed = (LEAST_POINTS - 1) * window / STEPS // timedelta(minutes=1)
        raise NoForecast(f"the storm was measured for less than {needed} minutes before")
    negative = max(s.authors * s.negative_share for s in kept)
    if negative < LEAST_AUTHORS:
        raise NoForecast(f"no more than {negative:.0f} negative authors in a window were seen before")
    return kept[::-1]


class _Curves:
    """Shapes of storms by minutes from the moment of the forecast; each is a point of a cube in which the prior is even."""

    def __init__(self, places: Floats, first: float) -> None:
        self.places, self._first = places, first
        ramp, middle, plateau, half, scale, exponent, kind = places.T
        self.ramp = _between(ramp, 1.5, 60.0)
        self.middle = first - 30.0 + middle * (75.0 - first)
        self.peak = self.middle + _between(plateau, 3.0, 360.0)
        self.half = _between(half, 8.0, 1440.0)
        self.scale = _between(scale, 5.0, 120.0)
        self.exponent = 0.2 + 2.3 * exponent
        self.power = kind < 0.5

    def at(self, times: Floats) -> Floats:
        """Heights, curves x times, at most 1."""
        rise = 1.0 / (1.0 + np.exp(np.clip((self.middle[:, None] - times) / self.ramp[:, None], -50.0, 50.0)))
        past = np.maximum(times - self.peak[:, None], 0.0)
        fall = -np.log(2.0) * past / self.half[:, None]
        slow = -self.exponent[:, None] * np.log1p(past / self.scale[:, None])
        found: Floats = rise * np.exp(np.where(self.power[:, None], slow, fall))
        return found

    def take(self, chosen: npt.NDArray[np.int64]) -> "_Curves":
        return _Curves(self.places[chosen], self._first)

    def moved(self, dice: np.random.Generator, far: float) -> "_Curves":
        """Each a little elsewhere; what would leave the cube comes back from its wall."""
        places = np.abs(self.places + dice.normal(0.0, far, self.places.shape))
        return _Curves(1.0 - np.abs(1.0 - places) % 1.0, self._first)


_SHAPES = 7
"""Numbers by which a curve is told from another."""


def _between(places: Floats, low: float, high: float) -> Floats:
    """Even by ratio."""
    found: Floats = low * (high / low) ** places
    return found


@dataclass(frozen=True, eq=False)
class _Seen:
    """What was measured, by minutes before the forecast."""

    times: Floats
    authors: Floats
    usual: Floats
    trust: float
    """What one point counts for, because windows overlap."""

    def fit(self, curves: _Curves) -> tuple[Floats, Floats, Floats]:
        """Log likelihood (negative binomial), size in authors and its uncertainty, of each curve at its best size."""
        shape, weight = curves.at(self.times), 1.0 / (self.authors + 1.0 + DISPERSION * self.authors**2)
        power = (shape**2) @ weight + 1e-9
        size = np.maximum(shape @ (weight * (self.authors - self.usual)) / power, 0.0)
        mean = np.maximum(self.usual + size[:, None] * shape, 1e-6)
        spread = DISPERSION * mean
        logs = self.trust * (self.authors * np.log(spread / (1 + spread)) - np.log1p(spread) / DISPERSION).sum(axis=1)
        return logs, size, np.sqrt(1.0 / (self.trust * power * size**2 + 1.0))


def _fitted(dice: np.random.Generator, seen: _Seen) -> tuple[_Curves, Floats]:
    """Curves as likely as they fit what was seen, and the size of each in authors.

    A sequential Monte Carlo sampler (Del Moral, Doucet & Jasra 2006): from the prior to the posterior in a few steps of
    heat, each resampled by weight and moved by a few Metropolis steps.
    """
    curves, heat = _Curves(dice.random((CURVES, _SHAPES)), float(seen.times[0])), 0.0
    logs, _, _ = seen.fit(curves)
    for hotter, far in zip(_HEATS, _MOVES, strict=True):
        gain = (hotter - heat) * logs
        chances = np.exp(gain - gain.max())
        chosen = dice.choice(len(logs), PATHS, p=chances / chances.sum())
        curves, logs, heat = curves.take(chosen), logs[chosen], hotter
        for _ in range(2):
            moved = curves.moved(dice, far)
            fits, _, _ = seen.fit(moved)
            taken = np.log(dice.random(PATHS)) < heat * (fits - logs)
            curves = _Curves(np.where(taken[:, None], moved.places, curves.places), float(seen.times[0]))
            logs = np.where(taken, fits, logs)
    _, size, unsure = seen.fit(curves)
    return curves, size * np.exp(dice.normal(0.0, unsure))


def _departure(seen: float, usual: float, fitted: Floats) -> Floats:
    """How far the last window departed from each curve, as a factor that goes on in part."""
    found: Floats = ((max(seen - usual, 0.0) + 3.0) / (fitted + 3.0)) ** KEEPS
    return found


def _drifts(dice: np.random.Generator, ahead: Floats, size: float) -> Floats:
    """Factors of a level that wanders at random, paths x points."""
    steps = np.diff(ahead, prepend=0.0) / 60.0
    return np.exp(np.cumsum(dice.normal(0.0, size * np.sqrt(steps), (PATHS, len(ahead))), axis=1))


def _counts(dice: np.random.Generator, mean: Floats) -> Floats:
    """Over-dispersed counts of these means: negative binomial, as a Poisson count of a gamma rate."""
    rate = mean * dice.gamma(1.0 / DISPERSION, DISPERSION, mean.shape)
    return dice.poisson(rate).astype(np.float64)


def _shares(
    dice: np.random.Generator, history: Sequence[Signal], excess: Floats, usual: float, ahead: Floats
) -> Floats:
    """Share of negative authors along the paths: of those the storm brings, by the last windows, and of the usual ones."""
    last = history[-2 * STEPS :]
    calm = history[-1].usual_negative_share
    negative = float(np.mean([s.authors * s.negative_share for s in last]))
    authors = float(np.mean([s.authors for s in last]))
    brought = max(authors - usual, 0.05 * authors, 1e-6)
    share = min(max((negative - min(usual, authors - brought) * calm) / brought, 0.01), 0.99)
    evidence = min(brought, 80.0)
    odds = dice.beta(share * evidence + 0.5, (1 - share) * evidence + 0.5, PATHS)[:, None]
    drift = _drifts(dice, ahead, SHARE_DRIFT)
    odds = odds / np.maximum(1 - odds, 1e-6) * drift
    storm = odds / (1 + odds)
    found: Floats = np.clip((usual * calm + excess * storm) / np.maximum(usual + excess, 1e-9), 0.0, 1.0)
    return found


def _half_life(now: Floats, later: Floats, step: timedelta) -> timedelta | None:
    halved = later <= now[:, None] / 2
    first = np.where(halved.any(axis=1), halved.argmax(axis=1), later.shape[1])
    middle = int(np.median(first))
    return None if middle >= later.shape[1] else (middle + 1) * step

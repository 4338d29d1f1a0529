"""What is usual for a watch: its voices by the time of the day, and its share of negative ones.

Every ``step`` (a quarter of an hour, or longer when counts come in longer steps) one sample of each window is kept, for
four weeks. What is expected now is the median of the logarithm of earlier samples at this time of the day (± 45 min),
drawn towards the last day's level while there are few days; medians, and leaving out samples taken during an episode,
keep a storm from becoming the usual. How rare it is to be so far above it is learnt from the stream itself
(``crisis.exceedance``): parametric tails are not calibrated on real brands. A young baseline is wide, and says so
(``cold``). Causal: what is expected at a time depends only on samples before it. Memory is bounded.
"""

from collections import deque
from dataclasses import dataclass
from itertools import islice
from math import asin, exp, log1p, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from crisis.exceedance import Rarity

DAY = 86_400
STEP = 900
"""Seconds between two samples, at the least."""
WEEKS = 4
"""How long samples are kept."""
NEAR = 2700
"""Seconds on each side that count as the same time of the day."""
WIDE = 4.0
"""Quantile in standard deviations assumed of a stream nobody has seen yet."""
WIDE_SHARE = 3.0
"""Likewise of the share of negative voices."""
PRIOR, PRIOR_SAMPLES = 2.0, 200
"""Days, and samples at the least, that these assumptions are worth."""
ROUGHNESS = 0.15
"""Standard deviation of log counts beyond Poisson, at the least."""
RECENT, EARLIER = 2 * 3600, 4
"""While cold, the busiest time yet is looked for before the last so many seconds, if so many samples are known of it."""
YOUNG = 3.0
"""How much wider: variance beyond Poisson is multiplied by 1 + YOUNG / days."""
LEAST = 14
"""Samples without which a baseline is cold, however long the steps are."""
SHARE_PRIOR = (4.0, 16.0)
"""Negative and other voices assumed before any was read: one in five."""
SHARE_SPREAD = 0.01
"""Intra-class correlation of negative voices within a window (beta-binomial), until the stream has shown its own."""
SPREAD_WEIGHT = 48 * 20 * 20
"""Weight of that assumption: two days of 20 voices an hour."""

Logs = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Usual:
    """What is expected at a time, for one window."""

    voices: float
    spread: float
    """Standard deviation of the log count."""
    rarity: Rarity
    """How rare deviations are, in standard deviations."""

    def above(self, voices: float) -> float:
        """How far ``voices`` are above the usual, in standard deviations."""
        return (log1p(voices) - log1p(self.voices)) / self.spread

    def surprise(self, voices: float) -> float:
        """How surprising ``voices`` are; 1 is what the stream exceeds once in a thousand looks."""
        return self.rarity.surprise(self.above(voices))

    def height(self, voices: float) -> float:
        """How high ``voices`` are; 1 is the least of the stream's own highest 0.1 %."""
        return self.above(voices) / self.rarity.remarkable


@dataclass
class Sample:
    """One step: voices by window, and what the step itself held."""

    step: int
    voices: tuple[float, ...]
    """By window."""
    above: tuple[float, ...]
    """How far they were above the usual, in standard deviations, as judged then; empty while cold."""
    over: tuple[float, ...]
    """How far the shares of negative voices were above the usual, likewise."""
    read: tuple[int, int]
    """Negative and known voices of the step itself."""
    hour: tuple[int, int]
    """Negative and known voices of the hour that ends here; 0, 0 except at the end of each hour."""
    first: float
    """Time of the step's first post, seconds since the epoch; 0 when there was none."""
    quiet: bool
    """No episode was under way."""
    held: tuple[int, ...] = ()
    """What else its owner wants to find again."""


class Baseline:
    """The usual of one stream, for ``windows`` windows, sampled every ``step`` seconds."""

    def __init__(self, windows: int, step: int = STEP) -> None:
        self.step = step
        self._stride = max(1, STEP // step)
        self.windows = windows
        self.samples: deque[Sample] = deque()
        self.day = max(1, round(DAY / step))
        """Samples in a day."""
        self._near = NEAR // step if self.day > 1 else 0
        self._usual: tuple[Usual, ...] = ()
        self._for = -1
        self._index()

    def _index(self) -> None:
        """Work out from all samples what ``add`` otherwise keeps up to date."""
        days = np.arange(1, WEEKS * 7 + 1)[:, None] * self.day
        self._back = np.sort((days + np.arange(-self._near, self._near + 1)[None, :]).ravel())
        self._back = self._back[self._back > self.day // 2]
        self._back_day = (self._back + self._near) // self.day
        self._logs: Logs = np.full(((WEEKS * 7 + 2) * self.day, self.windows), np.nan)
        prior = max(PRIOR * self.day, PRIOR_SAMPLES)
        self._above = tuple(Rarity(WIDE, WIDE / 2, prior) for _ in range(self.windows))
        self._over = tuple(Rarity(WIDE_SHARE, WIDE_SHARE / 2, prior) for _ in range(self.windows))
        self._sums = [0.0] * 7
        self._mood: tuple[float, float, float] | None = None
        self._for = -1
        for sample in self.samples:
            self._reckon(sample, 1)

    def _reckon(self, sample: Sample, sign: int) -> None:
        if not sample.quiet:
            return
        self._logs[sample.step % len(self._logs)] = np.log1p(sample.voices) if sign > 0 else np.nan
        for rarities, values in ((self._above, sample.above), (self._over, sample.over)):
            for rarity, value in zip(rarities, values, strict=False):
                rarity.add(value) if sign > 0 else rarity.remove(value)
        x, n = sample.hour
        sums = (*sample.read, x * x, n * x, n * n, n, 1)
        self._sums = [total + sign * value for total, value in zip(self._sums, sums, strict=True)]
        self._mood = None

    @property
    def days(self) -> float:
        """Days of history."""
        return (self.samples[-1].step - self.samples[0].step + 1) / self.day if self.samples else 0.0

    @property
    def cold(self) -> bool:
        """Less than one full day is known: no time of the day was seen before."""
        return self.days < 1.0 or len(self.samples) < LEAST

    def usual(self, step: int) -> tuple[Usual, ...]:
        """What is expected in the step ``step``, for each window; worked out once in ``STEP`` seconds."""
        if step // self._stride != self._for:
            self._forget(step)
            self._usual, self._for = self._expect(step), step // self._stride
        return self._usual

    def _forget(self, step: int) -> None:
        while self.samples and self.samples[0].step <= step - WEEKS * 7 * self.day:
            self._reckon(self.samples.popleft(), -1)

    def _expect(self, step: int) -> tuple[Usual, ...]:
        if not self.samples:
            return tuple(Usual(0.0, 1.0, rarity) for rarity in self._above)
        size = len(self._logs)
        last_day = self._logs[np.arange(step - self.day, step) % size]
        last_day = last_day[~np.isnan(last_day[:, 0])]
        same = self._logs[(step - self._back) % size]
        known = ~np.isnan(same[:, 0])
        days = int(np.count_nonzero(np.bincount(self._back_day[known])))
        if days and len(last_day):
            level = (days * np.median(same[known], axis=0) + 0.5 * np.median(last_day, axis=0)) / (days + 0.5)
        elif days:
            level = np.median(same[known], axis=0)
        elif len(last_day):
            level = self._busiest(last_day, self._logs[np.arange(step - self.day, step - RECENT // self.step) % size])
        else:
            level = np.log1p([sample.voices for sample in islice(reversed(self.samples), self.day)]).max(axis=0)
        rough = ROUGHNESS**2 * (1.0 + YOUNG / max(days, 0.5))
        return tuple(
            Usual(exp(value) - 1.0, sqrt(exp(-value) + rough), self._above[k]) for k, value in enumerate(level.tolist())
        )

    @staticmethod
    def _busiest(last_day: Logs, earlier: Logs) -> Logs:
        """The busiest yet, for what is cold: not of the last hours, where a surge that grows would hide behind itself."""
        known: Logs = earlier[~np.isnan(earlier[:, 0])]
        level: Logs = (known if len(known) >= EARLIER else last_day).max(axis=0)
        return level

    def share(self) -> float:
        """The usual share of negative voices."""
        return self._moods()[0]

    def share_spread(self) -> float:
        """Intra-class correlation of the share within an hour: the stream's own, by moments, drawn to a prior."""
        return self._moods()[1]

    def _moods(self) -> tuple[float, float, float]:
        """Share, its intra-class correlation, and the share on the arcsine scale."""
        if self._mood is None:
            share = (SHARE_PRIOR[0] + self._sums[0]) / (sum(SHARE_PRIOR) + self._sums[1])
            xx, nx, nn, n = self._sums[2:6]
            excess = (xx - 2 * share * nx + share * share * nn) / (share * (1 - share)) - n
            spread = (excess + SHARE_SPREAD * SPREAD_WEIGHT) / (max(nn - n, 0.0) + SPREAD_WEIGHT)
            self._mood = share, min(0.3, max(SHARE_SPREAD / 2, spread)), asin(sqrt(share))
        return self._mood

    def over(self, negative: int, known: int) -> float:
        """How far a share is above the usual, in standard deviations of a beta-binomial.

        On the arcsine scale (Anscombe 1948), where a deviation means the same among three voices as among thousands.
        """
        if not known:
            return 0.0
        shown = asin(sqrt((negative + 0.375) / (known + 0.75)))
        _, spread, usual = self._moods()
        return 2 * (shown - usual) / sqrt((1 + (known - 1) * spread) / known)

    def surprise(self, window: int, negative: int, known: int) -> float:
        """How surprising a share is; 1 is what the stream exceeds once in a thousand looks at that window."""
        return self._over[window].surprise(self.over(negative, known))

    def add(self, sample: Sample) -> None:
        """Keep one more sample; the oldest beyond four weeks are forgotten."""
        self.samples.append(sample)
        self._reckon(sample, 1)
        self._forget(sample.step)

    def disturbed(self, since: int) -> None:
        """Samples from the step ``since`` on belong to an episode, not to the usual."""
        for sample in reversed(self.samples):
            if sample.step < since:
                break
            if sample.quiet:
                self._reckon(sample, -1)
                sample.quiet = False
        self._for = -1

    def dump(self) -> list[Any]:
        """Everything, as plain JSON values."""
        return [
            [
                s.step,
                list(s.voices),
                list(s.above),
                list(s.over),
                list(s.read),
                list(s.hour),
                s.first,
                s.quiet,
                list(s.held),
            ]
            for s in self.samples
        ]

    @classmethod
    def load(cls, windows: int, step: int, state: list[Any]) -> "Baseline":
        """The baseline that ``dump`` described."""
        new = cls(windows, step)
        new.samples = deque(
            Sample(a, tuple(b), tuple(c), tuple(o), (d[0], d[1]), (e[0], e[1]), f, g, tuple(h))
            for a, b, c, o, d, e, f, g, h in state
        )
        new._index()
        return new

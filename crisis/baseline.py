"""What is usual for a watch: its voices by the hour of the day, and its share of negative texts.

Every quarter of an hour one sample of each window is kept, for four weeks. What is expected now is the median of the
logarithm of earlier samples at this time of the day (± 45 min), drawn towards the last day's level while there are
few days; medians, and leaving out samples taken during an episode, keep a storm from becoming the usual. How far
above it is remarkable is learnt from the stream itself: residuals are divided by their own 99.9 % quantile, because
counts of mentions are far wilder than any Poisson (parametric tails are not calibrated on real brands). A young
baseline is wide, and says so (``cold``). Causal: what is expected at a time depends only on samples before it. Memory
is bounded.
"""

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from itertools import islice
from math import exp, log1p, sqrt
from statistics import median
from typing import Any

from crisis.windows import NEGATIVE, READ

STEP = 900
"""Seconds between two samples."""
DAY = 86_400 // STEP
HISTORY = 28 * DAY
"""Samples kept: four weeks."""
NEAR = 3
"""Steps on each side that count as the same time of the day: 45 min."""
LENGTHS = (300, 900, 3600, 21_600)
"""Windows that are compared with the usual, in seconds: 5, 15, 60 min, and 6 h for what is small but does not stop."""
QUANTILE = 0.999
WIDE = 4.0
"""Quantile in standard deviations assumed of a stream nobody has seen yet."""
PRIOR = 2 * DAY
"""Samples the assumption ``WIDE`` is worth."""
ROUGHNESS = 0.15
"""Standard deviation of log counts beyond Poisson, at the least."""
YOUNG = 3.0
"""How much wider: variance beyond Poisson is multiplied by 1 + YOUNG / days."""
SHARE_PRIOR = (4.0, 16.0)
"""Negative and other authors assumed before any was read: one in five."""
SHARE_SPREAD = 0.01
"""Intra-class correlation of negative authors within a window (beta-binomial), until the stream has shown its own."""
SPREAD_WEIGHT = 48 * 20 * 20
"""Weight of that assumption: two days of 20 authors an hour."""


@dataclass(frozen=True)
class Usual:
    """What is expected at a time, for one window."""

    voices: float
    spread: float
    """Standard deviation of the log count."""
    remarkable: float
    """Standard deviations above which a sample is among the stream's own highest 0.1 %."""

    def surprise(self, voices: float) -> float:
        """How far ``voices`` are above the usual; 1 is the stream's own 99.9 % quantile."""
        return (log1p(voices) - log1p(self.voices)) / self.spread / self.remarkable


@dataclass
class Sample:
    """One quarter of an hour: voices by window, and what the quarter itself held."""

    step: int
    voices: tuple[float, ...]
    """By ``LENGTHS``."""
    above: tuple[float, ...]
    """How far they were above the usual, in standard deviations, as judged then; empty while cold."""
    held: tuple[int, ...]
    """Counts of the quarter by row of ``crisis.windows``, mentions to angry texts."""
    hour: tuple[int, int]
    """Negative and read authors of the hour that ends here; 0, 0 except at the end of each fourth quarter."""
    first: float
    """Time of the quarter's first post, seconds since the epoch; 0 when there was none."""
    quiet: bool
    """No episode was under way."""


class Baseline:
    """The usual of one watch."""

    def __init__(self) -> None:
        self.samples: deque[Sample] = deque()
        self._usual: tuple[Usual, ...] = ()
        self._for = -1
        self._index()

    def _index(self) -> None:
        """Work out from all samples what ``add`` otherwise keeps up to date."""
        self._by_time: dict[int, deque[Sample]] = {}
        self._above: tuple[list[float], ...] = tuple([] for _ in LENGTHS)
        self._sums = [0.0] * 7
        self._for = -1
        for sample in self.samples:
            self._reckon(sample, 1)

    def _reckon(self, sample: Sample, sign: int) -> None:
        if not sample.quiet:
            return
        times = self._by_time.setdefault(sample.step % DAY, deque())
        times.append(sample) if sign > 0 else times.popleft()
        for known, value in zip(self._above, sample.above, strict=False):
            insort(known, value) if sign > 0 else known.pop(bisect_left(known, value))
        x, n = sample.hour
        values = (sample.held[NEGATIVE], sample.held[READ], x * x, n * x, n * n, n, 1)
        self._sums = [total + sign * value for total, value in zip(self._sums, values, strict=True)]

    @property
    def days(self) -> float:
        """Days of history."""
        return (self.samples[-1].step - self.samples[0].step + 1) / DAY if self.samples else 0.0

    @property
    def cold(self) -> bool:
        """Less than one full day is known: no time of the day was seen before."""
        return self.days < 1.0

    def usual(self, step: int) -> tuple[Usual, ...]:
        """What is expected in the quarter ``step``, for each of ``LENGTHS``."""
        if step != self._for:
            self._usual, self._for = tuple(self._expect(step, k) for k in range(len(LENGTHS))), step
        return self._usual

    def _expect(self, step: int, k: int) -> Usual:
        if not self.samples:
            return Usual(0.0, 1.0, WIDE)
        last_day = [s for s in islice(reversed(self.samples), DAY) if s.quiet] or list(self.samples)[-DAY:]
        same = [
            ((step - sample.step + NEAR) // DAY, log1p(sample.voices[k]))
            for near in range(-NEAR, NEAR + 1)
            for sample in self._by_time.get((step + near) % DAY, ())
            if step - sample.step > DAY // 2
        ]
        days = len({day for day, _ in same})
        if days:
            recent = median(log1p(sample.voices[k]) for sample in last_day)
            level = (days * median(value for _, value in same) + 0.5 * recent) / (days + 0.5)
        else:
            level = max(log1p(sample.voices[k]) for sample in last_day)
        voices = exp(level) - 1.0
        spread = sqrt(1.0 / (voices + 1.0) + ROUGHNESS**2 * (1.0 + YOUNG / max(days, 0.5)))
        return Usual(voices, spread, self._remarkable(k))

    def _remarkable(self, k: int) -> float:
        above = self._above[k]
        if not above:
            return WIDE
        seen = above[min(len(above) - 1, int(QUANTILE * len(above)))]
        return max(2.0, (len(above) * seen + PRIOR * WIDE) / (len(above) + PRIOR))

    def share(self) -> float:
        """The usual share of negative authors."""
        return (SHARE_PRIOR[0] + self._sums[0]) / (sum(SHARE_PRIOR) + self._sums[1])

    def share_spread(self) -> float:
        """Intra-class correlation of the share within an hour: the stream's own, by moments, drawn to a prior."""
        share = self.share()
        xx, nx, nn, n = self._sums[2:6]
        even = share * (1 - share)
        excess = (xx - 2 * share * nx + share * share * nn) / even - n
        spread = (excess + SHARE_SPREAD * SPREAD_WEIGHT) / (max(nn - n, 0.0) + SPREAD_WEIGHT)
        return min(0.3, max(SHARE_SPREAD / 2, spread))

    def surprise(self, negative: int, read: int) -> float:
        """How far a share is above the usual, in standard deviations of a beta-binomial."""
        if not read:
            return 0.0
        usual = self.share()
        deviation = sqrt(read * usual * (1 - usual) * (1 + (read - 1) * self.share_spread()))
        return (negative - read * usual) / deviation

    def add(self, sample: Sample) -> None:
        """Keep one more sample; the oldest beyond four weeks are forgotten."""
        self.samples.append(sample)
        self._reckon(sample, 1)
        while len(self.samples) > HISTORY:
            self._reckon(self.samples.popleft(), -1)
        self._for = -1

    def disturbed(self, since: int) -> None:
        """Samples from the quarter ``since`` on belong to an episode, not to the usual."""
        for sample in reversed(self.samples):
            if sample.step < since:
                break
            sample.quiet = False
        self._index()

    def dump(self) -> list[Any]:
        """Everything, as plain JSON values."""
        return [
            [s.step, list(s.voices), list(s.above), list(s.held), list(s.hour), s.first, s.quiet] for s in self.samples
        ]

    @classmethod
    def load(cls, state: list[Any]) -> "Baseline":
        """The baseline that ``dump`` described."""
        new = cls()
        new.samples = deque(
            Sample(a, tuple(b), tuple(c), tuple(d), (e[0], e[1]), f, g) for a, b, c, d, e, f, g in state
        )
        new._index()
        return new

"""What is usual for a watch: its voices by the hour of the day, and its share of negative texts.

Every quarter of an hour one sample of each window is kept, for four weeks. What is expected now is the median of the
logarithm of earlier samples at this time of the day (± 45 min), drawn towards the last day's level while there are
few days; medians, and leaving out samples taken during an episode, keep a storm from becoming the usual. How far
above it is remarkable is learnt from the stream itself: residuals are divided by their own 99.9 % quantile, because
counts of mentions are far wilder than any Poisson (parametric tails are not calibrated on real brands). A young
baseline is wide, and says so (``cold``). Causal: what is expected at a time depends only on samples before it. Memory
is bounded.
"""

from dataclasses import dataclass
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
"""Negative and other texts assumed before any was read: one in five."""
SHARE_SPREAD = 0.01
"""Intra-class correlation of negative texts within a window (beta-binomial)."""


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
    first: float
    """Time of the quarter's first post, seconds since the epoch; 0 when there was none."""
    quiet: bool
    """No episode was under way."""


class Baseline:
    """The usual of one watch."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self._usual: tuple[Usual, ...] = ()
        self._for = -1

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
        quiet = [s for s in self.samples if s.quiet] or self.samples
        if not quiet:
            return Usual(0.0, 1.0, WIDE)
        same: dict[int, list[float]] = {}
        for sample in quiet:
            away = (sample.step - step + DAY // 2) % DAY - DAY // 2
            if abs(away) <= NEAR and step - sample.step > DAY // 2:
                same.setdefault((step - sample.step + NEAR) // DAY, []).append(log1p(sample.voices[k]))
        last_day = [log1p(s.voices[k]) for s in quiet if step - s.step <= DAY]
        recent = median(last_day) if last_day else median(log1p(s.voices[k]) for s in quiet)
        days = len(same)
        if days:
            seasonal = median(value for values in same.values() for value in values)
            level = (days * seasonal + 0.5 * recent) / (days + 0.5)
        else:
            level = max(log1p(s.voices[k]) for s in quiet)
        voices = exp(level) - 1.0
        spread = sqrt(1.0 / (voices + 1.0) + ROUGHNESS**2 * (1.0 + YOUNG / max(days, 0.5)))
        return Usual(voices, spread, self._remarkable(quiet, k))

    def _remarkable(self, quiet: list[Sample], k: int) -> float:
        above = sorted(s.above[k] for s in quiet if s.above)
        if not above:
            return WIDE
        seen = above[min(len(above) - 1, int(QUANTILE * len(above)))]
        return max(2.0, (len(above) * seen + PRIOR * WIDE) / (len(above) + PRIOR))

    def share(self) -> float:
        """The usual share of negative texts."""
        negative = SHARE_PRIOR[0] + sum(s.held[NEGATIVE] for s in self.samples if s.quiet)
        read = sum(SHARE_PRIOR) + sum(s.held[READ] for s in self.samples if s.quiet)
        return negative / read

    def add(self, sample: Sample) -> None:
        """Keep one more sample; the oldest beyond four weeks are forgotten."""
        self.samples.append(sample)
        del self.samples[: len(self.samples) - HISTORY]
        self._for = -1

    def disturbed(self, since: int) -> None:
        """Samples from the quarter ``since`` on belong to an episode, not to the usual."""
        for sample in reversed(self.samples):
            if sample.step < since:
                break
            sample.quiet = False
        self._for = -1

    def dump(self) -> list[Any]:
        return [[s.step, list(s.voices), list(s.above), list(s.held), s.first, s.quiet] for s in self.samples]

    @classmethod
    def load(cls, state: list[Any]) -> "Baseline":
        new = cls()
        new.samples = [Sample(a, tuple(b), tuple(c), tuple(d), e, f) for a, b, c, d, e, f in state]
        return new


def share_surprise(negative: int, read: int, usual: float) -> float:
    """How far a share is above ``usual``, in standard deviations of a beta-binomial."""
    if not read:
        return 0.0
    deviation = sqrt(read * usual * (1 - usual) * (1 + (read - 1) * SHARE_SPREAD))
    return (negative - read * usual) / max(deviation, 1e-9)

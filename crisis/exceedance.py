"""How rare a deviation is in a stream's own past: the measure of surprise.

Counts of mentions are far wilder than any Poisson, and brands differ by a factor of five in how wild they are, so a
deviation is judged by how often the stream itself went as far. A surprise of 1 is what it exceeds once in 1,000 looks, 2/3
once in 100, 1/3 once in 10 (the zeros of the share, by three); beyond its highest 0.1 % it grows with the deviation.
While little is known, the past is filled up with an assumed one. Memory is that of the values kept.
"""

from bisect import bisect_left, insort
from math import log10

ZEROS = 3
"""A surprise of 1 is once in 10**ZEROS looks."""


class Rarity:
    """The past deviations of one stream, and how rare another one would be.

    ``wide`` is the deviation assumed to be once in 10**ZEROS looks, worth ``prior`` values; the stream's own is taken to
    be ``least`` at the least.
    """

    def __init__(self, wide: float, least: float, prior: float) -> None:
        self._wide, self._least, self._prior = wide, least, prior
        self._past: list[float] = []
        self.remarkable = wide
        """The deviation that is exceeded once in 10**ZEROS looks."""

    def add(self, deviation: float) -> None:
        """Keep one more."""
        insort(self._past, deviation)
        self._settle()

    def remove(self, deviation: float) -> None:
        """Forget one that was kept."""
        self._past.pop(bisect_left(self._past, deviation))
        self._settle()

    def _settle(self) -> None:
        seen = self._past
        if not seen:
            self.remarkable = self._wide
            return
        quantile = seen[min(len(seen) - 1, int((1 - 10**-ZEROS) * len(seen)))]
        drawn = (len(seen) * quantile + self._prior * self._wide) / (len(seen) + self._prior)
        self.remarkable = max(self._least, drawn)

    def surprise(self, deviation: float) -> float:
        """0 and below are no surprise; 1 is what the stream exceeds once in 10**ZEROS looks."""
        if deviation <= 0 or deviation >= self.remarkable:
            return deviation / self.remarkable
        above = len(self._past) - bisect_left(self._past, deviation)
        assumed = self._prior * 10 ** (-ZEROS * deviation / self._wide)
        return min(1.0, -log10((above + assumed) / (len(self._past) + self._prior)) / ZEROS)

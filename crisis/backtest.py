"""Detection over a series of counts: how many mentions in each step, and how many of them negative.

The mathematics is that of live detection (``crisis.surprise``), but for what counts cannot tell: who spoke, and whether
in their own words. ``Backtest.row`` takes one step after another and says at once how surprising it is and whether an
alert opens; it never sees a later row. ``score`` asks "is something new beginning?", not "how loud is it": 0.5 is where
an alert would open, and a row that is no new height of its last 24 hours counts half. An alert is given once, at the
row with which an episode opens; two usual hours later the next one can. Steps may be of any length; a row that is missing
is unknown, not zero.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Literal

from crisis.baseline import DAY, Baseline
from crisis.sensitivity import ALERT, height
from crisis.surprise import LENGTHS, Episode, Evidence, Span, attention, outrage, raised, remarkable, sample, weigh

SAMPLE = 300
"""Seconds between two samples of the usual, at the least."""
CALM = timedelta(hours=2)
"""How long things must be usual before the next alert can open: less than in live detection, where an incident that is
open is assessed again and again."""
GROWN, SETTLED = 1.5, 3600.0
"""Within an episode an alert is given again, two hours after the last one at the earliest, when it grows to so many times
all that the last 24 hours held until so many seconds ago: something new began before the old was over."""
AGAIN = 0.5
"""Weight of a row that is no new height of its last 24 hours."""
SHORT = 0.99
"""Height of what is remarkable by its rate, but too few voices to be anything."""

Alert = Literal["attention", "outrage"]


@dataclass(frozen=True)
class Row:
    """One step of a series."""

    moment: float
    """Seconds since the epoch."""
    value: float
    negative: float | None = None
    """Negative ones among ``value``; None where it is not known."""


@dataclass(frozen=True)
class Verdict:
    """What is said of a row."""

    score: float
    """0 usual to 1 beyond doubt."""
    alert: Alert | None
    says: str
    """Why, for a person; only with an alert."""
    cold: bool
    """Less than a day was known."""


class _Sums:
    """Sums over the last ``length`` steps."""

    def __init__(self, length: int) -> None:
        self.length = length
        self._rows: deque[tuple[int, float, float, float]] = deque()
        self._value = self._negative = self._known = 0.0

    def add(self, at: int, row: Row) -> None:
        negative, known = (0.0, 0.0) if row.negative is None else (row.negative, row.value)
        self._rows.append((at, row.value, negative, known))
        self._value += row.value
        self._negative += negative
        self._known += known
        while self._rows[0][0] <= at - self.length:
            _, value, negative, known = self._rows.popleft()
            self._value -= value
            self._negative -= negative
            self._known -= known

    def span(self, step: float) -> Span:
        """What they hold; missing rows are taken to be like the others, and with more than half missing it is no span."""
        there = len(self._rows)
        voices = max(0.0, self._value)
        if there < self.length:
            voices *= self.length / max(1, there)
        whole = 2 * there >= self.length
        return Span(round(self.length * step), voices, round(self._negative), round(self._known), whole)


class Backtest:
    """One series, ``step`` seconds between its rows."""

    def __init__(self, step: float, *, negative: bool, alert_at: float = ALERT) -> None:
        """``alert_at``: the score at which an alert opens."""
        self._opens = height(alert_at)
        self._step = step
        self._judges_mood = negative
        lengths = dict.fromkeys(max(1, ceil(length / step - 0.01)) for length in LENGTHS)
        self._sums = [_Sums(length) for length in lengths]
        self._per_sample = max(1, ceil(SAMPLE / step - 0.01))
        self._own = _Sums(self._per_sample)
        self._baseline = Baseline(len(lengths), round(self._per_sample * step))
        self._outrage, self._attention = Episode(CALM), Episode(CALM)
        self._at = -1
        self._moment = 0.0
        self._first = 0.0
        self._last = 0.0
        self._past: deque[tuple[float, float]] = deque()
        """Heights of the last 24 hours."""
        self._heights: deque[tuple[float, float]] = deque()
        """Those of them that no later one reaches: the first is the greatest."""

    def row(self, row: Row) -> Verdict:
        """Take the next row; rows come in the order of time."""
        if self._at < 0:
            self._at = int(row.moment // self._step)
        else:
            steps = max(1, round((row.moment - self._moment) / self._step))
            if (self._at + steps) // self._per_sample > self._at // self._per_sample:
                self._close()
            self._at += steps
        self._moment, self._first = row.moment, self._first or row.moment
        for sums in (*self._sums, self._own):
            sums.add(self._at, row)
        evidence = weigh(self._baseline, self._spans(), self._at // self._per_sample, self._opens)
        alert = self._judge(evidence)
        return Verdict(self._score(evidence, alert), alert, _why(evidence, alert) if alert else "", self._baseline.cold)

    def _spans(self) -> list[Span]:
        return [sums.span(self._step) for sums in self._sums]

    def _close(self) -> None:
        """Keep the sample that ends with the latest row."""
        own = self._own.span(self._step)
        quiet = self._outrage.quiet(self._baseline)
        at = self._at // self._per_sample
        read = (own.negative, own.known)
        self._baseline.add(sample(self._baseline, self._spans(), at, read, first=self._first, quiet=quiet))
        self._first = 0.0

    def _judge(self, evidence: Sequence[Evidence]) -> Alert | None:
        at = self._moment
        loud = remarkable(evidence) and not self._baseline.cold
        noticed = self._attention.judge(loud, attention(evidence) >= 0.5, at, lambda: at)
        hot = any(e.hot for e in evidence)
        opened = self._outrage.judge(hot, any(e.warm for e in evidence), at, lambda: at)
        if opened or (hot and self._outgrows(outrage(evidence))):
            self._last = at
            begun = raised(self._baseline)
            self._baseline.disturbed(begun.step if begun else self._at // self._per_sample)
            return "outrage"
        return "attention" if noticed and not self._outrage.open else None

    def _outgrows(self, height: float) -> bool:
        """Whether an episode that is under way has become another."""
        at = self._moment
        settled = max((past for moment, past in self._past if moment <= at - SETTLED), default=0.0)
        return at - self._last >= CALM.total_seconds() and height >= GROWN * settled > 0

    def _score(self, evidence: Sequence[Evidence], alert: Alert | None) -> float:
        if self._judges_mood:
            surprise = outrage(evidence)
        else:
            surprise = attention(evidence)
            surprise = surprise if remarkable(evidence) else min(surprise, SHORT)
        if self._baseline.cold:
            surprise *= 1.0 if any(e.enough for e in evidence) else AGAIN
        elif not self._highest(surprise):
            surprise *= AGAIN
        if alert == ("outrage" if self._judges_mood else "attention"):
            surprise = max(surprise, self._opens if self._judges_mood else 1.0)
        return round(1.0 - float(0.5**surprise), 6)

    def _highest(self, surprise: float) -> bool:
        """Whether it is a new height of the last 24 hours."""
        for heights in (self._heights, self._past):
            while heights and heights[0][0] < self._moment - DAY:
                heights.popleft()
        before = self._heights[0][1] if self._heights else 0.0
        while self._heights and self._heights[-1][1] <= surprise:
            self._heights.pop()
        self._heights.append((self._moment, surprise))
        self._past.append((self._moment, surprise))
        return surprise > before


def _why(evidence: Sequence[Evidence], alert: Alert) -> str:
    """The span that tells most, in words and numbers."""
    if alert == "outrage":
        told = max((e for e in evidence if e.hot), key=lambda e: e.score)
    else:
        told = max(evidence, key=lambda e: e.volume)
    span, usual = told.span, told.usual.voices
    times = f"{span.voices / usual:.1f}× the usual {usual:,.0f}" if usual >= 1 else "where next to nothing is usual"
    says = f"{span.voices:,.0f} in {_length(span.length)}, {times}"
    if span.known:
        says += f"; {span.negative / span.known:.0%} negative, usually {told.share:.0%}"
    return says


def _length(seconds: int) -> str:
    minutes = seconds / 60
    return (
        f"{minutes:.0f} min"
        if minutes < 120
        else f"{minutes / 60:.3g} h"
        if minutes < 2880
        else f"{minutes / 1440:.3g} days"
    )

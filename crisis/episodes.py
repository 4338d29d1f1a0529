"""What another threshold would have done: the scores of a past held against the episodes people say it had.

An alert is the first row of a run that reaches the threshold; rows less than ``APART`` after such a row belong to the
same alert. An episode is hit when an alert, or a row of a running one, lies within it; the delay is from its start to
that row. An alert in no episode is a false one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

APART = timedelta(hours=6).total_seconds()
"""Seconds without a row at the threshold after which the next one is another alert."""
WEEK = 7 * 86_400


@dataclass(frozen=True)
class Labelled:
    """An episode that people say there was; bounds in seconds since the epoch, both inside."""

    start: float
    end: float
    label: str = ""


@dataclass(frozen=True)
class Outcome:
    """What one threshold would have done."""

    threshold: float
    alerts: int
    hits: int
    misses: int
    false_alerts: int
    false_alerts_a_week: float
    median_delay: float | None
    """Seconds from the start of an episode to its alert, over the hits."""
    missed: tuple[str, ...] = ()
    """The labels of the episodes that were missed."""


def outcome(rows: Sequence[tuple[float, float]], episodes: Sequence[Labelled], threshold: float) -> Outcome:
    """What ``threshold`` would have done to ``rows`` of moment and score, in order of time."""
    loud = [moment for moment, score in rows if score >= threshold]
    alerts = [now for before, now in zip([float("-inf"), *loud], loud, strict=False) if now - before >= APART]
    false = [at for at in alerts if not any(known.start <= at <= known.end for known in episodes)]
    delays, missed = [], []
    for known in episodes:
        inside = next((at for at in loud if known.start <= at <= known.end), None)
        if inside is None:
            missed.append(known.label)
        else:
            delays.append(inside - known.start)
    weeks = (rows[-1][0] - rows[0][0]) / WEEK if len(rows) > 1 else 0.0
    return Outcome(
        threshold=threshold,
        alerts=len(alerts),
        hits=len(delays),
        misses=len(missed),
        false_alerts=len(false),
        false_alerts_a_week=round(len(false) / weeks, 3) if weeks else 0.0,
        median_delay=median(delays) if delays else None,
        missed=tuple(missed),
    )

"""The scoring of the Numenta Anomaly Benchmark, standard profile, written from its description and checked by tests.

Each labelled window is worth at most 1, earned by the earliest row in it whose score reaches the threshold: a sigmoid
of the place in the window, 1 at its start and 0 at its end. A window without one costs 1. Every row that reaches the
threshold outside all windows costs 0.11, less shortly after a window. The first 15 % of a series (at most 750 rows)
count for nothing. One threshold holds for all series, the best there is. 0 is a detector that says nothing, 100 a
perfect one. Source: Lavin and Ahmad 2015, "Evaluating real-time anomaly detection algorithms"; numenta/NAB,
``nab/sweeper.py``.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from math import exp, inf
from typing import NamedTuple

FALSE_POSITIVE = 0.11
PROBATION, MOST_PROBATION = 0.15, 750

Window = tuple[datetime, datetime]


class Series(NamedTuple):
    """One scored series with its labelled windows; bounds are times of rows, both inside."""

    times: Sequence[datetime]
    scores: Sequence[float]
    windows: Sequence[Window]


class Result(NamedTuple):
    """A score of 0 to 100 (below 0 is worse than silence) and the threshold it was reached with."""

    score: float
    threshold: float


def probation(rows: int) -> int:
    """Rows at the beginning that do not count."""
    return min(int(PROBATION * rows), MOST_PROBATION)


def _sigmoid(place: float) -> float:
    """1 far before the end of a window (-1 is its start), 0 at its end, -1 from three widths after it."""
    return -1.0 if place >= 3.0 else 2.0 / (1.0 + exp(5.0 * place)) - 1.0


class _Worth(NamedTuple):
    score: float
    window: tuple[int, int] | None
    """Series and window the row lies in."""
    worth: float


def _worths(number: int, series: Series) -> list[_Worth]:
    """What each row after the probation is worth when it reaches the threshold."""
    places = {time: index for index, time in enumerate(series.times)}
    spans = [(places[start], places[end]) for start, end in sorted(series.windows)]
    found = []
    for index in range(probation(len(series.times)), len(series.times)):
        inside = next((w for w, (start, end) in enumerate(spans) if start <= index <= end), None)
        if inside is not None:
            start, end = spans[inside]
            worth = _sigmoid(-(end - index + 1) / (end - start + 1)) / _sigmoid(-1.0)
            found.append(_Worth(series.scores[index], (number, inside), worth))
            continue
        before = [(start, end) for start, end in spans if end < index]
        place = (index - before[-1][1]) / (before[-1][1] - before[-1][0]) if before else 3.0
        found.append(_Worth(series.scores[index], None, FALSE_POSITIVE * _sigmoid(place)))
    return found


def sweep(corpus: Mapping[str, Series]) -> list[Result]:
    """The score at every threshold that tells rows apart, highest first; the first is the null detector's 0."""
    rows = [row for number, series in enumerate(corpus.values()) for row in _worths(number, series)]
    best: dict[tuple[int, int], float] = {row.window: -1.0 for row in rows if row.window is not None}
    count = len(best)
    if not count:
        raise ValueError("there is no labelled window after the probation: nothing to score")
    total, found = -float(count), [Result(0.0, inf)]
    for threshold, equal in groupby(sorted(rows, key=lambda row: -row.score), key=lambda row: row.score):
        for row in equal:
            if row.window is None:
                total += row.worth
            elif row.worth > best[row.window]:
                total += row.worth - best[row.window]
                best[row.window] = row.worth
        found.append(Result(100.0 * (total + count) / (2 * count), threshold))
    return found


def nab_score(corpus: Mapping[str, Series]) -> Result:
    """The standard score at its best threshold."""
    return max(sweep(corpus), key=lambda result: result.score)


def nab_score_at(corpus: Mapping[str, Series], threshold: float) -> Result:
    """The standard score at a threshold that was chosen elsewhere."""
    last = Result(0.0, inf)
    for result in sweep(corpus):
        if result.threshold < threshold:
            break
        last = result
    return Result(last.score, threshold)

"""What can be found at all, and when: outrages found by a detector that is told what nobody has, by mentions an hour.

    python benchmarks/ideal.py [--streams 150] [--times 3] [--seed 60000] [--alone]

The ideal knows eight weeks of the brand, of all of which it takes the means by time of day, how large the outrage will
be, how negative (``MOOD``) and how it grows (an hour's ramp that began up to three hours ago), and the threshold
that gives .25 false alerts a week on this very brand. Its score is the greatest sum, over the beginnings, of the
logarithms of likelihood ratios: binomial for the share, and half the Poisson one for the number of negative voices. It
is no bound in the strict sense, for rates and moods that wander are not what it assumes; it says which brands are too
thin, and how early anybody can be. Beside it Fireline, with its history of 3 to 14 days (``--alone`` leaves it out).
All backgrounds are made up.
"""

import argparse
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import say
from benchmarks.detection import QUIET, WORLDS, Scores, shipped
from benchmarks.outrage import DAY, HOUR, STEP, Floats, Stream

WEEKS = 8
MOOD = 0.7
LAGS = (3, 6, 9, 12, 18, 24, 30, 36)
"""Rows since it began."""
SMOOTH = 19
"""Rows over which the means by time of day are taken."""
LEAST = 0.25
"""Of the mean of all rows: what is expected of any time of the day, at the least."""
APART = 2 * HOUR
WITHIN = 3 * HOUR
BOUNDS = (0.0, 1.5, 3.0, 6.0, 20.0, 60.0, float("inf"))
"""Mentions an hour that bound the rows of the table."""


def _usual(counts: Floats, begins: int) -> Floats:
    """The mean by time of day of all that was before it began, for every row."""
    time = np.arange(len(counts)) % DAY
    before = counts[:begins]
    mean = np.array([before[time[:begins] == row].mean() for row in range(DAY)])
    around = np.concatenate([mean[-(SMOOTH // 2) :], mean, mean[: SMOOTH // 2]])
    level: Floats = np.maximum(np.convolve(around, np.ones(SMOOTH) / SMOOTH, "valid"), LEAST * before.mean() + 1e-4)
    return level[time]


def ideal(stream: Stream, times: float) -> Scores:
    """The score of every row, later ones unseen but for what is usual."""
    negative = stream.negative.astype(float)
    others = stream.values - negative
    usual, usual_others = _usual(negative, stream.begins), _usual(others, stream.begins)
    share = usual / (usual + usual_others)
    best = np.full(len(negative), -np.inf)
    for lag in LAGS:
        rows = len(negative) - lag + 1
        total = np.zeros(rows)
        for row in range(lag):
            at, more = slice(row, row + rows), (times - 1) * min(1.0, (row + 0.5) / HOUR)
            added = (usual[at] + usual_others[at]) * more * MOOD
            then = (share[at] + more * MOOD) / (1 + more)
            total += negative[at] * np.log(then / share[at]) + others[at] * np.log((1 - then) / (1 - share[at]))
            total += (negative[at] * np.log1p(added / usual[at]) - added) / 2
        best[lag - 1 :] = np.maximum(best[lag - 1 :], total)
    return best


def delay(stream: Stream, scores: Scores) -> float:
    """Minutes until the outrage is above all but so many of the brand's own peaks as may be false alerts, or infinite."""
    before = scores[max(LAGS) : stream.begins].copy()
    peak = np.inf
    for _ in range(int(WEEKS * QUIET) + 1):
        highest = int(np.argmax(before))
        peak = float(before[highest])
        before[max(0, highest - APART) : highest + APART + 1] = -np.inf
    above = np.flatnonzero(scores[stream.begins : stream.begins + WITHIN] > peak)
    return (int(above[0]) + 1) * STEP / 60 if len(above) else np.inf


def _paged(stream: Stream) -> float:
    rows = (row for row in shipped(stream)[0] if stream.begins <= row < stream.begins + WITHIN)
    return (next(rows, np.inf) - stream.begins + 1) * STEP / 60


def _table(delays: Sequence[tuple[float, float]]) -> list[str]:
    cells = []
    for low, high in pairwise(BOUNDS):
        some = [minutes for rate, minutes in delays if low <= rate < high]
        cells.append(f"{np.isinf(some).mean():.0%} of {len(some)}" if some else "")
    return [*cells, f"{np.quantile([minutes for _, minutes in delays], 0.5, method='higher'):.0f} min"]


def _rate(stream: Stream) -> float:
    return float(stream.values[: stream.begins].mean()) * HOUR


def main(words: Sequence[str] = ()) -> None:
    """Measure and print; ``words`` are the command's arguments."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--streams", type=int, default=150)
    arguments.add_argument("--times", type=float, default=3.0)
    arguments.add_argument("--seed", type=int, default=60_000)
    arguments.add_argument("--alone", action="store_true")
    given = arguments.parse_args(list(words))
    seeds = range(given.seed, given.seed + given.streams)
    say(f"missed outrages {given.times:g}x, by mentions an hour; and after how long the median one is found")
    for name, world in WORLDS.items():
        known = [world(seed, "outrage", given.times, days=7.0 * WEEKS) for seed in seeds]
        columns = [_table([(_rate(one), delay(one, ideal(one, given.times))) for one in known])]
        if not given.alone:
            short = [world(seed, "outrage", given.times) for seed in seeds]
            columns.append(_table([(_rate(one), _paged(one)) for one in short]))
        print(f"{name:<20}{'ideal':>14}" + ("" if given.alone else f"{'fireline':>14}"))
        heads = [*(f"{low:g} to {high:g}" for low, high in pairwise(BOUNDS)), "median of all"]
        for head, *cells in zip(heads, *columns, strict=True):
            print(f"  {head:<18}" + "".join(f"{cell:>14}" for cell in cells), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

"""How honest the forecast behind a statement's verdict is, on simulated storms of which the course is known.

A storm's authors by the minute are Poisson counts of a rate that follows a curve and wanders; each signal counts the last
15 minutes. A statement falls somewhere between detection and four hours later, while the storm rises or falls.
Where it does nothing, the interval should hold nine in ten later windows, and a verdict of "working" or "made it worse" is
false. Where it halves what is left (``working``) or doubles it (``worse``), within half an hour, the verdict should say so.

The constants of ``crisis.forecast`` were tuned on ``tune`` alone: storms of the shapes that the model knows, and of five
that it does not (a gamma-shaped swell, a cliff, a second wave, a day's ebb and flow, restless counts). Results are ``judge``,
other storms of the known shapes, and ``shapes``, storms of four shapes that neither the model nor the tuning knows: a
decay of two speeds (Candia et al. 2019), a plateau with a sudden end, a log-normal pulse with a late second one, and hours
that come and go by half.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter

import numpy as np
import numpy.typing as npt

from benchmarks import say
from crisis.effect import Verdict
from crisis.forecast import Forecast, NoForecast, forecast
from crisis.judgement import of_forecast
from crisis.triage import Signal

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
MINUTES, CALM = 16 * 60, 180
WINDOW = 15
STORMS = 200
Floats = npt.NDArray[np.float64]


def storm(dice: np.random.Generator, world: str) -> tuple[Floats, Floats, float, float]:
    """Excess authors a minute, the share of negative ones among them, the usual ones a minute, and their share."""
    at = np.arange(MINUTES, dtype=float) - CALM
    size = np.exp(dice.uniform(np.log(2.0), np.log(80.0)))
    ramp, peak = np.exp(dice.uniform(np.log(3), np.log(40))), dice.uniform(10, 180)
    rise = 1 / (1 + np.exp(np.clip(-(at - min(peak, 4 * ramp)) / ramp, -50, 50)))
    strange = world == "tune" and dice.random() < 0.5
    make = _strange if strange else _unknown if world == "shapes" else _known
    curve, restless = make(dice, at, rise, peak)
    wander = np.exp(np.cumsum(dice.normal(0, restless * np.sqrt(1 / 60), MINUTES)))
    share = 1 / (1 + np.exp(-(dice.uniform(0.2, 2.2) + np.cumsum(dice.normal(0, 0.02, MINUTES)))))
    return size * curve * wander, share, float(np.exp(dice.uniform(np.log(0.05), np.log(6)))), dice.uniform(0.1, 0.35)


def _known(dice: np.random.Generator, at: Floats, rise: Floats, peak: float) -> tuple[Floats, float]:
    """A ramp, and an exponential or a power-law decay; and how restless the level is, per square root of an hour."""
    past = np.maximum(at - peak, 0)
    if dice.random() < 0.5:
        return rise * np.exp2(-past / np.exp(dice.uniform(np.log(15), np.log(400)))), 0.15
    return rise * (1 + past / np.exp(dice.uniform(np.log(8), np.log(90)))) ** -dice.uniform(0.4, 2.0), 0.15


def _strange(dice: np.random.Generator, at: Floats, rise: Floats, peak: float) -> tuple[Floats, float]:
    """The five strange shapes of the tuning."""
    curve, _ = _known(dice, at, rise, peak)
    kind = int(dice.integers(5))
    if kind == 0:
        power, scale = dice.uniform(0.7, 3), dice.uniform(20, 120)
        x = np.maximum(at, 0) / scale
        curve = (x / power) ** power * np.exp(power - x)
    elif kind == 1:
        curve = rise * np.clip(1 - np.maximum(at - peak, 0) / dice.uniform(60, 500), 0, 1)
    elif kind == 2:
        curve = curve + dice.uniform(0.2, 0.8) * np.exp(-(((at - dice.uniform(120, 420)) / 60) ** 2))
    elif kind == 3:
        curve = curve * (1 + 0.6 * np.sin(2 * np.pi * (at / 1440 + dice.random())))
    return curve, 0.45 if kind == 4 else 0.25


def _unknown(dice: np.random.Generator, at: Floats, rise: Floats, peak: float) -> tuple[Floats, float]:
    """Shapes that neither the model nor its tuning knows."""
    past, kind = np.maximum(at - peak, 0), int(dice.integers(4))
    if kind == 0:
        fast, slow, part = dice.uniform(10, 60), dice.uniform(150, 900), dice.uniform(0.3, 0.9)
        curve = rise * (part * np.exp(-past / fast) + (1 - part) * np.exp(-past / slow))
    elif kind == 1:
        end, width = peak + dice.uniform(60, 360), dice.uniform(5, 40)
        curve = rise * (0.08 + 0.92 / (1 + np.exp(np.clip((at - end) / width, -50, 50))))
    elif kind == 2:
        x = np.log(np.maximum(at, 1) / dice.uniform(40, 160))
        late = np.log(np.maximum(at - dice.uniform(200, 500), 1) / 60)
        curve = np.exp(-((x / 0.7) ** 2) / 2) + dice.uniform(0, 0.6) * np.exp(-((late / 0.6) ** 2) / 2) * (at > 0)
    else:
        known, _ = _known(dice, at, rise, peak)
        curve = known * np.where((at // 60 + dice.integers(2)) % 2 == 0, 1.0, dice.uniform(0.5, 0.9))
    return curve, 0.2


def signals(dice: np.random.Generator, excess: Floats, share: Floats, usual: float, calm: float) -> list[Signal]:
    """What the detector would have measured, every five minutes."""
    lumps = dice.gamma(20.0, 1 / 20.0, MINUTES)  # counts are a little lumpier than chance
    brought, others = dice.poisson(excess * lumps), dice.poisson(usual, MINUTES)
    negative = dice.binomial(brought, share) + dice.binomial(others, calm)
    total, bad = (np.cumsum(np.concatenate([[0], x])) for x in (brought + others, negative))
    found = []
    for end in range(WINDOW, MINUTES + 1, 5):
        authors, hostile = int(total[end] - total[end - WINDOW]), int(bad[end] - bad[end - WINDOW])
        found.append(
            Signal(
                watch="acme",
                at=BEGIN + timedelta(minutes=end),
                window=timedelta(minutes=WINDOW),
                mentions=authors,
                distinct_texts=authors,
                authors=authors,
                usual_authors=usual * WINDOW,
                negative_share=hostile / authors if authors else 0.0,
                usual_negative_share=calm,
                started_at=BEGIN + timedelta(minutes=CALM),
            )
        )
    return found


def statement_at(dice: np.random.Generator, seen: Sequence[Signal]) -> int | None:
    """The index of the signal after which something is said: up to four hours after the storm shows."""
    shown = next((i for i, s in enumerate(seen) if s.authors > 3 * s.usual_authors + 15 and i > CALM // 5), None)
    return None if shown is None else shown + int(dice.integers(3, 48))


def changed(excess: Floats, minute: int, factor: float) -> Floats:
    """The same storm, of which what is left goes to ``factor`` of itself within half an hour after ``minute``."""
    since = np.clip((np.arange(MINUTES) - minute) / 30, 0, 1)
    return excess * (1 - since + since * factor)


def judged(seen: Sequence[Signal], foreseen: Forecast, hours: float) -> Verdict:
    until = foreseen.start + timedelta(hours=hours)
    return of_forecast(foreseen, [s for s in seen if s.at <= until]).verdict


def world_of(world: str, seed: int, storms: int) -> None:
    """Simulate, forecast and judge one world, and print what came of it."""
    dice = np.random.default_rng(seed)
    held: dict[str, list[bool]] = {}
    verdicts: dict[tuple[str, float], Counter[Verdict]] = {}
    widths: list[float] = []
    none, spent, done = 0, 0.0, 0
    while done < storms:
        excess, share, usual, calm = storm(dice, world)
        seen = signals(dice, excess, share, usual, calm)
        index = statement_at(dice, seen)
        if index is None or index + 60 > len(seen):
            continue
        done += 1
        began = perf_counter()
        try:
            foreseen = forecast(seen[: index + 1], until=seen[index].at)
        except NoForecast:
            none += 1
            continue
        spent += perf_counter() - began
        _count_held(held, widths, foreseen, seen)
        minute = WINDOW + 5 * index
        for effect, factor in (("none", 1.0), ("working", 0.5), ("worse", 2.0)):
            after = signals(dice, changed(excess, minute, factor), share, usual, calm) if factor != 1 else seen
            for hours in (1.0, 3.0):
                found = judged([*seen[: index + 1], *after[index + 1 :]], foreseen, hours)
                verdicts.setdefault((effect, hours), Counter())[found] += 1
    say(f"{world}: {storms} storms, {none} of them too small or too new to forecast")
    say(f"  the interval of 90 % held (windows): {_shares(held)}")
    say(f"  its width: a factor of {np.median(widths):.1f} from low to high at 60 min, in the middle of storms")
    for (effect, hours), counts in verdicts.items():
        whole = counts.total()
        say(f"  {effect:<8} after {hours:g} h: " + ", ".join(f"{v.value} {counts[v] / whole:.0%}" for v in Verdict))
    say(f"  one forecast takes {1000 * spent / max(1, done - none):.0f} ms")


def _count_held(held: dict[str, list[bool]], widths: list[float], foreseen: Forecast, seen: Sequence[Signal]) -> None:
    by_time = {s.at: s for s in seen}
    for minutes in (30, 60, 120, 240):
        point = minutes // 5 - 1
        expected, came = foreseen.expected(point), by_time[foreseen.moment(point)]
        hostile = came.authors * came.negative_share
        inside = expected.negative.low - 0.5 <= hostile <= expected.negative.high + 0.5
        held.setdefault(f"{minutes} min", []).append(inside)
        held.setdefault("rising" if foreseen.rising >= 0.5 else "falling", []).append(inside)
        held.setdefault("all authors", []).append(
            expected.authors.low - 0.5 <= came.authors <= expected.authors.high + 0.5
        )
        if came.authors >= 20:
            held.setdefault("share", []).append(expected.share.low <= came.negative_share <= expected.share.high)
        if minutes == 60:
            widths.append((expected.negative.high + 1) / (expected.negative.low + 1))


def _shares(held: dict[str, list[bool]]) -> str:
    order: Callable[[str], tuple[bool, str]] = lambda name: (not name[0].isdigit(), name.rjust(8))  # noqa: E731
    return ", ".join(f"{name} {np.mean(held[name]):.0%} of {len(held[name])}" for name in sorted(held, key=order))


def main(words: list[str] | None = None) -> None:
    """``[WORLD ...] [--storms N]``: ``judge`` and ``shapes`` unless named otherwise."""
    given = list(words or [])
    storms = STORMS
    if "--storms" in given:
        place = given.index("--storms")
        storms = int(given[place + 1])
        del given[place : place + 2]
    seeds = {"tune": 7, "judge": 20261, "shapes": 20262}
    for world in given or ["judge", "shapes"]:
        world_of(world, seeds[world], storms)


if __name__ == "__main__":
    main(sys.argv[1:])

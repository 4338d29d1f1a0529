"""What the past would have been with other numbers: proposals for when an alert opens and how grave it is rated.

Everything is judged on what people said: an incident they took for real, or dismissed and why (``crisis.labelling``). A
proposal is made only where there are enough such labels, where it does better on episodes it was *not* chosen by (each is
left out once), and where no confirmed crisis is missed that today's number catches, neither with all labels nor with one
left out. Otherwise it says why there is none. Nothing here changes anything. Pure; the order of what is handed in does
not matter.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, sqrt
from statistics import median

from crisis.episodes import APART
from crisis.sensitivity import LEAST, MOST, SEVERITIES, Sensitivity
from crisis.values import Frozen, Severity

FEWEST = 5
"""Confirmed crises, and dismissed alarms, without which no alert score is proposed: with fewer, Wilson's interval of a rule
that was never wrong still reaches below one half."""
WORTH = 5
"""False alerts that one crisis more is worth, at most."""
FEWEST_RATED, FEWEST_WRONG = 12, 3
"""Incidents whose severity people let stand or overrode, and those of them that an edge puts on the wrong side, without
which no other edge is proposed."""
FARTHEST = 20
"""Points by which an edge may be moved at once."""
FEWEST_TAKEN = 20
"""Acknowledgements without which no clock is proposed."""
IN_TIME, MOST_CALLS = 0.9, 0.15
"""Share of the acknowledgements that came within a proposed clock; and the share of needless calls it may cost."""
_Z = 1.959964
SCORES = tuple(round(LEAST + step / 100, 2) for step in range(round((MOST - LEAST) * 100) + 1))
"""Scores that are tried."""


class Interval(Frozen):
    """A share ``hits / of`` and where it lies with 95 % confidence (Wilson 1927), each 0 to 1."""

    hits: int
    of: int
    low: float
    high: float

    @property
    def says(self) -> str:
        return f"{self.hits} of {self.of} (95%: {self.low:.0%} to {self.high:.0%})"


def wilson(hits: int, of: int) -> Interval:
    """The interval of a share; 0 to 1 where nothing was seen."""
    if not of:
        return Interval(hits=0, of=0, low=0.0, high=1.0)
    share, square = hits / of, _Z * _Z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = _Z * sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return Interval(hits=hits, of=of, low=max(0.0, middle - half), high=min(1.0, middle + half))


@dataclass(frozen=True)
class Past:
    """One episode of which people said what it was, and how its score rose."""

    incident: str
    watch: str
    real: bool
    """A confirmed crisis; otherwise an alarm that was dismissed as false."""
    climb: tuple[tuple[float, float], ...]
    """Seconds since its start, and the score, wherever that was higher than ever before in it."""

    @cached_property
    def peak(self) -> float:
        return self.climb[-1][1] if self.climb else 0.0

    def delay(self, score: float) -> float | None:
        """Seconds until ``score`` was reached; None when it never was."""
        return next((after for after, reached in self.climb if reached >= score), None)


def climb(rows: Iterable[tuple[float, float]], start: float) -> tuple[tuple[float, float], ...]:
    """The rising part of rows of moment and score, as ``Past`` keeps it."""
    found: list[tuple[float, float]] = []
    for moment, score in sorted(rows):
        if not found or score > found[-1][1]:
            found.append((max(0.0, moment - start), score))
    return tuple(found)


@dataclass(frozen=True)
class Elsewhere:
    """What a watch measured outside every incident: nobody has said what that was."""

    watch: str
    weeks: float
    """Time that was measured, incidents included."""
    loud: tuple[tuple[float, float], ...] = ()
    """Moment and score of each measurement that reached the least score that may be set, in order of time."""

    def alerts(self, score: float) -> int:
        """How many alerts ``score`` would have opened there; those less than ``APART`` after another belong to it."""
        moments = [moment for moment, reached in self.loud if reached >= score]
        return sum(now - before >= APART for before, now in zip([float("-inf"), *moments], moments, strict=False))


class Effect(Frozen):
    """What one alert score would have done to the past."""

    score: float
    crises: int
    missed: tuple[str, ...]
    """Confirmed crises without an alert."""
    dismissed: int
    false_alerts: tuple[str, ...]
    """Dismissed alarms that would have come nevertheless."""
    gone: tuple[str, ...]
    """Dismissed alarms that would not have come."""
    unjudged: int
    """Alerts outside every incident on record: nobody can say what they would have been; they count as false."""
    false_a_week: float
    median_delay: float | None
    """Seconds from the start of a crisis to its alert."""

    @property
    def cost(self) -> int:
        return WORTH * len(self.missed) + len(self.false_alerts) + self.unjudged


class AlertProposal(Frozen):
    """The alert score that is proposed for one watch, or for all; or why there is none."""

    watch: str = ""
    """Empty: for all watches together."""
    today: Effect
    proposed: Effect | None = None
    says: str
    """Why, in one or two sentences; whatever speaks against it stands first."""
    seen: Interval
    """Confirmed crises that alert, each judged by a score chosen without it."""
    spared: Interval
    """Dismissed alarms that do not come, likewise."""


def effect(pasts: Sequence[Past], elsewhere: Sequence[Elsewhere], score: float) -> Effect:
    """What ``score`` would have done."""
    real, false = [p for p in pasts if p.real], [p for p in pasts if not p.real]
    delays = [delay for p in real if (delay := p.delay(score)) is not None]
    came = sorted(p.incident for p in false if p.peak >= score)
    unjudged = sum(one.alerts(score) for one in elsewhere)
    weeks = sum(one.weeks for one in elsewhere)
    return Effect(
        score=score,
        crises=len(real),
        missed=tuple(sorted(p.incident for p in real if p.peak < score)),
        dismissed=len(false),
        false_alerts=tuple(came),
        gone=tuple(sorted(p.incident for p in false if p.peak < score)),
        unjudged=unjudged,
        false_a_week=round((len(came) + unjudged) / weeks, 3) if weeks else 0.0,
        median_delay=median(delays) if delays else None,
    )


class _Tried:
    """How many of the episodes each score misses, so that one can be left out at no cost."""

    def __init__(self, pasts: Sequence[Past], elsewhere: Sequence[Elsewhere], today: float) -> None:
        self.today, self.scores = today, sorted({*SCORES, today})
        self.missed = {s: sum(p.real and p.peak < s for p in pasts) for s in self.scores}
        self.false = {s: sum(not p.real and p.peak >= s for p in pasts) for s in self.scores}
        self.unjudged = {s: sum(one.alerts(s) for one in elsewhere) for s in self.scores}

    def best(self, without: Past | None = None) -> float:
        """The score with the least cost among those that miss no more crises than today's; the nearest to today's."""

        def misses(s: float) -> int:
            return self.missed[s] - bool(without and without.real and without.peak < s)

        def cost(s: float) -> int:
            false = self.false[s] - bool(without and not without.real and without.peak >= s)
            return WORTH * misses(s) + false + self.unjudged[s]

        allowed = [s for s in self.scores if misses(s) <= misses(self.today)]
        return min(allowed, key=lambda s: (cost(s), round(abs(s - self.today), 6), s))


def propose_alert(
    pasts: Iterable[Past], elsewhere: Iterable[Elsewhere], today: float, *, watch: str = "", unmeasured: int = 0
) -> AlertProposal:
    """The alert score that the past speaks for, if any; of one ``watch``, or of all.

    ``unmeasured``: incidents that people judged while nothing was measured; it is told why they do not count.
    """
    mine = sorted((p for p in pasts if watch in ("", p.watch)), key=lambda p: (p.incident, p.watch))
    outside = [one for one in elsewhere if watch in ("", one.watch)]
    tried = _Tried(mine, outside, today)
    now = effect(mine, outside, today)
    left_out = {id(p): tried.best(without=p) for p in mine}
    seen = wilson(sum(p.real and p.peak >= left_out[id(p)] for p in mine), now.crises)
    spared = wilson(sum(not p.real and p.peak < left_out[id(p)] for p in mine), now.dismissed)
    chosen = effect(mine, outside, tried.best())
    proposed, says = _judged(now, chosen, seen, spared, unmeasured)
    return AlertProposal(
        watch=watch, today=now, proposed=chosen if proposed else None, says=says, seen=seen, spared=spared
    )


def _judged(now: Effect, chosen: Effect, seen: Interval, spared: Interval, unmeasured: int) -> tuple[bool, str]:
    """Whether it is proposed, and why."""
    if now.crises < FEWEST or now.dismissed < FEWEST:
        left = f" {unmeasured} more were judged while their watch measured nothing: no score can be held against them."
        return False, (
            f"Too few labels to propose anything: {now.crises} confirmed crises and {now.dismissed} dismissed alarms; it "
            f"takes {FEWEST} of each.{left if unmeasured else ''}"
        )
    if chosen.score == now.score:
        return False, f"No other score would have done better than {now.score:g}."
    caught = now.crises - len(now.missed)
    if seen.hits < caught:
        return False, (
            f"None proposed, because it would miss crises: judged by scores chosen without them, {seen.says} confirmed "
            f"crises would have alerted, and {caught} did with {now.score:g}."
        )
    gain = WORTH * (seen.hits - caught) + spared.hits - len(now.gone) - (chosen.unjudged - now.unjudged)
    if gain < 1:
        return False, "None proposed: judged on episodes it was not chosen by, no other score does better."
    few = " Few labels: the intervals are wide." if min(now.crises, now.dismissed) < 4 * FEWEST else ""
    return True, (
        f"Judged by scores chosen without them, {seen.says} confirmed crises would have alerted, and {spared.says} dismissed "
        f"alarms would not have come.{few}"
    )


@dataclass(frozen=True)
class Rated:
    """An incident's severity score by triage, and the severity that people let stand or set."""

    incident: str
    score: float
    said: Severity
    overridden: bool


class EdgeProposal(Frozen):
    """From how many points on a severity should hold; or why nothing else is proposed."""

    severity: Severity
    today: float
    proposed: float | None = None
    wrong_today: int
    """Incidents that today's edge puts on another side than people did."""
    wrong_proposed: int | None = None
    right: Interval
    """Incidents on the side where people put them, each judged by an edge chosen without it."""
    moved: tuple[str, ...] = ()
    """Incidents that would be rated otherwise."""
    says: str


def propose_edges(rated: Iterable[Rated], sensitivity: Sensitivity) -> tuple[EdgeProposal, ...]:
    """An edge for each severity but the least, gravest first."""
    known = sorted(rated, key=lambda r: (r.incident, r.score))
    return tuple(_edge(known, level, sensitivity) for level in SEVERITIES)


def _edge(rated: Sequence[Rated], level: Severity, sensitivity: Sensitivity) -> EdgeProposal:
    today = sensitivity.edge(level)
    place = SEVERITIES.index(level)
    above = sensitivity.edge(SEVERITIES[place - 1]) if place else today + FARTHEST + 1
    below = sensitivity.edge(SEVERITIES[place + 1]) if place + 1 < len(SEVERITIES) else 0.0
    lowest, highest = max(below + 1, today - FARTHEST), min(above - 1, today + FARTHEST, 130.0)
    tried = sorted({today, *(float(n) for n in range(ceil(lowest), int(highest) + 1))})

    def wrong(r: Rated, edge: float) -> bool:
        return (r.score >= edge) != (r.said >= level)

    def under(r: Rated, edge: float) -> bool:
        return r.said >= level and r.score < edge

    errors = {e: sum(wrong(r, e) for r in rated) for e in tried}
    unders = {e: sum(under(r, e) for r in rated) for e in tried}

    def best(without: Rated | None = None) -> float:
        def count(e: float, of: dict[float, int], is_one: bool) -> int:
            return of[e] - is_one

        def less_under(e: float) -> int:
            return count(e, unders, bool(without and under(without, e)))

        allowed = [e for e in tried if less_under(e) <= less_under(today)]
        return min(allowed, key=lambda e: (count(e, errors, bool(without and wrong(without, e))), abs(e - today), e))

    right = wilson(sum(not wrong(r, best(r)) for r in rated), len(rated))
    chosen = best()
    common = {"severity": level, "today": today, "wrong_today": errors[today], "right": right}
    if len(rated) < FEWEST_RATED or errors[today] < FEWEST_WRONG:
        says = (
            f"Too little to propose anything: {len(rated)} rated incidents, {errors[today]} of them on the other side of "
            f"{today:g} points; it takes {FEWEST_RATED} and {FEWEST_WRONG}."
        )
    elif chosen == today or right.hits <= len(rated) - errors[today]:
        says = (
            f"None proposed: on incidents it was not chosen by, no other edge agrees with people better than {today:g}."
        )
    else:
        moved = tuple(r.incident for r in rated if (r.score >= today) != (r.score >= chosen))
        says = f"Judged by edges chosen without them, {right.says} incidents are rated as people rated them."
        return EdgeProposal(**common, proposed=chosen, wrong_proposed=errors[chosen], moved=moved, says=says)
    return EdgeProposal(**common, says=says)


@dataclass(frozen=True)
class Taken:
    """How long it took until somebody was on a grave incident, against the clock after which the next one is called."""

    incident: str
    seconds: float
    clock: float
    """Seconds."""


class ClockProposal(Frozen):
    """After how many minutes without an acknowledgement the next one should be called; or why that stays."""

    today: float
    """Minutes: the shortest clock that was in force."""
    proposed: int | None = None
    in_time: Interval
    """Acknowledgements within today's clock."""
    needless: Interval
    """Calls that would have gone out although somebody was about to answer, each judged by a clock chosen without it."""
    says: str


def propose_clock(taken: Iterable[Taken]) -> ClockProposal:
    """Only ever a shorter clock: whether people would come later if they were called later, no record can say."""
    known = sorted(taken, key=lambda t: (t.seconds, t.incident))
    today = min((t.clock for t in known), default=300.0)
    times = [t.seconds for t in known]
    before = [s for s in times if s <= today]
    extra = sum(s > 60 * _minutes(_without(times, n)) for n, s in enumerate(times) if s <= today)
    needless, in_time = wilson(extra, len(before)), wilson(len(before), len(times))
    shown = {"today": today / 60, "in_time": in_time, "needless": needless}
    minutes = _minutes(times)
    if len(times) < FEWEST_TAKEN:
        says = f"Too little to propose anything: {len(times)} acknowledgements; it takes {FEWEST_TAKEN}."
    elif not 1 <= minutes < today / 60:
        says = (
            f"None proposed: nine in ten were on it within {minutes} min, and the next is called after {today / 60:g}."
        )
    elif extra > MOST_CALLS * len(before):
        says = f"None proposed: a shorter clock would have called somebody needlessly in {needless.says} incidents."
    else:
        says = (
            f"Nine in ten were on it within {minutes} min: where nobody comes, the next would be called "
            f"{today / 60 - minutes:g} min earlier, for needless calls in {needless.says} incidents."
        )
        return ClockProposal(**shown, proposed=minutes, says=says)
    return ClockProposal(**shown, says=says)


def _without(times: Sequence[float], place: int) -> list[float]:
    return [*times[:place], *times[place + 1 :]]


def _minutes(times: Sequence[float]) -> int:
    """Whole minutes within which ``IN_TIME`` of sorted ``times`` lie."""
    return ceil(times[min(len(times) - 1, ceil(IN_TIME * len(times)) - 1)] / 60) if times else 0


class Learnt(Frozen):
    """Everything that the past proposes."""

    alerts: tuple[AlertProposal, ...]
    """For all watches first, then for each watch."""
    edges: tuple[EdgeProposal, ...]
    clock: ClockProposal

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines for ``[detection]`` of ``fireline.toml`` that would apply it; empty when nothing is proposed."""
        edges = {e.severity.value.lower(): e.proposed for e in self.edges if e.proposed is not None}
        everywhere = [f"alert_score = {a.proposed.score:g}" for a in self.alerts if a.proposed and not a.watch]
        common = {a.proposed.score for a in self.alerts if a.proposed and not a.watch}
        single = [
            f"{json.dumps(a.watch)} = {a.proposed.score:g}"
            for a in self.alerts
            if a.proposed and a.watch and a.proposed.score not in common
        ]
        top = [*everywhere, *(f"{name} = {points:g}" for name, points in edges.items())]
        found = ["[detection]", *top] if top else []
        return tuple(found + (["[detection.alert_scores]", *single] if single else []))

    @property
    def proposes(self) -> bool:
        """Whether anything is proposed."""
        return bool(self.lines) or self.clock.proposed is not None

"""Judging what a statement did, from the curve before it and the one after.

The measure is *negative authors* by window (``crisis.reaction`` says why), held against ``crisis.forecast`` made from the
curve before the statement. The newest windows that lie wholly after it, up to three that do not overlap, are averaged, and
so are the forecast's paths: below 95 % of the paths is ``working``, above 95 % ``made it worse``, else ``not yet``; it is
``cannot tell`` where the data do not carry a verdict.

What is promised: a judgement at a moment uses nothing later; the order in which signals and mentions come does not matter;
more negative authors afterwards never make a verdict better (``Verdict.rank``). Statements within one window of each other
are judged as one, because what follows is of both; a later one ends the judgement of those before.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from crisis.clocks import Publication
from crisis.effect import WINDOWS, Effect, Measured, Proposal, Shift, Surroundings, Verdict
from crisis.forecast import HORIZON, STEPS, Band, Expected, Forecast, NoForecast, band, forecast
from crisis.reaction import is_calm
from crisis.tied import Tied
from crisis.triage import Narrative, Signal
from crisis.values import StatementKind

TOGETHER = timedelta(minutes=15)
"""Statements that follow one another within this, the length of a window, are judged as one."""
TAIL = 0.05
"""Share of the forecast's paths on the far side of what was measured, below which a verdict is given."""
CHANGE = 0.2
"""Least distance from the forecast's middle, as a share of it: less is no change worth a verdict, however certain."""
PATIENCE = timedelta(minutes=60)
"""A statement gets so long before "not yet" asks for another: the interval of updates in DESIGN's clocks."""
ANSWERS, ANSWERED = 20, 0.6
"""So many replies and quotes that can be read, this share of them negative: people answer the words themselves."""
NEW = 0.25
"""Share of the posts since that a narrative new since the statement must have to be answered."""
DRAWN = 24
"""Points of the forecast that are kept for a chart."""


def judge(
    said: Publication,
    words: Sequence[Publication],
    signals: Sequence[Signal],
    *,
    incident: str,
    at: datetime,
    around: Surroundings | None = None,
) -> Effect:
    """What can be said at ``at`` of the effect of ``said``, one of the ``words`` of an incident that were said to all: a
    reply to one person moves no curve, so it neither ends a judgement nor shares it.

    Raises:
        ValueError: ``said`` is not among ``words``, speaks to single people, or lies after ``at``.
    """
    around = around or Surroundings()
    words = [w for w in words if w.at <= at and w.to_all]
    if said not in words:
        raise ValueError(f"{said.statement} was not public at {at:%H:%M}")
    group, later = _group(said, words)
    seen = sorted((s for s in signals if s.at <= at), key=lambda s: s.at)
    begin, spoken = group[0].at, group[-1].at
    end, settled = _end(begin, later, around.closed_at, at)
    measured, foreseen, why = None, None, ""
    try:
        foreseen = forecast([s for s in seen if s.at <= begin], until=begin)
        measured = of_forecast(foreseen, seen, since=spoken, until=end)
    except NoForecast as lacking:
        why = f"{lacking}: there is no forecast to hold the reaction against"
    except NothingMeasured as lacking:
        why = str(lacking) if not settled else f"{settled}: no window lies wholly between"
    verdict = measured.verdict if measured else Verdict.CANNOT_TELL
    silent = verdict is Verdict.WORKING and bool(around.unheard)
    verdict = Verdict.CANNOT_TELL if silent else verdict
    others = tuple(w.statement for w in group if w.statement != said.statement)
    proposal = _proposal(said, verdict, measured, around, at, final=later is not None)
    return Effect(
        incident=incident,
        statement=said.statement,
        version=said.version,
        kind=said.kind,
        published_at=said.at,
        at=at,
        verdict=verdict,
        proposal=proposal,
        next_kind=_next_kind(proposal, words),
        says=_says(verdict, measured, why, silent),
        reasons=_reasons(measured, foreseen, why, others, around, settled),
        measured=measured,
        rising=round(foreseen.rising, 3) if foreseen else None,
        forecast=_drawn(foreseen) if foreseen else (),
        together_with=others,
        settled=settled,
        tied=around.tied,
        shifts=around.shifts,
    )


def _group(said: Publication, words: Sequence[Publication]) -> tuple[list[Publication], Publication | None]:
    """The statements that cannot be told apart from ``said``, in order, and the first one after them."""
    groups: list[list[Publication]] = []
    for word in sorted(words, key=lambda w: (w.at, w.statement, w.version)):
        if groups and word.at - groups[-1][-1].at <= TOGETHER:
            groups[-1].append(word)
        else:
            groups.append([word])
    place = next(i for i, group in enumerate(groups) if said in group)
    return groups[place], groups[place + 1][0] if place + 1 < len(groups) else None


def _end(begin: datetime, later: Publication | None, closed_at: datetime | None, at: datetime) -> tuple[datetime, str]:
    """Until when the reaction counts as this statement's, and why no longer."""
    ends = [(begin + HORIZON, f"a forecast reaches {HORIZON // timedelta(hours=1)} hours, which are over")]
    if later is not None:
        ends.append((later.at, f"{later.statement} followed at {later.at:%H:%M} UTC, and what comes since is of both"))
    if closed_at is not None:
        ends.append((closed_at, "the incident was closed"))
    end, why = min(ends)
    return (end, why) if end <= at else (at, "")


class NothingMeasured(ValueError):
    """No window lies wholly after the statement yet; the message says so."""


def of_forecast(
    foreseen: Forecast, signals: Sequence[Signal], *, since: datetime | None = None, until: datetime | None = None
) -> Measured:
    """What was measured from ``since`` (the forecast's start) to ``until``, and the verdict of it.

    Raises:
        NothingMeasured: no window lies wholly in that time.
    """
    since = foreseen.start if since is None else since
    found: dict[int, Signal] = {}
    for signal in sorted(signals, key=lambda s: s.at):
        point = round((signal.at - foreseen.start) / foreseen.step) - 1
        whole = signal.at - signal.window >= since and abs(signal.window - STEPS * foreseen.step) < timedelta(seconds=1)
        if whole and 0 <= point < foreseen.negative.shape[1] and (until is None or signal.at <= until):
            before = found.get(point)
            if before is None or _off(signal, point, foreseen) < _off(before, point, foreseen):
                found[point] = signal
    if not found:
        first = since + STEPS * foreseen.step
        raise NothingMeasured(f"the first 15 minutes wholly after it end at {first:%H:%M} UTC")
    newest = max(found)
    points = [p for p in (newest - STEPS * n for n in range(WINDOWS)) if p in found]
    negative = float(np.mean([found[p].authors * found[p].negative_share for p in points]))
    last = found[newest]
    expected = foreseen.expected(newest)
    paths = foreseen.over(points)
    calm = is_calm(last)
    within = band(paths)
    if (paths <= negative + 0.5).mean() <= TAIL and negative <= (1 - CHANGE) * within.middle:
        verdict = Verdict.WORKING
    elif not calm and (paths >= negative - 0.5).mean() <= TAIL and negative >= (1 + CHANGE) * within.middle:
        verdict = Verdict.WORSE
    else:
        verdict = Verdict.CANNOT_TELL if calm else Verdict.NOT_YET
    return Measured(
        verdict=verdict,
        at=last.at,
        windows=len(points),
        negative=round(negative, 2),
        expected=_rounded(within),
        authors=last.authors,
        expected_authors=_rounded(expected.authors),
        share=last.negative_share,
        expected_share=expected.share,
        calm=calm,
    )


def _off(signal: Signal, point: int, foreseen: Forecast) -> tuple[timedelta, datetime]:
    return abs(signal.at - foreseen.moment(point)), signal.at


def shifts(before: Sequence[Narrative], now: Sequence[Narrative], *, most: int = 3) -> tuple[Shift, ...]:
    """How the narratives' parts moved between two assessments: the ``most`` that grew most, by posts since."""
    sizes = {n.id: n.size for n in before}
    grown = {n.id: max(0, n.size - sizes.get(n.id, 0)) for n in now}
    whole, new = sum(sizes.values()), sum(grown.values())
    if not new:
        return ()
    found = [
        Shift(
            narrative=n.id,
            label=n.label,
            before=round(sizes.get(n.id, 0) / whole, 4) if whole else 0.0,
            since=round(grown[n.id] / new, 4),
            posts=grown[n.id],
        )
        for n in now
        if grown[n.id]
    ]
    return tuple(sorted(found, key=lambda s: (-s.posts, s.narrative))[:most])


def _proposal(
    said: Publication,
    verdict: Verdict,
    measured: Measured | None,
    around: Surroundings,
    at: datetime,
    *,
    final: bool,
) -> Proposal:
    if around.doubts:
        return Proposal.CORRECT
    if final or around.closed_at is not None:
        return Proposal.HOLD
    if verdict is Verdict.WORSE:
        return Proposal.CORRECT if _answer_the_words(around.tied) else Proposal.FOLLOW_UP
    if any(_to_answer(shift) for shift in around.shifts):
        return Proposal.FOLLOW_UP
    if verdict is Verdict.WORKING or measured is None or measured.calm:
        return Proposal.HOLD
    return Proposal.FOLLOW_UP if at - said.at >= PATIENCE else Proposal.HOLD


def _answer_the_words(tied: Tied) -> bool:
    return tied.read >= ANSWERS and tied.share >= ANSWERED


def _to_answer(shift: Shift) -> bool:
    return shift.new and shift.since >= NEW and shift.posts >= ANSWERS


def _next_kind(proposal: Proposal, words: Sequence[Publication]) -> StatementKind | None:
    if proposal is Proposal.HOLD:
        return None
    if proposal is Proposal.CORRECT:
        return StatementKind.CORRECTION
    told = any(w.kind is StatementKind.SUBSTANTIVE for w in words)
    return StatementKind.UPDATE if told else StatementKind.SUBSTANTIVE


def _says(verdict: Verdict, measured: Measured | None, why: str, silent: bool) -> str:
    if measured is None:
        return f"Cannot tell: {why}"
    n, e = measured.negative, measured.expected
    people = "person" if round(n) == 1 else "people"
    against = f"{n:,.0f} negative {people} in 15 minutes, {e.low:,.0f} to {e.high:,.0f} were to be expected without it"
    if silent:
        return f"Cannot tell: {against}, but not every source was heard"
    return {
        Verdict.WORKING: f"Working: {against}",
        Verdict.WORSE: f"Made it worse: {against}",
        Verdict.NOT_YET: f"Not yet: {against}; it goes as it was going",
        Verdict.CANNOT_TELL: f"Cannot tell: it is calm, and that was to be expected without it too ({against})",
    }[verdict]


def _reasons(
    measured: Measured | None,
    foreseen: Forecast | None,
    why: str,
    others: Sequence[str],
    around: Surroundings,
    settled: str,
) -> tuple[str, ...]:
    found = [f"What it relied on has changed: {doubt}" for doubt in around.doubts]
    if measured is None:
        found.append(f"{why[:1].upper()}{why[1:]}")
    else:
        found += _in_numbers(measured)
    if foreseen is not None:
        found.append(_course(foreseen))
    if others:
        found.append(
            f"{' and '.join(others)} came within {TOGETHER // timedelta(minutes=1)} minutes: what followed is of them "
            "together, and cannot be told apart"
        )
    found += [f"Not heard meanwhile: {', '.join(around.unheard)}"] if around.unheard else []
    found.append(f"Answers to our posts: {around.tied.says}")
    found += [
        f"“{s.label}” {'is new' if s.new else f'had {s.before:.0%} of the posts before'} and has {s.since:.0%} of the "
        f"{s.posts / s.since:,.0f} since"
        for s in around.shifts
    ]
    found += [f"Final: {settled}"] if settled else []
    found.append("This says what came after it, not what it caused: nobody saw the same storm without it")
    return tuple(found)


def _in_numbers(m: Measured) -> list[str]:
    mean = f"on average of {m.windows} windows" if m.windows > 1 else "in the one window so far"
    return [
        f"Negative people: {m.negative:,.0f} {mean}; forecast {m.expected.middle:,.0f}, "
        f"in nine cases of ten {m.expected.low:,.0f} to {m.expected.high:,.0f}",
        f"All people: {m.authors:,} in the newest window, ending {m.at:%H:%M} UTC; forecast "
        f"{m.expected_authors.middle:,.0f} ({m.expected_authors.low:,.0f} to {m.expected_authors.high:,.0f})",
        f"Negative share: {m.share:.0%}; forecast {m.expected_share.middle:.0%} "
        f"({m.expected_share.low:.0%} to {m.expected_share.high:.0%})",
    ]


def _course(foreseen: Forecast) -> str:
    if foreseen.rising >= 0.5:
        return (
            f"The curve was still rising when it was said (with {min(foreseen.rising, 0.99):.0%} probability): nobody can "
            "know the peak it was heading for, so the interval is wide, and a fall may be the storm's own"
        )
    half = foreseen.half_life
    pace = (
        f"was to halve in about {half // timedelta(minutes=1)} min" if half else "was to halve in no less than 6 hours"
    )
    sure = min(1 - foreseen.rising, 0.99)
    return f"The curve had peaked when it was said (with {sure:.0%} probability), and by itself {pace}"


def _drawn(foreseen: Forecast) -> tuple[Expected, ...]:
    """The forecast for a chart: denser at its beginning."""
    last = foreseen.negative.shape[1] - 1
    points = sorted({round(last * (n / (DRAWN - 1)) ** 1.5) for n in range(DRAWN)})
    return tuple(
        Expected(at=e.at, negative=_rounded(e.negative), authors=_rounded(e.authors), share=_rounded(e.share, 3))
        for e in (foreseen.expected(p) for p in points)
    )


def _rounded(of: Band, digits: int = 1) -> Band:
    return Band(low=round(of.low, digits), middle=round(of.middle, digits), high=round(of.high, digits))

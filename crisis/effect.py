"""The effect of a statement: what came after it, against what was to be expected without it, and what to do next.

The measure is *negative authors* by window (``crisis.reaction`` says why), held against ``crisis.forecast`` made from the
curve before the statement. The newest windows that lie wholly after it, up to three that do not overlap, are averaged, and
so are the forecast's paths: below 95 % of the paths is ``working``, above 95 % ``made it worse``, else ``not yet``; it is
``cannot tell`` where the data do not carry a verdict. The words name what happened after a statement. They claim no
cause: nobody saw the same storm without the words.

What is promised: a judgement at a moment uses nothing later; the order in which signals and mentions come does not matter;
more negative authors afterwards never make a verdict better (``Verdict.rank``). Statements within one window of each other
are judged as one, because what follows is of both; a later one ends the judgement of those before.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
from pydantic import Field

from crisis.clocks import Publication
from crisis.forecast import HORIZON, STEPS, Band, Expected, Forecast, NoForecast, band, forecast
from crisis.reaction import is_calm
from crisis.record import Record
from crisis.tied import Tied
from crisis.triage import Narrative, Signal
from crisis.values import Frozen, Share, StatementKind, UtcDatetime

TOGETHER = timedelta(minutes=15)
"""Statements that follow one another within this, the length of a window, are judged as one."""
WINDOWS = 3
"""Windows that are averaged, at most."""
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
JUDGED = "effect.judged"
"""The kind of record that holds an ``Effect``."""
DRAWN = 24
"""Points of the forecast that are kept for a chart."""


class Verdict(StrEnum):
    """What came after a statement."""

    WORKING = "working"
    """Fewer negative authors than the forecast allows for."""
    CANNOT_TELL = "cannot tell"
    NOT_YET = "not yet"
    """As forecast, and not calm."""
    WORSE = "made it worse"
    """More negative authors than the forecast allows for."""

    @property
    def rank(self) -> int:
        """The better, the higher."""
        return {Verdict.WORKING: 3, Verdict.CANNOT_TELL: 2, Verdict.NOT_YET: 1, Verdict.WORSE: 0}[self]


class Proposal(StrEnum):
    """What to do next; people do it."""

    HOLD = "hold"
    FOLLOW_UP = "follow up"
    CORRECT = "correct"


class Shift(Frozen):
    """How a narrative's part of what is said moved with a statement."""

    narrative: str
    label: str
    """Words of posts: hostile."""
    before: Share
    """Of the posts in narratives until the statement."""
    since: Share
    """Of those since."""
    posts: int = Field(ge=0)
    """Since."""

    @property
    def new(self) -> bool:
        """Nobody said so before the statement."""
        return self.before == 0 and self.posts > 0


class Measured(Frozen):
    """What was measured after a statement, against the forecast."""

    verdict: Verdict
    at: UtcDatetime
    """The end of the newest window."""
    windows: int = Field(ge=1, le=WINDOWS)
    negative: float
    """Negative authors in a window, on average of the windows."""
    expected: Band
    """The same of the forecast."""
    authors: int
    """Of the newest window."""
    expected_authors: Band
    share: Share
    expected_share: Band
    calm: bool


class Effect(Frozen):
    """The judgement on one statement at one moment."""

    incident: str
    statement: str
    version: int
    kind: StatementKind
    published_at: UtcDatetime
    at: UtcDatetime
    """The moment of the judgement; nothing later is in it."""
    verdict: Verdict
    proposal: Proposal
    next_kind: StatementKind | None = None
    """The kind of statement that the proposal asks for."""
    says: str
    reasons: tuple[str, ...]
    """In words and numbers. They may quote narratives: hostile."""
    measured: Measured | None = None
    rising: Share | None = None
    """How likely the curve had not peaked when it was said; None without a forecast."""
    forecast: tuple[Expected, ...] = ()
    together_with: tuple[str, ...] = ()
    """Statements whose effect cannot be told from this one's."""
    settled: str = ""
    """Why the judgement is final; empty while it goes on."""
    tied: Tied = Tied()
    shifts: tuple[Shift, ...] = ()

    @property
    def open(self) -> bool:
        return not self.settled

    @property
    def draft_at(self) -> str:
        """Where on the desk the proposal is carried out; empty for *hold*."""
        if self.next_kind is None:
            return ""
        corrects = f"&corrects={self.statement}" if self.next_kind is StatementKind.CORRECTION else ""
        return f"/incidents/{self.incident}/draft?kind={self.next_kind.value}{corrects}"


class Surroundings(Frozen):
    """What bears on a judgement besides the curve."""

    doubts: tuple[str, ...] = ()
    """Of the statement: what it relied on that has changed since."""
    unheard: tuple[str, ...] = ()
    """Sources that were silent while the reaction was measured: fewer posts then mean nothing."""
    tied: Tied = Tied()
    shifts: tuple[Shift, ...] = ()
    closed_at: UtcDatetime | None = None


def judge(
    said: Publication,
    words: Sequence[Publication],
    signals: Sequence[Signal],
    *,
    incident: str,
    at: datetime,
    around: Surroundings | None = None,
) -> Effect:
    """What can be said at ``at`` of the effect of ``said``, one of the ``words`` of an incident.

    Raises:
        ValueError: ``said`` is not among ``words``, or lies after ``at``.
    """
    around = around or Surroundings()
    if said not in words or said.at > at:
        raise ValueError(f"{said.statement} was not public at {at:%H:%M}")
    group, later = _group(said, [w for w in words if w.at <= at])
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
        next_kind=_next_kind(proposal, [w for w in words if w.at <= at]),
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
        raise NothingMeasured(f"the first window that lies wholly after it ends at {first:%H:%M} UTC")
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


def newest_of(records: Iterable[Record]) -> list[Effect]:
    """The newest judgement of each statement version among records of ``JUDGED``, in the order of publication."""
    newest: dict[tuple[str, int], Effect] = {}
    for record in sorted((r for r in records if r.kind == JUDGED), key=lambda r: r.seq):
        effect = Effect.model_validate(record.data)
        newest[effect.statement, effect.version] = effect
    return sorted(newest.values(), key=lambda e: (e.published_at, e.statement, e.version))


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
    against = f"{n:,.0f} negative people a window, {e.low:,.0f} to {e.high:,.0f} were to be expected without it"
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
            f"The curve was still rising when it was said (with {min(foreseen.rising, 0.99):.0%} probability): nobody can know the "
            "peak it was heading for, so the interval is wide, and a fall may be the storm's own"
        )
    half = foreseen.half_life
    pace = (
        f"was to halve in about {half // timedelta(minutes=1)} min" if half else "was to halve in no less than 6 hours"
    )
    return f"The curve had peaked when it was said (with {min(1 - foreseen.rising, 0.99):.0%} probability), and by itself {pace}"


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

"""Charts as small SVG strings: how many people spoke over time, how negative they were, and what we did when.

Each chart is a self-contained ``<svg>`` without scripts, links or outside files. It is drawn for the width it is asked
for, so that its letters stay readable on a phone and on a wall; it takes its colours from CSS variables of the page,
with fallbacks that hold on light and dark grounds; and it carries a title and a description for those who cannot see
it. All text is escaped: a label may hold anything.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from html import escape
from math import ceil, floor, log10, sqrt
from typing import NamedTuple

from crisis.forecast import Band, Expected
from crisis.reaction import CHANCE, ceiling
from crisis.triage import Signal
from crisis.values import Frozen, UtcDatetime
from crisis.visible import visible

NARROW, PAPER, WIDE = 350, 660, 1040
"""Widths in CSS pixels that suit a phone, a printed page and a desktop page."""

_LEFT, _RIGHT, _BOTTOM, _LANE = 44, 14, 34, 19
_LETTER = 6.6
"""Average width of a 12 px letter in px, generous, so that labels do not touch."""
_STEPS = [timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10080, 43200)]

_INK = "var(--chart-ink, currentColor)"
_VOLUME = "var(--chart-volume, #5b7fa6)"
_NEGATIVE = "var(--chart-negative, #d1495b)"
_MARK = "var(--chart-mark, currentColor)"

AHEAD = timedelta(hours=1)
"""A forecast is shown at least so far, also where nothing has been measured yet."""

_HALO = 'stroke="var(--chart-ground, Canvas)" stroke-width="4" stroke-linejoin="round" paint-order="stroke"'
"""Keeps a label readable where a line passes behind it."""

_DARK = (
    "<style>svg{color:#1c2530;background:#fff;--chart-ground:#fff}"
    "@media(prefers-color-scheme:dark){svg{color:#e6eaf0;background:#14181f;--chart-ground:#14181f}}</style>"
)


class Mark(Frozen):
    """A moment to mark on a chart: detected, told, published, corrected ..."""

    at: UtcDatetime
    label: str


class _Box(NamedTuple):
    """The plotting area in px, and the time it spans."""

    width: int
    height: int
    top: float
    start: datetime
    end: datetime

    @property
    def bottom(self) -> float:
        return self.height - _BOTTOM

    def x(self, at: datetime) -> float:
        share = (at - self.start) / (self.end - self.start)
        return _LEFT + share * (self.width - _LEFT - _RIGHT)

    def y(self, value: float, most: float) -> float:
        return self.bottom - value / most * (self.bottom - self.top)


def volume_chart(
    signals: Sequence[Signal],
    marks: Sequence[Mark] = (),
    *,
    width: int = WIDE,
    standalone: bool = False,
    foreseen: Sequence[Sequence[Expected]] = (),
) -> str:
    """Unique authors per window, the negative ones among them, what is usual, and the band that still counts as usual.

    The band ends where ``crisis.reaction`` no longer calls a watch calm. ``foreseen``: what was to be expected without each
    statement (``crisis.effect.Effect.forecast``), drawn as an outlined band of negative authors until the next one begins.

    ``width`` is in CSS px. ``standalone`` gives the chart its own ground and colours for use as an image file.
    Without signals the chart says that nothing was measured.
    """
    title = "People who spoke, over time"
    if not signals:
        return _nothing(title, width, standalone)
    signals = _thinned(sorted(signals, key=lambda s: s.at), width)
    stretches = _stretches(foreseen, signals[-1].at)
    box, placed = _layout(signals, marks, width, [e.at for s in stretches for e in s])
    most, grid = _scale(_top(signals, stretches))
    peak = max(signals, key=lambda s: s.authors)
    minutes = signals[-1].window / timedelta(minutes=1)
    described = (
        f"Unique authors in windows of {minutes:g} minutes from {_long(box.start)} to {_long(box.end)}. "
        f"The most were {peak.authors:,} at {_long(peak.at)}, {peak.negative_share:.0%} of them negative; "
        f"usual then were {peak.usual_authors:.0f}. {_marks_in_words(marks)}{_foreseen_in_words(stretches)}"
    )
    authors = [(box.x(s.at), box.y(s.authors, most)) for s in signals]
    negative = [(box.x(s.at), box.y(s.authors * s.negative_share, most)) for s in signals]
    usual = [(box.x(s.at), box.y(s.usual_authors, most)) for s in signals]
    upper = [(box.x(s.at), box.y(min(most, ceiling(s.usual_authors)), most)) for s in signals]
    lower = [(box.x(s.at), box.y(max(0.0, s.usual_authors - CHANCE * sqrt(s.usual_authors)), most)) for s in signals]
    body = [
        _grid(box, [(value, f"{value:,g}") for value in grid], most),
        _band(upper, lower),
        _area(authors, box.bottom, _VOLUME, 0.35),
        _area(negative, box.bottom, _NEGATIVE, 0.75),
        _line(authors, _VOLUME, 2),
        _line(usual, _INK, 1.5, "5 4"),
        *(_foreseen(box, stretch, lambda e: e.negative, most) for stretch in stretches),
        _hours(box),
        placed,
    ]
    return _svg(title, described, box.width, box.height, body, standalone)


def negative_share_chart(
    signals: Sequence[Signal],
    marks: Sequence[Mark] = (),
    *,
    width: int = WIDE,
    standalone: bool = False,
    foreseen: Sequence[Sequence[Expected]] = (),
) -> str:
    """The share of negative posts, 0 to 100 %, what is usual, and as band what chance alone makes of the usual share.

    Parameters as for ``volume_chart``.
    """
    title = "Share of negative posts, over time"
    if not signals:
        return _nothing(title, width, standalone)
    signals = _thinned(sorted(signals, key=lambda s: s.at), width)
    stretches = _stretches(foreseen, signals[-1].at)
    box, placed = _layout(signals, marks, width, [e.at for s in stretches for e in s])
    peak = max(signals, key=lambda s: s.negative_share)
    described = (
        f"Share of negative posts from {_long(box.start)} to {_long(box.end)}. The highest was "
        f"{peak.negative_share:.0%} at {_long(peak.at)}, usually {peak.usual_negative_share:.0%}; "
        f"the last was {signals[-1].negative_share:.0%}. {_marks_in_words(marks)}"
    )
    share = [(box.x(s.at), box.y(s.negative_share, 1.0)) for s in signals]
    usual = [(box.x(s.at), box.y(s.usual_negative_share, 1.0)) for s in signals]
    bands = [(box.x(s.at), s.usual_negative_share, _chance(s)) for s in signals]
    body = [
        _grid(box, [(value / 4, f"{value * 25} %") for value in range(5)], 1.0),
        _band(
            [(x, box.y(min(1.0, share + width), 1.0)) for x, share, width in bands],
            [(x, box.y(max(0.0, share - width), 1.0)) for x, share, width in bands],
        ),
        _area(share, box.bottom, _NEGATIVE, 0.22),
        _line(share, _NEGATIVE, 2),
        _line(usual, _INK, 1.5, "5 4"),
        *(_foreseen(box, stretch, lambda e: e.share, 1.0) for stretch in stretches),
        _hours(box),
        placed,
    ]
    return _svg(title, described, box.width, box.height, body, standalone)


def _chance(signal: Signal) -> float:
    """Two standard errors of the usual share among as many authors as spoke (normal approximation to the binomial)."""
    usual = signal.usual_negative_share
    return CHANCE * sqrt(usual * (1 - usual) / max(1, signal.authors))


def _stretches(foreseen: Sequence[Sequence[Expected]], measured_until: datetime) -> list[list[Expected]]:
    """What is drawn of each forecast: as far as was measured, an hour at least, and no farther than the next begins."""
    known = sorted((sorted(f, key=lambda e: e.at) for f in foreseen if f), key=lambda f: f[0].at)
    found = []
    for number, one in enumerate(known):
        end = max(measured_until, one[0].at + AHEAD)
        end = min((e.at for e in one if e.at >= end), default=end)  # the points are far apart: none is left out
        if number + 1 < len(known):
            end = min(end, known[number + 1][0].at)
        found.append([e for e in one if e.at <= end])
    return [stretch for stretch in found if len(stretch) > 1]


def _top(signals: Sequence[Signal], stretches: Sequence[Sequence[Expected]]) -> float:
    """What the axis must reach: all that was measured, and of a forecast no more than half as much again."""
    measured = max([s.authors for s in signals] + [s.usual_authors for s in signals])
    high = max((e.negative.high for stretch in stretches for e in stretch), default=0.0)
    return max(measured, min(high, 1.5 * measured))


def _foreseen(box: _Box, stretch: Sequence[Expected], of: Callable[[Expected], Band], most: float) -> str:
    """A forecast's interval, outlined and pale, and its middle, dotted."""
    upper = [(box.x(e.at), box.y(min(of(e).high, most), most)) for e in stretch]
    lower = [(box.x(e.at), box.y(min(of(e).low, most), most)) for e in stretch]
    middle = [(box.x(e.at), box.y(min(of(e).middle, most), most)) for e in stretch]
    edge = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*upper, *reversed(lower)])
    return (
        f'<polygon class="foreseen" points="{edge}" fill="{_INK}" fill-opacity=".1" stroke="{_INK}" '
        f'stroke-opacity=".7" stroke-width="1" stroke-dasharray="2 2"/>' + _line(middle, _INK, 1.5, "1 3")
    )


def _foreseen_in_words(stretches: Sequence[Sequence[Expected]]) -> str:
    last = [stretch[-1] for stretch in stretches]
    return "".join(
        f" Without the statement before it, {e.negative.low:,.0f} to {e.negative.high:,.0f} negative people were to be "
        f"expected by {_long(e.at)}."
        for e in last
    )


def _thinned(signals: Sequence[Signal], width: int) -> list[Signal]:
    """At most one signal per two px, keeping the one with most authors of each stretch, and first and last."""
    room = max(2, width // 2)
    if len(signals) <= room:
        return list(signals)
    stride = ceil(len(signals) / room)
    kept = [max(signals[i : i + stride], key=lambda s: s.authors) for i in range(0, len(signals), stride)]
    return [signals[0], *kept[1:-1], signals[-1]]


def _layout(
    signals: Sequence[Signal], marks: Sequence[Mark], width: int, ahead: Sequence[datetime] = ()
) -> tuple[_Box, str]:
    """The plotting area with room above it for the marks' labels, and the marks drawn."""
    moments = [s.at for s in signals] + [m.at for m in marks] + list(ahead)
    start, end = min(moments), max(moments)
    if start == end:
        start, end = start - timedelta(minutes=1), end + timedelta(minutes=1)
    plot = 170 if width < 600 else 220
    flat = _Box(width, plot + _BOTTOM, 0, start, end)
    lanes: list[float] = []
    spots: list[tuple[float, float, int, bool, Mark]] = []
    for mark in sorted(marks, key=lambda m: m.at):
        x = flat.x(mark.at)
        text = (len(mark.label) + 6) * _LETTER + 10
        turned = x + text > width and x - text > 0
        left = x - text if turned else min(x, max(0.0, width - text))  # on a phone a long one may fit neither side
        lane = next((i for i, taken in enumerate(lanes) if taken <= left), len(lanes))
        if lane == len(lanes):
            lanes.append(0.0)
        lanes[lane] = left + text
        spots.append((x, left, lane, turned, mark))
    top = len(lanes) * _LANE + 12
    box = _Box(width, int(top + plot + _BOTTOM), top, start, end)
    stems = [_stem(box, x, lane) for x, _, lane, _, _ in spots]
    return box, "".join(stems + [_label(x, left, lane, turned, mark) for x, left, lane, turned, mark in spots])


def _stem(box: _Box, x: float, lane: int) -> str:
    y = lane * _LANE + 9
    return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{box.bottom:.1f}" stroke="{_MARK}" stroke-opacity=".55"/>'


def _label(x: float, left: float, lane: int, turned: bool, mark: Mark) -> str:
    y = lane * _LANE + 14
    anchor, at = ("end", x - 6) if turned else ("start", left + 6)
    return (
        f'<circle cx="{x:.1f}" cy="{y - 5}" r="3" fill="{_MARK}"/>'
        f'<text x="{at:.1f}" y="{y}" text-anchor="{anchor}" font-weight="600" {_HALO}>'
        f"{escape(visible(mark.label))} "
        f'<tspan font-weight="400" fill-opacity=".75">{mark.at:%H:%M}</tspan></text>'
    )


def _scale(most: float) -> tuple[float, list[float]]:
    """A round top for the axis at or above ``most``, and about four round values to draw lines at."""
    most = max(most, 4.0)
    rough = most / 4
    power = 10.0 ** floor(log10(rough))
    step = next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough)
    count = ceil(most / step)
    return count * step, [i * step for i in range(count + 1)]


def _grid(box: _Box, values: Sequence[tuple[float, str]], most: float) -> str:
    lines = []
    for value, label in values:
        y = box.y(value, most)
        lines.append(
            f'<line x1="{_LEFT}" x2="{box.width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{_INK}" '
            f'stroke-opacity=".14"/><text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" '
            f'fill-opacity=".75">{label}</text>'
        )
    return "".join(lines)


def _hours(box: _Box) -> str:
    room = max(2, int((box.width - _LEFT - _RIGHT) // 78))
    span = box.end - box.start
    step = next((s for s in _STEPS if span / s <= room), _STEPS[-1])
    write: Callable[[datetime], str] = _day if step >= timedelta(days=1) else _hour
    midnight = box.start.replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + ceil((box.start - midnight) / step) * step
    drawn, day = [], None
    while at <= box.end:
        label = write(at)
        drawn.append(
            f'<line x1="{box.x(at):.1f}" x2="{box.x(at):.1f}" y1="{box.bottom:.1f}" y2="{box.bottom + 4:.1f}" '
            f'stroke="{_INK}" stroke-opacity=".5"/>'
            f'<text x="{box.x(at):.1f}" y="{box.bottom + 17:.1f}" text-anchor="{_anchor(box, at)}" '
            f'fill-opacity=".75">{label}</text>'
        )
        if write is _hour and at.date() != day:
            day = at.date()
            drawn.append(
                f'<text x="{box.x(at):.1f}" y="{box.bottom + 31:.1f}" text-anchor="{_anchor(box, at)}" '
                f'fill-opacity=".6">{_day(at)}</text>'
            )
        at += step
    return "".join(drawn)


def _anchor(box: _Box, at: datetime) -> str:
    x = box.x(at)
    return "start" if x < _LEFT + 20 else "end" if x > box.width - _RIGHT - 20 else "middle"


def _area(points: Sequence[tuple[float, float]], bottom: float, colour: str, opacity: float) -> str:
    drawn = " ".join(f"L{x:.1f} {y:.1f}" for x, y in points)
    path = f"M{points[0][0]:.1f} {bottom:.1f} {drawn} L{points[-1][0]:.1f} {bottom:.1f} Z"
    return f'<path d="{path}" fill="{colour}" fill-opacity="{opacity}"/>'


def _band(upper: Sequence[tuple[float, float]], lower: Sequence[tuple[float, float]]) -> str:
    """What still counts as usual, as a pale ribbon."""
    edge = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*upper, *reversed(lower)])
    return f'<polygon class="band" points="{edge}" fill="{_INK}" fill-opacity=".12"/>'


def _line(points: Sequence[tuple[float, float]], colour: str, weight: float, dashes: str = "") -> str:
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return (
        f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="{weight}" '
        f'stroke-linejoin="round"{dashed}/>'
    )


def _svg(title: str, described: str, width: int, height: int, body: Sequence[str], standalone: bool) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(f"{title}. {described}")}" font-family="system-ui, sans-serif" '
        f'font-size="12" fill="{_INK}"><title>{escape(title)}</title><desc>{escape(described)}</desc>'
        f"{_DARK if standalone else ''}{''.join(body)}</svg>"
    )


def _nothing(title: str, width: int, standalone: bool) -> str:
    text = f'<text x="{width / 2}" y="46" text-anchor="middle" font-size="14">Nothing was measured in this time.</text>'
    return _svg(title, "Nothing was measured in this time.", width, 84, [text], standalone)


def _marks_in_words(marks: Sequence[Mark]) -> str:
    if not marks:
        return ""
    return "Marked: " + ", ".join(f"{visible(m.label)} {_long(m.at)}" for m in sorted(marks, key=lambda m: m.at)) + "."


def _hour(at: datetime) -> str:
    return f"{at:%H:%M}"


def _day(at: datetime) -> str:
    return f"{at.day} {at:%b}"


def _long(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

"""Reading a series of counts, and labelled episodes, from CSV. Every mistake is one sentence with the line it is in."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fireline.errors import Stop

if TYPE_CHECKING:
    from crisis.backtest import Row
    from crisis.episodes import Labelled

MOST = 1e12
"""Counts above that are a mistake."""


class Series(NamedTuple):
    """Rows of one file, in order of time."""

    stamps: list[str]
    """The timestamps as written."""
    rows: list[Row]
    negative: bool
    """The file says how many are negative."""
    step: float
    """Seconds between the first two rows."""


def read_counts(file: Path) -> Series:
    """The rows of ``timestamp,value[,negative]``.

    ``negative`` counts the negative ones among ``value``; a fraction between 0 and 1 is their share; empty is unknown.

    Raises:
        Stop: something in it is no count; says what, and in which line.
    """
    from crisis.backtest import Row

    stamps: list[str] = []
    rows: list[Row] = []
    step, negative = 0.0, False
    for line, fields in _lines(file, ("timestamp", "value"), ("negative",)):
        where = f"{file}, line {line}"
        moment = _moment(fields["timestamp"], where)
        value = _number(fields["value"], where, "value")
        mood = _negative(fields.get("negative", ""), value, where)
        negative = negative or "negative" in fields
        if rows:
            gap = moment - rows[-1].moment
            _forward(gap, step, where, stamps[-1])
            step = step or gap
        stamps.append(fields["timestamp"])
        rows.append(Row(moment, value, mood))
    if len(rows) < 2:
        raise Stop(f"{file}: {len(rows)} rows are no series; at least two are needed")
    return Series(stamps, rows, negative, step)


def _forward(gap: float, step: float, where: str, before: str) -> None:
    if gap == 0:
        raise Stop(f"{where}: the time {before} is there twice; give one row for each step")
    if gap < 0:
        raise Stop(f"{where}: its time is before that of the row above ({before}); sort the rows by time")
    if step and gap < 0.5 * step:
        raise Stop(
            f"{where}: it comes {gap:g} s after the row above, but the rows began {step:g} s apart;"
            " give counts of equal steps (rows may be missing)"
        )


def read_labels(file: Path) -> list[Labelled]:
    """The episodes of ``start,end[,label]``.

    Rows labelled as a dismissal (``false_alarm``, ``praise`` …; see ``fireline incidents --labels``) are no episodes: an
    alert in them is a false one.

    Raises:
        Stop: something in it is no episode; says what, and in which line.
    """
    from crisis.episodes import Labelled
    from crisis.incident import Dismissal

    dismissed = frozenset(Dismissal)
    found = []
    for line, fields in _lines(file, ("start", "end"), ("label",)):
        where = f"{file}, line {line}"
        start, end = _moment(fields["start"], where), _moment(fields["end"], where)
        if end < start:
            raise Stop(f"{where}: the episode ends before it starts")
        if fields.get("label", "") not in dismissed:
            found.append(Labelled(start, end, fields.get("label", "") or fields["start"]))
    if not found:
        raise Stop(f"{file}: there is no episode in it; each line is start,end and, if you like, a label")
    return found


def _lines(file: Path, needed: tuple[str, ...], possible: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and fields of each row that is not empty."""
    wanted = ",".join(needed) + "".join(f"[,{name}]" for name in possible)
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.reader(opened, strict=True)
            names = [name.strip().lower() for name in next(reader, [])]
            for name in needed:
                if name not in names:
                    raise Stop(f"{file}: there is no column {name!r}; the first line must name {wanted}")
            for fields in reader:
                if not any(field.strip() for field in fields):
                    continue
                if len(fields) != len(names):
                    raise Stop(f"{file}, line {reader.line_num}: {len(fields)} fields where {len(names)} are named")
                found = dict(zip(names, (field.strip() for field in fields), strict=True))
                yield reader.line_num, {name: found[name] for name in (*needed, *possible) if name in found}
    except FileNotFoundError:
        raise Stop(f"{file}: there is no such file") from None
    except UnicodeDecodeError:
        raise Stop(f"{file}: it is not UTF-8 text; export it as CSV in UTF-8") from None
    except csv.Error as error:
        raise Stop(f"{file}: it cannot be read as CSV ({error})") from None
    except OSError as error:
        raise Stop(f"{file}: {error.strerror or error}") from None


def _moment(text: str, where: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise Stop(f"{where}: {text[:40]!r} is no time; write 2026-03-01 14:05:00, with +00:00 or as UTC") from None


def _number(text: str, where: str, name: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise Stop(f"{where}: {name} {text[:40]!r} is no number") from None
    if not isfinite(number):
        raise Stop(f"{where}: {name} is {text[:40]}; leave out rows whose count is unknown")
    if number < 0:
        raise Stop(f"{where}: {name} is {text[:40]}; a count is 0 or more")
    if number > MOST:
        raise Stop(f"{where}: {name} is {text[:40]}; no count of mentions is that large")
    return number


def _negative(text: str, value: float, where: str) -> float | None:
    if not text:
        return None
    number = _number(text, where, "negative")
    if 0 < number < 1:
        return number * value
    if number > value:
        raise Stop(f"{where}: negative is {text[:40]}, more than the {value:g} mentions it is among")
    return number

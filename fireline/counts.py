"""Reading a series of counts, and labelled episodes, from CSV. Every mistake is one sentence with the line it is in."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from math import isfinite
from pathlib import Path
from statistics import mode
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
    """Seconds between two rows, as most of them stand; rows may be missing."""


def read_counts(file: Path) -> Series:
    """The rows of ``timestamp,value[,negative]``.

    ``negative`` counts the negative ones among ``value``, or is their share if no value of it is above 1 and some are
    fractions; empty is unknown.

    Raises:
        Stop: something in it is no count; says what, and in which line.
    """
    from crisis.backtest import Row

    read: list[_Read] = []
    named = False
    for line, fields in _lines(file, ("timestamp", "value"), ("negative",)):
        where = f"{file}, line {line}"
        mood = fields.get("negative", "")
        named = named or "negative" in fields
        one = _Read(
            where,
            fields["timestamp"],
            _moment(fields["timestamp"], where),
            _number(fields["value"], where, "value"),
            _number(mood, where, "negative") if mood else None,
        )
        if read:
            _forward(one, read[-1])
        read.append(one)
    if len(read) < 2:
        raise Stop(f"{file}: {len(read)} rows are no series; at least two are needed")
    shares = _are_shares([one.negative for one in read if one.negative is not None])
    rows = [Row(one.moment, one.value, _negative(one, shares)) for one in read]
    return Series([one.stamp for one in read], rows, named, _step(read))


class _Read(NamedTuple):
    """One row as it was read."""

    where: str
    stamp: str
    moment: float
    value: float
    negative: float | None


def _forward(row: _Read, before: _Read) -> None:
    if row.moment == before.moment:
        raise Stop(f"{row.where}: the time {before.stamp} is there twice; give one row for each step")
    if row.moment < before.moment:
        raise Stop(f"{row.where}: its time is before that of the row above ({before.stamp}); sort the rows by time")


def _step(read: list[_Read]) -> float:
    """The commonest distance of two rows, in seconds; no two may be nearer than half of it."""
    gaps = [later.moment - row.moment for row, later in pairwise(read)]
    step = mode(gaps)
    for gap, row in zip(gaps, read[1:], strict=True):
        if gap < 0.5 * step:
            raise Stop(
                f"{row.where}: it comes {gap:g} s after the row above, but most rows are {step:g} s apart;"
                " give counts of equal steps (rows may be missing)"
            )
    return step


def read_labels(file: Path) -> list[Labelled]:
    """The episodes of ``start,end[,label]``.

    Rows labelled as a dismissal (``false_alarm``, ``praise`` …; see ``fireline incidents --labels``) are no episodes: an
    alert in them is a false one. All may be: then every alert is.

    Raises:
        Stop: something in it is no episode; says what, and in which line.
    """
    from crisis.episodes import Labelled
    from crisis.incident import Dismissal

    dismissed = frozenset(Dismissal)
    found, empty = list[Labelled](), True
    for line, fields in _lines(file, ("start", "end"), ("label",)):
        empty = False
        where = f"{file}, line {line}"
        start, end = _moment(fields["start"], where), _moment(fields["end"], where)
        if end < start:
            raise Stop(f"{where}: the episode ends before it starts")
        if "_".join(fields.get("label", "").lower().replace("-", " ").split()) not in dismissed:
            found.append(Labelled(start, end, fields.get("label", "") or fields["start"]))
    if empty:
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


def _are_shares(column: list[float]) -> bool:
    """Whether the column holds shares: one reading for all of its rows, so that 1 cannot mean one among others."""
    return any(0 < number < 1 for number in column) and max(column) <= 1


def _negative(row: _Read, shares: bool) -> float | None:
    if row.negative is None or shares:
        return None if row.negative is None else row.negative * row.value
    if row.negative > row.value:
        raise Stop(f"{row.where}: negative is {row.negative:g}, more than the {row.value:g} mentions it is among")
    return row.negative

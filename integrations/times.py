"""Times as exports write them: one reader for the usual forms, which says what it cannot read and guesses no day."""

import re
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

EARLIEST = 631_152_000.0
"""1990-01-01: no public post is older."""
LATEST = 366 * 86_400.0
"""Seconds ahead of the machine's clock: rehearsals are dated ahead, by a year at most."""
_ZONED = re.compile(r"(\d)\s+([+-]\d\d):?(\d\d)$")
_TWITTER = re.compile(r"^\w{3} (\w{3} \d{1,2} \d\d:\d\d:\d\d) (\S+) (\d{4})$")
_SLASHED = re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{4})(?:[ ,T]+(\d{1,2}):(\d\d)(?::(\d\d))?\s*([AaPp][Mm])?)?$")
_ZONES = {
    "UTC": 0,
    "GMT": 0,
    "Z": 0,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
}


def parse_time(value: Any) -> tuple[datetime, bool]:
    """A time in any of the usual forms, and whether it told its offset.

    ISO 8601, RFC 2822, Twitter's, epoch seconds, milliseconds or microseconds, and slashed dates whose day is over 12.

    Raises:
        ValueError: no time, an ambiguous one, or one before 1990 or more than a year in the future.
    """
    moment, zoned = _parse_time(value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    seconds = moment.timestamp()
    if seconds < EARLIEST:
        raise ValueError(f"the time {_short(value)} is before 1990")
    if seconds > time.time() + LATEST:
        raise ValueError(f"the time {_short(value)} is in the future")
    return moment, zoned


def _parse_time(value: Any) -> tuple[datetime, bool]:
    if isinstance(value, datetime):
        return value, value.tzinfo is not None
    if isinstance(value, bool) or value is None or value == "":
        raise ValueError("there is no time")
    text = str(value).strip()
    if isinstance(value, int | float) or re.fullmatch(r"-?\d{9,17}(\.\d+)?", text):
        number = float(value)
        for unit in (1.0, 1e3, 1e6):
            if number < EARLIEST:
                raise ValueError(f"the time {_short(value)} is before 1990")
            if number < 1e11 * unit:
                return datetime.fromtimestamp(number / unit, UTC), True
        raise ValueError(f"the time {_short(value)} is out of range")
    try:
        moment = datetime.fromisoformat(_ZONED.sub(r"\1\2\3", text.removesuffix(" UTC") + "Z" * text.endswith(" UTC")))
        return moment, moment.tzinfo is not None
    except ValueError:
        pass
    if match := _TWITTER.match(text):
        stamp, zone, year = match.groups()
        offset = f"{_ZONES[zone]:+03d}00" if zone in _ZONES else zone
        return datetime.strptime(f"{stamp} {year} {offset}", "%b %d %H:%M:%S %Y %z"), True
    if match := _SLASHED.match(text):
        return _slashed(match), False
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        raise ValueError(f"{_short(value)} is no time that is known here; write 2026-03-01T14:05:00+00:00") from None
    return moment, moment.tzinfo is not None


def _slashed(match: "re.Match[str]") -> datetime:
    first, second, year, hour, minute, second_, half = match.groups()
    if int(first) <= 12 and int(second) <= 12 and first != second:
        raise ValueError(f"{match[0]!r} may be two different days; write 2026-03-01")
    day, month = (first, second) if int(first) > 12 else (second, first)
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + (12 if half.lower() == "pm" else 0)
    return datetime(int(year), int(month), int(day), hours, int(minute or 0), int(second_ or 0))


def _short(value: Any) -> str:
    text = repr(str(value))
    return text if len(text) <= 60 else text[:57] + "…'"

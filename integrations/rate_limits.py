"""Rate limits as platforms tell them: when to come back, and how many requests are left until then.

All dialects of the headers are read: seconds, HTTP dates, ISO-8601, epoch seconds or milliseconds; RFC 9110's
``Retry-After``, the IETF draft's ``RateLimit`` in its three shapes, ``X-RateLimit-*``, X's ``x-rate-limit-*``, Meta's
usage in per cent. What is left can be shared: a ``Budget`` stands for all processes that use one account, so that none
spends what another has already spent.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

DEFAULT_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=24)
RESET_HEADERS = ("retry-after", "x-ratelimit-reset-after", "ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset")
LEFT_HEADERS = ("ratelimit-remaining", "x-ratelimit-remaining", "x-rate-limit-remaining")
LIMIT_HEADERS = ("ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit")
USAGE_HEADERS = ("x-app-usage", "x-page-usage", "x-ad-account-usage")
"""Meta's: per cent of what may be used in an hour (https://developers.facebook.com/docs/graph-api/overview/rate-limiting)."""
REGAIN_HEADER, _REGAIN = "x-business-use-case-usage", "estimated_time_to_regain_access"
"""Meta's, by account: https://developers.facebook.com/docs/graph-api/overview/rate-limiting#headers-2; in minutes."""
_VERSION = re.compile(r"v?\d{1,2}(\.\d{1,2})?")
_PLAIN = re.compile(r"[^\d]{0,24}")
_DRAFT = re.compile(r"\b(limit|remaining|reset|r|t)\s*=\s*(\d+)")
"""Items of one ``RateLimit`` header: drafts 3 to 7 spell the names out, later ones say ``r`` and ``t``."""


@dataclass(frozen=True)
class Allowance:
    """How many more requests an account may make."""

    left: int
    limit: int | None = None
    """Of so many; None when the platform does not say."""
    until: datetime | None = None
    """UTC, when the count begins anew; None when the platform does not say."""

    @property
    def scarce(self) -> bool:
        """So few are left that processes should ask each other: a tenth, and at least five."""
        return self.left <= max(5, (self.limit or 0) // 10)

    def __str__(self) -> str:
        of = f" of {self.limit}" if self.limit is not None else ""
        until = f" until {self.until:%H:%M:%S} UTC" if self.until is not None else ""
        return f"{self.left}{of} requests left{until}"


class Budget(Protocol):
    """The requests that all processes which use one account may still make, by endpoint."""

    async def take(self, endpoint: str) -> datetime | None:
        """Take one request: None when it may be made, else when to come back (UTC)."""
        ...

    async def left(self, endpoint: str, allowance: Allowance) -> None:
        """Note what the platform says is left."""
        ...


class Unshared:
    """A budget of nobody: the platform itself says when it is spent."""

    async def take(self, endpoint: str) -> datetime | None:
        return None

    async def left(self, endpoint: str, allowance: Allowance) -> None:
        return None


_budget: ContextVar[Budget | None] = ContextVar("budget", default=None)


@contextmanager
def sharing(budget: Budget) -> Iterator[None]:
    """Connections made inside share ``budget``."""
    token = _budget.set(budget)
    try:
        yield
    finally:
        _budget.reset(token)


def shared_budget() -> Budget:
    """The budget of the connection that is being made."""
    return _budget.get() or Unshared()


def endpoint_of(method: str, path: str) -> str:
    """What platforms count together: a method and a path without what names one thing (or holds a secret).

    Of segments only words of up to 24 characters and versions (``v1``, ``v21.0``, ``2``) are kept.
    """
    plain = path.split("?", 1)[0].split("://", 1)[-1]
    kept = (part if _VERSION.fullmatch(part) or _PLAIN.fullmatch(part) else ":" for part in plain.split("/"))
    return f"{method.upper()} {'/'.join(kept)}"


def allowance_of(headers: Mapping[str, str], now: datetime) -> Allowance | None:
    """What an answer's headers say is left; None when they say nothing."""
    server_now = read_date(headers.get("date", "")) or now
    left, limit = _number(headers, LEFT_HEADERS), _number(headers, LIMIT_HEADERS)
    resets = next((wait for name in RESET_HEADERS[1:] if (wait := _wait(headers.get(name, ""), server_now))), None)
    said = dict(_DRAFT.findall(headers.get("ratelimit", "")))
    if left is None and (r := said.get("remaining", said.get("r"))) is not None:
        left, t = int(r), said.get("reset", said.get("t"))
        limit = int(said["limit"]) if "limit" in said else limit
        resets = timedelta(seconds=int(t)) if t else resets
    if left is None:
        return _usage(headers)
    return Allowance(left, limit, now + _sensible(resets) if resets is not None else None)


def _usage(headers: Mapping[str, str]) -> Allowance | None:
    for name in USAGE_HEADERS:
        try:
            used = json.loads(headers.get(name, ""))
        except ValueError:
            continue
        shares = [v for v in used.values() if isinstance(v, int | float)] if isinstance(used, dict) else []
        if shares and all(math.isfinite(v) for v in shares):
            return Allowance(max(0, 100 - math.ceil(max(shares))), 100)
    return None


def regained(headers: Mapping[str, str]) -> timedelta | None:
    """After how long Meta lets an account in again, by the longest it names; None when it names none."""
    try:
        used = json.loads(headers.get(REGAIN_HEADER, ""))
    except (ValueError, RecursionError):
        return None
    lists = used.values() if isinstance(used, dict) else ()
    told = [use.get(_REGAIN) for uses in lists if isinstance(uses, list) for use in uses if isinstance(use, dict)]
    minutes = [m for m in told if isinstance(m, int | float) and m > 0]
    return _sensible(timedelta(minutes=min(max(minutes), 10**6))) if minutes else None


def _number(headers: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    for name in names:
        try:
            number = float(headers.get(name, "").split(",", 1)[0].split(";", 1)[0])
        except ValueError:
            continue
        if math.isfinite(number) and 0 <= number < 1e12:
            return int(number)
    return None


def come_back_at(headers: Mapping[str, str], now: datetime, body: Any = None) -> datetime:
    """When a rate limit ends, by whichever of the usual headers is there and readable, or else by the JSON ``body``.

    A number is seconds from now, or seconds or milliseconds since 1970 when it is that large; anything else is an
    ISO-8601 or an HTTP date. Absolute times are taken against the answer's own ``Date``, so that a wrong clock on
    either side does no harm. Without a readable header it is 30 s from now; never more than 24 h.
    """
    server_now = read_date(headers.get("date", "")) or now
    for name in RESET_HEADERS:
        value = headers.get(name, "").strip()
        wait = _wait(value, server_now) if value else None
        if wait is not None:
            return now + _sensible(wait)
    draft = dict(_DRAFT.findall(headers.get("ratelimit", "")))
    if (seconds := draft.get("reset", draft.get("t"))) is not None:
        return now + _sensible(timedelta(seconds=min(int(seconds), 10**9)))
    if (told := regained(headers)) is not None:
        return now + told
    said = _wait_in(body)
    return now + (_sensible(said) if said is not None else DEFAULT_WAIT)


def _sensible(wait: timedelta) -> timedelta:
    return min(max(wait, timedelta(seconds=1)), LONGEST_WAIT)


def _wait_in(body: Any) -> timedelta | None:
    """What a body says: Discord's ``retry_after`` and Telegram's, under ``parameters``, in seconds; Matrix's in ms."""
    if not isinstance(body, Mapping):
        return None
    nested = body.get("parameters")
    for place, name, unit in (
        (body, "retry_after", 1.0),
        (nested, "retry_after", 1.0),
        (body, "retry_after_ms", 0.001),
    ):
        value = place.get(name) if isinstance(place, Mapping) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9:
            return timedelta(seconds=value * unit)
    return None


def _wait(value: str, server_now: datetime) -> timedelta | None:
    try:
        number = float(value)
    except ValueError:
        at = read_date(value)
        return at - server_now if at else None
    if not math.isfinite(number) or abs(number) > 1e14:
        return None
    if number > 1e11:
        number /= 1000
    return timedelta(seconds=number - server_now.timestamp() if number > 1e9 else max(number, 0.0))


def read_date(value: str) -> datetime | None:
    """An ISO-8601 or HTTP date in UTC; None when it is neither."""
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = parse(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return None

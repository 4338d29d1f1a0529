"""Clocks that are passed in, so that tests and replays own time.

A clock answers two questions: what time it is in the story being told (``now``), and how long to really wait for a
stretch of that story to pass (``wall_seconds``). For the real clock they are the same thing.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The current time, aware, in UTC."""
        ...

    def wall_seconds(self, span: timedelta) -> float:
        """Seconds to really wait until ``span`` has passed on this clock."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wall_seconds(self, span: timedelta) -> float:
        return max(0.0, span.total_seconds())


class FixedClock:
    """A clock for tests: it stands still until it is moved."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def move(self, span: timedelta) -> None:
        """Move the clock by ``span``."""
        self._at += span

    def wall_seconds(self, span: timedelta) -> float:
        return 0.0


class ScaledClock:
    """Time that runs ``speed`` times faster from ``anchor`` on: a replay's clock.

    ``wall`` is the underlying clock in seconds since the epoch; at ``wall_anchor`` this clock shows ``anchor``.
    """

    def __init__(self, anchor: datetime, wall_anchor: float, speed: float, wall: Callable[[], float]) -> None:
        if speed <= 0:
            raise ValueError(f"a clock's speed must be above 0, not {speed}")
        self._anchor, self._wall_anchor, self._speed, self._wall = anchor, wall_anchor, speed, wall

    def now(self) -> datetime:
        return self._anchor + timedelta(seconds=(self._wall() - self._wall_anchor) * self._speed)

    def wall_seconds(self, span: timedelta) -> float:
        return max(0.0, span.total_seconds() / self._speed)

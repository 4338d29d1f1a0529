"""One replay clock for all processes of an installation, so that a demo's story time is the same everywhere.

``<home>/clock.json`` says which story time (``anchor``) belongs to which real time (``wall_anchor``, seconds since the
epoch) and how fast the story runs (``speed``). While the file is absent the clock is the machine's own. It is looked at
on every reading, so it may appear, change its speed and vanish while processes run.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from config.errors import ConfigError, sentence
from crisis.clock import Clock, ScaledClock, SystemClock

FILE = "clock.json"


class SharedClock:
    """The clock that ``<home>/clock.json`` describes; the machine's clock while there is no such file."""

    def __init__(self, home: Path, wall: Callable[[], float] = time.time) -> None:
        self._file, self._wall = home / FILE, wall
        self._seen: tuple[int, int, int] | None = None
        self._clock: Clock = SystemClock()

    def now(self) -> datetime:
        return self._current().now()

    def wall_seconds(self, span: timedelta) -> float:
        return self._current().wall_seconds(span)

    def _current(self) -> Clock:
        try:
            stat = self._file.stat()
            seen = (stat.st_mtime_ns, stat.st_ino, stat.st_size)
            if seen != self._seen:
                self._clock, self._seen = _read(self._file, self._wall), seen
        except FileNotFoundError:
            self._clock, self._seen = SystemClock(), None
        return self._clock


def _read(file: Path, wall: Callable[[], float]) -> ScaledClock:
    text = file.read_text(encoding="utf-8")
    try:
        data = json.loads(text)
        anchor = datetime.fromisoformat(data["anchor"])
        if anchor.tzinfo is None:
            raise ValueError("anchor has no offset from UTC")
        return ScaledClock(anchor.astimezone(UTC), float(data["wall_anchor"]), float(data["speed"]), wall)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        says = f"is not a replay clock ({error}): delete it, and time is real again"
        raise ConfigError(sentence(file, 1, says)) from None


def write_clock(
    home: Path, anchor: datetime | None = None, speed: float = 1.0, wall: Callable[[], float] = time.time
) -> None:
    """Set the shared clock, at once and for all processes.

    ``anchor`` is what it shows now; without it the clock goes on from its present reading, only at another speed.
    ``speed`` is story seconds per real second, above 0.

    Raises:
        ValueError: a speed of 0 or less, or an anchor without an offset from UTC.
    """
    if not speed > 0:
        raise ValueError(f"a clock's speed must be above 0, not {speed}")
    if anchor is not None and anchor.tzinfo is None:
        raise ValueError("a clock's anchor needs its offset from UTC")
    home.mkdir(parents=True, exist_ok=True)
    frozen = wall()
    shown = anchor or SharedClock(home, lambda: frozen).now()
    document = {"anchor": shown.astimezone(UTC).isoformat(), "wall_anchor": frozen, "speed": speed}
    handle, name = tempfile.mkstemp(dir=home, prefix=".clock-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            json.dump(document, out)
        Path(name).replace(home / FILE)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def remove_clock(home: Path) -> None:
    """Back to the machine's clock; no error when it is already so."""
    (home / FILE).unlink(missing_ok=True)

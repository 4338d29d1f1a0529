"""How well a watch is covered: what each of its sources can be heard of right now, and how that is said in a line.

A watch hears of a storm only through its sources. One that is silent because it is down looks just like calm; so every
source tells its health, and what is missing is said wherever incidents are shown.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from crisis.values import Frozen, UtcDatetime


class SourceState(StrEnum):
    """What a source can be relied on for."""

    OK = "ok"
    """Its posts arrive."""
    DEGRADED = "degraded"
    """They arrive late, or some are missing, or contact was lost a moment ago."""
    DOWN = "down"
    """Nothing arrives until something changes."""


class SourceHealth(Frozen):
    """What a source says of itself."""

    state: SourceState
    since: UtcDatetime
    """Since when that has been so."""
    last_post_at: UtcDatetime | None = None
    """When the newest post that it brought was written."""
    lag_seconds: float | None = Field(default=None, ge=0)
    """How old the latest post was on arrival."""
    in_contact: bool = True
    """Something arrives, if only signs of life."""
    reconnects: int = Field(default=0, ge=0)
    says: str = ""
    """What is wrong, in words and without secrets; empty while all is well."""


class Coverage(Frozen):
    """One source of a watch, and how it is."""

    watch: str
    source: str
    """The name of the source, as configured."""
    health: SourceHealth

    @property
    def says(self) -> str:
        """``reddit silent since 14:02 UTC: Reddit answered 503`` or ``bluesky ok, last post at 14:05:12 UTC``."""
        health = self.health
        if health.state is SourceState.OK:
            last = f", last post at {_clock(health.last_post_at)} UTC" if health.last_post_at else ", no post yet"
            return f"{self.source} ok{last}"
        word = "silent" if health.state is SourceState.DOWN else "degraded"
        return f"{self.source} {word} since {_clock(health.since)} UTC" + (f": {health.says}" if health.says else "")


def lacking(coverages: Iterable[Coverage]) -> list[Coverage]:
    """Those that are not as they should be, the worst first."""
    wrong = [c for c in coverages if c.health.state is not SourceState.OK]
    return sorted(wrong, key=lambda c: (c.health.state is not SourceState.DOWN, c.health.since, c.source))


def coverage_line(coverages: Iterable[Coverage]) -> str:
    """What people are told of one watch's coverage; empty while every source is heard."""
    wrong = lacking(coverages)
    return f"coverage degraded: {'; '.join(c.says for c in wrong)}" if wrong else ""


def _clock(moment: datetime | None) -> str:
    return f"{moment:%d %b %H:%M}" if moment else "never"

"""The freeze: marketing that was scheduled before a crisis does not go out in the middle of it.

What is frozen is kept whole, so that it can be put back exactly as it was: at its own time, with its own words. What
came due while it was frozen is never published late; what could not be frozen is a human's to stop.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import Field

from crisis.values import Frozen, UtcDatetime


class ScheduledPost(Frozen):
    """One post that is going to go out by itself."""

    id: str
    """The scheduler's own."""
    at: UtcDatetime | None
    """When it goes out; None where that cannot be told."""
    text: str
    where: str
    """Network and account, as people call it: ``instagram Acme``."""
    url: str = ""
    original: dict[str, Any] = Field(default_factory=dict)
    """Whatever else the scheduler needs to put it back as it was."""


class FreezeState(StrEnum):
    """How far the freeze of one post has come."""

    FREEZING = "freezing"
    """Stored whole, and about to be paused (or being paused, or nobody knows whether it was)."""
    FROZEN = "frozen"
    NOT_FROZEN = "not frozen"
    """It goes out unless a human stops it."""
    RESTORING = "restoring"
    RESTORED = "restored"
    NOT_RESTORED = "not restored"
    """A human decides what becomes of it."""
    MISSED = "missed"
    """Its time passed while it was frozen: it is not published late."""


UNFINISHED = frozenset({FreezeState.FREEZING, FreezeState.RESTORING})
FOR_A_HUMAN = frozenset({FreezeState.NOT_FROZEN, FreezeState.NOT_RESTORED, FreezeState.MISSED})
_NEXT = {
    FreezeState.FREEZING: set(FreezeState) - {FreezeState.NOT_RESTORED},
    FreezeState.FROZEN: set(FreezeState) - {FreezeState.NOT_RESTORED},
    FreezeState.NOT_FROZEN: {FreezeState.FREEZING, FreezeState.NOT_RESTORED, FreezeState.RESTORED},
    FreezeState.RESTORING: {FreezeState.RESTORED, FreezeState.NOT_RESTORED, FreezeState.MISSED},
    FreezeState.RESTORED: {FreezeState.FREEZING, FreezeState.NOT_RESTORED},
    FreezeState.NOT_RESTORED: {FreezeState.FREEZING, FreezeState.RESTORING, FreezeState.MISSED},
    FreezeState.MISSED: {FreezeState.FREEZING},
}


class FrozenPost(Frozen):
    """One scheduled post of one scheduler under the freeze of an incident."""

    incident: str
    scheduler: str
    """Its configured name."""
    post: ScheduledPost
    """As it was before anything was done to it. Without an id: the scheduler itself, whose posts are yet to be read."""
    state: FreezeState
    problem: str = ""
    """Why it could not be frozen or restored, or what is being waited for."""
    put_off: tuple[UtcDatetime, ...] = ()
    """Where a scheduler knows no drafts: the times to which the post was put off, each stored before it was set."""
    attempts: int = 0
    """Calls of the present state that told nothing."""
    again_at: UtcDatetime | None = None
    """Real time before which it is not tried again."""
    changed_at: UtcDatetime

    @property
    def key(self) -> tuple[str, str, str]:
        return self.incident, self.scheduler, self.post.id

    @property
    def whole(self) -> bool:
        """It stands for the scheduler itself, not for one post."""
        return not self.post.id

    def overdue(self, now: datetime) -> bool:
        """Its time has come."""
        return self.post.at is not None and self.post.at <= now

    def may_become(self, state: FreezeState) -> bool:
        """Whether that state can follow."""
        return state is self.state or state in _NEXT[self.state]


def same_time(there: ScheduledPost | None, post: ScheduledPost) -> bool:
    """Whether a post stands scheduled at its time; some schedulers know minutes only."""
    if there is None or there.at is None or post.at is None:
        return False
    return abs(there.at - post.at) < timedelta(minutes=1)


def soonest_first(posts: Iterable[FrozenPost]) -> list[FrozenPost]:
    """In the order in which they would go out; the schedulers themselves first, what has no time last."""
    return sorted(posts, key=lambda p: (not p.whole, p.post.at is None, p.post.at or p.changed_at, p.key))


def shown(posts: Sequence[FrozenPost]) -> list[FrozenPost]:
    """What people need to see: every post, and schedulers only while their posts could not be read."""
    unread = {FreezeState.FREEZING, FreezeState.NOT_FROZEN}
    return soonest_first(p for p in posts if not p.whole or p.state in unread)


def in_words(posts: Sequence[FrozenPost]) -> str:
    """``3 frozen, 1 not frozen``; empty when there is nothing to say."""
    seen = [p.state for p in shown(posts)]
    return ", ".join(f"{seen.count(state)} {state}" for state in FreezeState if state in seen)

"""What a watch's query would have matched in recorded posts, and when it would have raised the alarm.

Bounded: whoever asks says when to stop, and what was found by then is what is told, with how far it got. The alarms are
those of ``crisis.replay``, so of the live service.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from crisis.matching import Matcher
from crisis.media import Newsrooms
from crisis.playbook import Playbook
from crisis.query import Query
from crisis.replay import Replay
from crisis.sensitivity import USUAL, Sensitivity
from crisis.triage import Signal
from crisis.values import CrisisType
from crisis.watch import Mention, Watch

SAMPLE = 12
"""Matched posts that are shown."""
LOOK_UP = 500
"""Posts that are matched between two looks at whether to stop."""
TICKS = 20
"""Ticks that are judged between two."""


class Alarm(NamedTuple):
    """An incident that would have opened."""

    at: datetime
    severity: str
    type: str
    waits: bool
    """As a candidate, for a person to confirm it."""
    says: tuple[str, ...]
    """The factors in words. They may quote nothing of the posts."""


class Matched(NamedTuple):
    """What a query finds."""

    looked_at: int
    """Posts that were held against the query."""
    of: int
    """Posts there are."""
    posts: tuple[Mention, ...]
    """Those that match, in order of time."""

    @property
    def share(self) -> float:
        """Of the posts looked at, how many match."""
        return len(self.posts) / self.looked_at if self.looked_at else 0.0

    @property
    def sample(self) -> tuple[Mention, ...]:
        """Some of them, spread over their time."""
        last = len(self.posts) - 1
        if last < SAMPLE:
            return self.posts
        return tuple(self.posts[round(n * last / (SAMPLE - 1))] for n in range(SAMPLE))


class Alarms(NamedTuple):
    """When a watch would have raised the alarm."""

    signals: tuple[Signal, ...]
    opened: tuple[Alarm, ...]
    attention: int
    """Ticks at which volume was raised without negativity: noted, no incident."""
    until: datetime | None
    """They are known up to here; None when every post was judged."""


def matched(query: Query, posts: Sequence[Mention], *, stop: Callable[[], bool] = lambda: False) -> Matched:
    """Hold ``posts``, in order of time, against ``query``."""
    matcher, found, looked_at = Matcher({"preview": query}), list[Mention](), 0
    for post in posts:
        if looked_at % LOOK_UP == 0 and stop():
            break
        looked_at += 1
        if matcher.matches(post):
            found.append(post)
    return Matched(looked_at, len(posts), tuple(found))


def alarms(
    found: Sequence[Mention],
    watch: Watch,
    *,
    begin: datetime | None = None,
    playbooks: Mapping[CrisisType, Playbook] | None = None,
    newsrooms: Newsrooms | None = None,
    sensitivity: Sensitivity = USUAL,
    stop: Callable[[], bool] = lambda: False,
) -> Alarms:
    """Feed the posts that match to the watch; ``begin``: when it began to listen."""
    run = Replay(watch, playbooks=playbooks, newsrooms=newsrooms, sensitivity=sensitivity)
    signals, attention, until = list[Signal](), 0, None
    for signal in run.run(found, begin):
        signals.append(signal)
        attention += signal.alert == "attention"
        if len(signals) % TICKS == 0 and stop():
            until = signal.at
            break
    opened = tuple(
        Alarm(
            at=episode.opened_at,
            severity=episode.first.severity.value,
            type=episode.first.type.value,
            waits=episode.incident.state.value == "candidate",
            says=tuple(factor.says for factor in episode.first.factors[:3]),
        )
        for episode in run.episodes
    )
    return Alarms(tuple(signals), opened, attention, until)

"""A watch over recorded posts, in event time: the live service's triage with the same ticks and looks, in memory.

So it shows what would have been known and when; what holds at a moment of the recording depends on nothing that comes
later. ``fireline replay`` and the desk's preview of a query run on it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from crisis.episode_triage import EpisodeTriage
from crisis.media import NOBODY, Newsrooms
from crisis.playbook import Playbook
from crisis.reading import AT_ONCE
from crisis.replay_incidents import Episode, Incidents
from crisis.sensitivity import USUAL, Sensitivity
from crisis.triage import Signal
from crisis.understanding import Understood
from crisis.values import CrisisType
from crisis.watch import Mention, Watch

TICK = timedelta(seconds=10)
"""Event time between two ticks, as of the live service unless its settings say otherwise."""
_QUARTER, _SLICE = timedelta(minutes=15), timedelta(seconds=10)
"""The detector closes a quarter of an hour with the tick that reaches its last slice."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Replay:
    """Posts of one watch through its triage; ``episodes`` grows as incidents open."""

    def __init__(
        self,
        watch: Watch,
        *,
        playbooks: Mapping[CrisisType, Playbook] | None = None,
        newsrooms: Newsrooms | None = None,
        tick: timedelta = TICK,
        opened: Callable[[Episode], None] = lambda episode: None,
        sensitivity: Sensitivity = USUAL,
    ) -> None:
        self.watch, self._every = watch, tick
        self.triage = EpisodeTriage(watch, playbooks=playbooks, newsrooms=newsrooms or NOBODY, sensitivity=sensitivity)
        self._incidents = Incidents(watch, playbooks or {}, sensitivity)
        self._opened = opened

    @property
    def episodes(self) -> list[Episode]:
        return self._incidents.episodes

    def run(self, posts: Sequence[Mention], begin: datetime | None = None) -> Iterator[Signal]:
        """Feed all posts, in event time, and tick between them as the live service does; yields every signal.

        Between episodes, ticks at which nobody has posted and no quarter of an hour ends are left out: they change nothing.
        ``begin``: when listening began;
        the first post, if not told.
        """
        if not posts:
            return
        at = (posts[0].created_at if begin is None else begin) + self._every
        for post in self._understood(posts):
            due = post.mention.created_at
            while at <= due:
                yield self._tick(at)
                at += self._every
                if not self.triage.under_way:
                    at = _next_telling(at, due, self._every)
            self.triage.feed(post)
        yield self._tick(at)

    def _understood(self, posts: Sequence[Mention]) -> Iterator[Understood]:
        for start in range(0, len(posts), AT_ONCE):
            yield from self.triage.understand(posts[start : start + AT_ONCE])

    def _tick(self, at: datetime) -> Signal:
        was_under_way = self.triage.under_way
        signal = self.triage.tick(at)
        if was_under_way and not self.triage.under_way:
            self._incidents.close(signal.at)
        if self.triage.due(signal):
            look = self.triage.look(signal, self._incidents.live)
            new = self._incidents.take(look)
            self.triage.follow(self._incidents.live)
            if new is not None:
                self._opened(new)
        return signal


def _next_telling(at: datetime, due: datetime, every: timedelta) -> datetime:
    """The tick from ``at`` on that has something to count: the last one before ``due``, or one that ends a quarter."""
    quarter_ends = -((_EPOCH - at + every - _SLICE) // _QUARTER) * _QUARTER - _SLICE + _EPOCH
    ticks = min((quarter_ends - at) // every + 1, (due - at) // every)
    return at + max(0, ticks) * every

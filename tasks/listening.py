"""The sources of one watch as one stream of arrivals, for one detector: so that what is said on several networks adds up.

Each source is read by a task of its own, a little ahead, and matched there, so that posts that are not about the watch
cost no more than a look. While a source is still behind (a recording, or a live one that catches up after a stop),
arrivals are merged in the order in which they were written and the others wait for it, so that the detector sees the
past as it was; once all are at the present, arrivals come as they come. A source that fails is opened again, with
credentials read anew, and holds up nobody.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

import config
from crisis.coverage import Coverage, SourceHealth
from crisis.watch import Mention
from integrations import Source
from tasks.installation import Installation
from tasks.sharing import PATIENCE, PRESENT, SharedSource, is_shared
from tasks.sources import Reopened, is_live, open_source

AHEAD = 500
"""Arrivals that a source is read ahead of the detector."""
STEP = 0.25
"""Real seconds between two looks at the clock while a recording waits for its next post's time."""


@dataclass(slots=True)
class Arrival:
    """A post of one source; or, without a mention, that posts which do not match came up to ``moment``."""

    source: str
    cursor: str
    """Resumes the source behind it."""
    moment: datetime
    mention: Mention | None
    live: bool


class Feed:
    """One source of a watch, read in the background."""

    def __init__(
        self,
        here: Installation,
        chosen: config.SourceSettings,
        cursor: str | None,
        wanted: Callable[[Mention], bool],
        *,
        watch: str = "",
        only: Callable[[bytes], bool] | None = None,
    ) -> None:
        """``watch``: whom it is read for; ``only``: what may be wanted, as in ``LiveSource.only``."""
        self.name, self.live = chosen.name, is_live(chosen.kind)
        self.arrivals: deque[Arrival] = deque()
        self.ended = False
        self.posts = 0
        self._last_post: datetime | None = None
        self.changed = asyncio.Event()
        """Set whenever something happens; the reader of all feeds shares one."""
        self._here, self._wanted, self._chosen, self._watch = here, wanted, chosen, watch
        self._opened = Reopened(self.name, self._open, cursor, on_failure=self._stir)
        self._opened.only = only
        self._room = asyncio.Event()
        self._caught_up = False
        self._stirred_at = asyncio.get_running_loop().time()

    def _stir(self) -> None:
        self.changed.set()

    async def _open(self) -> Source:
        if await is_shared(self._here, self._chosen, self._watch):
            return SharedSource(self._here, self._chosen, self._watch, lambda: open_source(self._here, self.name))
        return await open_source(self._here, self.name)

    @property
    def health(self) -> SourceHealth:
        health = self._opened.health
        if health.last_post_at is not None or self._last_post is None:
            return health
        return health.model_copy(update={"last_post_at": self._last_post})

    @property
    def behind(self) -> bool:
        """Whether others should wait for what this one has to say about the past."""
        source = self._opened.source
        if self.ended or self._opened.failed:
            return False
        if not self.live or (isinstance(source, SharedSource) and source.behind):
            return True
        if asyncio.get_running_loop().time() - self._stirred_at >= PATIENCE:
            self._caught_up = True
        return not self._caught_up

    def take(self) -> Arrival:
        """The oldest arrival."""
        self._room.set()
        return self.arrivals.popleft()

    async def run(self) -> None:
        """Read the source until it ends; whatever goes wrong is told by ``health`` and tried again."""
        async with aclosing(self._opened.posts()) as posts:
            async for mention in posts:
                await self._put(self._opened.cursor or "", mention)
        self.ended = True
        self.changed.set()

    async def _put(self, cursor: str, mention: Mention) -> None:
        now = self._here.clock.now()
        moment = min(mention.created_at, now) if self.live else mention.created_at
        self.posts += 1
        self._last_post = max(self._last_post or mention.created_at, mention.created_at)
        self._stirred_at = asyncio.get_running_loop().time()
        if self.live and moment >= now - PRESENT:
            self._caught_up = True
        wanted = self._wanted(mention)
        last = self.arrivals[-1] if self.arrivals else None
        if not wanted and last is not None and last.mention is None and max(moment, last.moment) <= now:
            last.cursor, last.moment = cursor, max(last.moment, moment)
            return
        while len(self.arrivals) >= AHEAD:
            self._room.clear()
            await self._room.wait()
        self.arrivals.append(Arrival(self.name, cursor, moment, mention if wanted else None, self.live))
        self.changed.set()


def coverage_of(watch: str, feeds: list[Feed]) -> list[Coverage]:
    """How each source is that has not ended."""
    return [Coverage(watch=watch, source=feed.name, health=feed.health) for feed in feeds if not feed.ended]


async def arrivals_of(here: Installation, feeds: list[Feed], silence: float) -> AsyncGenerator[Arrival | None, None]:
    """What the feeds bring, in the right order; None when nothing came for a while and time passes.

    Ends when every feed has ended. Reads them in the background until then, or until it is closed.

    Args:
        silence: real seconds without an arrival after which the present counts as silent.
    """
    changed = asyncio.Event()
    for feed in feeds:
        feed.changed = changed
    reading = [asyncio.create_task(feed.run()) for feed in feeds]
    try:
        while True:
            changed.clear()
            waited_for = [feed for feed in feeds if not feed.arrivals and feed.behind]
            full = [feed for feed in feeds if feed.arrivals]
            now = here.clock.now()
            due = [feed for feed in full if feed.live or feed.arrivals[0].moment <= now]
            if due and not waited_for:
                yield min(due, key=lambda feed: feed.arrivals[0].moment).take()
                continue
            if not full and all(feed.ended for feed in feeds):
                return
            ahead = [feed.arrivals[0].moment - now for feed in full if feed not in due]
            step = min([silence, *(min(STEP, here.clock.wall_seconds(span)) for span in ahead)])
            try:
                async with asyncio.timeout(step):
                    await changed.wait()
            except TimeoutError:
                passing = bool(ahead) or any(feed.live for feed in feeds)
                if passing and not waited_for:
                    yield None
    finally:
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

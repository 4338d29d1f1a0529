"""A source that feeds several watches, read once for all of them.

Of the processes that listen for its watches, one holds the source under a lease: it alone connects, matches each post
against all of them in one scan, and stores what it finds for every watch together with the cursor behind it. Each watch
reads its own mentions from records. When the holder ends, or is killed and its lease runs out, another goes on from the
stored cursor: at least once, and kept once. A process that does not hold a source any more can store nothing for it.
"""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import config
from crisis.coverage import SourceHealth
from crisis.matching import Matcher
from crisis.query import parse
from crisis.values import Frozen, UtcDatetime
from crisis.watch import Mention, Watch
from integrations import Health, Source
from integrations.listening import Pulse
from records import Holding, Transaction
from tasks.installation import Installation
from tasks.kinds import INBOX
from tasks.sources import NoSettings, Reopened, cursor_key, is_live

LEASE = timedelta(seconds=30)
"""Real time after which a holder that says nothing holds no more."""
RENEW = 5.0
"""Real seconds between two renewals when nothing was found."""
STORE_EVERY = 0.5
"""Real seconds between two looks at what there is to store."""
LOOK_EVERY = 0.25
"""Real seconds between two looks at what is on record for a watch."""
CLAIM_EVERY = 2.0
"""Real seconds between two attempts to hold a source that another holds."""
MOST_UNSTORED = 2_000
"""Mentions that a source is read ahead of the record."""
KEPT = timedelta(days=1)
"""Mentions that a watch has taken are remembered so long: what is read again meanwhile is known."""
PATIENCE = 5.0
"""Real seconds without a post after which a source counts as caught up."""
PRESENT = timedelta(seconds=90)
"""A source whose posts are no older has caught up."""
_BATCH = 500
_PREFIX = "shared:"
_STARTED = datetime.now(UTC)
"""When this process read its configuration, near enough."""


class _Told(Frozen):
    """What the holder tells the watches."""

    health: SourceHealth
    caught_up: bool
    asks: dict[str, str]
    """What is looked for, by watch."""
    configured_at: UtcDatetime


def _asks(watch: Watch) -> str:
    return json.dumps([watch.query, *watch.languages])


def watches_of(here: Installation, chosen: config.SourceSettings) -> list[Watch]:
    """The watches that a source feeds."""
    return [watch for watch in here.settings.watches if not chosen.watch or watch.name in chosen.watch]


async def is_shared(here: Installation, chosen: config.SourceSettings, watch: str) -> bool:
    """Whether the watch hears the source by records: it feeds others too, or did, so that the cursor stands there."""
    feeds = [w.name for w in watches_of(here, chosen)]
    if not is_live(chosen.kind) or chosen.kind == INBOX or watch not in feeds:
        return False
    if len(feeds) > 1:
        return True
    async with here.store.reading() as tx:
        return await tx.shared.get(cursor_key(chosen)) is not None


class SharedSource:
    """A ``Source`` for one watch, over a source that feeds several."""

    kind: ClassVar[str] = "shared"
    live: ClassVar[bool] = True
    settings_model: ClassVar[type[Any]] = NoSettings

    def __init__(
        self, here: Installation, chosen: config.SourceSettings, watch: str, opened: Callable[[], Awaitable[Source]]
    ) -> None:
        """``opened`` connects to the source itself."""
        self._here, self._chosen, self._watch, self._opened = here, chosen, watch, opened
        self._key, self._me = cursor_key(chosen), uuid.uuid4().hex
        self._asks = {w.name: _asks(w) for w in watches_of(here, chosen)}
        self._configured_at = _STARTED
        self._holder: _Holder | None = None
        self._holding: Holding | None = None
        self._pulse = Pulse(stream=False)
        self._more = False
        self._stored = asyncio.Event()

    @property
    def _told(self) -> _Told | None:
        """What the present holder says."""
        if self._holder is not None:
            return self._holder.told
        holding = self._holding
        if holding is None or not holding.holder or holding.until <= datetime.now(UTC):
            return None
        return _Told.model_validate_json(holding.state)

    @property
    def health(self) -> SourceHealth:
        told = self._told
        return told.health if told is not None else self._pulse.health

    @property
    def behind(self) -> bool:
        """Whether it still brings the past."""
        told = self._told
        return self._more or (told is not None and not told.caught_up)

    async def listen(self, cursor: str | None = None) -> AsyncIterator[tuple[str, Mention]]:
        """The watch's mentions after ``cursor``, without end; holds the source whenever nobody else does.

        Raises:
            whatever the database raises.
        """
        seq = int(cursor.removeprefix(_PREFIX)) if cursor and cursor.startswith(_PREFIX) else 0
        holding = asyncio.create_task(self._hold())
        try:
            while True:
                self._stored.clear()
                async with self._here.store.reading() as tx:
                    self._holding = await tx.shared.get(self._key)
                    found = await tx.shared.after(self._key, self._watch, seq, _BATCH)
                self._more = len(found) == _BATCH
                for seq, mention in found:
                    yield f"{_PREFIX}{seq}", mention
                if holding.done():
                    holding.result()
                if not self._more:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(LOOK_EVERY):
                            await self._stored.wait()
        finally:
            holding.cancel()
            await asyncio.gather(holding, return_exceptions=True)

    async def check(self) -> Health:
        return Health(ok=True, says="is read once for all its watches")

    async def close(self) -> None:
        """Nothing is held open."""

    async def _hold(self) -> None:
        while True:
            if (cursor := await self._claim()) is not None:
                watches = watches_of(self._here, self._chosen)
                self._holder = _Holder(self, watches, Reopened(self._chosen.name, self._opened, cursor or None))
                try:
                    await self._holder.run()
                finally:
                    self._holder = None
            await asyncio.sleep(CLAIM_EVERY)

    async def _claim(self) -> str | None:
        """Hold the source if nobody does, or on behalf of a watch that its holder knows nothing of.

        Returns: the cursor to go on from; None: another holds it.
        """
        now = datetime.now(UTC)
        async with self._here.store.transaction() as tx:
            there = await tx.shared.get(self._key)
            if there is not None and there.holder and there.until > now:
                told = _Told.model_validate_json(there.state)
                known = told.asks.get(self._watch) == self._asks[self._watch]
                if known or told.configured_at >= self._configured_at:
                    return None
            cursor = there.cursor if there is not None else await self._cursor_before(tx)
            told = self.tells(Pulse(stream=False).health, caught_up=False)
            mine = Holding(holder=self._me, until=now + LEASE, cursor=cursor, state=told.model_dump_json())
            await tx.shared.put(self._key, mine)
            await self._forget(tx)
        return cursor

    def tells(self, health: SourceHealth, *, caught_up: bool) -> _Told:
        """What a holder tells all watches."""
        return _Told(health=health, caught_up=caught_up, asks=self._asks, configured_at=self._configured_at)

    async def _cursor_before(self, tx: Transaction) -> str:
        """Where the source stopped while each watch still read it for itself; of several, the one furthest back."""
        found = [cursor for cursor in await self._cursors(tx) if cursor and not cursor.startswith(_PREFIX)]
        if all(cursor.isascii() and cursor.isdigit() for cursor in found):
            found.sort(key=int)
        return found[0] if found else ""

    async def _cursors(self, tx: Transaction) -> list[str]:
        """Each watch's cursor as it has it on record, in their order; empty where there is none."""
        saved = [await tx.watches.progress(watch) for watch in self._asks]
        return [json.loads(progress[0]).get(self._key, "") if progress else "" for progress in saved]

    async def _forget(self, tx: Transaction) -> None:
        before = datetime.now(UTC) - KEPT
        for watch, cursor in zip(self._asks, await self._cursors(tx), strict=True):
            if cursor.startswith(_PREFIX):
                await tx.shared.forget(self._key, watch, int(cursor.removeprefix(_PREFIX)), before)

    async def store(self, found: list[tuple[str, Mention]], told: _Told, cursor: str, *, release: bool = False) -> bool:
        """Put mentions of all watches on record, and the cursor behind them; False when another holds the source."""
        async with self._here.store.transaction() as tx:
            there = await tx.shared.get(self._key)
            if there is None or there.holder != self._me:
                return False
            await tx.shared.take(self._key, found)
            until = datetime.now(UTC) + LEASE
            holder = "" if release else self._me
            mine = Holding(holder=holder, until=until, cursor=cursor, state=told.model_dump_json())
            await tx.shared.put(self._key, mine)
            if release:
                await self._forget(tx)
        self._stored.set()
        return True


class _Holder:
    """Reads the source for all its watches for as long as it is held."""

    def __init__(self, share: SharedSource, watches: list[Watch], source: Reopened) -> None:
        self._share, self._source = share, source
        self._languages = {watch.name: frozenset(watch.languages) for watch in watches}
        self._matcher = Matcher({watch.name: parse(watch.query) for watch in watches}, text_key="text")
        self._found: list[tuple[str, Mention]] = []
        self._room = asyncio.Event()
        self._stirred_at = asyncio.get_running_loop().time()
        self._caught_up = False

    @property
    def told(self) -> _Told:
        health = self._source.health
        idle = asyncio.get_running_loop().time() - self._stirred_at
        # Nobody waits for a source that is cut off.
        self._caught_up |= idle >= PATIENCE or (self._source.failed and not health.in_contact)
        return self._share.tells(health, caught_up=self._caught_up)

    async def run(self) -> None:
        """Read and store until another holds the source."""
        reading = asyncio.create_task(self._read())
        told, renewed_at = self.told, 0.0
        try:
            while not reading.done():
                await asyncio.wait([reading], timeout=STORE_EVERY)
                now = asyncio.get_running_loop().time()
                if not (self._found or self.told != told or now - renewed_at >= RENEW):
                    continue
                told, renewed_at = self.told, now
                if not await self._store():
                    return
            reading.result()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            with suppress(Exception):  # the lease ends by itself, and what was not stored is read again
                await self._store(release=True)

    async def _read(self) -> None:
        self._source.only = self._matcher.may_match
        async with aclosing(self._source.posts()) as posts:
            async for mention in posts:
                self._found += [(watch, mention) for watch in self._wanted(mention)]
                self._stirred_at = asyncio.get_running_loop().time()
                self._caught_up |= mention.created_at >= datetime.now(UTC) - PRESENT
                while len(self._found) >= MOST_UNSTORED:
                    self._room.clear()
                    await self._room.wait()

    def _wanted(self, mention: Mention) -> list[str]:
        """The watches that a post is for."""
        found = self._matcher.matches(mention)
        if not (found and mention.language):
            return found
        return [w for w in found if not self._languages[w] or mention.language in self._languages[w]]

    async def _store(self, *, release: bool = False) -> bool:
        found, self._found = self._found, []
        cursor = self._source.cursor or ""
        try:
            kept = await self._share.store(found, self.told, cursor, release=release)
        except BaseException:
            self._found = found + self._found
            raise
        self._room.set()
        return kept

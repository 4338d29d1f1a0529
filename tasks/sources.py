"""Opening a configured source: an integration, or the inbox of posts that came in by the signed webhook; and opening it
again when it fails."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, ClassVar

import config
import integrations
from crisis.coverage import SourceHealth, SourceState
from crisis.values import Frozen
from crisis.watch import Mention
from integrations import Health, Source
from integrations.listening import LiveSource, Pulse
from tasks.budgets import SharedBudget
from tasks.connections import account_of, connected
from tasks.installation import Installation
from tasks.kinds import INBOX

logger = logging.getLogger(__name__)

REOPEN = 60.0
"""Real seconds before a source whose settings or credentials are wrong is opened again: they may have been mended."""
_POLL_SECONDS = 0.25
_BATCH = 500


class NoSettings(Frozen):
    """The inbox needs none."""


class Inbox:
    """Posts that arrived by webhook, as a source: kept in records, resumed from a cursor."""

    kind: ClassVar[str] = INBOX
    live: ClassVar[bool] = True
    settings_model: ClassVar[type[Any]] = NoSettings

    def __init__(self, here: Installation) -> None:
        self._here = here
        self._since = here.clock.now()

    @property
    def health(self) -> SourceHealth:
        """Always there: it is this installation's own records."""
        return SourceHealth(state=SourceState.OK, since=self._since)

    async def listen(self, cursor: str | None = None) -> AsyncIterator[tuple[str, Mention]]:
        """Posts after ``cursor``, and then whatever comes, without end."""
        seen = int(cursor or 0)
        while True:
            async with self._here.store.reading() as tx:
                batch = await tx.inbox.after(seen, _BATCH)
            for seen, mention in batch:
                yield str(seen), mention
            if len(batch) < _BATCH:
                await asyncio.sleep(_POLL_SECONDS)

    async def check(self) -> Health:
        return Health(ok=True, says="reads what the desk's /ingest takes in")

    async def close(self) -> None:
        return None


async def open_source(here: Installation, name: str) -> Source:
    """The configured source of that name, connected.

    Raises:
        config.ConfigError: no such source.
        integrations.Misconfigured: its settings or credentials do not fit.
    """
    chosen = next((s for s in here.settings.sources if s.name == name), None)
    if chosen is None:
        known = ", ".join(s.name for s in here.settings.sources) or "none"
        raise config.ConfigError(f"there is no source {name!r}; there are: {known}")
    if chosen.kind == INBOX:
        return Inbox(here)
    budget = SharedBudget(here.store, account_of(chosen.kind, chosen.name))
    source: Source = await connected(chosen.kind, chosen.name, chosen.settings, budget)
    if not hasattr(source, "listen"):
        raise integrations.Misconfigured(f"{chosen.kind} is a channel, not a source: {name} cannot be listened to")
    return source


class Reopened:
    """One source, opened again whenever it fails, with credentials read anew."""

    def __init__(
        self,
        name: str,
        opened: Callable[[], Awaitable[Source]],
        cursor: str | None,
        *,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self.cursor = cursor
        """Resumes the source behind the last post that was given out."""
        self.only: Callable[[bytes], bool] | None = None
        """As ``LiveSource.only``."""
        self.source: Source | None = None
        self.failed = False
        """It could not be opened, or broke, and is not open now."""
        self._name, self._opened, self._on_failure = name, opened, on_failure
        self._pulse = Pulse(stream=False)

    @property
    def health(self) -> SourceHealth:
        return self.source.health if self.source is not None else self._pulse.health

    async def posts(self) -> AsyncGenerator[Mention, None]:
        """Its posts until it ends; whatever goes wrong is told by ``health`` and tried again."""
        while True:
            try:
                self.source = await self._opened()
                self.failed = False
                if isinstance(self.source, LiveSource):
                    self.source.only = self.only
                async for cursor, mention in self.source.listen(self.cursor):
                    self.cursor = cursor
                    yield mention
                return  # a recording; live ones go on
            except (integrations.IntegrationError, config.ConfigError) as error:
                hopeless = isinstance(error, integrations.Misconfigured | config.ConfigError)
                self._pulse.lost(str(error), hopeless=hopeless)
                logger.warning("source %s: %s", self._name, error)
            except Exception as error:
                self._pulse.lost(f"it stopped in a way it should not ({type(error).__name__}): please report this")
                logger.exception("source %s stopped", self._name)
            finally:
                source, self.source, self.failed = self.source, None, True
                if source is not None:
                    with suppress(Exception):
                        await source.close()
                self._on_failure()
            await asyncio.sleep(REOPEN)


def cursor_key(source: config.SourceSettings) -> str:
    """Under which its cursor is kept: a source whose kind was changed has another, the old one would mean nothing."""
    return f"{source.kind}:{source.name}"


def is_live(kind: str) -> bool:
    """Whether posts of that kind of source are of the present; unknown kinds, which opening refuses, count as live."""
    if kind == INBOX:
        return True
    try:
        return bool(getattr(integrations.integration(kind), "live", True))
    except integrations.Misconfigured:
        return True


def sources_of(here: Installation, watch: str) -> list[config.SourceSettings]:
    """The sources that feed a watch."""
    return [source for source in here.settings.sources if not source.watch or watch in source.watch]

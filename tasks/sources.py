"""Opening a configured source: an integration, or the inbox of posts that came in by the signed webhook."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import config
import integrations
from crisis.coverage import SourceHealth, SourceState
from crisis.values import Frozen
from crisis.watch import Mention
from integrations import Health, Source
from tasks import credentials
from tasks.installation import Installation
from tasks.kinds import INBOX

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
    secrets = await credentials.secrets_for(chosen.name, chosen.kind)
    source: Source = integrations.connect(chosen.kind, **{**chosen.settings, **secrets})
    if not hasattr(source, "listen"):
        raise integrations.Misconfigured(f"{chosen.kind} is a channel, not a source: {name} cannot be listened to")
    return source


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

"""One running installation: its settings, its records, its clock and its connections, opened and closed together."""

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import config
import integrations
from config.runtime import make_home
from crisis.clock import Clock
from crisis.playbook import Playbook
from crisis.stakeholder import Stakeholder
from crisis.values import CrisisType
from integrations.protocols import Archive, Notifier, Publisher, Scheduler, Writer
from records import Store, open_store
from tasks.budgets import SharedBudget
from tasks.connections import account_of, connected
from tasks.kinds import refuse_unknown_kinds


class Installation:
    """What every stage needs at hand. Connections are made when first used.

    ``flow_run_id`` is the Prefect run on whose behalf the stages act, and ``via`` the route by which this process acts
    (``flow``, ``cli``, ``desk``); records name both.
    """

    def __init__(
        self,
        settings: config.Settings,
        store: Store,
        *,
        flow_run_id: str = "",
        via: str = "flow",
    ) -> None:
        self.settings = settings
        self.store = store
        self.playbooks: dict[CrisisType, Playbook] = config.playbooks(settings)
        self.templates = config.templates(settings)
        self.newsrooms = config.newsrooms(settings.home)
        self.flow_run_id = flow_run_id
        self.via = via
        self._connections: dict[str, Any] = {}

    @property
    def clock(self) -> Clock:
        return self.store.clock

    @property
    def keys(self) -> Path:
        """Folder of this installation's keys, readable by its owner only."""
        return self.settings.home / "keys"

    def marked(self, line: str) -> str:
        """A title or subject as it may leave this installation: in a drill it says so first."""
        return f"DRILL: {line}" if self.settings.drill else line

    def seen_by(self, person: Stakeholder | None) -> "Installation":
        """The same installation as ``person`` may see it (``Store.seen_by``), over the same connections."""
        view = copy.copy(self)
        view.store = self.store.seen_by(person)
        return view

    def playbook(self, crisis_type: CrisisType) -> Playbook:
        return self.playbooks[crisis_type]

    async def channel(self, name: str) -> Publisher:
        """The connected channel of that name.

        Raises:
            config.ConfigError: no such channel.
            integrations.Misconfigured: its settings or credentials do not fit.
        """
        chosen = self.settings.channel(name)
        publisher: Publisher = await self._connect(f"channel:{name}", chosen)
        return publisher

    async def notifier(self, name: str) -> Notifier:
        """The connected notifier of that name; raises like ``channel``."""
        chosen = self.settings.notifier(name)
        notifier: Notifier = await self._connect(f"notifier:{name}", chosen)
        return notifier

    async def archive(self, name: str) -> Archive:
        """The connected archive of that name; raises like ``channel``."""
        chosen = self.settings.archive(name)
        archive: Archive = await self._connect(f"archive:{name}", chosen)
        return archive

    async def writer(self, name: str) -> Writer:
        """The connected writer of that name; raises like ``channel``."""
        chosen = self.settings.writer(name)
        writer: Writer = await self._connect(f"writer:{name}", chosen)
        return writer

    async def scheduler(self, name: str) -> Scheduler:
        """The connected scheduler of that name; raises like ``channel``."""
        chosen = self.settings.scheduler(name)
        scheduler: Scheduler = await self._connect(f"scheduler:{name}", chosen)
        return scheduler

    async def _connect(self, key: str, chosen: config.ChannelSettings | config.NotifierSettings) -> Any:
        drill = self.settings.drill
        if drill and chosen.kind != "sandbox" and not (drill.reaches_people and key.startswith("notifier:")):
            # The settings make this impossible already; a drill that reaches the public is worth a second wall.
            raise integrations.Misconfigured(f"this is a drill: {chosen.name} ({chosen.kind}) is not connected to")
        if key not in self._connections:
            budget = SharedBudget(self.store.whole, account_of(chosen.kind, chosen.credentials_name))
            self._connections[key] = await connected(chosen.kind, chosen.credentials_name, chosen.settings, budget)
        return self._connections[key]

    async def warm(self) -> None:
        """Connect every channel and notifier now, so that the last decision waits for no credentials."""
        for channel in self.settings.channels:
            with suppress(integrations.IntegrationError):
                await self.channel(channel.name)
        for notifier in self.settings.notifiers:
            with suppress(integrations.IntegrationError):
                await self.notifier(notifier.name)

    async def forget(self, name: str) -> None:
        """Drop the connections of that name: their credentials no longer fit, and may have been mended since."""
        for family in ("channel", "notifier", "archive", "scheduler", "writer"):
            key = f"{family}:{name}"
            if (connection := self._connections.pop(key, None)) is not None:
                await connection.close()

    async def close(self) -> None:
        for connection in self._connections.values():
            await connection.close()
        await self.store.close()


@asynccontextmanager
async def installation(
    settings: config.Settings | None = None, *, via: str = "flow", flow_run_id: str = ""
) -> AsyncIterator[Installation]:
    """Open the installation that ``settings`` (or the configuration found) describes, and close it at the end.

    Raises:
        config.ConfigError: the configuration is missing or wrong, names a kind that does not exist, or its home cannot be made.
        records.Unusable: the database or a key cannot be used.
    """
    settings = settings or config.load()
    refuse_unknown_kinds(settings)
    make_home(settings.home)
    store = await open_store(settings.database_url, keys=settings.home / "keys", clock=config.clock(settings))
    here = Installation(settings, store, via=via, flow_run_id=flow_run_id)
    try:
        yield here
    finally:
        await here.close()

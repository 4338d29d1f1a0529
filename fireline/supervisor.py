"""One supervising process for the Prefect server, the flows and the desk: starts them in order, keeps them alive, and
leaves nothing running.

Each child leads a process group of its own, so that whatever it started ends with it. Children are told by the kernel
when the supervisor itself is killed (Linux), so that even then none is left.
"""

import asyncio
import contextlib
import ctypes
import os
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from pydantic import SecretStr

import config
from config.runtime import Runtime, make_home, remove_runtime, without_prefect
from fireline.addresses import cannot_listen
from fireline.errors import Stop
from fireline.lock import Lock, running_lock
from fireline.prefect_database import lay_out

_PR_SET_PDEATHSIG = 1
STOP_SECONDS = 6.0
"""How long a child may take to end by itself."""
READY_SECONDS = 90.0
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _apart(home: Path) -> dict[str, str]:
    """The environment of a drill's processes: neither it nor a file in this folder leads its Prefect server to the database
    or the messages of the real one, whose automations would act on what is rehearsed."""
    messages = "prefect.server.utilities.messaging.memory"
    return {
        **without_prefect(os.environ),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home / 'prefect' / 'prefect.db'}",
        "PREFECT_SERVER_EVENTS_MESSAGING_BROKER": messages,
        "PREFECT_SERVER_EVENTS_MESSAGING_CACHE": messages,
        "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect.server.events.ordering.memory",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.memory",
        "PREFECT_SERVER_DOCKET_URL": "memory://",
    }


@dataclass
class Child:
    """One supervised process."""

    name: str
    argv: list[str]
    log: Path
    ready: Callable[[], Awaitable[bool]]
    process: asyncio.subprocess.Process | None = None
    starts: int = 0
    _handle: object = field(default=None, repr=False)

    async def start(self, environment: Mapping[str, str]) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self.argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(environment),
                start_new_session=True,
                preexec_fn=_die_with_parent,
                umask=0o077,  # Prefect's database holds what is drafted: nobody else's to read
            )
        self.starts += 1

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    def signal(self, number: signal.Signals) -> None:
        """Signal the child's whole group; no error when it is gone."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    async def stop(self) -> None:
        """End the child and whatever it started."""
        if self.process is None:
            return
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.process.wait()
        except TimeoutError:
            pass
        self.signal(signal.SIGKILL)
        await self.process.wait()


class Supervisor:
    """Everything that runs for one installation on this machine."""

    def __init__(self, settings: config.Settings, config_file: Path) -> None:
        self.settings = settings
        self.runtime = Runtime(
            pid=os.getpid(),
            api_url=settings.prefect.url,
            desk_url=settings.desk.url,
            auth=SecretStr(f"fireline:{secrets.token_urlsafe(18)}"),
        )
        home = settings.home
        self.environment = {
            **(_apart(home) if settings.drill else os.environ),
            **self.runtime.environment(),
            "FIRELINE_CONFIG": str(config_file),
            "PREFECT_SERVER_API_AUTH_STRING": self.runtime.auth.get_secret_value(),
            "PREFECT_HOME": str(home / "prefect"),
            "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_RUNNER_POLL_FREQUENCY": "1",
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
            # SQLite has one writer: few scheduled runs ahead, and task runs written in batches, leave it free.
            "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "PT5M",
            "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
            "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            "PYTHONUNBUFFERED": "1",
            "DO_NOT_TRACK": "1",
        }
        self._lock: Lock | None = None
        self._served = home / "served"
        logs = home / "logs"
        self.children = [*self._server(logs), self._runner(logs), self._desk(logs)]

    def _server(self, logs: Path) -> list[Child]:
        if self.settings.prefect.api_url:
            return []
        prefect = self.settings.prefect
        argv = [sys.executable, "-m", "prefect", "server", "start", "--host", prefect.host, "--port", str(prefect.port)]
        return [Child("Prefect server", argv, logs / "prefect-server.log", self._answers(f"{prefect.url}/health"))]

    def _runner(self, logs: Path) -> Child:
        argv = [sys.executable, "-m", "flows.serve", str(self._served)]

        async def ready() -> bool:
            return self._served.exists()

        return Child("flows", argv, logs / "flows.log", ready)

    def _desk(self, logs: Path) -> Child:
        argv = [sys.executable, "-m", "desk"]
        return Child("desk", argv, logs / "desk.log", self._answers(f"{self._desk_address()}/healthz"))

    def _desk_address(self) -> str:
        return f"http://{self.settings.desk.host}:{self.settings.desk.port}"

    def _answers(self, url: str) -> Callable[[], Awaitable[bool]]:
        auth = self.runtime.auth.get_secret_value().partition(":")

        async def ready() -> bool:
            async with httpx.AsyncClient(timeout=2, auth=(auth[0], auth[2])) as client:
                try:
                    return (await client.get(url)).is_success
                except httpx.HTTPError:
                    return False

        return ready

    async def start(self, progress: Callable[[str], None]) -> None:
        """Start everything, in order, and say what is being waited for.

        Raises:
            Stop: Fireline runs on this home already, an address cannot be listened on, or a part did not come up;
                nothing is left running.
        """
        self._check_ports()
        make_home(self.settings.home)
        self._lock = running_lock(self.settings.home)
        try:
            self._served.unlink(missing_ok=True)
            lay_out(self.settings.home / "prefect")
            for child in self.children:  # all at once: each waits for the server where it needs it
                await child.start(self.environment)
            for child in self.children:
                progress(f"waiting for the {child.name}")
                await self._wait(child)
        except BaseException:
            await self.stop()
            raise
        self.runtime.write(self.settings.home)

    async def _wait(self, child: Child) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + READY_SECONDS
        while not await child.ready():
            if not child.alive:
                raise Stop(f"the {child.name} did not start: see {child.log}", status=1)
            if loop.time() > deadline:
                raise Stop(f"the {child.name} was not ready after {READY_SECONDS:.0f} s: see {child.log}", status=1)
            await asyncio.sleep(0.1)

    def _check_ports(self) -> None:
        wanted = {"desk": (self.settings.desk.host, self.settings.desk.port)}
        if not self.settings.prefect.api_url:
            wanted["prefect"] = (self.settings.prefect.host, self.settings.prefect.port)
        for name, (host, port) in wanted.items():
            if problem := cannot_listen(host, port, name):
                raise Stop(problem)

    async def keep_alive(self) -> None:
        """Restart what ends, with growing pauses, until cancelled."""
        while True:
            for child in self.children:
                if not child.alive:
                    await asyncio.sleep(min(30.0, 0.5 * 2 ** min(child.starts, 6)))
                    await child.start(self.environment)
            await asyncio.sleep(0.5)

    async def stop(self) -> None:
        """End everything, last started first. Safe to call twice, and when nothing was started."""
        if self._lock is None:
            return  # what runs here is another's
        remove_runtime(self.settings.home)
        flows_first = sorted(self.children, key=lambda c: c.name == "Prefect server")
        for child in flows_first:
            await child.stop()
        self._lock.release()
        self._lock = None

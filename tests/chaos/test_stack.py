"""Promise 3 of DESIGN §11, on the real ``fireline up``: its parts are killed between approval and publishing.

The Prefect server, the runner and the desk die at once, and with them the process that recorded the last approval,
before it published. The supervisor restarts them, ``sweep`` takes up what got lost: published exactly once, and the
respond run completes. Takes two to four minutes.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from acts import Act, Processes
from story import HEAD, SECRETS, Receivers

import config
from config.runtime import read_runtime
from crisis.delivery import ARRIVED, Delivery, DeliveryState, Purpose
from crisis.incident import IncidentState
from integrations.sandbox import posts
from records import StatementStatus
from tasks.installation import installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
CHANNELS = """
[desk]
port = {desk}

[prefect]
port = {prefect}

[[channels]]
name = "mastodon"
kind = "mastodon"
settings = {{ base_url = "{mastodon}" }}

[[channels]]
name = "statuspage"
kind = "statuspage"
settings = {{ base_url = "{statuspage}", page_id = "p1" }}

[[channels]]
name = "board"
kind = "sandbox"
"""


class Stack:
    """A running ``fireline up``."""

    def __init__(self, home: Path, receivers: Receivers) -> None:
        home.mkdir()
        self.home, self.receivers = home, receivers
        desk, prefect = _free_ports(2)
        addresses = {"mastodon": receivers.mastodon.url, "statuspage": receivers.statuspage.url}
        text = HEAD.format(home=home, route="email:ida@example.com").replace(
            'owner = "ida@example.com"', 'owner = "ida@example.com"\ncontact = "https://acmerail.example/help"'
        )
        self._file = home / "fireline.toml"
        self._file.write_text(text + CHANNELS.format(desk=desk, prefect=prefect, **addresses))
        self.settings = config.load(self._file)
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "FIRELINE_"))}
        self._environment |= SECRETS | {"FIRELINE_CONFIG": str(self._file), "FIRELINE_HOME": str(home)}

    @contextmanager
    def up(self) -> Iterator[None]:
        with (self.home / "up.log").open("wb") as log:
            command = [sys.executable, "-m", "fireline", "up"]
            self._up = subprocess.Popen(command, stdout=log, stderr=log, env=self._environment, start_new_session=True)
        try:
            self.wait("up", lambda: "Fireline is running" in (self.home / "up.log").read_text())
            yield
        finally:
            self._up.send_signal(signal.SIGTERM)
            assert self._up.wait(30) == 0
            assert self.parts() == {}

    def fireline(self, *words: str) -> dict[str, Any]:
        """Run a command, and take its answer."""
        done = subprocess.run(
            [sys.executable, "-m", "fireline", *words, "--json"],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout.splitlines()[-1]))

    def parts(self) -> dict[str, int]:
        """The supervised processes, by name."""
        names = {"prefect server start": "Prefect server", "flows.serve": "runner", "-m desk": "desk"}
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == self._up.pid:
                found |= {name: int(process.name) for words, name in names.items() if words in command}
        return found

    def kill(self, *names: str) -> None:
        """SIGKILL them, and whatever they have started."""
        parts = self.parts()
        for name in names:
            os.killpg(parts[name], signal.SIGKILL)

    def wait(self, what: str, reached: Callable[[], Any], seconds: float = 150) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := reached()):
            assert time.monotonic() < deadline, f"no {what} after {seconds} s; see {self.home / 'logs'}"
            assert self._up.poll() is None, (self.home / "up.log").read_text()
            time.sleep(0.5)
        return found

    def deliveries(self, statement: str) -> list[Delivery]:
        async def read() -> list[Delivery]:
            async with installation(self.settings) as here, here.store.reading() as tx:
                return await tx.outbox.list(statement=statement, purpose=Purpose.STATEMENT)

        return asyncio.run(read())

    def status(self, statement: str) -> StatementStatus | None:
        async def read() -> StatementStatus | None:
            async with installation(self.settings) as here, here.store.reading() as tx:
                known = await tx.statements.versions(statement)
                return await tx.statements.status(statement, known[-1].version) if known else None

        return asyncio.run(read())

    def state_of(self, run: str) -> str:
        """The state of a flow run; empty while the server does not answer."""
        runtime = read_runtime(self.home)
        assert runtime is not None
        user, _, password = runtime.auth.get_secret_value().partition(":")
        try:
            answer = httpx.get(f"{runtime.api_url}/flow_runs/{run}", auth=(user, password), timeout=5)
        except httpx.HTTPError:
            return ""
        return str(answer.json()["state_type"]) if answer.is_success else ""

    def posted(self, statement: str) -> Counter[str]:
        """How often each text was given to each receiver since it forgot everything, or for this statement."""
        counted: Counter[str] = Counter()
        for kind in ("mastodon", "statuspage"):
            counted.update(f"{kind}: {text}" for text in getattr(self.receivers, kind).created)
        ours = {delivery.id for delivery in self.deliveries(statement)}
        counted.update(f"board: {p.rendering.text}" for p in posts(self.home / "sandbox") if p.key in ours)
        return counted

    def end(self, incident: str) -> tuple[IncidentState, bool]:
        """Where the incident stands, and whether the ledger holds."""

        async def read() -> tuple[IncidentState, bool]:
            async with installation(self.settings) as here:
                async with here.store.reading() as tx:
                    found = await tx.incidents.get(incident)
                return found.state, (await here.store.verify()).ok

        return asyncio.run(read())


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, _running: Receivers) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack") / "home", _running)
    with stack.up():
        yield stack


@pytest.fixture
def stack(running: Stack, receivers: Receivers) -> Stack:
    """A running installation, and receivers without memory."""
    return running


def proposed(stack: Stack) -> tuple[str, str]:
    """A new incident whose holding statement waits for approval and whose run is suspended; the incident and the run."""
    opened = stack.fireline("open", "acme", "Trains stand", "--as", "ida@example.com", "--type", "service_failure")
    incident, run = opened["incident"], opened["run"]
    stack.wait("proposal", lambda: stack.status(f"{incident}-S1") is StatementStatus.PROPOSED)
    stack.wait("suspension", lambda: stack.state_of(run) == "PAUSED")
    return incident, run


def posted_once(stack: Stack, statement: str) -> bool:
    """Every part is on every channel, each exactly once."""
    deliveries = stack.deliveries(statement)
    texts = sum(len(d.rendering.parts) if d.rendering.target.kind == "mastodon" else 1 for d in deliveries)
    counts = stack.posted(statement)
    arrived = len(deliveries) == 3 and all(d.state in ARRIVED for d in deliveries)
    return arrived and len(counts) == texts and set(counts.values()) == {1}


def test_an_approval_while_the_prefect_server_is_dead_publishes_at_once(stack: Stack) -> None:
    incident, _ = proposed(stack)
    stack.kill("Prefect server")
    answer = stack.fireline("approve", f"{incident}-S1", "--as", "ana@example.com", "--role", "comms")
    assert set(answer["deliveries"].values()) == {"accepted"}
    assert posted_once(stack, f"{incident}-S1")


def test_everything_killed_between_approval_and_publishing_ends_published_once_and_the_run_completes(
    stack: Stack, processes: Processes
) -> None:
    stack.wait("three parts", lambda: len(stack.parts()) == 3)
    incident, run = proposed(stack)
    statement, before = f"{incident}-S1", stack.parts()
    stack.kill("Prefect server", "runner", "desk")
    assert processes.run(Act("approve and die", statement=statement), stack.home) == -9
    assert stack.status(statement) is StatementStatus.APPROVED
    handed_over = stack.deliveries(statement)
    assert handed_over, "the last decision plans its deliveries in its own transaction"
    assert {(d.state, d.attempts) for d in handed_over} == {(DeliveryState.PENDING, 0)}

    stack.wait("publication", lambda: stack.status(statement) is StatementStatus.PUBLISHED, 240)
    stack.wait("end of the respond run", lambda: stack.state_of(run) == "COMPLETED", 240)
    after = stack.parts()
    assert set(after) == set(before)
    assert not set(after.values()) & set(before.values())
    assert posted_once(stack, statement)
    assert stack.end(incident) == (IncidentState.MONITORING, True)

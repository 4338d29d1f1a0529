"""Promise 3 of DESIGN §11, on the real ``fireline up``: its parts are killed between approval and publishing.

The Prefect server, the runner and the desk die at once, and with them the process that recorded the last approval,
before it published. The supervisor restarts them, ``sweep`` takes up what got lost: published exactly once, and the
respond run completes. Takes about two minutes.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
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
from crisis.delivery import ARRIVED, Delivery, Purpose
from crisis.incident import IncidentState
from integrations.sandbox import posts
from records import StatementStatus
from tasks.installation import installation

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
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

    def runs(self, tag: str) -> list[dict[str, Any]]:
        """The flow runs with a tag; none while the server does not answer."""
        runtime = read_runtime(self.home)
        assert runtime is not None
        user, _, password = runtime.auth.get_secret_value().partition(":")
        asked = {"flow_runs": {"tags": {"all_": [tag]}}}
        try:
            answer = httpx.post(f"{runtime.api_url}/flow_runs/filter", json=asked, auth=(user, password), timeout=5)
        except httpx.HTTPError:
            return []
        return list(answer.json()) if answer.is_success else []

    def posted(self, statement: str) -> dict[str, int]:
        """How many posts each receiver was given, ever."""
        return {
            "mastodon": len(self.receivers.mastodon.created),
            "statuspage": len(self.receivers.statuspage.created),
            "board": sum(p.purpose is Purpose.STATEMENT for p in posts(self.home / "sandbox")),
        }


def _free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def test_everything_killed_between_approval_and_publishing_ends_published_once_and_the_run_completes(
    receivers: Receivers, processes: Processes, tmp_path: Path
) -> None:
    stack = Stack(tmp_path / "home", receivers)
    with stack.up():
        opened = stack.fireline(
            "open", "acme", "Trains have stopped", "--as", "ida@example.com", "--type", "service_failure"
        )
        assert opened["run"], opened
        stack.wait("proposal", lambda: stack.status("INC-1-S1") is StatementStatus.PROPOSED)
        stack.wait("suspension", lambda: "PAUSED" in {run["state_type"] for run in stack.runs("incident:INC-1")})

        before = stack.parts()
        stack.kill("Prefect server", "runner", "desk")
        approved = processes.run(Act("approve and die", statement="INC-1-S1"), stack.home)
        assert approved == -9
        assert stack.status("INC-1-S1") is StatementStatus.APPROVED
        assert stack.deliveries("INC-1-S1") == []

        stack.wait("publication", lambda: stack.status("INC-1-S1") is StatementStatus.PUBLISHED, 200)
        deliveries = stack.deliveries("INC-1-S1")
        assert {d.rendering.target.channel for d in deliveries if d.state in ARRIVED} == {
            "mastodon",
            "statuspage",
            "board",
        }
        after = stack.parts()
        assert set(after) == set(before)
        assert not set(after.values()) & set(before.values())

        def completed() -> bool:
            run = next((r for r in stack.runs("incident:INC-1") if r["id"] == opened["run"]), None)
            return bool(run and run["state_type"] == "COMPLETED")

        stack.wait("end of the respond run", completed, 200)
        assert set(stack.posted("INC-1-S1").values()) == {1}
    end = asyncio.run(_end(stack.settings))
    assert end == (IncidentState.MONITORING, True)


async def _end(settings: config.Settings) -> tuple[IncidentState, bool]:
    async with installation(settings) as here:
        async with here.store.reading() as tx:
            incident = await tx.incidents.get("INC-1")
        return incident.state, (await here.store.verify()).ok

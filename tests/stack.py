"""The whole of Fireline on this machine, as ``fireline up`` runs it, for tests that use it from outside."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
from acme import write_starter

from config.runtime import Runtime, read_runtime
from config.scenarios import FIRESTORM, FIRESTORM_STRIKES
from fireline.demo_stage import free_ports
from integrations.sandbox import Post, posts

FIRELINE = str(Path(sys.executable).with_name("fireline"))


@dataclass
class Stack:
    """A running installation."""

    home: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    @property
    def runtime(self) -> Runtime:
        found = read_runtime(self.home)
        assert found, "nothing is running"
        return found

    @property
    def ui(self) -> str:
        return f"{self.runtime.ui_url}/v2"

    @property
    def auth(self) -> str:
        return self.runtime.auth.get_secret_value()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What the Prefect API answers."""
        user, _, password = self.auth.partition(":")
        answer = httpx.request(
            method, f"{self.runtime.api_url}/{path}", json=body, auth=(user, password), timeout=30
        ).raise_for_status()
        return answer.json() if answer.content else None

    def runs(self, deployment: str) -> list[dict[str, Any]]:
        """The runs of a deployment, the newest first."""
        found: list[dict[str, Any]] = self.ask(
            "POST",
            "flow_runs/filter",
            {"deployments": {"name": {"any_": [deployment]}}, "sort": "START_TIME_DESC", "limit": 200},
        )
        return found

    def run(self, run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"flow_runs/{run_id}")
        return found

    def cli(self, *words: str) -> Any:
        """What a command prints as JSON: the last line of it."""
        done = subprocess.run(
            [FIRELINE, *words, "--json"], env=self.environment, capture_output=True, text=True, check=False, timeout=180
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def posts(self) -> list[Post]:
        return posts(self.home / "sandbox")


T = TypeVar("T")


def wait_for(what: Callable[[], T], says: str, seconds: float = 240) -> T:
    """The first true answer of ``what``; long, because what is waited for comes on a busy machine, too."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {says}"
        time.sleep(0.3)
    return found


def write_storm(file: Path, *, began: timedelta) -> None:
    """The generated firestorm as it would stand in a recording whose storm began so long ago and goes on now."""
    shift = datetime.now(UTC) - began - FIRESTORM_STRIKES
    with gzip.open(FIRESTORM, "rt", encoding="utf-8") as recording, file.open("w", encoding="utf-8") as out:
        for line in recording:
            post = json.loads(line)
            moment = datetime.fromisoformat(post["created_at"]) + shift
            if moment <= datetime.now(UTC):
                out.write(json.dumps({**post, "created_at": moment.isoformat()}, ensure_ascii=False) + "\n")


def processes_of(home: Path) -> list[int]:
    """Processes on this machine that were told to work for ``home``."""
    told, found = f"FIRELINE_CONFIG={home}".encode(), []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and told in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@contextmanager
def running(home: Path, *replacements: tuple[str, str], more: str = "") -> Iterator[Stack]:
    """``fireline up`` on free ports until the block ends; then Ctrl-C, after which nothing may be left running."""
    desk, prefect = free_ports(2)
    ports = (("port = 8420", f"port = {desk}"), ("port = 4200", f"port = {prefect}"))
    file = write_starter(home, *ports, *replacements, more=more)
    environment = {**os.environ, "FIRELINE_HOME": str(home), "FIRELINE_CONFIG": str(file)}
    with (home / "up.log").open("wb") as log:
        process = subprocess.Popen([FIRELINE, "up"], env=environment, stdout=log, stderr=log, start_new_session=True)
    stack = Stack(home, environment, process)
    try:
        wait_for(
            lambda: "Fireline is running" in (home / "up.log").read_text() or process.poll() is not None,
            "Fireline is running",
            180,
        )
        assert process.poll() is None, (home / "up.log").read_text()
        yield stack
    finally:
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(60) == 0
        finally:
            if process.poll() is None:
                process.kill()
    assert "nothing is left running" in (home / "up.log").read_text()
    wait_for(lambda: not processes_of(home), f"no process is left: {processes_of(home)}", 10)
    assert read_runtime(home) is None

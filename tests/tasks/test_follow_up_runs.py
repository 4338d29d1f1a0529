"""Measurements follow each other in one chain of runs, whoever asks for the next one and whatever was heard."""

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from acme import IDA, NOON, acme, incident_in

from crisis.clock import FixedClock
from crisis.incident import IncidentState
from tasks import follow_up
from tasks.follow_up import schedule_observation
from tasks.installation import Installation
from tasks.runs import Started


class Server:
    """Plays Prefect's: runs by key, each asked for once."""

    def __init__(self) -> None:
        self.runs: list[Any] = []
        self.keys: list[str] = []
        self.dead = False

    async def tagged(self, *tags: str) -> list[Any]:
        if self.dead:
            raise httpx.ConnectError("nobody answers")
        return list(self.runs)

    async def start(self, deployment: str, *, key: str, **_: Any) -> Started:
        if key not in self.keys:
            self.keys.append(key)
            created = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=len(self.keys))
            state = SimpleNamespace(is_final=lambda: False)
            self.runs.append(SimpleNamespace(id=uuid.uuid4(), created=created, state=state))
        return Started(run_id=str(self.runs[self.keys.index(key)].id), says="started")

    def end(self) -> None:
        self.runs[-1].state = SimpleNamespace(is_final=lambda: True)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Installation]:
    async with acme(tmp_path, clock=FixedClock(NOON)) as opened:
        yield opened


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    played = Server()
    monkeypatch.setattr(follow_up, "runs_tagged", played.tagged)
    monkeypatch.setattr(follow_up, "start_run", played.start)
    return played


async def watched(here: Installation) -> str:
    incident = await incident_in(here)
    async with here.store.transaction() as tx:
        await tx.incidents.step(incident.id, IncidentState.RESPONDING, actor=IDA)
    return incident.id


async def test_the_chain_goes_on_although_nothing_new_was_heard(here: Installation, server: Server) -> None:
    incident = await watched(here)
    await schedule_observation(here, incident)
    for length in range(2, 6):
        here.flow_run_id = str(server.runs[-1].id)  # the run asks for the next one before it ends
        await schedule_observation(here, incident)
        assert len(server.runs) == length
        server.runs[-2].state = SimpleNamespace(is_final=lambda: True)


async def test_whoever_asks_while_one_is_asked_for_gets_no_second_chain(here: Installation, server: Server) -> None:
    incident = await watched(here)
    await schedule_observation(here, incident)
    assert await schedule_observation(here, incident) is None
    here.flow_run_id = str(uuid.uuid4())  # a sweep
    assert await schedule_observation(here, incident) is None
    assert len(server.runs) == 1


async def test_two_sweeps_that_find_the_chain_broken_mend_it_once(
    here: Installation, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await watched(here)
    await schedule_observation(here, incident)
    server.end()
    known = list(server.runs)

    async def both_look_before_either_asks(*tags: str) -> list[Any]:
        return known

    monkeypatch.setattr(follow_up, "runs_tagged", both_look_before_either_asks)
    await schedule_observation(here, incident)
    await schedule_observation(here, incident)
    assert len(server.runs) == 2


async def test_a_server_that_does_not_answer_is_left_to_the_sweep(here: Installation, server: Server) -> None:
    incident = await watched(here)
    server.dead = True
    asked = await schedule_observation(here, incident)
    assert asked is not None
    assert asked.run_id == ""
    assert "sweep" in asked.says

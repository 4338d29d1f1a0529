"""A person is tried by their routes in order, each at once when the one before is dead, slow or full; statements never are."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from acme import IDA, acme, incident_in, sandbox
from counting_http import Fault
from receivers import SlackReceiver

from crisis.delivery import DeliveryState
from crisis.incident import Incident
from crisis.values import Severity
from tasks import notify
from tasks.deliver import REACHED, deliver
from tasks.installation import Installation
from tasks.notify import tell, tell_stakeholders
from tasks.recover import recover_deliveries
from tasks.triage import opened_notice

OTTO = "otto@example.com"
ONE = 'routes = ["email:otto@example.com"]'
TWO = 'routes = ["room:C0000001", "email:otto@example.com"]'


@pytest.fixture
def room() -> Iterator[SlackReceiver]:
    with SlackReceiver() as receiver:
        yield receiver


@asynccontextmanager
async def installed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> AsyncIterator[tuple[Installation, Incident]]:
    """Otto is told in Slack first, then by mail."""
    monkeypatch.setenv("FIRELINE_ROOM_TOKEN", "xoxb-t")
    more = f'[[notifiers]]\nname = "room"\nkind = "slack"\nsettings = {{ base_url = "{url}", timeout = 40 }}\n'
    async with acme(folder, (ONE, TWO), more=more) as here:
        yield here, await incident_in(here, severity=Severity.SEV1)


async def told(here: Installation, incident: Incident) -> bool:
    otto = here.settings.stakeholder(OTTO)
    return await tell(here, incident, otto, opened_notice(here, incident), why="is on call")


async def reach(here: Installation) -> list[tuple[str, str, list[str]]]:
    async with here.store.reading() as tx:
        records = await tx.ledger.list()
    return [
        (r.kind.partition(".")[2], str(r.data["route"]), [f["state"] for f in r.data["failed"]])
        for r in records
        if r.kind in ("stakeholder.reached", "stakeholder.not_reached")
    ]


@pytest.fixture
def dead() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}"


async def test_a_dead_route_leads_to_the_next_and_both_are_on_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dead: str
) -> None:
    async with installed(tmp_path, monkeypatch, dead) as (here, incident):
        assert await told(here, incident)
        assert [p.rendering.target.address for p in sandbox(here)] == [OTTO]
        assert await reach(here) == [("reached", f"email:{OTTO}", ["pending"])]
        assert await told(here, incident), "telling again tells once"
        assert len(sandbox(here)) == 1
        assert len(await reach(here)) == 1


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault(200, '{"ok": true}', delay=30.0), "unknown"),
        (Fault(429, headers={"Retry-After": "600"}), "pending"),
        (Fault(500, done=True), "unknown"),
        (Fault(200, '{"ok": false, "error": "channel_not_found"}'), "refused"),
    ],
    ids=["slow", "full", "unclear", "refused"],
)
async def test_a_slow_full_unclear_or_refusing_route_leads_to_the_next_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: SlackReceiver, fault: Fault, state: str
) -> None:
    monkeypatch.setattr(notify, "ROUTE_SECONDS", 0.3)
    room.faults.append(fault)
    async with installed(tmp_path, monkeypatch, room.url) as (here, incident), asyncio.timeout(20):
        assert await told(here, incident)
        assert [p.rendering.target.address for p in sandbox(here)] == [OTTO]
        assert await reach(here) == [("reached", f"email:{OTTO}", [state])]


async def test_what_was_left_behind_is_not_sent_any_more_once_the_person_is_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: SlackReceiver
) -> None:
    room.faults.append(Fault(503))
    async with installed(tmp_path, monkeypatch, room.url) as (here, incident):
        assert await told(here, incident)
        await recover_deliveries(here)  # looks it up, finds it absent, and would send it now
        async with here.store.reading() as tx:
            left = [d for d in await tx.outbox.list(incident=incident.id) if d.rendering.target.kind == "slack"]
        assert [(d.state, d.problem) for d in left] == [(DeliveryState.REFUSED, REACHED)]
        assert room.created == []


async def test_when_every_route_fails_that_is_on_record_and_the_sweep_goes_on_trying(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: SlackReceiver
) -> None:
    room.faults += [Fault(429, headers={"Retry-After": "1"}), Fault(429, headers={"Retry-After": "1"})]
    monkeypatch.setattr("tasks.deliver.PATIENCE_SECONDS", 0.2)
    async with installed(tmp_path, monkeypatch, room.url) as (here, incident):
        otto = here.settings.stakeholder(OTTO).model_copy(update={"routes": ("room:C0000001", "room:C0000002")})
        assert not await tell(here, incident, otto, opened_notice(here, incident), why="is on call")
        assert await reach(here) == [("not_reached", "room:C0000002", ["pending", "pending"])]
        await asyncio.sleep(1.1)
        await recover_deliveries(here)
        assert len(room.created) >= 1


async def test_one_person_s_slow_route_holds_up_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: SlackReceiver
) -> None:
    monkeypatch.setattr(notify, "ROUTE_SECONDS", 2.0)
    room.faults.append(Fault(200, '{"ok": true}', delay=30.0))
    async with installed(tmp_path, monkeypatch, room.url) as (here, incident):
        telling = asyncio.create_task(tell_stakeholders(here, incident, opened_notice(here, incident)))
        async with asyncio.timeout(10):
            while IDA not in {p.rendering.target.address for p in sandbox(here)}:
                await asyncio.sleep(0.02)
        assert OTTO not in {p.rendering.target.address for p in sandbox(here)}
        await telling
        assert OTTO in {p.rendering.target.address for p in sandbox(here)}


async def test_in_a_hurry_no_rate_limit_is_waited_for_and_nothing_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: SlackReceiver
) -> None:
    room.faults.append(Fault(500, done=True))
    async with installed(tmp_path, monkeypatch, room.url) as (here, incident):
        await told(here, incident)
        async with here.store.reading() as tx:
            [unclear] = [d for d in await tx.outbox.list(incident=incident.id) if d.rendering.target.kind == "slack"]
        assert (await deliver(here, unclear.id, hurry=1.0)).state is DeliveryState.UNKNOWN
        assert not [r for r in room.requests if r.path.endswith("conversations.replies")]
        assert (await deliver(here, unclear.id)).state is DeliveryState.RECONCILED
        assert len(room.created) == 1

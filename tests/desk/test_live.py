"""Open pages are kept up to date: what changes arrives once rendered, for everybody, and nothing is lost on the way."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from at_the_desk import ANA, LENA, NOON, PEOPLE, Scene, assessment
from markupsafe import Markup
from starlette.requests import Request

from crisis.incident import IncidentState
from crisis.triage import Signal
from crisis.values import Severity
from desk import live, stream
from desk.access import DeskAccess
from desk.live import digest
from desk.server import listen, serve
from desk.signed_in import SignedIn
from desk.state import Desk
from records.view import Hidden
from tasks.installation import Installation
from tasks.restrict import restrict


@dataclass
class Event:
    name: str
    data: str
    id: str = ""


@dataclass
class Reader:
    """One open page's connection."""

    lines: AsyncIterator[str]
    events: list[Event] = field(default_factory=list)

    async def until(self, name: str, holding: str = "") -> Event:
        """The next event of that name whose data holds ``holding``."""
        async with asyncio.timeout(15):
            while True:
                event = await self.next()
                if event.name == name and holding in event.data:
                    return event

    async def next(self) -> Event:
        found: dict[str, list[str]] = {}
        async for line in self.lines:
            if not line and "event" in found:
                event = Event(found["event"][0], "\n".join(found.get("data", [])), (found.get("id") or [""])[0])
                self.events.append(event)
                return event
            name, _, value = line.partition(": ")
            found.setdefault(name, []).append(value)
        raise EOFError


@dataclass
class Served:
    scene: Scene
    address: str
    browser: httpx.AsyncClient
    serving: "asyncio.Task[None]"

    @asynccontextmanager
    async def reader(self, of: str = "INC-1", **more: str) -> AsyncIterator[Reader]:
        headers = {"Last-Event-ID": more.pop("last")} if "last" in more else {}
        async with self.browser.stream("GET", "/live", params={"of": of, **more}, headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield Reader(answer.aiter_lines())


@pytest.fixture
async def served(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setattr(live, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(live, "PACE_SECONDS", 0.05)
    monkeypatch.setattr(live, "MEASURED_SECONDS", 0.05)
    monkeypatch.setattr("desk.server.CLOSING_SECONDS", 60)
    listener, started = listen("127.0.0.1", 0), asyncio.Event()
    serving = asyncio.create_task(serve(scene.here, listener=listener, started=started))
    await asyncio.wait_for(started.wait(), 10)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=address, timeout=20) as browser:
        await browser.get("/", params={"key": scene.key})
        yield Served(scene, address, browser, serving)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def raised(scene: Scene, severity: Severity = Severity.SEV1) -> None:
    async with scene.here.store.transaction() as tx:
        await tx.incidents.assess("INC-1", assessment(severity=severity), actor="triage")


async def have(served: Served, path: str = "/incidents/INC-1") -> str:
    """What a page that has just been opened says that it has."""
    page = (await served.browser.get(path)).text
    found = re.search(r'sse-connect="/live\?of=[^&]+&amp;have=([^"]+)"', page)
    assert found
    return found[1]


async def test_a_page_that_has_everything_gets_only_the_time(served: Served) -> None:
    for of, path in (("INC-1", "/incidents/INC-1"), ("now", "/")):
        async with served.reader(of, have=await have(served, path)) as reader:
            beat = await reader.next()
            assert beat.name == "beat"
            assert json.loads(beat.data)["now"] == NOON.isoformat()


async def test_what_changes_arrives_as_the_pieces_that_differ(served: Served) -> None:
    async with served.reader(have=await have(served)) as reader:
        await reader.until("beat")
        await raised(served.scene)
        head = await reader.until("head", "SEV1")
        assert "<script" not in head.data
        await reader.until("beat")
    names = {event.name for event in reader.events}
    assert {"head", "why", "timeline"} <= names
    assert "posts" not in names, "what did not change is not sent"


async def test_one_rendering_serves_every_page(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0
    build = live._builds["INC"]

    async def counted(desk: Desk, of: str) -> dict[str, Markup]:
        nonlocal made
        made += 1
        return await build(desk, of)

    monkeypatch.setitem(live._builds, "INC", counted)
    mine = await have(served)
    async with served.reader(have=mine) as one, served.reader(have=mine) as other, served.reader(have=mine) as third:
        for reader in (one, other, third):
            await reader.until("beat")
        before = made
        await raised(served.scene)
        for reader in (one, other, third):
            await reader.until("head", "SEV1")
    assert made - before <= 2


async def test_a_page_that_was_away_gets_what_it_missed_and_no_more(served: Served) -> None:
    async with served.reader() as staying:
        async with served.reader() as leaving:
            place = (await leaving.until("beat")).id
        await raised(served.scene)
        await staying.until("head", "SEV1")
        await staying.until("beat")
        async with served.reader(last=place) as back:
            await back.until("head", "SEV1")
            await back.until("beat")
        assert "posts" not in {event.name for event in back.events}
        async with served.reader(after=place) as again:
            await again.until("head", "SEV1")


async def test_a_page_that_comes_back_to_a_new_server_gets_everything_that_differs(served: Served) -> None:
    async with served.reader(last="0badcafe-7", have="head.0000000000") as reader:
        await reader.until("beat")
    assert {"head", "timeline", "posts"} <= {event.name for event in reader.events}


async def test_a_new_measurement_redraws_the_charts(served: Served) -> None:
    async with served.reader(have=await have(served)) as reader:
        await reader.until("beat")
        async with served.scene.here.store.transaction() as tx:
            latest = await tx.signals.latest("acme")
            assert latest is not None
            told = latest.model_dump() | {"at": latest.at.replace(microsecond=1), "authors": 4711}
            await tx.signals.add(Signal.model_validate(told))
        assert "4,711" in (await reader.until("charts")).data


async def test_what_matters_is_said_in_a_sentence_and_what_does_not_is_not(served: Served) -> None:
    async with served.reader("now") as reader:
        await reader.until("beat")
        async with served.scene.here.store.transaction() as tx:
            await tx.ledger.append("incident.claimed", incident="INC-1", actor="respond")
            await tx.ledger.append("incident.acknowledged", incident="INC-1", actor=ANA)
        assert (await reader.until("say")).data == "INC-1: Ana Almeida is on it"
    assert [event.name for event in reader.events].count("say") == 1


async def test_an_incident_that_opens_is_on_the_first_page_at_once(served: Served) -> None:
    async with served.reader("now", have=await have(served, "/")) as reader:
        await reader.until("beat")
        async with served.scene.here.store.transaction() as tx:
            await tx.incidents.open(
                watch="acme",
                title="Another storm",
                assessment=assessment(),
                opened_at=NOON,
                started_at=NOON,
                state=IncidentState.CANDIDATE,
                actor="detector",
            )
        assert "Candidates: is this real?" in (await reader.until("incidents", "Another storm")).data


async def test_only_whoever_may_see_the_desk_is_kept_up_to_date(served: Served) -> None:
    async with httpx.AsyncClient(base_url=served.address) as stranger:
        assert (await stranger.get("/live", params={"of": "now"})).status_code == 403
    for of in ("INC-9", "", "record", "INC-1/../x", "INC" * 100):
        assert (await served.browser.get("/live", params={"of": of})).status_code == 404


async def test_a_connection_ends_when_access_ends(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.1)
    allowed = iter([True, True, False])
    signed_in = DeskAccess._signed_in

    async def until_it_ends(self: DeskAccess, request: Request, here: Installation) -> SignedIn | None:
        return await signed_in(self, request, here) if next(allowed, False) else None

    monkeypatch.setattr(DeskAccess, "_signed_in", until_it_ends)
    async with served.reader() as reader:
        await reader.until("bye")
        with pytest.raises(EOFError):
            await reader.next()


async def test_open_pages_do_not_keep_the_desk_from_stopping(served: Served) -> None:
    async with served.reader() as reader:
        await reader.until("beat")
        served.serving.cancel()
        with pytest.raises((EOFError, httpx.HTTPError)):
            await reader.until("never")
        async with asyncio.timeout(15):  # a quarter of what open answers may take
            await asyncio.gather(served.serving, return_exceptions=True)


async def test_a_reader_that_is_stuck_is_let_go_and_holds_up_nobody(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, name, seconds in (
        (stream, "STUCK_SECONDS", 0.2),
        (live, "LOOK_SECONDS", 0.02),
        (live, "PACE_SECONDS", 0.02),
    ):
        monkeypatch.setattr(place, name, seconds)
    desk, sent = scene.app.state.desk, bytearray()

    def opened() -> stream.Stream:
        view = live.View("INC-1", live._builds["INC"], desk, Hidden())
        return stream.Stream(desk.live.read(desk, view, after="", have={}, still=lambda: True))

    async def takes_nothing(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def takes_all(message: MutableMapping[str, Any]) -> None:
        sent.extend(message.get("body", b""))

    async def stays() -> dict[str, str]:
        await asyncio.Event().wait()
        return {}

    stuck = asyncio.create_task(opened()({}, stays, takes_nothing))
    reading = asyncio.create_task(opened()({}, stays, takes_all))
    async with asyncio.timeout(10):
        await stuck
        assert desk.live.readers == 1
        await raised(scene)
        while b"SEV1" not in sent:
            await asyncio.sleep(0.01)
    desk.live.close()
    await asyncio.wait_for(reading, 5)


def test_running_clocks_do_not_make_a_piece_another_one() -> None:
    def piece(words: str, late: str = "") -> dict[str, Markup]:
        return {"head": Markup(f'<time datetime="2026-03-01T12:00" data-counts="due"{late}>{words}</time>')}

    assert digest(piece("in 12 min")) == digest(piece("in 11 min"))
    assert digest(piece("in 12 min")) != digest(piece("1 min late", ' class="late"'))


async def test_who_no_longer_sees_an_incident_is_cut_off_at_once_and_hears_no_more_of_it(
    served: Served, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LOOK_SECONDS", "PACE_SECONDS"):
        monkeypatch.setattr(live, name, 0.02)
    async with served.reader() as incident, served.reader(of="now") as now:
        await incident.until("beat")
        await now.until("beat")
        assert "INC-1" in "".join(event.data for event in now.events)
        await restrict(scene.here, "INC-1", [ANA], actor="ida@example.com", reason="of concern to few")
        for reader in (incident, now):
            with pytest.raises((EOFError, httpx.HTTPError)):
                await reader.until("never")
    async with served.reader(of="now") as now:
        await raised(scene)
        await now.until("beat")
        assert "INC-1" not in "".join(event.data for event in now.events)


async def test_a_stream_ends_for_whoever_lost_the_role_by_which_they_saw_it(
    served: Served, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.1)
    await restrict(scene.here, "INC-1", ["role:legal"], actor="ida@example.com", reason="of concern to few")
    async with scene.signed_in(LENA) as lena:
        cookies = dict(lena.cookies)
    people = [p if p.email != LENA else p.model_copy(update={"roles": ()}) for p in PEOPLE]
    async with (
        httpx.AsyncClient(base_url=served.address, cookies=cookies, timeout=20) as browser,
        Served(scene, served.address, browser, served.serving).reader() as reader,
    ):
        await reader.until("beat")
        async with scene.here.store.transaction() as tx:
            await tx.stakeholders.put_all(people, actor="configuration")
        await reader.until("bye")


async def test_one_session_cannot_take_the_line_from_everybody_else(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MOST_BY_ONE", 1)
    async with served.reader() as reader:
        await reader.until("beat")
        assert (await served.browser.get("/live", params={"of": "now"})).status_code == 429

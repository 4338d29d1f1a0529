"""A restricted incident is not there for whoever may not see it: on any route of the desk, whatever it will be."""

import asyncio
import contextlib
import json
import re
from collections.abc import Iterator

import httpx
import pytest
from at_the_desk import ANA, CARL, LENA, TEXT, Scene
from drawn import picture
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message
from test_desk_pictures import with_picture

from crisis.access import Restriction
from crisis.approval import NotAllowed, Verdict, Via
from crisis.incident import IncidentState
from crisis.stakeholder import Stakeholder
from desk.access import ENTRANCES, MACHINES
from tasks.approve import decide, role_of
from tasks.links import acting_link, on_it_link, reading_link
from tasks.notify import Notice, tell
from tasks.restrict import lift, restrict
from tasks.runs import KnownRun

IDA = "ida@example.com"
SECRETS = ("INC-1", "service failure", "does not pay", "till like a fool", TEXT[:40], "gateway 3", "412 people")
"""What pages about the incident say, and nothing else does."""


async def restricted(scene: Scene, *to: str) -> None:
    await restrict(scene.here, "INC-1", to, actor=IDA, reason="a person is named in it")


def routes(of: list[BaseRoute]) -> Iterator[Route]:
    for route in of:
        if isinstance(route, Route):
            yield route
        else:
            assert isinstance(route, Mount), f"{route!r}: say here how it is asked"


def addresses(scene: Scene, person: str) -> Iterator[tuple[str, str]]:
    """Every route of the desk with its method, filled in with what belongs to the restricted incident."""
    base = scene.here.settings.desk.url
    tokens = {
        "/approve/": scene.link(person, "comms").removeprefix("/approve/"),
        "/act/": acting_link(scene.here, "INC-1", person).removeprefix(f"{base}/act/"),
        "/on/": on_it_link(scene.here, "INC-1", person).removeprefix(f"{base}/on/"),
        "/read/": reading_link(scene.here, "INC-1", person=person).removeprefix(f"{base}/read/"),
    }
    fill = {"id": "INC-1", "sha256": picture().sha256, "suffix": "jpg", "statement": scene.statement.id, "version": "1"}
    for route in routes(scene.app.routes):
        path = route.path
        token = next((token for folder, token in tokens.items() if path.startswith(folder)), "x")
        path = path.replace("{token}", token)
        path = re.sub(r"\{(\w+)(:\w+)?\}", lambda found: fill.get(found[1], "INC-1"), path)
        for method in sorted(route.methods or {"GET"}):
            if not path.startswith(MACHINES):
                yield method, path


async def ask(app: ASGIApp, method: str, path: str, cookies: str) -> tuple[int, str]:
    """The status and what of the answer came within a second: pages that stay open to tell more end then."""
    begun, sent = asyncio.Event(), [{"type": "http.request", "body": b"reason=x", "more_body": False}]
    status, body = 0, bytearray()

    async def receive() -> Message:
        if sent:
            return sent.pop()
        await begun.wait()
        await asyncio.sleep(1.0)
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        nonlocal status
        begun.set()
        status = message.get("status", status)
        body.extend(message.get("body", b""))

    headers = [(b"host", b"desk.test"), (b"cookie", cookies.encode())]
    headers += [(b"content-type", b"application/x-www-form-urlencoded")]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": headers, "scheme": "http", "server": ("desk.test", 80), "client": ("127.0.0.1", 1)}
    scope |= {"http_version": "1.1", "root_path": "", "asgi": {"version": "3.0"}}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(20):
            await app(scope, receive, send)
    return status, body.decode(errors="replace")


async def asked(browser: httpx.AsyncClient, scene: Scene, person: str) -> dict[tuple[str, str], tuple[int, str]]:
    cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
    return {(method, path): await ask(scene.app, method, path, cookies) for method, path in addresses(scene, person)}


@pytest.fixture
async def shown(scene: Scene) -> Scene:
    """The scene with a picture in its statement."""
    return await with_picture(scene)


@pytest.mark.parametrize("who", ["nobody", "carl"])
async def test_no_route_shows_anything_of_it_to_whoever_may_not_see_it(shown: Scene, who: str) -> None:
    await restricted(shown, LENA)
    async with shown.at_the_desk() if who == "nobody" else shown.signed_in(CARL) as browser:
        answers = await asked(browser, shown, CARL)
    assert len(answers) > 30
    for (method, path), (status, text) in answers.items():
        said = text.replace(path, "")
        for secret in SECRETS:
            told = secret == "INC-1" and (path.startswith("/sign-in") or path in ENTRANCES)
            if not told and not path.startswith("/setup/playbooks"):  # which name every kind of crisis
                assert secret not in said, f"{method} {path} tells of it: {secret}"
        if "INC-1" in path:
            assert status in (401, 403, 404, 405, 410), (method, path, status)
        if "INC-1" in path and method == "GET" and path.startswith("/incidents/"):
            assert status == 404, path


@pytest.mark.parametrize("person", [IDA, LENA])
async def test_whoever_is_named_sees_it_everywhere(shown: Scene, person: str) -> None:
    await restricted(shown, "role:legal")
    async with shown.signed_in(person) as browser:
        for path in ("/", "/incidents/INC-1", "/incidents/INC-1/chart.svg", "/record", "/incidents/INC-1/restrict"):
            assert (await browser.get(path)).status_code == 200
        assert "INC-1" in (await browser.get("/")).text
        assert (await browser.get(f"/pictures/{picture().sha256}.jpg")).status_code == 200
    async with shown.browser() as phone:
        for link in (reading_link, acting_link):
            sent = link(shown.here, "INC-1", person=person).removeprefix(shown.here.settings.desk.url)
            answer = await phone.get(sent)
            assert answer.status_code == (200 if link is reading_link or person == IDA else 403)


async def test_a_page_that_was_open_to_all_is_hidden_from_one_request_to_the_next(scene: Scene) -> None:
    async with scene.signed_in(CARL) as browser:
        assert "INC-1" in (await browser.get("/")).text
        await restricted(scene)
        assert "INC-1" not in (await browser.get("/")).text
        await lift(scene.here, "INC-1", actor=IDA, reason="over")
        assert "INC-1" in (await browser.get("/")).text


async def test_a_view_of_the_store_hides_it_from_every_subject_and_still_proves_the_whole_ledger(scene: Scene) -> None:
    await restricted(scene)
    carl = next(p for p in scene.here.settings.stakeholders if p.email == CARL)
    for viewer in (None, carl):
        async with scene.here.store.seen_by(viewer).reading() as tx:
            assert await tx.incidents.list() == []
            assert await tx.statements.list("INC-1") == []
            assert await tx.facts.list("INC-1") == []
            assert await tx.mentions.list("INC-1") == []
            assert await tx.outbox.list() == []
            assert await tx.statements.open_proposals() == []
            assert await tx.decisions.list(scene.statement.content_hash) == []
            assert "INC-1" not in json.dumps([r.model_dump(mode="json") for r in await tx.ledger.list()])
            assert "incident.opened" not in await tx.ledger_search.kinds()
            whole = await tx.ledger.verify()
        assert whole.ok
        assert whole.records == await scene.records()
    assert (await scene.here.store.seen_by(None).verify()).ok


async def test_whoever_may_not_see_it_is_told_nothing_and_decides_nothing(scene: Scene) -> None:
    await restricted(scene, LENA)
    carl = next(p for p in scene.here.settings.stakeholders if p.email == CARL)
    assert not await tell(scene.here, scene.incident, carl, Notice("opened", "opened"), why="x")
    assert not await tell(scene.here, scene.incident, carl, Notice("opened", "opened"), why="x")
    async with scene.here.store.reading() as tx:
        said = [r for r in await tx.ledger.list(kind="stakeholder.not_told") if r.data["stakeholder"] == CARL]
    assert len(said) == 1
    assert "restricted" in said[0].reason
    with pytest.raises(NotAllowed, match="restricted"):
        await decide(
            scene.here,
            statement=scene.statement.id,
            version=1,
            content_hash=scene.statement.content_hash,
            approver=CARL,
            role="comms",
            verdict=Verdict.APPROVE,
            via=Via.CLI,
        )
    assert await scene.decisions() == []
    with pytest.raises(NotAllowed, match="restricted"):  # what a button in Slack asks before it shows the text
        await role_of(scene.here, scene.statement.id, 1, carl)


async def test_only_a_lead_restricts_it_and_only_to_people_there_are(scene: Scene) -> None:
    with pytest.raises(NotAllowed, match="neither leads"):
        await restrict(scene.here, "INC-1", [ANA], actor=CARL, reason="x")
    with pytest.raises(NotAllowed, match="not among the stakeholders"):
        await restrict(scene.here, "INC-1", ["eve@example.com"], actor=IDA, reason="x")
    with pytest.raises(NotAllowed, match="nobody holds the role"):
        await restrict(scene.here, "INC-1", ["role:astronaut"], actor=IDA, reason="x")
    async with scene.here.store.reading() as tx:
        assert await tx.restrictions.get("INC-1") is None


async def test_its_lead_restricts_it_on_the_desk_and_opens_it_again(scene: Scene) -> None:
    async with scene.signed_in(IDA) as browser:
        page = await browser.get("/incidents/INC-1/restrict")
        nonce = re.findall(r'name="nonce" value="([^"]+)"', page.text)[0]
        assert 'name="code"' not in page.text
        fields = {"nonce": nonce, "act": "restrict", "person_named": [LENA], "role": ["comms"], "reason": "names"}
        assert (await browser.post("/incidents/INC-1/restrict", data=fields)).status_code == 303
        page = await browser.get("/incidents/INC-1/restrict")
        assert "It is restricted" in page.text
        async with scene.here.store.reading() as tx:
            found = await tx.restrictions.get("INC-1")
            [record] = await tx.ledger.list(kind="incident.restricted")
        assert isinstance(found, Restriction)
        assert (set(found.people), found.roles, record.actor, record.via) == ({IDA, LENA}, ("comms",), IDA, "desk")
        fields = {"nonce": nonce, "act": "lift", "reason": "over"}
        assert (await browser.post("/incidents/INC-1/restrict", data=fields)).status_code == 303
        async with scene.here.store.reading() as tx:
            assert await tx.restrictions.get("INC-1") is None
    async with scene.signed_in(CARL) as browser:
        assert "Restrict it to these" not in (await browser.get("/incidents/INC-1/restrict")).text


async def test_a_viewer_bound_to_a_watch_sees_only_its_incidents(scene: Scene) -> None:
    def viewer(**more: object) -> Stakeholder:
        return Stakeholder.model_validate({"name": "Vic", "email": "vic@example.com", "roles": ["viewer"], **more})

    for person, sees in (
        (viewer(watches=["acme"]), True),
        (viewer(watches=["other"]), False),
        (viewer(watches=["other"], watch_roles={"acme": ["comms"]}), True),
        (viewer(), True),
    ):
        async with scene.here.store.seen_by(person).reading() as tx:
            assert bool(await tx.incidents.list(list(IncidentState))) is sees
            assert bool(await tx.statements.list("INC-1")) is sees


async def test_runs_of_a_hidden_incident_are_not_shown(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async def every_run(incident: str) -> tuple[list[KnownRun], str]:
        return [KnownRun(id="r1", name=f"{incident} · respond", state="Suspended", started_at=None, ended_at=None)], ""

    monkeypatch.setattr("desk.record.runs_of", every_run)
    await restricted(scene)
    async with scene.signed_in(CARL) as browser:
        answer = await browser.get("/record/runs", params={"incident": "INC-1"})
    assert (answer.status_code, "respond" in answer.text) == (404, False)


async def test_an_address_in_any_script_is_moved_on_to(scene: Scene) -> None:
    async with scene.browser(**{"sec-fetch-site": "cross-site"}) as browser:
        answer = await browser.get("/incidents/%E2%82%AC")
    assert answer.status_code == 200
    assert answer.headers["refresh"] == "0; url=/incidents/%E2%82%AC"

"""The link in a notice lets one person read one incident for a while: nothing else, nobody else, and it is stored nowhere."""

import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from at_the_desk import ANA, CARL, Scene, assessment

from config import ConfigError
from crisis.approval import NotAllowed
from crisis.delivery import DeliveryState, Purpose
from desk import read
from desk.app import create_app
from integrations.sandbox import posts
from tasks.forms import describe_form
from tasks.links import READING_PLACEHOLDER, read_link, read_reading_link, reading_link
from tasks.notify import tell
from tasks.triage import opened_notice


@pytest.fixture(autouse=True)
def _full_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read._forged, "_levels", {})


def path(link: str) -> str:
    assert link.startswith("http://127.0.0.1:8420/")
    return urlsplit(link).path


def link(scene: Scene, **options: object) -> str:
    given = {"person": ANA} | options
    return path(reading_link(scene.here, "INC-1", **given))  # type: ignore[arg-type]


async def get(scene: Scene, where: str) -> httpx.Response:
    async with scene.browser() as phone:
        answer = await phone.get(where)
        assert "set-cookie" not in answer.headers
        assert phone.cookies.jar.__len__() == 0
    return answer


async def test_the_link_in_a_notice_opens_the_incident_without_the_desks_key(scene: Scene) -> None:
    person = scene.here.settings.stakeholder(ANA)
    assert await tell(scene.here, scene.incident, person, opened_notice(scene.here, scene.incident), why="test")
    [notice] = [p for p in posts(scene.here.settings.home / "sandbox") if p.purpose is Purpose.NOTICE]
    [sent] = set(re.findall(r"http://127\.0\.0\.1:8420/read/[\w.-]+", notice.rendering.text + notice.rendering.html))
    assert notice.link == sent
    page = await get(scene, path(sent))
    assert page.status_code == 200
    assert scene.incident.title in page.text
    assert "Read only" in page.text
    assert 'href="/sandbox"' not in page.text
    assert page.text.count("<svg") == 4, "both charts are in the page, for a phone and for a wide screen"
    assert "<script" not in page.text
    image = re.search(r'href="([^"]+chart\.svg[^"]*)"', page.text)
    assert image
    assert (await get(scene, image[1])).headers["content-type"] == "image/svg+xml"


async def test_the_link_is_stored_nowhere_but_where_it_was_sent(scene: Scene) -> None:
    person = scene.here.settings.stakeholder(ANA)
    await tell(scene.here, scene.incident, person, opened_notice(scene.here, scene.incident), why="test")
    async with scene.here.store.reading() as tx:
        [row] = await tx.outbox.list(purpose=Purpose.NOTICE)
        records = await tx.ledger.list()
    assert READING_PLACEHOLDER in row.rendering.text
    for stored in (row.model_dump_json(), *(r.model_dump_json() for r in records)):
        assert "/read/" not in stored
    for file in Path(scene.here.settings.home).glob("fireline.db*"):
        assert b"/read/" not in file.read_bytes()


async def test_the_link_opens_no_other_incident_and_no_other_page(scene: Scene) -> None:
    async with scene.here.store.transaction() as tx:
        await tx.incidents.open(
            watch="acme",
            title="Another case",
            assessment=assessment(),
            opened_at=scene.clock.now(),
            started_at=scene.clock.now(),
            actor="detector",
        )
    mine = link(scene)
    assert "Another case" not in (await get(scene, mine)).text
    for other in (f"{mine}/../../incidents/INC-2", f"{mine}/INC-2", "/incidents/INC-1", "/incidents/INC-2", "/"):
        assert (await get(scene, other)).status_code in (403, 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_the_link_is_for_reading_only(scene: Scene, method: str) -> None:
    before = await scene.records()
    async with scene.browser() as phone:
        answer = await phone.request(method, link(scene), data={"verdict": "approve"})
    assert answer.status_code == 405
    await get(scene, link(scene))
    assert await scene.records() == before
    assert await scene.decisions() == []


@pytest.mark.parametrize("spoil", [lambda t: t[:-1], lambda t: "x" + t, lambda t: "a.b", lambda t: t + "A"])
async def test_a_forged_or_cut_link_opens_nothing(scene: Scene, spoil: object) -> None:
    token = link(scene).removeprefix("/read/")
    for rest in ("", "/chart.svg", "/report"):
        page = await get(scene, f"/read/{spoil(token)}{rest}")  # type: ignore[operator]
        assert page.status_code == 403
        assert "does not open anything" in page.text
        assert scene.incident.title not in page.text


async def test_an_expired_link_opens_nothing_and_says_so(scene: Scene) -> None:
    page = await get(scene, link(scene, lasts=timedelta(seconds=-1)))
    assert page.status_code == 410
    assert "This link has expired" in page.text
    assert scene.incident.title not in page.text


async def test_whoever_is_no_stakeholder_any_more_reads_nothing_more(scene: Scene) -> None:
    carls = link(scene, person=CARL)
    assert (await get(scene, carls)).status_code == 200
    async with scene.here.store.transaction() as tx:
        left = [p for p in await tx.stakeholders.list() if p.email != CARL]
        await tx.stakeholders.put_all(left, actor="configuration")
    assert (await get(scene, carls)).status_code == 403
    assert (await get(scene, link(scene))).status_code == 200


async def test_a_link_to_read_cannot_approve_and_a_link_to_approve_reads_no_incident(scene: Scene) -> None:
    reading, approving = link(scene).removeprefix("/read/"), scene.link().removeprefix("/approve/")
    with pytest.raises(NotAllowed):
        read_link(scene.here, reading)
    with pytest.raises(NotAllowed):
        read_reading_link(scene.here, approving)
    assert (await get(scene, f"/approve/{reading}")).status_code == 403
    assert (await get(scene, f"/read/{approving}")).status_code == 403


async def test_with_an_emptied_key_nothing_is_signed_sent_or_left_in_doubt(scene: Scene) -> None:
    key = scene.here.keys / "links.key"
    key.write_text("")
    person = scene.here.settings.stakeholder(ANA)
    assert not await tell(scene.here, scene.incident, person, opened_notice(scene.here, scene.incident), why="test")
    async with scene.here.store.reading() as tx:
        [row] = await tx.outbox.list(purpose=Purpose.NOTICE)
    assert row.state is DeliveryState.REFUSED
    assert "delete it and start again" in row.problem
    with pytest.raises(ConfigError, match="delete it and start again"):
        create_app(scene.here)
    assert key.read_text() == ""


async def test_guessing_links_is_slowed_and_holds_up_no_right_one(scene: Scene) -> None:
    async with scene.browser() as guesser:
        statuses = [(await guesser.get(f"/read/{n}")).status_code for n in range(22)]
        assert (statuses[0], statuses[-1]) == (403, 429)
        assert (await guesser.get(link(scene))).status_code == 200


async def test_the_form_of_a_suspended_run_links_to_the_exact_previews_of_its_text_and_nothing_more(
    scene: Scene,
) -> None:
    described = await describe_form(scene.here, scene.statement, lasts=timedelta(days=14))
    found = re.match(r"\[\*\*Read exactly what would be published\*\*\]\((\S+)\)\n", described)
    assert found
    claims = read_reading_link(scene.here, found[1].rpartition("/")[2])
    assert (claims.incident, claims.person, claims.statement, claims.version) == ("INC-1", "", "INC-1-S1", 1)
    page = await get(scene, path(found[1]))
    assert page.status_code == 200
    for rendering in scene.statement.renderings:
        assert rendering.target.channel in page.text
    assert "Exactly this would be published" in page.text
    assert "Stood at the till like a fool" not in page.text
    for more in ("/chart.svg", "/report"):
        assert (await get(scene, path(found[1]) + more)).status_code == 403

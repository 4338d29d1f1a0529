"""One thumb takes an incident on: looking does nothing, the link is its person's, and the first one counts."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
import pytest
from at_the_desk import ANA, CARL, HOSTILE, NOON, Scene, assessment

from crisis.incident import Incident, IncidentState
from crisis.stakeholder import Stakeholder
from desk import on_it
from integrations.sandbox import posts
from tasks.incidents import ask_to_confirm
from tasks.links import ON_IT_PLACEHOLDER, acting_link, on_it_link, read_acting_link, read_on_it_link
from tasks.notify import tell
from tasks.triage import opened_notice

IDA = "ida@example.com"


@pytest.fixture(autouse=True)
def _full_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_it._forged, "_levels", {})


async def noticed(scene: Scene, state: IncidentState = IncidentState.OPEN) -> Incident:
    async with scene.here.store.transaction() as tx:
        return await tx.incidents.open(
            watch="acme",
            title=f"Acme: kettles burn {HOSTILE}",
            assessment=assessment(),
            opened_at=NOON,
            started_at=NOON - timedelta(minutes=5),
            lead=IDA,
            state=state,
            actor="detector",
        )


def link(scene: Scene, incident: Incident, person: str = ANA, **options: timedelta) -> str:
    return urlsplit(on_it_link(scene.here, incident.id, person, **options)).path


async def who(scene: Scene, incident: Incident) -> list[tuple[str, str]]:
    async with scene.here.store.reading() as tx:
        return [(r.actor, r.via) for r in await tx.ledger.list(kind="incident.acknowledged", incident=incident.id)]


async def press(browser: httpx.AsyncClient, where: str, **fields: str) -> httpx.Response:
    nonce = re.search(r'name="nonce" value="([^"]+)"', (await browser.get(where)).text)
    return await browser.post(where, data={"nonce": nonce[1] if nonce else "", **fields})


async def test_the_link_of_the_notice_takes_it_on_with_one_press(scene: Scene) -> None:
    incident = await noticed(scene)
    ana = Stakeholder(name="Ana Almeida", email=ANA, roles=("comms",))
    assert await tell(scene.here, incident, ana, opened_notice(scene.here, incident), why="asked")
    [notice] = [p for p in posts(scene.here.settings.home / "sandbox") if f"[{incident.id}]" in p.rendering.subject]
    found = set(re.findall(r"http://127\.0\.0\.1:8420(/on/[\w.-]+)", notice.rendering.text + notice.rendering.html))
    [sent] = found
    assert f"I am on it: http://127.0.0.1:8420{sent}" in notice.rendering.text
    async with scene.here.store.reading() as tx:
        [stored] = [row for row in await tx.outbox.list() if row.incident == incident.id]
    assert ON_IT_PLACEHOLDER in stored.rendering.text
    assert "/on/" not in stored.model_dump_json()
    async with scene.browser() as phone:
        page = await phone.get(sent)
        assert (await phone.head(sent)).status_code == 200
        assert "You are Ana Almeida" in page.text
        assert "<script>" not in page.text
        assert await who(scene, incident) == [], "looking takes nothing on"
        answer = await press(phone, sent)
        assert (answer.status_code, answer.headers["location"]) == (303, sent)
        assert await who(scene, incident) == [(ANA, "notice_link")]
        assert "You are on it" in (await phone.get(sent)).text
        other = await phone.get(link(scene, incident, CARL))
        assert "Ana Almeida is on it" in other.text
        assert "<form" not in other.text


async def test_two_thumbs_at_once_count_once(scene: Scene) -> None:
    incident = await noticed(scene)
    mine, others = link(scene, incident, ANA), link(scene, incident, CARL)
    async with scene.browser() as phone:
        pages = [(await phone.get(where)).text for where in (mine, others)]
        nonces = [re.search(r'name="nonce" value="([^"]+)"', page)[1] for page in pages]  # type: ignore[index]
        for where, nonce in ((mine, nonces[0]), (mine, nonces[0]), (others, nonces[1])):
            assert (await phone.post(where, data={"nonce": nonce})).status_code == 303
    assert await who(scene, incident) == [(ANA, "notice_link")]


async def test_the_lead_of_a_candidate_can_take_it_on_and_then_confirm_it(scene: Scene) -> None:
    incident = await noticed(scene, IncidentState.CANDIDATE)
    assert await ask_to_confirm(scene.here, incident)
    async with scene.browser() as phone:
        page = (await phone.get(link(scene, incident, IDA))).text
        assert re.search(r'href="/act/[\w.-]+"', page)
        assert not re.search(r'href="/act/', (await phone.get(link(scene, incident, ANA))).text)


@pytest.mark.parametrize(
    ("headers", "nonce"),
    [({"sec-fetch-site": "cross-site"}, ""), ({"origin": "https://evil.example"}, ""), ({}, "forged")],
)
async def test_a_form_that_is_not_ours_takes_nothing_on(scene: Scene, headers: dict[str, str], nonce: str) -> None:
    incident = await noticed(scene)
    async with scene.browser(**headers) as phone:
        fields = {"nonce": nonce} if nonce else {}
        assert (await press(phone, link(scene, incident), **fields)).status_code == 403
    assert await who(scene, incident) == []


async def test_a_forged_altered_borrowed_or_old_link_opens_nothing(scene: Scene) -> None:
    incident = await noticed(scene)
    good = link(scene, incident)
    name, minute, signature = good.removeprefix("/on/").split(".")
    later = f"{int(minute, 16) + 60:x}"
    acting = urlsplit(acting_link(scene.here, incident.id, IDA)).path.removeprefix("/act/")
    forged = [
        f"/on/INC-99.{minute}.{signature}",
        f"/on/{name}.{later}.{signature}",
        f"/on/{name}.{minute}.{signature[:-2]}AA",
        f"/on/{name}.{minute}",
        f"{good}.x",
        f"/on/{name}.zz.{signature}",
        f"/on/{acting}",
        link(scene, incident, "mallory@example.com"),
    ]
    async with scene.browser() as phone:
        assert [(await phone.get(where)).status_code for where in forged] == [403] * len(forged)
        old = await phone.get(link(scene, incident, lasts=timedelta(minutes=-2)))
        assert (old.status_code, "has expired" in old.text) == (410, True)
        assert (await phone.get(good)).status_code == 200
        assert [(await phone.get("/on/x.y.z")).status_code for _ in range(20)][-1] == 429
        assert (await phone.get(good)).status_code == 200, "right links are never held up"
    assert await who(scene, incident) == []


async def test_a_link_is_short_enough_for_a_text_message_and_no_other_kind_of_link(scene: Scene) -> None:
    incident = await noticed(scene)
    made = link(scene, incident)
    assert len(made) < 60
    assert read_on_it_link(scene.here, made.removeprefix("/on/"), [CARL, ANA]).person == ANA
    with pytest.raises(Exception, match="not made by this installation"):
        read_acting_link(scene.here, made.removeprefix("/on/"))
    assert datetime.now(UTC).timestamp() // 60 < int(made.split(".")[1], 16)


async def test_when_it_is_over_nobody_is_wanted(scene: Scene) -> None:
    incident = await noticed(scene, IncidentState.CANDIDATE)
    async with scene.here.store.transaction() as tx:
        await tx.incidents.step(incident.id, IncidentState.DISMISSED, actor="test", reason="tried")
    async with scene.browser() as phone:
        page = await phone.get(link(scene, incident))
    assert "It is over" in page.text
    assert "<form" not in page.text

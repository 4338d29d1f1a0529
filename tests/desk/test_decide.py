"""Deciding at the desk: looking does nothing, people prove who they are, and every act ends in the same checks as elsewhere."""

import re
import time
from html import unescape
from urllib.parse import parse_qs, urlparse

import httpx
import pyotp
import pytest
from at_the_desk import ANA, CARL, HOSTILE, LENA, Scene
from itsdangerous import URLSafeTimedSerializer

from desk import decide

IDA = "ida@example.com"
WHY = "people are being hurt and nobody answers"


@pytest.fixture(autouse=True)
def _full_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide._submitted, "_levels", {})


@pytest.fixture
def where(scene: Scene) -> str:
    return f"/statements/{scene.statement.id}/decide"


async def code_of(scene: Scene, who: str) -> str:
    async with scene.here.store.transaction() as tx:
        uri = await tx.codes.enrol(who)
    return pyotp.TOTP(parse_qs(urlparse(uri).query)["secret"][0]).at(time.time())


async def send(
    scene: Scene, browser: httpx.AsyncClient, where: str, act: str, who: str, **fields: str
) -> httpx.Response:
    """Open the page and hand in one of its forms, with a right code unless another is given."""
    nonce = re.search(r'name="nonce" value="([^"]+)"', (await browser.get(where)).text)
    given = {"nonce": nonce[1] if nonce else "", "act": act, "person": who} | fields
    if "code" not in fields:
        given["code"] = await code_of(scene, who)
    return await browser.post(where, data=given)


async def released(scene: Scene) -> bool:
    async with scene.here.store.reading() as tx:
        return await tx.releases.of(scene.statement.id, 1) is not None


async def test_looking_decides_nothing(scene: Scene, where: str) -> None:
    async with scene.at_the_desk() as browser:
        before = await scene.records()
        page = await browser.get(where)
        await browser.head(where)
    assert page.status_code == 200
    for words in (
        "Decide on this holding statement",
        "Exactly this would be published",
        "Break the glass",
        "Carl Berg",
    ):
        assert words in page.text
    assert await scene.records() == before


async def test_nobody_without_the_desks_key_sees_or_decides_anything(scene: Scene, where: str) -> None:
    async with scene.browser() as browser:
        assert (await browser.get(where)).status_code == 403
        assert (await browser.post(where, data={"act": "approve", "person": ANA})).status_code == 403
    assert await scene.decisions() == []


async def test_two_people_approve_at_the_desk_and_it_goes_out(scene: Scene, where: str) -> None:
    async with scene.at_the_desk() as browser:
        assert (await send(scene, browser, where, "approve", ANA)).status_code == 303
        assert (await send(scene, browser, where, "approve", LENA)).status_code == 303
        page = await browser.get(where)
    assert await scene.decisions() == [(ANA, "approve"), (LENA, "approve")]
    assert "is published" in page.text
    assert 'name="act"' not in page.text
    async with scene.here.store.reading() as tx:
        assert {r.via for r in await tx.ledger.list(kind="decision.made")} == {"desk"}


REFUSED = [
    ("approve", ANA, {"code": "000000"}, 409, "one-time code"),
    ("approve", "mallory@example.com", {"code": "1"}, 409, "Choose who you are"),
    ("approve", IDA, {}, 409, "holds none of the roles"),
    ("return", ANA, {"reason": " "}, 409, "Say why you return it"),
    ("take_back", ANA, {"reason": "x"}, 409, "has not approved"),
    ("delegate", ANA, {"to": CARL, "lasts": "a year", "reason": "x"}, 400, "Choose for how long"),
    ("delegate", ANA, {"to": "mallory@example.com", "lasts": "4 h", "reason": "x"}, 409, "not among the stakeholders"),
    ("break_glass", ANA, {"reason": WHY}, 409, "only an incident lead may"),
    ("break_glass", IDA, {"reason": "hurry"}, 409, "at least 20 characters"),
    ("break_glass", IDA, {"reason": WHY, "code": "000000"}, 409, "one-time code"),
    ("dance", ANA, {}, 400, "Nothing was chosen"),
]


@pytest.mark.parametrize(("act", "who", "fields", "status", "says"), REFUSED, ids=[f"{r[0]}: {r[-1]}" for r in REFUSED])
async def test_what_does_not_count_says_why_and_does_nothing(
    scene: Scene, where: str, act: str, who: str, fields: dict[str, str], status: int, says: str
) -> None:
    async with scene.at_the_desk() as browser:
        if who == "mallory@example.com":
            fields = {"code": "1"} | fields
        answer = await send(scene, browser, where, act, who, **fields)
    assert answer.status_code == status
    assert says in answer.text
    assert await scene.decisions() == []
    assert not await released(scene)


async def test_a_form_of_another_text_of_another_site_or_of_nobody_is_not_taken(scene: Scene, where: str) -> None:
    async with scene.at_the_desk() as browser:
        forged = await send(scene, browser, where, "approve", ANA, nonce="forged")
        assert (forged.status_code, "open for too long" in forged.text) == (403, True)
        signer = URLSafeTimedSerializer(scene.key, salt="fireline.desk.form.decide")
        [nonce] = set(re.findall(r'name="nonce" value="([^"]+)"', (await browser.get(where)).text))
        session, _, *rest = signer.loads(unescape(nonce))
        stale = signer.dumps([session, f"{scene.statement.id} v0", *rest])
        other = await send(scene, browser, where, "approve", ANA, nonce=str(stale))
        assert (other.status_code, "has changed since you looked" in other.text) == (409, True)
        browser.headers["sec-fetch-site"] = "cross-site"
        assert (await browser.post(where, data={"act": "approve"})).status_code == 403
    assert await scene.decisions() == []


async def test_an_approval_is_taken_back_at_the_desk_and_given_again(scene: Scene, where: str) -> None:
    async with scene.at_the_desk() as browser:
        await send(scene, browser, where, "approve", ANA)
        assert (await send(scene, browser, where, "take_back", ANA, reason=HOSTILE)).status_code == 303
        page = await browser.get(where)
        assert "approved, and took it back" in page.text
        assert (await send(scene, browser, where, "approve", ANA)).status_code == 303
    async with scene.here.store.reading() as tx:
        made = await tx.decisions.list(scene.statement.content_hash)
    assert [(d.number, d.taken_back_at is None) for d in made] == [(1, False), (2, True)]


async def test_a_turn_is_handed_on_at_the_desk_used_and_ended(scene: Scene, where: str) -> None:
    async with scene.at_the_desk() as browser:
        handed = await send(
            scene, browser, where, "delegate", LENA, to=IDA, lasts="4 h", only="1", reason="on a flight"
        )
        assert handed.status_code == 303
        assert "Ida Okafor for Lena Roth" in (await browser.get(where)).text
        assert (await send(scene, browser, where, "approve", IDA)).status_code == 303
        assert "Ida Okafor (legal, for Lena Roth)" in (await browser.get(where)).text
        ended = await send(scene, browser, where, "undelegate", LENA, delegation="D-1")
        assert ended.status_code == 303
        assert "End a delegation" not in (await browser.get(where)).text
    async with scene.here.store.reading() as tx:
        [given] = await tx.delegations.list()
    assert (given.statement, given.revoked_at is not None) == (scene.statement.id, True)


async def test_the_glass_is_broken_at_the_desk_and_the_pages_say_so(scene: Scene, where: str) -> None:
    async with scene.at_the_desk() as browser:
        assert (await send(scene, browser, where, "break_glass", IDA, reason=f"{WHY} {HOSTILE}")).status_code == 303
        for page in (where, f"/incidents/{scene.incident.id}", "/record"):
            shown = (await browser.get(page)).text
            assert WHY in shown, page
            assert "<script>document.title" not in shown, page
        assert "GLASS BROKEN" in (await browser.get(f"/incidents/{scene.incident.id}")).text
    assert await released(scene)


async def test_a_playbook_that_forbids_it_shows_no_glass(scene: Scene, where: str) -> None:
    kind = scene.incident.assessment.type
    book = scene.here.playbooks[kind]
    scene.here.playbooks[kind] = book.model_copy(update={"break_glass": False})
    async with scene.at_the_desk() as browser:
        assert "Break the glass" not in (await browser.get(where)).text
        answer = await send(scene, browser, where, "break_glass", IDA, reason=WHY)
    assert "forbids breaking the glass" in answer.text
    assert not await released(scene)


async def test_by_the_link_of_a_mail_an_approval_is_taken_back_and_a_turn_handed_on(scene: Scene) -> None:
    async with scene.browser() as phone:

        async def sent(link: str, **fields: str) -> httpx.Response:
            nonce = re.search(r'name="nonce" value="([^"]+)"', (await phone.get(link)).text)
            return await phone.post(link, data={"nonce": nonce[1] if nonce else "", **fields})

        link = scene.link()
        assert (await sent(link, verdict="approve")).status_code == 303
        assert "Was it too early?" in (await phone.get(link)).text
        assert (await sent(link, verdict="take_back", reason="a number is wrong")).status_code == 303
        assert "Approve this holding statement?" in (await phone.get(link)).text
        mine = scene.link(LENA, "legal")
        assert (await sent(mine, verdict="delegate", to=IDA, reason="on a flight")).status_code == 303
        handed = scene.link(IDA, "legal")
        assert (await sent(handed, verdict="approve")).status_code == 303
        assert "ida@example.com approved this as legal" in (await phone.get(mine)).text
    assert await scene.decisions() == [(ANA, "approve"), (IDA, "approve")]


async def test_a_turn_is_handed_on_with_a_code_only(scene: Scene, where: str) -> None:
    async with scene.signed_in(LENA) as lenas:
        answer = await send(scene, lenas, where, "delegate", LENA, code="", to=CARL, lasts="7 days", reason="x")
    assert answer.status_code == 409
    async with scene.here.store.reading() as tx:
        assert await tx.delegations.list() == []

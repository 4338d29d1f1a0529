"""Coming in by mail, staying in, and going out: each link works once, each session is one person's and can be ended."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pyotp
import pytest
from at_the_desk import ANA, CARL, PEOPLE, Scene
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from crisis.access import Method
from crisis.record import Record
from desk import access, acts, sign_in
from desk.access import COOKIE, own_path
from desk.signed_in import SIGNED_IN, SignedIn
from desk.who import asks_code
from integrations.sandbox import posts
from records.view import Hidden
from tasks.links import acting_link, read_acting_link, read_link, read_on_it_link, read_reading_link
from tasks.sign_in import GOOD_FOR

IDA = "ida@example.com"


async def records(scene: Scene, kind: str) -> list[Record]:
    async with scene.here.store.reading() as tx:
        return await tx.ledger.list(kind=kind)


def nonce_in(page: httpx.Response) -> str:
    found = re.search(r'name="nonce" value="([^"]+)"', page.text)
    return found[1] if found else ""


async def ask(browser: httpx.AsyncClient, email: str) -> httpx.Response:
    nonce = nonce_in(await browser.get("/sign-in"))
    answer = await browser.post("/sign-in/mail", data={"nonce": nonce, "email": email})
    await asyncio.gather(*sign_in._under_way)
    return answer


def mailed(scene: Scene) -> list[str]:
    """The ways in that were mailed, as paths, the newest first."""
    notices = [post for post in posts(scene.here.settings.home / "sandbox") if "Your link" in post.rendering.subject]
    found = [re.findall(r"http://127\.0\.0\.1:8420(/sign-in/link/[\w.-]+)", p.rendering.text) for p in notices]
    return [path for paths in found for path in paths]


@pytest.fixture
def by_mail(scene: Scene) -> Scene:
    scene.set_desk(sign_in_by_email=True)
    return scene


async def test_a_stakeholder_comes_in_by_a_link_in_a_mail_and_the_link_is_stored_nowhere(by_mail: Scene) -> None:
    async with by_mail.browser() as browser:
        assert (await ask(browser, "ANA@example.com")).status_code == 200
        [link] = mailed(by_mail)
        page = await browser.get(link)
        assert "Ana Almeida" in page.text
        entered = await browser.post(link, data={"nonce": nonce_in(page)})
        assert (entered.status_code, entered.headers["location"]) == (303, "/")
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(entered.headers["set-cookie"].split("; "))
        assert "Ana Almeida" in (await browser.get("/sessions")).text
    token = link.rpartition("/")[2]
    async with by_mail.here.store.reading() as tx:
        stored = [d for d in await tx.outbox.list() if d.rendering.options.get("occasion", "").startswith("sign-in")]
        everything = str([r.model_dump() for r in await tx.ledger.list()])
    assert len(stored) == 1
    assert token not in stored[0].model_dump_json()
    assert token not in everything
    [asked], [begun] = await records(by_mail, "sign_in.asked"), await records(by_mail, "session.begun")
    assert asked.data["person"] == ANA
    assert (begun.actor, begun.via) == (ANA, "email_link")


async def test_looking_at_a_link_does_nothing_and_it_works_once(by_mail: Scene) -> None:
    async with by_mail.browser() as scanner, by_mail.browser() as browser:
        await ask(browser, ANA)
        [link] = mailed(by_mail)
        for _ in range(3):  # a scanner of mails, a preview, a reader
            assert (await scanner.get(link)).status_code == 200
            assert (await scanner.head(link)).status_code == 200
        assert "set-cookie" not in (await scanner.get(link)).headers
        assert await records(by_mail, "session.begun") == []
        nonces = [nonce_in(await browser.get(link)) for _ in range(4)]
        both = await asyncio.gather(*(browser.post(link, data={"nonce": nonce}) for nonce in nonces))
        assert sorted(answer.status_code for answer in both) == [303, 403, 403, 403]
        assert (await scanner.get(link)).status_code == 403
    assert len(await records(by_mail, "session.begun")) == 1


async def test_a_link_from_elsewhere_or_without_its_page_signs_nobody_in(by_mail: Scene) -> None:
    async with by_mail.browser() as browser, by_mail.browser(**{"sec-fetch-site": "cross-site"}) as victim:
        await ask(browser, CARL)
        [link] = mailed(by_mail)
        nonce = nonce_in(await browser.get(link))
        assert (await victim.post(link, data={"nonce": nonce})).status_code == 403, "signed in as somebody else"
        assert (await browser.post(link, data={"nonce": "forged"})).status_code == 403
        assert (await browser.post(link)).status_code == 403
        for forged in (link[:-1], link + "x", "/sign-in/link/x", "/sign-in/link/"):
            assert (await browser.get(forged)).status_code in (403, 404)
        assert (await browser.post(link, data={"nonce": nonce})).status_code == 303


async def test_the_answer_is_the_same_whether_an_address_is_known_or_not(by_mail: Scene) -> None:
    async with by_mail.browser() as browser:
        known, unknown = await ask(browser, ANA), await ask(browser, "nobody@example.com")
        garbage = await ask(browser, "x" * 300)

    def shown(answer: httpx.Response) -> tuple[int, str, list[str]]:
        return answer.status_code, re.sub(r"As of .*? UTC", "", answer.text), sorted(answer.headers)

    assert shown(known) == shown(unknown) == shown(garbage)
    assert len(mailed(by_mail)) == 1


async def test_asking_again_and_again_fills_nobodys_mailbox(by_mail: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async with by_mail.browser() as browser:
        statuses = [(await ask(browser, ANA)).status_code for _ in range(6)]
        assert statuses == [200] * 5 + [429]
        monkeypatch.setattr(sign_in._asked, "_levels", {})  # as from other places
        assert (await ask(browser, ANA)).status_code == 200
    assert len(mailed(by_mail)) == 3


async def test_a_link_is_over_after_a_while_and_when_its_owner_leaves(
    by_mail: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with by_mail.browser() as browser:
        await ask(browser, ANA)
        await ask(browser, CARL)
        carl, ana = mailed(by_mail)
        real = sign_in.real_now
        monkeypatch.setattr(sign_in, "real_now", lambda: real() + GOOD_FOR)
        assert (await browser.get(ana)).status_code == 403
        monkeypatch.setattr(sign_in, "real_now", real)
        assert (await browser.get(ana)).status_code == 200
        async with by_mail.here.store.transaction() as tx:
            await tx.stakeholders.put_all([p for p in PEOPLE if p.email != CARL], actor="test")
        assert (await browser.get(carl)).status_code == 403


async def test_a_way_into_the_desk_is_not_shown_on_it(by_mail: Scene) -> None:
    async with by_mail.browser() as browser:
        await ask(browser, ANA)
        [link] = mailed(by_mail)
    async with by_mail.at_the_desk() as desk:
        for path in ("/sandbox?show=all", "/sandbox?show=notices", "/record"):
            assert link.rpartition("/")[2] not in (await desk.get(path)).text


async def test_ways_in_that_are_switched_off_are_not_there(scene: Scene) -> None:
    async with scene.browser() as browser:
        page = await browser.get("/sign-in")
        assert "/sign-in/mail" not in page.text
        assert (await browser.post("/sign-in/mail", data={"nonce": nonce_in(page)})).status_code == 404
        for path in ("/sign-in/link/x", "/sign-in/oidc", "/sign-in/oidc/back"):
            assert (await browser.get(path)).status_code == 404
        async with scene.at_the_desk() as inside:
            scene.set_desk(sign_in_by_key=False, sign_in_by_email=True)
            assert (await inside.get("/")).status_code == 403, "sessions that the key began end with it"
        assert (await browser.get("/", params={"key": scene.key})).status_code == 403
        assert "desk-link" not in (await browser.get("/")).text


async def test_every_sign_in_makes_a_new_session_and_takes_none_over(scene: Scene) -> None:
    async with scene.browser() as browser:
        browser.cookies.set(COOKIE, "chosen-by-an-attacker", domain="desk.test")
        await browser.get("/", params={"key": scene.key})
        first = browser.cookies[COOKIE]
        assert first != "chosen-by-an-attacker"
        await browser.get("/", params={"key": scene.key})
        second = browser.cookies[COOKIE]
        assert second != first
    async with scene.browser(Cookie=f"{COOKIE}={first}") as old:
        assert (await old.get("/")).status_code == 403
    async with scene.here.store.reading() as tx:
        kept = str([r.model_dump() for r in await tx.ledger.list()])
    for secret in (first, second, scene.key):
        assert secret not in kept


@pytest.mark.parametrize(
    ("ago", "status"),
    [(timedelta(), 200), (timedelta(hours=11), 200), (timedelta(hours=12), 403), (timedelta(days=8), 403)],
)
async def test_a_session_that_nobody_uses_ends(scene: Scene, ago: timedelta, status: int) -> None:
    async with scene.signed_in(ANA, ago=ago) as browser:
        assert (await browser.get("/")).status_code == status


async def test_a_session_ends_after_a_week_even_if_it_is_used(scene: Scene) -> None:
    async with scene.signed_in(ANA, ago=timedelta(days=7)) as browser:
        async with scene.here.store.transaction() as tx:
            await tx.sessions.seen((await tx.sessions.find(_hash(scene, browser))).id, _now())  # type: ignore[union-attr]
        assert (await browser.get("/")).status_code == 403


def _now():  # type: ignore[no-untyped-def]
    return sign_in.real_now()


def _hash(scene: Scene, browser: httpx.AsyncClient) -> str:
    from desk.keys import hash_of

    return hash_of(scene.here.settings.home, browser.cookies[COOKIE])


async def test_whoever_leaves_is_out_of_every_browser_at_once_and_does_not_come_back_in(scene: Scene) -> None:
    async with scene.signed_in(CARL) as one, scene.signed_in(CARL) as two, scene.signed_in(ANA) as other:
        assert (await one.get("/")).status_code == (await two.get("/")).status_code == 200
        async with scene.here.store.transaction() as tx:
            await tx.stakeholders.put_all([p for p in PEOPLE if p.email != CARL], actor="configuration")
        assert (await one.get("/")).status_code == (await two.get("/")).status_code == 403
        async with scene.here.store.transaction() as tx:
            await tx.stakeholders.put_all(PEOPLE, actor="configuration")
        assert (await one.get("/")).status_code == 403, "named again, they sign in again"
        assert (await other.get("/")).status_code == 200
    ended = await records(scene, "session.ended")
    assert [(r.data["person"], r.reason) for r in ended] == [(CARL, "no longer among the stakeholders")] * 2


async def test_whoever_streams_hears_that_the_session_has_ended(scene: Scene) -> None:
    async def tell(request: Request) -> AsyncIterator[bytes]:
        for number in range(6):
            if number == 3:
                async with scene.here.store.transaction() as tx:
                    await tx.sessions.end_all(CARL, _now(), actor="test")
            if not await access.still_allowed(request, Hidden()):
                return
            yield f"data: {number}\n\n".encode()

    async def live(request: Request) -> StreamingResponse:
        return StreamingResponse(tell(request), media_type="text/event-stream")

    scene.app.routes.insert(0, Route("/live-there-will-be", live))
    async with scene.signed_in(CARL) as browser:
        answer = await browser.get("/live-there-will-be")
    assert re.findall(r"data: (\d)", answer.text) == ["0", "1", "2"]


async def test_your_sessions_are_listed_and_ended_and_nobody_elses(scene: Scene) -> None:
    async with scene.signed_in(CARL) as phone, scene.signed_in(CARL) as laptop, scene.signed_in(ANA) as ana:
        page = await laptop.get("/sessions")
        ids = re.findall(r'name="session" value="(\w{12})"', page.text)
        assert len(ids) == 2
        [hers] = re.findall(r'name="session" value="(\w{12})"', (await ana.get("/sessions")).text)
        assert hers not in ids
        nonce = nonce_in(page)
        await laptop.post("/sessions/end", data={"nonce": nonce, "session": hers})
        assert (await ana.get("/")).status_code == 200
        stolen = await ana.post("/sessions/end", data={"nonce": nonce, "session": ids[0]})
        assert stolen.status_code == 403, "a form of one session fits no other"
        own = re.findall(r'this browser.*?value="(\w{12})"', page.text, re.DOTALL)[0]
        [phones] = [id for id in ids if id != own]
        await laptop.post("/sessions/end", data={"nonce": nonce, "session": phones})
        assert (await phone.get("/")).status_code == 403
        assert (await laptop.get("/")).status_code == 200
        await laptop.post("/sessions/end", data={"nonce": nonce, "session": own})
        assert (await laptop.get("/")).status_code == 403
    assert {(r.actor, r.via) for r in await records(scene, "session.ended")} == {(CARL, "desk")}


async def test_signing_out_takes_the_cookie_too(scene: Scene) -> None:
    async with scene.signed_in(CARL) as browser:
        page = await browser.get("/sessions")
        own = re.findall(r'name="session" value="(\w{12})"', page.text)[0]
        answer = await browser.post("/sessions/end", data={"nonce": nonce_in(page), "session": own})
        assert "signed out" in answer.text
        assert COOKIE not in browser.cookies


async def test_behind_https_the_cookie_is_bound_to_this_host(scene: Scene) -> None:
    scene.set_desk(public_url="https://desk.example")
    transport = httpx.ASGITransport(app=scene.app)
    async with httpx.AsyncClient(transport=transport, base_url="https://desk.test") as browser:
        page = await browser.get("/", params={"key": scene.key})
        cookie = page.headers["set-cookie"]
        assert cookie.startswith(f"__Host-{COOKIE}=")
        assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
        assert "domain" not in cookie.lower()
        assert (await browser.get("/")).status_code == 200


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}])
async def test_no_form_of_the_desk_is_taken_from_another_site(scene: Scene, headers: dict[str, str]) -> None:
    async with scene.signed_in(IDA, **headers) as browser:
        for path in ("/incidents/INC-1/act", "/incidents/INC-1/restrict", "/sessions/end", "/anything-there-will-be"):
            assert (await browser.post(path, data={"nonce": "x"})).status_code == 403


async def test_a_person_who_is_signed_in_acts_without_saying_who_they_are(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acts._submitted, "_levels", {})
    async with scene.signed_in(IDA) as browser, scene.signed_in(CARL) as other:
        page = await browser.get("/incidents/INC-1/act")
        assert 'name="person"' not in page.text
        assert 'name="code"' not in page.text
        rating = {"act": "rate", "severity": "SEV3", "type": "service_failure", "reason": "I looked"}
        theirs = nonce_in(await other.get("/incidents/INC-1/act"))
        stolen = await browser.post("/incidents/INC-1/act", data=rating | {"nonce": theirs})
        assert stolen.status_code == 403, "a form of another session"
        refused = await other.post("/incidents/INC-1/act", data=rating | {"nonce": theirs, "person": IDA})
        assert refused.status_code == 409, "who is signed in acts, whatever the form says"
        answer = await browser.post("/incidents/INC-1/act", data=rating | {"nonce": nonce_in(page)})
        assert answer.status_code == 303
    [assessed] = await records(scene, "incident.assessed")
    assert (assessed.actor, assessed.via) == (IDA, "desk")


@pytest.mark.parametrize(
    ("method", "ago", "settings", "asks"),
    [
        (Method.LINK, 0, {}, True),
        (Method.OIDC, 0, {}, False),
        (Method.OIDC, 14, {}, False),
        (Method.OIDC, 15, {}, True),
        (Method.OIDC, 0, {"fresh_minutes": 0}, True),
        (Method.LINK, 0, {"confirm_with_code": False}, False),
    ],
)
async def test_what_is_grave_asks_for_a_code_unless_a_provider_has_just_vouched(
    scene: Scene, method: Method, ago: int, settings: dict[str, object], asks: bool
) -> None:
    scene.set_desk(**settings)
    async with scene.signed_in(ANA, method, ago=timedelta(minutes=ago)) as browser, scene.here.store.reading() as tx:
        session = await tx.sessions.find(_hash(scene, browser))
    assert session is not None
    ana = next(p for p in PEOPLE if p.email == ANA)
    signed_in = {SIGNED_IN: SignedIn(session, ana)}
    request = Request({"type": "http", "app": scene.app, "headers": [], **signed_in})
    assert asks_code(request, grave=True) is asks
    assert asks_code(request, grave=False) is False
    nameless = Request({"type": "http", "app": scene.app, "headers": [], SIGNED_IN: SignedIn(session, None)})
    assert asks_code(nameless, grave=False) is True


async def test_with_the_desk_key_who_acts_still_says_and_proves_who_they_are(scene: Scene) -> None:
    async with scene.here.store.transaction() as tx:
        uri = await tx.codes.enrol(IDA)
    code = pyotp.parse_uri(uri).at(int(time.time()))
    async with scene.at_the_desk() as browser:
        nonce = nonce_in(await browser.get("/incidents/INC-1/restrict"))
        fields = {"nonce": nonce, "act": "restrict", "person_named": ANA, "reason": "x", "person": IDA}
        assert (await browser.post("/incidents/INC-1/restrict", data=fields)).status_code == 409
        assert (await browser.post("/incidents/INC-1/restrict", data=fields | {"code": code})).status_code == 200
        assert (await browser.get("/incidents/INC-1")).status_code == 404, "without a name it is not there"


async def test_a_link_for_one_thing_signs_nobody_in_and_the_other_way_round(by_mail: Scene) -> None:
    async with by_mail.browser() as browser:
        await ask(browser, ANA)
        [link] = mailed(by_mail)
        acting = urlsplit(acting_link(by_mail.here, "INC-1", IDA)).path
        assert (await browser.get(acting.replace("/act/", "/sign-in/link/"))).status_code == 403
    token = link.rpartition("/")[2]
    for read in (read_acting_link, read_link, read_reading_link):
        with pytest.raises(ValueError, match="not made by this installation"):
            read(by_mail.here, token)
    with pytest.raises(ValueError, match="not made by this installation"):
        read_on_it_link(by_mail.here, token, [ANA])


async def test_ways_in_that_did_not_open_are_on_record_but_not_without_end(scene: Scene) -> None:
    async with scene.browser() as guesser:
        for n in range(30):
            await guesser.get("/", params={"key": f"guess {n}"})
    refused = await records(scene, "session.refused")
    assert 0 < len(refused) <= 11
    assert "guess" not in str([r.model_dump() for r in refused])


@given(st.text(max_size=60))
@example("//evil.example")
@example("/\\evil.example")
@example("/\t/evil.example")
@example("https:evil.example")
@example("/sign-in/oidc")
@example("/日本")
@example("/x\r\nSet-Cookie: a=b")
def test_the_way_on_never_leaves_the_desk(text: str) -> None:
    path = own_path(text)
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\", "/sign-"))
    assert path.isprintable()
    assert path.isascii(), "a header carries it"
    assert "\\" not in path
    place = urlsplit(path)
    assert (place.scheme, place.netloc) == ("", "")

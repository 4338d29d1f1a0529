"""Signing in with an account elsewhere: whoever comes back must be who was sent, and proven by the provider, for us."""

import time
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import openid
import pytest
from at_the_desk import ANA, CARL, Scene

import config
from crisis.record import Record
from desk.access import COOKIE
from desk.sign_in_oidc import COOKIE as SENT

BACK = "http://127.0.0.1:8420/sign-in/oidc/back"


@pytest.fixture
async def provider(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[openid.Provider]:
    monkeypatch.setenv("FIRELINE_OIDC_CLIENT_SECRET", openid.SECRET)
    async with openid.serving() as found:
        scene.set_desk(oidc=config.OidcSettings(issuer=found.url, client_id=openid.CLIENT, name="Acme's accounts"))
        yield found
        assert found.wrong == [], "the client does as the standards ask"


async def sent(browser: httpx.AsyncClient, going_to: str = "/incidents/INC-1") -> str:
    """Begin, and let the provider agree: the way back, as a path of the desk."""
    begun = await browser.get("/sign-in/oidc", params={"next": going_to})
    assert begun.status_code == 303
    async with httpx.AsyncClient() as elsewhere:
        agreed = await elsewhere.get(begun.headers["location"])
    assert agreed.headers["location"].startswith(BACK)
    return agreed.headers["location"].removeprefix("http://127.0.0.1:8420")


async def records(scene: Scene, kind: str) -> list[Record]:
    async with scene.here.store.reading() as tx:
        return await tx.ledger.list(kind=kind)


async def test_a_stakeholder_comes_in_by_name_and_goes_where_they_wanted(
    scene: Scene, provider: openid.Provider
) -> None:
    async with scene.browser() as browser:
        locked = await browser.get("/incidents/INC-1")
        assert "Acme&#39;s accounts" in locked.text
        assert "/sign-in/oidc?next=/incidents/INC-1" in locked.text
        page = await browser.get(await sent(browser))
        assert page.headers["refresh"] == "0; url=/incidents/INC-1"
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(page.headers["set-cookie"].split("; "))
        assert SENT not in browser.cookies
        assert "Ana Almeida" in (await browser.get("/sessions")).text
    [begun] = await records(scene, "session.begun")
    assert (begun.actor, begun.via, begun.data["method"]) == (ANA, "oidc", "oidc")
    asked = provider.asked[0]
    for secret in (asked["state"], asked["nonce"], asked["code_challenge"], openid.SECRET):
        assert secret not in str([r.model_dump() for r in await records(scene, "session.begun")])


NOW = int(time.time())
FALSE = {
    "another audience": {"claims": {"aud": "another-app"}},
    "an audience besides us without azp": {"claims": {"aud": [openid.CLIENT, "another-app"]}},
    "made for another party": {"claims": {"aud": [openid.CLIENT, "another-app"], "azp": "another-app"}},
    "no audience": {"claims": {"aud": None}},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "another nonce": {"claims": {"nonce": "of another sign-in"}},
    "no nonce": {"claims": {"nonce": None}},
    "expired": {"claims": {"exp": NOW - 3600, "iat": NOW - 7200}},
    "no expiry": {"claims": {"exp": None}},
    "not valid yet": {"claims": {"nbf": NOW + 3600}},
    "from the future": {"claims": {"iat": NOW + 3600}},
    "no subject": {"claims": {"sub": None}},
    "unsigned": {"sign": "none"},
    "signed with the public key as a secret": {"sign": "HS256"},
    "signed by somebody else": {"sign": "other"},
    "signed in a way that was not announced": {"sign": "curve"},
    "address not verified": {"claims": {"email_verified": False}},
    "address verified in words": {"claims": {"email_verified": "true"}},
    "nothing said of verification": {"claims": {"email_verified": None}},
    "address is no text": {"claims": {"email": {"$ne": ""}}},
    "the access token is another": {"claims": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}},
}


@pytest.mark.parametrize("false", FALSE.values(), ids=FALSE)
async def test_what_the_provider_did_not_sign_for_us_just_now_lets_nobody_in(
    scene: Scene, provider: openid.Provider, false: dict[str, object]
) -> None:
    for name, value in false.items():
        setattr(provider, name, value)
    async with scene.browser() as browser:
        page = await browser.get(await sent(browser))
        assert page.status_code == 403
        assert COOKIE not in browser.cookies
        assert (await browser.get("/")).status_code == 403
    assert await records(scene, "session.begun") == []
    [refused] = await records(scene, "session.refused")
    assert refused.via == "oidc"
    assert "eyJ" not in str(refused.model_dump()), "no part of a token is on record"


async def test_only_the_browser_that_was_sent_comes_back_and_only_once(scene: Scene, provider: openid.Provider) -> None:
    async with scene.browser() as victim, scene.browser() as thief:
        back = await sent(victim)
        assert (await thief.get(back)).status_code == 403, "another browser has no cookie of it"
        other = await sent(thief)
        mixed = parse_qs(urlsplit(other).query)["code"][0]
        own = parse_qs(urlsplit(back).query)
        forged = {"state": "forged", "code": own["code"][0], "iss": own["iss"][0]}
        assert (await victim.get("/sign-in/oidc/back", params=forged)).status_code == 403
        cookie = victim.cookies[SENT]
        assert (await victim.get(back)).status_code == 200
        victim.cookies.clear()
        victim.cookies.set(SENT, cookie)
        assert (await victim.get(back)).status_code == 403, "the same answer again"
        swapped = {"state": own["state"][0], "code": mixed, "iss": own["iss"][0]}
        assert (await victim.get("/sign-in/oidc/back", params=swapped)).status_code == 403
    assert len(await records(scene, "session.begun")) == 1


async def test_a_code_of_another_sign_in_fits_no_verifier(scene: Scene, provider: openid.Provider) -> None:
    async with scene.browser() as one, scene.browser() as two:
        mine, other = parse_qs(urlsplit(await sent(one)).query), parse_qs(urlsplit(await sent(two)).query)
        injected = {"state": mine["state"][0], "iss": mine["iss"][0], "code": other["code"][0]}
        assert (await one.get("/sign-in/oidc/back", params=injected)).status_code == 403
    assert provider.wrong == ["a code that does not fit"]
    provider.wrong.clear()


@pytest.mark.parametrize("iss", ["", "https://evil.example"])
async def test_an_answer_of_another_provider_is_not_taken(scene: Scene, provider: openid.Provider, iss: str) -> None:
    async with scene.browser() as browser:
        back = parse_qs(urlsplit(await sent(browser)).query)
        given = {"state": back["state"][0], "code": back["code"][0], "iss": iss}
        assert (await browser.get("/sign-in/oidc/back", params=given)).status_code == 403


async def test_who_is_no_stakeholder_or_of_another_domain_does_not_come_in(
    scene: Scene, provider: openid.Provider
) -> None:
    provider.email = "eve@example.com"
    async with scene.browser() as browser:
        page = await browser.get(await sent(browser))
        assert page.status_code == 403
        assert "not among the stakeholders" in page.text
        provider.email = "ANA@Example.com"
        oidc = scene.here.settings.desk.oidc
        assert oidc is not None
        scene.set_desk(oidc=oidc.model_copy(update={"allowed_domains": ("acme.example",)}))
        assert (await browser.get(await sent(browser))).status_code == 403
        scene.set_desk(oidc=oidc.model_copy(update={"allowed_domains": ("EXAMPLE.com",)}))
        assert (await browser.get(await sent(browser))).status_code == 200
    [begun] = await records(scene, "session.begun")
    assert begun.data["person"] == ANA


async def test_the_address_is_asked_for_where_the_token_leaves_it_out(scene: Scene, provider: openid.Provider) -> None:
    provider.claims, provider.email = {"email": None, "email_verified": None}, CARL
    async with scene.browser() as browser:
        assert (await browser.get(await sent(browser))).status_code == 200
    [begun] = await records(scene, "session.begun")
    assert begun.actor == CARL


@pytest.mark.parametrize("going_to", ["//evil.example", "https://evil.example/", "/\\evil.example", "/sign-in", "x"])
async def test_the_way_on_is_a_page_of_this_desk(scene: Scene, provider: openid.Provider, going_to: str) -> None:
    async with scene.browser() as browser:
        page = await browser.get(await sent(browser, going_to))
        assert page.headers["refresh"] == "0; url=/"


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
)
async def test_a_provider_that_is_not_the_configured_one_gets_nobody(
    scene: Scene, provider: openid.Provider, said: dict[str, object]
) -> None:
    provider.metadata = said
    async with scene.browser() as browser:
        page = await browser.get("/sign-in/oidc")
    assert page.status_code == 502
    assert "location" not in page.headers


async def test_who_says_no_at_the_provider_is_told_plainly(scene: Scene, provider: openid.Provider) -> None:
    async with scene.browser() as browser:
        state = parse_qs(urlsplit(await sent(browser)).query)["state"][0]
        page = await browser.get("/sign-in/oidc/back", params={"error": "access_denied", "state": state})
    assert page.status_code == 403
    assert "you went back" in page.text


async def test_a_provider_that_does_not_answer_is_told_plainly(scene: Scene) -> None:
    scene.set_desk(oidc=config.OidcSettings(issuer="http://127.0.0.1:9", client_id="x"))
    async with scene.browser() as browser:
        page = await browser.get("/sign-in/oidc")
    assert page.status_code == 502
    assert "Traceback" not in page.text

"""Signing in at a real provider of OpenID Connect (oidc-provider, certified by the OpenID Foundation). About 10 s."""

import re
import sys
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "desk"))
from at_the_desk import ANA, CARL, Scene, _full_buckets, prepared, scene

import config

pytestmark = pytest.mark.slow
__all__ = ["_full_buckets", "prepared", "scene"]
DESK = "http://127.0.0.1:8420"


@pytest.fixture
async def desk(scene: Scene, openid_provider: str, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setenv("FIRELINE_OIDC_CLIENT_SECRET", "a-secret-of-the-test")
    scene.set_desk(oidc=config.OidcSettings(issuer=openid_provider, client_id="fireline"))
    return scene


async def come_back(address: str, email: str) -> str:
    """Sign in at the provider and agree, as a browser would; the address it leads back to."""
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(address)
        for _ in range(20):
            if 300 <= answer.status_code < 400:
                place = urljoin(str(answer.url), answer.headers["location"])
                if place.startswith(DESK):
                    return place.removeprefix(DESK)
                answer = await browser.get(place)
                continue
            action = re.search(r'<form[^>]* action="([^"]+)"', answer.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            assert action, answer.text
            assert prompt, answer.text
            fields = {"prompt": prompt[1], "login": email, "password": "x"}
            answer = await browser.post(urljoin(str(answer.url), action[1]), data=fields)
    raise AssertionError("the provider leads in circles")


async def test_a_stakeholder_signs_in_and_the_same_answer_counts_once(desk: Scene) -> None:
    async with desk.browser() as browser:
        begun = await browser.get("/sign-in/oidc", params={"next": "/incidents/INC-1"})
        back = await come_back(begun.headers["location"], ANA)
        page = await browser.get(back)
        assert page.status_code == 200, page.text
        assert page.headers["refresh"] == "0; url=/incidents/INC-1"
        assert "Ana Almeida" in (await browser.get("/sessions")).text
        assert (await browser.get(back)).status_code == 403


@pytest.mark.parametrize(
    ("email", "says"), [("eve@example.com", "not among the stakeholders"), (CARL, "has not verified")]
)
async def test_others_do_not(desk: Scene, email: str, says: str) -> None:
    async with desk.browser() as browser:
        begun = await browser.get("/sign-in/oidc")
        page = await browser.get(await come_back(begun.headers["location"], email))
        assert page.status_code == 403
        assert says in page.text
        assert (await browser.get("/")).status_code == 403


async def test_a_wrong_client_secret_lets_nobody_in(desk: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRELINE_OIDC_CLIENT_SECRET", "another-secret")
    async with desk.browser() as browser:
        begun = await browser.get("/sign-in/oidc")
        page = await browser.get(await come_back(begun.headers["location"], ANA))
    assert page.status_code == 502
    assert "another-secret" not in page.text

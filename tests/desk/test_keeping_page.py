"""``/keeping``: people of the law hold, release and erase; everybody sees what is held; nothing hidden is told."""

import re

import httpx
import pytest
from at_the_desk import ANA, HOSTILE, LENA, Scene

from crisis.access import Method
from desk import keeping
from tasks.restrict import restrict


@pytest.fixture(autouse=True)
def _full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping._submitted, "_levels", {})


def nonce_in(page: httpx.Response) -> str:
    found = re.search(r'name="nonce" value="([^"]+)"', page.text)
    assert found
    return found[1]


async def act(browser: httpx.AsyncClient, **fields: str) -> httpx.Response:
    nonce = nonce_in(await browser.get("/keeping"))
    return await browser.post(
        "/keeping", data={"nonce": nonce, **fields}, headers={"origin": "http://desk.test"}, follow_redirects=True
    )


async def test_a_hold_keeps_and_a_person_is_looked_for_before_they_are_erased(scene: Scene) -> None:
    scene.set_desk(confirm_with_code=False, public_url="http://desk.test")
    async with scene.signed_in(LENA, Method.OIDC) as browser:
        seen = await act(browser, act="look", author="mia")
        assert seen.status_code == 200
        assert "would be erased" in seen.text
        assert "posts that incidents rely on" in seen.text
        assert (await act(browser, act="hold", incident="INC-1", reason="a suit")).status_code == 200
        assert "INC-1</a> is held" in (await browser.get("/keeping")).text
        kept = await act(browser, act="erase", author="mia", reason="asked")
        assert "it is under legal hold" in kept.text
        again = await act(browser, act="release", incident="INC-1", reason="over")
        assert "Another person of the law must agree" in again.text
        refused = await act(browser, act="release", incident="INC-1", reason="over")
        assert refused.status_code == 409
        hostile = await act(browser, act="look", author=HOSTILE[:190])
        assert "<script>document" not in hostile.text


async def test_who_is_not_of_the_law_may_only_look_at_the_page(scene: Scene) -> None:
    scene.set_desk(confirm_with_code=False, public_url="http://desk.test")
    before = await scene.records()
    async with scene.signed_in(ANA, Method.OIDC) as browser:
        assert (await browser.get("/keeping")).status_code == 200
        for fields in ({"act": "hold", "incident": "INC-1"}, {"act": "erase", "author": "mia"}, {"act": "look"}):
            answer = await act(browser, reason="because", **fields)
            assert answer.status_code == 409
            assert "Only people of the law" in answer.text
    assert await scene.records() == before + 1  # the session


async def test_a_restricted_incident_is_not_told_of(scene: Scene) -> None:
    scene.set_desk(confirm_with_code=False, public_url="http://desk.test")
    await restrict(scene.here, "INC-1", (), actor="ida@example.com", reason="named")
    async with scene.signed_in(LENA, Method.OIDC) as browser:
        seen = await act(browser, act="look", author="mia")
        assert "INC-1" not in seen.text
        assert "incidents that you do not see" in seen.text

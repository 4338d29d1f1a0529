"""Signing in, sessions and restricting in a real browser: the cookies and forms hold, and the pages fit. About 15 s."""

import asyncio

import pytest
from at_the_desk import LENA, Scene
from test_desk_in_browser import SIZES, chromium, look, served
from test_signing_in import mailed

import config
from desk import sign_in

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_person_comes_in_by_mail_restricts_an_incident_and_signs_out(
    scene: Scene, size: str, scheme: str
) -> None:
    scene.set_desk(
        sign_in_by_email=True,
        oidc=config.OidcSettings(issuer="https://login.example", client_id="x", name="your Acme account"),
    )
    width, height = SIZES[size]
    async with served(scene) as address, chromium() as browser:
        page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
        await page.goto(f"{address}/incidents/INC-1")
        await look(page, f"sign-in-{size}-{scheme}")
        await page.get_by_label("Your e-mail address").fill("ida@example.com")
        await page.get_by_role("button", name="Send me a link").click()
        await page.get_by_role("heading", name="Look into your mail").wait_for()
        await asyncio.gather(*sign_in._under_way)
        await look(page, f"sign-in-asked-{size}-{scheme}")
        await page.goto(address + mailed(scene)[0])
        await look(page, f"sign-in-link-{size}-{scheme}")
        await page.get_by_role("button", name="Sign in").click()
        await page.wait_for_url(f"{address}/")
        await page.goto(f"{address}/incidents/INC-1/restrict")
        await look(page, f"restrict-{size}-{scheme}")
        await page.get_by_label("Lena Roth").check()
        await page.get_by_label("Why").fill("a person is named in it")
        await page.get_by_role("button", name="Restrict it to these").click()
        await page.get_by_role("heading", name="It is restricted").wait_for()
        await look(page, f"restricted-{size}-{scheme}")
        await page.get_by_role("link", name="Ida", exact=True).click()
        await page.get_by_role("heading", name="Where you are signed in").wait_for()
        await look(page, f"sessions-{size}-{scheme}")
        await page.get_by_role("button", name="Sign out here").click()
        await page.get_by_role("heading", name="You are signed out").wait_for()
        await page.goto(f"{address}/")
        assert "Sign in" in await page.inner_text("h1")
    async with scene.here.store.reading() as tx:
        found = await tx.restrictions.get("INC-1")
    assert found is not None
    assert LENA in found.people

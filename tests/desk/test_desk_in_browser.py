"""Every page in a real browser, on a phone and on a computer: nothing runs, nothing overflows, the flows work.

Takes about twenty seconds. Set ``FIRELINE_SCREENSHOTS`` to a folder to keep pictures of every page.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from at_the_desk import ANA, HOSTILE, LENA, NOON, Outgoing, Scene, assessment
from drawn import ALT, picture
from playwright.async_api import Browser, Page, async_playwright
from test_desk_pictures import with_picture

from crisis.incident import IncidentState
from desk.server import listen, serve
from tasks.links import acting_link, on_it_link, reading_link

pytestmark = pytest.mark.slow

CHROMIUM = "/usr/bin/chromium"
SIZES = {"phone": (390, 844), "computer": (1440, 900)}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@asynccontextmanager
async def served(scene: Scene) -> AsyncIterator[str]:
    listener, started = listen("127.0.0.1", 0), asyncio.Event()
    serving = asyncio.create_task(serve(scene.here, listener=listener, started=started))
    await asyncio.wait_for(started.wait(), 10)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


async def look(page: Page, name: str) -> None:
    """Nothing is wider than the screen, and no control is too small for a thumb."""
    await page.wait_for_load_state()  # before its style sheet is there, everything is wide
    width = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert width <= 0, f"{name} is {width} px too wide"
    small = await page.evaluate(
        "[...document.querySelectorAll('button, a.button, nav a, summary')].filter(e => e.offsetHeight < 40).length"
    )
    assert small == 0, f"{name} has {small} controls that a thumb misses"
    if folder := os.environ.get("FIRELINE_SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_fits_and_runs_nothing_of_hostile_posts(
    scene: Scene, outgoing: Outgoing, size: str, scheme: str
) -> None:
    width, height = SIZES[size]
    said: list[str] = []
    delivery = outgoing(scene.statement, "newsroom-bluesky")
    await (await scene.here.channel("newsroom-bluesky")).publish(delivery.rendering, delivery.id)
    async with served(scene) as address, chromium() as browser:
        page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("console", lambda message: said.append(message.text))
        await page.goto(f"{address}/")
        assert "fireline desk-link" in await page.inner_text("main")
        await look(page, f"locked-{size}-{scheme}")
        said.clear()  # browsers note the 403 in their console
        await page.goto(f"{address}/?key={scene.key}")
        await page.wait_for_url(f"{address}/")
        for name, path in {
            "now": "/",
            "record": "/record",
            "incident": "/incidents/INC-1?details=1",
            "sandbox": "/sandbox",
            "approve": scene.link(),
            "read": urlsplit(reading_link(scene.here, "INC-1", person=ANA)).path,
            "previews": urlsplit(reading_link(scene.here, "INC-1", statement="INC-1-S1", version=1)).path,
        }.items():
            await page.goto(address + path)
            assert await page.title() != "owned"
            assert await page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
            await look(page, f"{name}-{size}-{scheme}")
    assert said == []


@pytest.mark.parametrize("size", SIZES)
async def test_an_approver_sees_the_picture_whole_on_whatever_they_have_at_hand(scene: Scene, size: str) -> None:
    width, height = SIZES[size]
    scene = await with_picture(scene, picture(size=(1600, 900)))
    async with served(scene) as address, chromium() as browser:
        page = await browser.new_page(viewport={"width": width, "height": height})  # type: ignore[arg-type]
        await page.goto(address + scene.link())
        assert await page.evaluate("[...document.images].map(i => i.naturalWidth)") == [1600, 1600]
        assert await page.locator("figcaption").first.inner_text() == f"Alternative text {ALT}"
        await look(page, f"approve-picture-{size}")


async def test_two_people_approve_on_their_phones_and_it_is_out(scene: Scene) -> None:
    async with served(scene) as address, chromium() as browser:
        for approver, role in ((LENA, "legal"), (ANA, "comms")):
            phone = await browser.new_context(viewport={"width": 390, "height": 844})
            page = await phone.new_page()
            await page.goto(address + scene.link(approver, role))
            await page.click("text=Go to your answer")
            await page.click("button.yes")
            assert f"You approved this as {role}." in await page.inner_text("h1")
            await page.reload()
            assert f"You approved this as {role}." in await page.inner_text("h1")
            await phone.close()
    assert sorted(await scene.decisions()) == [(ANA, "approve"), (LENA, "approve")]


async def test_a_page_of_another_site_cannot_send_the_form(scene: Scene) -> None:
    async with served(scene) as address, chromium() as browser:
        page = await browser.new_page()
        await page.goto(address + scene.link())
        nonce = await page.locator("input[name=nonce]").first.input_value()
        form = (
            f'<form method="post" action="{address}{scene.link()}"><input name="nonce" value="{nonce}">'
            '<input name="verdict" value="approve"><button>Win a prize</button></form>'
        )
        await page.goto("about:blank")
        await page.set_content(form)
        await page.click("button")
        assert "did not come from the approval page" in await page.inner_text("h1")
    assert await scene.decisions() == []


async def test_a_link_from_another_site_opens_a_page_of_a_running_session(scene: Scene) -> None:
    async with served(scene) as address, chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"{address}/?key={scene.key}")
        await page.wait_for_url(f"{address}/")
        await page.goto("data:text/html,<a href='" + address + "/incidents/INC-1'>from webmail</a>")
        await page.click("a")
        await page.wait_for_selector("text=Waits for")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_one_thumb_takes_an_incident_on(scene: Scene, scheme: str) -> None:
    said: list[str] = []
    async with scene.here.store.transaction() as tx:
        opened = {"opened_at": NOON, "started_at": NOON, "lead": "ida@example.com", "actor": "detector"}
        incident = await tx.incidents.open(watch="acme", title=f"Acme: {HOSTILE}", assessment=assessment(), **opened)
    async with served(scene) as address, chromium() as browser:
        phone = await browser.new_context(viewport={"width": 390, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
        page = await phone.new_page()
        page.on("dialog", lambda dialog: said.append(dialog.message))
        await page.goto(address + urlsplit(on_it_link(scene.here, incident.id, ANA)).path)
        button = await page.locator("button.yes").bounding_box()
        assert button
        assert button["y"] + button["height"] < 844, "the button is there without scrolling"
        await look(page, f"on-it-{scheme}")
        await page.click("button.yes")
        await page.wait_for_selector("text=You are on it")
        await look(page, f"on-it-mine-{scheme}")
        await page.goto(address + urlsplit(on_it_link(scene.here, incident.id, LENA)).path)
        assert "Ana Almeida is on it" in await page.inner_text("main")
        await look(page, f"on-it-others-{scheme}")
        await page.click("text=Read all about it")
        await page.wait_for_load_state()
        assert "/read/" in page.url
    assert said == []


@pytest.mark.parametrize("size", SIZES)
async def test_a_candidate_is_confirmed_by_thumb(scene: Scene, size: str) -> None:
    width, height = SIZES[size]
    said: list[str] = []
    async with scene.here.store.transaction() as tx:
        waiting = await tx.incidents.open(
            watch="acme",
            title=f"Acme: {HOSTILE}",
            assessment=assessment(),
            opened_at=NOON,
            started_at=NOON,
            lead="ida@example.com",
            state=IncidentState.CANDIDATE,
            actor="detector",
        )
    async with served(scene) as address, chromium() as browser:
        page = await browser.new_page(viewport={"width": width, "height": height})
        page.on("dialog", lambda dialog: said.append(dialog.message))
        await page.goto(f"{address}/?key={scene.key}")
        await page.goto(f"{address}/incidents/{waiting.id}")
        await look(page, f"candidate-{size}")
        await page.click("text=Confirm or dismiss")
        await page.wait_for_load_state()
        await look(page, f"act-at-desk-{size}")
        await page.goto(address + urlsplit(acting_link(scene.here, waiting.id, "ida@example.com")).path)
        await look(page, f"act-by-link-{size}")
        await page.click("button.yes")
        assert await page.inner_text("h1") == "Is this real?", "the browser asks for a reason first"
        await page.fill("#confirm-reason", "I see it in the shop myself")
        await page.click("button.yes")
        await page.wait_for_load_state()
        assert "the response runs" in await page.inner_text("main")
        await look(page, f"act-done-{size}")
    assert said == []
    async with scene.here.store.reading() as tx:
        assert (await tx.incidents.get(waiting.id)).state is not IncidentState.CANDIDATE

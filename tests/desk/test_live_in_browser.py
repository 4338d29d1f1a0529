"""Live pages in a real browser: a change arrives without a reload and takes nothing away from whoever is at the page.

Takes about twenty seconds. Set ``FIRELINE_SCREENSHOTS`` to a folder to keep pictures.
"""

import asyncio
from datetime import timedelta

import pytest
from at_the_desk import ANA, HOSTILE, NOON, Outgoing, Scene, assessment
from playwright.async_api import Page
from test_desk_in_browser import SIZES, chromium, look
from test_desk_pages import on_the_way

from crisis.delivery import DeliveryState
from crisis.reaction import Observation, Reaction
from crisis.triage import Factor, Narrative
from crisis.values import Severity
from desk.server import listen, serve

pytestmark = pytest.mark.slow


class Desk:
    """The desk on a port that stays the same when it is stopped and started again."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._serving: asyncio.Task[None] | None = None
        self._listener = listen("127.0.0.1", 0)
        self.port = self._listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "Desk":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        started = asyncio.Event()
        listener = self._listener if self._serving is None else listen("127.0.0.1", self.port)
        self._serving = asyncio.create_task(serve(self._scene.here, listener=listener, started=started))
        await asyncio.wait_for(started.wait(), 10)

    async def stop(self) -> None:
        assert self._serving is not None
        self._serving.cancel()
        await asyncio.gather(self._serving, return_exceptions=True)


async def at(page: Page, desk: Desk, scene: Scene, path: str) -> None:
    """Open a page of the desk and wait until it is live."""
    await page.goto(f"{desk.address}/?key={scene.key}")
    await page.wait_for_url(f"{desk.address}/")
    await page.goto(desk.address + path)
    await page.wait_for_selector("#line:text-is('Live')")


async def raised(scene: Scene, severity: Severity, hostile: str = "") -> None:
    """A new assessment, with hostile words wherever words may be."""
    narratives = (Narrative(id="n9", label=hostile or "new", size=77, quote=hostile),)
    factors = (Factor(name="volume", value=1, says=hostile or "more"),)
    told = assessment(severity=severity, narratives=narratives, factors=factors)
    async with scene.here.store.transaction() as tx:
        await tx.incidents.assess("INC-1", told, actor="triage")


@pytest.mark.parametrize("size", SIZES)
async def test_a_change_arrives_without_a_reload_and_hostile_posts_stay_text(scene: Scene, size: str) -> None:
    width, height = SIZES[size]
    said: list[str] = []
    async with Desk(scene) as desk, chromium() as browser:
        page = await browser.new_page(viewport={"width": width, "height": height})
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error.stack)))
        await at(page, desk, scene, "/incidents/INC-1")
        await page.evaluate("window.stayed = true")
        await raised(scene, Severity.SEV1, HOSTILE)
        await page.wait_for_selector("#f-head .sev-1")
        await page.wait_for_selector("#f-said >> text=77 posts")
        assert await page.evaluate("window.stayed"), "the page was not loaded anew"
        assert await page.title() != "owned"
        assert await page.evaluate("document.querySelectorAll('#f-said script, #f-said img, #f-why a').length") == 0
        assert await page.inner_text("#said") == "INC-1: now SEV1, before SEV2" or await page.inner_text("#said") == ""
        await look(page, f"room-live-{size}")
        await at(page, desk, scene, "/")
        await raised(scene, Severity.SEV3, HOSTILE)
        await page.wait_for_selector("#f-incidents .sev-3")
        await look(page, f"now-live-{size}")
    assert said == [], "\n".join(said)


async def test_what_somebody_types_marks_opens_or_points_at_survives_a_change(scene: Scene) -> None:
    async with Desk(scene) as desk, chromium() as browser:
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        await at(page, desk, scene, "/incidents/INC-1")
        await page.click("#f-head details summary")
        await page.focus("#f-head a.next")
        await raised(scene, Severity.SEV1)
        await page.wait_for_selector("#f-head .sev-1")
        assert await page.evaluate("document.querySelector('#f-head details').open")
        assert await page.evaluate("document.activeElement.matches('#f-head a.next')")

        await page.evaluate(
            "document.querySelector('#f-head').insertAdjacentHTML('beforeend', '<input id=note><button id=other>x</button>')"
        )
        await page.type("#note", "Sven is callin")
        await raised(scene, Severity.SEV2)
        await page.wait_for_selector("#f-why >> text=SEV2")
        await page.type("#note", "g")
        assert await page.input_value("#note") == "Sven is calling"
        assert await page.locator("#f-head .sev-1").count() == 1, "the piece waits while somebody types in it"
        await page.fill("#note", "")
        await page.focus("#f-why summary")
        await page.wait_for_selector("#f-head .sev-2")
        assert await page.locator("#note").count() == 0


async def test_a_lost_line_is_said_with_its_time_and_what_was_missed_comes_when_it_is_back(scene: Scene) -> None:
    async with Desk(scene) as desk, chromium() as browser:
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        await at(page, desk, scene, "/incidents/INC-1")
        await desk.stop()
        await page.wait_for_selector("#line >> text=Not live since 12:00 UTC")
        line = await page.locator("#line").bounding_box()
        assert line
        assert line["y"] + line["height"] <= 844, "it is said where it is seen, wherever the page is scrolled to"
        await look(page, "room-not-live")
        await raised(scene, Severity.SEV1)
        await desk.start()
        await page.wait_for_selector("#f-head .sev-1", timeout=30_000)
        await page.wait_for_selector("#line:text-is('Live')")


async def test_clocks_run_by_the_servers_time(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desk.page.speed_of", lambda clock: 200.0)
    monkeypatch.setattr("desk.live.speed_of", lambda clock: 200.0)
    async with Desk(scene) as desk, chromium() as browser:
        page = await browser.new_page()
        await at(page, desk, scene, "/incidents/INC-1")
        clock = page.locator("#f-head .clock time").first
        first = await clock.inner_text()
        async with asyncio.timeout(20):
            while await clock.inner_text() == first:
                await asyncio.sleep(0.1)
        assert first.startswith("in 1")
        await page.wait_for_selector("#f-head .clock-late", timeout=20_000)


async def test_without_scripts_the_page_is_whole(scene: Scene) -> None:
    async with Desk(scene) as desk, chromium() as browser:
        context = await browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
        page = await context.new_page()
        await page.goto(f"{desk.address}/?key={scene.key}")
        await page.goto(f"{desk.address}/incidents/INC-1")
        text = await page.inner_text("body")
        assert "in 12 min" in text
        assert "As of 01 Mar 2026" in text
        assert await page.locator("a.button >> text=Refresh").count() == 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_night_in_the_war_room_fits(scene: Scene, outgoing: Outgoing, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    for channel in ("newsroom-mastodon", "status-page"):
        await on_the_way(scene, outgoing(scene.statement, channel), to=DeliveryState.ACCEPTED)
    problem = "no answer in time"
    await on_the_way(scene, outgoing(scene.statement, "customer-list"), to=DeliveryState.UNKNOWN, problem=problem)
    scene.clock.move(timedelta(minutes=75))
    seen = Observation(
        incident="INC-1",
        at=NOON + timedelta(minutes=15),
        statement="INC-1-S1",
        window=timedelta(minutes=15),
        mentions=300,
        authors=240,
        negative_share=0.5,
        before_mentions=500,
        before_authors=412,
        before_negative_share=0.81,
        verdict=Reaction.CALMING,
        calm=False,
        says="240 authors in 15 min, 50% negative; before the statement 412 authors, 81% negative: it is calming",
    )
    async with scene.here.store.transaction() as tx:
        await tx.observations.add(seen)
        await tx.ledger.append("incident.acknowledged", incident="INC-1", actor=ANA)
        await tx.incidents.open(
            watch="acme",
            title=f"Acme: {HOSTILE}",
            assessment=assessment(severity=Severity.SEV1),
            opened_at=NOON + timedelta(minutes=70),
            started_at=NOON + timedelta(minutes=60),
            actor="detector",
        )
    async with Desk(scene) as desk, chromium() as browser:
        page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
        for path, name in (("/incidents/INC-1", "room"), ("/incidents/INC-2", "room-hostile"), ("/", "now")):
            await at(page, desk, scene, path)
            await look(page, f"{name}-night-{size}-{scheme}")
            first = await page.locator("a.next").first.bounding_box()
            assert first
            assert first["y"] + first["height"] < height, "the next step is there without scrolling"

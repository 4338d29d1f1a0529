"""Writing, deciding and answering in a real browser: on a computer and by thumb, with scripts and without.

Takes about a minute. Set ``FIRELINE_SCREENSHOTS`` to a folder to keep pictures of every page.
"""

import io
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from at_the_desk import ANA, CARL, HOSTILE, LENA, NOON, TEXT, Outgoing, Scene
from PIL import Image
from playwright.async_api import Page, expect
from test_desk_in_browser import SIZES, chromium, look, served
from test_statement_desk import code, statement, status

import integrations
from config import ChannelSettings
from crisis.delivery import Delivery, DeliveryState
from crisis.fact import Fact, FactStatus
from crisis.rendering import mail_html
from records import StatementStatus

pytestmark = pytest.mark.slow
PAGE = "/statements/INC-1-S1/1"
GOOD = TEXT.replace("https://acme", "Talk to us: https://acme")


@asynccontextmanager
async def at_the_desk(
    scene: Scene, size: str = "computer", scheme: str = "light", *, scripts: bool = True
) -> AsyncIterator[tuple[Page, str]]:
    """A page of a browser with a session, and the desk's address; nothing may be said by dialogs or the console."""
    width, height = SIZES[size]
    said: list[str] = []
    async with served(scene) as address, chromium() as browser:
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,  # type: ignore[arg-type]
            java_script_enabled=scripts,
        )
        page = await context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        await page.goto(f"{address}/?key={scene.key}")
        await page.wait_for_url(f"{address}/")
        yield page, address
        assert [s for s in said if "409" not in s] == []


async def doubtful(scene: Scene) -> None:
    """A fact that nobody has confirmed, in a stranger's words."""
    async with scene.here.store.transaction() as tx:
        fact = Fact(
            id=await tx.facts.next_id("INC-1"),
            incident="INC-1",
            text=f"A supplier caused it {HOSTILE[:80]}",
            status=FactStatus.UNCONFIRMED,
            owner="ida@example.com",
            updated_at=NOON,
        )
        await tx.facts.put(fact, actor="ida@example.com")


async def unknown(scene: Scene, delivery: Delivery) -> Delivery:
    """The delivery, sent without an answer, in front of a person."""
    async with scene.here.store.transaction() as tx:
        await tx.outbox.enqueue(delivery, actor="test")
        await tx.outbox.arm(delivery.id, owner="test", lease_seconds=60, actor="test")
        await tx.outbox.settle(
            delivery.id, DeliveryState.UNKNOWN, problem="the connection was reset", needs_human=True, actor="test"
        )
        return await tx.outbox.get(delivery.id)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_of_the_statement_desk_fits(scene: Scene, outgoing: Outgoing, size: str, scheme: str) -> None:
    await doubtful(scene)
    await unknown(scene, outgoing(scene.statement, "newsroom-bluesky"))
    async with at_the_desk(scene, size, scheme) as (page, address):
        for name, path in {
            "statements": "/incidents/INC-1/statements",
            "draft": "/incidents/INC-1/draft?kind=update",
            "deliveries": "/deliveries",
            "deliveries-incident": "/incidents/INC-1/deliveries",
            "statement": PAGE,
        }.items():
            await page.goto(address + path)
            await look(page, f"{name}-{size}-{scheme}")
        await page.fill("#body", f"{GOOD} It only affects a few of you. {HOSTILE}")
        await page.wait_for_selector("text=makes the harm small")
        await look(page, f"statement-hostile-{size}-{scheme}")
        assert await page.title() != "owned"
        await page.evaluate("window.onbeforeunload = null")


@pytest.mark.parametrize("size", SIZES)
async def test_a_text_is_typed_mended_saved_proposed_and_approved(scene: Scene, size: str) -> None:
    async with at_the_desk(scene, size) as (page, address):
        await page.goto(address + PAGE)
        await page.fill("#body", "")
        await page.locator("#body").press_sequentially("We know it. It only affects a few of you.")
        await page.wait_for_selector("text=makes the harm small")
        assert "to mend before it can be proposed" in await page.inner_text("#verdict")
        assert await page.evaluate("document.activeElement.id") == "body", "a check takes nobody's cursor away"
        await page.click(".to-mark >> text=only affects")
        chosen = "const b = document.getElementById('body'); b.value.slice(b.selectionStart, b.selectionEnd)"
        assert await page.evaluate(chosen) == "only affects"
        await page.click("text=Take out “only”")
        await expect(page.locator("#body")).to_have_value("We know it. It affects a few of you.")
        before = await page.inner_text(".look-bluesky .count >> nth=0")
        await page.fill("#body", f"{GOOD.replace('Next update by 13:00 UTC: ', '')}. It only affects a few of you.")
        await page.wait_for_selector("#margin >> text=only affects")
        await look(page, f"statement-notes-{size}")
        await page.fill("#body", GOOD)
        await page.wait_for_selector(".look-bluesky >> text=Post 1 of 2")
        assert before != await page.inner_text(".look-bluesky .count >> nth=0")
        await expect(page.locator("#verdict")).to_contain_text("Nothing keeps it")
        await page.select_option("#save-person", CARL)
        await page.fill("#save-code", await code(scene, CARL))
        await page.click("text=Save and ask for approval")
        await page.wait_for_url(f"{address}/statements/INC-1-S1/2")
        assert await status(scene, 2) is StatementStatus.PROPOSED
        await page.click("text=Go to your answer")
        await page.select_option("#approve-person", ANA)
        await page.fill("#approve-code", await code(scene, ANA))
        await page.click("#decide button.yes")
        await page.wait_for_selector("text=As it was published")
        await look(page, f"statement-published-{size}")
    assert await status(scene, 2) is StatementStatus.PUBLISHED


async def test_everything_works_without_scripts(scene: Scene) -> None:
    async with at_the_desk(scene, "phone", scripts=False) as (page, address):
        await page.goto(address + PAGE)
        await page.fill("#body", f"{GOOD} It only affects a few of you.")
        await page.click("text=Check")
        await page.click("text=Take out “only”")
        assert "It affects a few of you." in await page.input_value("#body")
        await page.select_option("#save-person", CARL)
        await page.fill("#save-code", await code(scene, CARL))
        await page.click("text=Save only")
        assert page.url.endswith("/statements/INC-1-S1/2")
    assert (await statement(scene)).body.endswith("It affects a few of you.")


async def test_two_people_write_at_once_in_two_browsers(scene: Scene) -> None:
    async with at_the_desk(scene) as (page, address):
        other = await page.context.new_page()
        for one in (page, other):
            await one.goto(address + PAGE)
        await page.fill("#body", f"{GOOD} Mine.")
        await other.fill("#body", f"{GOOD} Theirs.")
        await other.select_option("#save-person", CARL)
        await other.fill("#save-code", await code(scene, CARL))
        await other.click("text=Save only")
        await other.wait_for_url(f"{address}/statements/INC-1-S1/2")
        await page.locator("#body").press("End")
        await page.locator("#body").press_sequentially(" So")
        await page.wait_for_selector("text=Somebody else has saved a version meanwhile.")
        await page.select_option("#save-person", LENA)
        await page.fill("#save-code", await code(scene, LENA))
        await page.click("text=Save only")
        await page.wait_for_selector("text=Nothing of yours is lost")
        assert "Mine." in await page.input_value("#body")
        assert "Theirs" in await page.inner_text(".diff del")
        await look(page, "statement-two-writers")


@pytest.mark.parametrize("size", SIZES)
async def test_an_unknown_delivery_is_answered(scene: Scene, outgoing: Outgoing, size: str) -> None:
    post = await unknown(scene, outgoing(scene.statement, "newsroom-bluesky"))
    async with at_the_desk(scene, size) as (page, address):
        await page.goto(f"{address}/deliveries")
        await page.select_option("#answer-1-person", "ida@example.com")
        await page.fill("#answer-1-code", await code(scene, "ida@example.com"))
        await page.fill("#answer-1-reason", "I see it on their page")
        await page.fill("#answer-1-link", "https://bsky.example/post/1")
        await page.click("button[value=there]")
        await page.wait_for_url(f"{address}/deliveries")
        assert "Nothing is open" in await page.inner_text("main")
        await page.goto(f"{address}/incidents/INC-1/deliveries")
        assert await page.get_attribute("text=See it there", "href") == "https://bsky.example/post/1"
    async with scene.here.store.reading() as tx:
        assert (await tx.outbox.get(post.id)).state is DeliveryState.RECONCILED


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_mail_can_be_read_in_a_light_and_in_a_dark_reader(scheme: str) -> None:
    body = f"{TEXT}\n\nWrite to care@acme.example.\n\nنعتذر لجميع العملاء. التحديث التالي 13:00 UTC."
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)  # type: ignore[arg-type]
        await page.set_content(mail_html("Payments by app fail just now", body, "en"))
        if folder := os.environ.get("FIRELINE_SCREENSHOTS"):
            await page.screenshot(path=Path(folder) / f"mail-{scheme}.png", full_page=True)
        for element in ("h1", "p", "a"):
            assert await contrast(page, element) >= 4.5, f"{element} in a {scheme} reader"
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def contrast(page: Page, element: str) -> float:
    """The contrast of an element's words with the ground of the mail (WCAG 2.2, relative luminance)."""
    colour = await page.evaluate(f"getComputedStyle(document.querySelector('{element}')).color")
    words = tuple(int(n) for n in re.findall(r"\d+", colour)[:3])
    seen = Image.open(io.BytesIO(await page.screenshot())).convert("RGB")
    light, dark = sorted((luminance(words), luminance(seen.getpixel((2, 2)))), reverse=True)  # type: ignore[arg-type]
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: tuple[int, ...]) -> float:
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (n / 255 for n in colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_platform_has_its_own_look(scene: Scene, size: str, scheme: str) -> None:
    kinds = [k for k in integrations.kinds("channel") if k not in ("sandbox", "instagram")]
    channels = tuple(ChannelSettings(name=k.replace("_", "-"), kind="sandbox", looks_like=k) for k in kinds)
    scene.here.settings = scene.here.settings.model_copy(update={"channels": channels})
    async with at_the_desk(scene, size, scheme) as (page, address):
        await page.goto(f"{address}/incidents/INC-1/draft?kind=update")
        assert await page.locator("#previews .post").count() == len(kinds)
        text = f"{GOOD} Ask @ana@social.example #acme 👨‍👩‍👧‍👦 {'We read every report. ' * 12}نعتذر لجميع العملاء."
        await page.fill("#body", text)
        await page.wait_for_selector(".look-bluesky >> text=Post 1 of 3")
        await look(page, f"previews-{size}-{scheme}")
        poor = await page.evaluate(POOR_CONTRAST)
        assert poor == []


POOR_CONTRAST = """() => {
  const linear = v => v / 255 <= .04045 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  const rgb = c => c.match(/[\\d.]+/g).map(Number);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const found = new Set();
  for (const e of document.querySelectorAll('main *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !e.checkVisibility()) continue;
    const a = light(rgb(getComputedStyle(e).color).slice(0, 3)), b = light(ground(e).slice(0, 3));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const where = e.closest('.post')?.className || '';
    if (ratio < 4.5) found.add(`${where} ${e.tagName}.${e.className}: ${ratio.toFixed(2)}`);
  }
  return [...found];
}"""
"""Elements of the page whose own words have less than 4.5:1 on their ground (WCAG 2.2, 1.4.3)."""

"""Deciding at the desk in a real browser: it fits a phone, a thumb hits everything, and a person gets through it.

Some ten seconds. Set ``FIRELINE_SCREENSHOTS`` to a folder to keep pictures.
"""

from datetime import timedelta

import pytest
from at_the_desk import ANA, HOSTILE, LENA, Scene
from test_decide import WHY, code_of
from test_desk_in_browser import SIZES, chromium, look, served

from crisis.approval import Verdict, Via
from tasks.approve import decide
from tasks.delegate import delegate

pytestmark = pytest.mark.slow

IDA = "ida@example.com"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_turn_is_handed_on_taken_back_and_the_glass_broken_by_hand(
    scene: Scene, size: str, scheme: str
) -> None:
    width, height = SIZES[size]
    said: list[str] = []
    await delegate(scene.here, delegator=LENA, to=IDA, lasts=timedelta(hours=4), reason=HOSTILE)
    await decide(
        scene.here, statement=scene.statement.id, version=1, content_hash=scene.statement.content_hash, approver=ANA,
        role="comms", verdict=Verdict.APPROVE, via=Via.DESK, reason=HOSTILE,
    )  # fmt: skip
    async with served(scene) as address, chromium() as browser:
        page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("console", lambda message: said.append(message.text))
        await page.goto(f"{address}/?key={scene.key}")
        await page.wait_for_url(f"{address}/")
        where = f"{address}/statements/{scene.statement.id}/decide"
        await page.goto(where)
        for summary in await page.locator("details > summary").all():
            await summary.click()
        await look(page, f"decide-{size}-{scheme}")
        await page.goto(address + scene.link())
        await look(page, f"approve-take-back-{size}-{scheme}")
        await page.goto(address + scene.link(LENA, "legal"))
        await page.click("summary")
        await look(page, f"approve-hand-on-{size}-{scheme}")
        await page.goto(where)
        await page.click("text=It cannot wait: break the glass")
        await page.select_option("#break_glass-person", IDA)
        await page.fill("#break_glass-code", await code_of(scene, IDA))
        await page.fill("#break_glass-reason", "hurry")
        await page.click("text=Break the glass and publish now")
        assert page.url == where, "the browser asks for more first"
        await page.fill("#break_glass-reason", WHY)
        await page.click("text=Break the glass and publish now")
        await page.wait_for_selector("text=Out without its approvals")
        await look(page, f"decide-glass-{size}-{scheme}")
        await page.goto(f"{address}/incidents/{scene.incident.id}")
        await look(page, f"incident-glass-{size}-{scheme}")
    assert said == []

"""Approvers see why a text says what it says; what was published and no longer holds is marked where everybody looks."""

import pytest
from at_the_desk import ANA, HOSTILE, LENA, Scene
from test_desk_in_browser import SIZES, chromium, look, served

from crisis.approval import Verdict, Via
from crisis.fact import FactStatus
from tasks.approve import decide
from tasks.draft import save_fact


@pytest.fixture
async def doubtful(scene: Scene) -> Scene:
    """Its statement is out, and a fact that it relied on has changed, in words that attack."""
    for approver, role in ((LENA, "legal"), (ANA, "comms")):
        await decide(
            scene.here,
            statement=scene.statement.id,
            version=scene.statement.version,
            content_hash=scene.statement.content_hash,
            approver=approver,
            role=role,
            verdict=Verdict.APPROVE,
            via=Via.DESK,
        )
    fact = scene.statement.facts[0]
    text = HOSTILE.replace("\u202e", "")
    update = {"text": text, "status": FactStatus.CONFIRMED, "evidence": "ticket 412"}
    await save_fact(scene.here, fact.model_copy(update=update), actor=ANA)
    return scene


async def test_an_approver_sees_the_rule_the_evidence_what_was_ruled_out_and_what_sentences_do(scene: Scene) -> None:
    async with scene.browser() as browser:
        page = (await browser.get(scene.link())).text
    for words in ("Why these words", "Ruled out", "deny</strong>", "Coombs, W. T.", "responsibility is accidental"):
        assert words in page, words
    assert "mortification" in page
    assert "corrective action" in page


async def test_what_no_longer_holds_is_marked_with_what_changed_and_the_facts_history(doubtful: Scene) -> None:
    was = doubtful.statement.facts[0]
    async with doubtful.at_the_desk() as browser:
        page = (await browser.get("/incidents/INC-1")).text
    assert "It no longer holds." in page
    assert "no longer holds: INC-1" in page, "the timeline tells it, too"
    assert f"{was.status.value}, {was.text}" in page
    assert "ticket 412" in page
    assert "<script>document" not in page


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_both_pages_fit_and_run_nothing(doubtful: Scene, size: str, scheme: str) -> None:
    width, height = SIZES[size]
    said: list[str] = []
    async with served(doubtful) as address, chromium() as browser:
        page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
        page.on("dialog", lambda dialog: said.append(dialog.message))
        await page.goto(f"{address}/?key={doubtful.key}")
        for name, path in {"doubt": "/incidents/INC-1", "reasons": doubtful.link()}.items():
            await page.goto(address + path)
            for summary in await page.locator("details summary").all():
                await summary.click()
            assert await page.title() != "owned"
            await look(page, f"{name}-{size}-{scheme}")
    assert said == []

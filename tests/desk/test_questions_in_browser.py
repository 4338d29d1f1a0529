"""The pages of questions in a real browser: they fit phone and computer, and run nothing of hostile posts. About 20 s."""

from datetime import timedelta

import pytest
from at_the_desk import ANA, HOSTILE, NOON, Scene
from playwright.async_api import Page
from test_desk_in_browser import SIZES, chromium, look, served

from crisis.answers_page import PageRow, page_html
from crisis.watch import Mention
from tasks.answers import draft_answer
from tasks.questions import lead, mine

pytestmark = pytest.mark.slow

TEXTS = (
    "My card was declined and I want a refund. When will the app pay again?",
    "when will the app pay again? I am so angry, my rent did not go through",
    "When does the app pay again? I stood at the till like a fool",
    "Is my money safe with Acme?",
    "is our money safe?",
    "My insulin order did not go through, who can I call?",
    "Who pays my late fees?",
    f"Is {HOSTILE} part of this?",
    "BREAKING: Acme payments are down, the company was asked for comment",
    "I work for Acme and nobody tells us anything",
    "They fixed it for me in an hour, well handled, thank you @acme",
    "Apologise and explain this, Acme. I want my money back.",
)


async def asking(scene: Scene) -> str:
    posts = [
        Mention(
            id=f"q{n}",
            text=text,
            author=f"@mia{n}",
            created_at=NOON - timedelta(minutes=40 - n),
            url=f"https://social.example/@mia{n}/{n}",
            followers=40 * n * n,
            language="en",
        )
        for n, text in enumerate(TEXTS)
    ]
    async with scene.here.store.transaction() as tx:
        await tx.mentions.relied_on("INC-1", posts)
        await tx.statements.next_id("INC-1")  # the scene's own statement took the first
    await mine(scene.here, "INC-1")
    await lead(scene.here, "INC-1-Q1", actor=ANA, owner=ANA, say_by=NOON + timedelta(hours=2))
    answer = await draft_answer(scene.here, ["INC-1-Q1"], actor=ANA)
    return f"/statements/{answer.id}/{answer.version}"


@pytest.mark.parametrize(("size", "scheme"), [("phone", "light"), ("phone", "dark"), ("computer", "dark")])
async def test_the_pages_of_questions_fit_and_run_nothing_of_hostile_posts(
    scene: Scene, size: str, scheme: str
) -> None:
    width, height = SIZES[size]
    said: list[str] = []
    statement = await asking(scene)
    async with served(scene) as address, chromium() as browser:
        page: Page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.on("console", lambda message: said.append(message.text))
        await page.goto(f"{address}/?key={scene.key}")
        await page.wait_for_url(f"{address}/")
        for name, path in {
            "now": "/",
            "questions": "/incidents/INC-1/questions",
            "question": "/incidents/INC-1/questions/INC-1-Q1",
            "sheet": "/incidents/INC-1/questions/sheet",
            "felt": "/incidents/INC-1",
            "editor": statement,
        }.items():
            await page.goto(address + path)
            await look(page, f"qa-{name}-{size}-{scheme}")
        rows = [
            PageRow(question=f"Is {HOSTILE} safe?", say_by="15:00 UTC"),
            PageRow(question="When will the app pay again?", answer="It pays again since 11:50 UTC.", answered_at=NOON),
        ]
        html = page_html("Questions and answers: Acme", rows, updated=NOON, updated_says="12:00 UTC")
        page = await browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
        page.on("dialog", lambda dialog: said.append(dialog.message))
        await page.set_content(html)
        await look(page, f"qa-public-{size}-{scheme}")
        assert await page.locator("script").count() == 0
    assert said == []

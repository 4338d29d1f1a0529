"""The desk's pages of questions: what is asked, led and answered there, and the run sheet."""

import re

import httpx
from at_the_desk import ANA, HOSTILE, NOON, Scene

from crisis.fact import FactStatus
from crisis.watch import Mention
from tasks.draft import save_fact
from tasks.questions import mine

ADDRESS = "/incidents/INC-1/questions"


async def asking(scene: Scene) -> None:
    texts = ["When will the app pay again?", "when does the app pay again??", f"Is {HOSTILE} safe to eat?"]
    posts = [Mention(id=f"q{n}", text=t, author=f"@{n}", created_at=NOON) for n, t in enumerate(texts)]
    async with scene.here.store.transaction() as tx:
        await tx.mentions.relied_on("INC-1", posts)
        await tx.statements.next_id("INC-1")  # the scene's own statement took the first
    await mine(scene.here, "INC-1")


async def post(browser: httpx.AsyncClient, path: str, **fields: object) -> httpx.Response:
    page = await browser.get(path)
    nonce = re.search(r'name="nonce" value="([^"]+)"', page.text)
    assert nonce is not None, page.text
    headers = {"Origin": "http://desk.test", "Sec-Fetch-Site": "same-origin"}
    return await browser.post(path, data={"nonce": nonce[1], **fields}, headers=headers)


async def test_questions_are_listed_led_and_answered_at_the_desk(scene: Scene) -> None:
    await asking(scene)
    async with scene.signed_in(ANA) as browser:
        page = (await browser.get(ADDRESS)).text
        assert "no answer that holds" in page
        assert "<script>" not in page.replace("<script src", "")
        own = re.search(r'/questions/(INC-1-Q\d+)">When will the app pay again', page)
        assert own is not None
        one = f"{ADDRESS}/{own[1]}"
        saved = await post(browser, one, do="lead", text="When will I be able to pay?", owner=ANA)
        assert saved.status_code == 303, saved.text
        drafted = await post(browser, one, do="answer")
        assert drafted.status_code == 303, re.findall(r"Nothing was done.*?</div>", drafted.text, re.S)
        assert drafted.headers["location"].startswith("/statements/INC-1-S")
        statement = (await browser.get(drafted.headers["location"])).text
        assert "When will I be able to pay?" in statement
        refused = await post(browser, one, do="aside")
        assert refused.status_code == 400
        assert "say why" in refused.text.lower()
        sheet = (await browser.get(f"{ADDRESS}/sheet")).text
        assert "NOT APPROVED: do not read it out" in sheet
        assert "0 of" in sheet
        now = (await browser.get("/")).text
        assert "no answer" in now


async def test_the_run_sheet_names_what_must_not_be_said(scene: Scene) -> None:
    await asking(scene)
    async with scene.here.store.reading() as tx:
        [fact] = await tx.facts.list("INC-1")
    rumour = fact.model_copy(update={"id": "INC-1-F9", "text": "All savings are gone", "status": FactStatus.REFUTED})
    await save_fact(scene.here, rumour, actor=ANA)
    async with scene.signed_in(ANA) as browser:
        sheet = (await browser.get(f"{ADDRESS}/sheet")).text
    assert "All savings are gone" in sheet
    assert "refuted: it is not true" in sheet


async def test_a_form_from_elsewhere_or_of_somebody_else_does_nothing(scene: Scene) -> None:
    await asking(scene)
    async with scene.at_the_desk() as browser:
        answer = await browser.post(ADDRESS, data={"do": "look"}, headers={"Origin": "http://evil.example"})
        assert answer.status_code == 403
        nobody = await post(browser, ADDRESS, do="look", person="eve@example.com", code="123456")
        assert nobody.status_code == 409
        assert (await browser.get(f"{ADDRESS}/INC-1-Q99")).status_code == 404

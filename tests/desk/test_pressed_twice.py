"""A form that is pressed twice acts once; of two people who press at once, the second is told."""

import asyncio
import re
import time
from datetime import timedelta

import httpx
import pyotp
from at_the_desk import ANA, NOON, PEOPLE, Scene
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from crisis.incident import IncidentState
from desk.pressed import SECONDS, PressedOnce

IDA = "ida@example.com"
REVIEW = "/incidents/INC-1/review"


async def form_of(browser: httpx.AsyncClient, page: str, **fields: object) -> dict[str, object]:
    """What the page's form hands in, with a nonce of its own."""
    shown = (await browser.get(page)).text
    made = {
        name: re.search(rf'name="{name}" value="([^"]*)"', shown) for name in ("nonce", "version", "covers", "seen")
    }
    return {name: found[1] for name, found in made.items() if found} | fields


async def test_a_task_that_is_pressed_twice_is_one(scene: Scene) -> None:
    due = f"{NOON + timedelta(days=2):%Y-%m-%dT%H:%M}"
    async with scene.signed_in(IDA) as browser:
        form = await form_of(browser, REVIEW, act="task", text="Second route", owner=ANA, due=due)
        answers = [await browser.post(REVIEW, data=form), await browser.post(REVIEW, data=form)]
        assert [a.status_code for a in answers] == [303, 303]
        assert answers[0].headers["location"] == answers[1].headers["location"]
        again = await form_of(browser, REVIEW, act="task", text="Second route", owner=ANA, due=due)
        await browser.post(REVIEW, data=again)  # the page anew: meant
    async with scene.here.store.reading() as tx:
        assert [t.id for t in await tx.review_tasks.list("INC-1")] == ["INC-1-T1", "INC-1-T2"]


async def test_the_second_press_of_an_approval_with_its_used_code_says_no_more_than_the_first(scene: Scene) -> None:
    page = f"/statements/{scene.statement.id}/decide"
    async with scene.here.store.transaction() as tx:
        secret = await tx.codes.enrol(ANA, actor="test")
    async with scene.signed_in(ANA) as browser:
        form = await form_of(
            browser, page, act="approve", code=pyotp.TOTP(pyotp.parse_uri(secret).secret).at(int(time.time()))
        )
        first, second = await asyncio.gather(browser.post(page, data=form), browser.post(page, data=form))
    assert (first.status_code, second.status_code) == (303, 303)
    assert await scene.decisions() == [(ANA, "approve")]


async def pressed(*presses: dict[str, str], refused: int = 0, later: float = 0.0) -> tuple[int, list[int]]:
    """How often a page acted on forms that came at once, and the answers; it refuses the first ``refused``."""
    acted, now = 0, [0.0]

    async def page(request: Request) -> Response:
        nonlocal acted
        await request.body()
        acted += 1
        mine = acted
        await asyncio.sleep(0)
        return PlainTextResponse("no", 409) if mine <= refused else RedirectResponse("/there", 303)

    async def app(scope, receive, send):  # type: ignore[no-untyped-def]
        await (await page(Request(scope, receive)))(scope, receive, send)

    once = PressedOnce(app, monotonic=lambda: now[0])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=once), base_url="http://desk.test") as browser:
        answers = list(await asyncio.gather(*(browser.post("/x", data=press) for press in presses)))
        if later:
            now[0] += later
            answers.append(await browser.post("/x", data=presses[0]))
    return acted, [a.status_code for a in answers]


async def test_only_the_same_form_is_the_same_press_and_a_refused_one_may_be_tried_again() -> None:
    one, other = {"nonce": "a", "text": "x"}, {"nonce": "a", "text": "y"}
    assert await pressed(one, one, one) == (1, [303, 303, 303])
    assert await pressed(one, other) == (2, [303, 303])
    assert await pressed({"text": "x"}, {"text": "x"}) == (2, [303, 303])
    assert await pressed(one, one, refused=1) == (2, [409, 303])
    assert await pressed(one, later=SECONDS - 1) == (1, [303, 303])
    assert await pressed(one, later=SECONDS + 1) == (2, [303, 303])


async def test_of_two_people_who_change_a_task_the_second_is_told_and_overwrites_nothing(scene: Scene) -> None:
    due = f"{NOON + timedelta(days=2):%Y-%m-%dT%H:%M}"
    async with scene.signed_in(IDA) as ida, scene.signed_in(ANA) as ana:
        await ida.post(REVIEW, data=await form_of(ida, REVIEW, act="task", text="Second route", owner=ANA, due=due))
        hers, his = [
            {
                **await form_of(one, REVIEW),
                "seen": re.findall(r'name="seen" value="([^"]+)"', (await one.get(REVIEW)).text)[0],
            }
            for one in (ana, ida)
        ]
        task = {"id": "INC-1-T1", "text": "Second route", "owner": ANA, "due": due}
        done = await ana.post(REVIEW, data={**hers, **task, "act": "task-done", "note": "it is built"})
        dropped = await ida.post(REVIEW, data={**his, **task, "act": "task-dropped", "note": "too dear"})
    assert (done.status_code, dropped.status_code) == (303, 409)
    assert "Somebody changed INC-1-T1 while you had it open" in dropped.text
    assert "too dear" in dropped.text, "what was typed stays"
    async with scene.here.store.reading() as tx:
        task_now = await tx.review_tasks.get("INC-1-T1")
    assert (task_now.state.value, task_now.note) == ("done", "it is built")


async def test_who_closes_second_is_told_who_did_and_a_closed_incident_points_to_its_review(scene: Scene) -> None:
    scene.set_desk(confirm_with_code=False)
    leads = [p.model_copy(update={"roles": (*p.roles, "incident_lead")}) if p.email == ANA else p for p in PEOPLE]
    async with scene.here.store.transaction() as tx:
        await tx.stakeholders.put_all(leads, actor="configuration")
        for state in (IncidentState.RESPONDING, IncidentState.MONITORING):
            if state.value != scene.incident.state.value:
                await tx.incidents.step("INC-1", state, actor=IDA)
    page = "/incidents/INC-1/act"
    async with scene.signed_in(IDA) as ida, scene.signed_in(ANA) as ana:
        form, late = (
            await form_of(ida, page, act="close", reason="it is calm"),
            await form_of(ana, page, act="close", reason="calm for hours"),
        )
        assert (await ida.post(page, data=form)).status_code == 303
        second = await ana.post(page, data=late)
        shown = (await ida.get(page)).text
    assert second.status_code == 409
    assert "Ida Okafor has done this already, at 12:00 UTC" in second.text
    assert "the response runs" not in shown
    assert 'href="/incidents/INC-1/review"' in shown

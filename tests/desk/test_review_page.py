"""The review on the desk: people write, meet, take on tasks and sign; whoever may not act only looks."""

import re
from datetime import timedelta

import httpx
import pytest
from at_the_desk import ANA, CARL, HOSTILE, LENA, NOON, Scene

from crisis.after_action import Section
from crisis.incident import IncidentState
from crisis.stakeholder import Stakeholder
from tasks import after_action as acts

IDA, VERA = "ida@example.com", "vera@example.com"
PAGE = "/incidents/INC-1/review"


@pytest.fixture
async def resolved(scene: Scene) -> Scene:
    """The incident is over, and nobody has to type codes."""
    scene.set_desk(confirm_with_code=False)
    async with scene.here.store.transaction() as tx:
        states = ("responding", "monitoring", "resolved")
        for state in states[
            states.index(scene.incident.state.value) + 1 if scene.incident.state.value in states else 0 :
        ]:
            await tx.incidents.step("INC-1", IncidentState(state), actor=IDA)
    return scene


async def post(browser: httpx.AsyncClient, **fields: object) -> httpx.Response:
    page = (await browser.get(PAGE)).text
    made = {name: re.search(rf'name="{name}" value="([^"]*)"', page) for name in ("nonce", "version", "covers", "seen")}
    form = {name: found[1] for name, found in made.items() if found} | fields
    return await browser.post(PAGE, data=form, headers={"origin": "http://desk.test"})


async def test_a_review_goes_from_draft_to_signed_on_the_desk(resolved: Scene) -> None:
    async with resolved.signed_in(IDA) as browser:
        assert (await post(browser, act="write", lessons="Ask first. Ana Almeida failed to.")).status_code == 303
        page = (await browser.get(PAGE)).text
        assert "“failed to”" in page
        assert "“Ana Almeida” is a person" in page
        assert "There is nothing to sign yet" in page
        held = f"{NOON:%Y-%m-%dT%H:%M}"
        assert (await post(browser, act="meet", held=held, participant=[IDA, ANA], guests="A guest")).status_code == 303
        due = f"{NOON + timedelta(days=2):%Y-%m-%dT%H:%M}"
        assert (await post(browser, act="task", text="Second route", owner=ANA, due=due)).status_code == 303
        assert "INC-1-T1" in (await browser.get(PAGE)).text
        assert (await post(browser, act="task-done", id="INC-1-T1", note="it is there")).status_code == 303
        assert (await post(browser, act="sign", role="incident_lead", covers="0" * 64)).status_code == 409
        assert (await post(browser, act="sign", role="incident_lead")).status_code == 303
        page = (await browser.get(PAGE)).text
        assert "It was signed off" in page
        assert 'value="write"' not in page
        assert "DRAFT" not in (await browser.get(f"{PAGE}/report")).text


async def test_what_is_refused_comes_back_as_typed_and_hostile_text_does_nothing(resolved: Scene) -> None:
    async with resolved.signed_in(ANA) as browser:
        assert (await post(browser, act="write", lessons=HOSTILE)).status_code == 303
        page = (await browser.get(PAGE)).text
        assert "<script>document" not in page
        assert "&lt;script&gt;" in page
        answer = await post(browser, act="write", version="0", lessons="mine, typed late")
        assert answer.status_code == 409
        assert "mine, typed late" in answer.text
        assert "saved this review meanwhile" in answer.text
        answer = await post(browser, act="task", text="x", owner=CARL, due="tomorrow")
        assert answer.status_code == 400
        assert "Give the date and the time" in answer.text
        assert (await post(browser, act="write", nonce="x", lessons="y")).status_code == 403
        forged = await browser.post(PAGE, data={"act": "write"}, headers={"origin": "https://evil.example"})
        assert forged.status_code == 403


async def test_a_viewer_looks_and_a_signature_needs_its_role_and_a_code(resolved: Scene) -> None:
    viewer = Stakeholder(name="Vera", email=VERA, roles=("viewer",))
    async with resolved.here.store.transaction() as tx:
        await tx.stakeholders.put_all((*resolved.here.settings.stakeholders, viewer), actor="configuration")
    await acts.write(resolved.here, "INC-1", {Section.LESSONS: "x"}, actor=IDA)
    await acts.meet(resolved.here, "INC-1", held_at=NOON, participants=[IDA], actor=IDA)
    async with resolved.signed_in(VERA) as browser:
        page = await browser.get(PAGE)
        assert page.status_code == 200
        assert "<form" not in page.text
        assert (await post(browser, act="write", lessons="v")).status_code in (403, 409)
    async with resolved.signed_in(LENA) as browser:
        assert "Your roles are not among those that sign" in (await browser.get(PAGE)).text
        assert (await post(browser, act="sign", role="incident_lead")).status_code == 409
    resolved.set_desk(confirm_with_code=True)
    async with resolved.signed_in(IDA) as browser:
        answer = await post(browser, act="sign", role="incident_lead")
        assert answer.status_code == 409
    async with resolved.here.store.reading() as tx:
        assert (await tx.reviews.get("INC-1")).sign_offs == ()


async def test_the_report_is_there_as_page_pdf_and_data_with_names_to_keep_them_by(resolved: Scene) -> None:
    async with resolved.signed_in(ANA) as browser:
        for path, kind, name in (
            ("report", "text/html", ""),
            ("report.pdf", "application/pdf", "INC-1-report.pdf"),
            ("report.json", "application/json", "INC-1-report.json"),
            ("timeline.csv", "text/csv", "INC-1-timeline.csv"),
            ("report-data.zip", "application/zip", "INC-1-report-data.zip"),
        ):
            answer = await browser.get(f"{PAGE}/{path}")
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith(kind)
            assert name in answer.headers.get("content-disposition", name)
        assert (await browser.get(f"{PAGE}/secrets.csv")).status_code == 404

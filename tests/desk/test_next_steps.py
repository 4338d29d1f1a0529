"""What is next, and what is late, on the desk: each leads to where it is done, the most urgent first."""

import re
from datetime import timedelta
from html import unescape

import pytest
from at_the_desk import ANA, NOON, Outgoing, Scene, statement_for
from test_desk_pages import on_the_way

from crisis.commitment import Commitment, PromiseKind
from crisis.delivery import DeliveryState
from crisis.incident import IncidentState
from crisis.read_back import ReadBack, Stand
from crisis.values import StatementKind
from records import StatementStatus
from tasks.waiting import waiting_for
from tasks.withdraw import withdraw

UPDATE = "/incidents/INC-1/draft?kind=update"


async def owe(scene: Scene, id: str, hours: float, kind: PromiseKind = PromiseKind.UPDATE, text: str = "") -> None:
    due_at = NOON + timedelta(hours=hours)
    promise = Commitment(id=id, incident="INC-1", statement="INC-1-S1", text=text or id, kind=kind, due_at=due_at)
    async with scene.here.store.transaction() as tx:
        await tx.commitments.add(promise, actor=ANA)


async def shown(scene: Scene, path: str) -> str:
    async with scene.at_the_desk() as browser:
        return unescape((await browser.get(path)).text)


def step_on(page: str) -> str:
    """Where the one next step leads."""
    [where] = re.findall(r'class="button next" href="([^"]*)"', page)
    return str(where)


@pytest.mark.parametrize("place", ["/", "/incidents/INC-1"])
async def test_a_promise_that_is_late_is_in_a_red_box_counts_and_is_next(scene: Scene, place: str) -> None:
    await owe(scene, "news", -3)
    page = await shown(scene, place)
    assert re.search(r'class="overdue"><strong>Keep the promise: news</strong> .*3 h late', page)
    assert step_on(page) == UPDATE
    assert f'class="button" href="{UPDATE}"' in page
    assert ("1 incident is overdue" in page) == (place == "/")


async def test_a_promise_of_another_day_is_quiet_comes_last_and_is_not_shown_at_full_length(scene: Scene) -> None:
    async with scene.here.store.transaction() as tx:
        await tx.statements.set_status("INC-1-S1", 1, StatementStatus.DRAFT, actor=ANA)
    await owe(scene, "later", 72, PromiseKind.REVIEW, "A" * 300)
    page = await shown(scene, "/")
    assert 'class="button quiet" href="/promises?incident=INC-1#later"' in page
    assert step_on(page) == "/statements/INC-1-S1"
    assert "A" * 200 not in page
    assert "A" * 300 in await shown(scene, "/promises")


async def test_whatever_is_due_first_is_next_though_an_approval_is_asked_for(scene: Scene) -> None:
    await owe(scene, "soon", 0.1)
    assert step_on(await shown(scene, "/")) == UPDATE


async def test_nothing_comes_before_looking_whether_a_text_arrived(scene: Scene, outgoing: Outgoing) -> None:
    delivery = outgoing(scene.statement, "customer-list")
    await on_the_way(scene, delivery, to=DeliveryState.UNKNOWN, problem="no answer")
    await owe(scene, "news", -3)
    assert step_on(await shown(scene, "/")) == f"/incidents/INC-1#delivery-{delivery.id}"


async def test_whoever_is_owed_the_end_is_left_behind_once_it_is_over(scene: Scene, outgoing: Outgoing) -> None:
    await on_the_way(scene, outgoing(scene.statement, "newsroom-mastodon"), to=DeliveryState.ACCEPTED)
    assert "left behind:" not in await shown(scene, "/incidents/INC-1/told")
    async with scene.here.store.transaction() as tx:
        for state in (IncidentState.RESPONDING, IncidentState.MONITORING, IncidentState.RESOLVED):
            await tx.incidents.step("INC-1", state, actor=ANA, reason="test")
    page = await shown(scene, "/incidents/INC-1/told")
    assert "1 left behind:" in page
    assert "Draft the resolution" not in page


async def test_whoever_carries_an_error_is_named_so_and_leads_to_the_correction(
    scene: Scene, outgoing: Outgoing
) -> None:
    await on_the_way(scene, outgoing(scene.statement, "newsroom-mastodon"), to=DeliveryState.ACCEPTED)
    mend = statement_for(scene.incident, (), id="INC-1-S2", kind=StatementKind.CORRECTION, corrects="INC-1-S1")
    async with scene.here.store.transaction() as tx:
        await tx.statements.add(mend, actor=ANA)
    page = await shown(scene, "/incidents/INC-1/told")
    assert "1 not corrected:" in page
    assert "left behind:" not in page
    assert 'href="/incidents/INC-1/statements">See to the correction' in page


async def test_a_text_that_is_gone_is_to_be_corrected_or_taken_back_until_it_was(
    scene: Scene, outgoing: Outgoing
) -> None:
    delivery = outgoing(scene.statement, "newsroom-mastodon")
    await on_the_way(scene, delivery, to=DeliveryState.ACCEPTED)
    gone = ReadBack(
        delivery=delivery.id, incident="INC-1", stand=Stand.GONE, at=NOON, since=NOON, says="it is not there any more"
    )
    async with scene.here.store.transaction() as tx:
        await tx.read_backs.put(gone)
        incident = await tx.incidents.step("INC-1", IncidentState.RESPONDING, actor=ANA, reason="test")
        await tx.statements.set_status("INC-1-S1", 1, StatementStatus.PUBLISHED, actor=ANA)
    correct = "/incidents/INC-1/draft?kind=correction&corrects=INC-1-S1"
    says = "Correct or withdraw INC-1-S1: it does not stand as approved on newsroom-mastodon"
    for place in ("/", "/incidents/INC-1"):
        page = await shown(scene, place)
        assert says in page
        assert step_on(page) == correct
    for place in ("/incidents/INC-1/deliveries", "/incidents/INC-1/told"):
        assert f'href="{correct}">Draft a correction' in await shown(scene, place)
    assert "correct or withdraw INC-1-S1" in await waiting_for(scene.here, incident)
    async with scene.at_the_desk() as browser:
        assert (await browser.get(correct)).status_code == 200
    await withdraw(scene.here, "INC-1-S1", 1, actor="ida@example.com", reason="it is gone anyhow")
    assert says not in await shown(scene, "/")
    assert "it is not there any more" not in await shown(scene, "/incidents/INC-1/told")
    assert "correct or withdraw" not in await waiting_for(scene.here, incident)


async def test_a_closed_incident_waits_for_its_review_and_for_no_draft_that_nobody_can_approve(scene: Scene) -> None:
    async with scene.here.store.transaction() as tx:
        await tx.statements.set_status("INC-1-S1", 1, StatementStatus.DRAFT, actor=ANA)
        for state in (IncidentState.RESPONDING, IncidentState.MONITORING, IncidentState.RESOLVED):
            if state is not (await tx.incidents.get("INC-1")).state:
                await tx.incidents.step("INC-1", state, actor=ANA)
    page = await shown(scene, "/incidents/INC-1")
    assert "Propose the holding statement" not in page
    assert "Review it: a meeting, what was learnt, and signatures" in page
    assert step_on(page) == "/incidents/INC-1/review"

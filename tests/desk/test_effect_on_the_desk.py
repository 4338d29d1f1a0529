"""What our words did stands on the war room, on Now and in the API, hostile labels are inert, and watching is extended."""

from datetime import timedelta

import pytest
from at_the_desk import ANA, NOON, Outgoing, Scene
from test_acts import send
from test_api import by, token
from test_desk_pages import on_the_way

from crisis.clocks import Publication
from crisis.delivery import DeliveryState
from crisis.effect import JUDGED, Effect, Shift, Surroundings
from crisis.incident import IncidentState
from crisis.judgement import judge
from crisis.triage import Signal
from crisis.values import StatementKind
from tasks.links import acting_link

IDA = "ida@example.com"
HOSTILE = '<img src=x onerror=alert(1)> \u202e"><script>'
MINUTE = timedelta(minutes=1)


def signal(minutes: int, authors: int) -> Signal:
    return Signal(
        watch="acme",
        at=NOON + minutes * MINUTE,
        window=15 * MINUTE,
        mentions=authors,
        distinct_texts=authors,
        authors=authors,
        usual_authors=20,
        negative_share=0.7,
        usual_negative_share=0.2,
        started_at=NOON - 130 * MINUTE,
    )


async def worse(scene: Scene, outgoing: Outgoing) -> Effect:
    """The statement is out since noon, and an hour later it was judged to have made it worse."""
    await on_the_way(scene, outgoing(scene.statement, "newsroom-mastodon"), to=DeliveryState.ACCEPTED)
    past = [signal(m, round(20 + 300 * 0.5 ** ((m + 120) / 100))) for m in range(-130, 1, 5)]
    after = [signal(m, 700) for m in range(5, 61, 5)]
    said = Publication(statement=scene.statement.id, version=1, kind=StatementKind.HOLDING, at=NOON)
    shift = Shift(narrative="n1", label=HOSTILE, before=0, since=0.5, posts=90)
    found = judge(
        said,
        [said],
        [*past, *after],
        incident="INC-1",
        at=NOON + 60 * MINUTE,
        around=Surroundings(shifts=(shift,)),
    )
    async with scene.here.store.transaction() as tx:
        for one in (*past, *after):
            await tx.signals.add(one)
        for state in (IncidentState.RESPONDING, IncidentState.MONITORING):
            await tx.incidents.step("INC-1", state, actor=ANA, reason="test")
        await tx.ledger.append(JUDGED, incident="INC-1", actor="follow_up", data=found.model_dump(mode="json"))
    scene.clock.move(60 * MINUTE)
    return found


@pytest.mark.parametrize("place", ["/", "/incidents/INC-1"])
async def test_the_verdict_stands_on_the_pages(scene: Scene, outgoing: Outgoing, place: str) -> None:
    await worse(scene, outgoing)
    async with scene.at_the_desk() as browser:
        text = (await browser.get(place)).text
    assert "made it worse" in text
    assert "follow up" in text
    assert "<img src=x" not in text


async def test_the_war_room_leads_to_the_editor_draws_the_forecast_and_gives_reasons(
    scene: Scene, outgoing: Outgoing
) -> None:
    found = await worse(scene, outgoing)
    async with scene.at_the_desk() as browser:
        text = (await browser.get("/incidents/INC-1")).text
        image = (await browser.get("/incidents/INC-1/chart.svg")).text
    assert 'href="/incidents/INC-1/draft?kind=substantive"' in text
    assert 'class="foreseen"' in text
    assert 'class="foreseen"' in image
    assert "holding: made it worse" in image
    assert "not what it caused" in text
    assert found.says in text
    assert "Measured every" in text
    assert "&lt;img src=x" in text


async def test_a_program_reads_the_effect(scene: Scene, outgoing: Outgoing) -> None:
    found = await worse(scene, outgoing)
    async with scene.browser(**by(await token(scene))) as program:
        read = (await program.get("/api/incidents/INC-1")).json()
    [effect] = read["effects"]
    assert (effect["verdict"], effect["proposal"]) == ("made it worse", "follow up")
    assert effect["measured"]["negative"] == found.measured.negative if found.measured else None
    assert len(effect["forecast"]) == len(found.forecast)
    assert read["watched"].startswith("Measured every")


async def test_a_lead_extends_the_watching_and_says_why(scene: Scene, outgoing: Outgoing) -> None:
    await worse(scene, outgoing)
    where = acting_link(scene.here, "INC-1", IDA).removeprefix(scene.here.settings.desk.url)
    async with scene.browser() as browser:
        wrong = await send(browser, where, act="watch", hours="9999999999")
        right = await send(browser, where, act="watch", hours="24", reason="the papers come tomorrow")
    assert (wrong.status_code, right.status_code) == (400, 303)
    async with scene.here.store.reading() as tx:
        [record] = await tx.ledger.list(kind="monitoring.extended")
    assert (record.actor, record.reason, record.data["hours"]) == (IDA, "the papers come tomorrow", 24)

"""Where every text went: the unknown first, answered by a lead who proves who they are; and texts taken back."""

import re
from datetime import timedelta
from html import unescape

import httpx
import pytest
from at_the_desk import ANA, HOSTILE, LENA, NOON, Outgoing, Scene
from test_statement_desk import code, decide, status

from crisis.delivery import Delivery, DeliveryState, Purpose, Receipt
from crisis.mailing import recipient_list
from desk import acts, statement_acts
from records import StatementStatus

IDA = "ida@example.com"
OF_INCIDENT = "/incidents/INC-1/deliveries"


@pytest.fixture(autouse=True)
def _full_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    for bucket in (acts._submitted, statement_acts._submitted):
        monkeypatch.setattr(bucket, "_levels", {})


async def sent(scene: Scene, delivery: Delivery, to: DeliveryState, **outcome: object) -> Delivery:
    """A delivery, planned, tried once and settled so."""
    async with scene.here.store.transaction() as tx:
        await tx.outbox.enqueue(delivery, actor="test")
        await tx.outbox.arm(delivery.id, owner="test", lease_seconds=60, actor="test")
        return await tx.outbox.settle(delivery.id, to, actor="test", **outcome)  # type: ignore[arg-type]


async def unknown(scene: Scene, outgoing: Outgoing, channel: str = "newsroom-bluesky") -> Delivery:
    post = outgoing(scene.statement, channel)
    return await sent(scene, post, DeliveryState.UNKNOWN, problem=f"reset {HOSTILE}", needs_human=True)


async def answer(desk: httpx.AsyncClient, where: str, **fields: str) -> httpx.Response:
    page = (await desk.get(where)).text
    nonce = re.search(r'name="nonce" value="([^"]+)"', page)
    given = {"nonce": nonce[1] if nonce else "", "reason": "I looked at it"} | fields
    return await desk.post(OF_INCIDENT, data=given)


async def state(scene: Scene, post: Delivery) -> DeliveryState:
    async with scene.here.store.reading() as tx:
        return (await tx.outbox.get(post.id)).state


async def test_what_nobody_knows_comes_first_with_its_consequences(scene: Scene, outgoing: Outgoing) -> None:
    await sent(scene, outgoing(scene.statement, "status-page"), DeliveryState.REFUSED, problem="401: wrong key")
    later = outgoing(scene.statement, "newsroom-mastodon")
    await sent(scene, later, DeliveryState.PENDING, problem="429", not_before=NOON + timedelta(minutes=7))
    await unknown(scene, outgoing)
    async with scene.at_the_desk() as desk:
        for where in ("/deliveries", OF_INCIDENT):
            page = (await desk.get(where)).text
            words = unescape(re.sub(r"<[^>]+>", "", page))
            assert re.search(r"1 unknown\s*·\s*1 refused\s*·\s*1 on the way", words)
            assert page.index("Nobody knows whether") < page.index("401: wrong key")
            assert "if you are wrong, it stands there twice" in page
            assert "Next try" in page
            assert "12:07 UTC" in page
            assert "<script>document" not in page


async def test_it_is_there_settles_it_with_the_link_and_sends_nothing(scene: Scene, outgoing: Outgoing) -> None:
    post = await unknown(scene, outgoing)
    given = {"delivery": post.id, "act": "there", "person": IDA}
    async with scene.at_the_desk() as desk:
        wrong = await answer(desk, OF_INCIDENT, **given, code="000000", link="https://bsky.example/1")
        assert wrong.status_code == 409
        assert "I looked at it" in wrong.text
        assert "https://bsky.example/1" in wrong.text, "what was typed is kept"
        bad = await answer(desk, OF_INCIDENT, **given, code=await code(scene, IDA), link="javascript:alert(1)")
        assert bad.status_code == 400
        assert await state(scene, post) is DeliveryState.UNKNOWN
        done = await answer(
            desk, OF_INCIDENT, **given, code=await code(scene, IDA), link="https://bsky.example/1", back="all"
        )
        assert (done.status_code, done.headers["location"]) == (303, "/deliveries")
        assert 'href="https://bsky.example/1"' in (await desk.get(OF_INCIDENT)).text
        assert "Nothing is open" in (await desk.get("/deliveries")).text
    async with scene.here.store.reading() as tx:
        settled = await tx.outbox.get(post.id)
    assert (settled.state, settled.attempts) == (DeliveryState.RECONCILED, 1)


async def test_it_is_not_there_sends_it_once_more(scene: Scene, outgoing: Outgoing) -> None:
    post = await unknown(scene, outgoing)
    async with scene.at_the_desk() as desk:
        given = {"delivery": post.id, "act": "again", "person": IDA, "code": await code(scene, IDA)}
        assert (await answer(desk, OF_INCIDENT, **given)).status_code == 303
    assert await state(scene, post) is DeliveryState.ACCEPTED


async def test_nobody_but_a_lead_answers_and_a_form_for_one_incident_fits_no_other(
    scene: Scene, outgoing: Outgoing
) -> None:
    post = await unknown(scene, outgoing)
    async with scene.at_the_desk() as desk:
        given = {"delivery": post.id, "act": "there", "person": ANA, "code": await code(scene, ANA)}
        assert (await answer(desk, OF_INCIDENT, **given)).status_code == 409
        forged = given | {"person": IDA, "code": await code(scene, IDA), "nonce": "x"}
        assert (await answer(desk, OF_INCIDENT, **forged)).status_code == 403
        cross = await desk.post(OF_INCIDENT, data=forged, headers={"sec-fetch-site": "cross-site"})
        assert cross.status_code == 403
        assert (await desk.get("/incidents/INC-9/deliveries")).status_code == 404
    assert await state(scene, post) is DeliveryState.UNKNOWN


async def test_a_published_text_is_taken_back_from_every_target(scene: Scene) -> None:
    async with scene.at_the_desk() as desk:
        for person in (ANA, LENA):
            await decide(desk, "approve", person=person, code=await code(scene, person))
        given = {"act": "withdraw", "statement": "INC-1-S1", "version": "1", "reason": "It names the wrong city"}
        refused = await answer(desk, OF_INCIDENT, **given, person="eva@example.com", code="1")
        assert refused.status_code == 409
        assert "It names the wrong city" in refused.text
        assert await status(scene, 1) is StatementStatus.PUBLISHED
        done = await answer(desk, OF_INCIDENT, **given, person=LENA, code=await code(scene, LENA))
        assert done.status_code == 303
        page = (await desk.get(OF_INCIDENT)).text
    assert await status(scene, 1) is StatementStatus.WITHDRAWN
    assert "was out, is taken back" in page
    assert "could not be taken back" in page, "a mail stays where it is"
    assert "Take INC-1-S1 v1 back" not in page


async def test_a_link_that_a_person_gave_is_nothing_to_take_back_by(scene: Scene, outgoing: Outgoing) -> None:
    post = outgoing(scene.statement, "newsroom-bluesky")
    seen = Receipt(id="", url="https://bsky.example/1", accepted_at=NOON)
    await sent(scene, post, DeliveryState.ACCEPTED, receipt=seen)
    async with scene.here.store.transaction() as tx:
        await tx.statements.set_status("INC-1-S1", 1, StatementStatus.PUBLISHED, actor="test")
    async with scene.at_the_desk() as desk:
        given = {"act": "withdraw", "statement": "INC-1-S1", "version": "1", "person": LENA}
        assert (await answer(desk, OF_INCIDENT, **given, code=await code(scene, LENA))).status_code == 303
    async with scene.here.store.reading() as tx:
        [withdrawal] = await tx.outbox.list(incident="INC-1", purpose=Purpose.WITHDRAWAL)
    assert withdrawal.state is DeliveryState.REFUSED
    assert "no receipt of the post" in withdrawal.problem


async def test_a_mailing_is_counted_by_the_states_of_its_recipients(scene: Scene, outgoing: Outgoing) -> None:
    post = await unknown(scene, outgoing, "customer-list")
    async with scene.here.store.transaction() as tx:
        people = recipient_list(enumerate(["a@example.org", "b@example.org", "c@example.org"], 1), str)
        await tx.mailings.plan(post.id, people, incident="INC-1", given="customer-list", actor="test")
    async with scene.at_the_desk() as desk:
        assert "3 pending" in (await desk.get(OF_INCIDENT)).text

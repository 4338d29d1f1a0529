"""Promises on the desk: confirmed beside the text, counted down on their page, kept by a person; and who was left behind."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from html import unescape
from zlib import crc32

import httpx
import pytest
from at_the_desk import ANA, HOSTILE, LENA, NOON, Outgoing, Scene
from test_statement_desk import CHANNELS, GOOD, PAGE, code, field, write

from crisis.commitment import Commitment, CommitmentState, PromiseKind
from crisis.delivery import DeliveryState, Receipt
from crisis.read_back import ReadBack, Stand
from desk import promises, statement_acts, told
from desk.promised import name_of
from records import StatementStatus

IDA = "ida@example.com"
REFUND = "We will refund every double payment by 20:00 UTC."


@pytest.fixture(autouse=True)
def _full(monkeypatch: pytest.MonkeyPatch) -> None:
    for bucket in (statement_acts._checked, statement_acts._submitted, promises._submitted, told._submitted):
        monkeypatch.setattr(bucket, "_levels", {})


@pytest.fixture
async def desk(scene: Scene) -> AsyncIterator[httpx.AsyncClient]:
    async with scene.at_the_desk() as browser:
        yield browser


async def owe(scene: Scene, text: str, hours: float, kind: PromiseKind = PromiseKind.REFUND) -> str:
    promise = Commitment(
        id=f"INC-1-S1v1-C{crc32(text.encode()) % 10_000}",
        incident="INC-1",
        statement="INC-1-S1",
        text=text,
        kind=kind,
        made_at=NOON - timedelta(hours=1),
        due_at=NOON + timedelta(hours=hours),
    )
    async with scene.here.store.transaction() as tx:
        await tx.commitments.add(promise, actor=ANA)
    return promise.id


async def test_what_is_owed_stands_in_the_order_of_its_time_and_as_it_is(scene: Scene, desk: httpx.AsyncClient) -> None:
    await owe(scene, "Later", 5)
    await owe(scene, f"Overdue {HOSTILE}", -1)
    page = (await desk.get("/promises")).text
    assert "1 overdue." in page
    assert page.index("Overdue") < page.index("Later")
    assert "<script>document" not in page
    assert "[U+202E]" in page
    assert "2 still owed" in page


async def test_a_person_says_that_it_was_kept_with_what_shows_it(scene: Scene, desk: httpx.AsyncClient) -> None:
    id = await owe(scene, "Refunds", 5)
    page = (await desk.get("/promises")).text
    form = {"nonce": field(page, "nonce", id), "commitment": id, "do": "keep", "person": ANA}
    refused = await desk.post("/promises", data=form | {"code": await code(scene, ANA), "evidence": " "})
    assert refused.status_code == 400
    assert "say what shows it" in unescape(refused.text).lower()
    forged = await desk.post("/promises", data=form | {"nonce": "x", "evidence": "bank report"})
    assert forged.status_code == 403
    done = await desk.post("/promises", data=form | {"code": await code(scene, ANA), "evidence": "bank report 12"})
    assert done.status_code == 303
    async with scene.here.store.reading() as tx:
        kept = await tx.commitments.get(id)
    assert (kept.state, kept.kept_by, kept.evidence) == (CommitmentState.KEPT, ANA, "bank report 12")
    assert "bank report 12" in (await desk.get("/promises?incident=INC-1")).text


async def test_approval_is_not_asked_for_before_each_promise_has_an_answer(
    scene: Scene, desk: httpx.AsyncClient
) -> None:
    body = GOOD.replace("Next update", f"{REFUND} Next update")
    page = (await write(desk, PAGE, body=body)).text
    assert REFUND in unescape(page)
    name = name_of(REFUND)
    assert f'name="{name}"' in page
    proof = {"person": ANA, "do": "propose", "body": body}
    refused = await write(desk, PAGE, **proof, code=await code(scene, ANA))
    assert refused.status_code == 409
    assert "is owed, and by when, or strike it" in unescape(refused.text)
    async with scene.here.store.reading() as tx:
        assert len(await tx.statements.versions("INC-1-S1")) == 1, "nothing was stored"
    answers = {name: "confirmed", f"{name}-due": "2026-03-01 20:00", f"{name}-owner": LENA}
    done = await write(desk, PAGE, **proof, code=await code(scene, ANA), **answers)
    assert done.status_code == 303, re.findall(r'role="alert".*?</div>', done.text, re.DOTALL)
    async with scene.here.store.reading() as tx:
        assert await tx.statements.status("INC-1-S1", 2) is StatementStatus.PROPOSED
        [mark] = await tx.promise_marks.of("INC-1-S1", 2)
    assert (mark.sentence, mark.owner, mark.by) == (REFUND, LENA, ANA)
    assert CHANNELS


async def test_whoever_was_left_behind_stands_first_and_a_reason_goes_on_record(
    scene: Scene, desk: httpx.AsyncClient, outgoing: Outgoing
) -> None:
    delivery = outgoing(scene.statement, "newsroom-mastodon")
    async with scene.here.store.transaction() as tx:
        await tx.outbox.enqueue(delivery, actor="outbox")
        await tx.outbox.arm(delivery.id, owner="x", lease_seconds=60, actor="outbox")
        await tx.outbox.settle(
            delivery.id, DeliveryState.ACCEPTED, receipt=Receipt(id="1", accepted_at=NOON), actor="outbox"
        )
        await tx.read_backs.put(
            ReadBack(
                delivery=delivery.id,
                incident="INC-1",
                stand=Stand.EDITED,
                at=NOON,
                since=NOON,
                says="the words are not those that were approved",
                seen=(HOSTILE,),
                due_at=NOON,
            )
        )
    page = (await desk.get("/incidents/INC-1/told")).text
    assert "left behind:" not in page, "it still goes on"
    assert "1 will be owed the resolution" in page
    assert 'href="/incidents/INC-1/draft?kind=resolution"' in page
    assert 'href="/incidents/INC-1/draft?kind=correction&amp;corrects=INC-1-S1"' in page
    assert "the words are not those that were approved" in page
    assert "<script>document" not in page
    key = field(page, "key")
    form = {"nonce": field(page, "nonce"), "key": key, "wants": field(page, "wants"), "person": IDA}
    done = await desk.post(
        "/incidents/INC-1/told", data=form | {"reason": "the account was closed", "code": await code(scene, IDA)}
    )
    assert done.status_code == 303
    page = (await desk.get("/incidents/INC-1/told")).text
    assert "Nobody is left behind." in page
    assert "the account was closed" in page
    assert "the words are not those" in (await desk.get("/incidents/INC-1/deliveries")).text


async def test_an_update_that_is_owed_leads_to_its_draft_and_another_promise_does_not(
    scene: Scene, desk: httpx.AsyncClient
) -> None:
    draft = 'href="/incidents/INC-1/draft?kind=update"'
    await owe(scene, REFUND, 8)
    assert draft not in (await desk.get("/promises")).text
    await owe(scene, "Next update by 11:00 UTC", -1, PromiseKind.UPDATE)
    assert (await desk.get("/promises")).text.count(draft) == 1

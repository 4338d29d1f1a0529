"""Matrix against Synapse, its reference homeserver. About 15 s."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from proxy import Proxy

import integrations
from crisis.stakeholder import Route
from crisis.statement import Part, Rendering, Target
from integrations import Message, Misconfigured, Refused, Unknown

pytestmark = pytest.mark.slow


def asked(synapse: Any, who: str, method: str, path: str, **options: Any) -> Any:
    headers = {"Authorization": f"Bearer {synapse.tokens[who]}"}
    answer = httpx.request(method, f"{synapse.url}/_matrix/client/v3{path}", headers=headers, timeout=30, **options)
    return answer.raise_for_status().json()


@pytest.fixture
def room(synapse) -> str:
    """A public room of acme's that ana has joined."""
    name = f"status-{uuid.uuid4().hex[:8]}"
    made = asked(synapse, "acme", "POST", "/createRoom", json={"preset": "public_chat", "room_alias_name": name})
    asked(synapse, "ana", "POST", f"/rooms/{made['room_id']}/join", json={})
    return str(made["room_id"])


@pytest.fixture
async def matrix(synapse) -> AsyncIterator[Any]:
    channel = connect(synapse)
    yield channel
    await channel.close()


def connect(synapse: Any, **more: Any) -> Any:
    return integrations.connect(
        "matrix", **{"base_url": synapse.url, "access_token": synapse.tokens["acme"], "timeout": 20, **more}
    )


def rendering(room: str, *texts: str, **more: Any) -> Rendering:
    parts = tuple(Part(text=text, length=len(text), limit=30_000) for text in texts)
    return Rendering(target=Target(channel="m", kind="matrix", address=room), parts=parts, **more)


def said(synapse: Any, room: str) -> list[str]:
    """What ana reads, oldest first; what was redacted is empty."""
    events = asked(synapse, "ana", "GET", f"/rooms/{room}/messages", params={"dir": "b", "limit": "50"})["chunk"]
    texts = [e for e in events[::-1] if e["type"] == "m.room.message"]
    return [str(e["content"].get("body", "")) for e in texts]


async def test_a_statement_is_there_once_however_often_it_is_sent_and_by_whatever_process(synapse, matrix, room):
    whole = rendering(room, "We know <b> & *are sorry*. https://status.example/1", "Next word at 15:00 UTC.")
    key = uuid.uuid4().hex
    assert await matrix.find(key, whole) is None
    first = await matrix.publish(whole, key)
    other = connect(synapse)
    assert (await other.publish(whole, key)).raw["parts"] == first.raw["parts"]
    found = await other.find(key, whole)
    assert found is not None
    assert found.raw["parts"] == first.raw["parts"]
    assert said(synapse, room) == [part.text for part in whole.parts]
    await other.close()


async def test_a_thread_that_broke_off_is_finished_not_begun_again(synapse, matrix, room):
    whole, key = rendering(room, "one (1/3)", "two (2/3)", "three (3/3)"), uuid.uuid4().hex
    await matrix.publish(whole.model_copy(update={"parts": whole.parts[:1]}), key)
    assert await matrix.find(key, whole) is None
    await matrix.publish(whole, key)
    assert said(synapse, room) == ["one (1/3)", "two (2/3)", "three (3/3)"]


async def test_delivered_but_the_answer_lost_is_unknown_and_then_found(synapse, matrix, room):
    whole, key = rendering(room, "We know."), uuid.uuid4().hex
    port = int(synapse.url.rpartition(":")[2])
    with Proxy("127.0.0.1", port, after=b"PUT /_matrix/client/v3/rooms/") as proxy:
        channel = connect(synapse, base_url=proxy.url)
        proxy.lose(1)
        with pytest.raises(Unknown):
            await channel.publish(whole, key)
        await channel.close()
    assert await matrix.find(key, whole) is not None
    await matrix.publish(whole, key)
    assert said(synapse, room) == ["We know."]


async def test_a_change_replaces_and_a_withdrawal_redacts_and_both_may_be_done_twice(synapse, matrix, room):
    key = uuid.uuid4().hex
    receipt = await matrix.publish(rendering(room, "We know."), key)
    changed = rendering(room, "We know more.")
    for _ in range(2):
        assert (await matrix.amend(receipt, changed)).id == receipt.id
    event = asked(synapse, "ana", "GET", f"/rooms/{room}/event/{receipt.id}")
    assert event["unsigned"]["m.relations"]["m.replace"]["content"]["m.new_content"]["body"] == "We know more."
    assert (await matrix.read(receipt)).parts == ("We know more.",)
    for _ in range(2):
        await matrix.withdraw(receipt)
    assert (await matrix.read(receipt)).parts == (None,)
    assert "body" not in asked(synapse, "ana", "GET", f"/rooms/{room}/event/{receipt.id}")["content"]
    assert await matrix.find(key, changed) is None
    again = await matrix.publish(changed, key)
    assert again.id != receipt.id


async def test_a_correction_answers_the_very_message(synapse, matrix, room):
    first = await matrix.publish(rendering(room, "We were wrong."), uuid.uuid4().hex)
    second = await matrix.publish(rendering(room, "This is right.", reply_to=first.id), uuid.uuid4().hex)
    event = asked(synapse, "ana", "GET", f"/rooms/{room}/event/{second.id}")
    assert event["content"]["m.relates_to"]["m.in_reply_to"]["event_id"] == first.id


async def test_a_notice_goes_to_a_room_by_its_alias(synapse, matrix, room):
    alias = asked(synapse, "acme", "GET", f"/rooms/{room}/aliases")["aliases"][0]
    notice = Message(
        key=uuid.uuid4().hex, subject="SEV1: outage", text="Look", thread="INC-1", link="https://desk.example/1"
    )
    await matrix.notify(notice, Route(notifier="matrix", address=alias))
    await matrix.notify(notice, Route(notifier="matrix", address=alias))
    assert said(synapse, room) == ["SEV1: outage\n\nLook\n\nhttps://desk.example/1"]


async def test_what_is_wrong_is_told(synapse, matrix, room):
    assert (await matrix.check()).says == "posts as @acme:acme.test"
    stranger = connect(synapse, access_token="wrong")
    health = await stranger.check()
    assert not health.ok
    assert "wrong" not in health.says
    with pytest.raises(Misconfigured):
        await stranger.publish(rendering(room, "x"), "k")
    await stranger.close()
    with pytest.raises(Refused, match="no room"):
        await matrix.publish(rendering("#nowhere:acme.test", "x"), "k")
    with pytest.raises(Misconfigured):
        await matrix.publish(rendering("!nowhere:acme.test", "x"), "k")

"""Matrix: after the token was renewed, what another device of the account has sent is not sent again."""

import json
from collections.abc import Iterator

import pytest
from chat_receivers import ROOM, TOKEN, MatrixReceiver
from counting_http import Fault

import integrations
from crisis.stakeholder import Route
from integrations import Message, Unknown


@pytest.fixture
def matrix() -> Iterator[MatrixReceiver]:
    with MatrixReceiver() as receiver:
        yield receiver


def connect(receiver: MatrixReceiver) -> integrations.Publisher:
    channel: integrations.Publisher = integrations.connect("matrix", base_url=receiver.url, access_token=TOKEN)
    return channel


def renew(receiver: MatrixReceiver) -> None:
    """Another device: the server shows it none of the transaction ids so far."""
    for event in receiver.events.values():
        event["unsigned"].pop("transaction_id", None)


async def test_what_another_device_has_sent_is_found_by_its_texts(matrix, render):
    whole = render("We know.", "More soon.", kind="matrix", address=ROOM)
    receipt = await connect(matrix).publish(whole, "k")
    renew(matrix)
    found = await connect(matrix).find("k", whole)
    assert found is not None
    assert found.raw["parts"] == receipt.raw["parts"]


async def test_where_another_device_wrote_something_else_nobody_can_tell(matrix, render):
    whole = render("We know.", "More soon.", kind="matrix", address=ROOM)
    await connect(matrix).notify(Message(key="n", subject="SEV1", text="Look"), Route(notifier="m", address=ROOM))
    assert await connect(matrix).find("k", whole) is None
    renew(matrix)
    with pytest.raises(Unknown, match="another device"):
        await connect(matrix).find("k", whole)


async def test_what_others_write_says_nothing_about_ours(matrix, render):
    whole = render("We know.", kind="matrix", address=ROOM)
    await connect(matrix).publish(whole, "other")
    renew(matrix)
    for event in matrix.events.values():
        event["sender"] = "@ida:room.test"
    assert await connect(matrix).find("k", whole) is None


@pytest.mark.parametrize("chunk", [5, [5], [{"event_id": "$1", "origin_server_ts": "now"}], None])
async def test_a_room_that_cannot_be_read_is_unknown(matrix, render, chunk):
    matrix.denial.append(Fault(200, json.dumps({"chunk": chunk})))
    with pytest.raises(Unknown, match="events"):
        await connect(matrix).find("k", render("x", kind="matrix", address=ROOM))

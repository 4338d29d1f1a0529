"""Telegram: at most once, as plain text, and the token that is part of every address shows up nowhere."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from chat_receivers import TelegramReceiver
from counting_http import Fault
from drawn import picture

import integrations
from crisis.stakeholder import Route
from integrations import Message, Misconfigured, RateLimited, Refused, Unknown, Unreachable

CHAT = "@acme_news"


@pytest.fixture(scope="module")
def served() -> Iterator[TelegramReceiver]:
    with TelegramReceiver() as receiver:
        yield receiver


@pytest.fixture
def telegram(served: TelegramReceiver) -> TelegramReceiver:
    served.reset()
    return served


def connect(receiver: TelegramReceiver, **more: object) -> integrations.Publisher:
    channel: integrations.Publisher = integrations.connect(
        "telegram", **{"base_url": receiver.url, "token": "right", **more}
    )
    return channel


async def test_a_thread_of_plain_text_is_posted_changed_and_taken_back(telegram, render):
    channel = connect(telegram)
    receipt = await channel.publish(render("one <b>", "two *x*", kind="telegram", address=CHAT), "k")
    assert telegram.created == ["one <b>", "two *x*"]
    assert all("parse_mode" not in request.json for request in telegram.requests)
    assert [m["answered"] for m in telegram.messages.values()] == [None, receipt.raw["parts"][0]]
    assert receipt.url == f"https://t.me/acme_news/{receipt.raw['parts'][0]}"
    for text in ("eins", "eins"):
        await channel.amend(receipt, render(text, "zwei", kind="telegram", address=CHAT))
    assert [m["text"] for m in telegram.messages.values()] == ["eins", "zwei"]
    for _ in range(2):
        await channel.withdraw(receipt)
    assert not telegram.messages


async def test_whatever_was_not_clearly_answered_is_for_a_human(telegram, render):
    whole = render("one", kind="telegram", address=CHAT)
    telegram.faults.append(Fault(500, done=True))
    with pytest.raises(Unknown):
        await connect(telegram).publish(whole, "k")
    with pytest.raises(Unknown, match="look at the chat"):
        await connect(telegram).find("k", whole)
    assert telegram.created == ["one"]


async def test_flood_control_is_read_from_the_body(telegram, render):
    body = '{"ok": false, "error_code": 429, "description": "Too Many Requests", "parameters": {"retry_after": 95}}'
    telegram.faults.append(Fault(429, body))
    with pytest.raises(RateLimited) as caught:
        await connect(telegram).publish(render("one", kind="telegram", address=CHAT), "k")
    assert 90 < (caught.value.until - datetime.now(UTC)).total_seconds() < 96


async def test_a_long_notice_goes_out_in_several_messages(telegram):
    message = Message(key="k", subject="SEV1", text="It fails. " * 600, link="https://desk.example/1")
    receipt = await connect(telegram).notify(message, Route(notifier="telegram", address="-100123"))
    assert len(receipt.raw["parts"]) == 2
    assert telegram.created[-1].endswith("https://desk.example/1 (2/2)")


async def test_no_address_is_refused_before_anything_is_sent(telegram, render):
    with pytest.raises(Misconfigured, match="needs an address"):
        await connect(telegram).publish(render("one", kind="telegram"), "k")
    with pytest.raises(Refused, match="replied not found"):
        await connect(telegram).publish(render("one", kind="telegram", address=CHAT, reply_to=f"{CHAT}/99"), "k")


async def test_the_token_shows_up_in_no_error_and_in_no_log(telegram, render, caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    secret = "123456:hunter2"
    assert not (await connect(telegram, token=secret).check()).ok
    whole = render("one", kind="telegram", address=CHAT)
    with pytest.raises(Misconfigured) as wrong:
        await connect(telegram, token=secret).publish(whole, "k")
    with pytest.raises(Unreachable) as unreachable:
        await connect(telegram, token=secret, base_url="http://nowhere.invalid").publish(whole, "k")
    assert "hunter2" not in f"{wrong.value} {unreachable.value} {caplog.text}"
    assert (await connect(telegram).check()).says == "posts as @acme_bot"


@pytest.mark.parametrize("count", [1, 3])
async def test_pictures_follow_the_text_with_their_alternative_texts_and_are_taken_back_with_it(
    telegram, render, count
):
    channel = connect(telegram)
    several = [picture(f"#{n:02x}3366", alt=f"Step {n}") for n in range(count)]
    whole = render("one", "two", kind="telegram", address=CHAT, media=tuple(several))
    receipt = await channel.publish(whole, "k")
    assert telegram.created == ["one", "two"]
    assert telegram.shown == [[(p.content, p.alt) for p in several]]
    assert [m["answered"] for m in telegram.messages.values()][2:] == [receipt.raw["parts"][0]] * count
    assert len(receipt.raw["pictures"]) == count
    await channel.withdraw(receipt)
    assert not telegram.messages


async def test_a_picture_that_is_refused_takes_the_text_back(telegram, render):
    telegram.faults.extend([None, Fault(400, '{"ok": false, "description": "Bad Request: IMAGE_PROCESS_FAILED"}')])
    with pytest.raises(Refused, match="IMAGE_PROCESS_FAILED"):
        await connect(telegram).publish(render("one", kind="telegram", address=CHAT, media=(picture(),)), "k")
    assert not telegram.messages

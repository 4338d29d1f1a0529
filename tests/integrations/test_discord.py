"""Discord: what is sent is what its description asks for; mentions nobody; a notice is found again by its last line."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import specs
from chat_receivers import TOKEN, DiscordReceiver
from drawn import picture

import integrations
from crisis.stakeholder import Route
from integrations import Message, Misconfigured

ROOM = "1300000000000000001"


@pytest.fixture
def discord() -> Iterator[DiscordReceiver]:
    with DiscordReceiver() as receiver:
        yield receiver


def connect(receiver: DiscordReceiver) -> integrations.Publisher:
    channel: integrations.Publisher = integrations.connect("discord", base_url=receiver.url, token=TOKEN)
    return channel


async def test_every_request_is_as_the_description_says_and_mentions_nobody(discord, render):
    channel = connect(discord)
    receipt = await channel.publish(render("@everyone one", "two", kind="discord", address=ROOM), "k")
    await channel.amend(receipt, render("eins", "zwei", kind="discord", address=ROOM))
    await channel.check()
    await channel.withdraw(receipt)
    specs.hold(specs.discord(), "https://discord.com", discord.requests)
    writes = [r.json for r in discord.requests if r.method in {"POST", "PATCH"}]
    assert all(body["allowed_mentions"] == {"parse": []} for body in writes)
    assert not discord.messages


async def test_a_message_with_pictures_describes_each_as_the_description_says(discord, render):
    several = (picture(alt="one"), picture("red", alt="two"))
    await connect(discord).publish(render("We know.", kind="discord", address=ROOM, media=several), "k")
    (sent,) = [r for r in discord.requests if r.method == "POST"]
    form = specs.multipart(sent)
    assert form["files[1]"] == several[1].content
    as_json = replace(sent, body=form["payload_json"], headers={**sent.headers, "content-type": "application/json"})
    specs.hold(specs.discord(), "https://discord.com", [as_json])
    assert [(a["id"], a["description"]) for a in as_json.json["attachments"]] == [("0", "one"), ("1", "two")]


async def test_a_notice_is_found_when_the_nonce_is_long_forgotten(discord, render):
    discord.forgets_nonces = True
    notice = Message(key="k1", subject="SEV1", text="Look " * 600, link="https://desk.example/1")
    await connect(discord).notify(notice, Route(notifier="chat", address=ROOM))
    asked = render("another text", kind="discord", address=ROOM)
    assert await connect(discord).find("k1", asked) is not None
    assert await connect(discord).find("k2", asked) is None


async def test_an_address_that_is_no_channel_is_refused_before_anything_is_sent(discord, render):
    with pytest.raises(Misconfigured, match="no id of a Discord channel"):
        await connect(discord).publish(render("x", kind="discord", address="general"), "k")
    assert not discord.created


HOSTILE = "# Lot #7_a_b*c* ~~x~~ ||y|| `z` [https://acme.test](https://evil.test) <#1> <t:0:R>\n> q\n- l\n1. n\n:smile:"


async def test_texts_are_shown_as_they_are_and_their_links_lead_somewhere(discord, render):
    text = f"{HOSTILE}\nhttps://x.test/a_b_(c)*d* \\ (https://x.test/e_f_g)"
    whole = render(text, "# two", kind="discord", address=ROOM)
    receipt = await connect(discord).publish(whole, "k")
    first, second = discord.created
    assert first == (
        "\\# Lot #7\\_a\\_b\\*c\\* \\~\\~x\\~\\~ \\|\\|y\\|\\| \\`z\\` \\[https://acme.test](https://evil.test) "
        "\\<#1> \\<t:0:R>\n\\> q\n\\- l\n1\\. n\n\\:smile:\nhttps://x.test/a_b_(c)*d* \\\\ (https://x.test/e_f_g)"
    )
    assert second == "\\# two"
    found = await connect(discord).find("k", whole)
    assert found is not None
    assert found.id == receipt.id
    await connect(discord).amend(receipt, render("*three*", "_four_", kind="discord", address=ROOM))
    assert [m["content"] for m in discord.messages.values()] == ["\\*three\\*", "\\_four\\_"]


async def test_a_notice_is_shown_as_it_is_and_ends_in_its_reference(discord, render):
    to = Route(notifier="chat", address=ROOM)
    receipt = await connect(discord).notify(Message(key="k", subject="[a](https://evil.test)", text="-# small"), to)
    (shown,) = discord.created
    assert shown.startswith("\\[a](https://evil.test)\n\n\\-# small\n-# ref ")
    taken = Message(key="k2", subject="*S*", text="x", taken_by="Ida", earlier=receipt)
    await connect(discord).notify(taken, to)
    assert discord.messages[receipt.id]["content"].startswith("\\*S\\*")


async def test_marks_count_as_they_are_sent(discord):
    notice = Message(key="k", subject="S", text="*" * 1500 + " " + "_" * 1500)
    await connect(discord).notify(notice, Route(notifier="chat", address=ROOM))
    assert len(discord.created) > 2
    assert max(map(len, discord.created)) <= 2000

"""Every kind that can shows on its notice who is on it, however often it is told, and its link leads with a thumb."""

from collections.abc import Callable
from typing import Any

import pytest
import specs
from chat_receivers import ROOM, TOKEN, DiscordReceiver, MatrixReceiver, NtfyReceiver, TelegramReceiver

import integrations
from crisis.stakeholder import Route
from integrations import Message
from integrations.teams import card

ON_IT, READ = "https://desk.example/on/INC-7.1c9a3f0.AbC", "https://desk.example/read/x"
CALL = Message(
    key="k1", subject="SEV1: Acme", text=f"It fails.\n\nI am on it: {ON_IT}\n\n{READ}", thread="INC-7", occasion="opened",
    severity="SEV1", link=READ, on_it=ON_IT,
)  # fmt: skip
KINDS: dict[str, tuple[type[Any], dict[str, str], str, Callable[[Any], list[str]]]] = {
    "discord": (
        DiscordReceiver, {"token": TOKEN}, "1300000000000000001", lambda r: [m["content"] for m in r.messages.values()],
    ),
    "telegram": (TelegramReceiver, {"token": TOKEN}, "-100123", lambda r: [m["text"] for m in r.messages.values()]),
    "matrix": (
        MatrixReceiver, {"access_token": TOKEN}, ROOM,
        lambda r: [e["content"]["body"] for e in r.events.values() if "m.new_content" not in e["content"]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_a_call_carries_its_link_until_somebody_is_on_it_and_then_says_who(kind):
    served, settings, address, texts = KINDS[kind]
    with served() as receiver:
        notifier = integrations.connect(kind, base_url=receiver.url, **settings)
        to = Route(notifier=kind, address=address)
        receipt = await notifier.notify(CALL, to)
        assert ON_IT in texts(receiver)[0]
        text = CALL.text.replace(f"I am on it: {ON_IT}\n", "")
        taken = CALL.model_copy(
            update={"key": "k2", "taken_by": "Ida Okafor", "earlier": receipt, "on_it": "", "text": text}
        )
        for _ in range(2):
            await notifier.notify(taken, to)
        [shown] = texts(receiver)
        assert "Ida Okafor is on it." in shown
        assert ON_IT not in shown
        assert shown.count(READ) == 1
        assert len(receiver.created) == 1
        if kind == "discord":
            specs.hold(specs.discord(), "https://discord.com", receiver.requests)


async def test_a_phone_gets_a_button_and_later_a_quiet_word():
    with NtfyReceiver() as receiver:
        ntfy = integrations.connect("ntfy", base_url=receiver.url, access_token=TOKEN)
        to = Route(notifier="push", address="acme-oncall")
        receipt = await ntfy.notify(CALL, to)
        await ntfy.notify(CALL.model_copy(update={"key": "k2", "taken_by": "Ida Okafor", "earlier": receipt}), to)
        call, word = receiver.pushed
        assert call["click"] == ON_IT
        assert [(a["action"], a["label"], a["url"]) for a in call["actions"]] == [
            ("view", "I am on it", ON_IT),
            ("view", "Open", READ),
        ]
        assert call["message"] == "It fails."
        assert (word["message"], word["priority"], word["click"]) == ("Ida Okafor is on it.", 2, READ)


def test_a_card_in_teams_leads_with_a_thumb():
    made = card(CALL)
    assert [(a["title"], a["url"]) for a in made["actions"]] == [("I am on it", ON_IT), ("Open", READ)]
    assert [block["text"] for block in made["body"]] == ["SEV1: Acme", r"It fails\."]


def test_a_notice_without_its_link_in_its_text_gets_it_and_says_it_once():
    assert CALL.full_text.count(ON_IT) == 1
    assert CALL.model_copy(update={"text": "It fails."}).full_text == f"It fails.\n\nI am on it: {ON_IT}\n\n{READ}"

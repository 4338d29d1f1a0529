"""Every request of a kind that has an official description, with whatever it does, is as that description says.

The descriptions are those of ``../shared/specs``; kinds without one are held against their documentation's examples by
their receivers, which refuse what they do not know.
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import specs
from counting_http import Fault, Seen
from jsonschema import Draft7Validator
from roles import Bench, Role, roles, served

import integrations
from crisis.stakeholder import Route
from integrations import Message, Unknown

OPENED = Message(
    key="k",
    subject="SEV1: Acme <!channel> @everyone",
    text="It *fails*. " * 40,
    thread="INC-7",
    occasion="opened",
    severity="SEV1",
    link="https://desk.example/i/INC-7?a=b&c=d",
)


def _lexicons(requests: list[Seen]) -> None:
    for seen in requests:
        if seen.path.endswith(("resolveHandle", "getSession", "refreshSession")):
            continue  # not among the lexicons there; they take a handle, or nothing
        value = seen.json if seen.method == "POST" else seen.query
        assert specs.lexicon_problems(seen.path.removeprefix("/xrpc/"), value) == []
        if seen.path.endswith("putRecord"):
            assert specs.lexicon_problems("app.bsky.feed.post", value["record"]) == []


def _cards(requests: list[Seen]) -> None:
    schema = json.loads((specs.SPECS / "adaptive-card-1.5.json").read_text())
    for seen in requests:
        (attachment,) = seen.json["attachments"]
        assert not list(Draft7Validator(schema).iter_errors(attachment["content"]))


HELD: dict[str, tuple[str, Callable[[list[Seen]], None]]] = {
    "bluesky": ("atproto", _lexicons),
    "mastodon": ("mastodon_openapi.json", lambda seen: specs.hold(specs.mastodon(), "https://mastodon.example", seen)),
    "discord": ("discord_openapi.json", lambda seen: specs.hold(specs.discord(), "https://discord.com", seen)),
    "slack": ("slack_web_openapi_v2.json", specs.hold_slack),
    "twilio": ("twilio_api_v2010.json", lambda seen: specs.hold(specs.twilio(), "https://api.twilio.com", seen)),
    "opsgenie": ("opsgenie_swagger.json", lambda seen: specs.hold(specs.opsgenie(), "https://api.opsgenie.com", seen)),
    "teams": ("adaptive-card-1.5.json", _cards),
}
"""The description of each kind, and what raises unless requests keep to it."""
OTHERWISE = {"README.md": "says what there is", "twitter-text-validate.yml": "tests/crisis/test_counting.py"}


@pytest.mark.parametrize("role", [role for role in roles() if role.kind in HELD], ids=lambda role: role.name)
def test_whatever_a_kind_does_its_requests_are_as_the_official_description_says(role: Role) -> None:
    with served(role.kind).receiver() as receiver:
        bench = Bench({role: receiver})
        asyncio.run(_everything(role, bench))
        writes = [seen for seen in receiver.requests if seen.method != "GET"]
        assert len(writes) >= 2
        HELD[role.kind][1](receiver.requests)


async def _everything(role: Role, bench: Bench) -> None:
    """Post, break off, finish, find, change, take back, prove, and whatever else the kind can do."""
    channel: Any = integrations.connect(role.kind, **bench.connection(role))
    rendering, receiver = role.rendering(), bench.receivers[role]
    if role.family == "channel":
        receiver.faults += [None, Fault(500)] if role.threads else [Fault(500)]
        with pytest.raises(Unknown):
            await channel.publish(rendering, "k")
        receipt = await channel.publish(rendering, "k")
        await channel.publish(rendering.model_copy(update={"reply_to": receipt.id}), "k2")
        for act in (channel.find("k", rendering), channel.amend(receipt, rendering), channel.withdraw(receipt)):
            await _unless_refused(act)
    else:
        route = Route(notifier=role.name, address=rendering.target.address)
        for occasion in ("opened", "approval/INC-7-S1/1", "resolved"):
            notice = OPENED.model_copy(update={"key": occasion, "occasion": occasion})
            await channel.notify(notice, route)
            await _unless_refused(channel.find(occasion, rendering))
        if hasattr(channel, "acknowledge"):
            await channel.acknowledge(OPENED)
    assert (await channel.check()).ok
    await channel.close()


async def _unless_refused(act: Any) -> None:
    """What a platform cannot do is refused before anything is sent."""
    try:
        await act
    except (integrations.Refused, Unknown):
        return


def test_every_official_description_has_a_kind_that_is_held_against_it() -> None:
    there = {file.name for file in Path(specs.SPECS).iterdir()}
    assert there == {description for description, _ in HELD.values()} | set(OTHERWISE)

"""Slack against emulate, a stateful server of its Web API. About 5 s."""

import uuid

import httpx
import pytest

import integrations
from crisis.stakeholder import Route
from crisis.statement import Part, Rendering, Target
from integrations import Message, Refused

pytestmark = pytest.mark.slow

GENERAL = Route(notifier="slack", address="#general")


@pytest.fixture
async def slack(slack_api):
    channel = integrations.connect("slack", base_url=slack_api, token="xoxb-test")
    yield channel
    await channel.close()


def notice(incident: str, text: str = "Look <!channel> & tell", **more: str) -> Message:
    return Message(key=uuid.uuid4().hex, subject="SEV1: outage", text=text, thread=incident, **more)


def place(address: str) -> Rendering:
    target = Target(channel="slack", kind="slack", address=address)
    return Rendering(target=target, parts=(Part(text="x", length=1, limit=10),))


async def test_notices_of_one_incident_form_a_thread_across_processes(slack_api):
    receipts = []
    for number in range(3):
        channel = integrations.connect("slack", base_url=slack_api, token="xoxb-test")
        receipts.append(await channel.notify(notice("INC-1", f"step {number}"), GENERAL))
        await channel.close()
    first, second, third = receipts
    assert first.raw["thread_ts"] == ""
    assert second.raw["thread_ts"] == third.raw["thread_ts"] == first.id


async def test_a_notice_is_found_by_its_key_at_the_top_and_in_a_thread(slack):
    messages = [notice("INC-2") for _ in range(2)]
    receipts = [await slack.notify(message, GENERAL) for message in messages]
    for message, receipt in zip(messages, receipts, strict=True):
        found = await slack.find(message.key, place("#general"))
        assert found is not None
        assert found.id == receipt.id
    assert await slack.find("never sent", place("#general")) is None


async def test_another_incident_starts_its_own_thread(slack):
    await slack.notify(notice("INC-3"), GENERAL)
    assert (await slack.notify(notice("INC-4"), GENERAL)).raw["thread_ts"] == ""


async def test_a_person_is_told_directly(slack, slack_api):
    answer = httpx.post(f"{slack_api}/users.list", headers={"Authorization": "Bearer xoxb-test"})
    (ana,) = [user["id"] for user in answer.json()["members"] if user["name"] == "ana"]
    message = notice("INC-5", link="https://desk.example/incidents/5")
    receipt = await slack.notify(message, Route(notifier="slack", address=ana))
    assert receipt.raw["channel"].startswith("D")


async def test_a_channel_that_is_not_there_is_refused(slack):
    with pytest.raises(Refused, match="no channel"):
        await slack.notify(notice("INC-6"), Route(notifier="slack", address="#nowhere"))
    with pytest.raises(Refused, match="channel_not_found"):
        await slack.notify(notice("INC-6"), Route(notifier="slack", address="C999999999"))


async def test_check_names_the_workspace(slack):
    health = await slack.check()
    assert health.ok, health.says
    assert "Emulate" in health.says

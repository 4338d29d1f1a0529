"""Twilio against emulate, a stateful server of its API. About 5 s."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from proxy import Proxy

import integrations
from crisis.stakeholder import Route
from integrations import Message, Misconfigured, Unknown

pytestmark = pytest.mark.slow
SID, TOKEN, SENDER = f"AC{'0' * 32}", "twilio_test_auth_token", "+15551234567"
NOTICE = Message(key="k", subject="SEV1: Acme", text="It fails & <burns>.", link="https://desk.example/i/INC-1?a=b&c")


def connect(url: str, **more: Any) -> Any:
    return integrations.connect(
        "twilio", **{"base_url": url, "account_sid": SID, "auth_token": TOKEN, "sender": SENDER, "timeout": 10, **more}
    )


@pytest.fixture
async def twilio(twilio_api: str) -> AsyncIterator[Any]:
    channel = connect(twilio_api)
    yield channel
    await channel.close()


def sent(url: str, to: str) -> list[dict[str, Any]]:
    """What Twilio's own message log has for a number."""
    answer = httpx.get(
        f"{url}/2010-04-01/Accounts/{SID}/Messages.json", params={"To": to}, auth=(SID, TOKEN), timeout=30
    )
    return [m for m in answer.raise_for_status().json()["messages"] if m["to"] == to]


async def test_a_notice_is_one_message_with_its_link_whole(twilio, twilio_api):
    receipt = await twilio.notify(NOTICE, Route(notifier="sms", address="+15550001001"))
    (message,) = sent(twilio_api, "+15550001001")
    assert message["sid"] == receipt.id
    assert message["from"] == SENDER
    assert message["body"] == "SEV1: Acme\nIt fails & <burns>.\nhttps://desk.example/i/INC-1?a=b&c"


async def test_delivered_but_the_answer_lost_is_unknown_and_for_a_human(twilio_api):
    with Proxy("127.0.0.1", int(twilio_api.rpartition(":")[2]), after=b"/Messages.json") as proxy:
        channel = connect(proxy.url)
        proxy.lose(1)
        with pytest.raises(Unknown):
            await channel.notify(NOTICE, Route(notifier="sms", address="+15550001002"))
        with pytest.raises(Unknown, match="message log"):
            await channel.find(NOTICE.key)
        await channel.close()
    assert len(sent(twilio_api, "+15550001002")) == 1


async def test_check_tells_the_account_and_a_wrong_token(twilio, twilio_api):
    health = await twilio.check()
    assert health.ok, health.says
    stranger = connect(twilio_api, auth_token="hunter2")
    health = await stranger.check()
    assert not health.ok
    assert "hunter2" not in health.says
    with pytest.raises(Misconfigured):
        await stranger.notify(NOTICE, Route(notifier="sms", address="+15550001003"))
    await stranger.close()
    assert sent(twilio_api, "+15550001003") == []

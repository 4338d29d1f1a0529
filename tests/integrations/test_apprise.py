"""Apprise: whatever address it understands is told once, and the address shows up nowhere."""

import logging

import pytest
from counting_http import Fault
from hook_receivers import AppriseReceiver

import integrations
from crisis.stakeholder import Route as To
from integrations import Message, Misconfigured, Unknown

NOTICE = Message(key="k", subject="SEV1: Acme", text="It fails.", link="https://desk.example/1")
ANYONE = To(notifier="other", address="ops")


async def test_a_notice_arrives_and_no_success_is_for_a_human(caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    with AppriseReceiver() as service:
        channel = integrations.connect("apprise", url=f"json://127.0.0.1:{service.port}/hunter2")
        receipt = await channel.notify(NOTICE, ANYONE)
        assert service.created == ["SEV1: Acme|It fails.\n\nhttps://desk.example/1"]
        service.faults.append(Fault(500, done=True))
        with pytest.raises(Unknown) as caught:
            await channel.notify(NOTICE, ANYONE)
        with pytest.raises(Unknown):
            await channel.find("k")
        health = await channel.check()
        assert health.ok
        assert "hunter2" not in f"{caught.value} {health.says} {receipt} {caplog.text}"


async def test_an_address_that_is_none_is_refused_without_being_shown():
    channel = integrations.connect("apprise", url="hunter2")
    with pytest.raises(Misconfigured, match="no address") as caught:
        await channel.notify(NOTICE, ANYONE)
    assert "hunter2" not in str(caught.value)
    assert not (await channel.check()).ok

"""SMS by Twilio: one message a notice, to a number, never sent twice by itself."""

from collections.abc import Iterator
from typing import Any

import pytest
import specs
from counting_http import Fault
from paging_receivers import SID, TwilioReceiver

import integrations
from crisis.counting import Unit, measure
from crisis.stakeholder import Route as To
from crisis.statement import Part, Rendering, Target
from integrations import Message, Misconfigured, Refused, Unknown

PHONE = To(notifier="sms", address="+4915112345678")
NOTICE = Message(key="k", subject="SEV1: Acme", text="It fails. " * 100, link="https://desk.example/1")


@pytest.fixture
def twilio() -> Iterator[TwilioReceiver]:
    with TwilioReceiver() as receiver:
        yield receiver


def connect(receiver: TwilioReceiver, **more: str) -> Any:
    settings = {"base_url": receiver.url, "account_sid": SID, "auth_token": "right", "sender": "Acme", **more}
    return integrations.connect("twilio", **settings)


async def test_a_notice_is_one_message_with_its_link_whole_and_as_the_description_asks(twilio):
    receipt = await connect(twilio).notify(NOTICE, PHONE)
    assert receipt.id.startswith("SM")
    (text,) = twilio.created
    assert text.startswith("SEV1: Acme\nIt fails.")
    assert text.endswith("...\nhttps://desk.example/1")
    assert measure(Unit.SEGMENTS, text) == 2
    assert (await connect(twilio).check()).says == "account 'Acme' is active"
    specs.hold(specs.twilio(), "https://api.twilio.com", twilio.requests)


@pytest.mark.parametrize("fault", [Fault(500, done=True), Fault(201, "{}", done=True)])
async def test_no_clear_answer_is_for_a_human(twilio, fault):
    twilio.faults.append(fault)
    with pytest.raises(Unknown):
        await connect(twilio).notify(NOTICE, PHONE)
    with pytest.raises(Unknown, match="message log"):
        await connect(twilio).find("k")
    assert len(twilio.created) == 1


async def test_what_is_wrong_is_told_before_or_by_twilio(twilio):
    with pytest.raises(Misconfigured, match="no phone number"):
        await connect(twilio).notify(NOTICE, To(notifier="sms", address="ana@example.com"))
    with pytest.raises(Misconfigured, match="sender or a messaging"):
        await connect(twilio, sender="").notify(NOTICE, PHONE)
    with pytest.raises(Refused, match="has not been enabled"):
        await connect(twilio).notify(NOTICE, To(notifier="sms", address="+12025550123"))
    with pytest.raises(Misconfigured):
        await connect(twilio, auth_token="hunter2").notify(NOTICE, PHONE)
    assert not twilio.created


def statement(text: str, number: str = PHONE.address) -> Rendering:
    part = Part(text=text, length=measure(Unit.SEGMENTS, text), limit=10)
    return Rendering(target=Target(channel="sms", kind="twilio", address=number), parts=(part,))


async def test_a_statement_goes_to_a_number_whole_or_not_at_all(twilio):
    receipt = await connect(twilio).publish(statement("We know that trains have stopped."), "k")
    assert twilio.created == ["We know that trains have stopped."]
    specs.hold(specs.twilio(), "https://api.twilio.com", twilio.requests)
    with pytest.raises(Refused, match="send a correction"):
        await connect(twilio).withdraw(receipt)
    with pytest.raises(Refused, match="1600"):
        await connect(twilio).publish(statement("x" * 1700), "k2")
    with pytest.raises(Misconfigured, match="no phone number"):
        await connect(twilio).publish(statement("x", "ana"), "k3")
    assert len(twilio.created) == 1


async def test_a_status_of_another_type_is_no_clear_answer(twilio):
    twilio.faults.append(Fault(201, '{"sid": "SM1", "status": {"a": 1}}', done=True))
    with pytest.raises(Unknown):
        await connect(twilio).notify(NOTICE, PHONE)

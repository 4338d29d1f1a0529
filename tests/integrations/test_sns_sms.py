"""Text messages by Amazon SNS fit, go to one number or one topic, and go out at most once."""

from urllib.parse import parse_qs

import pytest
from aws_receiver import KEYS

import integrations
from crisis.counting import Unit, measure
from crisis.stakeholder import Route
from crisis.statement import Part
from integrations import Message, Misconfigured, Refused
from integrations.sms import SEGMENTS

NUMBER = "+15550100123"


def sns(aws, **more):
    return integrations.connect("sns_sms", **{"base_url": aws.url, **KEYS, **more})


def statement(render, text="We are sorry.", address=NUMBER):
    limit = integrations.integration("sns_sms").platform_limits.length
    part = Part(text=text, length=measure(Unit.SEGMENTS, text), limit=limit)
    return render("", kind="sns_sms", address=address).model_copy(update={"parts": (part,)})


def asked(aws):
    return {name: value[0] for name, value in parse_qs(aws.requests[-1].body.decode()).items()}


async def test_a_statement_reaches_a_phone_from_whom_it_should_seem(aws, render):
    receipt = await sns(aws, sender_id="ACME", origination_number="+15550199").publish(statement(render), "k")
    assert aws.sms == [(NUMBER, "We are sorry.")]
    request = asked(aws)
    given = {
        request[f"MessageAttributes.entry.{n}.Name"]: request[f"MessageAttributes.entry.{n}.Value.StringValue"]
        for n in (1, 2, 3)
    }
    assert given == {
        "AWS.SNS.SMS.SMSType": "Transactional",
        "AWS.SNS.SMS.SenderID": "ACME",
        "AWS.MM.SMS.OriginationNumber": "+15550199",
    }
    assert receipt.raw == {"parts": [receipt.id], "segments": 1}


async def test_a_topic_spreads_one_request_to_everybody_on_it(aws, render):
    topic = aws.client("sns").create_topic(Name="customers")["TopicArn"]
    await sns(aws).publish(statement(render, address=topic), "k")
    assert asked(aws)["TopicArn"] == topic
    assert "PhoneNumber" not in asked(aws)
    assert aws.created == ["We are sorry."]


@pytest.mark.parametrize("address", ["", "0555 0100", "+1555\n0100123", "+12345", "arn:aws:sns:x", "ana@example.com"])
async def test_what_is_neither_number_nor_topic_is_refused(aws, render, address):
    with pytest.raises(Refused, match="no phone number"):
        await sns(aws).publish(statement(render, address=address), "k")
    assert aws.created == []


@pytest.mark.parametrize("text", ["a" * 1_531, "你" * 534, "😀" * 336])
async def test_what_is_longer_than_sns_takes_is_refused(aws, render, text):
    with pytest.raises(Refused):
        await sns(aws).publish(statement(render, text), "k")
    assert aws.created == []


async def test_a_notice_keeps_its_link_whatever_the_length_of_its_text(aws):
    message = Message(key="k", subject="SEV1 Acme", text="people are angry " * 200, link="https://desk.example/i/INC-1")
    await sns(aws).notify(message, Route(notifier="sms", address=NUMBER))
    ((_, text),) = aws.sms
    assert text.startswith("SEV1 Acme\npeople are angry ")
    assert text.endswith("...\nhttps://desk.example/i/INC-1")
    assert measure(Unit.SEGMENTS, text) == SEGMENTS


async def test_check_tells_of_the_sandbox_and_the_limit(aws):
    aws.client("sns").set_sms_attributes(attributes={"MonthlySpendLimit": "25"})
    assert "monthly spend limit in USD: 25" in (await sns(aws).check()).says
    aws.sandbox = True
    health = await sns(aws).check()
    assert not health.ok
    assert "sandbox" in health.says
    assert aws.created == []


@pytest.mark.parametrize("settings", [{"sender_id": "has space"}, {"sender_id": "x" * 12}, {"origination_number": "a"}])
def test_senders_that_no_network_takes_are_named(settings):
    with pytest.raises(Misconfigured, match="Its settings are"):
        integrations.connect("sns_sms", **settings)


async def test_a_text_message_can_be_neither_changed_nor_taken_back(aws, render):
    channel = sns(aws)
    receipt = await channel.publish(statement(render), "k")
    with pytest.raises(Refused, match="correction"):
        await channel.amend(receipt, statement(render))
    with pytest.raises(Refused, match="correction"):
        await channel.withdraw(receipt)

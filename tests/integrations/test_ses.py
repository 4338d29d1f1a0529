"""Mails by Amazon SES carry what mail programs and SES's own events need, and go out at most once."""

from email import message_from_string, policy

import pytest
from aws_receiver import KEYS

import integrations
from crisis.stakeholder import Route
from integrations import Message, Misconfigured, Refused, Unknown

TO = "list@example.com"


def ses(aws, **more):
    settings = {"base_url": aws.url, "sender": "status@acme.example", "sender_name": "Acmé", **KEYS}
    return integrations.connect("ses", **{**settings, **more})


def statement(render, text="We are sorry.", **more):
    return render(text, **{"kind": "ses", "address": TO, "subject": "Outage", **more})


def asked(aws):
    """The last request to send, and the mail in it."""
    request = next(r for r in reversed(aws.requests) if r.path == "/v2/email/outbound-emails")
    return request.json, message_from_string(aws.created[-1], policy=policy.default)


async def test_a_statement_goes_to_the_list_with_the_headers_that_lists_need(aws, render):
    channel = ses(aws, list_id="status.acme.example", list_unsubscribe="https://acme.example/leave")
    receipt = await channel.publish(statement(render, "Grüße, 你好", html="<p>Grüße</p>"), "abc")
    request, mail = asked(aws)
    assert request["Destination"] == {"ToAddresses": [TO]}
    assert mail["From"] == "Acmé <status@acme.example>"
    assert mail["List-Id"] == "<status.acme.example>"
    assert mail["List-Unsubscribe"] == "<https://acme.example/leave>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail.get_body(("plain",)).get_content().strip() == "Grüße, 你好"
    assert mail.get_body(("html",)).get_content().strip() == "<p>Grüße</p>"
    assert receipt.id == f"<{receipt.raw['MessageId']}@eu-central-1.amazonses.com>"


async def test_the_key_and_the_configuration_set_let_ses_events_be_told_apart(aws, render):
    aws.client("sesv2").create_configuration_set(ConfigurationSetName="crisis")
    channel = ses(aws, configuration_set="crisis", sender_arn="arn:aws:ses:eu-central-1:1:identity/acme.example")
    await channel.publish(statement(render), "key/1 ü")
    request, _ = asked(aws)
    assert request["ConfigurationSetName"] == "crisis"
    assert request["FromEmailAddressIdentityArn"] == "arn:aws:ses:eu-central-1:1:identity/acme.example"
    assert request["EmailTags"] == [{"Name": "fireline", "Value": "key_1__"}]
    with pytest.raises(Unknown, match="fireline=key_1__"):
        await channel.find("key/1 ü")


async def test_a_statement_to_a_list_of_people_is_never_one_mail(aws, render):
    with pytest.raises(Misconfigured, match="nobody"):
        await ses(aws, recipients=("a@example.com",)).publish(statement(render, address=""), "k")
    assert aws.created == []


async def test_a_correction_answers_the_mail_that_ses_sent(aws, render):
    channel = ses(aws)
    first = await channel.publish(statement(render, options={"thread": "INC-1"}), "k1")
    await channel.publish(statement(render, options={"thread": "INC-1"}, reply_to=first.id), "k2")
    assert f"In-Reply-To: {first.id}\r\n" in aws.created[1]
    assert len(str(asked(aws)[1]["References"]).split()) == 2


async def test_a_notice_goes_to_one_person_with_its_link(aws):
    message = Message(key="n", subject="SEV1", text="Look", html="<p>Look</p>", thread="INC-1", link="https://d/?a&b")
    await ses(aws).notify(message, Route(notifier="email", address="ana@example.com"))
    request, mail = asked(aws)
    assert request["Destination"] == {"ToAddresses": ["ana@example.com"]}
    assert "https://d/?a&b" in mail.get_body(("plain",)).get_content()
    assert 'href="https://d/?a&amp;b"' in mail.get_body(("html",)).get_content()


async def test_text_from_outside_adds_no_header_and_no_recipient(aws, render):
    evil = "Hi\r\nBcc: victim@example.com\r\n\r\nbody"
    channel = ses(aws)
    await channel.publish(statement(render, evil, subject=evil, reply_to=f"<{evil}>", language=evil), evil)
    request, mail = asked(aws)
    assert request["Destination"] == {"ToAddresses": [TO]}
    assert mail["Bcc"] is None
    assert request["EmailTags"][0]["Value"] == "Hi__Bcc__victim@example.com____body"
    with pytest.raises(Refused, match="no e-mail address"):
        await channel.notify(Message(key="k", subject="s", text="t"), Route(notifier="e", address="a@b.example, c@d"))
    assert len(aws.created) == 1


async def test_a_sender_that_ses_has_not_verified_is_refused(aws, render):
    with pytest.raises(Refused, match="authority"):
        await ses(aws, sender="a@elsewhere.example").publish(statement(render), "k")
    assert aws.created == []


async def test_check_tells_what_keeps_mails_from_going_out(aws):
    assert "49,000 mails left today, 14 a second" in (await ses(aws).check()).says
    missing = await ses(aws, configuration_set="nothing").check()
    elsewhere = await ses(aws, sender="a@elsewhere.example").check()
    assert not missing.ok
    assert not elsewhere.ok
    aws.verified = False
    assert "has not verified" in (await ses(aws).check()).says
    aws.sandbox = True
    assert "sandbox" in (await ses(aws).check()).says
    assert aws.created == []


async def test_a_mail_can_be_neither_changed_nor_taken_back(aws, render):
    channel = ses(aws)
    receipt = await channel.publish(statement(render), "k")
    with pytest.raises(Refused, match="correction"):
        await channel.amend(receipt, statement(render))
    with pytest.raises(Refused, match="correction"):
        await channel.withdraw(receipt)

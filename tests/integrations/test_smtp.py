"""E-mail is sent at most once, threaded by incident, and cannot be steered by its own text."""

import pytest
from proxy import Proxy
from receivers import SmtpReceiver

import integrations
from crisis.stakeholder import Route
from integrations import Message, Misconfigured, RateLimited, Refused, Unknown, Unreachable

TO = "list@example.com"


@pytest.fixture
def receiver():
    with SmtpReceiver() as server:
        yield server


def smtp(receiver, **more):
    settings = {"base_url": receiver.url, "sender": "status@acme.example", "sender_name": "Acme", "timeout": 5}
    return integrations.connect("smtp", **{**settings, **more})


def statement(render, text="We are sorry.", **more):
    return render(text, **{"kind": "smtp", "address": TO, "subject": "Outage", **more})


async def test_a_statement_arrives_as_text_and_html_with_the_key_as_its_id(receiver, render):
    receipt = await smtp(receiver).publish(statement(render, "Grüße, 你好\n.dot", html="<p>Grüße</p>"), "abc")
    ((recipients, mail),) = receiver.mails
    assert recipients == (TO,)
    assert (mail["Message-ID"], receipt.id) == ("<abc@acme.example>", "<abc@acme.example>")
    assert mail["From"] == "Acme <status@acme.example>"
    assert mail.get_content_type() == "multipart/alternative"
    assert mail.get_body(("plain",)).get_content().splitlines() == ["Grüße, 你好", ".dot"]
    assert mail.get_body(("html",)).get_content().strip() == "<p>Grüße</p>"
    assert mail["Auto-Submitted"] == "auto-generated"


async def test_a_list_says_how_to_leave_it(receiver, render):
    channel = smtp(receiver, list_id="status.acme.example", list_unsubscribe="https://acme.example/leave")
    await channel.publish(statement(render), "k")
    mail = receiver.mails[0][1]
    assert mail["List-Id"] == "<status.acme.example>"
    assert mail["List-Unsubscribe"] == "<https://acme.example/leave>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


async def test_a_statement_to_a_list_of_people_is_never_one_mail(receiver, render):
    channel = smtp(receiver, recipients=("a@example.com", "b@example.com"))
    assert (await channel.audience()).addresses == ("a@example.com", "b@example.com")
    with pytest.raises(Misconfigured, match="give the channel an address"):
        await channel.publish(statement(render, address=""), "k")
    assert receiver.mails == []


async def test_notices_of_one_incident_hang_together_and_carry_the_link(receiver):
    channel = smtp(receiver)
    for key in ("n1", "n2"):
        message = Message(
            key=key, subject="SEV1", text="Look", html="<p>Look</p>", thread="INC-1", link="https://d/?a=1&b=2"
        )
        await channel.notify(message, Route(notifier="email", address="ana@example.com"))
    first, second = (mail for _, mail in receiver.mails)
    assert first["References"] == second["References"] == first["In-Reply-To"]
    assert first["Message-ID"] != second["Message-ID"]
    assert "https://d/?a=1&b=2" in first.get_body(("plain",)).get_content()
    assert 'href="https://d/?a=1&amp;b=2"' in first.get_body(("html",)).get_content()


async def test_a_correction_answers_the_mail_it_corrects(receiver, render):
    channel = smtp(receiver)
    first = await channel.publish(statement(render, options={"thread": "INC-1"}), "k1")
    await channel.publish(statement(render, options={"thread": "INC-1"}, reply_to=first.id), "k2")
    mail = receiver.mails[1][1]
    assert mail["In-Reply-To"] == first.id
    assert str(mail["References"]).split()[-1] == first.id


async def test_text_from_outside_adds_no_header_and_no_recipient(receiver, render):
    evil = "Hi\r\nBcc: victim@example.com\r\n\r\nbody"
    channel = smtp(receiver)
    await channel.publish(statement(render, evil, subject=evil, reply_to=f"<{evil}>", language=evil), evil)
    ((recipients, mail),) = receiver.mails
    assert recipients == (TO,)
    assert mail["Bcc"] is None
    assert "Bcc" not in mail.keys()  # noqa: SIM118 - keys() is what a mail server sees
    for address in ("a@example.com\r\nRCPT TO:<b@example.com>", "a@example.com, b@example.com", "<a@example.com>"):
        with pytest.raises(Refused, match="no e-mail address"):
            await channel.publish(statement(render, address=address), "k")
        with pytest.raises(Misconfigured, match="no e-mail address"):
            smtp(receiver, recipients=(address,))
        with pytest.raises(Misconfigured, match="no e-mail address"):
            smtp(receiver, sender=address)
    assert len(receiver.mails) == 1


async def test_a_mail_without_subject_is_refused(receiver, render):
    with pytest.raises(Refused, match="subject"):
        await smtp(receiver).publish(statement(render, subject=" \n"), "k")
    assert receiver.mails == []


@pytest.mark.parametrize(
    ("where", "answer", "outcome"),
    [
        ("mail", "451 later", RateLimited),
        ("mail", "550 no", Refused),
        ("rcpt", "450 greylisted", RateLimited),
        ("rcpt", "550 no such user", Refused),
        ("data", "452 full", RateLimited),
        ("data", "554 spam", Refused),
    ],
)
async def test_a_negative_reply_means_that_nothing_is_there(receiver, render, where, answer, outcome):
    if where == "rcpt":
        receiver.rcpt_answers[TO] = answer
    else:
        getattr(receiver, f"{where}_answers").append(answer)
    with pytest.raises(outcome) as caught:
        await smtp(receiver).publish(statement(render), "k")
    assert type(caught.value) is outcome
    assert receiver.mails == []


async def test_a_reply_that_repeats_the_password_does_not_pass_it_on(receiver, render):
    receiver.mail_answers.append("550 you are hunter2secret")
    with pytest.raises(Refused, match="hidden") as caught:
        await smtp(receiver, password="hunter2secret").publish(statement(render), "k")
    assert "hunter2secret" not in str(caught.value)


async def test_an_answer_lost_after_the_message_is_unknown_and_no_look_up_settles_it(receiver, render):
    with Proxy("127.0.0.1", receiver.port, after=b"\r\n.\r\n") as proxy:
        channel = smtp(receiver, base_url=f"smtp://127.0.0.1:{proxy.port}")
        proxy.lose()
        with pytest.raises(Unknown):
            await channel.publish(statement(render), "k")
        proxy.silent = True
        proxy.lose()
        with pytest.raises(Unknown):
            await smtp(receiver, base_url=f"smtp://127.0.0.1:{proxy.port}", timeout=0.5).publish(
                statement(render), "k2"
            )
    assert len(receiver.mails) == 2
    with pytest.raises(Unknown, match=r"<k@acme\.example>"):
        await channel.find("k")


async def test_a_connection_lost_before_the_message_means_nothing_was_sent(receiver, render):
    with Proxy("127.0.0.1", receiver.port, after=b"RCPT TO") as proxy:
        proxy.lose()
        with pytest.raises(Unreachable):
            await smtp(receiver, base_url=f"smtp://127.0.0.1:{proxy.port}").publish(statement(render), "k")
    with pytest.raises(Unreachable):
        await smtp(receiver, base_url=f"smtp://127.0.0.1:{proxy.port}").publish(statement(render), "k")
    assert receiver.mails == []


async def test_a_wrong_password_is_misconfigured_and_never_repeated(render):
    def deny(server, session, envelope, mechanism, auth_data):
        from aiosmtpd.smtp import AuthResult

        return AuthResult(success=False, handled=False, message="535 5.7.8 hunter2secret is wrong")

    with SmtpReceiver(authenticator=deny, auth_require_tls=False) as receiver:
        channel = smtp(receiver, username="u", password="hunter2secret")
        with pytest.raises(Misconfigured) as caught:
            await channel.publish(statement(render), "k")
        assert "hunter2secret" not in str(caught.value)
        health = await channel.check()
        assert not health.ok
        assert "hunter2secret" not in health.says


async def test_what_the_server_does_not_offer_is_misconfigured(receiver, render):
    for settings in ({"start_tls": "always"}, {"username": "u", "password": "hunter2secret"}):
        with pytest.raises(Misconfigured, match="mend"):
            await smtp(receiver, **settings).publish(statement(render), "k")
    assert receiver.mails == []


def test_a_password_never_goes_out_unencrypted():
    with pytest.raises(Misconfigured, match="unencrypted"):
        integrations.connect(
            "smtp",
            base_url="smtp://mail.example",
            sender="a@example.com",
            username="u",
            password="hunter2secret",
            start_tls="never",
        )


async def test_check_proves_the_server_without_sending(receiver):
    health = await smtp(receiver).check()
    assert health.ok, health.says
    assert receiver.mails == []


async def test_a_mail_can_be_neither_changed_nor_taken_back(receiver, render):
    channel = smtp(receiver)
    receipt = await channel.publish(statement(render), "k")
    with pytest.raises(Refused, match="correction"):
        await channel.amend(receipt, statement(render))
    with pytest.raises(Refused, match="correction"):
        await channel.withdraw(receipt)

"""Lines of a mailing: what each reply means for one recipient, and that no address can steer a mail."""

from email import message_from_bytes, policy

import pytest
from aws_receiver import KEYS
from counting_http import Fault
from receivers import SmtpReceiver

import integrations
from crisis.mailing import RecipientState
from integrations import Misconfigured, RateLimited, Refused, Unreachable, mail
from integrations.mailing import Letter
from integrations.pacing import Pace, Pacer

R = RecipientState
EVIL = (
    "a@example.com\r\nBcc: victim@example.com",
    "a@example.com>\r\nRCPT TO:<victim@example.com",
    "a@example.com, victim@example.com",
    "<a@example.com>",
    '"a\\"@example.com',
    "a@b@example.com",
    "a\u202e@example.com",
    "ä@example.com",
    "a b@example.com",
    "@example.com",
    "a@",
    f"{'a' * 65}@example.com",
)


@pytest.fixture
def receiver():
    with SmtpReceiver() as server:
        yield server


def settings(url):
    return {"base_url": url, "sender": "news@acme.example", "timeout": 5}


async def opened(channel, render, kind="smtp", **more):
    rendering = render(".dot\n..two\nGrüße", kind=kind, subject="Outage", **more)
    return await channel.mailing(rendering, "key")


async def test_a_line_sends_one_mail_after_the_other_on_one_connection(receiver, render):
    mailing = await opened(integrations.connect("smtp", **settings(receiver.url)), render)
    line = mailing.lines[0]
    for n in range(3):
        assert await line.send(Letter(n, f"p{n}@example.com", f"https://d.example/leave/{n}")) == (
            R.ACCEPTED,
            "",
            False,
        )
    await line.close()
    assert [to for (to,), _ in receiver.mails] == ["p0@example.com", "p1@example.com", "p2@example.com"]
    for n, (_, written) in enumerate(receiver.mails):
        assert written.get_content().splitlines() == [".dot", "..two", "Grüße"]
        assert written["List-Unsubscribe"] == f"<https://d.example/leave/{n}>"
        assert written["Message-ID"] == f"<key.{n}@acme.example>"
        assert written["References"] == mailing.id == "<key@acme.example>"


@pytest.mark.parametrize(
    ("answer", "state", "bounced"),
    [
        ("550 5.1.1 no such user", R.REFUSED, True),
        ("550 5.7.1 not from you", R.REFUSED, False),
        ("452 4.2.2 mailbox full", R.PENDING, False),
        ("450 greylisted", R.PENDING, False),
    ],
)
async def test_a_refused_recipient_leaves_the_line_fit_for_the_next(receiver, render, answer, state, bounced):
    receiver.rcpt_answers["b@example.com"] = answer
    line = (await opened(integrations.connect("smtp", **settings(receiver.url)), render)).lines[0]
    assert await line.send(Letter(0, "b@example.com")) == (state, answer, bounced)
    assert (await line.send(Letter(1, "c@example.com"))).state is R.ACCEPTED
    await line.close()
    assert len(receiver.mails) == 1


@pytest.mark.parametrize(("answer", "state"), [("554 spam", R.REFUSED), ("452 full", R.PENDING)])
async def test_a_refused_text_is_this_recipients_matter_alone(receiver, render, answer, state):
    receiver.data_answers.append(answer)
    line = (await opened(integrations.connect("smtp", **settings(receiver.url)), render)).lines[0]
    assert (await line.send(Letter(0, "b@example.com"))).state is state
    assert (await line.send(Letter(1, "c@example.com"))).state is R.ACCEPTED
    await line.close()


@pytest.mark.parametrize(
    ("answer", "outcome"), [("550 who are you", Refused), ("451 later", RateLimited), ("421 closing", Unreachable)]
)
async def test_a_refused_sender_is_the_whole_mailings_matter(receiver, render, answer, outcome):
    receiver.mail_answers.append(answer)
    line = (await opened(integrations.connect("smtp", **settings(receiver.url)), render)).lines[0]
    with pytest.raises(outcome) as caught:
        await line.send(Letter(0, "b@example.com"))
    assert type(caught.value) is outcome
    await line.close()
    assert receiver.mails == []


async def test_a_transactional_mailing_carries_no_list_headers(receiver, render):
    channel = integrations.connect(
        "smtp",
        **settings(receiver.url),
        transactional=True,
        list_id="x.acme.example",
        list_unsubscribe="mailto:x@a.example",
    )
    line = (await opened(channel, render)).lines[0]
    await line.send(Letter(0, "b@example.com", "https://d.example/leave/0"))
    await line.close()
    assert not [name for name in receiver.mails[0][1] if name.startswith("List-")]


@pytest.mark.parametrize("evil", EVIL)
def test_no_address_of_a_list_can_steer_a_mail(evil):
    with pytest.raises(ValueError, match=r"no e-mail address|letters before"):
        mail.mailbox(evil)
    with pytest.raises(Misconfigured):
        integrations.connect("smtp", **settings("smtp://127.0.0.1:1"), recipients=(evil,))


async def test_ses_sends_each_recipient_a_mail_of_their_own_at_the_accounts_rate(aws, render):
    aws.client("sesv2").create_configuration_set(ConfigurationSetName="crisis")
    channel = integrations.connect(
        "ses",
        base_url=aws.url,
        sender="news@acme.example",
        configuration_set="crisis",
        recipients=("a@x.example",),
        **KEYS,
    )
    mailing = await opened(channel, render, kind="ses")
    assert mailing.most == 49_000
    assert not mailing.pacer.free
    for _ in range(15):  # the account may send 14 a second
        assert mailing.pacer.wait("x.example", 100.0) == 0
        mailing.pacer.go("x.example", 100.0)
    assert 0 < mailing.pacer.wait("y.example", 100.0) < 1
    assert await mailing.lines[0].send(Letter(7, "a@x.example", "https://d.example/l")) == (R.ACCEPTED, "", False)
    request = next(r for r in reversed(aws.requests) if r.path == "/v2/email/outbound-emails").json
    assert request["Destination"] == {"ToAddresses": ["a@x.example"]}
    assert request["EmailTags"] == [{"Name": "fireline", "Value": "key"}]
    written = message_from_bytes(aws.created[-1].encode(), policy=policy.default)
    assert (written["To"], written["List-Unsubscribe"]) == ("a@x.example", "<https://d.example/l>")
    aws.faults.append(Fault(500, done=True))
    assert (await mailing.lines[0].send(Letter(8, "b@x.example"))).state is R.UNKNOWN
    await channel.close()


async def test_a_contact_who_unsubscribes_is_passed_over_and_the_approved_list_stays_the_approved_list(aws):
    client = aws.client("sesv2")
    client.create_contact_list(ContactListName="customers")
    for name in ("a", "b", "c"):
        client.create_contact(ContactListName="customers", EmailAddress=f"{name}@x.example", UnsubscribeAll=name == "c")
    channel = integrations.connect(
        "ses", base_url=aws.url, sender="news@acme.example", contact_list="customers", **KEYS
    )
    first = await channel.audience()
    assert first.addresses == ("a@x.example", "b@x.example")
    client.delete_contact(ContactListName="customers", EmailAddress="b@x.example")
    client.create_contact(ContactListName="customers", EmailAddress="b@x.example", UnsubscribeAll=True)
    second = await channel.audience()
    assert second.addresses == ("a@x.example",)
    assert first.sha256 == second.sha256
    await channel.close()


def test_a_paced_domain_holds_up_no_other():
    pacer = Pacer({"slow.example": Pace(per_minute=60), "narrow.example": Pace(at_once=1)})
    pacer.go("slow.example", 10.0)
    pacer.go("slow.example", 10.0)
    assert pacer.wait("slow.example", 10.0) > 0
    assert pacer.wait("fast.example", 10.0) == 0
    pacer.go("narrow.example", 10.0)
    assert pacer.wait("narrow.example", 10.0) == float("inf")
    pacer.done("narrow.example")
    assert pacer.wait("narrow.example", 10.0) == 0

"""A mailing reaches every recipient of the approved list once, says so of each, and goes on at the next after a stop."""

from collections import Counter
from contextlib import asynccontextmanager

import pytest
from acme import ANA, acme, incident_in, proposed_in
from receivers import SmtpReceiver

from crisis.approval import Verdict, Via
from crisis.delivery import DeliveryState, Purpose
from crisis.mailing import RecipientState
from tasks.approve import decide
from tasks.mailing import journal_of

R = RecipientState
PEOPLE = [f"reader{n}@d{n % 3}.example" for n in range(12)]
HTTPS = "http://127.0.0.1:8420", "https://desk.acme.example"


@pytest.fixture
def receiver():
    with SmtpReceiver() as server:
        yield server


@asynccontextmanager
async def scene(folder, receiver, *, url="", more="", people=PEOPLE):
    """Acme with one more channel, a mailing to ``people``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "readers.txt").write_text("\n".join(people))
    channel = f"""
[[channels]]
name = "readers"
kind = "smtp"
[channels.settings]
base_url = "{url or receiver.url}"
sender = "news@acme.example"
list_id = "readers.acme.example"
recipients_file = "{(folder / "readers.txt").as_posix()}"
connections = 2
timeout = 5
{more}
"""
    desk = ("[desk]\n", '[desk]\npublic_url = "https://desk.acme.example"\n')
    async with acme(folder, more=channel) as here:
        settings = here.settings.model_copy(
            update={"desk": here.settings.desk.model_copy(update={"public_url": "https://desk.acme.example"})}
        )
        here.settings = settings
        yield here


async def approved(here, statement):
    await decide(
        here,
        statement=statement.id,
        version=statement.version,
        content_hash=statement.content_hash,
        approver=ANA,
        role="comms",
        verdict=Verdict.APPROVE,
        via=Via.CLI,
    )
    return await mailing_of(here, statement)


async def mailing_of(here, statement):
    async with here.store.reading() as tx:
        planned = await tx.outbox.list(statement=statement.id, purpose=Purpose.STATEMENT)
    return next(d for d in reversed(planned) if d.rendering.target.channel == "readers")


async def counts(here, delivery):
    async with here.store.reading() as tx:
        return await tx.mailings.counts(delivery.id)


def written_to(receiver):
    return Counter(to for recipients, _ in receiver.mails for to in recipients)


async def test_every_recipient_gets_one_mail_with_a_link_of_their_own_and_sees_no_other(tmp_path, receiver):
    async with scene(tmp_path, receiver) as here:
        statement = await proposed_in(here, await incident_in(here))
        delivery = await approved(here, statement)
        assert delivery.state is DeliveryState.ACCEPTED, delivery.problem
        assert await counts(here, delivery) == {R.ACCEPTED: 12}
        assert delivery.receipt.raw["recipients"] == {"accepted": 12}
        assert written_to(receiver) == Counter(PEOPLE)
        links, ids = set(), set()
        for (to,), mail in receiver.mails:
            assert mail["To"] == to
            assert not any(other in mail.as_string() for other in PEOPLE if other != to)
            assert mail["List-Id"] == "<readers.acme.example>"
            assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
            assert mail["References"] == delivery.receipt.id
            links.add(str(mail["List-Unsubscribe"]))
            ids.add(str(mail["Message-ID"]))
        assert len(links) == len(ids) == 12
        assert (await here.store.verify()).ok
        assert not journal_of(here, delivery).exists()

"""A mailing reaches every recipient of the approved list once, says so of each, and goes on at the next after a stop."""

import asyncio
import time
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from acme import IDA, acme, fact_in, incident_in, proposed_in
from proxy import Proxy
from receivers import SmtpReceiver

from crisis.approval import Verdict, Via
from crisis.delivery import DeliveryState, Purpose
from crisis.fact import FactStatus
from crisis.mailing import LIST_HASH, RecipientState, fingerprint
from crisis.values import StatementKind
from integrations import Misconfigured
from records.journal import JournalWriter
from tasks import approve as approving
from tasks import deliver as delivering
from tasks import postbag
from tasks.approve import decide, propose, standing_of
from tasks.corrections import open_corrections
from tasks.deliver import answer_unknown, deliver, expire_leases
from tasks.draft import draft, save_fact
from tasks.leaving import LeavingLinks, leave
from tasks.mailing import journal_of
from tasks.promises import confirm_found
from tasks.publish import mail_on, publish_statement
from tasks.withdraw import withdraw

R = RecipientState
PEOPLE = [f"reader{n}@d{n % 3}.example" for n in range(12)]


@pytest.fixture
def receiver():
    with SmtpReceiver() as server:
        yield server


@pytest.fixture(autouse=True)
def _patient_approvers(monkeypatch):
    """A busy machine pauses no mailing that a test wants whole."""
    monkeypatch.setattr(approving, "APPROVER_WAITS", 60.0)


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
    async with acme(folder, more=channel) as here:
        desk = here.settings.desk.model_copy(update={"public_url": "https://desk.acme.example"})
        here.settings = here.settings.model_copy(update={"desk": desk})
        yield here


async def approved(here, statement):
    for role in (await standing_of(here, statement.id, statement.version)).missing:
        person = next(p for p in here.settings.stakeholders if role in p.roles and p.email != statement.author)
        await decide(
            here,
            statement=statement.id,
            version=statement.version,
            content_hash=statement.content_hash,
            approver=person.email,
            role=role,
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


async def test_who_is_suppressed_or_has_left_this_list_is_not_written_to(tmp_path, receiver):
    async with scene(tmp_path, receiver) as here:
        async with here.store.transaction() as tx:
            await tx.suppressions.add(PEOPLE[0].upper(), why="complained", actor="test")
            await tx.suppressions.add(PEOPLE[1], why="unsubscribed", list="readers", actor="test")
            await tx.suppressions.add(PEOPLE[2], why="unsubscribed", list="another", actor="test")
        delivery = await approved(here, await proposed_in(here, await incident_in(here)))
        assert await counts(here, delivery) == {R.ACCEPTED: 10, R.SUPPRESSED: 2}
        assert written_to(receiver) == Counter(PEOPLE[2:])


async def test_one_recipients_refusal_or_later_holds_up_no_other(tmp_path, receiver):
    receiver.rcpt_answers |= {PEOPLE[3]: "550 5.1.1 no such user", PEOPLE[4]: "451 4.7.1 greylisted"}
    receiver.rcpt_answers |= {PEOPLE[5]: "550 5.7.1 not from you"}
    async with scene(tmp_path, receiver) as here:
        delivery = await approved(here, await proposed_in(here, await incident_in(here)))
        assert await counts(here, delivery) == {R.PENDING: 1, R.ACCEPTED: 9, R.REFUSED: 2}
        assert delivery.state is DeliveryState.PENDING
        assert delivery.not_before > datetime.now(UTC) + timedelta(minutes=1)
        assert delivery.arrived
        async with here.store.reading() as tx:
            (gone,) = await tx.suppressions.list()
            assert (gone.address, gone.reason, gone.list) == (PEOPLE[3], "bounced", "")
        assert set(written_to(receiver)) == set(PEOPLE) - set(PEOPLE[3:6])


async def test_only_the_mail_whose_answer_was_lost_is_unknown_and_a_human_decides_about_it(tmp_path, receiver):
    with Proxy("127.0.0.1", receiver.port, after=b"\r\n.\r\n") as proxy:
        proxy.lose()
        async with scene(tmp_path, receiver, url=f"smtp://127.0.0.1:{proxy.port}") as here:
            statement = await proposed_in(here, await incident_in(here))
            delivery = await approved(here, statement)
            assert await counts(here, delivery) == {R.ACCEPTED: 11, R.UNKNOWN: 1}
            assert (delivery.state, delivery.needs_human) == (DeliveryState.UNKNOWN, True)
            assert "one recipient" in delivery.problem
            assert await mail_on(here, statement.id, 1) is False
            assert max(written_to(receiver).values()) == 1
            async with here.store.reading() as tx:
                (doubted,) = await tx.mailings.list(delivery.id, R.UNKNOWN)
            again = await answer_unknown(
                here, delivery.id, arrived=False, actor=IDA, reason="asked her", recipients=[doubted.address]
            )
            assert again.state is DeliveryState.ACCEPTED
            assert written_to(receiver)[doubted.address] == 2
            assert await counts(here, delivery) == {R.ACCEPTED: 12}


async def test_a_humans_word_that_it_is_there_settles_the_mailing(tmp_path, receiver):
    with Proxy("127.0.0.1", receiver.port, after=b"\r\n.\r\n") as proxy:
        proxy.lose()
        async with scene(tmp_path, receiver, url=f"smtp://127.0.0.1:{proxy.port}") as here:
            delivery = await approved(here, await proposed_in(here, await incident_in(here)))
            settled = await answer_unknown(here, delivery.id, arrived=True, actor=IDA, reason="she has it")
            assert settled.state is DeliveryState.RECONCILED
            assert settled.receipt.raw["recipients"] == {"accepted": 12}
            assert written_to(receiver) == Counter(PEOPLE)
            assert (await here.store.verify()).ok


async def test_a_list_that_changed_after_approval_is_not_mailed(tmp_path, receiver):
    async with scene(tmp_path, receiver) as here:
        statement = await proposed_in(here, await incident_in(here))
        rendering = next(r for r in statement.renderings if r.target.channel == "readers")
        assert (rendering.options["recipients"], len(rendering.options[LIST_HASH])) == ("12", 64)
        (tmp_path / "readers.txt").write_text("\n".join([*PEOPLE, "late@d1.example"]))
        delivery = await approved(here, statement)
        assert delivery.state is DeliveryState.REFUSED
        assert "has changed since it was approved (12 recipients then, 13 now)" in delivery.problem
        assert receiver.mails == []


async def test_the_same_list_in_another_order_is_the_approved_list(tmp_path, receiver):
    async with scene(tmp_path, receiver) as here:
        statement = await proposed_in(here, await incident_in(here))
        (tmp_path / "readers.txt").write_text("email;name\n" + "\n".join(f"{p.upper()};x" for p in reversed(PEOPLE)))
        delivery = await approved(here, statement)
        assert delivery.state is DeliveryState.ACCEPTED, delivery.problem


async def test_a_list_that_cannot_be_read_is_told_to_approvers_and_holds_up_no_other_channel(tmp_path, receiver):
    async with scene(tmp_path, receiver) as here:
        (tmp_path / "readers.txt").unlink()
        statement = await proposed_in(here, await incident_in(here))
        rendering = next(r for r in statement.renderings if r.target.channel == "readers")
        assert "No such file" in rendering.options["recipients_problem"]
        (tmp_path / "readers.txt").write_text("\n".join(PEOPLE))
        delivery = await approved(here, statement)
        assert delivery.state is DeliveryState.REFUSED
        assert "were not known when it was approved" in delivery.problem
        async with here.store.reading() as tx:
            others = await tx.outbox.list(statement=statement.id, states=(DeliveryState.ACCEPTED,))
        assert len(others) == 4


async def vanished(here, *, going=(), came=(), boot=""):
    """A mailing whose sender was killed after it had armed everybody; what its journal holds."""
    incident = await incident_in(here)
    statement = await proposed_in(here, incident)
    waits, approving.APPROVER_WAITS = approving.APPROVER_WAITS, -1.0  # plan, and send nothing
    try:
        delivery = await approved(here, statement)
    finally:
        approving.APPROVER_WAITS = waits
    channel = await here.channel("readers")
    async with here.store.transaction() as tx:
        armed = await tx.outbox.arm(delivery.id, owner="dead", lease_seconds=0.0, actor="outbox")
        await tx.mailings.plan(delivery.id, await channel.audience(), incident="INC-1", given="readers", actor="outbox")
        batch = await tx.mailings.list(delivery.id, R.PENDING)
        await tx.mailings.arm(
            delivery.id, batch, attempt=armed.attempts, incident="INC-1", given="readers", actor="outbox"
        )
    journal = JournalWriter(journal_of(here, armed))
    for position in going:
        journal.going(position)
    for position in came:
        journal.came(position, R.ACCEPTED)
    journal.close()
    if boot:
        file = journal_of(here, armed)
        file.write_text(file.read_text().replace("boot ", f"boot {boot}", 1))
    return armed


async def test_a_killed_mailing_goes_on_at_the_next_recipient_and_only_the_one_in_flight_is_unknown(tmp_path, receiver):
    async with scene(tmp_path, receiver) as here:
        delivery = await vanished(here, going=range(5), came=range(4))
        await expire_leases(here)
        after = await deliver(here, delivery.id)
        assert written_to(receiver) == Counter(PEOPLE[5:])
        assert await counts(here, delivery) == {R.ACCEPTED: 11, R.UNKNOWN: 1}
        assert (after.state, after.needs_human) == (DeliveryState.UNKNOWN, True)
        async with here.store.reading() as tx:
            assert [r.address for r in await tx.mailings.list(delivery.id, R.UNKNOWN)] == [PEOPLE[4]]
        assert (await here.store.verify()).ok


async def test_after_a_crash_of_the_machine_nobody_the_journal_does_not_answer_for_is_written_to_again(
    tmp_path, receiver
):
    async with scene(tmp_path, receiver) as here:
        delivery = await vanished(here, going=range(5), came=range(4), boot="another-")
        await expire_leases(here)
        after = await deliver(here, delivery.id)
        assert receiver.mails == []
        assert await counts(here, delivery) == {R.ACCEPTED: 4, R.UNKNOWN: 8}
        assert (after.state, after.needs_human) == (DeliveryState.UNKNOWN, True)


class _Leaping:
    """A clock that is far ahead once a sender has armed its first batch."""

    monotonic = staticmethod(time.monotonic)

    def __init__(self):
        self._asked = 0

    def time(self):
        self._asked += 1
        return time.time() + (1000 if self._asked > 2 else 0)


async def test_a_sender_that_was_held_up_longer_than_its_lease_writes_to_nobody_more(tmp_path, receiver, monkeypatch):
    monkeypatch.setattr(postbag, "time", _Leaping())
    monkeypatch.setattr(postbag, "TURN_SECONDS", 60.0)  # however long a connection takes, no second turn asks first
    monkeypatch.setattr(delivering, "PATIENCE_SECONDS", 2.0)
    async with scene(tmp_path, receiver) as here:
        delivery = await approved(here, await proposed_in(here, await incident_in(here)))
        assert "longer than its lease" in delivery.problem
        assert receiver.mails == []
        assert await counts(here, delivery) == {R.PENDING: 12}


async def test_a_withdrawn_statement_is_mailed_to_nobody_more_and_those_who_have_it_get_its_correction(
    tmp_path, receiver, monkeypatch
):
    monkeypatch.setattr(postbag, "BATCH", 4)
    monkeypatch.setattr(postbag, "LOW", 1)
    receiver.rcpt_answers[PEOPLE[5]] = "451 later"
    async with scene(tmp_path, receiver) as here:
        statement = await proposed_in(here, await incident_in(here))
        await approved(here, statement)
        receiver.rcpt_answers.clear()
        await withdraw(here, statement.id, 1, actor=IDA, reason="it is wrong")
        delivery = await mailing_of(here, statement)
        assert await counts(here, delivery) == {R.ACCEPTED: 11, R.REFUSED: 1}
        assert PEOPLE[5] not in written_to(receiver)


async def test_a_correction_goes_to_whoever_has_or_may_have_the_wrong_text(tmp_path, receiver):
    receiver.rcpt_answers[PEOPLE[3]] = "550 5.1.1 no such user"
    with Proxy("127.0.0.1", receiver.port, after=b"\r\n.\r\n") as proxy:
        proxy.lose()
        async with scene(tmp_path, receiver, url=f"smtp://127.0.0.1:{proxy.port}") as here:
            incident = await incident_in(here)
            wrong = await proposed_in(here, incident)
            first = await approved(here, wrong)
            assert await counts(here, first) == {R.ACCEPTED: 10, R.REFUSED: 1, R.UNKNOWN: 1}
            receiver.mails.clear()
            (tmp_path / "readers.txt").write_text("somebody@else.example")
            text = await draft(
                here,
                incident.id,
                StatementKind.CORRECTION,
                corrects=wrong.id,
                author=IDA,
                text="We were wrong\n\nIt was not the bank. We are sorry. Write to help@acme.example. "
                "Next update by 15:00 UTC.",
            )
            await confirm_found(here, text, by=IDA)
            await propose(here, text, by=IDA)
            second = await approved(here, text)
            assert second.state is DeliveryState.ACCEPTED, second.problem
            assert written_to(receiver) == Counter(set(PEOPLE) - {PEOPLE[3]})
            assert {mail["In-Reply-To"] for _, mail in receiver.mails} == {first.receipt.id}


async def test_leaving_by_the_link_holds_for_that_list_only_and_outlives_the_address(tmp_path, receiver):
    async with scene(tmp_path, receiver) as here:
        delivery = await approved(here, await proposed_in(here, await incident_in(here)))
        token = LeavingLinks(here).to(delivery.id, 2).rpartition("/")[2]
        async with here.store.transaction() as tx:
            assert await tx.mailings.erase(delivery.id, incident=delivery.incident, actor=IDA) == 12
        await leave(here, token)
        await leave(here, token)
        async with here.store.reading() as tx:
            (gone,) = await tx.suppressions.list()
            assert (gone.list, gone.fingerprint, gone.address) == ("readers", fingerprint(PEOPLE[2]), "")
            assert await tx.mailings.reached([delivery.id]) == []
        assert (await here.store.verify()).ok


async def test_a_server_that_refuses_everybody_pauses_the_mailing_before_the_whole_list_is_refused(
    tmp_path, receiver, monkeypatch
):
    monkeypatch.setattr(postbag, "ALL_REFUSED", 4)
    receiver.rcpt_answers |= dict.fromkeys(PEOPLE, "554 5.7.1 you are blocked")
    async with scene(tmp_path, receiver) as here:
        delivery = await approved(here, await proposed_in(here, await incident_in(here)))
        assert (await counts(here, delivery))[R.PENDING] >= 6
        assert delivery.state is DeliveryState.REFUSED
        assert "in a row were refused" in delivery.problem


async def test_a_mailing_that_waits_for_longer_than_a_post_lets_the_statement_be_published_meanwhile(
    tmp_path, receiver, monkeypatch
):
    monkeypatch.setattr(approving, "APPROVER_WAITS", 1.0)
    async with scene(tmp_path, receiver, more='pace = { "*" = { per_minute = 60 } }') as here:
        statement = await proposed_in(here, await incident_in(here))
        delivery = await approved(here, statement)
        assert delivery.state is DeliveryState.PENDING
        done = await counts(here, delivery)
        assert 0 < done[R.ACCEPTED] < 12
        async with here.store.reading() as tx:
            assert (await tx.statements.status(statement.id, 1)).value == "published"
        assert await publish_statement(here, statement.id, 1, mailing_seconds=1.0)
        assert max(written_to(receiver).values()) == 1


async def test_a_sender_that_is_asked_to_stop_leaves_nobody_in_doubt(tmp_path, receiver):
    async with scene(tmp_path, receiver, more='pace = { "*" = { per_minute = 60 } }') as here:
        delivery = await vanished(here, going=(), came=())
        await expire_leases(here)
        sending = asyncio.create_task(deliver(here, delivery.id, patience=60))
        while not receiver.mails:
            await asyncio.sleep(0.05)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        after = await counts(here, delivery)
        assert after[R.ACCEPTED] == len(receiver.mails) < 12
        assert set(after) == {R.ACCEPTED, R.PENDING}


async def test_a_sender_that_is_asked_to_stop_while_it_stores_outcomes_loses_none(tmp_path, receiver, monkeypatch):
    storing = asyncio.Event()
    store = postbag.Postbag._store

    async def slowly(self, tx, outcomes, bounced):
        await store(self, tx, outcomes, bounced)
        if outcomes:
            storing.set()
            await asyncio.sleep(0.2)

    monkeypatch.setattr(postbag.Postbag, "_store", slowly)
    async with scene(tmp_path, receiver, more='pace = { "*" = { per_minute = 60 } }') as here:
        delivery = await vanished(here, going=(), came=())
        await expire_leases(here)
        sending = asyncio.create_task(deliver(here, delivery.id, patience=60))
        await storing.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        after = await counts(here, delivery)
        assert after[R.ACCEPTED] == len(receiver.mails) < 12
        assert set(after) == {R.ACCEPTED, R.PENDING}


async def test_a_channel_without_address_or_list_says_what_it_needs(tmp_path, receiver):
    async with scene(tmp_path, receiver) as here:
        bare = type(await here.channel("readers"))
        channel = bare(bare.settings_model(base_url=receiver.url, sender="a@acme.example"))
        with pytest.raises(Misconfigured, match="recipients_file"):
            await channel.audience()


async def test_a_fact_that_changes_opens_a_correction_for_everybody_a_mailing_reached(tmp_path, receiver):
    async with scene(tmp_path, receiver) as here:
        incident = await incident_in(here)
        fact = await fact_in(here, incident)
        text = await proposed_in(here, incident)
        first = await approved(here, text)
        receiver.mails.clear()
        (tmp_path / "readers.txt").write_text("somebody@else.example")
        await save_fact(here, fact.model_copy(update={"status": FactStatus.REFUTED}), actor=IDA)
        [made] = await open_corrections(here, incident.id)
        assert {r.target for r in made.renderings} == {r.target for r in text.renderings}
        await propose(here, made, by=IDA)
        second = await approved(here, made)
        assert second.state is DeliveryState.ACCEPTED, second.problem
        assert written_to(receiver) == Counter(PEOPLE)
        assert {mail["In-Reply-To"] for _, mail in receiver.mails} == {first.receipt.id}
        assert await open_corrections(here, incident.id) == []

"""Promises from the draft to the last word: confirmed before a text is proposed, owed, minded in time, kept on record."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from acme import ANA, CARL, IDA, LENA, NOON, acme, fact_in, incident_in, proposed_in, sandbox

from crisis.approval import NotAllowed, Verdict, Via
from crisis.clock import FixedClock
from crisis.commitment import Commitment, CommitmentState, PromiseKind, Ruling
from crisis.delivery import Purpose
from crisis.incident import IllegalStep, Incident
from crisis.statement import Statement
from crisis.values import StatementKind
from records import StatementStatus
from tasks.approve import decide, propose
from tasks.close import resolve
from tasks.draft import draft
from tasks.installation import Installation
from tasks.mind_promises import mind_all_promises
from tasks.promises import confirm_found, give_up, hand_to, keep, mark_promise, promises_of, refuse_unconfirmed
from tasks.stranded import audiences, excuse

TEXT = (
    "We know that payments fail\n\nWe know that many of you cannot pay, and we are sorry. Customers of Acme are affected. "
    "Our engineers are working on it. We will refund every double payment by 20:00 UTC. {more}"
    "Talk to us: https://acme.example/help. Next update by 13:00 UTC."
)


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installation]:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    async with acme(tmp_path, clock=FixedClock(NOON)) as opened:
        yield opened


async def written(
    here: Installation, incident: Incident, kind: StatementKind = StatementKind.UPDATE, more: str = ""
) -> Statement:
    return await draft(here, incident.id, kind, author=ANA, text=TEXT.format(more=more))


async def out(here: Installation, statement: Statement) -> None:
    """Propose, approve and publish."""
    await propose(here, statement, by=ANA)
    for approver, role in ((IDA, "incident_lead"), (LENA, "legal"), ("carl@example.com", "comms")):
        async with here.store.reading() as tx:
            proposal = await tx.statements.proposal(statement.id, statement.version)
            status = await tx.statements.status(statement.id, statement.version)
        if status is StatementStatus.PROPOSED and proposal and role in proposal.policy.roles:
            await decide(
                here,
                statement=statement.id,
                version=statement.version,
                content_hash=statement.content_hash,
                approver=approver,
                role=role,
                verdict=Verdict.APPROVE,
                via=Via.CLI,
            )
    async with here.store.reading() as tx:
        assert await tx.statements.status(statement.id, statement.version) is StatementStatus.PUBLISHED


async def owed(here: Installation) -> list[Commitment]:
    async with here.store.reading() as tx:
        return await tx.commitments.list()


async def test_a_text_with_an_unconfirmed_promise_is_not_proposed_and_one_sentence_says_why(here: Installation) -> None:
    statement = await written(here, await incident_in(here))
    with pytest.raises(NotAllowed, match=r"promises “We will refund every double payment by 20:00 UTC.”, and nobody"):
        await propose(here, statement, by=ANA)
    assert await confirm_found(here, statement, by=ANA) == 1
    await propose(here, statement, by=ANA)


async def test_what_is_struck_says_why_and_is_not_owed(here: Installation) -> None:
    statement = await written(here, await incident_in(here))
    sentence = "We will refund every double payment by 20:00 UTC."
    with pytest.raises(NotAllowed, match="say why it is no promise"):
        await mark_promise(here, statement, sentence, Ruling.STRUCK, by=ANA)
    await mark_promise(here, statement, sentence, Ruling.STRUCK, by=ANA, reason="the bank does it by itself")
    await out(here, statement)
    assert [c.kind for c in await owed(here)] == [PromiseKind.UPDATE]


async def test_a_promise_without_a_time_is_asked_for_one(here: Installation) -> None:
    statement = await written(here, await incident_in(here), more="We will call everyone who is affected. ")
    sentence = "We will call everyone who is affected."
    with pytest.raises(NotAllowed, match="by when at the latest"):
        await mark_promise(here, statement, sentence, Ruling.CONFIRMED, by=ANA)
    with pytest.raises(NotAllowed, match="has passed"):
        await mark_promise(here, statement, sentence, Ruling.CONFIRMED, by=ANA, due_at=NOON - timedelta(hours=1))
    due = NOON + timedelta(days=1)
    await mark_promise(here, statement, sentence, Ruling.CONFIRMED, by=ANA, due_at=due, owner=LENA)
    await confirm_found(here, statement, by=ANA)
    await out(here, statement)
    [call] = [c for c in await owed(here) if c.kind is PromiseKind.CONTACT]
    assert (call.due_at, call.owner, call.made_at) == (due, LENA, here.clock.now())


async def test_nobody_but_those_who_answer_for_words_confirms_and_nothing_changes_after_a_proposal(
    here: Installation,
) -> None:
    statement = await written(here, await incident_in(here))
    with pytest.raises(NotAllowed, match="answer for promises"):
        await confirm_found(here, statement, by="stranger@example.com")
    await confirm_found(here, statement, by=ANA)
    await propose(here, statement, by=ANA)
    with pytest.raises(NotAllowed, match="new version"):
        await mark_promise(here, statement, "Something else", Ruling.CONFIRMED, by=ANA, due_at=NOON + timedelta(1))


async def test_what_was_said_of_a_sentence_stays_in_the_next_version(here: Installation) -> None:
    incident = await incident_in(here)
    first = await written(here, incident)
    await confirm_found(here, first, by=ANA)
    second = await written(here, incident, more="Card payments work. ")
    assert second.version == 2
    await refuse_unconfirmed(here, second)


async def test_a_templates_own_draft_asks_nobody(here: Installation) -> None:
    statement = await proposed_in(here, await incident_in(here), author="template")
    async with here.store.reading() as tx:
        assert all(p.stands for p in await promises_of(tx, statement))


async def test_speaking_again_keeps_the_promise_to_speak_and_no_other(here: Installation) -> None:
    incident = await incident_in(here)
    first = await written(here, incident)
    await confirm_found(here, first, by=ANA)
    await out(here, first)
    here.clock.move(timedelta(minutes=30))  # type: ignore[attr-defined]
    again = await draft(
        here, incident.id, StatementKind.UPDATE, author=ANA, again=True,
        text=TEXT.format(more="").replace("We will refund every double payment by 20:00 UTC. ", "Payments work. "),
    )  # fmt: skip
    await out(here, again)
    states = {(c.kind, c.statement): c.state for c in await owed(here)}
    assert states[PromiseKind.UPDATE, first.id] is CommitmentState.KEPT
    assert states[PromiseKind.REFUND, first.id] is CommitmentState.OPEN


async def test_a_promise_moves_only_by_a_published_text_that_says_so(here: Installation) -> None:
    incident = await incident_in(here)
    first = await written(here, incident)
    await confirm_found(here, first, by=ANA)
    await out(here, first)
    [refund] = [c for c in await owed(here) if c.kind is PromiseKind.REFUND]
    later = TEXT.format(more="").replace("20:00 UTC", "22:00 UTC")
    again = await draft(here, incident.id, StatementKind.UPDATE, author=ANA, again=True, text=later)
    sentence = "We will refund every double payment by 22:00 UTC."
    await mark_promise(here, again, sentence, Ruling.CONFIRMED, by=ANA, moves=refund.id)
    assert [c.due_at.hour for c in await owed(here) if c.id == refund.id] == [20]
    await out(here, again)
    assert [c.due_at.hour for c in await owed(here) if c.kind is PromiseKind.REFUND] == [22]
    async with here.store.reading() as tx:
        [record] = await tx.ledger.list(kind="commitment.moved")
    assert record.data["statement"] == again.id


async def test_people_are_told_before_it_is_overdue_and_loudly_after_each_once(here: Installation) -> None:
    incident = await incident_in(here)
    statement = await written(here, incident)
    await mark_promise(
        here, statement, "We will refund every double payment by 20:00 UTC.", Ruling.CONFIRMED, by=ANA, owner=LENA
    )
    await out(here, statement)
    async with here.store.transaction() as tx:
        for promise in await tx.commitments.list(state=CommitmentState.OPEN):
            if promise.kind is PromiseKind.UPDATE:
                await tx.commitments.settle(promise.id, CommitmentState.KEPT, by=IDA, at=NOON, actor=IDA)

    def told() -> set[str]:
        notices = [p for p in sandbox(here) if p.purpose is Purpose.NOTICE and "refund" in p.rendering.subject.lower()]
        return {p.rendering.target.address for p in notices}

    here.clock.move(timedelta(hours=4, minutes=1))  # type: ignore[attr-defined]
    assert await mind_all_promises(here)
    assert not await mind_all_promises(here), "told once"
    assert told() == {LENA, incident.lead}
    here.clock.move(timedelta(hours=3, minutes=15))  # type: ignore[attr-defined]
    assert await mind_all_promises(here)
    assert {LENA, IDA, ANA, CARL} <= told(), "escalated while there is time"
    here.clock.move(timedelta(hours=1))  # type: ignore[attr-defined]
    assert await mind_all_promises(here)
    assert not await mind_all_promises(here)
    async with here.store.reading() as tx:
        assert len(await tx.ledger.list(kind="commitment.overdue")) == 1


async def test_keeping_takes_evidence_and_late_is_broken_on_record(here: Installation) -> None:
    statement = await written(here, await incident_in(here))
    await confirm_found(here, statement, by=ANA)
    await out(here, statement)
    [refund] = [c for c in await owed(here) if c.kind is PromiseKind.REFUND]
    with pytest.raises(NotAllowed, match="say what shows it"):
        await keep(here, refund.id, by=ANA, evidence=" ")
    assert (await hand_to(here, refund.id, LENA, by=IDA)).owner == LENA
    with pytest.raises(NotAllowed, match="not among the stakeholders"):
        await hand_to(here, refund.id, "nobody@example.com", by=IDA)
    here.clock.move(timedelta(hours=9))  # type: ignore[attr-defined]
    with pytest.raises(IllegalStep, match="still owes the public"):
        await resolve(here, statement.incident, actor=IDA, reason="calm")
    after = await keep(here, refund.id, by=ANA, evidence="bank report 12")
    assert after.state is CommitmentState.BROKEN
    async with here.store.reading() as tx:
        [record] = await tx.ledger.list(kind="commitment.broken")
    assert (record.reason, record.data["evidence"]) == ("kept, but late", "bank report 12")
    with pytest.raises(ValueError, match="cannot become"):
        await keep_again(here, refund)


async def keep_again(here: Installation, promise: Commitment) -> None:
    async with here.store.transaction() as tx:
        await tx.commitments.settle(promise.id, CommitmentState.KEPT, by=ANA, at=NOON, actor=ANA)


async def test_closing_asks_while_somebody_is_stranded_and_a_reason_on_record_ends_that(here: Installation) -> None:
    incident = await incident_in(here)
    await fact_in(here, incident)
    statement = await written(here, incident)
    await confirm_found(here, statement, by=ANA)
    await out(here, statement)
    async with here.store.transaction() as tx:
        for promise in await tx.commitments.list(state=CommitmentState.OPEN):
            await tx.commitments.settle(promise.id, CommitmentState.KEPT, by=IDA, at=NOON, actor=IDA)
    with pytest.raises(IllegalStep, match="would leave people behind"):
        await resolve(here, incident.id, actor=IDA, reason="calm")
    async with here.store.reading() as tx:
        left = [a.key for a in await audiences(tx, await tx.incidents.get(incident.id)) if a.open]
    assert left
    with pytest.raises(NotAllowed, match="say why"):
        await excuse(here, incident.id, left[0], by=IDA, reason="")
    with pytest.raises(NotAllowed, match="stranded"):
        await excuse(here, incident.id, "nowhere", by=IDA, reason="x")
    for key in left:
        await excuse(here, incident.id, key, by=IDA, reason="they were called one by one")
    assert (await resolve(here, incident.id, actor=IDA, reason="calm")).closed_at
    async with here.store.reading() as tx:
        after = await audiences(tx, await tx.incidents.get(incident.id))
    assert not [a for a in after if a.open]


async def test_a_resolution_goes_wherever_something_was_said_and_nobody_is_left(here: Installation) -> None:
    incident = await incident_in(here)
    statement = await written(here, incident)
    await confirm_found(here, statement, by=ANA)
    await out(here, statement)
    end = await draft(here, incident.id, StatementKind.RESOLUTION, author=ANA, text=TEXT.format(more=""))
    assert {r.target for r in statement.renderings} <= {r.target for r in end.renderings}
    for sentence in ("We will refund every double payment by 20:00 UTC.", "Next update by 13:00 UTC."):
        await mark_promise(here, end, sentence, Ruling.STRUCK, by=ANA, reason="is owed already")
    await out(here, end)
    async with here.store.reading() as tx:
        found = await audiences(tx, await tx.incidents.get(incident.id))
    assert not [a for a in found if a.open], found


async def test_giving_a_promise_up_is_broken_and_says_why(here: Installation) -> None:
    statement = await written(here, await incident_in(here))
    await confirm_found(here, statement, by=ANA)
    await out(here, statement)
    [refund] = [c for c in await owed(here) if c.kind is PromiseKind.REFUND]
    after = await give_up(here, refund.id, by=ANA, reason="the bank refused")
    assert (after.state, after.evidence) == (CommitmentState.BROKEN, "the bank refused")


async def test_whoever_carried_an_error_is_owed_its_correction_until_it_is_there(here: Installation) -> None:
    incident = await incident_in(here)
    statement = await written(here, incident)
    await confirm_found(here, statement, by=ANA)
    await out(here, statement)
    text = TEXT.format(more="").replace("We know that payments fail", "Correction: what we said of payments")
    fix = await draft(here, incident.id, StatementKind.CORRECTION, author=ANA, text=text, corrects=statement.id)

    async def owing() -> dict[str, str]:
        async with here.store.reading() as tx:
            found = await audiences(tx, await tx.incidents.get(incident.id))
        return {a.key: a.end.value for a in found if a.wants == f"the correction of {statement.id}"}

    assert set((await owing()).values()) == {"stranded"}
    for sentence in ("We will refund every double payment by 20:00 UTC.", "Next update by 13:00 UTC."):
        await mark_promise(here, fix, sentence, Ruling.STRUCK, by=ANA, reason="is owed already")
    await out(here, fix)
    assert set((await owing()).values()) == {"told"}
    assert len(await owing()) == len(statement.renderings)

"""Statements, proposals and decisions: versions are written once, and nobody decides twice."""

import asyncio
from datetime import timedelta

import pytest
from record_samples import (
    ANA,
    POLICY,
    behind_its_back,
    decision,
    drafted,
    kinds,
    opened,
    rendering,
    statement,
    without_triggers,
)

from crisis.approval import Decision, Verdict
from crisis.clock import FixedClock
from records import AlreadyDecided, NotFound, StatementStatus, Store


async def test_a_statement_reads_back_byte_for_byte(store: Store) -> None:
    draft = await drafted(store)
    async with store.reading() as tx:
        assert await tx.statements.get(draft.id) == draft
        assert await tx.statements.get(draft.id, 1) == draft
        assert await tx.statements.status(draft.id, 1) is StatementStatus.DRAFT
    assert draft.id == "INC-1-S1"
    assert (await kinds(store))[-1] == "statement.drafted"


async def test_a_version_is_never_written_over(store: Store) -> None:
    draft = await drafted(store)
    other = statement(draft.id, draft.incident, body="We see nothing.")
    with pytest.raises(ValueError, match="next version of INC-1-S1 is 2"):
        async with store.transaction() as tx:
            await tx.statements.add(other, **ANA)
    async with store.reading() as tx:
        assert await tx.statements.get(draft.id) == draft


async def test_versions_follow_one_another_and_the_latest_is_listed(store: Store) -> None:
    draft = await drafted(store)
    second = statement(draft.id, draft.incident, 2, "We see it and are at it.")
    async with store.transaction() as tx:
        await tx.statements.add(second, **ANA)
        third = statement(await tx.statements.next_id(draft.incident), draft.incident)
        await tx.statements.add(third, **ANA)
        assert await tx.statements.versions(draft.id) == [draft, second]
        assert await tx.statements.list(draft.incident) == [second, third]
        assert await tx.statements.get(draft.id) == second
        with pytest.raises(ValueError, match="is 3, not 4"):
            await tx.statements.add(statement(draft.id, draft.incident, 4), **ANA)


async def test_a_statement_whose_hash_is_not_its_contents_is_refused(store: Store) -> None:
    async with store.transaction() as tx:
        incident = await opened(tx)
        lie = statement("INC-1-S1", incident.id).model_copy(update={"renderings": (rendering(text="Buy now!"),)})
        with pytest.raises(ValueError, match="content hash"):
            await tx.statements.add(lie, **ANA)


async def test_a_text_altered_in_the_database_is_not_handed_out(store: Store, url: str) -> None:
    draft = await drafted(store)
    change = "UPDATE renderings SET body = replace(body, 'We see it', 'We sue you')"
    await behind_its_back(url, *without_triggers(url, "renderings"), change)
    async with store.reading() as tx:
        with pytest.raises(ValueError, match="altered"):
            await tx.statements.get(draft.id)


async def test_where_a_version_stands_changes_with_a_record(store: Store) -> None:
    draft = await drafted(store)
    for _ in range(2):
        async with store.transaction() as tx:
            await tx.statements.set_status(draft.id, 1, StatementStatus.VOIDED, reason="a new fact", **ANA)
    async with store.reading() as tx:
        assert await tx.statements.status(draft.id, 1) is StatementStatus.VOIDED
        (told,) = await tx.ledger.list(kind="statement.voided")
        assert (told.reason, told.data["from"], told.data["content_hash"]) == (
            "a new fact",
            "draft",
            draft.content_hash,
        )
        with pytest.raises(NotFound):
            await tx.statements.status(draft.id, 2)


async def test_a_proposal_is_open_until_it_is_decided(store: Store, clock: FixedClock) -> None:
    draft = await drafted(store)
    async with store.transaction() as tx:
        assert await tx.statements.proposal(draft.id, 1) is None
        proposal = await tx.statements.propose(draft.id, 1, POLICY, by="ana@example.com")
        assert (proposal.content_hash, proposal.policy, proposal.proposed_at) == (
            draft.content_hash,
            POLICY,
            clock.now(),
        )
        assert await tx.statements.open_proposals() == [proposal]
        assert await tx.statements.open_proposals(draft.incident) == [proposal]
        assert await tx.statements.open_proposals("INC-9") == []
    clock.move(timedelta(hours=5))
    async with store.transaction() as tx:
        again = await tx.statements.propose(draft.id, 1, POLICY, by="ana@example.com")
        assert again.proposed_at == clock.now()
        await tx.statements.set_status(draft.id, 1, StatementStatus.APPROVED, **ANA)
        assert await tx.statements.open_proposals() == []
        assert await tx.statements.proposal(draft.id, 1) == again


async def test_a_second_decision_is_refused_and_the_transaction_goes_on(store: Store) -> None:
    draft = await drafted(store)
    first = decision(draft)
    async with store.transaction() as tx:
        await tx.decisions.add(first)
    async with store.transaction() as tx:
        other = first.model_copy(update={"verdict": Verdict.RETURN, "role": "comms", "reason": "no"})
        with pytest.raises(AlreadyDecided, match="has already decided: approve as legal") as refusal:
            await tx.decisions.add(other)
        await tx.ledger.append("decision.refused", actor=other.approver)
    assert refusal.value.earlier == first
    async with store.reading() as tx:
        assert await tx.decisions.list(draft.content_hash) == [first]
        (told,) = await tx.ledger.list(kind="decision.made")
    assert (told.actor, told.via, told.incident) == ("lea@example.com", "desk", draft.incident)
    assert (await kinds(store))[-1] == "decision.refused"


async def test_of_a_double_click_one_decision_counts_and_two_approvers_at_once_both_do(store: Store) -> None:
    draft = await drafted(store)

    async def decide(one: Decision) -> bool:
        try:
            async with store.transaction() as tx:
                await tx.decisions.add(one)
        except AlreadyDecided:
            return False
        return True

    lea, bo = decision(draft), decision(draft, "bo@example.com", "comms")
    counted = await asyncio.gather(*(decide(one) for one in (lea, bo, lea, bo, lea)))
    assert counted.count(True) == 2
    async with store.reading() as tx:
        assert {d.approver for d in await tx.decisions.list(draft.content_hash)} == {
            "lea@example.com",
            "bo@example.com",
        }


async def test_a_decision_on_nothing_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound):
        async with store.transaction() as tx:
            await tx.decisions.add(decision(statement("INC-1-S1", "INC-1")))

"""When a fact changes, what was published on it is marked, and one correction opens for every channel that carries it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acme import ANA, CARL, IDA, NOON, acme, fact_in, incident_in, proposed_in, sandbox

from crisis.approval import NotAllowed, Verdict, Via
from crisis.clock import FixedClock
from crisis.commitment import CommitmentState
from crisis.fact import Fact, FactStatus
from crisis.incident import IncidentState
from crisis.reliance import broken
from crisis.statement import Statement
from crisis.values import StatementKind
from records import StatementStatus
from tasks import corrections
from tasks.approve import decide
from tasks.close import resolve
from tasks.corrections import open_corrections, recover_corrections
from tasks.draft import draft, save_fact
from tasks.first_word import renew
from tasks.installation import Installation
from tasks.linting import check_statement
from tasks.recover import recover_responses


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installation]:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    async with acme(tmp_path, clock=FixedClock(NOON)) as opened:
        yield opened


async def approve(here: Installation, text: Statement) -> None:
    async with here.store.reading() as tx:
        proposal = await tx.statements.proposal(text.id, text.version)
    assert proposal is not None
    for role in proposal.policy.roles:
        approver = {"comms": ANA, "legal": "lena@example.com"}[role]
        await decide(
            here,
            statement=text.id,
            version=text.version,
            content_hash=text.content_hash,
            approver=approver,
            role=role,
            verdict=Verdict.APPROVE,
            via=Via.DESK,
        )


async def said(here: Installation) -> tuple[Statement, Fact]:
    """A published statement that relied on one confirmed fact."""
    incident = await incident_in(here)
    fact = await fact_in(here, incident)
    text = await proposed_in(here, incident)
    await approve(here, text)
    return text, fact


async def refute(here: Installation, fact: Fact) -> None:
    await save_fact(here, fact.model_copy(update={"status": FactStatus.REFUTED}), actor=IDA)


async def corrections_of(here: Installation, incident: str) -> list[tuple[Statement, StatementStatus]]:
    async with here.store.reading() as tx:
        found = [s for s in await tx.statements.list(incident) if s.kind is StatementKind.CORRECTION]
        return [(s, await tx.statements.status(s.id, s.version)) for s in found]


async def kinds(here: Installation, kind: str) -> list[dict[str, object]]:
    async with here.store.reading() as tx:
        return [dict(r.data) for r in await tx.ledger.list(kind=kind)]


async def test_the_mark_is_on_record_with_the_change_itself(here: Installation) -> None:
    text, fact = await said(here)
    await refute(here, fact)
    [mark] = await kinds(here, "statement.in_doubt")
    assert (mark["statement"], mark["version"], mark["fact"], mark["status"]) == (text.id, 1, fact.id, "refuted")
    await refute(here, fact)
    assert len(await kinds(here, "statement.in_doubt")) == 1, "the same again is not news"


async def test_one_correction_opens_for_every_channel_and_the_lead_learns_of_it(here: Installation) -> None:
    text, fact = await said(here)
    await refute(here, fact)
    [made] = await open_corrections(here, text.incident)
    assert {r.target for r in made.renderings} == {r.target for r in text.renderings}
    assert all(r.reply_to for r in made.renderings)
    assert fact.text in made.body
    assert [f.status for f in made.facts] == [FactStatus.REFUTED], "an approval of it is bound to what it answers"
    told = [t for t in await kinds(here, "stakeholder.told") if str(t["occasion"]).startswith("correction/")]
    assert [t["occasion"] for t in told] == [f"correction/{made.id}/1"]
    assert any(
        "A correction is wanted" in p.model_dump_json() and made.id in p.model_dump_json() for p in sandbox(here)
    )


async def test_repeats_open_nothing_twice_and_tell_nobody_twice(here: Installation) -> None:
    text, fact = await said(here)
    await refute(here, fact)
    for _ in range(3):
        await open_corrections(here, text.incident)
        await renew(here, text.incident)
        await recover_responses(here)
    [(only, status)] = await corrections_of(here, text.incident)
    assert (only.version, status) == (1, StatementStatus.DRAFT)
    told = [t for t in await kinds(here, "stakeholder.told") if str(t["occasion"]).startswith("correction/")]
    assert len(told) == 1


@pytest.mark.parametrize("step", ["draft", "tell_lead"])
async def test_a_process_killed_before_a_step_leaves_it_to_the_sweep(
    here: Installation, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    text, fact = await said(here)

    class Killed(BaseException):
        """Nothing catches it, as nothing catches a SIGKILL."""

    async def dies(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(corrections, step, dies)
        await refute(here, fact)
        with pytest.raises(Killed):
            await open_corrections(here, text.incident)
    await recover_responses(here)
    [(made, status)] = await corrections_of(here, text.incident)
    assert (made.version, status) == (1, StatementStatus.DRAFT)
    told = [t for t in await kinds(here, "stakeholder.told") if str(t["occasion"]).startswith("correction/")]
    assert len(told) == 1


async def test_a_fact_that_changed_right_after_it_was_saved_needs_no_call_but_the_sweeps(here: Installation) -> None:
    text, fact = await said(here)
    await refute(here, fact)
    await recover_responses(here)
    assert len(await corrections_of(here, text.incident)) == 1


async def test_an_incident_that_is_over_is_corrected_too(here: Installation) -> None:
    text, fact = await said(here)
    async with here.store.transaction() as tx:
        for promise in await tx.commitments.list(incident=text.incident):
            await tx.commitments.settle(promise.id, CommitmentState.KEPT, IDA, NOON, actor=IDA)
    await resolve(here, text.incident, actor=IDA, reason="it is calm", unreached="the correction tells them")
    await refute(here, fact)
    assert await recover_corrections(here) == [f"{(await corrections_of(here, text.incident))[0][0].label}"]
    assert await recover_corrections(here) == []
    async with here.store.reading() as tx:
        assert (await tx.incidents.get(text.incident)).state is IncidentState.RESOLVED


async def test_a_change_of_wording_only_marks_nothing(here: Installation) -> None:
    text, fact = await said(here)
    mended = fact.model_copy(update={"text": "Card payments have failed since 11:20 UTC today", "material": False})
    await save_fact(here, mended, actor=IDA)
    assert await open_corrections(here, text.incident) == []
    assert await kinds(here, "statement.in_doubt") == []


async def test_what_is_again_as_it_was_holds_again(here: Installation) -> None:
    text, fact = await said(here)
    await refute(here, fact)
    await save_fact(here, fact, actor=IDA)
    assert len(await kinds(here, "statement.holds")) == 1
    assert await open_corrections(here, text.incident) == []
    await refute(here, fact)
    assert len(await kinds(here, "statement.in_doubt")) == 2


async def test_another_change_replaces_the_draft_and_what_was_proposed_is_proposed_anew(here: Installation) -> None:
    text, fact = await said(here)
    await refute(here, fact)
    [first] = await open_corrections(here, text.incident)
    await save_fact(here, fact.model_copy(update={"text": "Payments fail in two regions only"}), actor=IDA)
    [second] = await open_corrections(here, text.incident)
    assert (second.id, second.version) == (first.id, 2)
    from tasks.approve import propose

    await propose(here, second, by=CARL)
    await save_fact(here, fact.model_copy(update={"text": "Payments fail in one region only"}), actor=IDA)
    await renew(here, text.incident)
    [(third, status)] = await corrections_of(here, text.incident)
    assert (third.version, status) == (3, StatementStatus.PROPOSED)
    occasions = {(t["occasion"], t["stakeholder"]) for t in await kinds(here, "stakeholder.told")}
    assert (f"voided/{second.id}/2", ANA) in occasions, "whoever was asked learns that it is void"
    with pytest.raises(NotAllowed, match="voided"):
        await approve(here, second)


async def test_a_published_correction_that_turns_out_wrong_is_corrected_itself_once(here: Installation) -> None:
    text, fact = await said(here)
    await refute(here, fact)
    [first] = await open_corrections(here, text.incident)
    from tasks.approve import propose

    await propose(here, first, by=CARL)
    await approve(here, first)
    assert await open_corrections(here, text.incident) == [], "everybody who was told wrong has been told right"
    await save_fact(here, fact.model_copy(update={"text": "Payments fail in two regions only"}), actor=IDA)
    await renew(here, text.incident)
    await renew(here, text.incident)
    (_, _), (second, status) = await corrections_of(here, text.incident)
    assert (second.corrects, status) == (first.id, StatementStatus.DRAFT)
    assert "This is right: Payments fail in two regions only." in second.body
    assert {r.target for r in second.renderings} == {r.target for r in text.renderings}
    assert not [f for f in await check_statement(here, second) if f.level == "block"]


async def test_two_statements_that_relied_on_one_fact_get_one_correction(here: Installation) -> None:
    text, fact = await said(here)
    update = await proposed_in(here, await _incident(here, text.incident), StatementKind.UPDATE)
    await approve(here, update)
    await refute(here, fact)
    [made] = await open_corrections(here, text.incident)
    await renew(here, text.incident)
    assert len(await corrections_of(here, text.incident)) == 1
    assert made.corrects == update.id
    assert made.body.count(fact.text) == 1
    async with here.store.reading() as tx:
        newest = {d.rendering.target: d.receipt.id for d in await tx.outbox.list(statement=update.id) if d.receipt}
    assert {r.target: r.reply_to for r in made.renderings} == newest


async def test_a_correction_that_a_person_writes_is_left_to_them(here: Installation) -> None:
    text, fact = await said(here)
    own = await draft(
        here,
        text.incident,
        StatementKind.CORRECTION,
        author=ANA,
        text="We were wrong\n\nWe said that payments fail. They do not. We are sorry.",
        corrects=text.id,
    )
    await refute(here, fact)
    assert await open_corrections(here, text.incident) == []
    assert [s.label for s, _ in await corrections_of(here, text.incident)] == [own.label]


async def test_what_is_published_after_the_fact_changed_is_marked_when_it_arrives(here: Installation) -> None:
    incident = await incident_in(here)
    fact = await fact_in(here, incident)
    text = await proposed_in(here, incident)
    from tasks import publish as publishing

    after = publishing.plan

    async def planned_then_changed(*args: object) -> object:
        planned = await after(*args)  # type: ignore[arg-type]
        await refute(here, fact)
        return planned

    publishing.plan = planned_then_changed  # type: ignore[assignment]
    try:
        await approve(here, text)
    finally:
        publishing.plan = after
    assert [m["statement"] for m in await kinds(here, "statement.in_doubt")] == [text.id]
    await recover_responses(here)
    assert len(await corrections_of(here, incident.id)) == 1


async def _incident(here: Installation, name: str):  # type: ignore[no-untyped-def]
    async with here.store.reading() as tx:
        return await tx.incidents.get(name)


def test_what_was_called_unconfirmed_may_turn_out_either_way() -> None:
    fact = Fact(
        id="INC-1-F1", incident="INC-1", text="It rains", status=FactStatus.UNCONFIRMED, owner=IDA, updated_at=NOON
    )
    text = Statement.model_construct(facts=(fact,))
    assert broken(text, [fact.model_copy(update={"status": FactStatus.REFUTED})]) == ()

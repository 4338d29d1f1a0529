"""Where rooms meet: what is restricted stays so, what is on its way out is replaced no more, and counts know everything."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from acme import ANA, CARL, IDA, LENA, NOON, acme, fact_in, incident_in, proposed_in

from config.settings import ChannelSettings
from crisis.access import Restriction
from crisis.approval import NotAllowed, Verdict, Via
from crisis.delivery import Purpose
from crisis.fact import Fact, FactStatus
from crisis.freeze import FreezeState, FrozenPost, ScheduledPost
from crisis.incident import IllegalStep
from crisis.reliance import broken
from crisis.values import StatementKind
from records import NotFound, StatementStatus
from tasks import approve as approving
from tasks import incidents
from tasks.approve import decide, propose
from tasks.corrections import open_corrections
from tasks.draft import draft, draft_for_response, save_fact, void
from tasks.first_word import renew
from tasks.freeze import unfreeze
from tasks.restrict import restrict


@pytest.fixture
async def here(tmp_path):
    async with acme(tmp_path) as opened:
        yield opened


async def approve_all(here, statement):
    async with here.store.reading() as tx:
        policy = (await tx.statements.proposal(statement.id, statement.version)).policy
    people = {"comms": (ANA, CARL), "legal": (LENA,)}
    for role, count in policy.roles.items():
        for person in people[role][:count]:
            await decide(
                here,
                statement=statement.id,
                version=statement.version,
                content_hash=statement.content_hash,
                approver=person,
                role=role,
                verdict=Verdict.APPROVE,
                via=Via.CLI,
            )


async def test_a_text_that_was_handed_to_its_channels_is_replaced_by_nobody(here, monkeypatch):
    async def later(*args, **options):
        return []

    incident = await incident_in(here)
    await fact_in(here, incident)
    statement = await proposed_in(here, incident)
    monkeypatch.setattr(approving, "publish_statement", later)
    await approve_all(here, statement)
    async with here.store.reading() as tx:
        assert await tx.statements.status(statement.id, 1) is StatementStatus.APPROVED
        assert await tx.outbox.list(statement=statement.id, purpose=Purpose.STATEMENT)
    text = f"{statement.headline}\n\n{statement.body} Thank you."
    with pytest.raises(NotAllowed, match="on its way out"):
        await draft(here, incident.id, StatementKind.HOLDING, author=IDA, text=text)
    async with here.store.reading() as tx:
        assert await tx.statements.status(statement.id, 1) is StatementStatus.APPROVED
        assert (await tx.statements.get(statement.id)).version == 1


async def test_a_correction_belongs_to_the_incident_of_what_it_corrects(here):
    one, two = await incident_in(here), await incident_in(here)
    statement = await proposed_in(here, one)
    await approve_all(here, statement)
    with pytest.raises(NotFound, match=f"not a statement of {two.id}"):
        await draft(here, two.id, StatementKind.CORRECTION, author=IDA, corrects=statement.id, text="Sorry\n\nWrong.")


async def test_an_incident_is_merged_only_into_one_that_no_more_people_see(here):
    secret, other = await incident_in(here), await incident_in(here)
    await restrict(here, secret.id, (LENA,), actor=IDA, reason="a person is named")
    with pytest.raises(IllegalStep, match="is restricted"):
        await incidents.merge(here, secret.id, other.id, actor=IDA, reason="the same")
    await restrict(here, other.id, (LENA,), actor=IDA, reason="a person is named")
    assert (await incidents.merge(here, secret.id, other.id, actor=IDA, reason="the same")).merged_into == other.id


async def test_what_another_incident_holds_frozen_counts_for_those_who_do_not_see_it(here):
    secret, other = await incident_in(here), await incident_in(here)
    at = here.clock.now()
    async with here.store.transaction() as tx:
        for incident in (secret, other):
            whole = ScheduledPost(id="", at=None, text="", where="")
            await tx.frozen.put(
                FrozenPost(
                    incident=incident.id, scheduler="buffer", post=whole, state=FreezeState.FROZEN, changed_at=at
                ),
                actor="test",
            )
        held = FrozenPost(
            incident=other.id,
            scheduler="buffer",
            post=ScheduledPost(id="p", at=at + timedelta(hours=3), text="Buy now", where="x"),
            state=FreezeState.FROZEN,
            changed_at=at,
        )
        await tx.frozen.put(held, actor="test")
    await restrict(here, secret.id, (LENA,), actor=IDA, reason="a person is named")
    for view in (here, here.seen_by(None)):
        with pytest.raises(IllegalStep, match="needs the freeze too"):
            await unfreeze(view, other.id, actor=IDA, reason="over")


async def test_what_a_person_took_back_from_its_approvers_is_not_proposed_again_by_the_sweep(here):
    incident = await incident_in(here)
    statement = await draft(here, incident.id, StatementKind.HOLDING)
    await propose(here, statement, by=statement.author)
    await void(here, statement, actor=incident.lead or IDA, reason="I write it myself")
    for _ in range(2):
        await renew(here, incident.id)
        assert (await draft_for_response(here, incident.id, StatementKind.HOLDING)).label == statement.label
    async with here.store.reading() as tx:
        assert await tx.statements.status(statement.id, 1) is StatementStatus.VOIDED
        assert (await tx.statements.get(statement.id)).version == 1


async def test_a_channel_that_is_no_more_keeps_no_sweep_from_going_on(here):
    incident = await incident_in(here)
    fact = await fact_in(here, incident)
    statement = await proposed_in(here, incident)
    await approve_all(here, statement)
    fewer = here.settings.channels[:1]
    here.settings = here.settings.model_copy(update={"channels": fewer})
    await save_fact(here, fact.model_copy(update={"text": "Card payments never failed"}), actor=IDA)
    (correction,) = await open_corrections(here, incident.id)
    assert {r.target.channel for r in correction.renderings} == {fewer[0].name}


async def test_a_text_for_channels_that_cannot_carry_it_is_refused(here):
    incident = await incident_in(here)
    here.settings = here.settings.model_copy(
        update={"channels": (*here.settings.channels, ChannelSettings(name="ig", kind="instagram"))}
    )
    with pytest.raises(NotAllowed, match="without a picture"):
        await draft(here, incident.id, StatementKind.HOLDING, author=IDA, text="Sorry\n\nWe are.", channels=["ig"])


def test_another_status_breaks_a_statement_however_small_its_owner_calls_the_change():
    was = Fact(id="F1", incident="INC-1", text="It works", status=FactStatus.CONFIRMED, owner=IDA, updated_at=NOON)
    now = was.model_copy(update={"status": FactStatus.REFUTED, "text": "It works.", "material": False})
    relied = SimpleNamespace(facts=(was,))
    assert [b.now for b in broken(relied, [now])] == [now]
    assert broken(relied, [now.model_copy(update={"status": FactStatus.CONFIRMED})]) == ()


def test_circles_are_the_same_in_whatever_order():
    at = "2026-03-01T12:00:00Z"
    one = Restriction.model_validate({"incident": "INC-1", "people": ["a", "b"], "by": "a", "at": at})
    two = Restriction.model_validate({"incident": "INC-2", "people": ["b", "a"], "by": "b", "at": at})
    assert one.circle == two.circle


async def test_approvals_of_the_same_words_in_an_earlier_statement_count_for_no_later_one(here):
    incident = await incident_in(here)
    text = (
        "Payments fail\n\nWe are sorry that many customers cannot pay by card. Our engineers are working on it. "
        "Write to https://acme.example/help. Next update by 13:00 UTC."
    )
    first = await draft(here, incident.id, StatementKind.UPDATE, author=CARL, text=text)
    await propose(here, first, by=CARL)
    await approve_all(here, first)
    again = await draft(here, incident.id, StatementKind.UPDATE, author=CARL, text=text)
    await propose(here, again, by=CARL)
    assert (again.id, again.content_hash) != (first.id, "")
    async with here.store.reading() as tx:
        assert await tx.statements.status(first.id, 1) is StatementStatus.PUBLISHED
        assert await tx.statements.status(again.id, 1) is StatementStatus.PROPOSED
        assert not await tx.outbox.list(statement=again.id, purpose=Purpose.STATEMENT)
    await approve_all(here, again)  # by the same people, who may decide on the same words once more
    async with here.store.reading() as tx:
        assert await tx.statements.status(again.id, 1) is StatementStatus.PUBLISHED

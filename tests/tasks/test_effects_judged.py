"""What our words did is judged on record, the lead hears of a turn for the worse, and watching ends by rule."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from acme import ANA, CARL, IDA, LENA, NOON, acme, incident_in, proposed_in, sandbox

from crisis.approval import NotAllowed, Verdict, Via
from crisis.clock import FixedClock
from crisis.commitment import CommitmentState
from crisis.delivery import Purpose
from crisis.effect import Effect, Proposal
from crisis.effect import Verdict as Effected
from crisis.incident import IllegalStep, IncidentState
from crisis.monitoring import CALM_FOR, cadence
from crisis.reaction import Observation, Reaction
from crisis.triage import Signal
from crisis.values import Severity
from crisis.watch import Mention
from tasks.approve import decide
from tasks.artifacts import effect_markdown
from tasks.effect import effects_of, judge_effects
from tasks.extend import extend
from tasks.installation import Installation
from tasks.monitoring import end_if_due, monitoring_of

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installation]:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    async with acme(tmp_path, clock=FixedClock(NOON)) as opened:
        yield opened


def falling(minutes: int) -> int:
    return round(20 + 300 * 0.5 ** ((minutes + 120) / 100))


async def measure(here: Installation, authors: Callable[[int], int], minutes: range) -> None:
    async with here.store.transaction() as tx:
        for m in minutes:
            await tx.signals.add(
                Signal(
                    watch="acme",
                    at=NOON + m * MINUTE,
                    window=15 * MINUTE,
                    mentions=authors(m),
                    distinct_texts=authors(m),
                    authors=authors(m),
                    usual_authors=20,
                    negative_share=0.7,
                    usual_negative_share=0.2,
                    started_at=NOON - 130 * MINUTE,
                )
            )


def move(here: Installation, minutes: float) -> None:
    assert isinstance(here.clock, FixedClock)
    here.clock.move(minutes * MINUTE)


async def said(here: Installation) -> str:
    """The holding statement of a falling storm, published at noon."""
    await measure(here, falling, range(-130, 1, 5))
    incident = await incident_in(here)
    text = await proposed_in(here, incident, author="template")
    for approver, role in ((ANA, "comms"), (LENA, "legal")):
        async with here.store.reading() as tx:
            if (await tx.statements.status(text.id, 1)).value != "proposed":
                break
        await decide(
            here,
            statement=text.id,
            version=1,
            content_hash=text.content_hash,
            approver=approver,
            role=role,
            verdict=Verdict.APPROVE,
            via=Via.CLI,
        )
    return incident.id


async def records(here: Installation, kind: str) -> int:
    async with here.store.reading() as tx:
        return len(await tx.ledger.list(kind=kind))


async def test_a_turn_for_the_worse_is_on_record_once_and_the_lead_is_told_once(here: Installation) -> None:
    name = await said(here)
    [early] = await judge_effects(here, name)
    assert early.verdict is Effected.CANNOT_TELL
    await measure(here, lambda m: 700, range(5, 46, 5))
    move(here, 45)
    [worse] = await judge_effects(here, name)
    assert (worse.verdict, worse.proposal) == (Effected.WORSE, Proposal.FOLLOW_UP)
    for _ in range(2):
        assert await judge_effects(here, name) == [worse]
    assert await records(here, "effect.judged") == 2
    told = [
        p.rendering.text
        for p in sandbox(here)
        if p.purpose is Purpose.NOTICE and "made it worse" in p.rendering.subject
    ]
    assert len(told) == 1
    assert f"/incidents/{name}/draft?kind=substantive" in told[0]
    async with here.store.reading() as tx:
        assert await effects_of(tx, name) == [worse]


async def test_replies_to_our_posts_are_tied_by_the_ids_of_their_receipts(here: Installation) -> None:
    name = await said(here)
    async with here.store.transaction() as tx:
        first, *_ = [d for d in await tx.outbox.list(incident=name) if d.receipt and d.purpose is Purpose.STATEMENT]
        assert first.receipt is not None
        ours = first.receipt.id
        posts = [
            Mention(
                id="1",
                text="You are a disgrace, this is terrible",
                created_at=NOON + MINUTE,
                source="sandbox",
                in_reply_to=ours,
                language="en",
            ),
            Mention(
                id="2",
                text="Thank you, good to know",
                created_at=NOON + MINUTE,
                source="sandbox",
                quotes=ours,
                language="en",
            ),
            Mention(id="3", text="Terrible", created_at=NOON + MINUTE, source="sandbox", in_reply_to="another"),
            Mention(id="4", text="Terrible", created_at=NOON + MINUTE, source="elsewhere", in_reply_to=ours),
            Mention(id="5", text="Terrible", created_at=NOON - MINUTE, source="sandbox", in_reply_to=ours),
        ]
        await tx.mentions.relied_on(name, posts)
    move(here, 2)
    [found] = await judge_effects(here, name)
    assert (found.tied.replies, found.tied.quotes, found.tied.read, found.tied.negative) == (1, 1, 2, 1)


async def test_a_source_that_fell_silent_keeps_a_fall_from_being_called_working(here: Installation) -> None:
    name = await said(here)
    await measure(here, lambda m: 21, range(5, 61, 5))
    move(here, 60)
    async with here.store.transaction() as tx:
        await tx.ledger.append("coverage.lost", incident=name, data={"source": "bluesky"}, actor="detector")
    [found] = await judge_effects(here, name)
    assert found.verdict is Effected.CANNOT_TELL
    assert any("bluesky" in reason for reason in found.reasons)


async def test_reasons_are_harmless_in_prefects_markdown(here: Installation) -> None:
    name = await said(here)
    [found] = await judge_effects(here, name)
    hostile = Effect.model_validate(found.model_dump() | {"reasons": ("<script>x</script> [a](javascript:b)",)})
    shown = effect_markdown([hostile])
    assert "<script>" not in shown
    assert "[a](" not in shown


async def calm(here: Installation, name: str) -> None:
    async with here.store.transaction() as tx:
        await tx.observations.add(
            Observation(
                incident=name,
                at=here.clock.now(),
                window=15 * MINUTE,
                mentions=9,
                authors=8,
                negative_share=0.2,
                before_mentions=500,
                before_authors=412,
                before_negative_share=0.81,
                verdict=Reaction.CALMING,
                calm=True,
                says="calm",
            )
        )


async def settled(here: Installation) -> str:
    """A calm incident that owes nothing."""
    name = await said(here)
    async with here.store.transaction() as tx:
        for promise in await tx.commitments.list(incident=name, state=CommitmentState.OPEN):
            await tx.commitments.settle(promise.id, CommitmentState.KEPT, IDA, NOON, actor=IDA)
        assert (await tx.incidents.get(name)).state is IncidentState.MONITORING
    await calm(here, name)
    return name


async def test_watching_ends_by_rule_on_record_and_a_person_begins_it_again(here: Installation) -> None:
    name = await settled(here)
    assert not await end_if_due(here, name)
    move(here, CALM_FOR[Severity.SEV2] / MINUTE + 1)
    await calm(here, name)
    for _ in range(2):
        assert await end_if_due(here, name)
    assert await records(here, "monitoring.ended") == 1
    assert sum("no longer measured" in p.rendering.text for p in sandbox(here)) == 1
    async with here.store.reading() as tx:
        watched = await monitoring_of(here, tx, name)
    assert watched is not None
    assert watched.ended_at is not None
    assert "calm for 12 h" in watched.says
    assert "may extend it" in watched.says
    with pytest.raises(NotAllowed, match="neither leads"):
        await extend(here, name, 6, actor=CARL, reason="I worry")
    await extend(here, name, 6, actor=IDA, reason="the morning papers are still to come")
    assert not await end_if_due(here, name)
    move(here, 6 * 60 + 1)
    assert await end_if_due(here, name)


async def test_an_open_promise_or_a_storm_keeps_it_watched(here: Installation) -> None:
    name = await said(here)
    await calm(here, name)
    move(here, 60 * 24 * 3)
    await calm(here, name)
    async with here.store.reading() as tx:
        watched = await monitoring_of(here, tx, name)
    assert watched is not None
    assert "while a promise is open" in watched.says
    assert not await end_if_due(here, name)


async def test_what_is_over_is_not_watched_longer(here: Installation) -> None:
    name = await settled(here)
    async with here.store.transaction() as tx:
        await tx.incidents.step(name, IncidentState.RESOLVED, actor=IDA, reason="over")
    with pytest.raises(IllegalStep, match="only what goes on is watched"):
        await extend(here, name, 6, actor=IDA, reason="still")
    with pytest.raises(ValueError, match="1 to 168 hours"):
        await extend(here, name, 0, actor=IDA, reason="still")


def test_graver_or_worse_is_never_watched_more_rarely_and_calm_never_more_closely() -> None:
    for minutes in (1, 5, 10, 15, 60):
        spans = [cadence(minutes, s, now=NOON, last_word=None).every for s in sorted(Severity)]
        assert spans == sorted(spans, reverse=True)
        for severity in Severity:
            rests = [cadence(minutes, severity, now=NOON, last_word=NOON, calm=n).every for n in range(9)]
            assert rests == sorted(rests)
            assert max(rests) <= 5 * MINUTE, "within an hour of a word it is watched closely, calm or not"
            later = [cadence(minutes, severity, now=NOON, last_word=None, calm=n).every for n in range(9)]
            assert later == sorted(later)
            worse = cadence(minutes, severity, now=NOON, last_word=NOON, worse=True)
            assert worse.every <= rests[0] <= 5 * MINUTE

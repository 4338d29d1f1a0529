"""Closing asks once for all that is owed, settles what our words did, and is not held up by what nobody can answer."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from acme import ANA, IDA, LENA, NOON, acme, incident_in, proposed_in

from crisis.approval import Verdict, Via
from crisis.clock import FixedClock
from crisis.commitment import CommitmentState
from crisis.effect import JUDGED, newest_of
from crisis.incident import IllegalStep
from crisis.watch import Mention
from tasks.approve import decide
from tasks.close import owed, resolve
from tasks.installation import Installation
from tasks.questions import mine

WHEN = "When will card payments work again?"


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installation]:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    async with acme(tmp_path, clock=FixedClock(NOON)) as opened:
        yield opened


async def test_closing_names_all_that_is_owed_and_questions_alone_do_not_keep_it_open(here: Installation) -> None:
    incident = await incident_in(here)
    text = await proposed_in(here, incident)
    async with here.store.reading() as tx:
        proposal = await tx.statements.proposal(text.id, 1)
    assert proposal is not None
    for role in proposal.policy.roles:
        who = {"comms": ANA, "legal": LENA}[role]
        await decide(
            here, statement=text.id, version=1, content_hash=text.content_hash, approver=who, role=role,
            verdict=Verdict.APPROVE, via=Via.CLI,
        )  # fmt: skip
    posts = [
        Mention(id=str(n), text=WHEN, author=f"@{n}", created_at=NOON - timedelta(minutes=30 - n)) for n in range(5)
    ]
    async with here.store.transaction() as tx:
        await tx.mentions.relied_on(incident.id, posts)
    await mine(here, incident.id)
    async with here.store.reading() as tx:
        found = await owed(here, tx, await tx.incidents.get(incident.id))
    assert len(found.says) == 3, found
    with pytest.raises(IllegalStep, match=r"still owes the public.*leave people behind.*1 question has no answer"):
        await resolve(here, incident.id, actor=IDA, reason="calm")
    async with here.store.transaction() as tx:
        for promise in await tx.commitments.list():
            await tx.commitments.settle(promise.id, CommitmentState.KEPT, by=IDA, at=NOON, actor=IDA)
        assert not await tx.ledger.list(kind=JUDGED)
    with pytest.raises(IllegalStep, match="leave people behind"):
        await resolve(here, incident.id, actor=IDA, reason="calm")
    closed = await resolve(here, incident.id, actor=IDA, reason="calm", unreached="each was called")
    async with here.store.reading() as tx:
        left = await owed(here, tx, closed)
        judged = newest_of(await tx.ledger.list(kind=JUDGED, incident=incident.id))
    assert [e.statement for e in judged] == [text.id]
    assert not left.blocks
    assert "1 question has no answer" in left.questions

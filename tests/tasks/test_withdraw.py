"""Taking a text back: who may, that everybody who was told of it is told of that too, and what becomes of its promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acme import ANA, CARL, IDA, LENA, NOON, acme, incident_in, proposed_in, sandbox

from crisis.approval import NotAllowed, Verdict, Via
from crisis.clock import FixedClock
from crisis.commitment import CommitmentState
from crisis.incident import Incident
from crisis.statement import Statement
from crisis.values import CrisisType, Severity
from records import StatementStatus
from tasks import withdraw as withdrawing
from tasks.approve import decide
from tasks.installation import Installation
from tasks.recover import recover_deliveries
from tasks.triage import override
from tasks.withdraw import withdraw

SAM, OTTO = "sam@example.com", "otto@example.com"


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installation]:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    async with acme(tmp_path, clock=FixedClock(NOON)) as opened:
        yield opened


async def published(here: Installation) -> tuple[Incident, Statement]:
    """A holding statement on four sandboxed channels, the last of them a mailing."""
    incident = await incident_in(here)
    statement = await proposed_in(here, incident, author="template")
    for approver, role in ((ANA, "comms"), (LENA, "legal")):
        async with here.store.reading() as tx:
            if await tx.statements.status(statement.id, 1) is not StatementStatus.PROPOSED:
                break
        await decide(
            here,
            statement=statement.id,
            version=1,
            content_hash=statement.content_hash,
            approver=approver,
            role=role,
            verdict=Verdict.APPROVE,
            via=Via.CLI,
        )
    return incident, statement


async def status(here: Installation, statement: Statement) -> StatementStatus:
    async with here.store.reading() as tx:
        return await tx.statements.status(statement.id, statement.version)


@pytest.mark.parametrize("actor", [SAM, OTTO, "eva@example.com", "stranger@example.com", ""])
async def test_whoever_neither_leads_nor_speaks_for_the_company_may_not_withdraw(
    here: Installation, actor: str
) -> None:
    _, statement = await published(here)
    with pytest.raises(NotAllowed, match="may not withdraw a statement: ask the incident lead"):
        await withdraw(here, statement.id, 1, actor=actor, reason="wrong")
    assert await status(here, statement) is StatementStatus.PUBLISHED


@pytest.mark.parametrize("actor", [IDA, CARL, LENA])
async def test_one_person_of_the_leads_comms_or_legal_is_enough(here: Installation, actor: str) -> None:
    _, statement = await published(here)
    await withdraw(here, statement.id, 1, actor=actor, reason="the time in it is wrong")
    assert await status(here, statement) is StatementStatus.WITHDRAWN


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
async def test_a_withdrawal_says_why(here: Installation, reason: str) -> None:
    _, statement = await published(here)
    with pytest.raises(NotAllowed, match="say why it is withdrawn"):
        await withdraw(here, statement.id, 1, actor=IDA, reason=reason)
    assert await status(here, statement) is StatementStatus.PUBLISHED


async def told(here: Installation, occasion: str) -> list[str]:
    async with here.store.reading() as tx:
        records = await tx.ledger.list(kind="stakeholder.told")
    return sorted(str(r.data["stakeholder"]) for r in records if str(r.data["occasion"]).startswith(occasion))


def notices(here: Installation, subject: str) -> dict[str, str]:
    """Notices whose subject holds ``subject``, by whom they went to."""
    found = [p.rendering for p in sandbox(here) if subject in p.rendering.subject]
    assert len({r.target.address for r in found}) == len(found), "somebody was told twice"
    return {r.target.address: r.text for r in found}


async def test_everybody_who_was_told_of_a_text_is_told_once_that_it_is_withdrawn_and_why(here: Installation) -> None:
    _, statement = await published(here)
    knew = notices(here, "Published:")
    assert len(knew) > 3
    for _ in range(2):
        await withdraw(here, statement.id, 1, actor=IDA, reason="the time in it is wrong")
    await recover_deliveries(here)
    now_know = notices(here, "Withdrawn:")
    assert sorted(now_know) == sorted(knew) == await told(here, "withdrawn/") == await told(here, "published/")
    text = now_know[ANA]
    assert "has been withdrawn by Ida Okafor. Please do not repeat it" in text
    assert "Why: The time in it is wrong." in text
    assert "- newsroom-mastodon: taken back" in text
    assert "- customer-list: still there (a mail cannot be taken back; send a correction)" in text


async def test_whoever_was_told_of_the_text_hears_of_its_withdrawal_also_when_the_incident_is_milder_by_then(
    here: Installation,
) -> None:
    incident, statement = await published(here)
    await override(
        here,
        incident.id,
        severity=Severity.SEV4,
        crisis_type=CrisisType.CONDUCT,
        actor=IDA,
        reason="it was a joke",
    )
    await withdraw(here, statement.id, 1, actor=IDA, reason="wrong")
    assert await told(here, "withdrawn/") == await told(here, "published/")


async def test_a_withdrawal_that_was_killed_before_it_told_anybody_is_told_of_by_the_sweep(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, statement = await published(here)

    async def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(withdrawing, "tell_of_withdrawal", killed)
        with pytest.raises(KeyboardInterrupt):
            await withdraw(here, statement.id, 1, actor=IDA, reason="wrong")
    assert await told(here, "withdrawn/") == []
    await recover_deliveries(here)
    assert await told(here, "withdrawn/") == await told(here, "published/")


async def test_what_a_withdrawn_text_promised_is_withdrawn_with_it_and_other_promises_stay(here: Installation) -> None:
    incident, statement = await published(here)
    async with here.store.transaction() as tx:
        [made] = await tx.commitments.list(incident.id)
        other = made.model_copy(update={"id": "other", "statement": "INC-1-S9"})
        await tx.commitments.add(other, actor=IDA)
    await withdraw(here, statement.id, 1, actor=IDA, reason="wrong")
    async with here.store.reading() as tx:
        found = {c.id: c.state for c in await tx.commitments.list(incident.id)}
    assert found == {made.id: CommitmentState.WITHDRAWN, "other": CommitmentState.OPEN}

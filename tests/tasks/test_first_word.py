"""The first word is prepared by whoever records the incident, and prepared again when what it relies on changes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acme import ANA, IDA, NOON, acme, incident_in

from crisis.approval import NotAllowed, Verdict, Via
from crisis.clock import FixedClock
from crisis.fact import Fact, FactStatus
from crisis.incident import Incident
from crisis.rendering import DoesNotFit
from crisis.statement import Statement
from crisis.values import CrisisType, Severity, StatementKind
from records import StatementStatus
from tasks import first_word
from tasks.approve import decide, propose
from tasks.draft import draft, save_fact
from tasks.first_word import alert, reassessed, renew
from tasks.installation import Installation
from tasks.triage import override


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installation]:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    async with acme(tmp_path, clock=FixedClock(NOON)) as opened:
        yield opened


async def newest(here: Installation, incident: str) -> tuple[Statement, StatementStatus | None]:
    async with here.store.reading() as tx:
        [statement] = await tx.statements.list(incident)
        return statement, await tx.statements.status(statement.id, statement.version)


async def count(here: Installation, kind: str) -> int:
    async with here.store.reading() as tx:
        return len(await tx.ledger.list(kind=kind))


async def graver(here: Installation, incident: Incident) -> Incident:
    return await override(
        here,
        incident.id,
        severity=Severity.SEV1,
        crisis_type=CrisisType.SERVICE_FAILURE,
        actor=IDA,
        reason="it spreads",
    )


async def test_the_holding_statement_waits_for_approval_before_any_run_has_started(here: Installation) -> None:
    incident = await incident_in(here)
    await alert(here, incident)
    statement, status = await newest(here, incident.id)
    assert (statement.kind, statement.version, status) == (StatementKind.HOLDING, 1, StatementStatus.PROPOSED)
    assert await count(here, "stakeholder.told") > 0
    before = await count(here, "stakeholder.told")
    await alert(here, incident)
    assert (await newest(here, incident.id))[0] == statement
    assert await count(here, "stakeholder.told") == before, "a repeat tells and drafts nothing twice"


async def test_a_text_that_cannot_be_drafted_keeps_nobody_from_being_told(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def does_not_fit(*_: object) -> Statement:
        raise DoesNotFit("it cannot be shown")

    monkeypatch.setattr(first_word, "draft_for_response", does_not_fit)
    incident = await incident_in(here)
    await alert(here, incident)
    assert await count(here, "stakeholder.told") > 0
    assert await count(here, "statement.proposed") == 0


async def test_a_graver_incident_has_its_holding_statement_before_the_approvers_anew(here: Installation) -> None:
    incident = await incident_in(here)
    await alert(here, incident)
    first, _ = await newest(here, incident.id)
    after = await graver(here, incident)
    await reassessed(here, after)
    second, status = await newest(here, incident.id)
    assert (second.version, second.severity, status) == (2, Severity.SEV1, StatementStatus.PROPOSED)
    with pytest.raises(NotAllowed, match="voided"):
        await decide(
            here,
            statement=first.id,
            version=1,
            content_hash=first.content_hash,
            approver=ANA,
            role="comms",
            verdict=Verdict.APPROVE,
            via=Via.CLI,
        )
    assert await renew(here, incident.id) == [], "a repeat finds nothing to renew"


async def test_a_changed_fact_renews_what_the_template_wrote(here: Installation) -> None:
    incident = await incident_in(here)
    fact = Fact(
        id=f"{incident.id}-F1",
        incident=incident.id,
        text="Card payments fail in the app",
        status=FactStatus.CONFIRMED,
        owner=IDA,
        updated_at=NOON,
    )
    await save_fact(here, fact, actor=IDA)
    await alert(here, incident)
    first, _ = await newest(here, incident.id)
    await save_fact(here, fact.model_copy(update={"text": "Card payments fail everywhere"}), actor=IDA)
    [second] = await renew(here, incident.id)
    assert (second.id, second.version) == (first.id, 2)
    assert [f.text for f in second.facts] == ["Card payments fail everywhere"]
    assert (await newest(here, incident.id))[1] is StatementStatus.PROPOSED


async def test_a_persons_text_is_not_rewritten_but_the_lead_learns_that_it_is_void(here: Installation) -> None:
    incident = await incident_in(here)
    text = (
        "Payments fail\n\nWe know that card payments fail for people who use our app, and we are sorry. We are "
        "working on it, and people can pay in cash. Write to https://acme.example/help. Next update by 13:00 UTC."
    )
    theirs = await draft(here, incident.id, StatementKind.HOLDING, author=ANA, text=text)
    await propose(here, theirs, by=ANA)
    after = await graver(here, incident)
    before = await count(here, "stakeholder.told")
    await reassessed(here, after)
    told = await count(here, "stakeholder.told")
    assert (await newest(here, incident.id)) == (theirs, StatementStatus.VOIDED)
    async with here.store.reading() as tx:
        occasions = [r.data["occasion"] for r in await tx.ledger.list(kind="stakeholder.told")]
    assert f"void/{theirs.id}/1" in occasions
    assert told > before
    await renew(here, incident.id)
    assert await count(here, "stakeholder.told") == told


async def test_nothing_is_renewed_for_an_incident_that_was_dismissed(here: Installation) -> None:
    from tasks.incidents import dismiss

    incident = await incident_in(here)
    await alert(here, incident)
    await graver(here, incident)
    dismissed = await dismiss(here, incident.id, actor=IDA, reason="a drill of ours")
    before = await count(here, "stakeholder.told")
    await reassessed(here, dismissed)
    assert await count(here, "stakeholder.told") == before
    assert (await newest(here, incident.id))[0].version == 1

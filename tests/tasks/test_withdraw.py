"""Taking a text back: who may, that everybody who was told of it is told of that too, and what becomes of its promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acme import ANA, CARL, IDA, LENA, NOON, acme, incident_in, proposed_in, sandbox

from crisis.approval import NotAllowed, Verdict, Via
from crisis.clock import FixedClock
from crisis.incident import Incident
from crisis.statement import Statement
from records import StatementStatus
from tasks.approve import decide
from tasks.installation import Installation
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

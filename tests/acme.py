"""An installation made from the starter file as ``fireline init`` writes it, in a folder of its own, for one test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import config
from crisis.clock import Clock, FixedClock
from crisis.fact import Fact, FactStatus
from crisis.incident import Incident
from crisis.statement import Statement
from crisis.values import CrisisType, Severity, StatementKind
from integrations.sandbox import Post, posts
from records import open_store
from tasks.approve import propose
from tasks.draft import draft
from tasks.installation import Installation
from tasks.people import save_configuration
from tasks.triage import open_by_hand

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
IDA, ANA, CARL, LENA = "ida@example.com", "ana@example.com", "carl@example.com", "lena@example.com"
STARTER = Path(config.__file__).parent / "starter" / "fireline.toml"


def write_starter(folder: Path, *replacements: tuple[str, str], more: str = "") -> Path:
    """Write the starter file with ``folder`` as its home, some of its lines replaced, and more at its end."""
    text = STARTER.read_text(encoding="utf-8")
    for old, new in (('#home = "/var/lib/fireline"', f'home = "{folder.as_posix()}"'), *replacements):
        assert old in text, f"the starter file has no {old!r}"
        text = text.replace(old, new)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "fireline.toml"
    file.write_text(f"{text}\n{more}", encoding="utf-8")
    return file


@asynccontextmanager
async def acme(
    folder: Path, *replacements: tuple[str, str], clock: Clock | None = None, more: str = "", flow_run_id: str = ""
) -> AsyncIterator[Installation]:
    """Open it; its clock stands at ``NOON`` unless another is given."""
    settings = config.load(write_starter(folder, *replacements, more=more))
    store = await open_store(settings.database_url, keys=settings.home / "keys", clock=clock or FixedClock(NOON))
    here = Installation(settings, store, flow_run_id=flow_run_id)
    await save_configuration(here)
    try:
        yield here
    finally:
        await here.close()


async def incident_in(
    here: Installation, *, severity: Severity = Severity.SEV2, kind: CrisisType = CrisisType.SERVICE_FAILURE
) -> Incident:
    """An incident that Ida reports."""
    return await open_by_hand(
        here, watch="acme", title="Payments fail", crisis_type=kind, severity=severity, reported_by=IDA
    )


async def fact_in(
    here: Installation, incident: Incident, text: str = "Card payments have failed since 11:20 UTC"
) -> Fact:
    """A confirmed fact of an incident."""
    async with here.store.transaction() as tx:
        fact = Fact(
            id=await tx.facts.next_id(incident.id),
            incident=incident.id,
            text=text,
            status=FactStatus.CONFIRMED,
            owner=IDA,
            updated_at=here.clock.now(),
        )
        await tx.facts.put(fact, actor=IDA)
    return fact


async def proposed_in(
    here: Installation, incident: Incident, kind: StatementKind = StatementKind.HOLDING, *, author: str = IDA
) -> Statement:
    """The playbook's draft for an incident, put before its approvers."""
    statement = await draft(here, incident.id, kind, author=author)
    await propose(here, statement, by=author)
    return statement


def sandbox(here: Installation) -> list[Post]:
    """What went out, notices included, newest first."""
    return posts(here.settings.home / "sandbox")

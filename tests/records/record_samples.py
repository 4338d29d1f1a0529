"""Small, valid values of the domain for the tests of records, and ways to run other processes on one store."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import create_async_engine

from crisis.approval import Decision, Policy, Verdict, Via
from crisis.clearance import Clearance
from crisis.delivery import Delivery, DeliveryClass, Purpose, delivery_id
from crisis.fact import Fact, FactStatus
from crisis.incident import Incident
from crisis.release import Means, Release
from crisis.statement import Part, Rendering, Statement, Target, content_hash
from crisis.triage import Assessment, Cluster, Strategy
from crisis.values import CrisisType, Severity, StatementKind
from crisis.watch import Mention
from records import Store, Transaction

AT = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
ANA = {"actor": "ana@example.com", "via": "cli"}
POLICY = Policy(roles={"legal": 1, "comms": 1})
ROOT = Path(__file__).parents[2]


def assessment(severity: Severity = Severity.SEV2, by: str = "triage") -> Assessment:
    return Assessment(
        severity=severity,
        type=CrisisType.SERVICE_FAILURE,
        score=41.5,
        cluster=Cluster.ACCIDENTAL,
        strategy=Strategy.DIMINISH,
        assessed_at=AT,
        assessed_by=by,
    )


def mention(id: str = "1", text: str = "your app ate my booking", minutes: int = 0) -> Mention:
    return Mention(id=id, text=text, created_at=AT + timedelta(minutes=minutes), author="@rider")


def fact(id: str, incident: str, status: FactStatus = FactStatus.UNCONFIRMED) -> Fact:
    return Fact(
        id=id, incident=incident, text="Bookings were lost.", status=status, owner="ana@example.com", updated_at=AT
    )


def rendering(channel: str = "status", text: str = "We see it. Next update at 15:00 UTC.") -> Rendering:
    return Rendering(
        target=Target(channel=channel, kind="sandbox"), parts=(Part(text=text, length=len(text), limit=500),)
    )


def statement(id: str, incident: str, version: int = 1, body: str = "We see it.") -> Statement:
    renderings = (rendering(text=body), rendering("mastodon", body))
    bound = {
        "incident": incident,
        "kind": StatementKind.HOLDING,
        "audience": "customers",
        "severity": Severity.SEV2,
        "facts": (),
        "renderings": renderings,
    }
    return Statement(
        id=id,
        version=version,
        strategy=Strategy.DIMINISH,
        author="ana@example.com",
        created_at=AT,
        headline="Bookings",
        body=body,
        content_hash=content_hash(**bound),
        **bound,
    )


def decision(of: Statement, approver: str = "lea@example.com", role: str = "legal") -> Decision:
    return Decision(
        content_hash=of.content_hash,
        statement=of.id,
        version=of.version,
        approver=approver,
        role=role,
        verdict=Verdict.APPROVE,
        via=Via.DESK,
        decided_at=AT,
    )


def release(of: Statement) -> Release:
    return Release(
        statement=of.id,
        version=of.version,
        content_hash=of.content_hash,
        means=Means.BREAK_GLASS,
        by="ida@example.com",
        reason="people are being hurt and nobody answers",
        via=Via.DESK,
        released_at=AT,
    )


def clearance(id: str) -> Clearance:
    return Clearance(
        id=id,
        watch="acme",
        types=(CrisisType.SERVICE_FAILURE,),
        mildest=Severity.SEV3,
        worst=Severity.SEV1,
        channels=("status",),
        expires_at=AT + timedelta(days=90),
        most_uses=2,
        digests={CrisisType.SERVICE_FAILURE: "0" * 64},
        shown={CrisisType.SERVICE_FAILURE: "We know."},
        policy=POLICY,
        author="ana@example.com",
        proposed_at=AT,
    )


def delivery(reference: str = "notice-1", channel: str = "status") -> Delivery:
    rendered = rendering(channel)
    return Delivery(
        id=delivery_id(Purpose.NOTICE, reference, rendered.target),
        incident="INC-1",
        purpose=Purpose.NOTICE,
        rendering=rendered,
        delivery_class=DeliveryClass.NATIVE_KEY,
        created_at=AT,
        updated_at=AT,
    )


async def opened(tx: Transaction, watch: str = "acme") -> Incident:
    """An incident in the store."""
    return await tx.incidents.open(
        watch=watch, title="Lost bookings", assessment=assessment(), opened_at=AT, started_at=AT, **ANA
    )


async def drafted(store: Store) -> Statement:
    """A draft of a new incident in the store."""
    async with store.transaction() as tx:
        incident = await opened(tx)
        draft = statement(await tx.statements.next_id(incident.id), incident.id)
        await tx.statements.add(draft, **ANA)
    return draft


async def kinds(store: Store) -> list[str]:
    """What the ledger tells, in order."""
    async with store.reading() as tx:
        return [record.kind for record in await tx.ledger.list()]


async def behind_its_back(url: str, *statements: str) -> None:
    """Run SQL as somebody who has the database's password, but not the installation's keys."""
    engine = create_async_engine(url)
    try:
        async with engine.begin() as connection:
            for statement_ in statements:
                await connection.exec_driver_sql(statement_)
    finally:
        await engine.dispose()


def without_triggers(url: str, table: str = "ledger") -> list[str]:
    """The SQL that takes a table's triggers off."""
    if url.startswith("sqlite"):
        return [f"DROP TRIGGER {table}_no_{act}" for act in ("update", "delete", "replace")]
    return [f"DROP TRIGGER {table}_no_{act} ON {table}" for act in ("change", "truncate")]


async def process(*arguments: str) -> asyncio.subprocess.Process:
    """Start ``record_worker.py`` as a process of its own."""
    worker = Path(__file__).with_name("record_worker.py")
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(worker),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
    )


async def answer(worker: asyncio.subprocess.Process) -> str:
    """What a worker printed, once it has ended well."""
    output, _ = await worker.communicate()
    assert worker.returncode == 0
    return output.decode().strip()

"""The store that the desk is measured on: 1,000 incidents (60 open), 1,000,000 mentions relied on, always the same.

One open incident has a tenth of the mentions, 400 records and a day of signals; each of the others about ten records.
Each has sent notices, sixty of the closed ones a published statement, and the sandbox's folder holds a thousand of those
posts. One incident is restricted, so that what is hidden is filtered out of every question.
"""

import asyncio
import json
import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.installation import Installation

INCIDENTS, OPEN, MENTIONS, BIGGEST = 1_000, 60, 1_000_000, 100_000
RECORDS = 400
"""Of the busiest incident; others have about ten."""
NOTICES = 10
"""Of each incident."""
IN_SANDBOX = 1_000
"""Posts in the sandbox's folder: the newest of those that went there."""
SEED = 5
LEAD = "ida@example.com"
TEXTS = (
    "@acme I stood at the till and the app failed, again",
    "Is my money safe with @acme? Nobody answers",
    "acme ist seit einer Stunde nicht erreichbar",
    "I will cancel my account, this is the third time, @acme",
    "RT @mia: @acme your app is down and support does not pick up",
)
SOURCES, LANGUAGES = ("mastodon", "bluesky", "x", "reddit"), ("en", "de", "es", "")


@dataclass(frozen=True)
class Names:
    """Incidents and a statement to look at."""

    busiest: str
    open: str
    closed: str
    statement: str
    """Of the busiest incident: it waits for approval."""


async def fill(here: "Installation") -> Names:
    """Everything in an empty store and in the sandbox's folder."""
    from crisis.access import Restriction
    from tasks.people import save_configuration

    chance = random.Random(SEED)
    now = here.clock.now()
    await save_configuration(here)
    watch = here.settings.watches[0].name
    ids = []
    for start in range(0, INCIDENTS, 100):
        async with here.store.transaction() as tx:
            for number in range(start, start + 100):
                ids.append(await _incident(tx, watch, number, now, chance))
    await _signals(here, watch, now, chance)
    async with here.store.transaction() as tx:
        restriction = Restriction(incident=ids[1], people=(LEAD,), by=LEAD, at=now)
        await tx.restrictions.put(restriction, actor=LEAD, reason="a matter for few")
    await asyncio.to_thread(_sandbox, here.settings.home / "sandbox", await _went_out(here))
    file = Path(here.settings.database_url.partition(":///")[2])
    await asyncio.to_thread(_mentions, file, ids, now, chance)
    return names_in(ids)


def names_in(ids: Sequence[str]) -> Names:
    """What to look at in a store that was filled so, given its incidents by number."""
    return Names(closed=ids[0], busiest=ids[-1], open=ids[-2], statement=f"{ids[-1]}-S1")


async def change(here: "Installation", incident: str, number: int) -> None:
    """One more assessment of an incident, told apart by ``number``."""
    async with here.store.transaction() as tx:
        told = _assessment(here.clock.now(), random.Random(number), number)
        await tx.incidents.assess(incident, told, actor="triage")


async def _incident(tx: Any, watch: str, number: int, now: datetime, chance: random.Random) -> str:
    from crisis.incident import IncidentState

    live = number >= INCIDENTS - OPEN
    at = now - timedelta(hours=20 if number == INCIDENTS - 1 else 2) if live else now - timedelta(days=400 - number / 3)
    incident = await tx.incidents.open(
        watch=watch,
        title=f"Acme: service failure (matter {number})",
        assessment=_assessment(at, chance, 0),
        opened_at=at,
        started_at=at - timedelta(minutes=9),
        lead=LEAD,
        actor="detector",
    )
    await _told(tx, incident, at)
    if not live:
        if number >= INCIDENTS - 2 * OPEN:
            await _statement(tx, incident, at, published=True)
        await tx.incidents.step(incident.id, IncidentState.DISMISSED, actor=LEAD, reason="a false alarm")
        return str(incident.id)
    for again in range(RECORDS // 2 if number == INCIDENTS - 1 else 5):
        told = _assessment(at + timedelta(minutes=again), chance, again)
        await tx.incidents.assess(incident.id, told, actor="triage")
        data = {"stakeholder": f"p{again}@example.com", "name": f"Person {again}", "occasion": "opened"}
        await tx.ledger.append("stakeholder.told", actor="outbox", incident=incident.id, data=data)
    await _statement(tx, incident, at)
    return str(incident.id)


def _assessment(at: datetime, chance: random.Random, marker: int) -> Any:
    from crisis.triage import Assessment, Cluster, Factor, Narrative, Strategy
    from crisis.values import CrisisType, Severity

    authors = chance.randrange(100, 900)
    return Assessment(
        severity=Severity.SEV2,
        type=CrisisType.SERVICE_FAILURE,
        score=61.0,
        factors=tuple(
            Factor(name=name, value=authors, points=7, says=f"{name} is {authors}, look {marker}")
            for name in ("volume", "size", "acceleration", "negativity", "anger", "reach", "spread", "harm")
        ),
        cluster=Cluster.ACCIDENTAL,
        strategy=Strategy.DIMINISH,
        negative_share=0.8,
        authors=authors,
        narratives=tuple(
            Narrative(id=f"n{n}", label=f"the app does not pay {n}", size=authors // (n + 1), quote=TEXTS[n % 5])
            for n in range(6)
        ),
        assessed_at=at,
    )


async def _statement(tx: Any, incident: Any, at: datetime, *, published: bool = False) -> None:
    from crisis.approval import Policy
    from crisis.delivery import Purpose
    from crisis.statement import Part, Rendering, Statement, Target, content_hash
    from crisis.triage import Strategy
    from crisis.values import StatementKind
    from records import StatementStatus

    text = "We know that many of you cannot pay since 11:20 UTC. We are sorry. Next update by 13:00 UTC."
    renderings = tuple(
        Rendering(
            target=Target(channel=f"channel-{n}", kind="sandbox"),
            parts=(Part(text=text, length=len(text), limit=500),),
        )
        for n in range(4)
    )
    covered: dict[str, Any] = {
        "incident": incident.id,
        "kind": StatementKind.HOLDING,
        "audience": "customers",
        "severity": incident.severity,
        "facts": (),
        "renderings": renderings,
        "promises": (),
    }
    statement = Statement(
        id=f"{incident.id}-S1",
        version=1,
        strategy=Strategy.DIMINISH,
        author="template",
        created_at=at,
        headline="Payments fail",
        body=text,
        content_hash=content_hash(**covered),
        **covered,
    )
    await tx.statements.add(statement, actor="template")
    await tx.statements.propose(statement.id, 1, Policy(roles={"comms": 1}), by="template", actor="template")
    if published:
        await tx.statements.set_status(statement.id, 1, StatementStatus.PUBLISHED, actor="publish")
        for rendering in renderings:
            await tx.outbox.enqueue(_out(Purpose.STATEMENT, rendering, at, statement), actor="publish")


async def _told(tx: Any, incident: Any, at: datetime) -> None:
    """The notices of an incident, as they went out."""
    from crisis.delivery import Purpose
    from crisis.statement import Part, Rendering, Target

    for number in range(NOTICES):
        text = f"[{incident.id}] {incident.title}: you are asked to look at it ({number})"
        address = f"p{number}@example.com"
        rendering = Rendering(
            target=Target(channel="sandbox", kind="sandbox", address=address),
            parts=(Part(text=text, length=len(text), limit=len(text)),),
            options={"to": address, "occasion": "opened"},
        )
        await tx.outbox.enqueue(_out(Purpose.NOTICE, rendering, at, incident), actor="outbox")


def _out(purpose: Any, rendering: Any, at: datetime, of: Any) -> Any:
    """A delivery that arrived: of a version of a statement, or a notice of an incident."""
    from crisis.delivery import Delivery, DeliveryClass, DeliveryState, Receipt, delivery_id
    from crisis.statement import Statement

    said: dict[str, Any] = (
        {"statement": of.id, "version": 1, "content_hash": of.content_hash} if isinstance(of, Statement) else {}
    )
    key = delivery_id(purpose, said.get("content_hash", of.id), rendering.target)
    return Delivery(
        id=key,
        incident=of.incident if isinstance(of, Statement) else of.id,
        purpose=purpose,
        rendering=rendering,
        delivery_class=DeliveryClass.CREATE_IF_ABSENT,
        state=DeliveryState.ACCEPTED,
        attempts=1,
        receipt=Receipt(id=key, accepted_at=at),
        created_at=at,
        updated_at=at,
        **said,
    )


async def _went_out(here: "Installation") -> list[Any]:
    async with here.store.reading() as tx:
        return (await tx.outbox.list())[-IN_SANDBOX:]


def _sandbox(folder: Path, deliveries: Sequence[Any]) -> None:
    """The posts of some deliveries, as the sandbox keeps them; written plainly, as they need no syncing."""
    from integrations.sandbox import Post

    folder.mkdir(exist_ok=True)
    for one in deliveries:
        post = Post(id=one.id, key=one.id, purpose=one.purpose, url="", at=one.created_at, rendering=one.rendering)
        (folder / f"{one.id}.json").write_text(post.model_dump_json(indent=1))


async def _signals(here: "Installation", watch: str, now: datetime, chance: random.Random) -> None:
    from crisis.triage import Signal

    async with here.store.transaction() as tx:
        for minute in range(24 * 60):
            at = now - timedelta(minutes=24 * 60 - minute)
            authors = chance.randrange(20, 60) + max(0, minute - 200) // 3
            signal = Signal(
                watch=watch,
                at=at,
                window=timedelta(minutes=15),
                mentions=authors + 5,
                distinct_texts=authors,
                authors=authors,
                usual_authors=32,
                negative_share=0.6,
                usual_negative_share=0.2,
                started_at=at,
            )
            await tx.signals.add(signal)


def _mentions(file: Path, ids: Sequence[str], now: datetime, chance: random.Random) -> None:
    """Straight into the table: through the store a million posts would take the better part of an hour."""
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA synchronous=OFF")
        rest = (MENTIONS - BIGGEST) // (len(ids) - 1)
        counts = [MENTIONS - BIGGEST - rest * (len(ids) - 2), *[rest] * (len(ids) - 2), BIGGEST]
        for incident, count in zip(ids, counts, strict=True):
            rows = (_row(incident, n, now, chance) for n in range(count))
            database.executemany("INSERT INTO mentions VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        database.execute("ANALYZE")
    database.close()


def _row(incident: str, number: int, now: datetime, chance: random.Random) -> tuple[Any, ...]:
    at = now - timedelta(seconds=chance.random() * 3600)
    source, language, reach = chance.choice(SOURCES), chance.choice(LANGUAGES), int(chance.paretovariate(0.9))
    post = {
        "id": str(number),
        "text": f"{chance.choice(TEXTS)} {number}",
        "created_at": at.isoformat(),
        "author": f"@somebody{number}",
        "source": source,
        "language": language,
        "followers": reach,
    }
    stamp = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return incident, f"{number:064x}", stamp, json.dumps(post), source, language, reach

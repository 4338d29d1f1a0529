"""Promise 2 of DESIGN §11: whatever is changed after approval, by whatever way, nothing is published.

Byte, picture, target, severity, fact: one is changed, through the front door or behind the store's back (without its
triggers, and also with a new hash that fits), and ``plan`` refuses and fills no outbox.
"""

import asyncio
import json
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from drawn import picture
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from staged import POLICY, assessment, settings_in

from crisis.approval import Decision, NotAllowed, Verdict, Via
from crisis.clock import FixedClock
from crisis.fact import Fact, FactStatus
from crisis.statement import Part, Promise, Rendering, Statement, Target, content_hash, hash_of
from crisis.triage import Strategy
from crisis.values import Severity, StatementKind
from records import StatementStatus, open_store
from tasks.installation import Installation
from tasks.publish import plan

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FACT = Fact(
    id="INC-1-F1",
    incident="INC-1",
    text="Signals failed at 13:20.",
    status=FactStatus.CONFIRMED,
    owner="ida@example.com",
    updated_at=NOON,
)
Change = Callable[[Installation, sqlite3.Connection], Any]


def _renderings() -> tuple[Rendering, ...]:
    def parts(*texts: str) -> tuple[Part, ...]:
        return tuple(Part(text=text, length=len(text), limit=500) for text in texts)

    return (
        Rendering(
            target=Target(channel="mastodon", kind="sandbox"),
            parts=parts("We know.", "Buses run."),
            reply_to="7",
            media=(picture(),),
        ),
        Rendering(
            target=Target(channel="mastodon", kind="sandbox", address="riders@example.com"),
            parts=parts("We know. Buses run."),
            subject="Trains have stopped",
            html="<p>We know. Buses run.</p>",
            options={"status": "investigating"},
        ),
    )


def _statement() -> Statement:
    covered: dict[str, Any] = {
        "incident": "INC-1",
        "kind": StatementKind.HOLDING,
        "audience": "passengers",
        "severity": Severity.SEV2,
        "facts": (FACT,),
        "renderings": _renderings(),
        "links": ("https://acmerail.example/help",),
        "media": (picture(),),
        "promises": (Promise(text="Next update by 14:30 UTC", due_at=NOON),),
    }
    return Statement(
        **covered,
        id="INC-1-S1",
        version=1,
        strategy=Strategy.DIMINISH,
        author="template",
        created_at=NOON,
        headline="Trains have stopped",
        body="We know. Buses run.",
        content_hash=content_hash(**covered),
    )


async def _open(home: Path) -> Installation:
    settings = settings_in(home)
    return Installation(
        settings, await open_store(settings.database_url, keys=home / "keys", clock=FixedClock(NOON)), via="test"
    )


async def _prepare(home: Path) -> None:
    here, text = await _open(home), _statement()
    async with here.store.transaction() as tx:
        await tx.watches.put(here.settings.watches[0])
        await tx.incidents.open(
            watch="acme",
            title="Acme Rail: service failure",
            assessment=assessment(Severity.SEV2, minutes=0),
            opened_at=NOON,
            started_at=NOON,
            actor="detector",
        )
        await tx.facts.put(FACT, actor=FACT.owner)
        await tx.statements.add(text, actor="template")
        await tx.statements.propose(text.id, 1, POLICY, by="template")
        for name, role in (("ana", "comms"), ("lena", "legal")):
            decision = Decision(
                content_hash=text.content_hash,
                statement=text.id,
                version=1,
                approver=f"{name}@example.com",
                role=role,
                verdict=Verdict.APPROVE,
                via=Via.DESK,
                decided_at=NOON,
            )
            await tx.decisions.add(decision)
        await tx.statements.set_status(text.id, 1, StatementStatus.APPROVED, actor="approval")
    await here.close()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("approved")
    asyncio.run(_prepare(home))
    return home


@st.composite
def altered(draw: st.DrawFn, text: str) -> str:
    """``text`` with one character put in, taken out or changed."""
    place = draw(st.integers(0, len(text)))
    new = draw(st.characters(codec="utf-8", exclude_characters="\0"))
    how = draw(st.sampled_from(("insert", "remove", "change")))
    end = place if how == "insert" else place + 1
    result = text[:place] + ("" if how == "remove" else new) + text[end:]
    return result if result != text else text + new


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths to everything in a JSON value that an approver approves."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for key, inner in items for leaf in _leaves(inner, (*path, key))]
    return [path]


@st.composite
def byte_changes(draw: st.DrawFn) -> Change:
    """One value anywhere in what was approved, changed in the database; with ``rehash``, so that the hash fits."""
    table, position = draw(st.sampled_from((("renderings", 0), ("renderings", 1), ("statements", 0))))
    stored: Any = json.loads(
        _statement().renderings[position].model_dump_json()
        if table == "renderings"
        else _statement().model_dump_json(include={"audience", "media", "links", "promises", "facts", "severity"})
    )
    path = draw(
        st.sampled_from(
            [p for p in _leaves(stored) if p[-1] not in ("owner", "evidence", "updated_at", "material", "incident")]
        )
    )
    *way, last = path
    inner = stored
    for step in way:
        inner = inner[step]
    before = inner[last]
    if last == "severity":
        after: Any = draw(st.sampled_from([s.value for s in Severity if s is not Severity.SEV2]))
    elif path[0] == "facts" and last == "status":
        after = draw(st.sampled_from(["unconfirmed", "refuted"]))
    elif last == "due_at":
        after = "2026-03-01T12:00:01Z"
    elif last == "sha256":
        after = picture("red").sha256
    elif last == "media_type":
        after = "image/png"
    else:
        after = before + draw(st.integers(1, 9)) if isinstance(before, int) else draw(altered(before))
    rehash = draw(st.booleans())

    def change(here: Installation, database: sqlite3.Connection) -> None:
        where = "id = 'INC-1-S1'" if table == "statements" else f"statement = 'INC-1-S1' AND position = {position}"
        (body,) = database.execute(f"SELECT body FROM {table} WHERE {where}").fetchone()
        whole = json.loads(body)
        inner = whole
        for step in way:
            inner = inner[step]
        inner[last] = after
        database.execute(f"UPDATE {table} SET body = ? WHERE {where}", (json.dumps(whole),))
        if rehash:
            _forge_hash(database)

    return change


@st.composite
def picture_changes(draw: st.DrawFn) -> Change:
    """One byte of the approved picture, changed in the database."""
    content = picture().content
    place = draw(st.integers(0, len(content) - 1))
    byte = draw(st.integers(0, 255).filter(lambda b: b != content[place]))
    altered = content[:place] + bytes([byte]) + content[place + 1 :]

    def change(here: Installation, database: sqlite3.Connection) -> None:
        assert database.execute("UPDATE pictures SET content = ?", (altered,)).rowcount == 1

    return change


def _forge_hash(database: sqlite3.Connection) -> None:
    """Make the stored hash fit the stored content, as somebody with the database in hand could."""
    (body,) = database.execute("SELECT body FROM statements").fetchone()
    parts = [json.loads(row[0]) for row in database.execute("SELECT body FROM renderings ORDER BY position")]
    forged = hash_of(Statement.model_validate(json.loads(body) | {"renderings": parts}))
    whole = json.dumps(json.loads(body) | {"content_hash": forged})
    database.execute("UPDATE statements SET body = ?, content_hash = ?", (whole, forged))
    database.execute("UPDATE proposals SET content_hash = ?", (forged,))


@st.composite
def severity_changes(draw: st.DrawFn) -> Change:
    severity = draw(st.sampled_from([s for s in Severity if s is not Severity.SEV2]))

    async def change(here: Installation, _: sqlite3.Connection) -> None:
        async with here.store.transaction() as tx:
            new = assessment(severity, minutes=5, by="ida@example.com", why="worse than it looked")
            await tx.incidents.assess("INC-1", new, actor="ida@example.com")

    return change


@st.composite
def fact_changes(draw: st.DrawFn) -> Change:
    new = draw(
        st.one_of(
            altered(FACT.text).filter(str.strip).map(lambda text: {"text": text}),
            st.sampled_from([FactStatus.UNCONFIRMED, FactStatus.REFUTED]).map(lambda status: {"status": status}),
        )
    )

    async def change(here: Installation, _: sqlite3.Connection) -> None:
        async with here.store.transaction() as tx:
            await tx.facts.put(FACT.model_copy(update=new), actor=FACT.owner)

    return change


async def _refused(home: Path, change: Change) -> None:
    here = await _open(home)
    try:
        with sqlite3.connect(home / "fireline.db") as database:
            for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                if "ledger" not in trigger:
                    database.execute(f'DROP TRIGGER "{trigger}"')
            done = change(here, database)
        database.close()
        if done is not None:
            await done
        with pytest.raises((NotAllowed, ValueError)):
            await plan(here, "INC-1-S1", 1)
        async with here.store.reading() as tx:
            assert await tx.outbox.list() == []
    finally:
        await here.close()


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(change=st.one_of(byte_changes(), picture_changes(), severity_changes(), fact_changes()))
def test_whatever_is_changed_after_approval_nothing_is_published(prepared: Path, change: Change) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        shutil.copytree(prepared, home)
        asyncio.run(_refused(home, change))


async def test_what_was_approved_and_left_alone_is_planned_for_every_target(prepared: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(prepared, home)
    here = await _open(home)
    planned = await plan(here, "INC-1-S1", 1)
    assert [d.rendering.model_dump() for d in planned] == [r.model_dump() for r in _renderings()]
    await here.close()


async def test_a_statement_that_no_longer_matches_its_approval_is_void(prepared: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(prepared, home)
    here = await _open(home)
    async with here.store.transaction() as tx:
        await tx.facts.put(FACT.model_copy(update={"status": FactStatus.REFUTED}), actor=FACT.owner)
    with pytest.raises(NotAllowed, match="fact INC-1-F1 has changed"):
        await plan(here, "INC-1-S1", 1)
    async with here.store.reading() as tx:
        assert await tx.statements.status("INC-1-S1", 1) is StatementStatus.VOIDED
    await here.close()

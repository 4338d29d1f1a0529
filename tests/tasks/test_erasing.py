"""What is known of a person can be erased: everywhere, on record, for good, and the ledger still proves itself."""

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from staged import START, settings_in, stage

from crisis.approval import NotAllowed
from crisis.bundle import check_bundle, read_bundle
from crisis.clock import FixedClock
from crisis.erasure import ErasureState
from crisis.hold import HoldState
from crisis.incident import IncidentState
from crisis.mailing import recipient_list
from crisis.personal import ERASED
from crisis.triage import Narrative
from crisis.watch import Mention
from integrations.mail import mailbox
from records import open_store
from tasks import erase as erasing
from tasks import hold, retention
from tasks.detect import _Listener
from tasks.evidence import seal_evidence
from tasks.installation import Installation

LENA = "lena@example.com"
QUOTE = "Stuck at Brugge for three hours with two kids, and nobody tells us anything, acme!"


POST = {"id": "p-77", "text": QUOTE, "author": "@kim.b", "source": "mastodon", "url": "https://m/p-77"}
END = START + timedelta(hours=3, minutes=50)
"""When the staged story is over."""


@dataclass
class Place:
    here: Installation
    incident: str
    post: Mention


async def _author(here: Installation, incident: str) -> Mention:
    """Somebody whose post an incident relies on, quotes, and names."""
    at = here.clock.now()
    post = Mention(**POST, created_at=at)
    async with here.store.transaction() as tx:
        await tx.mentions.relied_on(incident, [post])
        before = await tx.incidents.get(incident)
        quoted = Narrative(id="n-1", label="stuck trains", size=9, quote=QUOTE)
        new = before.assessment.model_copy(update={"narratives": (quoted,), "why_confidence": "@kim.b says so"})
        await tx.incidents.assess(incident, new, actor="triage")
        await tx.ledger.append("incident.noted", incident=incident, actor=LENA, reason="@kim.b called", data={"n": 1})
    return post


async def with_author(home: Path) -> tuple[Installation, str]:
    """The staged incident, with somebody's post in it."""
    here, incident = await stage(home)
    await _author(here, incident)
    return here, incident


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation's folder with the incident in it, made once and copied for each test."""
    home = tmp_path_factory.mktemp("prepared")

    async def prepare() -> None:
        here, _ = await with_author(home)
        await here.close()

    asyncio.run(prepare())
    return home


@pytest.fixture
async def place(prepared: Path, tmp_path: Path) -> AsyncIterator[Place]:
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)
    settings = settings_in(tmp_path)
    store = await open_store(settings.database_url, keys=tmp_path / "keys", clock=FixedClock(END))
    here = Installation(settings, store)
    yield Place(here, "INC-1", Mention(**POST, created_at=END))
    await here.close()


def raw(place: Path) -> str:
    """Everything that the database holds, as text."""
    with sqlite3.connect(place / "fireline.db") as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = [str(row) for table in tables for row in connection.execute(f'SELECT * FROM "{table}"')]
    connection.close()
    return "\n".join(rows)


async def test_an_author_is_erased_everywhere_and_the_ledger_still_proves_itself(place: Place, tmp_path: Path) -> None:
    here = place.here
    bundle = await seal_evidence(here, place.incident, tmp_path / "out")
    seen = await erasing.preview(here, author="kim.b")
    assert {f.where for f in seen if not f.kept} >= {"posts that incidents rely on", "words in the ledger"}
    assert QUOTE in raw(tmp_path)
    done = await erasing.erase(here, author="@Kim.B", actor=LENA, reason="request 12 of @kim.b")
    assert done.state is ErasureState.DONE
    assert {f.where for f in seen} == {f.where for f in done.found}
    assert QUOTE not in raw(tmp_path)
    assert "kim.b" not in raw(tmp_path)
    verified = await here.store.verify()
    assert verified.ok, verified.problem
    async with here.store.reading() as tx:
        assert (await tx.incidents.get(place.incident)).assessment.narratives[0].quote == ERASED
        records = await tx.ledger.list(kind="personal.erased")
        assert records
        assert records[0].actor == LENA
        assert [m for m in await tx.mentions.list(place.incident) if m.text == ERASED]
    assert await erasing.preview(here, author="kim.b") == ()
    old = check_bundle(read_bundle(bundle))
    assert old.ok, old.problem
    new = check_bundle(read_bundle(await seal_evidence(here, place.incident, tmp_path / "out2")))
    assert new.ok, new.problem


async def test_an_erased_post_does_not_come_back_under_its_id_or_another(place: Place, tmp_path: Path) -> None:
    await erasing.erase(place.here, author="kim.b", actor=LENA, reason="asked")
    again = place.post.model_copy(update={"id": "other", "source": "recorded"})
    async with place.here.store.transaction() as tx:
        assert await tx.mentions.relied_on(place.incident, [place.post, again]) == 0
        assert await tx.inbox.add([place.post]) == 0
        assert await tx.shared.take("s", [("acme", place.post)]) == 0
        new = place.post.model_copy(update={"id": "p-78", "text": "Another day, another word"})
        assert await tx.mentions.relied_on(place.incident, [new]) == 1


async def test_a_watch_forgets_the_words_by_which_it_finds_copies_of_what_was_erased(place: Place) -> None:
    here = place.here
    naming = place.post.model_copy(
        update={"id": "p-79", "author": "@lou", "text": "Poor @kim.b, stuck at Brugge in the cold!"}
    )
    other = place.post.model_copy(
        update={"id": "p-80", "author": "@lou", "text": "acme, my seat was warm and the coffee good"}
    )
    async with here.store.transaction() as tx:
        await tx.mentions.relied_on(place.incident, [naming, other])
        watch = await tx.watches.get("acme")
    listener = _Listener(here, watch, "acme/test", [])
    listener.cursors = {"test": "1"}
    for post in (place.post, naming, other):
        listener.triage.feed(post)

    async def kept() -> str:
        await listener._store()
        async with here.store.reading() as tx:
            progress = await tx.watches.progress("acme/test")
        assert progress is not None
        return json.dumps([json.loads(progress[1]), json.loads(json.loads(progress[1])["detector"])])

    before = await kept()
    assert all(post.text in before for post in (place.post, naming, other))
    await erasing.erase(here, author="kim.b", actor=LENA, reason="asked")
    left = await kept()
    assert other.text in left
    assert "rugge" not in left
    again = naming.model_copy(
        update={"id": "p-81", "author": "@max", "text": "acme has lost my red bag, and it is cold"}
    )
    async with here.store.transaction() as tx:
        await tx.mentions.relied_on(place.incident, [again])
    listener.triage.feed(again)
    assert again.text in await kept()
    await erasing.erase(here, author="max", actor=LENA, reason="asked")
    left = await kept()
    assert other.text in left
    assert "red bag" not in left


async def test_what_was_erased_stands_in_no_file_of_the_database(place: Place, tmp_path: Path) -> None:
    def files() -> bytes:
        return b"".join(file.read_bytes() for file in tmp_path.glob("fireline.db*"))

    word = QUOTE.split(",", maxsplit=1)[0].encode()
    await place.here.store.checkpoint()
    assert word in files()
    await erasing.erase(place.here, author="kim.b", actor=LENA, reason="asked")
    assert word not in files()


async def test_a_legal_hold_keeps_what_is_its_and_two_people_release_it(place: Place, tmp_path: Path) -> None:
    here = place.here
    with pytest.raises(NotAllowed, match="role legal"):
        await hold.place(here, place.incident, actor="ana@example.com", reason="suit")
    await hold.place(here, place.incident, actor=LENA, reason="a suit was announced")
    done = await erasing.erase(here, author="kim.b", actor=LENA, reason="asked")
    assert done.state is ErasureState.HELD
    assert QUOTE in raw(tmp_path)
    proposed = await hold.release(here, place.incident, actor=LENA, reason="settled")
    assert proposed.state is HoldState.RELEASING
    with pytest.raises(NotAllowed, match="another person"):
        await hold.release(here, place.incident, actor=LENA, reason="settled")
    assert await erasing.mind_erasures(here) == ""
    async with here.store.transaction() as tx:
        otto = next(p for p in await tx.stakeholders.list() if p.email == "otto@example.com")
        people = [p for p in await tx.stakeholders.list() if p.email != otto.email]
        await tx.stakeholders.put_all([*people, otto.model_copy(update={"roles": ("legal",)})], actor="cli")
    over = await hold.release(here, place.incident, actor=otto.email, reason="settled, I agree")
    assert not over.holds
    assert "E-1" in await erasing.mind_erasures(here)
    assert QUOTE not in raw(tmp_path)
    assert (await here.store.verify()).ok


async def test_retention_shows_what_is_due_and_erases_that_alone(place: Place, tmp_path: Path) -> None:
    here = place.here
    async with here.store.transaction() as tx:
        await tx.incidents.step(place.incident, IncidentState.REVIEWED, actor="review")
    assert await retention.due(here) == ()
    assert isinstance(here.clock, FixedClock)
    here.clock.move(timedelta(days=400))
    seen = await retention.due(here)
    assert seen
    assert QUOTE in raw(tmp_path)
    assert "begins on" in await retention.mind_retention(here)
    here.clock.move(timedelta(days=6))
    assert await retention.mind_retention(here) == ""
    assert QUOTE in raw(tmp_path)
    here.clock.move(timedelta(days=1))
    assert await retention.mind_retention(here)
    assert await retention.due(here) == ()
    assert QUOTE not in raw(tmp_path)
    assert (await here.store.verify()).ok
    assert await retention.mind_retention(here) == ""


def attacked(place: Path, sql: str, *values: object) -> None:
    with sqlite3.connect(place / "fireline.db") as connection:
        connection.execute(sql, values)
    connection.close()


async def test_a_value_taken_away_changed_or_put_back_behind_its_back_is_named(place: Place, tmp_path: Path) -> None:
    here = place.here
    with sqlite3.connect(tmp_path / "fireline.db") as connection:
        seq, body = connection.execute(
            "SELECT seq, body FROM disclosures WHERE body LIKE '%@kim.b says so%'"
        ).fetchone()
    connection.close()
    change = "UPDATE disclosures SET body = ? WHERE seq = ?"
    attacked(tmp_path, change, body.replace("says so", "says no"), seq)
    found = await here.store.verify()
    assert (found.ok, found.seq) == (False, seq)
    assert "not the one that was recorded" in found.problem
    attacked(tmp_path, "DELETE FROM disclosures WHERE seq = ?", seq)
    found = await here.store.verify()
    assert (found.ok, found.seq) == (False, seq)
    assert "no record tells that it was erased" in found.problem
    attacked(tmp_path, "INSERT INTO disclosures (seq, incident, body) VALUES (?, ?, ?)", seq, place.incident, body)
    assert (await here.store.verify()).ok
    await erasing.erase(here, author="kim.b", actor=LENA, reason="asked")
    attacked(tmp_path, change, json.dumps(json.loads(body)), seq)
    found = await here.store.verify()
    assert (found.ok, found.seq) == (False, seq)
    assert "it was erased" in found.problem


async def test_a_recipient_is_erased_and_stays_unwritten_to(place: Place, tmp_path: Path) -> None:
    here, sam = place.here, "sam.wood@example.org"
    async with here.store.transaction() as tx:
        mailing = next(d for d in await tx.outbox.list(incident="INC-1") if d.rendering.target.kind == "smtp")
        listed = recipient_list(enumerate([sam, "kit@example.org"]), mailbox)
        await tx.mailings.plan(mailing.id, listed, incident="INC-1", given="newsletter", actor="outbox")
        await tx.suppressions.add(sam, why="bounced", detail=f"550 no such user {sam}", actor="outbox")
    done = await erasing.erase(here, recipient="Sam.Wood@example.org", actor=LENA, reason="request 13")
    assert done.state is ErasureState.DONE
    assert {f.where for f in done.found} >= {"recipients of mailings", "addresses that are not written to"}
    assert sam not in raw(tmp_path).casefold()
    async with here.store.reading() as tx:
        assert await tx.suppressions.of(sam)
        assert [r.address for r in await tx.mailings.list(mailing.id)] == ["", "kit@example.org"]
    verified = await here.store.verify()
    assert verified.ok, verified.problem
    with pytest.raises(NotAllowed, match="own people"):
        await erasing.erase(here, recipient=LENA, actor=LENA, reason="mine")

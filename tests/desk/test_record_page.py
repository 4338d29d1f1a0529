"""The record page: every record in words, filtered, and proven; an altered one is seen at once."""

import re
import sqlite3
from pathlib import Path

import pytest
from at_the_desk import ANA, HOSTILE, Scene

from desk import record as record_page


async def shown(scene: Scene, query: str = "") -> str:
    async with scene.at_the_desk() as browser:
        answer = await browser.get(f"/record{query}")
    assert answer.status_code == 200
    return answer.text


def numbers(page: str) -> list[int]:
    return [int(n) for n in re.findall(r'<li id="r(\d+)"', page)]


async def test_the_newest_record_comes_first_and_each_is_there_whole(scene: Scene) -> None:
    page = await shown(scene)
    async with scene.here.store.reading() as tx:
        ledger = await tx.ledger.list()
    assert numbers(page) == [record.seq for record in reversed(ledger)]
    assert ledger[-1].hash in page
    assert "not as it was written" not in page


async def test_records_are_filtered_by_incident_kind_noun_person_and_reason(scene: Scene) -> None:
    async with scene.here.store.transaction() as tx:
        await tx.ledger.append("fact.saved", incident="INC-9", actor=ANA, reason="100%_sure", via="desk")
        await tx.ledger.append("fact.saved", incident="INC-9", actor="carl@example.com", reason="guess")
    assert len(numbers(await shown(scene, "?incident=INC-9"))) == 2
    assert len(numbers(await shown(scene, f"?incident=INC-9&actor={ANA}"))) == 1
    assert len(numbers(await shown(scene, "?reason=0%25_S"))) == 1
    assert len(numbers(await shown(scene, "?kind=fact&incident=INC-9"))) == 2
    assert "No record is like that." in await shown(scene, "?kind=fac")
    assert "No record is like that." in await shown(scene, "?incident=INC-1%25")


async def test_older_records_are_a_page_away(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_page, "PAGE", 3)
    page = await shown(scene)
    first = numbers(page)
    assert len(first) == 3
    older = re.search(r'href="/record(\?before=\d+)"', page)
    assert older
    assert numbers(await shown(scene, older.group(1)))[0] == first[-1] - 1
    newest = numbers(await shown(scene, "?before=nonsense"))
    assert newest == [first[0] + 2 - n for n in range(3)], "each of the two visits since began with a record"


async def test_hostile_words_in_a_record_stay_words_and_runs_lead_to_prefect(scene: Scene) -> None:
    async with scene.here.store.transaction() as tx:
        await tx.ledger.append(
            "fact.saved", incident="INC-9", actor=HOSTILE, reason=HOSTILE, data={"text": HOSTILE}, flow_run_id="0a-1"
        )
    page = await shown(scene, "?incident=INC-9")
    assert "<script" not in page
    assert "\u202e" not in page
    assert "/runs/flow-run/0a-1" in page


async def test_the_whole_ledger_is_proven_on_request_and_not_at_will(scene: Scene) -> None:
    assert "It holds." in await shown(scene, "?prove=1")
    async with scene.at_the_desk() as browser:
        statuses = [(await browser.get("/record?prove=1")).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


async def test_an_altered_record_is_seen_on_the_page_and_named_by_the_proof(scene: Scene) -> None:
    file = Path(scene.here.settings.database_url.removeprefix("sqlite+aiosqlite:///"))
    with sqlite3.connect(file) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("UPDATE ledger SET actor = 'mallory@example.com' WHERE seq = 3")
        database.commit()
    page = await shown(scene, "?prove=1")
    assert "It does not hold." in page
    assert "record 3" in page
    broken = re.search(r'<li id="r3".*?</li>', page, re.DOTALL)
    assert broken
    assert "not as it was written" in broken.group()
    assert page.count("not as it was written") == 1


async def test_nobody_without_a_session_reads_the_record(scene: Scene) -> None:
    async with scene.browser() as browser:
        assert (await browser.get("/record")).status_code == 403

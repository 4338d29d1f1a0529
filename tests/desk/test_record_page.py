"""The record page: every record in words, filtered, and proven; an altered one is seen at once."""

import json
import re
import sqlite3
from pathlib import Path

import httpx
import pytest
from at_the_desk import ANA, HOSTILE, NOON, Scene
from starlette.requests import Request

from crisis.record import record_hash
from desk import record as record_page
from desk.access import DeskAccess
from desk.signed_in import SignedIn
from tasks.installation import Installation
from tasks.runs import KnownRun


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
    assert len(numbers(await shown(scene, "?text=0%25_S"))) == 1
    assert len(numbers(await shown(scene, "?via=cli&incident=INC-9"))) == 0
    assert len(numbers(await shown(scene, "?via=desk&incident=9"))) == 1
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
    assert older.group(1) == f"?before={first[-1]}"
    assert numbers(await shown(scene, older.group(1)))[0] == first[-1] - 1
    newest = numbers(await shown(scene, "?before=nonsense"))
    assert newest == [first[0] + 2 - n for n in range(3)], "each of the two visits since began with a record"


async def test_hostile_words_in_a_record_stay_words_and_runs_lead_to_prefect(scene: Scene) -> None:
    async with scene.here.store.transaction() as tx:
        await tx.ledger.append(
            "fact.saved", incident="INC-9", actor=HOSTILE, reason=HOSTILE, data={"text": HOSTILE}, flow_run_id="0a-1"
        )
    page = await shown(scene, "?incident=INC-9")
    assert "<script>" not in page
    assert "\u202e" not in page
    assert "/runs/flow-run/0a-1" in page


async def test_the_whole_ledger_is_proven_on_request_and_not_at_will(scene: Scene) -> None:
    assert "Not proven from here yet" in await shown(scene)
    assert await proven(scene) == 303
    page = await shown(scene)
    assert "It holds." in page
    assert "asked for by somebody at the desk" in page
    assert [await proven(scene) for _ in range(3)] == [303, 303, 429]
    assert len(numbers(await shown(scene, "?kind=ledger.verified"))) == 3, "each proof is on record"


async def proven(scene: Scene) -> int:
    async with scene.at_the_desk() as browser:
        return await prove(scene, browser)


async def prove(scene: Scene, browser: httpx.AsyncClient) -> int:
    nonce = re.search(r'name="nonce" value="([^"]+)"', (await browser.get("/record")).text)
    assert nonce
    status = (await browser.post("/record/verify", data={"nonce": nonce[1]})).status_code
    await scene.app.state.desk.background.over()
    return status


async def test_a_proof_is_not_begun_by_looking_or_from_elsewhere(scene: Scene) -> None:
    async with scene.at_the_desk() as browser:
        assert (await browser.get("/record/verify")).status_code == 405
        assert (await browser.post("/record/verify", data={"nonce": "forged"})).status_code == 403
    assert "Not proven from here yet" in await shown(scene)


def altered(scene: Scene, change: str) -> None:
    file = Path(scene.here.settings.database_url.removeprefix("sqlite+aiosqlite:///"))
    with sqlite3.connect(file) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute(f"UPDATE ledger SET {change} WHERE seq = 3")
        database.commit()


async def test_an_altered_record_is_seen_on_the_page_and_named_by_the_proof(scene: Scene) -> None:
    altered(scene, "actor = 'mallory@example.com'")
    await proven(scene)
    page = await shown(scene)
    assert "It does not hold: record 3 is the first." in page
    assert "Keep this machine" in page
    broken = re.search(r'<li id="r3".*?</li>', page, re.DOTALL)
    assert broken
    assert "Record 3 is not as it was written" in broken.group()
    assert page.count("not as it was written") == 1


async def test_a_record_that_cannot_be_read_any_more_is_named_and_hides_no_other(scene: Scene) -> None:
    altered(scene, "data = '{broken'")
    page = await shown(scene)
    assert "Record 3 cannot be read" in page
    assert {2, 4} <= set(numbers(page))
    await proven(scene)
    assert "It does not hold: record 3 is the first." in await shown(scene)


async def test_a_proof_that_cannot_be_put_on_record_is_still_told(scene: Scene) -> None:
    file = Path(scene.here.settings.database_url.removeprefix("sqlite+aiosqlite:///"))
    async with scene.at_the_desk() as browser:
        with sqlite3.connect(file) as database:
            database.execute("DELETE FROM ledger_head")
            database.commit()
        await prove(scene, browser)
        page = (await browser.get("/record")).text
    assert "Did not end well" in page
    assert "end was removed" in page


async def test_times_name_whole_minutes_and_nonsense_is_said(scene: Scene) -> None:
    async with scene.at_the_desk() as browser:
        every = numbers((await browser.get("/record")).text)
        whole = await browser.get("/record?since=2026-03-01T12:00&until=2026-03-01T12:00")
        assert numbers(whole.text) == every
        assert numbers((await browser.get("/record?since=2026-03-01T12:01")).text) == []
        page = (await browser.get("/record?since=yesterday")).text
    assert "is no time" in page
    assert numbers(page) == every


async def test_what_is_filtered_can_be_taken_along_as_json_lines(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_page, "AT_A_TIME", 2)
    async with scene.here.store.transaction() as tx:
        for n in range(5):
            await tx.ledger.append("fact.saved", incident="INC-9", actor=ANA, reason=f"{n}", data={"text": HOSTILE})
    async with scene.at_the_desk() as browser:
        answer = await browser.get("/record/export?incident=INC-9&kind=fact")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["reason"] for line in lines] == ["4", "3", "2", "1", "0"]
    assert answer.headers["content-disposition"] == 'attachment; filename="record-INC-9-fact.jsonl"'
    assert record_hash(dict(lines[0])) == lines[0]["hash"]
    assert "\u202e" not in answer.text


async def test_an_export_says_so_when_its_readers_access_ends_meanwhile(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_page, "AT_A_TIME", 2)
    async with scene.here.store.transaction() as tx:
        for number in range(7):
            await tx.ledger.append("fact.put", incident="INC-9", actor="ida@example.com", reason=str(number))
    allowed = iter([True, True, False])  # to come in, for the second piece, for the third
    signed_in = DeskAccess._signed_in

    async def until_it_ends(self: DeskAccess, request: Request, here: Installation) -> SignedIn | None:
        return await signed_in(self, request, here) if next(allowed, False) else None

    async with scene.at_the_desk() as browser:
        monkeypatch.setattr(DeskAccess, "_signed_in", until_it_ends)
        lines = [json.loads(line) for line in (await browser.get("/record/export?incident=INC-9")).text.splitlines()]
    assert [line["reason"] for line in lines[:-1]] == ["6", "5", "4", "3"]
    assert "not here" in lines[-1]["ended"]


async def test_runs_lead_to_prefect_and_to_what_they_recorded(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    async def runs_of(incident: str) -> tuple[list[KnownRun], str]:
        assert incident == "INC-1"
        return [KnownRun(id="0a-1", name=HOSTILE, state="Completed", started_at=NOON, ended_at=None)], ""

    monkeypatch.setattr(record_page, "runs_of", runs_of)
    async with scene.at_the_desk() as browser:
        page = (await browser.get("/record/runs?incident=1")).text
    assert "/runs/flow-run/0a-1" in page
    assert "/record?run=0a-1" in page
    assert "<script" not in page


async def test_without_prefect_the_page_of_runs_says_so(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    async with scene.at_the_desk() as browser:
        page = (await browser.get("/record/runs?incident=INC-1")).text
    assert "No Prefect server is known here" in page


async def test_nobody_without_a_session_reads_the_record(scene: Scene) -> None:
    async with scene.browser() as browser:
        assert (await browser.get("/record")).status_code == 403

"""The ledger on both databases: it keeps one chain, refuses change, and names what was altered behind its back."""

import json
from datetime import UTC, datetime

import pytest
from record_samples import ANA, behind_its_back, decision, drafted, kinds, without_triggers
from sqlalchemy.exc import DBAPIError

from crisis.chain import first_problem
from crisis.record import GENESIS, Record, record_hash
from records import Store, open_store


async def fill(store: Store, count: int = 6) -> None:
    for number in range(1, count + 1):
        async with store.transaction() as tx:
            await tx.ledger.append("drill.step", incident="INC-1", data={"number": number}, **ANA)


async def test_each_record_holds_the_hash_of_the_one_before(store: Store) -> None:
    await fill(store, 3)
    async with store.reading() as tx:
        first, second, third = await tx.ledger.list()
    assert first.previous == GENESIS
    assert (second.previous, third.previous) == (first.hash, second.hash)
    assert record_hash(third) == third.hash
    assert (first.actor, first.via, first.incident) == ("ana@example.com", "cli", "INC-1")


async def test_what_is_appended_reads_back_the_same(store: Store) -> None:
    data = {
        "share": 0.5,
        "whole": 2.0,
        "large": 1e20,
        "tiny": 1e-9,
        "text": "naïve\u0000 🔥",
        "at": datetime(2026, 1, 1, tzinfo=UTC),
    }
    async with store.transaction() as tx:
        written = await tx.ledger.append("drill.step", actor="a\u0000b", reason="line\nline", data=data)
    async with store.reading() as tx:
        assert await tx.ledger.list() == [written]
    assert written.data["at"] == "2026-01-01T00:00:00Z"
    assert written.actor == "a\ufffdb"
    assert (await store.verify()).ok
    assert record_hash(Record.model_validate_json(written.model_dump_json())) == written.hash


async def test_broken_text_is_mended_and_what_json_cannot_hold_is_refused(store: Store) -> None:
    async with store.transaction() as tx:
        record = await tx.ledger.append("drill.step", actor="x", data={"text": "half a \ud83d pair"})
    assert record.data == {"text": "half a \ufffd pair"}
    for bad in (float("nan"), 2**60):
        with pytest.raises(ValueError, match=r"."):
            async with store.transaction() as tx:
                await tx.ledger.append("drill.step", actor="x", data={"bad": bad})
    assert (await store.verify()).records == 1


async def test_records_are_found_by_incident_kind_and_place(store: Store) -> None:
    await fill(store, 4)
    async with store.transaction() as tx:
        await tx.ledger.append("other.thing", incident="INC-2", actor="x")
    async with store.reading() as tx:
        assert [r.seq for r in await tx.ledger.list(incident="INC-1", after=1, limit=2)] == [2, 3]
        assert [r.seq for r in await tx.ledger.list(kind="other.thing")] == [5]


async def test_a_checkpoint_is_made_only_when_the_ledger_moved(store: Store) -> None:
    await store.checkpoint()
    await fill(store, 2)
    await store.checkpoint()
    await store.checkpoint()
    await fill(store, 1)
    await store.checkpoint()
    assert await kinds(store) == ["drill.step", "drill.step", "ledger.checkpoint", "drill.step", "ledger.checkpoint"]
    found = await store.verify()
    assert (found.ok, found.records, found.checkpoints) == (True, 5, 2)
    async with store.reading() as tx:
        records, checkpoints = await tx.ledger.list(), await tx.ledger.checkpoints()
    assert [c.seq for c in checkpoints] == [2, 4]
    assert first_problem(records, checkpoints, store.public_key_pem) is None


async def test_an_empty_ledger_holds(store: Store) -> None:
    assert (await store.verify()).ok


@pytest.mark.parametrize("table", ["ledger", "checkpoints", "decisions", "statements", "renderings", "assessments"])
async def test_the_database_refuses_to_change_what_was_written_once(store: Store, url: str, table: str) -> None:
    draft = await drafted(store)
    async with store.transaction() as tx:
        await tx.decisions.add(decision(draft))
    await store.checkpoint()
    column = {"ledger": "reason", "checkpoints": "signature", "decisions": "role"}.get(table, "body")
    attacks = [f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"]
    if url.startswith("sqlite"):
        attacks.append(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")
    else:
        attacks.append(f"TRUNCATE {table} CASCADE")
    for attack in attacks:
        with pytest.raises(DBAPIError, match="written once"):
            await behind_its_back(url, attack)
    assert (await store.verify()).ok


ATTACKS = {
    "alter the reason": (["UPDATE ledger SET reason = 'another' WHERE seq = 3"], 3),
    "alter the data": (["UPDATE ledger SET data = '{\"number\":99}' WHERE seq = 3"], 3),
    "alter the data's spacing": (["UPDATE ledger SET data = '{ \"number\":3}' WHERE seq = 3"], 3),
    "make the data unreadable": (["UPDATE ledger SET data = '{' WHERE seq = 3"], 3),
    "alter the time": (["UPDATE ledger SET at = '2026-03-01 14:05:01' WHERE seq = 3"], 3),
    "alter the hash": ([f"UPDATE ledger SET hash = '{'a' * 64}' WHERE seq = 3"], 3),
    "break the hash": (["UPDATE ledger SET hash = 'none' WHERE seq = 3"], 3),
    "alter what it follows": ([f"UPDATE ledger SET previous = '{'a' * 64}' WHERE seq = 3"], 3),
    "drop the first": (["DELETE FROM ledger WHERE seq = 1"], 1),
    "drop one": (["DELETE FROM ledger WHERE seq = 3"], 3),
    "drop one and close the gap": (
        ["DELETE FROM ledger WHERE seq = 3", "UPDATE ledger SET seq = seq - 1 WHERE seq = 4"],
        3,
    ),
    "swap two": (
        [
            "UPDATE ledger SET seq = 99 WHERE seq = 3",
            "UPDATE ledger SET seq = 3 WHERE seq = 5",
            "UPDATE ledger SET seq = 5 WHERE seq = 99",
        ],
        3,
    ),
    "cut off the last": (["DELETE FROM ledger WHERE seq = 6"], 6),
    "cut off the tail": (["DELETE FROM ledger WHERE seq >= 4"], 4),
    "empty it": (["DELETE FROM ledger"], 1),
    "take the end away": (["DELETE FROM ledger_head"], None),
    "forge the end": (["UPDATE ledger_head SET signature = 'ff'"], 6),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_verify_names_the_first_record_that_does_not_hold(store: Store, url: str, attack: str) -> None:
    await fill(store, 6)
    statements, seq = ATTACKS[attack]
    assert (await store.verify()).ok
    await behind_its_back(url, *without_triggers(url), *statements)
    found = await store.verify()
    assert not found.ok
    assert found.seq == seq
    assert seq is None or str(seq) in found.problem


async def test_cutting_off_the_tail_and_moving_the_end_back_is_seen(store: Store, url: str) -> None:
    await fill(store, 6)
    async with store.reading() as tx:
        fourth = (await tx.ledger.list())[3]
    await behind_its_back(
        url,
        *without_triggers(url),
        "DELETE FROM ledger WHERE seq > 4",
        f"UPDATE ledger_head SET seq = 4, hash = '{fourth.hash}'",
    )
    found = await store.verify()
    assert (found.ok, found.seq) == (False, 4)


async def test_a_rewritten_chain_does_not_match_its_checkpoint(store: Store, url: str) -> None:
    await fill(store, 4)
    await store.checkpoint()
    async with store.reading() as tx:
        records = await tx.ledger.list()
    rewritten, previous = [], records[1].hash
    for record in records[2:4]:
        forged = record.model_copy(update={"previous": previous, "reason": "another"})
        previous = record_hash(forged)
        rewritten.append(
            f"UPDATE ledger SET previous = '{forged.previous}', reason = 'another', hash = '{previous}' "
            f"WHERE seq = {forged.seq}"
        )
    await behind_its_back(url, *without_triggers(url), *rewritten)
    found = await store.verify()
    assert (found.ok, found.seq) == (False, 4)
    assert "signed" in found.problem


async def test_a_record_replaced_with_its_own_hash_is_named_not_the_one_after_it(store: Store, url: str) -> None:
    await fill(store, 5)
    async with store.reading() as tx:
        third = (await tx.ledger.list())[2]
    forged = third.model_copy(update={"data": {"number": 33}})
    data = json.dumps(forged.data, separators=(",", ":"))
    change = f"UPDATE ledger SET data = '{data}', hash = '{record_hash(forged)}' WHERE seq = 3"
    await behind_its_back(url, *without_triggers(url), change)
    found = await store.verify()
    assert (found.ok, found.seq) == (False, 3)


async def test_a_removed_checkpoint_is_missed(store: Store, url: str) -> None:
    await fill(store, 2)
    await store.checkpoint()
    await behind_its_back(url, *without_triggers(url, "checkpoints"), "DELETE FROM checkpoints")
    found = await store.verify()
    assert (found.ok, found.seq) == (False, 2)


async def test_another_installations_keys_neither_prove_nor_extend_the_ledger(store: Store, url: str, tmp_path) -> None:
    await fill(store, 2)
    stranger = await open_store(url, keys=tmp_path / "other", clock=store.clock)
    assert "another key" in (await stranger.verify()).problem
    with pytest.raises(RuntimeError, match="another key"):
        async with stranger.transaction() as tx:
            await tx.ledger.append("drill.step", actor="x")
    await stranger.close()
    assert (await store.verify()).ok

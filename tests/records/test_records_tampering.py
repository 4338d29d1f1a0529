"""Property: whatever is done to the ledger behind its back, ``verify`` names the first record that does not hold."""

import asyncio
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from record_samples import AT, without_triggers

from crisis.clock import FixedClock
from records import Verification, open_store

COUNT = 12
CHECKPOINTED = 7
"""The record that the checkpoint signs; the next one tells of it."""


@pytest.fixture(scope="module")
def original() -> Iterator[Path]:
    """A ledger of ``COUNT`` records with one checkpoint in it and its triggers taken off."""
    folder = Path(tempfile.mkdtemp(prefix="fl-ledger-"))

    async def fill() -> None:
        store = await open_store(_url(folder), keys=folder / "keys", clock=FixedClock(AT))
        for number in range(1, COUNT):
            async with store.transaction() as tx:
                await tx.ledger.append("drill.step", incident="INC-1", actor="ana", data={"number": number})
            if number == CHECKPOINTED:
                await store.checkpoint()
        await store.close()

    asyncio.run(fill())
    with sqlite3.connect(folder / "fireline.db") as connection:
        for drop in without_triggers(_url(folder)):
            connection.execute(drop)
    connection.close()
    yield folder
    shutil.rmtree(folder)


def _url(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder}/fireline.db"


def verify_after(original: Path, *attack: tuple[str, tuple[object, ...]]) -> Verification:
    """What ``verify`` finds in a copy of the ledger after an attack on it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "copy"
        shutil.copytree(original, folder)
        connection = sqlite3.connect(folder / "fireline.db")
        for sql, values in attack:
            connection.execute(sql, values)
        connection.commit()
        connection.close()

        async def verify() -> Verification:
            store = await open_store(_url(folder), keys=folder / "keys", clock=FixedClock(AT))
            try:
                return await store.verify()
            finally:
                await store.close()

        return asyncio.run(verify())


records = st.integers(1, COUNT)
columns = st.sampled_from(
    ["at", "kind", "incident", "actor", "via", "reason", "flow_run_id", "data", "previous", "hash"]
)
values = st.one_of(
    st.text(max_size=20), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.binary(max_size=8)
)


def test_the_untouched_ledger_holds(original: Path) -> None:
    assert verify_after(original) == Verification(ok=True, records=COUNT, checkpoints=1)


@settings(max_examples=40)
@example(seq=1, column="reason", value=b"")
@given(seq=records, column=columns, value=values)
def test_any_altered_value_is_named(original: Path, seq: int, column: str, value: object) -> None:
    with sqlite3.connect(original / "fireline.db") as connection:
        select = f"SELECT CAST({column} AS BLOB) FROM ledger WHERE seq = ?"
        (before,) = connection.execute(select, (seq,)).fetchone()
        (after,) = connection.execute("SELECT CAST(? AS BLOB)", (value,)).fetchone()
    connection.close()
    found = verify_after(original, (f"UPDATE ledger SET {column} = ? WHERE seq = ?", (value, seq)))
    assert (found.ok, found.seq) == ((True, None) if after == before else (False, seq))


def test_text_that_is_no_text_is_named(original: Path) -> None:
    found = verify_after(original, ("UPDATE ledger SET reason = CAST(? AS TEXT) WHERE seq = 5", (b"\x80",)))
    assert (found.ok, found.seq) == (False, 5)


@settings(max_examples=10)
@given(seq=records)
def test_any_dropped_record_is_named(original: Path, seq: int) -> None:
    found = verify_after(original, ("DELETE FROM ledger WHERE seq = ?", (seq,)))
    assert (found.ok, found.seq) == (False, seq)


@settings(max_examples=10)
@given(seq=records)
def test_any_cut_off_tail_is_named_even_when_the_end_is_taken_away(original: Path, seq: int) -> None:
    cut = ("DELETE FROM ledger WHERE seq >= ?", (seq,))
    assert verify_after(original, cut).seq == seq
    found = verify_after(original, cut, ("DELETE FROM ledger_head", ()))
    assert not found.ok
    if seq <= CHECKPOINTED:
        assert found.seq == seq


@settings(max_examples=15)
@given(pair=st.tuples(records, records).filter(lambda pair: pair[0] < pair[1]))
def test_any_two_swapped_records_are_named(original: Path, pair: tuple[int, int]) -> None:
    first, second = pair
    move = "UPDATE ledger SET seq = ? WHERE seq = ?"
    found = verify_after(original, (move, (99, first)), (move, (first, second)), (move, (second, 99)))
    assert (found.ok, found.seq) == (False, first)

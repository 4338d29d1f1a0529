"""The store as a whole: opening, migrating, one unit of work at a time, and sudden death in the middle of it."""

import asyncio
import stat
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from record_samples import ANA, AT, answer, behind_its_back, delivery, kinds, opened, process
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from crisis.clock import FixedClock
from records import Store, TooNew, migrations, open_store
from records.tables import IMMUTABLE, metadata


async def test_the_migrations_make_the_tables_that_the_code_uses(empty_url: str, keys: Path, clock: FixedClock) -> None:
    store = await open_store(empty_url, keys=keys, clock=clock)
    await store.close()

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)

    engine = create_async_engine(empty_url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


def test_the_newest_migration_is_the_one_the_code_asks_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


async def test_decisions_of_before_they_could_be_taken_back_stay_as_they_were(
    empty_url: str, keys: Path, clock: FixedClock
) -> None:
    def to_0008(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        command.upgrade(config, "0008")

    engine = create_async_engine(empty_url)
    async with engine.begin() as connection:
        await connection.run_sync(to_0008)
        for statement in BEFORE_0009:
            await connection.execute(text(statement))
    await engine.dispose()
    store = await open_store(empty_url, keys=keys, clock=clock)
    async with store.reading() as tx:
        [made] = await tx.decisions.list("a" * 64)
    assert (made.approver, made.number, made.on_behalf_of, made.as_deputy) == ("lea@example.com", 1, "", False)
    await store.close()
    with pytest.raises(DBAPIError, match="written once"):
        await behind_its_back(empty_url, "UPDATE decisions SET verdict = 'return'")


BEFORE_0009 = (
    "INSERT INTO incidents (id, number, watch, title, state, opened_at, started_at, narrative, opened_by, lead, "
    "flow_run_id, assessment, merged_into) VALUES ('INC-1', 1, 'acme', 't', 'open', '2026-03-01 14:05:00', "
    "'2026-03-01 14:05:00', '', '', '', '', '{}', '')",
    "INSERT INTO statements (id, version, incident, content_hash, created_at, body) VALUES "
    f"('INC-1-S1', 1, 'INC-1', '{'a' * 64}', '2026-03-01 14:05:00', '{{}}')",
    "INSERT INTO decisions (content_hash, approver, statement, version, role, verdict, via, reason, decided_at) VALUES "
    f"('{'a' * 64}', 'lea@example.com', 'INC-1-S1', 1, 'legal', 'approve', 'desk', '', '2026-03-01 14:05:00')",
)


async def test_every_immutable_table_has_its_triggers(store: Store, url: str) -> None:
    async def triggered() -> set[str]:
        query = (
            "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' GROUP BY tbl_name HAVING count(*) = 3"
            if url.startswith("sqlite")
            else "SELECT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal GROUP BY 1 HAVING count(*) = 2"
        )
        engine = create_async_engine(url)
        async with engine.connect() as connection:
            rows = (await connection.execute(text(query))).all()
        await engine.dispose()
        return {row[0] for row in rows}

    assert await triggered() == {table.name for table in IMMUTABLE}


async def test_what_was_stored_is_there_when_the_store_is_opened_again(url: str, keys: Path, clock: FixedClock) -> None:
    for expected in ("INC-1", "INC-2"):
        store = await open_store(url, keys=keys, clock=clock)
        async with store.transaction() as tx:
            assert (await opened(tx)).id == expected
        assert (await store.verify()).ok
        await store.close()


async def test_a_database_of_a_newer_fireline_is_left_alone(url: str, keys: Path, store: Store) -> None:
    await behind_its_back(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(TooNew, match=r"9999.*upgrade Fireline"):
        await open_store(url, keys=keys, clock=store.clock)


@pytest.mark.parametrize(
    "address", ["sqlite+aiosqlite:///:memory:", "mysql://root:secret@db/fireline", "sqlite:///x.db"]
)
async def test_another_kind_of_database_is_refused_without_telling_its_password(address: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="use sqlite") as refusal:
        await open_store(address, keys=tmp_path, clock=FixedClock(AT))
    assert "secret" not in str(refusal.value)


async def test_changes_and_their_records_become_true_together_or_not_at_all(store: Store) -> None:
    async def fail() -> None:
        async with store.transaction() as tx:
            await opened(tx)
            await tx.outbox.enqueue(delivery(), **ANA)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with store.reading() as tx:
        assert await tx.incidents.list() == []
        assert await tx.outbox.list() == []
    assert await kinds(store) == []
    async with store.transaction() as tx:
        assert (await opened(tx)).id == "INC-1"


async def test_a_cancelled_transaction_leaves_nothing_and_blocks_nobody(store: Store) -> None:
    inside = asyncio.Event()

    async def hang() -> None:
        async with store.transaction() as tx:
            await opened(tx)
            inside.set()
            await asyncio.sleep(600)

    task = asyncio.create_task(hang())
    await inside.wait()
    waiting = asyncio.create_task(append(store, "next"))
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.wait_for(waiting, 5)
    assert await kinds(store) == ["next.step"]


async def test_a_task_that_gives_up_waiting_for_its_turn_blocks_nobody(url: str, keys: Path, clock: FixedClock) -> None:
    one, other = [await open_store(url, keys=keys, clock=clock) for _ in range(2)]
    async with one.transaction() as tx:
        impatient = asyncio.create_task(append(other, "impatient"))
        await asyncio.sleep(0.2)
        impatient.cancel()
        await tx.ledger.append("first.step", actor="x")
    await asyncio.wait_for(append(other, "second"), 10)
    assert await kinds(one) == ["first.step", "second.step"]
    await one.close()
    await other.close()


async def append(store: Store, noun: str) -> None:
    async with store.transaction() as tx:
        await tx.ledger.append(f"{noun}.step", actor="x")


async def test_a_transaction_inside_a_transaction_is_refused_at_once(store: Store) -> None:
    async with store.transaction() as tx:
        with pytest.raises(RuntimeError, match="pass it on"):
            async with store.transaction():
                pass
        await tx.ledger.append("outer.step", actor="x")
    assert await kinds(store) == ["outer.step"]


async def test_reading_waits_for_no_writer_and_sees_one_state(store: Store) -> None:
    async with store.transaction() as writing:
        await opened(writing)
        async with store.reading() as tx:
            assert await tx.incidents.list() == []
    async with store.reading() as tx:
        assert len(await tx.incidents.list()) == 1
        async with store.transaction() as writing:
            await opened(writing)
        assert len(await tx.incidents.list()) == 1


async def test_reading_changes_nothing(store: Store) -> None:
    async with store.reading() as tx:
        for change in (
            tx.ledger.append("a.b", actor="x"),
            tx.outbox.enqueue(delivery(), **ANA),
            tx.statements.next_id("INC-1"),
        ):
            with pytest.raises(RuntimeError, match="only reads"):
                await change
    assert await kinds(store) == []


async def test_tasks_and_stores_that_append_at_once_keep_one_chain(url: str, keys: Path, clock: FixedClock) -> None:
    stores = [await open_store(url, keys=keys, clock=clock) for _ in range(3)]

    async def fill(store: Store) -> None:
        for _ in range(10):
            await append(store, "drill")

    await asyncio.gather(*(fill(store) for store in stores for _ in range(2)))
    found = await stores[0].verify()
    assert (found.ok, found.records) == (True, 60)
    for store in stores:
        await store.close()


def test_keys_are_their_owners_alone_and_stay_the_same(keys: Path) -> None:
    from records.keys import open_keys

    first, second = open_keys(keys), open_keys(keys)
    assert first.fingerprint == second.fingerprint
    assert {path.name for path in keys.iterdir()} == {"ledger.key", "codes.key"}
    for path in (keys, *keys.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


async def test_a_sqlite_database_is_its_owners_alone(tmp_path: Path, clock: FixedClock) -> None:
    path = tmp_path / "home" / "fireline.db"
    store = await open_store(f"sqlite+aiosqlite:///{path}", keys=tmp_path / "keys", clock=clock)
    await append(store, "drill")
    for file in (path.parent, *path.parent.iterdir()):
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0
    await store.close()


@pytest.mark.slow
async def test_processes_that_start_at_once_migrate_once_and_share_their_keys(empty_url: str, keys: Path) -> None:
    workers = [await process("open", empty_url, str(keys)) for _ in range(4)]
    for worker in workers:
        assert await worker.stdout.readline() == b"ready\n"
    for worker in workers:
        worker.stdin.write(b"go\n")
    assert len(set(await asyncio.gather(*(answer(worker) for worker in workers)))) == 1


@pytest.mark.slow
async def test_processes_that_append_at_once_keep_one_chain(store: Store, url: str, keys: Path) -> None:
    workers = [await process("append", url, str(keys), f"process {n}", "40") for n in range(3)]
    for worker in workers:
        assert await worker.stdout.readline() == b"ready\n"
    for worker in workers:
        worker.stdin.write(b"go\n")
    for _ in range(20):
        await append(store, "drill")
    await asyncio.gather(*(answer(worker) for worker in workers))
    found = await store.verify()
    assert (found.ok, found.records) == (True, 140)


@pytest.mark.slow
async def test_a_process_killed_in_a_transaction_leaves_nothing_half_done(store: Store, url: str, keys: Path) -> None:
    worker = await process("die", url, str(keys))
    assert await worker.stdout.readline() == b"ready\n"
    worker.stdin.write(b"go\n")
    assert await worker.stdout.readline() == b"half-way\n"
    worker.kill()
    await worker.wait()
    async with asyncio.timeout(10):
        async with store.transaction() as tx:
            assert (await opened(tx)).id == "INC-1"
    async with store.reading() as tx:
        assert len(await tx.incidents.list()) == 1
        assert await tx.statements.list("INC-1") == []
        assert await tx.outbox.list() == []
    assert await kinds(store) == ["incident.opened"]
    assert (await store.verify()).ok

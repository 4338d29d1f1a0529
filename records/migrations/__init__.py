"""Migrations of the tables (Alembic), run when a store is opened.

They run in one write transaction, so of several processes that start at once one migrates and the others wait and
find it done; one that dies half-way leaves the database as it was.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from records.engine import READING, WRITING, begin_writing

HEAD = "0018"
"""The newest migration; a test holds it against the files."""


class TooNew(RuntimeError):
    """A newer Fireline wrote the database; the message says what to do."""


async def bring_up_to_date(engine: AsyncEngine) -> None:
    """Apply the migrations that are missing.

    Raises:
        TooNew: the database is at a migration that this Fireline does not have.
    """
    name = engine.dialect.name
    async with engine.connect() as plain:
        reading = await plain.execution_options(**READING[name])
        async with reading.begin():
            if await reading.run_sync(_revision) == HEAD:
                return
    async with engine.connect() as plain:
        writing = await plain.execution_options(**WRITING[name])
        async with writing.begin():
            await begin_writing(writing)
            await writing.run_sync(_upgrade)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise TooNew(
            f"the database is at migration {_revision(connection)}, which this Fireline does not know: upgrade Fireline"
        ) from error

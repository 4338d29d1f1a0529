"""SQLite with one trip to the connection's thread for each statement.

``aiosqlite`` keeps a thread for each connection, and SQLAlchemy goes there four times for one query: to make a cursor, to
execute, to fetch, to close. A page asks some thirty questions; on a busy machine each trip waits for its turn. Here a
statement is executed and all its rows are fetched in one.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

import aiosqlite

Parameters = Sequence[Any] | dict[str, Any]


class Cursor:
    """What SQLAlchemy needs of a cursor."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._rows: list[Any] = []
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None

    async def execute(self, sql: str, parameters: Parameters = ()) -> None:
        """Run a statement and fetch its rows."""
        await self._run("execute", sql, parameters)

    async def executemany(self, sql: str, parameters: Sequence[Parameters]) -> None:
        """Run a statement once for each of ``parameters``."""
        await self._run("executemany", sql, parameters)

    async def fetchall(self) -> list[Any]:
        """The rows of the last statement, once."""
        rows, self._rows = self._rows, []
        return rows

    async def close(self) -> None:
        """It was closed in the thread when its statement had run."""

    async def _run(self, how: str, sql: str, parameters: Any) -> None:
        self.description, self.rowcount, self.lastrowid, self._rows = await self._connection.run(how, sql, parameters)


class Connection(aiosqlite.Connection):
    """A connection whose statements take one trip each."""

    async def cursor(self) -> Cursor:  # type: ignore[override] # where aiosqlite's own is a context manager, too
        """A cursor, without a trip."""
        return Cursor(self)

    async def run(self, how: str, sql: str, parameters: Any) -> tuple[Any, int, int | None, list[Any]]:
        """Run a statement in the connection's thread: its description, row count, last row's id, and rows."""

        def there() -> tuple[Any, int, int | None, list[Any]]:
            cursor = self._conn.cursor()
            try:
                getattr(cursor, how)(sql, parameters)
                rows = cursor.fetchall() if cursor.description else []
                return cursor.description, cursor.rowcount, cursor.lastrowid, rows
            finally:
                cursor.close()

        found: tuple[Any, int, int | None, list[Any]] = await self._execute(there)  # type: ignore[no-untyped-call]
        return found


def connect(database: str, **settings: Any) -> Connection:
    """A connection that is open once it is awaited; its thread keeps no process from ending."""
    connection = Connection(lambda: sqlite3.connect(database, **settings), iter_chunk_size=64)
    thread: Any = getattr(connection, "_thread", connection)  # before aiosqlite 0.22 it was the thread itself
    thread.daemon = True
    return connection

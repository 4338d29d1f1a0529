"""What every subject in this room works with inside one transaction: the connection, the clock, the keys.

Subjects read with ``all`` and ``first`` and change with ``write``; a change inside ``store.reading()`` is refused, on
either database, before it reaches the database.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NotRequired, Required, TypedDict, TypeVar

from pydantic import BaseModel
from sqlalchemy import CursorResult, Executable, Row, Select, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.ext.asyncio import AsyncConnection

from crisis.clock import Clock
from records.keys import Keys
from records.view import Hidden

Model = TypeVar("Model", bound=BaseModel)
_CHUNK = 500
"""Rows per INSERT: SQLite binds at most 32,766 values."""


class NotFound(LookupError):
    """What was asked for is not in the store; the message names it."""


class Act(TypedDict):
    """Who acts, by which route, why, and in which Prefect run: every change of state says so in the ledger."""

    actor: Required[str]
    via: NotRequired[str]
    reason: NotRequired[str]
    flow_run_id: NotRequired[str]


class KnownAct(TypedDict, total=False):
    """The same for a change that has a natural actor, who is named when nobody else is."""

    actor: str
    via: str
    reason: str
    flow_run_id: str


def act_of(act: KnownAct, actor: str, via: str = "") -> Act:
    """``act``, with ``actor`` and ``via`` where it names none."""
    return {
        "actor": act.get("actor") or actor,
        "via": act.get("via") or via,
        "reason": act.get("reason", ""),
        "flow_run_id": act.get("flow_run_id", ""),
    }


@dataclass(frozen=True)
class Work:
    """One open transaction."""

    connection: AsyncConnection
    clock: Clock
    keys: Keys
    writes: bool
    hidden: Hidden = field(default_factory=Hidden)
    """What whoever looks does not see."""

    @property
    def whole(self) -> "Work":
        """The same transaction with nothing hidden: for proofs, which need every record."""
        return replace(self, hidden=Hidden())

    async def all(self, statement: Executable) -> Sequence[Row[Any]]:
        """Every row that ``statement`` selects, and that may be seen."""
        return (await self.connection.execute(self._seen(statement))).all()

    async def first(self, statement: Executable) -> Row[Any] | None:
        """The first row that ``statement`` selects, and that may be seen."""
        return (await self.connection.execute(self._seen(statement))).first()

    def _seen(self, statement: Executable) -> Executable:
        return self.hidden.left_out(statement) if self.hidden and isinstance(statement, Select) else statement

    async def write(self, statement: Executable) -> CursorResult[Any]:
        """Run a statement that changes something.

        Raises:
            RuntimeError: the transaction is for reading only.
        """
        if not self.writes:
            raise RuntimeError("this transaction only reads: open store.transaction() to change something")
        result = await self.connection.execute(statement)
        assert isinstance(result, CursorResult)  # noqa: S101 - what a statement that changes rows always gives
        return result

    def insert(self, table: Table) -> SqliteInsert | PostgresInsert:
        """An INSERT that knows ``on_conflict_…`` on the present database."""
        return sqlite.insert(table) if self.connection.dialect.name == "sqlite" else postgresql.insert(table)

    async def insert_new(self, table: Table, rows: Sequence[dict[str, Any]]) -> int:
        """Insert the rows that are not there yet; how many were new."""
        new = 0
        for start in range(0, len(rows), _CHUNK):
            insert = self.insert(table).values(list(rows[start : start + _CHUNK]))
            inserted = await self.write(insert.on_conflict_do_nothing().returning(*table.primary_key.columns))
            new += len(inserted.all())
        return new

    async def insert_many(self, table: Table, rows: Sequence[dict[str, Any]]) -> None:
        """Insert very many rows of plain, storable values: the driver gets them as they are, at a tenth of the cost."""
        if not self.writes:
            raise RuntimeError("this transaction only reads: open store.transaction() to change something")
        if rows:
            made = table.insert().compile(dialect=self.connection.dialect, column_keys=list(rows[0]))
            names = made.positiontup or list(rows[0])
            await self.connection.exec_driver_sql(str(made), [tuple(row[name] for name in names) for row in rows])

    async def upsert(self, table: Table, row: dict[str, Any]) -> None:
        """Insert ``row``, or replace the one with the same primary key."""
        keys = [column.name for column in table.primary_key.columns]
        rest = {name: value for name, value in row.items() if name not in keys}
        await self.write(self.insert(table).values(row).on_conflict_do_update(index_elements=keys, set_=rest))


def body(model: BaseModel, **options: Any) -> str:
    """A model as the JSON that ``model.model_validate_json`` reads back."""
    # Not model_dump_json: hostile text may hold what it refuses, and it turns an infinite number into null.
    return json.dumps(model.model_dump(mode="json", **options), ensure_ascii=False)


def read(model: type[Model], text: str) -> Model:
    """The model whose JSON is ``text``."""
    return model.model_validate_json(text)

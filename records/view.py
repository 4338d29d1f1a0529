"""What one viewer sees of the records: every query leaves out what belongs to incidents that are hidden from them.

The filter sits below all subjects, in ``Work``, so a page cannot forget it: through a view, a hidden incident, and all
that hangs on it, is as if it were not there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.util import find_tables

from crisis.access import VIEWER, Restriction, may_see
from crisis.stakeholder import Stakeholder
from records.tables import deliveries, incidents, restrictions, statements

_BELONGS = {"delivery": deliveries, "statement": statements}
"""Columns that name a row of another table, which belongs to an incident."""


@dataclass(frozen=True)
class Hidden:
    """Which incidents somebody does not see."""

    ids: frozenset[str] = frozenset()
    watches: frozenset[str] | None = None
    """The only watches they see; None for all."""

    def __bool__(self) -> bool:
        return bool(self.ids) or self.watches is not None

    def seen(self, query: Select[Any], table: FromClause) -> Select[Any]:
        """``query`` without rows of hidden incidents in ``table``, a table with a column ``incident`` or an alias of one."""
        return query.where(*self._seen(table.c.incident))

    def left_out(self, query: Select[Any]) -> Select[Any]:
        """``query`` without rows of hidden incidents."""
        for table in _tables_of(query):
            for condition in self._conditions(table):
                query = query.where(condition)
        return query

    def _conditions(self, table: Table) -> Iterator[ColumnElement[bool]]:
        if table is incidents:
            yield from self._seen(table.c.id)
        elif "incident" in table.c:
            yield from self._seen(table.c.incident)
        else:
            for name, owner in _BELONGS.items():
                if name in table.c:
                    hidden = [owner.c.incident.in_(self.ids)] if self.ids else []
                    if self.watches is not None:
                        hidden.append(owner.c.incident.in_(_elsewhere(self.watches)))
                    for condition in hidden:
                        yield table.c[name].not_in(select(owner.c.id).where(condition))

    def _seen(self, column: ColumnElement[str]) -> Iterator[ColumnElement[bool]]:
        if self.ids:
            yield column.not_in(self.ids)
        if self.watches is not None:
            yield column.not_in(_elsewhere(self.watches))


def _elsewhere(watches: frozenset[str]) -> Select[Any]:
    return select(incidents.c.id).where(incidents.c.watch.not_in(watches))


_known: dict[Any, tuple[Table, ...]] = {}
"""The tables of queries by their shape, values left out, which is how SQLAlchemy keeps them, too: finding them means
compiling the query."""
MOST = 1_000
"""Shapes that are kept: those that a program asks are few hundred."""


def _tables_of(query: Select[Any]) -> tuple[Table, ...]:
    shape = query._generate_cache_key()
    if shape is None:
        return tuple(dict.fromkeys(_tables(query)))
    found = _known.get(shape.key)
    if found is None:
        if len(_known) >= MOST:
            _known.clear()
        found = _known[shape.key] = tuple(dict.fromkeys(_tables(query)))
    return found


def _tables(query: Select[Any]) -> Iterator[Table]:
    """The tables that a query takes rows from, those of joins and subqueries included."""
    for source in query.get_final_froms():
        for table in find_tables(source, include_joins=False, include_selects=True):
            if isinstance(table, Table):
                yield table


async def hidden_from(connection: AsyncConnection, person: Stakeholder | None) -> Hidden:
    """What ``person`` does not see; None is a visitor without a name."""
    query = select(restrictions.c.body, incidents.c.watch, incidents.c.lead).join(
        incidents, incidents.c.id == restrictions.c.incident
    )
    ids = set()
    for row in (await connection.execute(query)).all():
        restriction = Restriction.model_validate_json(row.body)
        if not may_see(person, watch=row.watch, lead=row.lead, restriction=restriction):
            ids.add(restriction.incident)
    bound = person is not None and VIEWER in person.roles and person.watches
    return Hidden(frozenset(ids), frozenset((*person.watches, *person.watch_roles)) if bound and person else None)

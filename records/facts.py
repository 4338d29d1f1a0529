"""Facts, with every version that each ever had."""

import builtins
from typing import Unpack

from sqlalchemy import func, select

from crisis.fact import Fact
from records.counters import next_number
from records.ledger import Ledger
from records.tables import facts
from records.work import Act, NotFound, Work, body, read


class Facts:
    """The claims that the company makes or answers."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def next_id(self, incident: str) -> str:
        """The next id for a fact of ``incident``: ``INC-7-F2``."""
        return f"{incident}-F{await next_number(self._work, f'{incident}-F')}"

    async def put(self, fact: Fact, **act: Unpack[Act]) -> None:
        """Save a fact; an id that exists gets another version, unless nothing changed."""
        earlier = await self.history(fact.id)
        if earlier and earlier[-1] == fact:
            return
        number = len(earlier) + 1
        row = {"id": fact.id, "number": number, "incident": fact.incident, "body": body(fact)}
        await self._work.write(facts.insert().values(row))
        data = fact.model_dump(mode="json") | {"number": number}
        await self._ledger.append("fact.saved", incident=fact.incident, data=data, **act)

    async def get(self, id: str) -> Fact:
        """The fact as it stands now.

        Raises:
            NotFound: there is none of that id.
        """
        versions = await self.history(id)
        if not versions:
            raise NotFound(f"there is no fact {id!r}")
        return versions[-1]

    async def list(self, incident: str) -> list[Fact]:
        """The facts of an incident as they stand now, in the order they were first saved."""
        newest = (
            select(facts.c.id, func.max(facts.c.number).label("number"))
            .where(facts.c.incident == incident)
            .group_by(facts.c.id)
            .subquery()
        )
        query = select(facts.c.body).join(newest, (facts.c.id == newest.c.id) & (facts.c.number == newest.c.number))
        found = [read(Fact, row.body) for row in await self._work.all(query)]
        return sorted(found, key=lambda fact: (len(fact.id), fact.id))

    async def history(self, id: str) -> builtins.list[Fact]:
        """Every version of a fact, in order; the last one holds."""
        query = select(facts.c.body).where(facts.c.id == id).order_by(facts.c.number)
        return [read(Fact, row.body) for row in await self._work.all(query)]

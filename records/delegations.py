"""Delegations: whose turn is in whose hands, since when, until when, and whether it was taken out of them again."""

import builtins
from typing import Unpack

from sqlalchemy import select, update

from crisis.delegation import Delegation
from records.counters import next_number
from records.ledger import Ledger
from records.tables import delegations
from records.work import Act, NotFound, Work, body, read


class Delegations:
    """Turns that were handed on."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def next_id(self) -> str:
        """The next id: ``D-3``."""
        return f"D-{await next_number(self._work, 'delegation')}"

    async def add(self, given: Delegation, *, incident: str = "", **act: Unpack[Act]) -> None:
        """Save one. ``incident``: of the one statement that it is about."""
        row = {"id": given.id, "delegate": given.delegate, "body": body(given)}
        await self._work.write(delegations.insert().values(row))
        data = given.model_dump(mode="json")
        await self._ledger.append("delegation.given", incident=incident, data=data, **act)

    async def get(self, id: str) -> Delegation:
        """Raises ``NotFound``."""
        row = await self._work.first(select(delegations.c.body).where(delegations.c.id == id))
        if row is None:
            raise NotFound(f"there is no delegation {id!r}: `fireline delegations` lists them")
        return read(Delegation, row.body)

    async def revoke(self, id: str, *, incident: str = "", **act: Unpack[Act]) -> Delegation:
        """End one now; nothing happens when it was ended before. Raises ``NotFound``."""
        given = await self.get(id)
        if given.revoked_at is not None:
            return given
        given = given.model_copy(update={"revoked_at": self._work.clock.now()})
        await self._work.write(update(delegations).where(delegations.c.id == id).values(body=body(given)))
        data = given.model_dump(mode="json")
        await self._ledger.append("delegation.revoked", incident=incident, data=data, **act)
        return given

    async def list(self, *, delegate: str = "") -> builtins.list[Delegation]:
        """All of them, or those in one person's hands, in the order in which they were given."""
        query = select(delegations.c.body)
        if delegate:
            query = query.where(delegations.c.delegate == delegate)
        found = [read(Delegation, row.body) for row in await self._work.all(query)]
        return sorted(found, key=lambda d: (d.given_at, len(d.id), d.id))

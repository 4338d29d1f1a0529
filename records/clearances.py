"""Pre-clearances: words that were approved before there was an incident, and where each of them stands."""

import builtins
from typing import Unpack

from sqlalchemy import select, update

from crisis.clearance import Clearance, ClearanceState
from records.counters import next_number
from records.ledger import Ledger
from records.tables import clearances
from records.work import Act, NotFound, Work, body, read


class Clearances:
    """Holding statements that may go out by themselves within their bounds."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def next_id(self) -> str:
        """The next id: ``PC-2``."""
        return f"PC-{await next_number(self._work, 'clearance')}"

    async def propose(self, clearance: Clearance, **act: Unpack[Act]) -> None:
        """Save one, which waits for its approvals."""
        row = {"id": clearance.id, "state": ClearanceState.PROPOSED.value, "body": body(clearance)}
        await self._work.write(clearances.insert().values(row))
        await self._ledger.append("clearance.proposed", data=clearance.model_dump(mode="json"), **act)

    async def get(self, id: str) -> tuple[Clearance, ClearanceState]:
        """One, and where it stands. Raises ``NotFound``."""
        row = await self._work.first(select(clearances).where(clearances.c.id == id))
        if row is None:
            raise NotFound(f"there is no pre-clearance {id!r}: `fireline preclearances` lists them")
        return read(Clearance, row.body), ClearanceState(row.state)

    async def list(self, *, state: ClearanceState | None = None) -> builtins.list[tuple[Clearance, ClearanceState]]:
        """All of them, or those that stand so, in the order in which they were asked for."""
        query = select(clearances)
        if state is not None:
            query = query.where(clearances.c.state == state.value)
        found = [(read(Clearance, row.body), ClearanceState(row.state)) for row in await self._work.all(query)]
        return sorted(found, key=lambda item: (len(item[0].id), item[0].id))

    async def set_state(self, id: str, state: ClearanceState, *, incident: str = "", **act: Unpack[Act]) -> None:
        """Say where one stands now; nothing happens when it stands there already. Raises ``NotFound``."""
        clearance, before = await self.get(id)
        if before is state:
            return
        await self._work.write(update(clearances).where(clearances.c.id == id).values(state=state.value))
        data = {"id": id, "content_hash": clearance.content_hash, "from": before.value, "to": state.value}
        await self._ledger.append(f"clearance.{state}", incident=incident, data=data, **act)

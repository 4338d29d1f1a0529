"""Legal holds on incidents, each change of one on record."""

from typing import Unpack

from sqlalchemy import select

from crisis.hold import Hold, HoldState
from records.ledger import Ledger
from records.tables import holds
from records.work import Act, Work, body, read

_KINDS = {
    HoldState.HELD: "hold.placed",
    HoldState.RELEASING: "hold.release_proposed",
    HoldState.RELEASED: "hold.released",
}


class Holds:
    """What may not be erased, and since when."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def put(self, hold: Hold, **act: Unpack[Act]) -> None:
        """Keep a hold as it stands now."""
        row = {"incident": hold.incident, "state": hold.state.value, "body": body(hold)}
        await self._work.upsert(holds, row)
        data = hold.model_dump(mode="json")
        await self._ledger.append(_KINDS[hold.state], incident=hold.incident, data=data, **act)

    async def get(self, incident: str) -> Hold | None:
        """The hold of an incident, released or not; None where there never was one."""
        row = await self._work.first(select(holds.c.body).where(holds.c.incident == incident))
        return None if row is None else read(Hold, row.body)

    async def list(self) -> list[Hold]:
        """Every hold, released ones included, by incident."""
        return [read(Hold, r.body) for r in await self._work.all(select(holds.c.body).order_by(holds.c.incident))]

    async def held(self) -> frozenset[str]:
        """Incidents of which nothing may be erased, whoever looks."""
        query = select(holds.c.incident).where(holds.c.state != HoldState.RELEASED.value)
        return frozenset(row.incident for row in await self._work.whole.all(query))

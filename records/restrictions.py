"""Which incidents only named people see. Every change is on record, with its reason."""

from typing import Unpack

from sqlalchemy import delete, select

from crisis.access import Restriction
from records.ledger import Ledger
from records.tables import restrictions
from records.work import Act, Work, body, read


class Restrictions:
    """At most one for each incident."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def get(self, incident: str) -> Restriction | None:
        """Who alone sees an incident; None when it is open to all."""
        row = await self._work.first(select(restrictions.c.body).where(restrictions.c.incident == incident))
        return None if row is None else read(Restriction, row.body)

    async def put(self, restriction: Restriction, **act: Unpack[Act]) -> None:
        """Restrict an incident, or restrict it otherwise."""
        await self._work.upsert(restrictions, {"incident": restriction.incident, "body": body(restriction)})
        data = restriction.model_dump(mode="json", include={"people", "roles"})
        await self._ledger.append("incident.restricted", incident=restriction.incident, data=data, **act)

    async def lift(self, incident: str, **act: Unpack[Act]) -> bool:
        """Open an incident to all again; False when it was not restricted."""
        lifted = await self._work.write(delete(restrictions).where(restrictions.c.incident == incident))
        if lifted.rowcount:
            await self._ledger.append("incident.unrestricted", incident=incident, data={}, **act)
        return bool(lifted.rowcount)

"""Read-backs: what was last seen of each delivery on its platform, and when it is looked at next."""

from collections.abc import Iterable
from datetime import datetime
from typing import Unpack

from sqlalchemy import select, update

from crisis.delivery import ARRIVED, Purpose
from crisis.read_back import ReadBack
from records.ledger import Ledger
from records.tables import deliveries, read_backs
from records.work import Act, Work, body, read


class ReadBacks:
    """The last look at every delivery that can be looked at."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def of(self, incident: str) -> dict[str, ReadBack]:
        """The last looks at an incident's deliveries, by delivery."""
        query = select(read_backs.c.body).where(read_backs.c.incident == incident)
        found = [read(ReadBack, row.body) for row in await self._work.all(query)]
        return {one.delivery: one for one in found}

    async def last(self, wanted: Iterable[str]) -> dict[str, ReadBack]:
        """The last looks at the deliveries named."""
        names = list(wanted)
        query = select(read_backs.c.body).where(read_backs.c.delivery.in_(names))
        found = [read(ReadBack, row.body) for row in await self._work.all(query)] if names else []
        return {one.delivery: one for one in found}

    async def due(self, now: datetime, *, most: int) -> list[ReadBack]:
        """What is to be looked at, the longest due first."""
        query = select(read_backs.c.body).where(read_backs.c.due_at <= now).order_by(read_backs.c.due_at).limit(most)
        return [read(ReadBack, row.body) for row in await self._work.all(query)]

    async def unwatched(self, *, most: int) -> list[str]:
        """Deliveries of statements that arrived and that nobody has begun to look at, the newest first."""
        query = (
            select(deliveries.c.id)
            .outerjoin(read_backs, read_backs.c.delivery == deliveries.c.id)
            .where(read_backs.c.delivery.is_(None), deliveries.c.purpose == Purpose.STATEMENT.value)
            .where(deliveries.c.state.in_([state.value for state in ARRIVED]), deliveries.c.receipt.is_not(None))
            .order_by(deliveries.c.created_at.desc())
            .limit(most)
        )
        return [row.id for row in await self._work.all(query)]

    async def put(self, seen: ReadBack) -> None:
        """Note a look; what was seen before is replaced (what changed is in the ledger)."""
        row = {"delivery": seen.delivery, "incident": seen.incident, "due_at": seen.due_at, "body": body(seen)}
        if await self._work.insert_new(read_backs, [row]) == 0:
            change = update(read_backs).where(read_backs.c.delivery == seen.delivery)
            await self._work.write(change.values(due_at=seen.due_at, body=row["body"]))

    async def told(self, seen: ReadBack, channel: str, was: str, **act: Unpack[Act]) -> None:
        """Put on record how a text stands on its platform, where that is new."""
        data = {"channel": channel, "was": was, **seen.model_dump(mode="json", exclude={"incident", "due_at"})}
        await self._ledger.append("delivery.read_back", incident=seen.incident, data=data, **act)

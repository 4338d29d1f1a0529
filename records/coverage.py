"""How the sources of each watch are, as whoever listens to them noted it last."""

import builtins
from datetime import datetime

from sqlalchemy import delete, select

from crisis.coverage import Coverage
from records.tables import coverage
from records.work import Work, body, read


class Coverages:
    """One row for each watch and source."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def note(self, now: Coverage, noted_at: datetime) -> None:
        """Save how a source is; it replaces what was noted before."""
        row = {"watch": now.watch, "source": now.source, "noted_at": noted_at, "body": body(now)}
        await self._work.upsert(coverage, row)

    async def forget(self, watch: str, source: str) -> None:
        """The source has ended: there is nothing to cover any more."""
        await self._work.write(delete(coverage).where(coverage.c.watch == watch, coverage.c.source == source))

    async def list(self, watch: str = "") -> builtins.list[tuple[Coverage, datetime]]:
        """How each source is and when that was noted, by watch and source; those of one watch if given."""
        query = select(coverage).order_by(coverage.c.watch, coverage.c.source)
        if watch:
            query = query.where(coverage.c.watch == watch)
        return [(read(Coverage, row.body), row.noted_at) for row in await self._work.all(query)]

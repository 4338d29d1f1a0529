"""Long work that is under way or ended lately, as the process that does it noted it last, for every desk to show.

It is no part of the ledger: what work did is recorded by the work itself.
"""

import builtins
from datetime import datetime

from sqlalchemy import delete, select

from crisis.long_work import LongWork
from records.tables import incidents, progress
from records.work import Work, body, read

KEPT = 200
"""Rows that are kept, the newest ones."""


class Progress:
    """One row for each piece of work."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def note(self, work: LongWork) -> None:
        """Save how far it is; it replaces what was noted before. Of works that ended, only the newest are kept."""
        row = {"work": work.work, "updated_at": work.updated_at, "body": body(work)}
        await self._work.upsert(progress, row)
        if work.ended:
            old = select(progress.c.work).order_by(progress.c.updated_at.desc()).offset(KEPT).limit(KEPT)
            gone = [found.work for found in await self._work.all(old)]
            if gone:
                await self._work.write(delete(progress).where(progress.c.work.in_(gone)))

    async def get(self, work: str) -> LongWork | None:
        """How far the work of that name is; None when there was never any."""
        row = await self._work.first(select(progress.c.body).where(progress.c.work == work))
        found = [] if row is None else await self._seen([read(LongWork, row.body)])
        return found[0] if found else None

    async def list(self, *, since: datetime) -> builtins.list[LongWork]:
        """Work noted at or after ``since``, the newest first."""
        query = select(progress.c.body).where(progress.c.updated_at >= since).order_by(progress.c.updated_at.desc())
        return await self._seen([read(LongWork, row.body) for row in await self._work.all(query.limit(KEPT))])

    async def _seen(self, works: builtins.list[LongWork]) -> builtins.list[LongWork]:
        """Without what is about incidents that this viewer does not see."""
        about = {work.incident for work in works if work.incident}
        if not self._work.hidden or not about:
            return works
        seen = {row.id for row in await self._work.all(select(incidents.c.id).where(incidents.c.id.in_(about)))}
        return [work for work in works if not work.incident or work.incident in seen]

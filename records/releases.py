"""Releases: versions that went out without the usual approvals, by which means, by whom and why. Written once."""

from typing import Any, Unpack

from sqlalchemy import func, select

from crisis.release import Release
from records.ledger import Ledger
from records.tables import releases, statements
from records.work import Act, NotFound, Work


class Releases:
    """What was released by breaking the glass, or by a pre-clearance."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def add(self, release: Release, *, data: dict[str, Any] | None = None, **act: Unpack[Act]) -> None:
        """Save one, with ``data`` beside it on record.

        Raises:
            NotFound: there is no such statement version.
            sqlalchemy.exc.IntegrityError: it was released before.
        """
        version = (statements.c.id == release.statement) & (statements.c.version == release.version)
        row = await self._work.whole.first(select(statements.c.incident).where(version))
        if row is None:
            raise NotFound(f"there is no statement {release.statement!r} version {release.version}")
        await self._work.write(releases.insert().values(release.model_dump()))
        told = release.model_dump(mode="json") | (data or {})
        await self._ledger.append("statement.released", incident=row.incident, data=told, **act)

    async def of(self, statement: str, version: int) -> Release | None:
        """The release of a version; None when there was none."""
        query = select(releases).where(releases.c.statement == statement, releases.c.version == version)
        row = await self._work.first(query)
        return None if row is None else Release.model_validate(dict(row._mapping))

    async def uses(self, clearance: str) -> int:
        """How often a pre-clearance was used, whoever may see where."""
        row = await self._work.first(select(func.count()).where(releases.c.clearance == clearance))
        return int(row[0]) if row else 0

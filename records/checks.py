"""What the last check of each outside service found: a channel's health as the desk shows it, without asking it again."""

import builtins

from sqlalchemy import select

from crisis.values import Frozen, UtcDatetime
from records.tables import checks
from records.work import Work, body, read


class Checked(Frozen):
    """One service as it was when it was last asked to prove itself."""

    part: str
    """``channel``, ``notifier``, ``source`` ..."""
    name: str
    ok: bool
    says: str
    """Who we are there, which scopes, what is left of its limits; or what to mend. Never a secret."""
    at: UtcDatetime
    """Real time."""


class Checks:
    """One row for each part and name."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def note(self, found: Checked) -> None:
        """Save what a check found; it replaces what the one before found."""
        await self._work.upsert(checks, {"part": found.part, "name": found.name, "body": body(found)})

    async def list(self) -> builtins.list[Checked]:
        """The last finding of everything that was ever checked, by part and name."""
        query = select(checks.c.body).order_by(checks.c.part, checks.c.name)
        return [read(Checked, row.body) for row in await self._work.all(query)]

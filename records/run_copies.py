"""Copies of what Prefect knows of an incident's runs, made while it knows: by run, and by part of what is told of it."""

import json
from typing import Any

from sqlalchemy import select

from records.tables import run_copies
from records.work import Work


class RunCopies:
    """Prefect's history, kept."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def put(self, incident: str, run: str, part: str, value: Any) -> None:
        """Keep one part of what is known of a run, in place of an earlier copy of it."""
        row = {"run": run, "part": part, "incident": incident, "copied_at": self._work.clock.now()}
        await self._work.upsert(run_copies, row | {"body": json.dumps(value, ensure_ascii=True, sort_keys=True)})

    async def get(self, run: str, part: str) -> Any:
        """One part as it was copied last; None where it never was."""
        row = await self._work.first(
            select(run_copies.c.body).where(run_copies.c.run == run, run_copies.c.part == part)
        )
        return None if row is None else json.loads(row.body)

    async def list(self, incident: str) -> dict[str, dict[str, Any]]:
        """Everything that was copied of an incident's runs: by run, by part."""
        found: dict[str, dict[str, Any]] = {}
        query = select(run_copies).where(run_copies.c.incident == incident)
        for row in await self._work.all(query.order_by(run_copies.c.run, run_copies.c.part)):
            found.setdefault(row.run, {})[row.part] = json.loads(row.body)
        return found

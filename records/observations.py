"""Observations: the reaction after publication, as it was measured."""

from sqlalchemy import select

from crisis.reaction import Observation
from records.tables import observations
from records.work import Work, body, read


class Observations:
    """How the public reacted."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, observation: Observation) -> bool:
        """Keep a measurement; false when the one of the same statement and moment is kept already.

        Whoever measured says so in the ledger (``reaction.observed``), in the same transaction.
        """
        earlier = await self.list(observation.incident)
        if any((o.statement, o.at) == (observation.statement, observation.at) for o in earlier):
            return False
        row = {"incident": observation.incident, "number": len(earlier) + 1, "body": body(observation)}
        await self._work.write(observations.insert().values(row))
        return True

    async def list(self, incident: str) -> list[Observation]:
        """The incident's measurements, in the order they were made."""
        query = select(observations).where(observations.c.incident == incident).order_by(observations.c.number)
        return [read(Observation, row.body) for row in await self._work.all(query)]

"""Observations: the reaction after publication, as it was measured."""

from typing import Unpack

from sqlalchemy import select

from crisis.reaction import Observation
from records.ledger import Ledger
from records.tables import observations
from records.work import KnownAct, Work, act_of, body, read


class Observations:
    """How the public reacted."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def add(self, observation: Observation, **act: Unpack[KnownAct]) -> bool:
        """Keep a measurement; false when the one of the same statement and moment is kept already."""
        earlier = await self.list(observation.incident)
        if any((o.statement, o.at) == (observation.statement, observation.at) for o in earlier):
            return False
        row = {"incident": observation.incident, "number": len(earlier) + 1, "body": body(observation)}
        await self._work.write(observations.insert().values(row))
        data = observation.model_dump(mode="json")
        by = act_of(act, "follow_up")
        await self._ledger.append("reaction.observed", incident=observation.incident, data=data, **by)
        return True

    async def list(self, incident: str) -> list[Observation]:
        """The incident's measurements, in the order they were made."""
        query = select(observations).where(observations.c.incident == incident).order_by(observations.c.number)
        return [read(Observation, row.body) for row in await self._work.all(query)]

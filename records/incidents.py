"""Incidents, who has claimed the response to each, and every assessment there ever was of them.

An incident makes only the steps that ``crisis.incident`` allows; a claim is given to one run alone, however many ask.
"""

import builtins
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, Unpack

from sqlalchemy import Row, delete, func, select, update

from crisis.incident import LIVE, Incident, IncidentState
from crisis.triage import Assessment
from records.counters import next_number
from records.ledger import Ledger
from records.tables import assessments, incidents, narrative_facts
from records.work import Act, NotFound, Work, body, read


class Incidents:
    """The units of response."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def open(
        self,
        *,
        watch: str,
        title: str,
        assessment: Assessment,
        opened_at: datetime,
        started_at: datetime,
        narrative: str = "",
        opened_by: str = "detector",
        lead: str = "",
        state: IncidentState = IncidentState.OPEN,
        **act: Unpack[Act],
    ) -> Incident:
        """Open an incident under the next free number."""
        number = await next_number(self._work, "incident")
        incident = Incident(
            id=f"INC-{number}",
            watch=watch,
            title=title,
            state=state,
            opened_at=opened_at,
            started_at=started_at,
            assessment=assessment,
            narrative=narrative,
            opened_by=opened_by,
            lead=lead,
        )
        row = incident.model_dump(exclude={"assessment"}) | {"number": number, "assessment": body(assessment)}
        await self._work.write(incidents.insert().values(row))
        await self._keep_assessment(incident.id, 1, assessment)
        data = incident.model_dump(mode="json")
        await self._ledger.append("incident.opened", incident=incident.id, data=data, **act)
        return incident

    async def get(self, id: str) -> Incident:
        """The incident of that id.

        Raises:
            NotFound: there is none.
        """
        row = await self._work.first(select(incidents).where(incidents.c.id == id))
        if row is None:
            raise NotFound(f"there is no incident {id!r}")
        return _incident(row)

    async def list(
        self, states: Iterable[IncidentState] | None = None, watch: str | None = None
    ) -> builtins.list[Incident]:
        """Incidents by number, of the given states and watch."""
        query = select(incidents).order_by(incidents.c.number)
        if states is not None:
            query = query.where(incidents.c.state.in_([IncidentState(s).value for s in states]))
        if watch is not None:
            query = query.where(incidents.c.watch == watch)
        return [_incident(row) for row in await self._work.all(query)]

    async def open_names(self) -> set[str]:
        """The id of every incident that is not closed."""
        return {row.id for row in await self._work.all(select(incidents.c.id).where(incidents.c.closed_at.is_(None)))}

    async def names(self) -> builtins.list[str]:
        """The id of every incident, by number."""
        return [row.id for row in await self._work.all(select(incidents.c.id).order_by(incidents.c.number))]

    async def lately_closed(self, limit: int) -> builtins.list[Incident]:
        """The ``limit`` incidents that closed last, the latest first."""
        over = [state.value for state in IncidentState if state not in LIVE]
        query = select(incidents).where(incidents.c.state.in_(over))
        query = query.order_by(incidents.c.closed_at.desc(), incidents.c.number.desc()).limit(limit)
        return [_incident(row) for row in await self._work.all(query)]

    async def live(self, watch: str) -> builtins.list[Incident]:
        """The incidents that a new signal of ``watch`` could join."""
        return await self.list(LIVE, watch)

    async def step(self, id: str, to: IncidentState, **act: Unpack[Act]) -> Incident:
        """Move an incident on.

        Raises:
            IllegalStep: ``to`` cannot follow its state.
            NotFound: there is no such incident.
        """
        before = await self.get(id)
        after = before.step(to, self._work.clock.now())
        changed = {"state": after.state.value, "closed_at": after.closed_at}
        await self._work.write(update(incidents).where(incidents.c.id == id).values(changed))
        data = {"from": before.state.value, "to": after.state.value}
        await self._ledger.append(f"incident.{after.state}", incident=id, data=data, **act)
        return after

    async def seen_lower(self, id: str, since: datetime | None) -> Incident:
        """Remember since when triage has seen less than an incident's severity says: what it saw, no act of anybody."""
        before = await self.get(id)
        if before.lower_since == since:
            return before
        await self._work.write(update(incidents).where(incidents.c.id == id).values(lower_since=since))
        return before.model_copy(update={"lower_since": since})

    async def merge(self, id: str, into: str, **act: Unpack[Act]) -> Incident:
        """End an incident as part of another, and say so on both.

        Raises:
            IllegalStep: see ``Incident.merge``.
            NotFound: there is no such incident.
        """
        before = await self.get(id)
        after = before.merge(await self.get(into), self._work.clock.now())
        changed = {"state": after.state.value, "closed_at": after.closed_at, "merged_into": into}
        await self._work.write(update(incidents).where(incidents.c.id == id).values(changed))
        data = {"from": before.state.value, "into": into}
        await self._ledger.append("incident.merged", incident=id, data=data, **act)
        await self._ledger.append("incident.took_up", incident=into, data={"merged": id}, **act)
        return after

    async def tie(self, id: str, narrative: str, fact: str, **act: Unpack[Act]) -> None:
        """Say which fact answers a narrative of an incident; an empty ``fact`` unties it."""
        here = (narrative_facts.c.incident == id) & (narrative_facts.c.narrative == narrative)
        if fact:
            await self._work.upsert(narrative_facts, {"incident": id, "narrative": narrative, "fact": fact})
        else:
            await self._work.write(delete(narrative_facts).where(here))
        data = {"narrative": narrative, "fact": fact}
        await self._ledger.append("narrative.tied", incident=id, data=data, **act)

    async def ties(self, id: str) -> dict[str, str]:
        """The fact that answers each narrative of an incident, by narrative."""
        query = select(narrative_facts).where(narrative_facts.c.incident == id).order_by(narrative_facts.c.narrative)
        return {row.narrative: row.fact for row in await self._work.all(query)}

    async def claim(
        self,
        id: str,
        flow_run_id: str,
        *,
        takeover_from: str = "",
        actor: str = "respond",
        via: str = "flow",
        reason: str = "",
    ) -> bool:
        """Give the response to one run: true if it was free, is already this run's, or is ``takeover_from``'s.

        Raises:
            NotFound: there is no such incident.
        """
        held = (await self.get(id)).flow_run_id
        if held == flow_run_id:
            return True
        if held not in ("", takeover_from):
            return False
        mine = update(incidents).where(incidents.c.id == id, incidents.c.flow_run_id == held)
        if (await self._work.write(mine.values(flow_run_id=flow_run_id))).rowcount != 1:
            return False
        await self._ledger.append(
            "incident.claimed",
            incident=id,
            data={"run": flow_run_id, "from": held},
            actor=actor,
            via=via,
            reason=reason,
            flow_run_id=flow_run_id,
        )
        return True

    async def assess(self, id: str, assessment: Assessment, **act: Unpack[Act]) -> Incident:
        """Assess an incident anew; earlier assessments stay on record.

        Raises:
            NotFound: there is no such incident.
        """
        return await self._assess(id, assessment, "incident.assessed", act)

    async def retell(self, id: str, assessment: Assessment, **act: Unpack[Act]) -> Incident:
        """Keep what people say now of an incident whose rating stays; earlier assessments stay on record.

        Raises:
            NotFound: there is no such incident.
        """
        return await self._assess(id, assessment, "incident.retold", act)

    async def _assess(self, id: str, assessment: Assessment, kind: str, act: Act) -> Incident:
        before = await self.get(id)
        if before.assessment == assessment:
            return before
        newest = select(func.max(assessments.c.number)).where(assessments.c.incident == id)
        number = ((await self._work.all(newest))[0][0] or 0) + 1
        await self._keep_assessment(id, number, assessment)
        await self._work.write(update(incidents).where(incidents.c.id == id).values(assessment=body(assessment)))
        data = assessment.model_dump(mode="json")
        await self._ledger.append(kind, incident=id, data=data, **act)
        return before.model_copy(update={"assessment": assessment})

    async def assessments(self, id: str, *, after: int = 0) -> builtins.list[Assessment]:
        """Every assessment of an incident but the first ``after``, in order; the last one holds."""
        query = select(assessments.c.body).where(assessments.c.incident == id, assessments.c.number > after)
        query = query.order_by(assessments.c.number)
        return [read(Assessment, row.body) for row in await self._work.all(query)]

    async def _keep_assessment(self, id: str, number: int, assessment: Assessment) -> None:
        row = {"incident": id, "number": number, "body": body(assessment)}
        await self._work.write(assessments.insert().values(row))


def _incident(row: Row[Any]) -> Incident:
    fields = {name: value for name, value in row._mapping.items() if name != "number"}
    return Incident.model_validate(fields | {"assessment": _assessment(row.assessment)})


@lru_cache(maxsize=1_000)
def _assessment(text: str) -> Assessment:
    """Every page of the open incidents reads all of theirs, and few have changed since the page before."""
    return read(Assessment, text)

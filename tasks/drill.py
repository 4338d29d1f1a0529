"""Exercise control: what a rehearsal feeds in, the scripted people of one that nobody attends, and its score.

Everything is done by the same acts as in earnest, in an installation whose settings say that it is a drill.
"""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from crisis.approval import NotAllowed, Verdict, Via
from crisis.clocks import read_clocks
from crisis.commitment import CommitmentState
from crisis.drill import Score, score
from crisis.fact import Fact, FactStatus
from crisis.incident import Incident, IncidentState
from crisis.stakeholder import Stakeholder
from crisis.statement import Statement
from crisis.values import StatementKind, UtcDatetime
from tasks import incidents
from tasks.acknowledge import acknowledge
from tasks.approve import decide, propose, standing_of
from tasks.close import resolve
from tasks.draft import draft, save_fact
from tasks.first_word import renew
from tasks.installation import Installation
from tasks.material import gather
from tasks.on_it import acknowledged_by
from tasks.people import circle_of
from tasks.review import has_documents, report_folder, store_report

CONTROL = "exercise control"
"""The actor of what a drill feeds in."""
AHEAD = timedelta(minutes=30)
"""How long before a promise is due the scripted people keep it."""
SCRIPTED = "scripted, in a drill without people"


async def begin(here: Installation, *, title: str, storm_at: UtcDatetime) -> None:
    """Put on record that this is a rehearsal, and of what."""
    async with here.store.transaction() as tx:
        data = {"scenario": title, "storm_at": storm_at.isoformat()}
        await tx.ledger.append("drill.began", actor=CONTROL, via=here.via, data=data)


async def rehearsed(here: Installation) -> Incident | None:
    """The incident that the storm led to, once there is one; of several the first that lives."""
    async with here.store.reading() as tx:
        found = await tx.incidents.list()
    alive = [i for i in found if i.state is not IncidentState.DISMISSED]
    return min(alive, key=lambda i: i.opened_at, default=None)


async def inject(here: Installation, incident: Incident, number: int, text: str) -> Fact:
    """Something becomes known: a confirmed fact, which statements may state from now on. Repeats do nothing."""
    fact = Fact(
        id=f"{incident.id}-D{number}",
        incident=incident.id,
        text=text,
        status=FactStatus.CONFIRMED,
        owner=incident.lead or CONTROL,
        evidence="given by exercise control; invented",
        updated_at=here.clock.now(),
    )
    async with here.store.reading() as tx:
        known = await tx.facts.history(fact.id)
    if not known:
        await save_fact(here, fact, actor=CONTROL, reason="an inject of the drill")
        await renew(here, incident.id)
    return fact


async def scored(here: Installation, *, storm_at: UtcDatetime) -> Score:
    """How the rehearsal went so far; it goes on record."""
    incident, now = await rehearsed(here), here.clock.now()
    result = score(storm_at, now) if incident is None else await _scored(here, incident, storm_at)
    async with here.store.transaction() as tx:
        data = result.model_dump(mode="json")
        await tx.ledger.append(
            "drill.scored", actor=CONTROL, incident=incident.id if incident else "", via=here.via, data=data
        )
    return result


async def _scored(here: Installation, incident: Incident, storm_at: UtcDatetime) -> Score:
    material = await gather(here, incident.id)
    people = {person.email for person in material.stakeholders}
    told = [r.at for r in material.records if r.kind == "stakeholder.told"]
    acted = [r.at for r in material.records if r.actor in people or r.kind == "incident.acknowledged"]
    return score(
        storm_at,
        material.at,
        incident,
        told_at=min(told, default=None),
        acknowledged_at=min(acted, default=None),
        clocks=read_clocks(incident, material.assessments, material.publications, material.at),
        publications=material.publications,
        commitments=material.commitments,
    )


async def report(here: Installation) -> Path | None:
    """Where the report is that people talk it over with: written now where the exercise ended before the incident was
    closed. None where no incident was opened."""
    incident = await rehearsed(here)
    if incident is None:
        return None
    folder = report_folder(here, incident.id)
    if not has_documents(folder):
        await store_report(here, incident.id)
    return folder


class Cast:
    """People who do at once what a response asks of them, so that a drill can run without anybody."""

    def __init__(self, here: Installation, *, ends_with: str) -> None:
        self._here, self._ends_with = here, ends_with

    async def act(self, incident: Incident) -> str:
        """Do the next thing that waits for people; returns what was done, empty when nothing was.

        Raises:
            NotAllowed: nobody is left who could decide; why is in the message.
        """
        here = self._here
        lead = await self._lead(incident)
        if incident.state is IncidentState.CANDIDATE:
            await incidents.confirm(here, incident.id, actor=lead, reason=SCRIPTED)
            return f"{lead} confirmed the candidate"
        async with here.store.reading() as tx:
            taken = await acknowledged_by(here, tx, incident.id)
        if not taken:
            await acknowledge(here, incident.id, actor=lead, reason=SCRIPTED)
            return f"{lead} is on it"
        return await self._decide(incident) or await self._speak(incident, lead)

    async def _lead(self, incident: Incident) -> str:
        async with self._here.store.reading() as tx:
            people = await circle_of(tx, incident)
        leads = [p.email for p in people if p.email == incident.lead or "incident_lead" in p.roles]
        if not leads:
            raise NotAllowed("nobody leads the incident: give somebody the role incident_lead, or the watch an owner")
        return leads[0]

    async def _decide(self, incident: Incident) -> str:
        """Give the next approval that a statement waits for."""
        here = self._here
        async with here.store.reading() as tx:
            statements = await tx.statements.list(incident.id)
            people = await circle_of(tx, incident)
            asked = [s for s in statements if await tx.statements.proposal(s.id, s.version)]
            decided = {s.id: await tx.decisions.list(s.content_hash) for s in asked}
        for statement in asked:
            standing = await standing_of(here, statement.id, statement.version)
            if standing.settled or not standing.missing:
                continue
            spent = {d.approver for d in decided[statement.id]} | {statement.author}
            role, person = _who(standing.missing, people, spent, statement)
            await decide(
                here,
                statement=statement.id,
                version=statement.version,
                content_hash=statement.content_hash,
                approver=person.email,
                role=role,
                verdict=Verdict.APPROVE,
                via=Via.CLI,
                reason=SCRIPTED,
            )
            return f"{person.name} approved {statement.label} for {role}"
        return ""

    async def _speak(self, incident: Incident, lead: str) -> str:
        """Keep a promise that is nearly due, say that it is over once it is, and close."""
        here = self._here
        async with here.store.reading() as tx:
            statements = await tx.statements.list(incident.id)
            status = {s.id: (await tx.statements.status(s.id, s.version)).value for s in statements}
            calm = await tx.ledger.list(kind="incident.closing_proposed", incident=incident.id)
            promises = await tx.commitments.list(incident=incident.id, state=CommitmentState.OPEN)
            facts = await tx.facts.list(incident.id)
        under_way = [s for s in statements if status[s.id] in ("draft", "proposed", "approved")]
        if incident.closed_at is not None or under_way or not statements:
            return ""
        over = [s for s in statements if s.kind is StatementKind.RESOLUTION]
        if over:
            return await self._close(incident, lead)
        if calm:
            await inject(here, incident, 99, self._ends_with)
            return await self._propose(incident, StatementKind.RESOLUTION, lead)
        if any(p.due_at - here.clock.now() < AHEAD for p in promises):
            spoke = any(s.kind is StatementKind.SUBSTANTIVE and status[s.id] == "published" for s in statements)
            known = any(f.status is FactStatus.CONFIRMED for f in facts)
            kind = StatementKind.SUBSTANTIVE if known and not spoke else StatementKind.UPDATE
            return await self._propose(incident, kind, lead)
        return ""

    async def _close(self, incident: Incident, lead: str) -> str:
        if incident.state is not IncidentState.MONITORING:
            return ""
        await resolve(self._here, incident.id, actor=lead, reason=SCRIPTED)
        return f"{lead} closed the incident"

    async def _propose(self, incident: Incident, kind: StatementKind, lead: str) -> str:
        statement = await draft(self._here, incident.id, kind, again=kind is StatementKind.UPDATE)
        await propose(self._here, statement, by=lead)
        return f"{lead} had {statement.label} ({kind}) drafted and asked for approval"


def _who(
    missing: dict[str, int], people: Sequence[Stakeholder], spent: set[str], statement: Statement
) -> tuple[str, Stakeholder]:
    """Somebody who may give one of the missing approvals."""
    for role in missing:
        for person in people:
            if role in person.roles and person.email not in spent:
                return role, person
    wanted = ", ".join(missing)
    raise NotAllowed(f"nobody is left who could approve {statement.label} for {wanted}: who would, on a real night?")

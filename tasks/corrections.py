"""Corrections that open by themselves: when a fact changes that something published relied on, nobody stays misled unseen.

One draft is opened for all statements of an incident that no longer hold; it goes to every target that carries one of
them, mailings included. Which targets still want one follows from what is on record (``crisis.reliance``), so a process
that was killed between two steps leaves nothing behind that the next call, or the sweep, does not find; and a repeat
drafts nothing twice. Whether the correction is proposed is for people: a spelling that was mended wants none.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass

from crisis import drafting
from crisis.incident import Incident, IncidentState
from crisis.reliance import speaks_of, uncorrected
from crisis.statement import Statement, Target
from crisis.values import StatementKind
from records import StatementStatus, Transaction
from tasks.approve import propose_draft
from tasks.binding import what_changed
from tasks.doubt import IN_DOUBT, Doubt, in_doubt, mark_doubts
from tasks.draft import DEAD, draft, is_taken_back
from tasks.installation import Installation
from tasks.notify import Notice, tell, tell_lead
from tasks.outlets import NothingToCorrect, outlets_again

logger = logging.getLogger(__name__)
CORRECTED = frozenset(IncidentState) - {IncidentState.CANDIDATE, IncidentState.DISMISSED}
"""States in which something may be out that wants a correction: also when the incident is over."""

_LIVE = frozenset(
    {StatementStatus.DRAFT, StatementStatus.PROPOSED, StatementStatus.APPROVED, StatementStatus.PUBLISHED}
)


@dataclass(frozen=True)
class _Correction:
    """The latest version of a correction, and where it stands."""

    statement: Statement
    status: StatementStatus

    @property
    def by_template(self) -> bool:
        return self.statement.author == drafting.AUTHOR

    @property
    def counts(self) -> bool:
        """Whether people have its words, or will, or have said that they want others."""
        return self.status in _LIVE or self.status is StatementStatus.RETURNED


async def open_corrections(here: Installation, incident_id: str) -> list[Statement]:
    """Draft the correction that the incident's published statements want, one a language; safe to repeat.

    A draft that an earlier version of had been proposed is proposed again; of any other the incident lead is told.
    """
    async with here.store.reading() as tx:  # most incidents have nothing to correct, and writers queue
        incident = await tx.incidents.get(incident_id)
        if not await in_doubt(tx, incident_id) and not await tx.ledger.list(kind=IN_DOUBT, incident=incident_id):
            return []
    if incident.state not in CORRECTED:
        return []
    async with here.store.transaction() as tx:
        await mark_doubts(tx, incident_id, {"actor": "fireline", "via": here.via, "flow_run_id": here.flow_run_id})
        languages = dict.fromkeys(d.statement.readers_language for d in await in_doubt(tx, incident_id))
        wanted = [found for language in languages if (found := await _wanted(here, tx, incident_id, language))]
    made = []
    for corrects, again, targets in wanted:
        with suppress(NothingToCorrect):  # the fact is as it was again, this very moment
            made.append(
                await draft(
                    here, incident_id, StatementKind.CORRECTION, corrects=corrects, again=again, only_to=targets
                )
            )
    await _tell_of_drafts(here, incident)
    return made


async def _wanted(
    here: Installation, tx: Transaction, incident_id: str, language: str
) -> tuple[str, bool, frozenset[Target]] | None:
    """Which statement the correction is of, whether another one of it exists that stays, and where it goes."""
    doubts = [d for d in await in_doubt(tx, incident_id) if d.statement.readers_language == language]
    corrections = [c for c in await _corrections(tx, incident_id) if c.statement.readers_language == language]
    open_at: dict[Target, Doubt] = {}
    for doubt in doubts:
        if _with_people(doubt, corrections):
            continue
        carriers = await _carriers(here, tx, doubt.statement)
        counted = [c.statement for c in corrections if c.counts]
        open_at |= dict.fromkeys(uncorrected(carriers, doubt.changed, counted), doubt)
    if not open_at:
        return None
    doubtful = {doubt.statement.id for doubt in doubts}
    for one in reversed(corrections):
        of = one.statement.corrects
        last = one is [c for c in corrections if c.statement.corrects == of][-1]
        stale = one.status is StatementStatus.DRAFT and bool(await what_changed(tx, one.statement))
        if one.by_template and last and of in doubtful and (one.status in DEAD or stale):
            return of, False, frozenset(open_at)
    newest = max(open_at.values(), key=lambda d: d.statement.created_at).statement.id
    there = [c for c in corrections if c.statement.corrects == newest]
    return newest, bool(there) and there[-1].status not in DEAD, frozenset(open_at)


async def _corrections(tx: Transaction, incident_id: str) -> list[_Correction]:
    found = []
    for s in await tx.statements.list(incident_id):
        if s.kind is StatementKind.CORRECTION:
            status = await tx.statements.status(s.id, s.version)
            found.append(_Correction(s, StatementStatus.RETURNED if await is_taken_back(tx, s, status) else status))
    return found


def _with_people(doubt: Doubt, corrections: list[_Correction]) -> bool:
    """Whether a person is writing the correction, or has published one that speaks of the facts as they are."""
    for one in corrections:
        if one.statement.corrects != doubt.statement.id or one.by_template:
            continue
        if one.status not in (StatementStatus.PUBLISHED, StatementStatus.WITHDRAWN, StatementStatus.EXPIRED) or (
            one.status is StatementStatus.PUBLISHED and speaks_of(one.statement, doubt.changed)
        ):
            return True
    return False


async def _carriers(here: Installation, tx: Transaction, wrong: Statement) -> frozenset[Target]:
    try:
        return frozenset(outlet.target for outlet in await outlets_again(tx, here, [wrong]))
    except NothingToCorrect:
        return frozenset()


async def _tell_of_drafts(here: Installation, incident: Incident) -> None:
    """Propose again what had been proposed; tell the lead of every other correction that waits for somebody."""
    async with here.store.reading() as tx:
        doubts = await in_doubt(tx, incident.id)
        waiting = [
            c.statement
            for c in await _corrections(tx, incident.id)
            if c.by_template and c.status is StatementStatus.DRAFT and not await what_changed(tx, c.statement)
        ]
        asked = {s.id for s in waiting if await _was_asked_for(tx, s)}
    for statement in waiting:
        if statement.id in asked:
            await propose_draft(here, statement)
        elif doubts:
            notice = Notice(
                occasion=f"correction/{statement.id}/{statement.version}",
                template="correction",
                context={
                    "statement": statement,
                    "doubts": [(d.statement.label, one.says) for d in doubts for one in d.changed],
                    "channels": [r.target.channel for r in statement.renderings],
                },
            )
            await tell_lead(here, incident, notice, why="something published no longer holds")


async def _was_asked_for(tx: Transaction, statement: Statement) -> bool:
    """Whether people asked for approval of an earlier version, and none was sent back or taken back."""
    proposed = False
    for version in range(1, statement.version):
        if await tx.statements.status(statement.id, version) in (StatementStatus.RETURNED, StatementStatus.WITHDRAWN):
            return False
        proposed = proposed or await tx.statements.proposal(statement.id, version) is not None
    return proposed


async def tell_voided(here: Installation, incident: Incident) -> None:
    """Tell whoever was asked to approve something that is void because what it relied on changed. Telling twice tells once."""
    async with here.store.reading() as tx:
        voided = await tx.ledger.list(kind="statement.voided", incident=incident.id)
        if not voided:
            return
        people = {p.email: p for p in await tx.stakeholders.list()}
        told = [
            (str(r.data.get("occasion")), str(r.data.get("stakeholder")))
            for r in await tx.ledger.list(kind="stakeholder.told", incident=incident.id)
        ]
        reached = {
            (r.data.get("occasion"), r.data.get("stakeholder"))
            for r in await tx.ledger.list(kind="stakeholder.reached", incident=incident.id)
        }
        tellings = []
        for record in voided:
            name, version = str(record.data["statement"]), int(record.data["version"])
            if record.data.get("replaced_by"):
                continue
            statement = await tx.statements.get(name, version)
            notice = Notice(
                occasion=f"voided/{name}/{version}",
                template="voided",
                context={"statement": statement, "reason": record.reason},
            )
            asked = {email: on.rpartition("/")[2] for on, email in told if on.startswith(f"approval/{name}/{version}/")}
            for email, role in asked.items():
                if email in people and (notice.occasion, email) not in reached:
                    tellings.append((people[email], notice, f"was asked to approve it as {role}"))
    for person, notice, why in tellings:
        await tell(here, incident, person, notice, why=why)


async def recover_corrections(here: Installation) -> list[str]:
    """Open whatever correction a killed process left unopened in incidents that are over; those that go on are renewed
    by the sweep in any case. Returns the labels of the new drafts."""
    async with here.store.reading() as tx:
        marked = {r.incident for r in await tx.ledger.list(kind=IN_DOUBT)}
        over = await tx.incidents.list(states=(IncidentState.RESOLVED, IncidentState.REVIEWED))
    opened = []
    for incident in over:
        if incident.id in marked:
            try:
                opened += [made.label for made in await open_corrections(here, incident.id)]
            except Exception:  # one that cannot be drafted now must not keep the sweep from everything else
                logger.exception("the correction that %s wants could not be drafted", incident.id)
    return opened

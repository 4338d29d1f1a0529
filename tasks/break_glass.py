"""Breaking the glass: one incident lead releases a proposed text without its approvals, because it cannot wait.

The price is that nobody can overlook it: a typed reason, a one-time code, a record and an event of their own, and
everybody who holds any role is told at once, whatever their conditions.
"""

import asyncio

from crisis.approval import NotAllowed, Standing, Via
from crisis.incident import Incident
from crisis.release import Means, Release, check_break_glass
from crisis.statement import Statement
from records import StatementStatus
from records.work import Act
from tasks.approve import APPROVER_WAITS, CHECK_AGAIN, check_code, standing_of
from tasks.binding import what_changed
from tasks.installation import Installation
from tasks.linting import untrue_since
from tasks.people import sees
from tasks.preclear import tell_of_release
from tasks.publish import hand_over, publish_statement
from tasks.runs import wake
from tasks.standing import mark, standing_in


async def break_glass(
    here: Installation,
    *,
    statement: str,
    version: int,
    content_hash: str,
    person: str,
    code: str,
    reason: str,
    via: Via,
) -> Standing:
    """Release exactly this content now, and tell everybody.

    Raises:
        NotAllowed: the playbook forbids it, they are no incident lead, wrote it themselves, gave no reason worth the
            name or a wrong code, or it is not before its approvers as shown; why is on record.
        records.NotFound: no such statement.
    """
    try:
        await check_code(here, person, code)
        incident, text, release = await _release(here, statement, version, content_hash, person, reason, via)
    except NotAllowed as refusal:
        async with here.store.transaction() as tx:
            incident_id = (await tx.statements.get(statement, version)).incident
            act: Act = {"actor": person, "via": via.value, "reason": str(refusal), "flow_run_id": here.flow_run_id}
            data = {"statement": statement, "version": version, "act": "break_glass"}
            await tx.ledger.append("decision.refused", incident=incident_id, data=data, **act)
        raise
    await asyncio.gather(
        publish_statement(here, statement, version, mailing_seconds=APPROVER_WAITS),
        tell_of_release(here, incident, text, release),
    )
    if here.flow_run_id != incident.flow_run_id:
        await wake(incident.flow_run_id, CHECK_AGAIN)
    return await standing_of(here, statement, version)


async def _release(
    here: Installation, statement: str, version: int, content_hash: str, person: str, reason: str, via: Via
) -> tuple[Incident, Statement, Release]:
    act: Act = {"actor": person, "via": via.value, "reason": reason, "flow_run_id": here.flow_run_id}
    stale = ""
    async with here.store.transaction() as tx:
        text = await tx.statements.get(statement, version)
        incident = await tx.incidents.get(text.incident)
        stands = await standing_in(here, tx, text)
        status = await tx.statements.status(statement, version)
        known = await tx.stakeholders.get(person)
        if not await sees(tx, incident, known):
            raise NotAllowed(f"{incident.id} is restricted, and {person} is not among those who may see it")
        playbook = here.playbook(incident.assessment.type)
        check_break_glass(
            person=person if known else "",
            roles=known.roles_on(incident.watch) if known else (),
            lead=incident.lead,
            author=text.author,
            reason=reason,
            allowed=playbook.break_glass,
            playbook=playbook.type.value,
        )
        if status is not StatementStatus.PROPOSED:
            raise NotAllowed(f"{text.label} is {status.value}, so there is no glass to break: {stands.says}")
        if content_hash != text.content_hash:
            raise NotAllowed("the text has changed since it was shown: read the new version and decide on that")
        stale = await what_changed(tx, text) or await untrue_since(here, tx, text)
        release = Release(
            statement=statement,
            version=version,
            content_hash=text.content_hash,
            means=Means.BREAK_GLASS,
            by=person,
            reason=reason,
            via=via,
            released_at=here.clock.now(),
        )
        if stale:
            await mark(here, tx, text, StatementStatus.VOIDED, stale)
        else:
            data = {"approvals_missing": stands.missing, "playbook": playbook.type.value}
            await tx.releases.add(release, data=data, **act)
            await mark(here, tx, text, StatementStatus.APPROVED, release.says)
            await hand_over(here, tx, text)
    if stale:
        raise NotAllowed(f"{text.label} is void, because {stale}: it must be drafted again")
    return incident, text, release

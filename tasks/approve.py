"""Approval: proposing a statement, and the one ``decide`` in which every route ends (DESIGN §6).

The desk, the e-mail link, the command line and the Prefect form call the same function with the same checks. Whoever
records the last decision publishes at once, in the same process; the suspended run is woken afterwards and finds the
deliveries done.
"""

import asyncio
import time
from collections.abc import Iterable

from crisis.approval import (
    Decision,
    NotAllowed,
    Policy,
    Standing,
    Verdict,
    Via,
    check_decision,
    standing,
)
from crisis.incident import Incident
from crisis.stakeholder import Stakeholder
from crisis.statement import Statement
from records import AlreadyDecided, Proposal, StatementStatus, Transaction
from tasks.binding import what_changed
from tasks.installation import Installation
from tasks.links import PLACEHOLDER, LinkClaims
from tasks.linting import Blocked, refuse_blocked
from tasks.notify import Notice, tell, tell_lead
from tasks.people import sees
from tasks.publish import publish_statement
from tasks.runs import emit, wake

APPROVER_WAITS = 5.0
"""Seconds for which the last approver waits for a mailing; then its run goes on with it, or the sweep."""
CHECK_AGAIN = {
    "decision": "check again",
    "approver": "-",
    "role": "-",
    "one_time_code": "-",
    "reason": "decided elsewhere",
}
"""What wakes a suspended run whose decision came by another route."""


async def propose(here: Installation, statement: Statement, *, by: str) -> Proposal:
    """Ask for the approvals that the playbook wants, and send each approver their own signed link. Repeats ask once.

    An expired proposal is asked for anew; what was returned or voided needs a new version.

    Raises:
        tasks.linting.Blocked: a finding of lint blocks the text.
        NotAllowed: this version was returned, voided or withdrawn, or the same words were returned before.
    """
    await refuse_blocked(here, statement)
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(statement.incident)
        policy = here.playbook(incident.assessment.type).approval[statement.kind]
        proposal = await tx.statements.proposal(statement.id, statement.version)
        status = await tx.statements.status(statement.id, statement.version)
        returned = [d for d in await tx.decisions.list(statement.content_hash) if d.verdict is Verdict.RETURN]
        if returned or status in (StatementStatus.RETURNED, StatementStatus.VOIDED, StatementStatus.WITHDRAWN):
            why = f"its words were returned by {returned[0].approver}" if returned else f"it is {status}"
            raise NotAllowed(f"{statement.label} cannot be proposed, because {why}: write a new version")
        if proposal is None or status is StatementStatus.EXPIRED:
            proposal = await tx.statements.propose(
                statement.id,
                statement.version,
                policy,
                by=by,
                actor=by,
                via=here.via,
                flow_run_id=here.flow_run_id,
            )
        people = [p.on(incident.watch) for p in await tx.stakeholders.list()]
    emit(
        "statement.proposed",
        incident=incident.id,
        reference=f"{statement.id}/{statement.version}",
        payload={"incident": incident.id, "statement": statement.id, "version": statement.version},
    )
    asked = approvers(proposal.policy, people, author=statement.author)
    await asyncio.gather(
        *(
            tell(here, incident, p, _request(statement, proposal, p, role), why=f"approves as {role}")
            for p, role in asked
        )
    )
    return proposal


async def propose_draft(here: Installation, statement: Statement) -> str:
    """Propose what a template wrote; when lint blocks it, the incident lead is told what to mend. Returns a sentence.

    What may not be proposed (again) is left to people: the response waits for their version.
    """
    try:
        await propose(here, statement, by=statement.author)
    except Blocked as blocked:
        async with here.store.reading() as tx:
            incident = await tx.incidents.get(statement.incident)
        notice = Notice(
            occasion=f"blocked/{statement.id}/{statement.version}",
            template="returned",
            context={"statement": statement, "approver": "Fireline's lint", "reason": str(blocked)},
        )
        await tell_lead(here, incident, notice, why="a draft must be mended before it can be proposed")
        return str(blocked)
    except NotAllowed as refusal:
        return str(refusal)
    return f"{statement.label} is proposed"


def approvers(policy: Policy, people: Iterable[Stakeholder], *, author: str) -> list[tuple[Stakeholder, str]]:
    """Who is asked, and in which role: everybody who holds a role the policy wants, once, except the author."""
    asked = []
    for person in people:
        role = next((r for r in policy.roles if r in person.roles), None)
        if role is not None and person.email != author:
            asked.append((person, role))
    return asked


def _request(statement: Statement, proposal: Proposal, person: Stakeholder, role: str) -> Notice:
    claims = LinkClaims(
        statement=statement.id,
        version=statement.version,
        content_hash=statement.content_hash,
        approver=person.email,
        role=role,
    )
    return Notice(
        occasion=f"approval/{statement.id}/{statement.version}/{proposal.proposed_at:%Y%m%dT%H%M%S}",
        template="approval",
        context={"statement": statement, "role": role},
        link=PLACEHOLDER,
        button="Read and decide",
        options={"claims": claims.model_dump_json()},
    )


async def standing_of(here: Installation, statement: str, version: int) -> Standing:
    """Where a proposal stands now; an expiry or a change of what it relies on is put on record here."""
    async with here.store.transaction() as tx:
        return await _standing(here, tx, await tx.statements.get(statement, version))


async def _standing(here: Installation, tx: Transaction, statement: Statement) -> Standing:
    status = await tx.statements.status(statement.id, statement.version)
    proposal = await tx.statements.proposal(statement.id, statement.version)
    if proposal is None:
        says = f"has not been proposed yet: `fireline propose {statement.id}`"
        return Standing(approved=False, returned=False, expired=False, missing={}, says=says)
    decisions = await tx.decisions.list(statement.content_hash)
    now = standing(
        proposal.policy,
        decisions,
        content_hash=statement.content_hash,
        proposed_at=proposal.proposed_at,
        now=here.clock.now(),
    )
    if status is StatementStatus.VOIDED:
        return now.model_copy(update={"approved": False, "returned": True, "says": "void: what it relied on changed"})
    if status is StatementStatus.PROPOSED and now.expired:
        await _mark(here, tx, statement, StatementStatus.EXPIRED, now.says)
    return now


async def _mark(here: Installation, tx: Transaction, statement: Statement, to: StatementStatus, why: str) -> None:
    await tx.statements.set_status(
        statement.id,
        statement.version,
        to,
        actor="approval",
        via=here.via,
        reason=why,
        flow_run_id=here.flow_run_id,
    )


async def decide(
    here: Installation,
    *,
    statement: str,
    version: int,
    content_hash: str,
    approver: str,
    role: str,
    verdict: Verdict,
    via: Via,
    reason: str = "",
) -> Standing:
    """Record one decision, and publish at once when it is the last one needed.

    Raises:
        NotAllowed: the decision does not count; why is in the message and on record.
        records.NotFound: no such statement.
    """
    try:
        text, incident, after = await _record_decision(
            here,
            statement=statement,
            version=version,
            content_hash=content_hash,
            approver=approver,
            role=role,
            verdict=verdict,
            via=via,
            reason=reason,
        )
    except NotAllowed as refusal:
        await _record_refusal(here, statement, version, approver=approver, role=role, via=via, why=str(refusal))
        raise
    emit(
        f"decision.{verdict.value}",
        incident=incident.id,
        reference=f"{content_hash}/{approver}",
        payload={"incident": incident.id, "statement": statement, "version": version, "role": role},
    )
    if after.approved:
        await publish_statement(here, statement, version, mailing_seconds=APPROVER_WAITS)
    if after.returned:
        await _tell_returned(here, incident, text, approver, reason)
    if after.settled and here.flow_run_id != incident.flow_run_id:
        await wake(incident.flow_run_id, CHECK_AGAIN)
    return after


async def _tell_returned(here: Installation, incident: Incident, text: Statement, approver: str, reason: str) -> None:
    notice = Notice(
        occasion=f"returned/{text.id}/{text.version}",
        template="returned",
        context={"statement": text, "approver": approver, "reason": reason},
    )
    await tell_lead(here, incident, notice, why="a statement was returned")


async def _record_decision(
    here: Installation,
    *,
    statement: str,
    version: int,
    content_hash: str,
    approver: str,
    role: str,
    verdict: Verdict,
    via: Via,
    reason: str,
) -> tuple[Statement, Incident, Standing]:
    stale = ""
    async with here.store.transaction() as tx:
        text = await tx.statements.get(statement, version)
        incident = await tx.incidents.get(text.incident)
        before = await _standing(here, tx, text)
        status = await tx.statements.status(statement, version)
        proposal = await tx.statements.proposal(statement, version)
        person = await tx.stakeholders.get(approver)
        if not await sees(tx, incident, person):
            raise NotAllowed(f"{incident.id} is restricted, and {approver} is not among those who may see it")
        if status is not StatementStatus.PROPOSED or proposal is None:
            raise NotAllowed(f"{text.label} is {status.value}, so it waits for no decision: {before.says}")
        decision = Decision(
            content_hash=content_hash,
            statement=statement,
            version=version,
            approver=approver,
            role=role,
            verdict=verdict,
            via=via,
            reason=reason,
            decided_at=here.clock.now(),
        )
        check_decision(
            decision,
            policy=proposal.policy,
            author=text.author,
            roles_of_approver=frozenset(person.roles_on(incident.watch)) if person else frozenset(),
            proposed_at=proposal.proposed_at,
            current_hash=text.content_hash,
            earlier=await tx.decisions.list(content_hash),
        )
        stale = await what_changed(tx, text)
        if stale:
            await _mark(here, tx, text, StatementStatus.VOIDED, stale)
        else:
            await _add(here, tx, decision, incident.id)
        after = await _standing(here, tx, text)
        if after.approved and not stale:
            await _mark(here, tx, text, StatementStatus.APPROVED, "all approvals given")
        elif after.returned and not stale:
            await _mark(here, tx, text, StatementStatus.RETURNED, after.says)
    if stale:
        raise NotAllowed(f"{text.label} is void, because {stale}: it must be drafted again")
    return text, incident, after


async def _add(here: Installation, tx: Transaction, decision: Decision, incident: str) -> None:
    try:
        await tx.decisions.add(
            decision,
            actor=decision.approver,
            via=decision.via.value,
            reason=decision.reason,
            flow_run_id=here.flow_run_id,
        )
    except AlreadyDecided:
        raise NotAllowed(f"{decision.approver} has already decided on this") from None


async def _record_refusal(
    here: Installation, statement: str, version: int, *, approver: str, role: str, via: Via, why: str
) -> None:
    async with here.store.transaction() as tx:
        text = await tx.statements.get(statement, version)
        await tx.ledger.append(
            "decision.refused",
            actor=approver,
            incident=text.incident,
            via=via.value,
            reason=why,
            flow_run_id=here.flow_run_id,
            data={"statement": statement, "version": version, "role": role},
        )


async def role_of(here: Installation, statement: str, version: int, person: Stakeholder) -> str:
    """In which role somebody decides on a proposal: one that is still owed, if they hold such a one.

    Raises:
        NotAllowed: it is not proposed, or they may not see it, or hold none of the roles that decide on it.
        records.NotFound: no such statement.
    """
    missing = (await standing_of(here, statement, version)).missing
    async with here.store.reading() as tx:
        proposal = await tx.statements.proposal(statement, version)
        incident = await tx.incidents.get((await tx.statements.get(statement, version)).incident)
        seen = await sees(tx, incident, person)
    if not seen:
        raise NotAllowed(f"{incident.id} is restricted, and {person.name} is not among those who may see it")
    person = person.on(incident.watch)
    if proposal is None:
        raise NotAllowed("it waits for no decision")
    held = [role for role in proposal.policy.roles if role in person.roles]
    if not held:
        raise NotAllowed(f"{person.name} holds none of the roles that decide on it: {', '.join(proposal.policy.roles)}")
    return next((role for role in held if role in missing), held[0])


async def check_code(here: Installation, approver: str, code: str) -> None:
    """Hold somebody to their one-time code.

    Raises:
        NotAllowed: they are not enrolled, or the code is wrong, old or used.
    """
    async with here.store.transaction() as tx:
        if not await tx.codes.enrolled(approver):
            raise NotAllowed(f"{approver} has no one-time code here yet: `fireline enrol {approver}`")
        right = await tx.codes.verify(approver, code.strip().replace(" ", ""), at=time.time())
    if not right:
        raise NotAllowed("the one-time code is wrong, too old or already used: wait for the next one")

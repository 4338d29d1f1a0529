"""Approval: proposing a statement, and the one ``decide`` in which every route ends (DESIGN §6).

The desk, the e-mail link, the command line and the Prefect form call the same function with the same checks. Whoever
records the last decision publishes at once, in the same process; the suspended run is woken afterwards and finds the
deliveries done.
"""

import asyncio
import time
from contextlib import suppress

from crisis.approval import Decision, NotAllowed, Seat, Standing, Verdict, Via, check_decision
from crisis.incident import Incident
from crisis.stakeholder import Stakeholder
from crisis.statement import Statement
from records import AlreadyDecided, Proposal, StatementStatus, Transaction
from records.work import Act
from tasks.advise import reason_in
from tasks.asking import ask, seat_in
from tasks.binding import what_changed
from tasks.installation import Installation
from tasks.linting import Blocked, refuse_blocked, untrue_since
from tasks.notify import Notice, tell_lead
from tasks.people import sees
from tasks.preclear import release_if_cleared, tell_of_release
from tasks.promises import refuse_unconfirmed
from tasks.publish import hand_over, publish_statement
from tasks.replies import approval_problem
from tasks.runs import emit, wake
from tasks.standing import decided_on, mark, record_refusal, standing_in

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

    An expired proposal is asked for anew; what was returned or voided needs a new version. A holding statement whose
    words were approved beforehand goes out at once, and nobody is asked (``tasks.preclear``).

    Raises:
        tasks.linting.Blocked: a finding of lint blocks the text.
        NotAllowed: this version was returned, voided or withdrawn, the same words were returned before, or nobody has said of
            a promise in it whether it is owed.
    """
    await refuse_blocked(here, statement)
    await refuse_unconfirmed(here, statement)
    release = None
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(statement.incident)
        policy = here.playbook(incident.assessment.type).approval[statement.kind]
        proposal = await tx.statements.proposal(statement.id, statement.version)
        await standing_in(here, tx, statement)  # an expiry that nobody has looked at yet is put on record
        status = await tx.statements.status(statement.id, statement.version)
        returned = [d for d in await tx.decisions.list(statement.content_hash) if d.verdict is Verdict.RETURN]
        if returned or status in (StatementStatus.RETURNED, StatementStatus.VOIDED, StatementStatus.WITHDRAWN):
            why = f"its words were returned by {returned[0].approver}" if returned else f"it is {status}"
            raise NotAllowed(f"{statement.label} cannot be proposed, because {why}: write a new version")
        if problem := await approval_problem(tx, statement):
            raise NotAllowed(f"{statement.label} cannot be proposed: {problem}")
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
            await _record_reasoning(here, tx, statement, by=by)
            release = await release_if_cleared(here, tx, incident, statement)
    emit(
        "statement.proposed",
        incident=incident,
        reference=f"{statement.id}/{statement.version}",
        payload={"statement": statement.id, "version": statement.version},
    )
    if release is not None:
        await asyncio.gather(
            publish_statement(here, statement.id, statement.version, mailing_seconds=APPROVER_WAITS),
            tell_of_release(here, incident, statement, release),
        )
    else:
        await ask(here, statement)
    return proposal


async def _record_reasoning(here: Installation, tx: Transaction, statement: Statement, *, by: str) -> None:
    """Put beside a proposal which rule and which evidence led to its posture, what was ruled out, and what its sentences do."""
    reasoning = await reason_in(tx, statement)
    data = {"statement": statement.id, "version": statement.version, **reasoning.model_dump(mode="json")}
    act: Act = {"actor": by, "via": here.via, "reason": reasoning.counsel.why, "flow_run_id": here.flow_run_id}
    await tx.ledger.append("statement.reasoned", incident=statement.incident, data=data, **act)


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
    async with here.store.reading() as tx:
        release = await tx.releases.of(statement.id, statement.version)
    return f"{statement.label} was {release.says}" if release else f"{statement.label} is proposed"


async def standing_of(here: Installation, statement: str, version: int) -> Standing:
    """Where a proposal stands now; an expiry or a change of what it relies on is put on record here."""
    async with here.store.transaction() as tx:
        return await standing_in(here, tx, await tx.statements.get(statement, version))


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
    """Record one decision, and publish at once when it is the last one needed; else ask whoever's turn it is now.

    In which seat they decide (their own, a deputy's, or one that was handed to them) is found from the records.

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
        await record_refusal(here, statement, version, approver=approver, role=role, via=via, why=str(refusal))
        raise
    emit(
        f"decision.{verdict.value}",
        incident=incident,
        reference=f"{content_hash}/{approver}",
        payload={"statement": statement, "version": version, "role": role},
    )
    if after.approved:
        await publish_statement(here, statement, version, mailing_seconds=APPROVER_WAITS)
    if after.returned:
        await _tell_returned(here, incident, text, approver, reason)
    if not after.settled:
        await ask(here, text)
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
        before = await standing_in(here, tx, text)
        status = await tx.statements.status(statement, version)
        proposal = await tx.statements.proposal(statement, version)
        if not await sees(tx, incident, await tx.stakeholders.get(approver)):
            raise NotAllowed(f"{incident.id} is restricted, and {approver} is not among those who may see it")
        if status is not StatementStatus.PROPOSED or proposal is None:
            raise NotAllowed(f"{text.label} is {status.value}, so it waits for no decision: {before.says}")
        known = role in proposal.policy.roles
        seat = await seat_in(here, tx, text, proposal, before, approver, role) if known else Seat(role=role)
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
            on_behalf_of=seat.on_behalf_of,
            as_deputy=seat.as_deputy,
        )
        check_decision(
            decision,
            policy=proposal.policy,
            author=text.author,
            proposed_at=proposal.proposed_at,
            current_hash=text.content_hash,
            stands=before,
            earlier=await decided_on(tx, text, proposal),
        )
        stale = await what_changed(tx, text) or await untrue_since(here, tx, text)
        if stale:
            await mark(here, tx, text, StatementStatus.VOIDED, stale)
        else:
            await _add(here, tx, decision, proposal)
        after = await standing_in(here, tx, text)
        if after.approved and not stale:
            await mark(here, tx, text, StatementStatus.APPROVED, "all approvals given")
            await hand_over(here, tx, text)
        elif after.returned and not stale:
            await mark(here, tx, text, StatementStatus.RETURNED, after.says)
    if stale:
        raise NotAllowed(f"{text.label} is void, because {stale}: it must be drafted again")
    return text, incident, after


async def _add(here: Installation, tx: Transaction, decision: Decision, proposal: Proposal) -> None:
    try:
        await tx.decisions.add(
            decision,
            since=proposal.proposed_at,
            actor=decision.approver,
            via=decision.via.value,
            reason=decision.reason,
            flow_run_id=here.flow_run_id,
        )
    except AlreadyDecided:
        raise NotAllowed(f"{decision.approver} has already decided on this") from None


async def role_of(here: Installation, statement: str, version: int, person: Stakeholder) -> str:
    """In which role somebody decides on a proposal: one that is asked now and still owed, if there is such a one.

    Raises:
        NotAllowed: it is not proposed, or they may not see it, or hold none of the roles that decide on it, and none was
            handed to them.
        records.NotFound: no such statement.
    """
    async with here.store.transaction() as tx:
        text = await tx.statements.get(statement, version)
        stands = await standing_in(here, tx, text)
        proposal = await tx.statements.proposal(statement, version)
        if not await sees(tx, await tx.incidents.get(text.incident), person):
            raise NotAllowed(f"{text.incident} is restricted, and {person.name} is not among those who may see it")
        if proposal is None:
            raise NotAllowed("it waits for no decision")
        able = []
        for role in proposal.policy.roles:
            with suppress(NotAllowed):
                able.append((await seat_in(here, tx, text, proposal, stands, person.email, role)).role)
    if not able:
        raise NotAllowed(f"{person.name} holds none of the roles that decide on it: {', '.join(proposal.policy.roles)}")
    return min(able, key=lambda role: (role not in stands.missing, role not in stands.asked))


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

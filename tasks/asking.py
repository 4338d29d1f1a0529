"""Asking for decisions: who is asked in which role by now, who else may decide, and whom to ask when nobody answers.

Each person gets their own signed link, once for each role and request. The same times and settings give the same people
(``crisis.duty``), so what the sweep asks and what ``decide`` allows cannot differ.
"""

import asyncio
from dataclasses import dataclass

from crisis.approval import Seat, Standing, seat_of
from crisis.duty import Asked, asked
from crisis.incident import Incident
from crisis.stakeholder import Stakeholder
from crisis.statement import Statement
from records import Proposal, StatementStatus, Transaction
from tasks.installation import Installation
from tasks.links import PLACEHOLDER, LinkClaims
from tasks.notify import Notice, tell, tell_lead
from tasks.people import circle_of
from tasks.runs import emit
from tasks.standing import decided_on, standing_in


@dataclass(frozen=True)
class Request:
    """One person who is asked to decide."""

    person: Stakeholder
    role: str
    on_behalf_of: str = ""

    @property
    def why(self) -> str:
        handed = f", for {self.on_behalf_of}" if self.on_behalf_of else ""
        return f"approves as {self.role}{handed}"


async def asked_in(
    here: Installation,
    tx: Transaction,
    statement: Statement,
    proposal: Proposal,
    stands: Standing,
    role: str,
    *,
    used: frozenset[str] = frozenset(),
) -> Asked:
    """Who has been asked in one role by now. ``used``: whose turns are used, and whom nobody asks any more."""
    return asked(
        role,
        people=await _people(tx, statement),
        duties=here.settings.duties,
        but={statement.author} | used,
        since=stands.asked_since or proposal.proposed_at,
        now=here.clock.now(),
        every=proposal.policy.escalate_after,
    )


async def _people(tx: Transaction, statement: Statement) -> list[Stakeholder]:
    return await circle_of(tx, await tx.incidents.get(statement.incident))


async def used_turns(tx: Transaction, statement: Statement, proposal: Proposal) -> frozenset[str]:
    """Everybody whose turn is used on this proposal."""
    return frozenset(email for decision in await decided_on(tx, statement, proposal) for email in decision.people)


async def seat_in(
    here: Installation, tx: Transaction, statement: Statement, proposal: Proposal, stands: Standing, who: str, role: str
) -> Seat:
    """The seat in which somebody may decide as ``role`` now. Raises ``NotAllowed`` like ``seat_of``."""
    deputies = (await asked_in(here, tx, statement, proposal, stands, role)).people if role in stands.asked else ()
    return seat_of(
        who,
        role,
        at=here.clock.now(),
        statement=statement.id,
        author=statement.author,
        people=await _people(tx, statement),
        deputies=deputies,
        delegations=await tx.delegations.list(delegate=who),
        used=await used_turns(tx, statement, proposal),
    )


async def requests(
    here: Installation, tx: Transaction, statement: Statement, proposal: Proposal, stands: Standing
) -> list[Request]:
    """Everybody who is asked by now and whose answer is still wanted; each person once."""
    people = {p.email: p for p in await _people(tx, statement)}
    used = await used_turns(tx, statement, proposal)
    delegations = await tx.delegations.list()
    found: dict[str, Request] = {}
    for role in (r for r in proposal.policy.roles if r in stands.missing and r in stands.asked):
        for email in (await asked_in(here, tx, statement, proposal, stands, role, used=used)).people:
            found.setdefault(email, Request(people[email], role))
            holds = role in people[email].roles
            for given in (d for d in delegations if holds and d.delegator == email):
                free = given.delegate not in used and given.delegate != statement.author
                if free and given.delegate in people and given.holds(here.clock.now(), statement.id):
                    found.setdefault(given.delegate, Request(people[given.delegate], role, email))
    return list(found.values())


async def ask(here: Installation, statement: Statement) -> None:
    """Send the signed link to everybody who is asked by now and has not been. Asking twice asks once."""
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(statement.incident)
        proposal = await tx.statements.proposal(statement.id, statement.version)
        status = await tx.statements.status(statement.id, statement.version)
        stands = await standing_in(here, tx, statement)
        if proposal is None or status is not StatementStatus.PROPOSED or stands.settled:
            return
        wanted = await requests(here, tx, statement, proposal, stands)
        told = {
            (str(r.data.get("stakeholder")), str(r.data.get("occasion")))
            for r in await tx.ledger.list(kind="stakeholder.told", incident=incident.id)
        }
    new = [(r, _notice(statement, proposal, r)) for r in wanted]
    await asyncio.gather(
        *(
            tell(here, incident, r.person, notice, why=r.why)
            for r, notice in new
            if (r.person.email, notice.occasion) not in told
        )
    )


def _notice(statement: Statement, proposal: Proposal, request: Request) -> Notice:
    claims = LinkClaims(
        statement=statement.id,
        version=statement.version,
        content_hash=statement.content_hash,
        approver=request.person.email,
        role=request.role,
    )
    about = f"{statement.id}/{statement.version}/{proposal.proposed_at:%Y%m%dT%H%M%S}/{request.role}"
    return Notice(
        occasion=f"approval/{about}",
        template="approval",
        context={"statement": statement, "role": request.role, "on_behalf_of": request.on_behalf_of},
        link=PLACEHOLDER,
        button="Read and decide",
        options={"claims": claims.model_dump_json()},
    )


async def mind_approvals(here: Installation) -> str:
    """Ask the next one wherever nobody has answered in time, and tell the lead where everybody was asked in vain."""
    async with here.store.reading() as tx:
        waiting = [await tx.statements.get(p.statement, p.version) for p in await tx.statements.open_proposals()]
    said = await asyncio.gather(*(_mind(here, statement) for statement in waiting))
    return "; ".join(filter(None, said))


async def _mind(here: Installation, statement: Statement) -> str:
    says: list[str] = []
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(statement.incident)
        proposal = await tx.statements.proposal(statement.id, statement.version)
        stands = await standing_in(here, tx, statement)
        if proposal is None or stands.settled:
            return ""
        used = await used_turns(tx, statement, proposal)
        vain = []
        for role in (r for r in proposal.policy.roles if r in stands.missing and r in stands.asked):
            now = await asked_in(here, tx, statement, proposal, stands, role, used=used)
            if now.in_vain:
                vain.append(role)
            if now.step and await _escalate(here, tx, incident, statement, proposal, role, now):
                says.append(f"{statement.label}: nobody answered as {role}, so it was escalated")
    if says:
        payload = {"statement": statement.id, "version": statement.version}
        emit("approval.escalated", incident=incident, reference=f"{statement.label} {says}", payload=payload)
    await ask(here, statement)
    for role in vain:
        notice = Notice(
            occasion=f"unanswered/{statement.id}/{statement.version}/{proposal.proposed_at:%Y%m%dT%H%M%S}/{role}",
            template="unanswered",
            context={
                "statement": statement,
                "role": role,
                "until": proposal.proposed_at + proposal.policy.expires_after,
            },
        )
        await tell_lead(here, incident, notice, why="everybody was asked to approve, and nobody has answered")
    return "; ".join(says)


async def _escalate(
    here: Installation,
    tx: Transaction,
    incident: Incident,
    statement: Statement,
    proposal: Proposal,
    role: str,
    now: Asked,
) -> bool:
    """Put an escalation on record; false when it widened nothing that is not on record already."""
    about = {
        "statement": statement.id,
        "version": statement.version,
        "role": role,
        "proposed_at": proposal.proposed_at.isoformat(),
        "asked": list(now.people),
        "in_vain": now.in_vain,
    }
    for record in await tx.ledger.list(kind="approval.escalated", incident=incident.id):
        if about.items() <= record.data.items():
            return False
    why = "everybody was asked, and nobody has answered" if now.in_vain else "nobody has answered in time"
    await tx.ledger.append(
        "approval.escalated",
        actor="sweep",
        incident=incident.id,
        via=here.via,
        reason=why,
        flow_run_id=here.flow_run_id,
        data=about | {"step": now.step},
    )
    return True

"""Where a proposal stands, from what is on record: the one look that asking, deciding, publishing and waiting share."""

from crisis.approval import Decision, Standing, Via, counting, standing
from crisis.statement import Statement
from crisis.values import UtcDatetime
from records import Proposal, StatementStatus, Transaction
from tasks.installation import Installation


async def proposal_standing(tx: Transaction, statement: Statement, proposal: Proposal, *, now: UtcDatetime) -> Standing:
    """What its decisions, or its release, make of a proposal at ``now``."""
    return standing(
        proposal.policy,
        await tx.decisions.list(statement.content_hash),
        content_hash=statement.content_hash,
        statement=statement.id,
        version=statement.version,
        proposed_at=proposal.proposed_at,
        now=now,
        release=await tx.releases.of(statement.id, statement.version),
    )


async def decided_on(tx: Transaction, statement: Statement, proposal: Proposal) -> tuple[Decision, ...]:
    """The decisions that count for a proposal, oldest first."""
    return counting(
        await tx.decisions.list(statement.content_hash),
        content_hash=statement.content_hash,
        statement=statement.id,
        version=statement.version,
        proposed_at=proposal.proposed_at,
    )


async def own_decision(tx: Transaction, statement: Statement, proposal: Proposal, person: str) -> Decision | None:
    """What somebody has decided on a proposal, or what was decided in their place."""
    return next((d for d in await decided_on(tx, statement, proposal) if person in d.people), None)


async def record_refusal(
    here: Installation, statement: str, version: int, *, approver: str, via: Via, why: str, **about: str
) -> None:
    """Put on record that what somebody asked for about an approval did not count. Raises ``records.NotFound``."""
    async with here.store.transaction() as tx:
        text = await tx.statements.get(statement, version)
        await tx.ledger.append(
            "decision.refused",
            actor=approver,
            incident=text.incident,
            via=via.value,
            reason=why,
            flow_run_id=here.flow_run_id,
            data={"statement": statement, "version": version, **about},
        )


async def standing_in(here: Installation, tx: Transaction, statement: Statement) -> Standing:
    """Where a version stands now; an expiry is put on record here."""
    status = await tx.statements.status(statement.id, statement.version)
    proposal = await tx.statements.proposal(statement.id, statement.version)
    if proposal is None:
        says = f"has not been proposed yet: `fireline propose {statement.id}`"
        return Standing(approved=False, returned=False, expired=False, missing={}, says=says)
    now = await proposal_standing(tx, statement, proposal, now=here.clock.now())
    if status is StatementStatus.VOIDED:
        return now.model_copy(update={"approved": False, "returned": True, "says": "void: what it relied on changed"})
    if status is StatementStatus.PROPOSED and now.expired:
        await mark(here, tx, statement, StatementStatus.EXPIRED, now.says)
    return now


async def mark(
    here: Installation, tx: Transaction, statement: Statement, to: StatementStatus, why: str, *, actor: str = "approval"
) -> None:
    """Say where a version stands from now on, and why."""
    await tx.statements.set_status(
        statement.id,
        statement.version,
        to,
        actor=actor,
        via=here.via,
        reason=why,
        flow_run_id=here.flow_run_id,
    )

"""Taking a decision back before anything is handed to the channels. In which order it and the last decision come is
decided by the database: one of the two transactions is first, and each sees what the other has done.

* Take-back first: the decision that would have been the last is not, and nothing goes out.
* Last decision first: its transaction also filled the outbox, so the take-back is refused and says what to do instead.
"""

from crisis.approval import Decision, NotAllowed, Standing, Verdict, Via
from crisis.delivery import Purpose
from crisis.statement import Statement
from records import StatementStatus, Transaction
from records.work import Act
from tasks.asking import ask
from tasks.installation import Installation
from tasks.notify import Notice, name_of, tell_lead
from tasks.runs import emit
from tasks.standing import mark, own_decision, record_refusal, standing_in


async def take_back(
    here: Installation, *, statement: str, version: int, approver: str, via: Via, reason: str
) -> Standing:
    """An approver takes their approval back (or one that was given for them); where the text then stands.

    They, or whoever else holds the role, may decide anew.

    Raises:
        NotAllowed: there is nothing to take back, or it is too late; why and what to do is in the message and on record.
        records.NotFound: no such statement.
    """
    try:
        async with here.store.transaction() as tx:
            text = await tx.statements.get(statement, version)
            incident = await tx.incidents.get(text.incident)
            decision = await _own(here, tx, text, approver)
            if not reason.strip():
                raise NotAllowed("say why you take it back: the reason goes on record")
            act: Act = {"actor": approver, "via": via.value, "reason": reason, "flow_run_id": here.flow_run_id}
            await tx.decisions.take_back(decision, **act)
            if await tx.statements.status(statement, version) is StatementStatus.APPROVED:
                await mark(here, tx, text, StatementStatus.PROPOSED, f"{approver} took their approval back")
            after = await standing_in(here, tx, text)
    except NotAllowed as refusal:
        await record_refusal(here, statement, version, approver=approver, via=via, why=str(refusal), act="take_back")
        raise
    payload = {"statement": statement, "version": version}
    reference = f"{decision.content_hash}/{decision.approver}/{decision.number}"
    emit("decision.taken_back", incident=incident, reference=reference, payload=payload)
    notice = Notice(
        occasion=f"taken back/{statement}/{version}/{decision.approver}/{decision.number}",
        template="taken_back",
        context={"statement": text, "approver": name_of(here, approver), "role": decision.role, "reason": reason}
        | {"stands": after.says},
    )
    await tell_lead(here, incident, notice, why="an approval was taken back")
    await ask(here, text)
    return after


async def _own(here: Installation, tx: Transaction, text: Statement, approver: str) -> Decision:
    """The approval that can be taken back. Raises ``NotAllowed``."""
    proposal = await tx.statements.proposal(text.id, text.version)
    if await tx.outbox.list(statement=text.id, version=text.version, purpose=Purpose.STATEMENT):
        raise NotAllowed(
            f"{text.label} has been handed to its channels, so no approval of it can be taken back: take the text back "
            f"(`fireline withdraw {text.id}`), or correct it (`fireline correct {text.id}`)"
        )
    await standing_in(here, tx, text)  # an expiry that nobody has looked at yet is put on record
    status = await tx.statements.status(text.id, text.version)
    if proposal is None or status not in (StatementStatus.PROPOSED, StatementStatus.APPROVED):
        raise NotAllowed(f"{text.label} is {status.value}, so no approval of it counts any more: nothing is to be done")
    own = await own_decision(tx, text, proposal, approver)
    if own is None or own.verdict is not Verdict.APPROVE:
        raise NotAllowed(f"{approver} has not approved {text.label}, so there is nothing to take back")
    return own

"""The first word: whoever records an incident tells people, starts the response and drafts the holding statement at once.

Two moments do not wait for a process to start (DESIGN §12): people being told, and a draft lying before the approvers. The
Prefect run, when it gets there, finds both done. The same holds when an incident worsens or a fact changes: proposals
that no longer hold are void, and whoever changed it sees to the next version.
"""

import asyncio
import logging

from crisis import drafting
from crisis.incident import Incident, IncidentState
from crisis.statement import Statement
from crisis.values import StatementKind
from records import StatementStatus
from tasks.answers import answer_again
from tasks.approve import CHECK_AGAIN, propose_draft
from tasks.binding import what_changed
from tasks.corrections import open_corrections, tell_voided
from tasks.draft import draft, draft_for_response, is_taken_back
from tasks.installation import Installation
from tasks.notify import Notice, tell_lead, tell_stakeholders
from tasks.outlets import languages_for
from tasks.runs import Started, wake
from tasks.triage import opened_notice, start_response

logger = logging.getLogger(__name__)

ANSWERED = frozenset({IncidentState.OPEN, IncidentState.RESPONDING, IncidentState.MONITORING})
"""States in which statements are still written."""


async def alert(here: Installation, incident: Incident) -> Started:
    """Tell the people whose conditions are met, start the response, and put the holding statement before its approvers.

    The incident row exists already. All three go side by side, so that none waits for another.
    """
    _, started, _ = await asyncio.gather(
        tell_stakeholders(here, incident, opened_notice(here, incident)),
        start_response(here, incident),
        draft_holding(here, incident.id),
    )
    return started


async def draft_holding(here: Installation, incident_id: str) -> str:
    """Draft and propose the holding statement now; returns a sentence. What goes wrong is left to the response's run."""
    try:
        says = await propose_draft(here, await draft_for_response(here, incident_id, StatementKind.HOLDING))
        return "; ".join([says, *await draft_in_other_languages(here, incident_id, StatementKind.HOLDING)])
    except Exception as error:  # people must be told and the run started, whatever the text's trouble is
        logger.exception("no holding statement for %s now; its response will try again", incident_id)
        return f"not drafted now ({type(error).__name__})"


async def draft_in_other_languages(here: Installation, incident_id: str, kind: StatementKind) -> list[str]:
    """Draft and propose the same for the readers of every other language that its channels name. Safe to repeat.

    Each is a statement of its own, with approvals of its own: nobody approves what they cannot read by approving another.
    """
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
    others = languages_for(here, incident, kind)[1:]
    return [await propose_draft(here, await draft_for_response(here, incident_id, kind, other)) for other in others]


async def reassessed(here: Installation, incident: Incident) -> None:
    """An incident was assessed anew: tell those whose conditions it meets now, and renew what no longer holds."""
    if incident.state not in ANSWERED:
        return
    await asyncio.gather(
        tell_stakeholders(here, incident, opened_notice(here, incident)),
        renew(here, incident.id),
    )


async def renew(here: Installation, incident_id: str) -> list[Statement]:
    """Void proposals whose severity or facts have changed; what a template wrote is drafted and proposed anew.

    What was published and no longer holds gets its correction drafted, once. A person's text is theirs to rewrite: the
    lead is told that it is void. Whoever was asked to approve what is void is told, too. A run that
    waits for the void text is woken.
    Returns the new versions. Safe to repeat.
    """
    await _void_stale(here, incident_id)
    await open_corrections(here, incident_id)
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        void = [
            s
            for s in await tx.statements.list(incident_id)
            if await tx.statements.status(s.id, s.version) is StatementStatus.VOIDED
            and await tx.statements.proposal(s.id, s.version)
            and not await is_taken_back(tx, s, StatementStatus.VOIDED)
        ]
    await tell_voided(here, incident)
    if incident.state not in ANSWERED:
        return []
    renewed = []
    for statement in void:
        by_person = statement.author != drafting.AUTHOR or not statement.kind.to_all
        if by_person or statement.kind is StatementKind.CORRECTION:
            await _tell_void(here, incident, statement)  # what still wants correcting was opened above
            continue
        again = statement.answers or statement.page
        fresh = (
            await answer_again(here, statement)
            if again
            else await draft(here, incident_id, statement.kind, language=statement.readers_language)
        )
        await propose_draft(here, fresh)
        renewed.append(fresh)
    if renewed and here.flow_run_id != incident.flow_run_id:
        await wake(incident.flow_run_id, CHECK_AGAIN)
    return renewed


async def _void_stale(here: Installation, incident_id: str) -> None:
    async with here.store.transaction() as tx:
        for proposal in await tx.statements.open_proposals(incident_id):
            why = await what_changed(tx, await tx.statements.get(proposal.statement, proposal.version))
            if why:
                await tx.statements.set_status(
                    proposal.statement,
                    proposal.version,
                    StatementStatus.VOIDED,
                    actor="approval",
                    via=here.via,
                    reason=why,
                    flow_run_id=here.flow_run_id,
                )


async def _tell_void(here: Installation, incident: Incident, statement: Statement) -> None:
    notice = Notice(
        occasion=f"void/{statement.id}/{statement.version}",
        template="returned",
        context={
            "statement": statement,
            "approver": "Fireline",
            "reason": "what it relied on has changed, so its approvals no longer count: write a new version",
        },
    )
    await tell_lead(here, incident, notice, why="a proposal became void")

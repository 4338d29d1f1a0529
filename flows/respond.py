"""Respond: from an open incident to the first word being out.

Started by a detected incident, by hand from the Prefect UI, or by ``fireline open``. Needs: the configuration found by
``config.load``. It is shaped to be run again from the top at any time (on resume, after a crash, by ``sweep``): every
step finds in records what is done. While people decide, the run is suspended and no process waits.
"""

from datetime import timedelta
from typing import Annotated

from prefect import flow
from prefect.exceptions import ObjectNotFound
from prefect.flow_runs import asuspend_flow_run
from prefect.runtime import flow_run
from pydantic import ValidationError

from crisis.approval import Standing
from crisis.statement import Statement
from crisis.values import CrisisType, Severity, StatementKind
from flows.publish import publish
from flows.shown import shown
from tasks import forms, steps, triage
from tasks.installation import Installation, installation
from tasks.runs import is_paused

SUSPENDED_SECONDS = 14 * 24 * 3600
"""How long a run may wait for people: far longer than any escalation, because expiry fails the run."""


@flow(name="respond", description=__doc__, validate_parameters=True)
async def respond(
    title: Annotated[
        str, shown("What has happened", "In one line, in your own words: Card payments fail all over the country.")
    ] = "",
    watch: Annotated[
        str,
        shown(
            "What is affected", "Your name for the brand or product (its watch). Leave it empty if you have one only."
        ),
    ] = "",
    crisis_type: Annotated[
        CrisisType,
        shown(
            "What kind of crisis it is", "It decides who approves and which text is proposed. Unknown is fine at first."
        ),
    ] = CrisisType.UNKNOWN,
    severity: Annotated[
        Severity,
        shown(
            "How bad it is",
            "SEV1: people may come to harm, or everything is at stake. SEV2: many people are affected and angry. "
            "SEV3: a local or limited trouble. SEV4: worth an eye.",
        ),
    ] = Severity.SEV3,
    reported_by: Annotated[
        str, shown("Your e-mail address", "On record as whoever says that they reported it. Approving is another step.")
    ] = "",
    incident: Annotated[
        str,
        shown("Incident", "Only to take up an incident that is known already, such as INC-7: leave the rest as it is."),
    ] = "",
) -> str:
    """Tell people, freeze what is scheduled, draft the holding statement, have it approved, publish it, follow up."""
    async with installation(flow_run_id=str(flow_run.id)) as here:
        if incident:
            case = await steps.find_incident(here, incident)
        else:
            case = await steps.open_by_hand(
                here,
                watch=forms.reported_watch(here, watch=watch, title=title),
                title=title.strip(),
                crisis_type=crisis_type,
                severity=severity,
                reported_by=forms.unproven(reported_by),
                key=str(flow_run.id),
            )
        claimed = await steps.claim(here, case.id)
        if claimed is None:
            return f"{case.id} is not waiting for a response here: it has another run, or it has ended"
        await steps.label_run(here, claimed)
        await steps.tell_stakeholders(here, claimed, triage.opened_notice(here, claimed))
        await steps.freeze_scheduled(here, case.id)
        statement = await steps.draft_statement(here, case.id, StatementKind.HOLDING)
        await steps.propose_draft(here, statement)
        await steps.draft_in_other_languages(here, case.id, StatementKind.HOLDING)
        await steps.show_incident(here, case.id)
        outcome = await wait_for_approval(here, case.id, StatementKind.HOLDING)
        if outcome is None:
            return f"{case.id} ended before anything was published"
        await publish(outcome.id, outcome.version)
        await steps.schedule_observation(here, case.id)
        await steps.show_incident(here, case.id)
        return f"{case.id}: {outcome.label} is out"


async def wait_for_approval(here: Installation, incident_id: str, kind: StatementKind) -> Statement | None:
    """Suspend until the latest version is approved, whatever route the decisions come by; None if the incident ends.

    A version that was returned, expired or voided keeps the run waiting for a new one.
    """
    while True:
        incident, statement = await steps.awaited_statement(here, incident_id, kind)
        if incident.state in forms.ENDED:
            return None
        standing: Standing = await steps.standing_of(here, statement.id, statement.version)
        if standing.approved:
            return statement
        used = await steps.forms_used(here, incident_id)
        form, problem = None, ""
        try:
            form = await asuspend_flow_run(
                wait_for_input=forms.ApprovalForm.with_initial_data(
                    description=await forms.describe_form(here, statement, lasts=timedelta(seconds=SUSPENDED_SECONDS))
                ),
                timeout=SUSPENDED_SECONDS,
                key=f"{incident_id.lower()}-form-{used}",
            )
        except (ValidationError, ObjectNotFound) as error:
            if await is_paused(here.flow_run_id):
                raise  # the form could not be put up: nothing was handed in yet
            problem = f"the form could not be read ({type(error).__name__}), so it decided nothing"
        await steps.answer_form(here, statement, used, form, problem)

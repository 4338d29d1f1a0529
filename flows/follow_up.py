"""Follow up: one measurement of the reaction after the first word, then the next one is scheduled.

No process waits between two measurements; how long it is until the next one follows severity, verdict and calm
(``crisis.monitoring``). It ends by rule: when a person has resolved or dismissed the incident, or after so many hours of
calm without a break, which is on record and told to the lead; a new word, a graver rating or a person begins it again.
"""

from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run

from flows.shown import shown
from tasks import steps
from tasks.installation import installation


@flow(name="follow_up", flow_run_name="{incident} · follow up", description=__doc__)
async def follow_up(incident: Annotated[str, shown("Incident", "Such as INC-7.")]) -> str:
    """Measure, judge what our words did, mind promises, propose closing when it is calm, and schedule the next one."""
    async with installation(flow_run_id=str(flow_run.id)) as here:
        observation = await steps.observe(here, incident)
        effects = await steps.judge_effects(here, incident)
        await steps.mind_promises(here, incident)
        await steps.propose_closing(here, incident)
        await steps.end_if_due(here, incident)
        await steps.schedule_observation(here, incident)
        await steps.show_incident(here, incident)
        measured = observation.says if observation else "nothing has been measured yet"
        return "; ".join([measured, *(f"{e.statement}: {e.verdict.value}" for e in effects[-1:])])

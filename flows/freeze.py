"""Freeze: pause scheduled marketing where an incident's watch is concerned. Made for automations (docs/freeze.md).

The response freezes by itself from the severity that the playbook names; an automation that starts this freezes earlier,
or on another event. Nothing is put back by itself.
"""

from typing import Annotated, Any

from prefect import flow
from prefect.runtime import flow_run

from flows.shown import shown
from tasks import steps
from tasks.installation import installation


@flow(name="freeze", flow_run_name="freeze", description=__doc__)
async def freeze(
    event: Annotated[dict[str, Any], shown("Event", "What the event says; it must name the incident.")],
) -> str:
    """Freeze everything once more; what is frozen and what a human must stop, in a sentence."""
    async with installation(flow_run_id=str(flow_run.id)) as here:
        return await steps.freeze_on_event(here, event)

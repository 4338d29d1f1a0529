"""Tell: named people or roles hear of an event, by their own routes or by one. Made for automations (docs/events.md).

An automation of Prefect's starts it with the event's payload. Whoever may not see the incident is not told, one event is
told once however often it starts this, and who was reached is on record like any notice.
"""

from typing import Annotated, Any

from prefect import flow
from prefect.runtime import flow_run

from flows.shown import shown
from tasks import steps
from tasks.installation import installation


@flow(name="tell", flow_run_name="tell", description=__doc__)
async def tell(
    event: Annotated[dict[str, Any], shown("Event", "What the event says; it must name the incident.")],
    to: Annotated[list[str], shown("To whom", "E-mail addresses of stakeholders, or roles such as incident_lead.")],
    says: Annotated[str, shown("What is said", "One sentence, such as: A promise is overdue.")],
    by: Annotated[str, shown("By which route", "Name of a notifier, such as email. Empty: each by their own.")] = "",
) -> str:
    """Tell them once; what came of it, in a sentence."""
    async with installation(flow_run_id=str(flow_run.id)) as here:
        return await steps.tell_of_event(here, event, to, says, by)

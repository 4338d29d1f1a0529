"""Review: the after-action report and the sealed evidence of a resolved incident; again, final, once people signed it."""

from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run

from flows.shown import shown
from tasks import steps
from tasks.installation import installation


@flow(name="review", flow_run_name="{incident} · review", description=__doc__)
async def review(incident: Annotated[str, shown("Incident", "Such as INC-7. It must be resolved or reviewed.")]) -> str:
    """Copy what Prefect forgets, write the report, end the review where nobody signs it, seal and lock away the evidence."""
    async with installation(flow_run_id=str(flow_run.id)) as here:
        history = await steps.copy_history(here, incident)
        report = await steps.write_report(here, incident)
        await steps.mark_reviewed(here, incident)
        bundle = await steps.seal_evidence(here, incident, history)
        await steps.show_incident(here, incident)
        await steps.archive_evidence(here, incident, bundle)
        return report

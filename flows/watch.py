"""Watch: one source listened to for one watch, for as long as it speaks.

A restart resumes at the cursor and with the detector as it was at the last stored batch, so nothing is counted twice.
"""

from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run

from flows.shown import shown
from tasks import steps
from tasks.installation import installation


@flow(name="watch", flow_run_name="{watch} · watch {source}", description=__doc__)
async def watch(
    watch: Annotated[str, shown("Watch", "The name of the watch, as in fireline.toml.")],
    source: Annotated[str, shown("Source", "The name of the source that it listens to, as in fireline.toml.")],
) -> str:
    """Listen; a surge opens an incident, tells people at once and starts ``respond``."""
    async with installation(flow_run_id=str(flow_run.id)) as here:
        return await steps.listen(here, watch, source)

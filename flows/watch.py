"""Watch: the sources of one watch listened to, for as long as they speak, and their mentions counted together.

A restart resumes at each source's cursor and with the detector as it was at the last stored batch, so nothing is counted
twice. A source that fails is shown as lost coverage and stops nothing.
"""

from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run

from flows.shown import shown
from tasks import steps
from tasks.installation import installation


def _run_name() -> str:
    given = flow_run.parameters or {}
    return f"{given.get('watch', '')} · watch {given.get('source', '')}".strip()


@flow(name="watch", flow_run_name=_run_name, description=__doc__)
async def watch(
    watch: Annotated[str, shown("Watch", "The name of the watch, as in fireline.toml.")],
    source: Annotated[
        str, shown("Source", "Listen to this source only, with a detector of its own; empty: all that feed the watch.")
    ] = "",
) -> str:
    """Listen; a surge opens an incident, tells people at once and starts ``respond``."""
    async with installation(flow_run_id=str(flow_run.id)) as here:
        return await steps.listen(here, watch, source)

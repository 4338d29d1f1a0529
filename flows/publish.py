"""Publish: one approved statement on every target, side by side, each exactly once.

Safe to run any number of times: whatever has been delivered already, by whichever process, is found done and shown.
"""

import asyncio
from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run

from flows.shown import shown
from tasks import steps
from tasks.installation import installation


@flow(name="publish", flow_run_name="{statement} v{version} · publish", description=__doc__)
async def publish(
    statement: Annotated[str, shown("Statement", "Such as INC-7-S1. It must be approved.")],
    version: Annotated[int, shown("Version", "Which version of it, such as 1.")],
) -> str:
    """Plan one delivery a target, send them all at once, and see to what is left open."""
    async with installation(flow_run_id=str(flow_run.id)) as here:
        planned = await steps.plan_deliveries(here, statement, version)
        await asyncio.gather(*(steps.deliver(here, delivery.id) for delivery in planned))
        says = await steps.finish_publishing(here, statement, version)
        if await steps.mail_on(here, statement, version):  # mailings that take longer than posts
            says = await steps.finish_publishing(here, statement, version)
        return says

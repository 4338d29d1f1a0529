"""Sweep: every minute, whatever got lost is found and taken up again.

An event can be lost, a process killed, a server down when a run was asked for. The rows in records say what should be
going on; this flow compares and repairs, marks runs whose process was killed, and signs the ledger's head.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from prefect import flow
from prefect.runtime import flow_run

from flows.shown import shown
from tasks import steps
from tasks.installation import Installation, installation

logger = logging.getLogger(__name__)

IN_ORDER: tuple[Callable[[Installation], Awaitable[str]], ...] = (
    steps.collect_bounces,
    steps.recover_deliveries,
    steps.recover_responses,
    steps.recover_follow_ups,
    steps.recover_reviews,
    steps.recover_watches,
    steps.mind_acknowledgements,
    steps.mind_approvals,
    steps.mind_freezes,
    steps.mind_all_promises,
    steps.nag,
    steps.read_back,
    steps.mine_questions,
    steps.renew_pages,
    steps.remind_of_tasks,
    steps.mind_run_history,
    steps.mark_archives,
    steps.mind_erasures,
    steps.mind_retention,
    steps.announce_events,
    steps.crash_silent_runs,  # last: the server tries them again before the next sweep
)
"""What a sweep does: what people wait for first. One that fails keeps no other from being done."""


@flow(name="sweep", flow_run_name="sweep", description=__doc__)
async def sweep(
    event: Annotated[
        dict[str, Any] | None, shown("Event", "What the event that started it says. Leave it empty by hand.")
    ] = None,
) -> str:
    """Take up deliveries, responses, follow-ups, reviews and watches that have no run. ``event``: what triggered it.

    Raises:
        ExceptionGroup: some steps failed; the others were done, and outside monitors get no sign of life.
    """
    async with installation(flow_run_id=str(flow_run.id)) as here:
        found, failed = await _each(here)
        await steps.sign_ledger(here)
        if failed:
            raise ExceptionGroup("a sweep could not do everything", failed)
        found.append(await steps.beat(here))
        return "; ".join(says for says in found if says) or "nothing was left lying"


async def _each(here: Installation) -> tuple[list[str], list[Exception]]:
    found: list[str] = []
    failed: list[Exception] = []
    for step in IN_ORDER:
        try:
            found.append(await step(here))
        except Exception as error:  # whatever it is, the next step may matter more
            logger.exception("a step of the sweep failed")
            failed.append(error)
    return found, failed

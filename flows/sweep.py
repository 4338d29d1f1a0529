"""Sweep: every minute, whatever got lost is found and taken up again.

An event can be lost, a process killed, a server down when a run was asked for. The rows in records say what should be
going on; this flow compares and repairs, marks runs whose process was killed, and signs the ledger's head.
"""

from typing import Annotated, Any

from prefect import flow
from prefect.runtime import flow_run

from flows.shown import shown
from tasks import steps
from tasks.installation import installation


@flow(name="sweep", flow_run_name="sweep", description=__doc__)
async def sweep(
    event: Annotated[
        dict[str, Any] | None, shown("Event", "What the event that started it says. Leave it empty by hand.")
    ] = None,
) -> str:
    """Take up deliveries, responses, follow-ups, reviews and watches that have no run. ``event``: what triggered it."""
    async with installation(flow_run_id=str(flow_run.id)) as here:
        found = [
            await steps.collect_bounces(here),
            await steps.recover_deliveries(here),
            await steps.recover_responses(here),
            await steps.recover_follow_ups(here),
            await steps.recover_reviews(here),
            await steps.recover_watches(here),
            await steps.mind_acknowledgements(here),
            await steps.mind_approvals(here),
            await steps.mind_freezes(here),
            await steps.nag(here),
            await steps.mine_questions(here),
            await steps.renew_pages(here),
            await steps.remind_of_tasks(here),
            await steps.mind_all_promises(here),
            await steps.read_back(here),
            await steps.mind_run_history(here),
            await steps.mark_archives(here),
            await steps.mind_erasures(here),
            await steps.mind_retention(here),
            await steps.announce_events(here),
            await steps.crash_silent_runs(here),  # last: the server tries them again before the next sweep
        ]
        await steps.sign_ledger(here)
        found.append(await steps.beat(here))
        return "; ".join(says for says in found if says) or "nothing was left lying"

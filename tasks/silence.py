"""Runs that fell silent: what says it is running and has missed three heartbeats is marked as crashed, and what was being
started all that time, by a runner that was killed, is scheduled again.

It is asked here, against the state the server has now, and not by an automation on missing events: a Prefect server on
SQLite loses events under load (reading a trigger's count and then adding to it collides with other writers), so that a
run which had long been suspended, and waited for people, was taken for crashed.
"""

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tasks.installation import Installation
from tasks.runs import server_is_known

if TYPE_CHECKING:  # Prefect takes over a second to import; without a server it is not needed
    from prefect.client.orchestration import PrefectClient

HEARTBEAT_SECONDS = 30
"""How often a run says that it lives (Prefect's lower bound)."""
SILENCE = timedelta(seconds=3 * HEARTBEAT_SECONDS)
"""Three missed heartbeats."""


async def crash_silent_runs(here: Installation) -> str:
    """Take up every run of Fireline's that has been running or starting without a sign of life for ``SILENCE``.

    A run that had begun is marked as crashed; one that had not is scheduled again at once.
    """
    if not server_is_known():
        return ""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.client.schemas.objects import State
    from prefect.states import AwaitingRetry, Crashed

    running = {"tags": {"all_": ["fireline"]}, "state": {"type": {"any_": ["RUNNING", "PENDING"]}}}
    since = datetime.now(UTC) - SILENCE
    silent = []
    async with get_client() as client:
        for run in await client.read_flow_runs(flow_run_filter=FlowRunFilter.model_validate(running), limit=200):
            fresh = run.state is None or run.state.timestamp > since
            if fresh or str(run.id) == here.flow_run_id or await _heard_of(client, run.id, since):
                continue
            state: State[Any] = Crashed(message="No sign of life for a while: taken for crashed by Fireline.")
            if run.state and run.state.is_pending():
                state = AwaitingRetry(message="Was being started for too long: scheduled again by Fireline.")
            await client.set_flow_run_state(run.id, state)
            silent.append(run.name)
    return f"without a sign of life: {', '.join(silent)}" if silent else ""


async def _heard_of(client: "PrefectClient", run_id: uuid.UUID, since: datetime) -> bool:
    wanted = {
        "event": {"name": ["prefect.flow-run.heartbeat"]},
        "resource": {"id": [f"prefect.flow-run.{run_id}"]},
        "occurred": {"since": since.isoformat()},
    }
    answer = await client.request("POST", "/events/filter", json={"filter": wanted, "limit": 1})
    answer.raise_for_status()
    return bool(answer.json()["events"])

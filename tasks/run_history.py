"""What Prefect knows of an incident's runs, copied while it still knows: states, logs, artifacts, as plain JSON.

Prefect forgets (events after a week, inputs on a retry), and its server may be away; evidence is sealed all the same and
says which of both it was.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from tasks.runs import runs_tagged, server_is_known

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

PAGE = 200
"""The most that Prefect's API gives at once."""
MOST = 20_000
"""Log lines, artifacts or task runs copied per incident; beyond, the history says that it is cut."""


async def run_history(incident_id: str) -> dict[str, Any]:
    """Runs, task runs, logs and artifacts of every flow run that carries the incident's tag.

    Never raises for a server that is away: the answer then says so in ``unavailable``.
    """
    if not server_is_known():
        return {"unavailable": "no Prefect server is known here", "runs": []}
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectException

    try:
        runs = await runs_tagged(f"incident:{incident_id}")
        async with get_client() as client:
            told = [{"run": _plain(run), "states": await _states(client, run.id)} for run in runs]
            parts = await _of_runs(client, [run.id for run in runs]) if runs else {}
    except (httpx.HTTPError, PrefectException, OSError) as error:
        return {"unavailable": f"the Prefect server could not be asked ({type(error).__name__})", "runs": []}
    return {"runs": told, **parts}


async def _states(client: "PrefectClient", run_id: Any) -> list[dict[str, Any]]:
    return [_plain(state) for state in await client.read_flow_run_states(run_id)]


async def _of_runs(client: "PrefectClient", ids: list[Any]) -> dict[str, Any]:
    from prefect.client.schemas.filters import ArtifactFilter, FlowRunFilter, LogFilter

    of_runs = FlowRunFilter.model_validate({"id": {"any_": ids}})
    by_run = {"flow_run_id": {"any_": ids}}
    logs, artifacts = LogFilter.model_validate(by_run), ArtifactFilter.model_validate(by_run)
    return {
        "task_runs": await _pages(lambda n: client.read_task_runs(flow_run_filter=of_runs, limit=PAGE, offset=n)),
        "logs": await _pages(lambda n: client.read_logs(log_filter=logs, limit=PAGE, offset=n)),
        "artifacts": await _pages(lambda n: client.read_artifacts(artifact_filter=artifacts, limit=PAGE, offset=n)),
    }


async def _pages(page: Callable[[int], Awaitable[Sequence[BaseModel]]]) -> dict[str, Any]:
    """Every page of a list, up to ``MOST`` entries."""
    found: list[dict[str, Any]] = []
    while len(found) < MOST:
        batch = await page(len(found))
        found += [_plain(entry) for entry in batch]
        if len(batch) < PAGE:
            return {"entries": found, "cut": False}
    return {"entries": found, "cut": True}


def _plain(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json")

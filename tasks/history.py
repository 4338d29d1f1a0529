"""Prefect's own history of an incident, copied while Prefect still has it (DESIGN §9, Retention)."""

from typing import Any

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, FlowRunFilter, LogFilter
from prefect.client.schemas.objects import FlowRun

from tasks.installation import Installation
from tasks.runs import runs_tagged, server_is_known

_PAGE = 200
"""Rows per request: the server gives no more at once."""


async def copy_history(here: Installation, incident_id: str) -> dict[str, Any]:
    """Flow runs of an incident with their states, logs and artifacts, as JSON. Empty when there is no server."""
    if not server_is_known():
        return {}
    runs = await runs_tagged(f"incident:{incident_id}")
    return {"flow_runs": [await _run(run) for run in sorted(runs, key=lambda r: r.created or 0)]}


async def _run(run: FlowRun) -> dict[str, Any]:
    async with get_client() as client:
        states = await client.read_flow_run_states(run.id)
        only = {"flow_run_id": {"any_": [run.id]}}
        logs: list[dict[str, Any]] = []
        while True:
            page = await client.read_logs(log_filter=LogFilter.model_validate(only), limit=_PAGE, offset=len(logs))
            logs += [
                {"at": log.timestamp.isoformat(), "level": log.level, "from": log.name, "says": log.message}
                for log in page
            ]
            if len(page) < _PAGE:
                break
        artifacts = await client.read_artifacts(
            artifact_filter=ArtifactFilter.model_validate(only),
            flow_run_filter=FlowRunFilter.model_validate({"id": {"any_": [run.id]}}),
            limit=_PAGE,
        )
        inputs = await _inputs(client._client, run)
    return {
        "id": str(run.id),
        "name": run.name,
        "deployment_id": str(run.deployment_id or ""),
        "parameters": run.parameters,
        "tags": list(run.tags),
        "run_count": run.run_count,
        "start_time": run.start_time.isoformat() if run.start_time else "",
        "end_time": run.end_time.isoformat() if run.end_time else "",
        "states": [
            {"at": s.timestamp.isoformat(), "type": s.type.value, "name": s.name, "message": s.message} for s in states
        ],
        "logs": logs,
        "artifacts": [{"key": a.key, "type": a.type, "data": a.data} for a in artifacts],
        "inputs": inputs,
    }


async def _inputs(client: httpx.AsyncClient, run: FlowRun) -> list[dict[str, str]]:
    """The forms that were handed in, without their one-time codes."""
    answer = await client.post(f"/flow_runs/{run.id}/input/filter", json={"prefix": "suspended", "limit": _PAGE})
    if answer.is_error:
        return []
    return [
        {"key": str(row["key"]), "created": str(row["created"])}
        for row in answer.json()
        if "response" in str(row["key"])
    ]

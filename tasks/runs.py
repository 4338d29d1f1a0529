"""Prefect runs: starting them once, resuming them, and leaving a trail of events.

The row in records is always written first; a run that could not be started is found and started by ``sweep``, and an
event that got lost loses nothing (DESIGN §9).
"""

import asyncio
import logging
import os
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx

from crisis.events import NAMED
from crisis.incident import Incident
from crisis.values import Frozen, UtcDatetime

if TYPE_CHECKING:  # Prefect takes over a second to import; without a server it is not needed
    from prefect.client.schemas.objects import FlowRun

    from tasks.installation import Installation

logger = logging.getLogger(__name__)

_NAMESPACE = uuid.UUID("0a7de1f4-52f0-5a4b-8a52-77f6f4a4f0f9")
EVENT_PREFIX = "fireline"
LABELS = ("severity", "type", "watch", "state", "channel")
"""Fields of a payload that are labels of the event's resource, too, so that a trigger can ask for them."""
ASK_SECONDS = 3.0
"""How long a page of the desk waits for Prefect."""


class Started(Frozen):
    """What came of asking for a run."""

    run_id: str
    """Empty when the server could not be asked; ``sweep`` will."""
    says: str


def server_is_known() -> bool:
    """Whether this process has been told where the Prefect server is."""
    return bool(os.environ.get("PREFECT_API_URL"))


async def start_run(
    deployment: str,
    *,
    key: str,
    name: str,
    parameters: dict[str, Any],
    tags: Iterable[str] = (),
    at: datetime | None = None,
) -> Started:
    """Ask for one run of ``deployment`` (``flow/name``) under an idempotency key, and do not wait for it."""
    if not server_is_known():
        return Started(run_id="", says="no Prefect server is running here; `fireline up` starts what is waiting")
    from prefect.deployments.flow_runs import arun_deployment
    from prefect.exceptions import ObjectNotFound

    try:
        run = await arun_deployment(
            deployment,
            parameters=parameters,
            idempotency_key=key,
            flow_run_name=name,
            tags=list(tags),
            scheduled_time=at,
            timeout=0,
            as_subflow=False,
        )
    except (httpx.HTTPError, ObjectNotFound, OSError, RuntimeError) as error:
        logger.warning("run of %s not started now (%s); sweep will", deployment, type(error).__name__)
        return Started(
            run_id="", says=f"the Prefect server did not take it ({type(error).__name__}); sweep will ask again"
        )
    return Started(run_id=str(run.id), says="started")


def emit(event: str, *, incident: Incident, reference: str, payload: Mapping[str, Any]) -> None:
    """Leave an event for the trail and for users' own automations. Its id is made of what it tells, so repeats merge.

    It carries what ``crisis.events`` says of it, as subscribers get it: of ``payload`` nothing else leaves.
    """
    carried = NAMED[event].carried(payload, incident)
    _emit(event, f"incident.{incident.id}", incident.id, f"{event}\n{incident.id}\n{reference}", carried)


def emit_coverage(event: str, *, watch: str, source: str, since: datetime, incident: str, says: str) -> None:
    """The same for a source of a watch that was lost or has returned; ``incident``: the one that is open, if any."""
    payload = {"watch": watch, "source": source, "since": since.isoformat(), "says": says, "incident": incident}
    about = [("source", source), *([("incident", incident)] if incident else [])]
    related = [
        {
            "prefect.resource.id": f"{EVENT_PREFIX}.{role}.{name}",
            "prefect.resource.role": role,
            "prefect.resource.name": name,
        }
        for role, name in about
    ]
    told = f"{event}\n{watch}\n{source}\n{since.isoformat()}"
    _emit(event, f"watch.{watch}", watch, told, payload, related)


def _emit(
    event: str,
    about: str,
    name: str,
    told: str,
    payload: dict[str, Any],
    related: list[dict[str, str]] | None = None,
) -> None:
    if not server_is_known():
        return
    from prefect.events import emit_event

    labels = {f"{EVENT_PREFIX}.{label}": str(payload[label]) for label in LABELS if payload.get(label)}
    try:
        emit_event(
            event=f"{EVENT_PREFIX}.{event}",
            resource={"prefect.resource.id": f"{EVENT_PREFIX}.{about}", "prefect.resource.name": name, **labels},
            related=list(related or []),
            payload=payload,
            id=uuid.uuid5(_NAMESPACE, told),
        )
    except Exception as error:  # the trail must never stop the response
        logger.warning("event %s not sent (%s)", event, type(error).__name__)


async def runs_tagged(*tags: str) -> "list[FlowRun]":
    """All runs that carry every one of ``tags``; none when the server cannot be asked."""
    if not server_is_known():
        return []
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter

    async with get_client() as client:
        wanted = FlowRunFilter.model_validate({"tags": {"all_": list(tags)}})
        return await client.read_flow_runs(flow_run_filter=wanted, limit=200)


class KnownRun(Frozen):
    """One of an incident's runs as Prefect has it."""

    id: str
    name: str
    state: str
    """Prefect's own word: ``Completed``, ``Suspended`` ..."""
    started_at: UtcDatetime | None
    ended_at: UtcDatetime | None


async def runs_of(incident_id: str) -> tuple[list[KnownRun], str]:
    """An incident's runs, the newest first, and why they cannot be told where that is so; within ``ASK_SECONDS``."""
    if not server_is_known():
        return [], "No Prefect server is known here: `fireline up` starts one."
    from prefect.exceptions import PrefectException

    try:
        async with asyncio.timeout(ASK_SECONDS):
            runs = await runs_tagged(f"incident:{incident_id}")
    except (httpx.HTTPError, PrefectException, OSError) as error:  # TimeoutError is an OSError
        return [], f"The Prefect server could not be asked ({type(error).__name__}): look there, or ask again."
    told = [
        KnownRun(
            id=str(run.id),
            name=run.name,
            state=run.state.name or run.state.type.value if run.state else "unknown",
            started_at=run.start_time or run.expected_start_time,
            ended_at=run.end_time,
        )
        for run in runs
    ]
    return sorted(told, key=lambda run: run.started_at or datetime.max.replace(tzinfo=UTC), reverse=True), ""


async def label_run(here: "Installation", incident: Incident) -> None:
    """Name and tag a run that was started by hand after the incident it turned out to be about."""
    if not (here.flow_run_id and server_is_known()):
        return
    from prefect.client.orchestration import get_client

    tag = f"incident:{incident.id}"
    async with get_client() as client:
        run = await client.read_flow_run(uuid.UUID(here.flow_run_id))
        if tag not in run.tags:
            name = f"{incident.id} · {incident.severity} · respond"
            await client.update_flow_run(run.id, name=name, tags=[*run.tags, tag])


async def is_over(run_id: str) -> bool:
    """Whether a run has ended or never existed. An unreachable server answers no: nobody takes over on hope."""
    if not server_is_known():
        return False
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    try:
        async with get_client() as client:
            run = await client.read_flow_run(uuid.UUID(run_id))
    except ObjectNotFound:
        return True
    except (httpx.HTTPError, OSError, ValueError):
        return False
    return run.state is not None and run.state.is_final()


async def is_paused(run_id: str) -> bool:
    """Whether a run is suspended on the server right now."""
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        run = await client.read_flow_run(uuid.UUID(run_id))
    return run.state is not None and run.state.is_paused()


async def wake(run_id: str, answer: dict[str, Any]) -> bool:
    """Resume a suspended run with an answer to its form; False when it is not suspended or cannot be asked."""
    if not (run_id and server_is_known()):
        return False
    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    try:
        async with get_client() as client:
            run = await client.read_flow_run(uuid.UUID(run_id))
            if run.state is None or not run.state.is_paused():
                return False
            result = await client.resume_flow_run(run.id, run_input=answer)
    except (httpx.HTTPError, ObjectNotFound, OSError, ValueError) as error:
        logger.warning("run %s not resumed (%s); sweep will", run_id, type(error).__name__)
        return False
    return str(result.status.value) == "ACCEPT"

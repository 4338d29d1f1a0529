"""What Prefect knows of an incident's runs, copied into the records while it still knows: states, task runs, logs,
artifacts, inputs and events, as plain JSON.

Prefect forgets (events after a week, inputs on a retry), and its server may be away. So the sweep copies every minute what
changed of the runs of incidents that go on, whether or not the process that ran them still lives, and once more when
evidence is sealed. Entries are added to a copy and never taken from it: what Prefect has forgotten since stays, and what was
erased from it since stays erased. Secrets and one-time codes are blotted out; what is too much is cut, and says so.
"""

import json
import os
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from crisis.incident import LIVE, IncidentState
from crisis.personal import ERASED, readable
from tasks.installation import Installation
from tasks.runs import server_is_known

if TYPE_CHECKING:
    from prefect.client.orchestration import PrefectClient

PAGE = 200
"""The most that Prefect's API gives at once."""
MOST = 20_000
"""Entries of one kind copied per run; beyond, the copy says that it is cut."""
LONGEST = 20_000
"""Characters of one text that are copied; beyond, it says so."""
PARTS = ("states", "task_runs", "logs", "artifacts", "inputs", "events")
HIDDEN = "[hidden]"

_GOING_ON = (*sorted(LIVE), IncidentState.RESOLVED)
_SECRET_NAMES = re.compile(
    r"(?:^|_)(?:code|otp|password|passwd|secret|token|api_?key|authorization|auth)(?:_|$)", re.IGNORECASE
)
_SECRET_WORDS = re.compile(
    r"(?i)((?:bearer|basic)\s+|(?:token|password|passwd|secret|api[_-]?key|code)[\"']?\s*[:=]\s*[\"']?)[^\s\"',}]{4,}"
)
_SECRET_VARIABLES = re.compile(r"FIRELINE_.*(?:TOKEN|SECRET|PASSWORD|KEY|AUTH)|PREFECT_.*(?:KEY|AUTH)")


async def run_history(here: Installation, incident_id: str) -> dict[str, Any]:
    """Everything that is known of the runs that carry the incident's tag: copied now, and from before.

    Never raises for a server that is away: the answer then says so in ``unavailable``, beside what was copied before.
    """
    says = await copy_runs(here, incident_id)
    async with here.store.reading() as tx:
        copies = await tx.run_copies.list(incident_id)
    history: dict[str, Any] = {
        "runs": [],
        **{part: {"entries": [], "cut": False} for part in PARTS if part != "states"},
    }
    for parts in sorted(copies.values(), key=lambda p: str(p.get("run", {}).get("created", ""))):
        history["runs"].append({"run": parts.get("run", {}), "states": parts.get("states", {}).get("entries", [])})
        for part in PARTS[1:]:
            kept = parts.get(part, {"entries": [], "cut": False})
            history[part]["entries"] += kept["entries"]
            history[part]["cut"] |= kept["cut"]
    if says:
        history["unavailable"] = says
    return history


async def copy_runs(here: Installation, incident_id: str) -> str:
    """Copy what changed of an incident's runs since the last copy; why it could not be done, or nothing."""
    if not server_is_known():
        return "no Prefect server is known here"
    import httpx
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectException

    try:
        async with get_client() as client:
            for run in await _runs(client, f"incident:{incident_id}"):
                await _copy(here, client, incident_id, run)
    except (httpx.HTTPError, PrefectException, OSError) as error:
        return f"the Prefect server could not be asked ({type(error).__name__})"
    return ""


async def mind_run_history(here: Installation) -> str:
    """Copy the runs of every incident that goes on. Asks nothing when there is none."""
    async with here.store.whole.reading() as tx:
        names = [incident.id for incident in await tx.incidents.list(_GOING_ON)]
    for name in names:
        if why := await copy_runs(here, name):
            return f"Prefect's history was not copied: {why}"
    return ""


async def _runs(client: "PrefectClient", tag: str) -> list[Any]:
    from prefect.client.schemas.filters import FlowRunFilter

    wanted = FlowRunFilter.model_validate({"tags": {"all_": [tag]}})
    found: list[Any] = []
    while len(found) < MOST:
        batch = await client.read_flow_runs(flow_run_filter=wanted, limit=PAGE, offset=len(found))
        found += batch
        if len(batch) < PAGE:
            break
    return found


async def _copy(here: Installation, client: "PrefectClient", incident_id: str, run: Any) -> None:
    """Copy one run, unless it ended, and did not change since it was copied after its end."""
    plain, name = _plain(run), str(run.id)
    async with here.store.reading() as tx:
        before = await tx.run_copies.get(name, "run")
    over = bool(run.state and run.state.is_final())
    if over and before is not None and before.get("copied_over") == plain.get("updated"):
        return
    found = await _parts(client, run.id)
    # Logs and events arrive a little after the state they tell of: the end counts as copied at the second look.
    settled = over and before is not None and before.get("updated") == plain.get("updated")
    plain["copied_over"] = plain.get("updated") if settled else ""
    async with here.store.transaction() as tx:
        told = _still_erased(await tx.run_copies.get(name, "run"), _scrubbed(plain))
        await tx.run_copies.put(incident_id, name, "run", told)
        for part, now in found.items():
            kept = await tx.run_copies.get(name, part) or {"entries": [], "cut": False}
            joined = _joined(kept["entries"], _scrubbed(now["entries"]), at_most=MOST)
            if joined != kept["entries"] or kept["cut"] != now["cut"]:
                await tx.run_copies.put(
                    incident_id, name, part, {"entries": joined, "cut": bool(kept["cut"] or now["cut"])}
                )


async def _parts(client: "PrefectClient", run: Any) -> dict[str, dict[str, Any]]:
    from prefect.client.schemas.filters import ArtifactFilter, FlowRunFilter, LogFilter

    of_run = FlowRunFilter.model_validate({"id": {"any_": [run]}})
    by_run = {"flow_run_id": {"any_": [run]}}
    logs, artifacts = LogFilter.model_validate(by_run), ArtifactFilter.model_validate(by_run)
    states = [_plain(state) for state in await client.read_flow_run_states(run)]
    return {
        "states": {"entries": states, "cut": False},
        "task_runs": await _pages(lambda n: client.read_task_runs(flow_run_filter=of_run, limit=PAGE, offset=n)),
        "logs": await _pages(lambda n: client.read_logs(log_filter=logs, limit=PAGE, offset=n)),
        "artifacts": await _pages(lambda n: client.read_artifacts(artifact_filter=artifacts, limit=PAGE, offset=n)),
        "inputs": await _inputs(client, run),
        "events": await _events(client, run),
    }


async def _inputs(client: "PrefectClient", run: Any) -> dict[str, Any]:
    """Every input of a run; the API answers with one unless asked for more, and knows no offset."""
    found: list[dict[str, Any]] = []
    while len(found) < MOST:
        known = {entry["key"] for entry in found}
        batch = await client.filter_flow_run_input(run, key_prefix="", limit=PAGE, exclude_keys=known)
        found += [_plain(entry) for entry in batch]
        if len(batch) < PAGE:
            return {"entries": found, "cut": False}
    return {"entries": found, "cut": True}


async def _events(client: "PrefectClient", run: Any) -> dict[str, Any]:
    from prefect.events.filters import EventFilter

    about = EventFilter.model_validate({"any_resource": {"id": [f"prefect.flow-run.{run}"]}})
    page = await client.read_events(filter=about, limit=50)
    found = [_plain(event) for event in page.events]
    while page.next_page is not None and len(found) < MOST:
        page = await client.read_events_page(str(page.next_page))
        found += [_plain(event) for event in page.events]
    return {"entries": found, "cut": page.next_page is not None}


async def _pages(page: Callable[[int], Awaitable[Sequence[BaseModel]]]) -> dict[str, Any]:
    """Every page of a list, up to ``MOST`` entries."""
    found: list[dict[str, Any]] = []
    while len(found) < MOST:
        batch = await page(len(found))
        found += [_plain(entry) for entry in batch]
        if len(batch) < PAGE:
            return {"entries": found, "cut": False}
    return {"entries": found, "cut": True}


def _joined(before: Iterable[dict[str, Any]], now: Iterable[dict[str, Any]], *, at_most: int) -> list[dict[str, Any]]:
    """What was copied before and what is known now, each entry once, as it was told last, but for what was erased of it;
    in the order of their copying."""
    entries: dict[str, dict[str, Any]] = {}
    for entry in (*before, *now):
        name = str(entry.get("id") or entry.get("key") or json.dumps(entry, sort_keys=True))
        entries[name] = _still_erased(entries.get(name), entry)
    return list(entries.values())[:at_most]


def _still_erased(before: Any, now: Any) -> Any:
    """What Prefect tells now, without what was erased from the copy that was made before: Prefect still knows it.

    A list with something erased stays as it was, for its items have no names by which they could be found again.
    """
    if before == ERASED:
        return ERASED
    if isinstance(before, dict) and isinstance(now, dict):
        return {name: _still_erased(before.get(name), value) for name, value in now.items()}
    if isinstance(before, list) and before != now and ERASED in readable(before):
        return before
    return now


def _plain(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json")


def _scrubbed(value: Any) -> Any:
    """A value without secrets, one-time codes and endless texts."""
    known = [v for n, v in os.environ.items() if len(v) >= 6 and _SECRET_VARIABLES.fullmatch(n)]
    return _scrub(value, sorted(known, key=len, reverse=True))


def _scrub(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, Mapping):
        return {
            n: HIDDEN if v and _SECRET_NAMES.search(str(n)) and isinstance(v, str) else _scrub(v, secrets)
            for n, v in value.items()
        }
    if isinstance(value, list):
        return [_scrub(inner, secrets) for inner in value]
    if not isinstance(value, str):
        return value
    if value[:1] in "{[":
        try:
            return json.dumps(_scrub(json.loads(value), secrets))
        except ValueError:
            pass
    for secret in secrets:
        value = value.replace(secret, HIDDEN)
    value = _SECRET_WORDS.sub(rf"\g<1>{HIDDEN}", value)
    return value if len(value) <= LONGEST else f"{value[:LONGEST]}… [cut: {len(value):,} characters]"

"""What Fireline leaves to Prefect itself, held against a real server: triggers, recovery, and deploying to a work pool.

Takes about four minutes: a killed run is known by three missed heartbeats of half a minute.
"""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from acme import ANA
from stack import Stack, processes_of, running, wait_for

from flows.automations import EXAMPLES
from flows.catalogue import CATALOGUE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]
HOSTILE = 'quote " backslash \\ brace {{ 7*7 }} {% raise %} \n line'


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("fireline")) as started:
        yield started


def run_of_process(pid: int) -> str:
    """The flow run that a process was started for, if any."""
    try:
        for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            name, _, value = entry.partition(b"=")
            if name == b"PREFECT__FLOW_RUN_ID":
                return value.decode()
    except OSError:
        pass
    return ""


def states_of(stack: Stack, run_id: str) -> list[str]:
    return [s["name"] for s in stack.ask("GET", f"flow_run_states/?flow_run_id={run_id}")]


def test_an_unclear_delivery_starts_the_sweep_with_the_event_as_one_parameter(stack: Stack) -> None:
    payload = {"incident": "INC-9", "delivery": HOSTILE, "channel": "x"}
    event = {
        "id": str(uuid.uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": "fireline.delivery.unknown",
        "resource": {"prefect.resource.id": "fireline.incident.INC-9", "prefect.resource.name": "INC-9"},
        "payload": payload,
    }
    stack.ask("POST", "events", [event])

    def started() -> dict[str, Any] | None:
        return next((r for r in stack.runs("sweep") if r["parameters"].get("event")), None)

    run = wait_for(started, "the trigger starts a sweep")
    assert run["parameters"] == {"event": payload}
    wait_for(lambda: stack.run(run["id"])["state"]["type"] == "COMPLETED", "the sweep takes it", 120)


def test_a_run_that_was_killed_is_found_crashed_and_tried_again_and_a_waiting_one_is_left_alone(stack: Stack) -> None:
    opened = stack.cli("open", "acme", "Payments fail", "--as", ANA, "--severity", "SEV2")[0]
    wait_for(lambda: stack.run(opened["run"])["state"]["name"] == "Suspended", "the response waits for people")

    def watching() -> tuple[int, str] | None:
        runs = {r["id"] for r in stack.runs("watch") if r["state"]["type"] == "RUNNING"}
        known = ((pid, run_of_process(pid)) for pid in processes_of(stack.home))
        return next(((pid, run) for pid, run in known if run in runs), None)

    pid, run = wait_for(watching, "a watch is running")
    runner = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    assert b"flows.serve" in Path(f"/proc/{runner}/cmdline").read_bytes()
    for killed in (runner, pid):  # or else the runner tells the server at once
        os.kill(killed, signal.SIGKILL)
    wait_for(lambda: "Crashed" in states_of(stack, run) and "AwaitingRetry" in states_of(stack, run), "found", 240)
    wait_for(lambda: stack.run(run)["state"]["type"] == "RUNNING", "it runs again")
    waiting = stack.run(opened["run"])
    assert (waiting["state"]["name"], waiting["run_count"]) == ("Suspended", 1)
    assert [r["id"] for r in stack.runs("respond")] == [opened["run"]], "nobody replaced it"


def test_every_deployment_can_be_put_into_a_work_pool_with_prefect_yaml(stack: Stack) -> None:
    environment = {**stack.environment, **stack.runtime.environment(), "PREFECT_HOME": str(stack.home / "prefect")}

    def prefect(*words: str) -> str:
        argv = [sys.executable, "-m", "prefect", "--no-prompt", *words]
        done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=180)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    prefect("work-pool", "create", "fireline", "--type", "process")
    prefect("deploy", "--all")
    for entry in CATALOGUE:
        deployed = stack.ask("GET", f"deployments/name/{entry.deployment}")
        assert deployed["work_pool_name"] == "fireline"
        assert deployed["entrypoint"] == entry.entrypoint
        assert deployed["tags"] == list(entry.tags)
        shown = deployed["parameter_openapi_schema"]["properties"]
        assert all(field["title"] != name for name, field in shown.items()), "forms speak to people here, too"
    [schedule] = stack.ask("GET", "deployments/name/sweep/sweep")["schedules"]
    assert schedule["schedule"]["interval"] == 60


def test_an_example_automation_that_is_switched_on_does_what_it_says(stack: Stack) -> None:
    examples = {a["name"]: a for a in stack.ask("POST", "automations/filter", {}) if "example" in a["name"]}
    assert set(examples) == {e.name for e in EXAMPLES}
    assert not any(a["enabled"] for a in examples.values())
    stack.ask("PATCH", f"automations/{examples['Fireline example: mail on overdue']['id']}", {"enabled": True})
    incident = stack.cli("open", "acme", "Refunds fail", "--as", ANA, "--severity", "SEV3")[0]["incident"]
    event = {
        "id": str(uuid.uuid4()),
        "occurred": datetime.now(UTC).isoformat(),
        "event": "fireline.commitment.overdue",
        "resource": {"prefect.resource.id": f"fireline.incident.{incident}", "prefect.resource.name": incident},
        "payload": {"incident": incident, "commitment": HOSTILE},
    }
    time.sleep(3)  # the server's triggers learn of a change after it was answered
    stack.ask("POST", "events", [event])
    run = wait_for(lambda: next(iter(stack.runs("tell")), None), "the automation starts it")
    wait_for(lambda: stack.run(run["id"])["state"]["type"] == "COMPLETED", "it tells")
    assert any("A promise to the public is overdue" in p.rendering.subject for p in stack.posts())

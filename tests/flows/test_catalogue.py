"""The catalogue, ``prefect.yaml`` and the flows on disk say the same, in forms that Prefect accepts."""

import importlib
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.events import DeploymentEventTrigger
from prefect.server.events.schemas.automations import Automation as ServerAutomation
from prefect.utilities.callables import parameter_schema

from crisis.events import EVENTS
from flows.automations import EXAMPLES, RECOVERY, Example
from flows.catalogue import CATALOGUE, Entry, deployments

ROOT = Path(__file__).parents[2]
YAML: dict[str, Any] = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
DECLARED: dict[str, dict[str, Any]] = {d["name"]: d for d in YAML["deployments"]}
NAMES = [entry.flow for entry in CATALOGUE]


def flow_of(entrypoint: str) -> Flow[Any, Any]:
    module, _, function = entrypoint.rpartition(".")
    found = getattr(importlib.import_module(module), function)
    assert isinstance(found, Flow)
    return found


def test_every_flow_on_disk_is_in_the_catalogue_once() -> None:
    on_disk = {
        value.name
        for file in (ROOT / "flows").glob("*.py")
        if file.stem != "__init__"
        for value in vars(importlib.import_module(f"flows.{file.stem}")).values()
        if isinstance(value, Flow)
    }
    assert on_disk == set(NAMES)
    assert len(NAMES) == len(set(NAMES))


@pytest.mark.parametrize("entry", CATALOGUE, ids=NAMES)
def test_an_entrypoint_leads_to_the_flow_of_that_name_which_says_what_it_is_for(entry: Entry) -> None:
    found = flow_of(entry.entrypoint)
    assert found.name == entry.flow
    assert found.isasync, "a sync flow pays up to a second for its heartbeat thread"
    assert found.description
    assert found.fn.__doc__


@pytest.mark.parametrize("entry", CATALOGUE, ids=NAMES)
def test_every_question_of_a_form_has_a_title_and_an_explanation_for_people(entry: Entry) -> None:
    for name, shown in parameter_schema(flow_of(entry.entrypoint).fn).properties.items():
        assert shown["title"] != name
        assert shown["title"][0].isupper()
        assert len(shown["description"]) > 10
        assert "`" not in shown["description"]


@pytest.mark.parametrize("entry", CATALOGUE, ids=NAMES)
def test_prefect_yaml_declares_the_same_as_the_catalogue(entry: Entry) -> None:
    declared = DECLARED[entry.flow]
    assert declared["entrypoint"] == entry.entrypoint
    assert declared["description"].strip() == entry.description
    assert tuple(declared["tags"]) == entry.tags
    assert "concurrency_limit" not in declared
    assert [s["interval"] for s in declared.get("schedules", [])] == (
        [entry.every.total_seconds()] if entry.every else []
    )
    there = [DeploymentEventTrigger.model_validate(t) for t in declared.get("triggers", [])]
    assert there == [t.as_prefect() for t in entry.triggers]


def test_prefect_yaml_declares_nothing_else_and_uses_one_pool() -> None:
    assert list(DECLARED) == NAMES
    assert {d["work_pool"]["name"] for d in DECLARED.values()} == {"fireline"}
    urgent = {name for name, d in DECLARED.items() if d["work_pool"]["work_queue_name"] == "high"}
    assert urgent == {"respond", "publish"}


async def test_what_is_served_is_the_catalogue() -> None:
    served = await deployments()
    assert [(d.flow_name, d.name, d.entrypoint) for d in served] == [(e.flow, e.flow, e.entrypoint) for e in CATALOGUE]
    assert [d.tags for d in served] == [list(e.tags) for e in CATALOGUE]


def test_recovery_tries_a_run_again_that_crashed_once_or_twice_and_no_more() -> None:
    [retry] = RECOVERY
    ServerAutomation.model_validate(retry.model_dump(mode="json"))
    assert retry.enabled
    assert retry.trigger.expect == {"prefect.flow-run.Crashed"}
    assert retry.trigger.match["prefect.run-count"] == ["1", "2"]
    [action] = retry.actions
    assert (action.type, action.state, action.name) == ("change-flow-run-state", "SCHEDULED", "AwaitingRetry")


def test_missed_heartbeats_start_the_sweep_that_looks_for_silent_runs() -> None:
    [sweep] = [entry for entry in CATALOGUE if entry.flow == "sweep"]
    [silent] = [t.as_prefect() for t in sweep.triggers if t.after == "prefect.flow-run.heartbeat"]
    assert silent.within.total_seconds() == 90, "three heartbeats of half a minute"
    assert silent.posture == "Proactive"
    assert {"prefect.flow-run.heartbeat", "prefect.flow-run.Completed", "prefect.flow-run.Suspended"} <= silent.expect
    assert silent.for_each == {"prefect.resource.id"}


def test_no_automation_takes_a_run_for_crashed_on_missing_events() -> None:
    """Under load a server on SQLite loses the events that say a run is suspended, and people wait in those."""
    assert all(action.state != "CRASHED" for automation in RECOVERY for action in automation.actions)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_is_off_and_hands_a_flow_what_it_asks_for(example: Example) -> None:
    automation = example.automation(uuid.uuid4())
    ServerAutomation.model_validate(automation.model_dump(mode="json"))
    assert not automation.enabled
    assert example.expect in {event.full_name for event in EVENTS}
    [entry] = [entry for entry in CATALOGUE if entry.deployment == example.deployment]
    form = parameter_schema(flow_of(entry.entrypoint).fn)
    assert {"event", *example.parameters} <= set(form.properties)
    assert set(form.required or ()) <= {"event", *example.parameters}

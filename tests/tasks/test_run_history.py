"""What Prefect knows of an incident's runs is copied as plain JSON (starts a real Prefect server; about half a minute)."""

import json

import pytest
from prefect import flow, tags
from prefect.artifacts import acreate_markdown_artifact
from prefect.logging import get_run_logger
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.testing.utilities import prefect_test_harness

from tasks.run_history import run_history


@flow(name="told", log_prints=True)
async def told() -> None:
    get_run_logger().info("the statement is out")
    await acreate_markdown_artifact(key="incident-1-note", markdown="# a note")


@pytest.mark.slow
async def test_runs_states_logs_and_artifacts_of_the_incident_are_copied_and_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with prefect_test_harness(server_startup_timeout=120):
        monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))
        monkeypatch.setenv("PREFECT_LOGGING_TO_API_ENABLED", "true")
        with tags("incident:INC-1"):
            await told()
        with tags("incident:INC-2"):
            await told()
        history = json.loads(json.dumps(await run_history("INC-1")))
        nothing = await run_history("INC-3")
    assert "unavailable" not in history
    [run] = history["runs"]
    assert run["run"]["tags"] == ["incident:INC-1"]
    assert [state["type"] for state in run["states"]] == ["PENDING", "RUNNING", "COMPLETED"]
    assert [a["key"] for a in history["artifacts"]["entries"]] == ["incident-1-note"]
    assert nothing == {"runs": []}


async def test_a_server_that_is_away_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}):
        history = await run_history("INC-1")
    assert "could not be asked" in history["unavailable"]
    assert history["runs"] == []

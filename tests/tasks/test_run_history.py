"""What Prefect knows of an incident's runs is copied while it knows, added to, and never lost again."""

import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prefect import flow, tags
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.logging import get_run_logger
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from prefect.testing.utilities import prefect_test_harness
from staged import settings_in

from crisis.clock import FixedClock
from records import open_store
from tasks.installation import Installation
from tasks.run_history import HIDDEN, LONGEST, _inputs, _scrubbed, copy_runs, run_history


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Installation]:
    from staged import START

    settings = settings_in(tmp_path)
    store = await open_store(settings.database_url, keys=tmp_path / "keys", clock=FixedClock(START))
    opened = Installation(settings, store)
    yield opened
    await opened.close()


@flow(name="told", log_prints=True)
async def told() -> None:
    get_run_logger().info("the statement is out, token=abcdef123456")
    await acreate_markdown_artifact(key="incident-1-note", markdown="# a note")


@pytest.mark.slow
async def test_everything_of_the_incident_is_copied_and_outlives_what_prefect_forgets(
    monkeypatch: pytest.MonkeyPatch, here: Installation
) -> None:
    with prefect_test_harness(server_startup_timeout=120):
        monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))
        monkeypatch.setenv("PREFECT_LOGGING_TO_API_ENABLED", "true")
        with tags("incident:INC-1"):
            await told()
        with tags("incident:INC-2"):
            await told()
        history = json.loads(json.dumps(await run_history(here, "INC-1")))
        run = uuid.UUID(history["runs"][0]["run"]["id"])
        async with get_client() as client:
            for name, code in (("first", "123456"), ("second", "654321")):
                value = json.dumps({"decision": "approve", "code": code})
                await client.create_flow_run_input(run, key=name, value=value)
            assert await copy_runs(here, "INC-1") == ""
            await client.delete_flow_run_input(run, "first")  # as a retry does
        assert await copy_runs(here, "INC-1") == ""
        nothing = await run_history(here, "INC-3")
    assert "unavailable" not in history
    assert history["runs"][0]["run"]["tags"] == ["incident:INC-1"]
    assert [state["type"] for state in history["runs"][0]["states"]] == ["PENDING", "RUNNING", "COMPLETED"]
    assert [a["key"] for a in history["artifacts"]["entries"]] == ["incident-1-note"]
    assert nothing["runs"] == []
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}):
        later = await run_history(here, "INC-1")
    assert later["unavailable"]
    assert len(later["runs"]) == 1
    assert {i["key"] for i in later["inputs"]["entries"]} == {"first", "second"}
    assert "123456" not in str(later)
    assert "abcdef123456" not in str(later)


async def test_a_server_that_is_away_stops_nothing(monkeypatch: pytest.MonkeyPatch, here: Installation) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}):
        history = await run_history(here, "INC-1")
    assert "could not be asked" in history["unavailable"]
    assert history["runs"] == []


async def test_without_a_prefect_server_the_history_says_so(
    monkeypatch: pytest.MonkeyPatch, here: Installation
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert "unavailable" in await run_history(here, "INC-1")


class _Told(SimpleNamespace):
    def model_dump(self, mode: str) -> dict[str, Any]:
        return dict(self.__dict__)


async def test_inputs_are_asked_for_until_there_are_no_more() -> None:
    every = [f"answer-{n}" for n in range(450)]

    class Client:
        async def filter_flow_run_input(self, run: Any, key_prefix: str, limit: int, exclude_keys: set[str]) -> Any:
            return [_Told(key=key) for key in every if key not in exclude_keys][:limit]

    found = await _inputs(Client(), "run")  # type: ignore[arg-type]
    assert [entry["key"] for entry in found["entries"]] == every
    assert not found["cut"]


def test_secrets_codes_and_endless_texts_are_not_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRELINE_NEWSROOM_ACCESS_TOKEN", "hunter2-hunter2")
    value = {
        "one_time_code": "123456",
        "value": json.dumps({"decision": "approve", "code": "123456"}),
        "message": "sent with hunter2-hunter2 and Bearer abcdef.ghi",
        "long": "x" * (LONGEST + 1),
        "decision": "approve",
    }
    found = _scrubbed(value)
    assert "123456" not in str(found)
    assert "hunter2" not in str(found)
    assert "abcdef" not in str(found)
    assert found["one_time_code"] == HIDDEN
    assert found["decision"] == "approve"
    assert json.loads(found["value"])["decision"] == "approve"
    assert found["long"].endswith(f"[cut: {LONGEST + 1:,} characters]")

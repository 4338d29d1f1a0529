"""Runs whose process was killed are taken up (starts a real Prefect server; about half a minute)."""

from datetime import timedelta
from pathlib import Path

import pytest
from prefect import flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.settings import PREFECT_API_URL
from prefect.states import Pending, Running, Suspended
from prefect.testing.utilities import prefect_test_harness
from staged import settings_in

from crisis.clock import SystemClock
from records import open_store
from tasks import silence
from tasks.installation import Installation
from tasks.silence import crash_silent_runs


@flow
async def nothing() -> None:
    """Never run here."""


async def _state_of(client: PrefectClient, run_id: object) -> str:
    run = await client.read_flow_run(run_id)  # type: ignore[arg-type]
    assert run.state is not None
    return run.state.name


@pytest.mark.slow
async def test_a_run_killed_while_starting_is_scheduled_again_one_killed_while_running_crashes_and_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = settings_in(tmp_path)
    store = await open_store(settings.database_url, keys=tmp_path / "keys", clock=SystemClock())
    here = Installation(settings, store)
    with prefect_test_harness(server_startup_timeout=120):
        monkeypatch.setenv("PREFECT_API_URL", str(PREFECT_API_URL.value()))
        async with get_client() as client:
            starting = await client.create_flow_run(nothing, tags=["fireline"], state=Pending())
            running = await client.create_flow_run(nothing, tags=["fireline"], state=Running())
            waiting = await client.create_flow_run(nothing, tags=["fireline"], state=Suspended(timeout_seconds=3600))
            foreign = await client.create_flow_run(nothing, state=Pending())
            runs = [r.id for r in (starting, running, waiting, foreign)]
            before = [await _state_of(client, run) for run in runs]
            await crash_silent_runs(here)
            assert [await _state_of(client, run) for run in runs] == before
            monkeypatch.setattr(silence, "SILENCE", timedelta(0))
            await crash_silent_runs(here)
            after = [await _state_of(client, run) for run in runs]
    assert after == ["AwaitingRetry", "Crashed", "Suspended", "Pending"]
    await here.close()

"""Long work tells how far it is, on the desk and to whoever watches, and never fails or waits for it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from acme import acme

from crisis.long_work import LongWork
from tasks import progress as seam
from tasks.installation import Installation
from tasks.progress import artifact_key, counted, under_way, watched_by

NEVER = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Installation]:
    async with acme(tmp_path) as opened:
        yield opened


@pytest.fixture
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seam, "EVERY_SECONDS", 0.02)


async def noted(here: Installation, work: str) -> LongWork | None:
    async with here.store.reading() as tx:
        return await tx.progress.get(work)


@pytest.mark.usefixtures("_often")
async def test_the_desk_sees_how_far_work_is_while_it_goes_on_and_how_it_ended(here: Installation) -> None:
    async with under_way(here, "count", "Counting", total=10, unit="sheep", incident="INC-7") as progress:
        progress.more(4, says="in the dark")
        while (seen := await noted(here, "count")) is None or not seen.done:
            await asyncio.sleep(0.01)
        assert seen.line == "Counting: 4 of 10 sheep (40%), in the dark"
        assert not seen.ended
    after = await noted(here, "count")
    assert after
    assert (after.ended, after.share, after.incident) == ("done", 1.0, "INC-7")


@pytest.mark.usefixtures("_often")
async def test_work_that_breaks_is_shown_as_failed_without_the_words_of_the_error(here: Installation) -> None:
    with pytest.raises(ValueError, match="hunter2"):
        async with under_way(here, "count", "Counting", at_once=True):
            raise ValueError("password hunter2")
    after = await noted(here, "count")
    assert after
    assert after.ended == "failed"
    assert "hunter2" not in after.says


async def test_short_work_leaves_nothing_behind(here: Installation) -> None:
    async with under_way(here, "count", "Counting", total=1) as progress:
        progress.more()
    async with here.store.reading() as tx:
        assert await tx.progress.list(since=NEVER) == []


@pytest.mark.usefixtures("_often")
async def test_work_goes_on_when_nobody_can_be_told(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(work: LongWork) -> None:
        raise OSError("the terminal is gone")

    async def away(*args: object) -> None:
        raise RuntimeError("the database is gone")

    monkeypatch.setattr("records.progress.Progress.note", away)
    with watched_by(broken):
        async with under_way(here, "count", "Counting", at_once=True) as progress:
            progress.more(3)
            progress.more(3)
    assert progress.state.done == 6


@pytest.mark.usefixtures("_often")
async def test_prefect_gets_one_artifact_that_is_kept_up_to_date(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[object, ...]] = []

    async def create(**artifact: object) -> str:
        shown.append(("create", artifact["key"], artifact["progress"]))
        return "the-id"

    async def update(name: str, **artifact: object) -> None:
        shown.append((name, artifact["progress"], artifact["description"]))

    monkeypatch.setattr("prefect.artifacts.acreate_progress_artifact", create)
    monkeypatch.setattr("prefect.artifacts.aupdate_progress_artifact", update)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    here.flow_run_id = "a-run"
    async with under_way(here, "mailing/D-1", "Mailing", total=4, unit="recipients") as progress:
        progress.at(1)
        while not shown:
            await asyncio.sleep(0.01)
    assert shown[0] == ("create", "progress-mailing-d-1", 25.0)
    assert shown[-1] == ("the-id", 100.0, "Mailing: 4 of 4 recipients (100%)")


def test_watchers_hear_how_work_ends_even_when_it_fails() -> None:
    heard: list[LongWork] = []
    with watched_by(heard.append):
        with counted("a", "A", total=2) as progress:
            progress.more()
        with pytest.raises(KeyboardInterrupt), counted("b", "B"):
            raise KeyboardInterrupt
    assert [(w.work, w.ended) for w in heard if w.ended] == [("a", "done"), ("b", "failed")]


def test_names_of_work_become_keys_that_prefect_takes() -> None:
    assert artifact_key("mailing/DLV_1<x>--2") == "progress-mailing-dlv-1-x-2"
    assert set(artifact_key("Ä/../<script>")) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")

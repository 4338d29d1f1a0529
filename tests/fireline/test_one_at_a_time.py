"""One demo, and one running Fireline, in a folder: the second is told, and the first keeps everything it has."""

import asyncio
import os
import stat
from pathlib import Path

import pytest

import config
from config.runtime import FILE, make_home
from fireline import prefect_database
from fireline.demo_stage import MARKER, Stage
from fireline.errors import Stop
from fireline.lock import running_lock
from fireline.supervisor import Supervisor
from tests.acme import write_starter


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRELINE_HOME", "")  # what a stage sets is undone
    monkeypatch.delenv("FIRELINE_HOME")
    monkeypatch.delenv("FIRELINE_CONFIG", raising=False)


def test_a_second_demo_in_one_folder_is_told_and_leaves_the_firsts_alone(tmp_path: Path) -> None:
    first = Stage(tmp_path / "demo")
    (tmp_path / "demo" / "report.html").touch()
    with pytest.raises(Stop, match=rf"a demo runs in .*demo already \(process {os.getpid()}\): let it end") as caught:
        Stage(tmp_path / "demo")
    assert caught.value.status == 1
    assert (tmp_path / "demo" / "report.html").exists()
    first.lock.release()
    Stage(tmp_path / "demo").lock.release()
    assert not (tmp_path / "demo" / "report.html").exists()


def test_a_demo_does_not_clear_what_fireline_up_runs_on(tmp_path: Path) -> None:
    Stage(tmp_path / "demo").lock.release()
    running = running_lock(tmp_path / "demo")
    with pytest.raises(Stop, match=r"runs on .*demo already"):
        Stage(tmp_path / "demo")
    assert (tmp_path / "demo" / MARKER).exists()
    running.release()


def test_a_second_supervisor_starts_nothing_and_leaves_the_firsts_address_in_place(tmp_path: Path) -> None:
    file = write_starter(tmp_path, ("port = 8420", "port = 18420"), ("port = 4200", "port = 14200"))
    running = running_lock(tmp_path)
    (tmp_path / FILE).write_text("the first one's")
    second = Supervisor(config.load(file), file)

    async def started() -> None:
        try:
            await second.start(lambda _: None)
        finally:
            await second.stop()

    with pytest.raises(Stop, match="already"):
        asyncio.run(started())
    assert (tmp_path / FILE).read_text() == "the first one's"
    assert all(child.process is None for child in second.children)
    running.release()


def test_home_and_prefects_database_are_their_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "empty.db"
    empty.touch(0o644)
    monkeypatch.setattr(prefect_database, "prepared", lambda: empty)
    home = tmp_path / "home"
    make_home(home)
    prefect_database.lay_out(home / "prefect")

    def rights(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert (rights(home), rights(home / "prefect" / "prefect.db")) == (0o700, 0o600)
    (home / "prefect" / "prefect.db").chmod(0o644)
    prefect_database.lay_out(home / "prefect")
    assert rights(home / "prefect" / "prefect.db") == 0o600


def test_what_is_started_makes_files_that_only_its_owner_reads(tmp_path: Path) -> None:
    from fireline.supervisor import Child

    async def ready() -> bool:
        return True

    child = Child("toucher", ["/usr/bin/touch", str(tmp_path / "made")], tmp_path / "logs" / "log", ready)

    async def touched() -> None:
        await child.start(os.environ)
        assert child.process is not None
        await child.process.wait()

    asyncio.run(touched())
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o600

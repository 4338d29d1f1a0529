"""``fireline report`` and ``fireline verify``: exit status and words, on a whole incident."""

import asyncio
import json
import shutil
import sqlite3
import zipfile
from pathlib import Path

import pytest
from staged import stage

from fireline.__main__ import run


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installation")

    async def prepare() -> None:
        here, _ = await stage(folder)
        await here.close()

    asyncio.run(prepare())
    return folder


@pytest.fixture
def home(begun: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configured installation with one whole incident, found by the environment."""
    home = tmp_path / "home"
    shutil.copytree(begun, home)
    file = home / "fireline.toml"
    file.write_text(file.read_text().replace(str(begun), str(home)))
    monkeypatch.setenv("FIRELINE_CONFIG", str(file))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return home


@pytest.fixture
def bundle(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert run(["report", "INC-1", "-o", str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert Path(told["report"]).read_text().startswith("<!doctype html>")
    return Path(told["evidence"])


def test_a_report_and_its_evidence_are_written_and_the_evidence_holds(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", str(bundle)]) == 0
    said = capsys.readouterr()
    assert "holds: INC-1" in said.out
    assert said.err == ""
    assert run(["verify", str(bundle), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert told["problem"] == ""


def test_a_tampered_bundle_is_found_wanting_and_the_first_fault_named(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bundle) as good, zipfile.ZipFile(bad, "w") as copy:
        for name in good.namelist():
            content = good.read(name)
            if name == "ledger/records.jsonl":
                content = content.replace(b"Ida Okafor", b"Eve Okafor", 1)
            copy.writestr(name, content)
    assert run(["verify", str(bad)]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "ledger/records.jsonl: the file was altered after it was sealed: record" in said.err
    assert run(["verify", str(bad), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["problems"][0]["where"] == "ledger/records.jsonl"


def test_the_key_that_must_have_signed_can_be_given(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["verify", str(bundle), "--json"])
    key = json.loads(capsys.readouterr().out)["key"]
    assert run(["verify", str(bundle), "--key", key]) == 0
    assert run(["verify", str(bundle), "--key", "ab" * 32]) == 1
    assert "not with the key you trust" in capsys.readouterr().err


def test_verifying_a_bundle_needs_no_installation(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIRELINE_CONFIG")
    monkeypatch.setenv("FIRELINE_HOME", str(tmp_path / "nowhere"))
    monkeypatch.chdir(tmp_path)
    assert run(["verify", str(bundle)]) == 0


def test_the_store_is_proven_and_an_altered_record_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--store"]) == 0
    assert "The ledger holds: " in capsys.readouterr().out
    with sqlite3.connect(home / "fireline.db") as database:
        for (name,) in database.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            database.execute(f"drop trigger {name}")
        database.execute("update ledger set actor = 'nobody' where seq = 5")
    assert run(["verify", "--store"]) == 1
    assert "the ledger does not hold: record 5 was altered" in capsys.readouterr().err
    assert run(["verify", "--store", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["seq"] == 5


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        ("update facts set body = replace(body, 'Buses', 'Taxis')", "fact INC-1-F3 (version 1) was altered: its text"),
        ("update incidents set title = 'A quiet day'", "incident INC-1 was altered: its title is not what record"),
        ("delete from decisions where approver = 'lena@example.com'", "the decision of lena@example.com on"),
    ],
)
def test_a_table_altered_without_its_triggers_is_found_and_the_row_named(
    attack: str, says: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", "--store"]) == 0
    assert "The tables say what it recorded" in capsys.readouterr().out
    with sqlite3.connect(home / "fireline.db") as database:
        for (name,) in database.execute("select name from sqlite_master where type = 'trigger'").fetchall():
            database.execute(f"drop trigger {name}")
        database.execute(attack)
    assert run(["verify", "--store"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("fireline: the tables are not as the ledger recorded them: ")
    assert says in told
    assert len(told.splitlines()) == 1
    assert run(["verify", "--store", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["of"] == "tables"


def test_proving_the_store_changes_nothing_in_it(home: Path) -> None:
    def records() -> int:
        with sqlite3.connect(home / "fireline.db") as database:
            return int(database.execute("select count(*) from ledger").fetchone()[0])

    before = records()
    run(["verify", "--store"])
    assert records() == before


def test_a_database_that_was_lost_is_found_wanting(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for file in home.glob("fireline.db*"):
        file.unlink()
    assert run(["verify", "--store"]) == 1
    assert "lost or replaced" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["verify"], "say what to prove"),
        (["verify", "a.zip", "--store"], "say what to prove"),
        (["verify", "--store", "--key", "ab"], "--key is for bundles"),
        (["verify", "no-such-file.zip"], "no-such-file.zip cannot be read"),
    ],
)
def test_bad_usage_is_told_apart_from_a_bad_ledger(
    arguments: list[str], says: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    assert says in capsys.readouterr().err


def test_an_unknown_incident_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", "INC-77", "-o", str(home / "out")]) == 1
    assert "INC-77" in capsys.readouterr().err

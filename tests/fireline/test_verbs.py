"""Verbs that work on an installation: what they refuse, how they say it, and what they never let through."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

import fireline
from crisis.fact import Fact
from crisis.incident import Incident
from crisis.statement import Statement
from fireline.__main__ import run
from fireline.session import session
from records import Transaction
from tests.acme import ANA, IDA, write_starter

T = TypeVar("T")
OPEN = ["open", "acme", "Payments fail", "--as", IDA]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(folder)))
    monkeypatch.setenv("FIRELINE_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def ended(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of one verb."""
    capsys.readouterr()
    status = run(list(arguments))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit status and the one sentence of a verb that refused, having printed nothing else."""
    status, out, err = ended(capsys, *arguments)
    assert out == ""
    assert len(err.splitlines()) == 1, err
    return status, err


def on_record(look: Callable[[Transaction], Awaitable[T]]) -> T:
    async def read() -> T:
        async with session() as here, here.store.reading() as tx:
            return await look(tx)

    return asyncio.run(read())


def facts(incident: str = "INC-1") -> list[Fact]:
    return on_record(lambda tx: tx.facts.list(incident))


def statements(incident: str = "INC-1") -> list[Statement]:
    return on_record(lambda tx: tx.statements.list(incident))


def incidents() -> list[Incident]:
    return on_record(lambda tx: tx.incidents.list())


def said(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


@pytest.mark.parametrize("text", [b"", b" \n\t\n"])
def test_an_empty_text_file_is_refused_instead_of_the_templates_words_becoming_yours(
    text: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    run(OPEN)
    before = statements()
    Path("own.txt").write_bytes(text)
    for arguments in (["draft", "INC-1", "--text", "own.txt"], ["correct", "INC-1-S1", "--text", "own.txt"]):
        status, says = refused(capsys, *arguments, "--as", ANA)
        assert status == 2
        assert "own.txt: is empty" in says
    assert statements() == before


def test_a_text_of_your_own_needs_your_name(capsys: pytest.CaptureFixture[str]) -> None:
    run(OPEN)
    Path("own.txt").write_text("Payments fail\n\nWe know, and we are sorry.\n", encoding="utf-8")
    status, says = refused(capsys, "draft", "INC-1", "--text", "own.txt")
    assert status == 2
    assert "--as" in says
    assert "template" not in says


@pytest.mark.parametrize("text", ["", "  \t ", "safe\x1b[2J", "one\ntwo", "left\u202eright"])
def test_a_fact_that_is_no_line_of_plain_text_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(OPEN)
    status, says = refused(capsys, "fact", "INC-1", text, "confirmed", "--as", IDA)
    assert status == 2
    assert "the fact" in says
    assert facts() == []


def test_a_facts_text_is_kept_without_the_space_around_it(capsys: pytest.CaptureFixture[str]) -> None:
    run(OPEN)
    assert run(["fact", "INC-1", "  Payments fail since 11:20 UTC ", "confirmed", "--as", IDA]) == 0
    assert [f.text for f in facts()] == ["Payments fail since 11:20 UTC"]


@pytest.mark.parametrize("id", ["INC-1-F1", "INC-2-F9", "../../x", "INC-2-F1\n"])
def test_only_a_fact_of_the_incident_can_be_changed(id: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(OPEN)
    run(["open", "acme", "Something else", "--as", IDA])
    run(["fact", "INC-1", "Payments fail", "--as", IDA])
    status, says = refused(capsys, "fact", "INC-2", "Payments work", "confirmed", "--id", id, "--as", IDA)
    assert status == 1
    assert "INC-2 has no fact" in says
    assert [f.text for f in facts("INC-1")] == ["Payments fail"]
    assert facts("INC-2") == []


@pytest.mark.parametrize("reason", ["", "  ", "\t\n"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["dismiss", "INC-1"],
        ["assess", "INC-1", "--severity", "SEV1"],
        ["confirm", "INC-1"],
        ["merge", "INC-1", "INC-2"],
        ["split", "INC-1", "--narrative", "N1"],
        ["resolve", "INC-1"],
        ["withdraw", "INC-1-S1"],
        ["answer", "D-1", "--arrived"],
        ["approve", "INC-1-S1", "--role", "comms", "--return"],
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_a_reason_that_says_nothing_is_refused(
    arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, says = refused(capsys, *arguments, "--as", IDA, "--reason", reason)
    assert status == 2
    assert "reason" in says


def test_approving_needs_no_reason(capsys: pytest.CaptureFixture[str]) -> None:
    run(OPEN)
    capsys.readouterr()
    assert run(["approve", "INC-1-S1", "--role", "comms", "--as", "ana@example.com"]) == 0
    assert "approve" in capsys.readouterr().out


@pytest.mark.parametrize("title", ["", "   ", "a\nb", "\x1b[31mred", "x" * 201, "up\u202edown"])
def test_an_incident_whose_title_cannot_be_shown_is_not_opened(title: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, says = refused(capsys, "open", "acme", title, "--as", IDA)
    assert status == 2
    assert "the title" in says
    assert "\x1b" not in says
    assert incidents() == []


def test_hostile_text_on_record_cannot_move_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    run(OPEN)

    async def overwritten() -> None:
        async with session() as here, here.store.transaction() as tx:
            old = await tx.incidents.get("INC-1")
            await tx.incidents.open(
                watch="acme",
                title="Acme: \x1b[2J\x1b[31mgone\u202e\x07\rback",
                assessment=old.assessment,
                opened_at=old.opened_at,
                started_at=old.started_at,
                opened_by="detector",
                actor="detector",
            )

    asyncio.run(overwritten())
    _, shown, _ = ended(capsys, "incidents")
    assert "gone" in shown
    assert not set(shown) & set("\x1b\x07\r\u202e")
    _, rows, _ = ended(capsys, "incidents", "--json")
    assert not set(rows) & set("\x1b\x07\r")
    _, _, err = ended(capsys, "draft", "INC-\x1b[31m9")
    assert "\x1b" not in err


def _no_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("FIRELINE_CONFIG", str(home / "fireline.toml"))
    _homed(home, "/proc/fireline")
    return "/proc/fireline"


def _a_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (home.parent / "file").touch()
    _homed(home, home.parent / "file")
    return "file"


def _homed(home: Path, there: Path | str) -> None:
    file = home / "fireline.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(f'home = "{home.as_posix()}"', f'home = "{there}"'), encoding="utf-8")


def _bad_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (home / "keys").mkdir()
    (home / "keys" / "ledger.key").write_bytes(b"-----BEGIN PRIVATE KEY-----\nnone\n")
    return "ledger.key"


def _bad_codes_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (home / "keys").mkdir()
    (home / "keys" / "codes.key").write_bytes(b"\xff")
    return "codes.key"


def _key_is_a_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (home / "keys" / "ledger.key").mkdir(parents=True)
    return "ledger.key"


def _garbage(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (home / "fireline.db").write_bytes(b"garbage" * 1000)
    return "fireline.db"


def _garbage_with_a_header(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    asyncio.run(_opened())
    data = bytearray((home / "fireline.db").read_bytes())
    data[100:4096] = b"\xee" * 3996
    (home / "fireline.db").write_bytes(data)
    (home / "fireline.db-wal").unlink(missing_ok=True)
    return "database"


async def _opened() -> None:
    async with session():
        pass


def _no_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("FIRELINE_DATABASE_URL", "postgresql+asyncpg://u:hunter2@127.0.0.1:9/x")
    return "nothing answers at 127.0.0.1:9"


BREAKAGES = [
    _no_folder, _a_file, _bad_key, _bad_codes_key, _key_is_a_folder, _garbage, _garbage_with_a_header, _no_server,
]  # fmt: skip


@pytest.mark.parametrize("broken", BREAKAGES, ids=lambda f: f.__name__.strip("_"))
@pytest.mark.parametrize(
    "verb",
    [["incidents"], OPEN, ["draft", "INC-1"], ["desk-link"], ["verify", "--store"]],
    ids=lambda arguments: arguments[0],
)
def test_an_installation_that_cannot_be_used_ends_in_one_sentence(
    broken: Callable[[Path, pytest.MonkeyPatch], str],
    verb: list[str],
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("FIRELINE_HOME")
    named = broken(home, monkeypatch)
    status, says = refused(capsys, *verb)
    assert status == 2
    assert named in says
    assert "hunter2" not in says


def test_a_note_of_a_running_installation_that_cannot_be_read_is_none(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "runtime.json").write_bytes(b"\xff\xfe{")
    status, out, err = ended(capsys, "incidents")
    assert (status, err) == (0, "")
    assert "No incidents" in out


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["incidents"], ["incidents", "--json"], ["check"]])
def test_a_full_disk_under_standard_output_is_told_in_one_sentence(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "fireline", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(fireline.__file__).parent.parent)},
        )
    if "--json" in arguments:
        assert (done.returncode, done.stderr) == (0, "")  # there was nothing to write
        return
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_watch_and_an_unknown_incident_end_alike(capsys: pytest.CaptureFixture[str]) -> None:
    watch = refused(capsys, "open", "nowhere", "Payments fail", "--as", IDA)
    incident = refused(capsys, "draft", "INC-99")
    assert (watch[0], incident[0]) == (1, 1)
    assert "there is no watch 'nowhere': there is acme" in watch[1]


def test_a_strangers_address_is_not_taken_for_a_colleagues(capsys: pytest.CaptureFixture[str]) -> None:
    _, stranger = refused(capsys, *OPEN[:-1], "nobody@example.com")
    assert "did you mean" not in stranger
    _, typo = refused(capsys, *OPEN[:-1], "idda@example.com")
    assert "did you mean 'ida@example.com'?" in typo


def test_lint_names_references_that_people_can_find(capsys: pytest.CaptureFixture[str]) -> None:
    Path("own.txt").write_text("We are sorry if anyone was offended. No comment.\n", encoding="utf-8")
    _, out, _ = ended(capsys, "lint", "own.txt", "--kind", "holding", "--json")
    assert said(out)
    assert all(row["reference"] and "DESIGN" not in row["reference"] for row in said(out))


def test_a_draft_that_lint_blocks_says_so_instead_of_asking_to_propose_it(capsys: pytest.CaptureFixture[str]) -> None:
    run(OPEN)
    Path("own.txt").write_text("Payments fail\n\nWe are sorry if anyone was offended.\n", encoding="utf-8")
    status, out, _ = ended(capsys, "draft", "INC-1", "--text", "own.txt", "--as", ANA)
    assert status == 0
    assert "Next: lint blocks it (" in out
    assert "fireline propose" not in out

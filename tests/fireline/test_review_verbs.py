"""Verbs of the after-action review: the same acts as on the desk, by name and role."""

import json
from pathlib import Path

import pytest

from crisis.report_tables import TABLES
from fireline.__main__ import run
from tests.acme import ANA, IDA, write_starter


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(folder)))
    monkeypatch.setenv("FIRELINE_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def test_a_review_is_written_met_about_tasked_and_exported(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def said(*arguments: str) -> tuple[int, list[dict[str, object]], str]:
        capsys.readouterr()
        status = run([*arguments, "--json"])
        captured = capsys.readouterr()
        return status, [json.loads(line) for line in captured.out.splitlines()], captured.err

    assert run(["open", "acme", "Payments fail", "--as", IDA, "--severity", "SEV2"]) == 0
    status, [shown], _ = said("review", "INC-1", "--lessons", "=cmd careless", "--as", ANA)
    assert (status, shown["missing"]) == (0, ["incident_lead"])
    assert [f["rule"] for f in shown["blame"]["lessons"]] == ["judgement"]  # type: ignore[index]
    due = ("--owner", ANA, "--due", "2020-01-02", "--as", IDA)
    status, [task], _ = said("task", "INC-1", "=Second route", *due)
    assert (status, task["id"], task["state"]) == (0, "INC-1-T1", "open")
    assert said("tasks")[1][0]["overdue"] is True
    status, [done], _ = said("task", "INC-1", "--id", "INC-1-T1", "--done", "--note", "there", "--as", ANA)
    assert (status, done["state"]) == (0, "done")
    status, [files], _ = said("export", "INC-1", "-o", str(tmp_path / "out"))
    assert status == 0
    assert len(files["files"]) == 1 + len(TABLES)  # type: ignore[arg-type]
    assert "'=Second route" in (tmp_path / "out" / "tables" / "tasks.csv").read_text(encoding="utf-8-sig")
    for arguments, status, says in (
        (("review-sign", "INC-1", "--role", "incident_lead", "--as", IDA), 1, "once the incident is resolved"),
        (("review-meeting", "INC-1", "--held-at", "soon", "--with", ANA, "--as", IDA), 2, "no date or time"),
        (("task", "INC-1", "x", "--as", IDA), 2, "needs its text"),
        (("task", "INC-1", "--id", "INC-1-T9", "--done", "--as", IDA), 1, "no task 'INC-1-T9'"),
        (("review", "INC-9"), 1, "INC-9"),
        (("review", "INC-1", "--lessons", "/nope.md", "--as", ANA), 2, "--lessons @/nope.md"),
        (("review", "INC-1", "--lessons", "@/nope.md", "--as", ANA), 2, "No such file"),
    ):
        got, _, err = said(*arguments)
        assert (got, says in err) == (status, True), err


def test_a_section_of_a_review_is_read_from_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["open", "acme", "Payments fail", "--as", IDA, "--severity", "SEV2"]) == 0
    (tmp_path / "lessons.md").write_text("Check the second route weekly.\n")
    assert run(["review", "INC-1", "--lessons", f"@{tmp_path / 'lessons.md'}", "--as", ANA]) == 0
    assert "Check the second route weekly." in capsys.readouterr().out


def test_verbs_with_nothing_to_show_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["open", "acme", "Payments fail", "--as", IDA, "--severity", "SEV2"]) == 0
    assert run(["read-back", "INC-1"]) == 0
    assert "Nothing was looked at" in capsys.readouterr().out
    assert run(["do-not-engage", "INC-1"]) == 2
    assert "'INC-1' names nobody" in capsys.readouterr().err

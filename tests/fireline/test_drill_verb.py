"""``fireline drill``: what it lists and refuses, and a whole rehearsal that ends by itself."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.loading import load
from config.scenarios import drills
from fireline.__main__ import run
from integrations.sandbox import posts
from tests.acme import write_starter

ROOT = Path(__file__).parents[2]


def test_without_a_scenario_it_lists_those_there_are(capsys):
    assert run(["drill"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in drills.names())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["data_brech"], "did you mean 'data_breach'"),
        (["data_breach", "--hours", "0"], "--hours must be above 0"),
        (["data_breach", "--speed", "-1"], "--speed must be above 0"),
        (["data_breach", "--yes", "--people"], "choose one of the two"),
        (["data_breach", "--watch", "nobody"], "there is no watch 'nobody'"),
    ],
)
def test_what_cannot_be_rehearsed_is_refused_in_one_sentence_and_leaves_nothing(
    arguments, says, tmp_path, monkeypatch, capsys
):
    home = tmp_path / "home"
    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(home)))
    assert run(["drill", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert says in err
    assert len(err.splitlines()) == 1
    assert not (home / "drills").exists()


@pytest.mark.slow
def test_a_drill_runs_by_itself_is_scored_and_says_drill_on_everything(tmp_path):
    home = tmp_path / "home"
    file = write_starter(home)
    environment = {
        **os.environ,
        "FIRELINE_CONFIG": str(file),
        "PYTHONPATH": str(ROOT),
        "FIRELINE_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path / 'real.db'}",
    }
    done = subprocess.run(
        [sys.executable, "-m", "fireline", "drill", "service_failure", "--yes", "--hours", "1"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert "clocks kept" in done.stdout, done.stdout + done.stderr
    assert done.stderr == ""
    (folder,) = (home / "drills").iterdir()
    score = json.loads((folder / "score.json").read_text())
    marks = {mark["name"]: mark["state"] for mark in score["marks"]}
    assert marks["Somebody on it"] == marks["Holding statement"] == "kept"
    settings = load(folder / "fireline.toml")
    assert {c.kind for c in settings.channels} == {n.kind for n in settings.notifiers} == {"sandbox"}
    shown = posts(folder / "sandbox")
    assert {p.purpose.value for p in shown} == {"statement", "notice"}
    assert all(p.rendering.subject.startswith("DRILL: ") for p in shown if p.purpose.value == "notice")
    assert not (tmp_path / "real.db").exists()
    assert not (home / "sandbox").exists()
    assert not (folder / "runtime.json").exists()

"""Confirm, dismiss, merge, narrative and the labels, from the command line: what is printed, and what is refused."""

import asyncio
import csv
import io
import json
from pathlib import Path

import pytest
from acme import IDA, acme, incident_in, write_starter

from fireline.__main__ import run

BY = ["--as", IDA, "--reason", "because"]


@pytest.fixture(autouse=True)
def two_incidents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation with INC-1 and INC-2."""
    monkeypatch.delenv("FIRELINE_HOME", raising=False)
    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(tmp_path)))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)

    async def opened() -> None:
        async with acme(tmp_path) as here:
            await incident_in(here)
            await incident_in(here)

    asyncio.run(opened())


def test_what_was_dismissed_and_what_was_real_is_printed_as_labels(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dismiss", "INC-2", *BY, "--label", "brigade", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"incident": "INC-2", "state": "dismissed", "label": "brigade"}
    assert run(["incidents", "--labels"]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["incident"], row["label"], row["by"]) for row in table] == [
        ("INC-1", "crisis", IDA),
        ("INC-2", "brigade", IDA),
    ]
    assert run(["incidents", "--labels", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [list(row)[:3] for row in rows] == [["start", "end", "label"]] * 2


def test_two_incidents_are_merged_and_the_list_says_where_one_went(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["merge", "INC-2", "INC-1", *BY]) == 0
    assert "INC-2 is part of INC-1 now" in capsys.readouterr().out
    assert run(["merge", "INC-2", "INC-1", *BY]) == 1
    assert "INC-2 is dismissed" in capsys.readouterr().err
    assert run(["incidents"]) == 0
    assert "nothing: it is part of INC-1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["confirm", "INC-1", *BY], 1, "INC-1 is open and cannot become open"),
        (["confirm", "INC-9", *BY], 1, "there is no incident 'INC-9'"),
        (["split", "INC-1", "--narrative", "weather", *BY], 1, "it has: none"),
        (["narrative", "INC-1", "weather", "--fact", "F", "--as", IDA], 1, "has no narrative 'weather'"),
        (["dismiss", "INC-1", *BY, "--label", "nonsense"], 2, "nonsense"),
        (["merge", "INC-1", "INC-2", "--as", "nobody@example.com", "--reason", "x"], 2, "there is no stakeholder"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, says: str
) -> None:
    assert run(arguments) == status
    shown = capsys.readouterr()
    assert says in shown.err
    assert not shown.out


def test_counsel_names_its_evidence_what_it_ruled_out_and_its_sources(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["counsel", "INC-1"]) == 0
    shown = capsys.readouterr().out
    for words in (
        "INC-1: diminish.",
        "Do:\n  - Empathy and information",
        "Ruled out:\n  - instruct:",
        "[coombs2007] Coombs",
    ):
        assert words in shown
    assert run(["counsel", "INC-1", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert {other["strategy"] for other in row["ruled_out"]} == {"instruct", "deny", "rebuild"}
    assert run(["counsel", "INC-9"]) == 1
    assert "there is no incident 'INC-9'" in capsys.readouterr().err

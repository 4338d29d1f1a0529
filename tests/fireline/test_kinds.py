"""``fireline kinds`` tells of every integration what it is, and what to write so that it works."""

import asyncio
import json
import re
import tomllib
from pathlib import Path

import pytest

import integrations
from fireline.__main__ import run
from tasks.credentials import secret_fields


@pytest.mark.parametrize("kind", integrations.kinds())
def test_the_example_of_a_kind_is_right_as_it_stands_and_names_its_secrets(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["kinds", kind]) == 0
    printed = capsys.readouterr().out
    (table,) = next(iter(tomllib.loads(printed).values()))
    assert table["kind"] == kind
    model = integrations.integration(kind).settings_model
    secrets = secret_fields(model)
    assert len(re.findall(r"^# In the environment.*: FIRELINE_\w+$", printed, re.MULTILINE)) == len(secrets)
    given = {name: (model.model_fields[name].examples or ["https://x.test/x"])[0] for name in secrets}
    connected = integrations.connect(kind, **table["settings"], **given)
    asyncio.run(connected.close())
    optional = re.sub(r"^#(?=\w+ = )", "", printed, flags=re.MULTILINE)
    (whole,) = next(iter(tomllib.loads(optional).values()))
    assert {*whole["settings"], *secrets} == set(model.model_fields)


def test_every_kind_is_listed_with_its_family(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["kinds"]) == 0
    out = capsys.readouterr().out
    assert all(re.search(rf"^  {kind} ", out, re.MULTILINE) for kind in integrations.kinds())
    assert max(map(len, out.splitlines())) <= 80
    assert run(["kinds", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["kind"] for row in rows} == set(integrations.kinds())
    assert next(row for row in rows if row["kind"] == "smtp")["families"] == ["channel", "notifier"]


def test_an_unknown_kind_is_refused_in_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["kinds", "telegraph"]) == 2
    assert "there is no integration 'telegraph'; there are: " in capsys.readouterr().err


def test_every_channel_and_notifier_has_its_row_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert rows == {*integrations.kinds("channel"), *integrations.kinds("notifier")}

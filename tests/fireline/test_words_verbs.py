"""Drafts, internal texts and facts from the command line: what they say, and what is refused."""

import asyncio
import json
from pathlib import Path

import pytest
from acme import IDA, acme, incident_in, write_starter

from fireline.__main__ import run


@pytest.fixture(autouse=True)
def an_incident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRELINE_HOME", raising=False)
    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(tmp_path)))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)

    async def opened() -> None:
        async with acme(tmp_path) as here:
            await incident_in(here)

    asyncio.run(opened())


def test_a_draft_says_which_rule_and_evidence_led_to_it_and_what_was_ruled_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["draft", "INC-1", "--kind", "holding"]) == 0
    shown = capsys.readouterr().out
    for words in (
        "Why these words: diminish.",
        "evidence: ",
        "rule: Coombs",
        "ruled out, deny:",
        "mortification (Benoit): “",
    ):
        assert words in shown
    assert run(["draft", "INC-1", "--kind", "holding", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["doctrine"]["counsel"]["strategy"] == "diminish"
    assert row["blocked_by"] == []


def test_a_language_without_a_template_is_said_aloud(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["draft", "INC-1", "--kind", "answer", "--language", "ja"]) == 0
    assert "There is no Japanese template for answer" in capsys.readouterr().out
    assert run(["draft", "INC-1", "--kind", "holding", "--language", "ja", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert run(["draft", "INC-1", "--kind", "holding", "--language", "German"]) == 2
    assert "two or three small letters" in capsys.readouterr().err
    assert (row["language"], row["wanted_language"]) == ("ja", "")


@pytest.mark.parametrize("kind", ["brief", "macro", "faq", "executive"])
def test_what_is_for_inside_is_printed_and_can_be_nothing_else(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    assert run(["draft", "INC-1", "--kind", kind, "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["kind"] == kind
    assert "id" not in row, "there is nothing to propose"
    assert run(["propose", "INC-1-S1", "--as", IDA]) == 1
    assert "there is no statement" in capsys.readouterr().err
    assert run(["draft", "INC-1", "--kind", kind, "--text", "-"]) == 2
    assert "leave --text" in capsys.readouterr().err


def test_the_history_of_a_fact_is_shown_with_evidence_and_owner(capsys: pytest.CaptureFixture[str]) -> None:
    fact = ["fact", "INC-1", "Payments fail", "--as", IDA]
    assert run([*fact, "--status", "confirmed", "--evidence", "ticket 412"]) == 0
    assert run(["draft", "INC-1", "--kind", "holding"]) == 0
    assert run([*fact, "--id", "INC-1-F1", "--status", "confirmed"]) == 0
    assert run([*fact, "--id", "INC-1-F1", "--status", "refuted", "--owner", "ana@example.com"]) == 0
    capsys.readouterr()
    assert run(["facts", "INC-1"]) == 0
    shown = capsys.readouterr().out
    for words in (
        "INC-1-F1  refuted: Payments fail",
        f"confirmed by {IDA}",
        "refuted by ana@example.com",
        "ticket 412",
    ):
        assert words in shown
    assert "INC-1-S1 v1 (draft) relied on it as it was before" in shown
    assert run(["facts", "INC-1", "--id", "INC-1-F9"]) == 1
    assert "has no fact 'INC-1-F9'" in capsys.readouterr().err
    assert run(["facts", "INC-1", "--json"]) == 0
    [row] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [v["status"] for v in row["history"]] == ["confirmed", "confirmed", "refuted"]
    proofs = [v["evidence"] for v in row["history"]]
    assert proofs == ["ticket 412", "ticket 412", ""], "proof of a claim is no proof of its contrary"

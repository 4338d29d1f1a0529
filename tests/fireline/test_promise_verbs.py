"""Promises and whom they were made to, from the command line: numbered, confirmed, refused, kept; exit status says so."""

import asyncio
import json
from pathlib import Path

import pytest
from acme import ANA, LENA, acme, incident_in, write_starter

from fireline.__main__ import run

TEXT = (
    "We know that payments fail\n\nWe know that many of you cannot pay, and we are sorry. Customers of Acme are affected. "
    "Our engineers are working on it. We will refund every double payment soon. Talk to us: https://acme.example/help. "
    "Next update by 13:00 UTC."
)


@pytest.fixture(autouse=True)
def an_incident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRELINE_HOME", raising=False)
    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(tmp_path)))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    (tmp_path / "text.txt").write_text(TEXT)

    async def opened() -> None:
        async with acme(tmp_path) as here:
            await incident_in(here)

    asyncio.run(opened())


def rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_draft_with_an_open_promise_is_refused_until_somebody_has_said_what_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["draft", "INC-1", "--kind", "update", "--text", str(tmp_path / "text.txt"), "--as", ANA]) == 0
    capsys.readouterr()
    assert run(["promise", "INC-1-S1", "--json"]) == 1
    refund, update = rows(capsys)
    assert (refund["kind"], refund["asks"]) == ("refund", "that is no time: by when at the latest?")
    assert update["settled"] is True
    assert run(["propose", "INC-1-S1", "--as", ANA]) == 1
    assert "nobody has confirmed or struck that" in capsys.readouterr().err
    assert run(["promise", "INC-1-S1", "--confirm", "1", "--as", ANA]) == 1
    assert "by when at the latest?" in capsys.readouterr().err
    assert run(["promise", "INC-1-S1", "--confirm", "1", "--by", "2099-03-02 20:00", "--as", ANA]) == 2
    assert "names no time zone" in capsys.readouterr().err
    assert run(["promise", "INC-1-S1", "--confirm", "7", "--as", ANA]) == 2
    assert "has no promise 7" in capsys.readouterr().err
    confirm = ["promise", "INC-1-S1", "--confirm", "1", "--by", "2099-03-02T20:00Z", "--owner", LENA, "--as", ANA]
    assert run([*confirm, "--json"]) == 0
    assert rows(capsys)[0]["says"] == "confirmed"
    assert run(["propose", "INC-1-S1", "--as", ANA]) == 0
    capsys.readouterr()
    assert run(["promises", "INC-1", "--json"]) == 0
    assert rows(capsys) == [], "nothing is owed before it is published"


def test_nobody_is_stranded_before_anybody_was_told_and_what_is_unknown_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["stranded", "INC-1"]) == 0
    assert run(["stranded", "INC-9"]) == 1
    assert run(["read-back", "INC-1", "--json"]) == 0
    assert run(["kept", "INC-1-S1v1-C1", "--as", ANA, "--evidence", "x"]) == 1
    assert "there is no commitment" in capsys.readouterr().err
    assert run(["hand-over", "INC-1-S1v1-C1", "nobody@example.com", "--as", ANA]) == 2


def test_a_look_that_came_to_nothing_is_not_told_as_one_that_found_all_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["draft", "INC-1", "--kind", "holding", "--as", "ida@example.com"]) == 0
    assert run(["propose", "INC-1-S1", "--as", "ida@example.com"]) == 0
    assert run(["approve", "INC-1-S1", "--as", ANA, "--role", "comms"]) == 0
    run(["approve", "INC-1-S1", "--as", LENA, "--role", "legal"])
    capsys.readouterr()
    assert run(["stranded", "INC-1"]) == 0, "while it goes on, whoever is owed only its end is not left behind"
    assert "owed when it ends" in capsys.readouterr().out
    assert run(["read-back", "INC-1", "--json"]) == 0
    assert {row["stand"] for row in rows(capsys)} >= {"matched"}

    async def cut_off(*given: object) -> list[str]:
        return []

    monkeypatch.setattr("tasks.read_back.read_back", cut_off)
    assert run(["read-back", "INC-1"]) == 1
    assert "matched: could not be looked at now; " in capsys.readouterr().out

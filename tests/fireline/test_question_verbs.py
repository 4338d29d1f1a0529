"""What the public asks, by the command: listed, led and answered, each in one sentence or one line of JSON."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from acme import IDA, NOON, acme, incident_in, write_starter

from crisis.watch import Mention
from fireline.__main__ import run

TEXTS = ("When will card payments work again?", "when will payments work again", "Who pays my late fees?")


@pytest.fixture
def _posts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(tmp_path)))

    async def prepare() -> None:
        async with acme(tmp_path) as here:
            await incident_in(here)
            posts = [
                Mention(id=str(n), text=text, author=f"@{n}", created_at=NOON + timedelta(seconds=n))
                for n, text in enumerate(TEXTS)
            ]
            async with here.store.transaction() as tx:
                await tx.mentions.relied_on("INC-1", posts)

    asyncio.run(prepare())


@pytest.mark.usefixtures("_posts")
def test_questions_are_listed_led_and_answered(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["questions", "INC-1", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["id"]: row["authors"] for row in rows} == {"INC-1-Q1": 2, "INC-1-Q2": 1}
    assert all(row["standing"] == "open" for row in rows)
    assert run(["question", "INC-1-Q1", "--as", IDA, "--owner", "ana@example.com"]) == 0
    assert run(["question", "INC-1-Q1", "--as", IDA]) == 2
    assert "say one thing to do" in capsys.readouterr().err
    assert run(["question", "INC-1-Q9", "--as", IDA, "--set-aside", "spam"]) == 1
    assert "no question 'INC-1-Q9'" in capsys.readouterr().err
    assert run(["answer-question", "INC-1-Q1", "INC-1-Q2", "--as", IDA, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["answers"] == ["INC-1-Q1", "INC-1-Q2"]
    assert "We do not know this yet" in made["body"]
    assert made["blocked_by"] == []
    assert run(["answers-page", "INC-1", "--as", IDA]) == 1
    assert "no channel keeps a page" in capsys.readouterr().err
    assert run(["questions", "INC-1", "--unanswered"]) == 0
    shown = capsys.readouterr().out
    assert "ana@example.com sees to it" in shown
    assert "drafted" in shown

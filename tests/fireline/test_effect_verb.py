"""``fireline effect``: verdicts as people and as programs read them, and watching it longer only by name and reason."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from acme import IDA, LENA, NOON, acme, incident_in, write_starter

from crisis.clocks import Publication
from crisis.effect import Effect
from crisis.incident import IncidentState
from crisis.judgement import judge
from crisis.triage import Signal
from crisis.values import StatementKind
from fireline.__main__ import run

MINUTE = timedelta(minutes=1)


def judged() -> Effect:
    """A falling storm that rose again after the word."""
    falling = [(m, round(20 + 300 * 0.5 ** ((m + 120) / 100))) for m in range(-130, 1, 5)]
    signals = [
        Signal(
            watch="acme",
            at=NOON + m * MINUTE,
            window=15 * MINUTE,
            mentions=authors,
            distinct_texts=authors,
            authors=authors,
            usual_authors=20,
            negative_share=0.7,
            usual_negative_share=0.2,
            started_at=NOON - 130 * MINUTE,
        )
        for m, authors in [*falling, *((m, 700) for m in range(5, 61, 5))]
    ]
    said = Publication(statement="INC-1-S1", version=1, kind=StatementKind.HOLDING, at=NOON)
    return judge(said, [said], signals, incident="INC-1", at=NOON + 60 * MINUTE)


@pytest.fixture(autouse=True)
def incident(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """INC-1 is responded to, and a word of it was judged."""
    monkeypatch.delenv("FIRELINE_HOME", raising=False)
    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(tmp_path)))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)

    async def opened() -> None:
        async with acme(tmp_path) as here:
            await incident_in(here)
            async with here.store.transaction() as tx:
                await tx.incidents.step("INC-1", IncidentState.RESPONDING, actor=IDA)
                await tx.ledger.append(
                    "effect.judged", incident="INC-1", actor="follow_up", data=judged().model_dump(mode="json")
                )

    asyncio.run(opened())


def test_the_verdict_its_reasons_and_the_next_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["effect", "INC-1"]) == 0
    words = capsys.readouterr().out
    assert "INC-1-S1 v1  MADE IT WORSE; proposed: follow up" in words
    assert "fireline draft INC-1 --kind substantive" in words
    assert "not what it caused" in words
    assert run(["effect", "INC-1", "--json"]) == 0
    effect, watched = map(json.loads, capsys.readouterr().out.splitlines())
    assert (effect["verdict"], effect["proposal"]) == ("made it worse", "follow up")
    assert watched["watched"]["says"].startswith("Measured every")


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["INC-9"], 1, "there is no incident 'INC-9'"),
        (["INC-1", "--extend", "6"], 2, "say who you are and why"),
        (["INC-1", "--extend", "6", "--as", LENA, "--reason", "x"], 1, "neither leads INC-1"),
        (["INC-1", "--extend", "999", "--as", IDA, "--reason", "x"], 2, "1 to 168 hours"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, says: str
) -> None:
    assert run(["effect", *arguments]) == status
    shown = capsys.readouterr()
    assert says in shown.err
    assert "Traceback" not in shown.err


def test_the_lead_watches_it_longer(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["effect", "INC-1", "--extend", "12", "--as", IDA, "--reason", "the papers"]) == 0
    assert "Measured every" in capsys.readouterr().out

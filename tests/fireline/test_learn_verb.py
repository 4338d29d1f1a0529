"""``fireline learn``: labels out of the records, proposals with their effect, and nothing that changes by itself."""

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from acme import IDA, NOON, acme, write_starter

import config
from crisis.incident import Dismissal, Incident, IncidentState
from crisis.statement import hash_of
from crisis.triage import Assessment, Cluster, Signal, Strategy
from crisis.values import CrisisType, Severity, StatementKind
from fireline.__main__ import run
from records.statements import StatementStatus
from tasks import incidents
from tasks.draft import draft
from tasks.installation import Installation
from tasks.learning import labelled, learn, newest_proposal, put_on_record
from tasks.restrict import restrict

MINUTE = timedelta(minutes=1)


async def episode(here: Installation, number: int, *, reached: float, real: bool) -> Incident:
    """An alert ``number`` days ago that reached a score, and what people made of it."""
    begin = NOON - timedelta(days=number)
    assessment = Assessment(
        severity=Severity.SEV3, type=CrisisType.UNKNOWN, score=40, cluster=Cluster.ACCIDENTAL, strategy=Strategy.DIMINISH,
        assessed_at=begin,
    )  # fmt: skip
    async with here.store.transaction() as tx:
        for minute in range(5):
            await tx.signals.add(measured(begin + minute * MINUTE, reached if minute else 0.5))
        made = await tx.incidents.open(
            watch="acme", title=f"Episode {number}", assessment=assessment, opened_at=begin + MINUTE, started_at=begin,
            narrative=f"n{number}", opened_by="detector", lead=IDA, state=IncidentState.CANDIDATE, actor="detector",
            via="test", flow_run_id="",
        )  # fmt: skip
        act = {"actor": IDA, "reason": f"said so, ask kim{number}@example.org"}
        await tx.incidents.step(made.id, IncidentState.OPEN if real else IncidentState.DISMISSED, **act)
        if not real:
            data = {"label": Dismissal.FALSE_ALARM.value}
            await tx.ledger.append("incident.labelled", incident=made.id, data=data, **act)
    return made


def measured(at: datetime, score: float) -> Signal:
    return Signal(
        watch="acme", at=at, window=15 * MINUTE, mentions=9, distinct_texts=9, authors=9, usual_authors=1,
        negative_share=0.9, usual_negative_share=0.2, started_at=at, score=score, alert="outrage",
    )  # fmt: skip


async def a_past(here: Installation) -> None:
    """Six false alarms that reached 0.55, six crises that reached 0.8."""
    for number in range(1, 13):
        await episode(here, number, reached=0.8 if number % 2 else 0.55, real=bool(number % 2))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("FIRELINE_HOME", raising=False)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setenv("FIRELINE_CONFIG", str(write_starter(tmp_path)))

    async def filled() -> None:
        async with acme(tmp_path) as here:
            await a_past(here)

    asyncio.run(filled())
    return tmp_path


def test_a_proposal_says_what_it_would_have_done_and_changes_nothing(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (home / "fireline.toml").read_bytes()
    assert run(["learn"]) == 0
    shown = capsys.readouterr().out
    for words in ("Alert score, all watches: 0.5 -> 0.56", "would not have come: INC-2, INC-4", "alert_score = 0.56"):
        assert words in shown
    assert "Nothing was changed" in shown
    assert run(["learn", "--as", IDA, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"what": "lines", "lines": ["[detection]", "alert_score = 0.56"], "applied": False} in rows
    assert rows[-1]["by"] == IDA
    assert (home / "fireline.toml").read_bytes() == before
    assert config.load().detection.alert_score == 0.5

    async def on_record() -> None:
        async with acme(home) as here, here.store.reading() as tx:
            found = await newest_proposal(tx)
            assert found is not None
            assert (found.by, found.learnt.lines) == (IDA, ("[detection]", "alert_score = 0.56"))
            (record,) = await tx.ledger.list(kind="learning.proposed")
            assert "INC-" not in json.dumps(record.data)

    asyncio.run(on_record())


def test_labels_are_written_without_addresses_and_restricted_incidents_only_when_asked_for(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def hidden() -> None:
        async with acme(home) as here:
            await restrict(here, "INC-2", (), actor=IDA, reason="a person is named")

    asyncio.run(hidden())
    assert run(["learn", "--export", str(home / "out")]) == 0
    assert "1 restricted incidents left out" in capsys.readouterr().out
    text = (home / "out" / "episodes.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row["label"] for row in rows[:3]] == ["crisis", "crisis", "false_alarm"]
    assert "INC-2" not in {row["incident"] for row in rows}
    assert "@" not in text
    assert "ask [address]" in rows[0]["reason"]
    assert run(["learn", "--export", str(home / "all"), "--restricted"]) == 0
    assert '"INC-2"' in (home / "all" / "episodes.jsonl").read_text(encoding="utf-8")


def test_what_does_not_go_together_is_one_sentence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, says in (
        (["--as", IDA, "--restricted"], "does not go with --restricted"),
        (["--as", "nobody@example.com"], "there is no stakeholder"),
        (["--export", str(home / "fireline.toml")], "name a folder that can be written to"),
    ):
        assert run(["learn", *arguments]) == 2
        assert says in capsys.readouterr().err


async def test_what_people_changed_in_a_draft_is_told_by_sentence_and_by_rule(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        made = await episode(here, 1, reached=0.8, real=True)
        text = await draft(here, made.id, StatementKind.HOLDING)
        body = f"{text.body} If anyone was offended, we are sorry."
        changed = text.model_copy(update={"version": text.version + 1, "author": IDA, "body": body})
        changed = changed.model_copy(update={"content_hash": hash_of(changed)})
        async with here.store.transaction() as tx:
            await tx.statements.add(changed, actor=IDA)
        assert not (await labelled(here)).statements
        async with here.store.transaction() as tx:
            await tx.statements.set_status(changed.id, changed.version, StatementStatus.APPROVED, actor=IDA)
        (found,) = (await labelled(here)).statements
        assert (found.drafted_by, found.draft_version, found.approved_version) == ("template", 1, text.version + 1)
        assert "If anyone was offended, we are sorry." in [
            one.after for one in found.sentences if one.change == "added"
        ]
        assert found.new


async def test_detection_asks_the_settings_and_a_proposal_alone_changes_no_behaviour(tmp_path: Path) -> None:
    more = "[detection]\nalert_score = 0.6\nsev1 = 80\n[detection.alert_scores]\nacme = 0.7\n"
    async with acme(tmp_path / "set", more=more) as here:
        assert here.settings.detection.alert_at("acme") == 0.7
        assert here.settings.detection.severity_of(75) is Severity.SEV2
    async with acme(tmp_path / "plain") as here:
        await a_past(here)
        before = here.settings
        await put_on_record(here, await learn(here), actor=IDA)
        assert here.settings is before
        assert config.load(tmp_path / "plain" / "fireline.toml").detection == before.detection
        assert (await incidents.labels(here))[0].label == "crisis"


def test_a_score_for_a_watch_that_is_not_there_is_one_sentence_with_its_line(tmp_path: Path) -> None:
    file = write_starter(tmp_path, more="[detection.alert_scores]\nacmee = 0.7\n")
    with pytest.raises(config.ConfigError, match="unknown watch 'acmee'"):
        config.load(file)

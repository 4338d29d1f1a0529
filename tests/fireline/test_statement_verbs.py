"""``fireline lint`` and ``fireline render``: their output other programs read, their exit status, their errors."""

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import pytest

from crisis.fact import Fact, FactStatus
from crisis.triage import Assessment, Cluster, Strategy
from crisis.values import CrisisType, Severity
from crisis.watch import Watch
from fireline.__main__ import run
from fireline.session import session

SOUND = (
    "Logins fail\n\nWe know that customers cannot log in, and we are sorry. Our engineers are working on a fix. "
    "Next update by 15:00 UTC. Help: https://help.example.com\n"
)
BAD = "We are sorry if anyone was offended.\n"


@pytest.fixture(autouse=True)
def unconfigured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRELINE_CONFIG", raising=False)
    monkeypatch.setenv("FIRELINE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def written(text: str | bytes) -> str:
    file = Path("statement.txt")
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(file)


def rows(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_blocking_finding_ends_with_status_1_and_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", written(BAD), "--kind", "holding", "--json"]) == 1
    found = rows(capsys)
    assert all(set(row) == {"rule", "level", "start", "end", "says", "fix", "reference"} for row in found)
    apology = next(row for row in found if row["rule"] == "conditional-apology")
    assert (apology["level"], BAD[apology["start"] : apology["end"]]) == ("warn", "sorry if anyone")
    assert {row["level"] for row in found} == {"block", "warn"}


def test_a_sound_statement_ends_with_status_0_and_says_nothing_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", written(SOUND), "--kind", "holding", "--json"]) == 0
    assert capsys.readouterr().out == ""


def test_warnings_alone_end_with_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", written(SOUND + "It is an isolated incident."), "--kind", "holding", "--json"]) == 0
    assert [row["level"] for row in rows(capsys)] == ["warn"]


def test_people_see_the_words_the_reason_and_the_fix(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", written(BAD + "\x1b[2Jhidden"), "--kind", "holding"]) == 1
    shown = capsys.readouterr().out
    assert "conditional-apology" in shown
    assert "to mend before it can be proposed" in shown
    assert "\x1b[2J" not in shown


def test_the_channels_limit_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    long = SOUND + "https://example.com/" + "a" * 400
    assert run(["lint", written(long), "--kind", "holding", "--channel", "bluesky", "--json"]) == 1
    assert [row["rule"] for row in rows(capsys)] == ["over-limit"]


def test_standard_input_is_read(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SOUND.encode())))
    assert run(["lint", "-", "--kind", "holding", "--json"]) == 0


def test_render_shows_parts_by_the_platforms_own_count(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["render", written(SOUND), "--channel", "x", "--json"]) == 0
    (row,) = rows(capsys)
    assert set(row) == {"parts"}
    (part,) = row["parts"]
    assert part == {
        "text": SOUND.strip(),
        "length": len(SOUND.strip()) - len("https://help.example.com") + 23,
        "limit": 280,
    }


def test_render_takes_a_configured_channel_before_a_kind(capsys: pytest.CaptureFixture[str]) -> None:
    Path("fireline.toml").write_text(
        'organisation = "Acme"\n[[channels]]\nname = "x"\nkind = "sandbox"\nlooks_like = "mastodon"\n', encoding="utf-8"
    )
    assert run(["render", written(SOUND), "--channel", "x", "--json"]) == 0
    assert rows(capsys)[0]["parts"][0]["limit"] == 500


def test_a_text_that_does_not_fit_ends_with_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["render", written("x" * 25_001), "--channel", "statuspage", "--json"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "shorten it by 1" in captured.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["lint", "nowhere.txt", "--kind", "holding"], "No such file"),
        (["lint", ".", "--kind", "holding"], "directory"),
        (["lint", "empty.txt", "--kind", "holding"], "empty"),
        (["lint", "binary.txt", "--kind", "holding"], "byte 3 is not UTF-8"),
        (["lint", "huge.txt", "--kind", "holding"], "larger than"),
        (["lint", "a\0b", "--kind", "holding"], "null"),
        (["lint", "good.txt", "--kind", "poem"], "poem"),
        (["lint", "good.txt"], "kind"),
        (["lint", "good.txt", "--kind", "holding", "--channel", "myspace"], "run `fireline init`"),
        (["render", "good.txt", "--channel", "myspace"], "bluesky"),
        (["render", "empty.txt", "--channel", "x"], "empty"),
    ],
)
def test_bad_usage_is_one_sentence_and_status_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty.txt").write_text(" \n", encoding="utf-8")
    Path("good.txt").write_text(SOUND, encoding="utf-8")
    Path("binary.txt").write_bytes(b"abc\xff")
    Path("huge.txt").write_bytes(b"a" * 1_000_000)
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in captured.err
    assert len(captured.err.splitlines()) == 1


def test_an_incidents_facts_and_strategy_are_kept_to(capsys: pytest.CaptureFixture[str]) -> None:
    Path("fireline.toml").write_text('organisation = "Acme"\n', encoding="utf-8")
    asyncio.run(_incident_with_an_unconfirmed_fact())
    text = SOUND + "A cable was cut by diggers."
    assert run(["lint", written(text), "--kind", "holding", "--incident", "INC-1", "--json"]) == 1
    assert [row["rule"] for row in rows(capsys)] == ["unconfirmed-fact"]
    assert run(["lint", written(text), "--kind", "holding", "--incident", "INC-9", "--json"]) == 1
    assert "INC-9" in capsys.readouterr().err


async def _incident_with_an_unconfirmed_fact() -> None:
    async with session() as here, here.store.transaction() as tx:
        now = here.clock.now()
        assessment = Assessment(
            severity=Severity.SEV2,
            type=CrisisType.SERVICE_FAILURE,
            score=60,
            cluster=Cluster.ACCIDENTAL,
            strategy=Strategy.DIMINISH,
            assessed_at=now,
        )
        await tx.watches.put(Watch(name="acme", brand="Acme", query="acme"), actor="test")
        opened = await tx.incidents.open(
            watch="acme",
            title="Acme is down",
            assessment=assessment,
            opened_at=now,
            started_at=now,
            opened_by="test",
            actor="test",
        )
        claim = Fact(
            id=f"{opened.id}-F1",
            incident=opened.id,
            text="A cable was cut by diggers",
            status=FactStatus.UNCONFIRMED,
            owner="ana@example.com",
            updated_at=now,
        )
        await tx.facts.put(claim, actor="test")


def test_a_byte_order_mark_is_no_part_of_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", written(b"\xef\xbb\xbf" + SOUND.encode()), "--kind", "holding", "--json"]) == 0

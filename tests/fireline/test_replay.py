"""``fireline replay``: the contract of its output, on a real surge and on the demo's firestorm."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from config.scenarios import FIRESTORM, FIRESTORM_BEGINS, FIRESTORM_STRIKES
from crisis.query import parse
from crisis.replay import Replay
from crisis.watch import Watch
from fireline.replay import _pointed
from integrations.recorded import read_posts

AIRLINES = Path(__file__).parents[2] / "../shared/data/airline"
MAP = "text=text,created_at=tweet_created,author=name,id=tweet_id,reposts=retweet_count"
COLUMNS = dict(pair.split("=") for pair in MAP.split(","))


def fireline(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fireline", "replay", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])


def replay_airline(name: str, until: datetime | None = None) -> Replay:
    query = f'@{name.replace("_", "")} OR "{name.replace("_", " ")}"'
    posts = read_posts(AIRLINES / f"{name}.csv", COLUMNS).posts
    wanted = parse(query)
    run = Replay(Watch(name="airline", brand=name.replace("_", " "), query=query))
    for _ in run.run([p for p in posts if wanted.matches(p) and (until is None or p.created_at <= until)]):
        pass
    return run


@pytest.mark.slow
def test_the_real_surge_of_february_2015_is_one_incident() -> None:
    query = '@usairways OR "us airways"'
    done = fireline(str(AIRLINES / "us_airways.csv"), "--query", query, "--map", MAP, "--json")
    assert done.returncode == 0, done.stderr
    lines: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 1
    incident = lines[0]
    opened = datetime.fromisoformat(incident["opened_at"])
    assert datetime(2015, 2, 21, 12, tzinfo=UTC) <= opened <= datetime(2015, 2, 23, tzinfo=UTC)
    assert opened - datetime.fromisoformat(incident["started_at"]) < timedelta(hours=18)
    assert incident["closed_at"] is None or datetime.fromisoformat(incident["closed_at"]) > opened
    assert incident["type"] == "service_failure"
    assert incident["severity"] in ("SEV2", "SEV3")
    assert incident["negative_share"] > 0.4
    assert incident["authors"] > 20
    assert incident["narratives"]
    assert {"name", "value", "baseline", "points", "says"} == set(incident["factors"][0])
    assert incident["score"] == pytest.approx(sum(factor["points"] for factor in incident["factors"]), abs=0.05)
    assert "1 incident" in done.stderr
    held = incident["severities"]
    assert [held[0]["severity"], held[-1]["severity"]] == [incident["severity_at_opening"], incident["severity_at_end"]]
    assert incident["severity"] == min(change["severity"] for change in held), "the worst that held"
    assert any(later["severity"] > sooner["severity"] for sooner, later in pairwise(held)), "it falls, too"
    assert 0 < incident["confidence"] <= 1
    assert {"copies", "copying_authors", "same_text_authors", "repeats_within_10_s", "young_accounts_share"} < set(
        incident["coordination"]
    )
    assert incident["state"] in ("open", "candidate")
    assert "service failure" in incident["why_cluster"]


def test_a_brigade_is_shown_with_the_incident_it_blows_up(tmp_path: Path) -> None:
    file, begin = tmp_path / "posts.jsonl", datetime(2026, 3, 1, tzinfo=UTC)
    own = [
        (60 * n, f"the acme shop number {n} is nice", f"a{n}") if n < 1500 else
        (90_000 + 20 * (n - 1500), f"furious: acme took my money twice, awful, case {n}", f"b{n}")
        for n in range(1600)
    ]  # fmt: skip
    copied = [(90_300 + 4 * n, "Boycott acme now! They lied to all of us, disgusting", f"bot{n}") for n in range(60)]
    rows = [
        {
            "id": str(n),
            "text": text,
            "author": who,
            "language": "en",
            "created_at": (begin + timedelta(seconds=at)).isoformat(),
        }
        for n, (at, text, who) in enumerate(sorted(own + copied))
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    done = fireline(str(file), "--query", "acme", "--json")
    assert done.returncode == 0, done.stderr
    [incident] = [json.loads(line) for line in done.stdout.splitlines()]
    arranged = incident["coordination"]
    assert arranged["same_text_authors"] >= 20, "as many as had spoken when it was worst"
    assert arranged["repeats_within_10_s"] >= 10
    assert arranged["confidence_discount"] > 0
    assert arranged["says"] in incident["why_confidence"]


@pytest.mark.slow
def test_the_other_airlines_bring_no_flood_of_alarms() -> None:
    for name in ("united", "virgin_america"):
        assert len(replay_airline(name).episodes) <= 1, name


@pytest.mark.slow
def test_rows_that_come_later_change_nothing_that_was_known_before() -> None:
    whole = replay_airline("us_airways")
    cut = whole.episodes[0].opened_at + timedelta(minutes=30)
    part = replay_airline("us_airways", until=cut)
    assert len(part.episodes) == 1
    assert part.episodes[0].opened_at == whole.episodes[0].opened_at
    assert part.episodes[0].first == whole.episodes[0].first
    earlier = replay_airline("us_airways", until=whole.episodes[0].opened_at - timedelta(minutes=30))
    assert earlier.episodes == []


def test_the_demo_storm_is_found_within_ten_minutes_and_not_before() -> None:
    posts = [post for post in read_posts(FIRESTORM).posts if parse("brewline").matches(post)]
    assert posts[0].created_at - FIRESTORM_BEGINS < timedelta(hours=1)
    run = Replay(Watch(name="brewline", brand="Brewline", query="brewline"))
    for _ in run.run(posts):
        pass
    assert len(run.episodes) == 1
    episode = run.episodes[0]
    assert timedelta(0) < episode.opened_at - FIRESTORM_STRIKES <= timedelta(minutes=10)
    assert episode.first.severity in ("SEV1", "SEV2")
    assert episode.assessment.severity == "SEV1"
    assert episode.assessment.type == "safety_harm"
    assert posts[-1].created_at - FIRESTORM_STRIKES >= timedelta(hours=3)


def test_without_json_a_person_can_read_it() -> None:
    done = fireline(str(FIRESTORM), "--query", "brewline")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("SEV1  safety harm")
    assert "authors in" in done.stdout
    assert "strategy: rebuild" in done.stdout
    [line] = [line for line in done.stdout.splitlines() if "confidence: " in line]
    assert all(word in line for word in ("copies", "only repeat", "repeats within 10 s", "young accounts"))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--query", "(acme"], "never closed"),
        (["--query", "-acme"], "only excludes"),
        (["--query", "acme", "--map", "text"], "field=COLUMN"),
        (["--query", "acme", "--map", "text=nowhere,created_at=tweet_created"], "no column 'nowhere'"),
        (["--query", "acme", "--map", "txt=text"], "no field 'txt'"),
    ],
)
def test_bad_input_is_one_clear_sentence_and_status_two(arguments: list[str], says: str) -> None:
    done = fireline(str(AIRLINES / "virgin_america.csv"), *arguments, "--json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_file_is_told_by_name() -> None:
    done = fireline("nowhere.csv", "--query", "acme", "--json")
    assert done.returncode == 2
    assert "nowhere.csv" in done.stderr


def test_posts_that_do_not_match_open_nothing() -> None:
    done = fireline(str(FIRESTORM), "--query", "somebodyelse", "--json")
    assert (done.returncode, done.stdout) == (0, "")
    assert "0 match" in done.stderr


@pytest.mark.parametrize(
    ("query", "position", "columns"),
    [
        ("acme AND OR x", 9, 9),
        ("東京 AND OR 株", 7, 9),
        ("déltá OR (", 9, 9),
        ("de\u0301lta\u0301 OR (", 11, 9),
        ("acme\tOR (", 8, 8),
        ("acme\nAND OR x", 9, 4),
        ("word OR " * 60 + "(", 480, 61),
    ],
)
def test_the_mark_under_a_query_stands_where_a_terminal_shows_the_mistake(
    query: str, position: int, columns: int
) -> None:
    shown, mark = _pointed(query, position).split("\n")
    assert mark == "  " + " " * columns + "^"
    assert len(shown) <= 110

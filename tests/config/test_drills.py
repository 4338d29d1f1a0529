"""The scenarios of drills: one for each cause of a crisis, filled in completely, found and taken for what they are."""

import json
from datetime import UTC, datetime

import pytest

from config import ConfigError
from config.scenarios import drills
from crisis.values import CrisisType
from fireline.__main__ import run

STORM = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
CAUSES = {
    CrisisType.DATA_BREACH,
    CrisisType.MISINFORMATION,
    CrisisType.INSENSITIVE_CAMPAIGN,
    CrisisType.SERVICE_FAILURE,
    CrisisType.SAFETY_HARM,
    CrisisType.CONDUCT,
    CrisisType.OUTSIDE_EVENT,
}


def test_there_is_a_scenario_for_each_cause():
    assert {drills.scenario(name).cause for name in drills.names()} == CAUSES
    with pytest.raises(ConfigError, match="did you mean 'data_breach'"):
        drills.scenario("data_brech")


@pytest.mark.parametrize("name", drills.names())
def test_a_scenario_is_told_about_whoever_rehearses_with_nothing_left_open(name):
    rehearsed = drills.scenario(name)
    posts = drills.posts(rehearsed, "Löwen & Co", STORM, seed=1)
    assert len(posts) == len({post["id"] for post in posts}) > 1000
    assert not [post["text"] for post in posts if "{" in post["text"]]
    assert sum("löwen & co" in p["text"].lower() or "@löwenco" in p["text"].lower() for p in posts) > 0.75 * len(posts)
    assert posts == sorted(posts, key=lambda post: post["created_at"])
    assert posts[0]["created_at"] < STORM.isoformat() < posts[-1]["created_at"]
    assert [i.minute for i in rehearsed.injects] == sorted(i.minute for i in rehearsed.injects)
    assert drills.posts(rehearsed, "Löwen & Co", STORM, seed=1) == posts
    assert drills.posts(rehearsed, "Löwen & Co", STORM, seed=2) != posts


@pytest.mark.slow
@pytest.mark.parametrize("name", drills.names())
def test_the_storm_of_a_scenario_is_found_and_taken_for_its_cause(name, tmp_path, capsys):
    rehearsed, file = drills.scenario(name), tmp_path / "posts.jsonl"
    posts = drills.posts(rehearsed, "Acme Bank", STORM, seed=7)
    file.write_text("\n".join(json.dumps(post) for post in posts))
    assert run(["replay", str(file), "--query", '"Acme Bank" OR @acmebank', "--json"]) == 0
    episodes = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [episode["type"] for episode in episodes] == [rehearsed.cause.value]
    assert "2026-11-25T12:00" < episodes[0]["opened_at"] < "2026-11-25T12:25"

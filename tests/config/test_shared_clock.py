"""The shared clock: one story time for all processes, without a jump when its speed changes."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import config
from config.shared_clock import SharedClock

STORY = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)


class Wall:
    """Real time that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


def test_without_a_file_the_clock_is_the_machines(tmp_path: Path) -> None:
    clock = SharedClock(tmp_path)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.wall_seconds(timedelta(seconds=9)) == 9


def test_a_clock_that_was_opened_before_follows_the_file_when_it_comes_changes_and_goes(tmp_path: Path) -> None:
    wall = Wall()
    clock = SharedClock(tmp_path, wall)
    clock.now()
    config.write_clock(tmp_path, STORY, 60, wall)
    assert clock.now() == STORY
    wall.seconds += 10
    assert clock.now() == STORY + timedelta(minutes=10)
    assert clock.wall_seconds(timedelta(minutes=1)) == 1
    config.remove_clock(tmp_path)
    config.remove_clock(tmp_path)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_change_of_speed_makes_no_jump(tmp_path: Path) -> None:
    wall = Wall()
    clock = SharedClock(tmp_path, wall)
    config.write_clock(tmp_path, STORY, 60, wall)
    for speed in (1, 600, 0.5, 60):
        wall.seconds += 7.3
        before = clock.now()
        config.write_clock(tmp_path, speed=speed, wall=wall)
        assert abs(clock.now() - before) < timedelta(microseconds=2)
        wall.seconds += 1
        assert abs(clock.now() - before - timedelta(seconds=speed)) < timedelta(microseconds=2)


def test_two_processes_read_the_same_time(tmp_path: Path) -> None:
    wall = Wall()
    config.write_clock(tmp_path, STORY, 60, wall)
    one, two = SharedClock(tmp_path, wall), SharedClock(tmp_path, wall)
    wall.seconds += 3
    assert one.now() == two.now() == STORY + timedelta(minutes=3)


def test_time_is_in_utc_whatever_the_file_says(tmp_path: Path) -> None:
    wall = Wall()
    document = {"anchor": "2026-03-01T16:00:00+02:00", "wall_anchor": wall(), "speed": 1}
    (tmp_path / "clock.json").write_text(json.dumps(document))
    assert SharedClock(tmp_path, wall).now() == STORY
    assert SharedClock(tmp_path, wall).now().tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"anchor": "2026-03-01T14:00:00", "wall_anchor": 1, "speed": 1}', '{"anchor": 1}', "\x00"]
)
def test_a_broken_file_says_how_to_be_rid_of_it(tmp_path: Path, text: str) -> None:
    (tmp_path / "clock.json").write_text(text)
    with pytest.raises(config.ConfigError, match=r"clock\.json:1: is not a replay clock .* delete it"):
        SharedClock(tmp_path).now()


def test_a_clock_that_stands_or_has_no_zone_is_refused(tmp_path: Path) -> None:
    for speed in (0, -1, float("nan")):
        with pytest.raises(ValueError, match="above 0"):
            config.write_clock(tmp_path, STORY, speed)
    with pytest.raises(ValueError, match="offset from UTC"):
        config.write_clock(tmp_path, STORY.replace(tzinfo=None), 1)
    assert list(tmp_path.iterdir()) == []


def test_a_secret_comes_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert config.secret_from_environment("newsroom-mastodon", "access_token") is None
    monkeypatch.setenv("FIRELINE_NEWSROOM_MASTODON_ACCESS_TOKEN", "hunter2")
    assert config.secret_from_environment("newsroom-mastodon", "access_token") == "hunter2"

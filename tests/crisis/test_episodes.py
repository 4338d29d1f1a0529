"""What another threshold would have done to a past that people have labelled."""

from crisis.episodes import Labelled, outcome

HOUR = 3600.0


def scored(loud: dict[int, float], hours: int = 24 * 14) -> list[tuple[float, float]]:
    return [(hour * HOUR, loud.get(hour, 0.1)) for hour in range(hours)]


def test_a_threshold_is_told_by_its_alerts_hits_misses_and_delay() -> None:
    episodes = [Labelled(100 * HOUR, 110 * HOUR, "recall"), Labelled(200 * HOUR, 210 * HOUR, "outage")]
    rows = scored({102: 0.6, 103: 0.9, 205: 0.4, 300: 0.7})
    strict = outcome(rows, episodes, 0.5)
    assert (strict.alerts, strict.hits, strict.misses, strict.false_alerts) == (2, 1, 1, 1)
    assert strict.median_delay == 2 * HOUR
    assert strict.missed == ("outage",)
    assert abs(strict.false_alerts_a_week - 0.5) < 0.01
    easy = outcome(rows, episodes, 0.3)
    assert (easy.alerts, easy.hits, easy.misses, easy.median_delay) == (3, 2, 0, 3.5 * HOUR)


def test_rows_close_together_are_one_alert_and_one_that_runs_into_an_episode_hits_it() -> None:
    rows = scored({98: 0.6, 101: 0.6, 104: 0.6})
    told = outcome(rows, [Labelled(100 * HOUR, 110 * HOUR)], 0.5)
    assert (told.alerts, told.hits, told.false_alerts) == (1, 1, 1)


def test_nothing_loud_is_no_alert_and_no_delay() -> None:
    told = outcome(scored({}), [Labelled(1.0, 2.0, "x")], 0.5)
    assert (told.alerts, told.hits, told.misses, told.median_delay) == (0, 0, 1, None)

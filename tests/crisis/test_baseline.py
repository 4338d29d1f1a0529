"""The usual: learnt from the stream itself, by the time of the day, and not from its storms."""

from datetime import timedelta

import numpy as np
import pytest

from crisis.baseline import DAY, STEP, Baseline, Sample
from crisis.surprise import Episode, Span, remarkable, weigh

QUARTERS = DAY // STEP


def known(days: int, *, night: float = 5, noon: float = 50, share: float = 0.2, wild: float = 0.1) -> Baseline:
    """A brand that is quiet in the first half of the day."""
    dice, found = np.random.default_rng(1), Baseline(1)
    for step in range(days * QUARTERS):
        mean = night if step % QUARTERS < QUARTERS // 2 else noon
        voices = int(dice.poisson(mean * np.exp(dice.normal(0, wild))))
        negative = int(dice.binomial(voices, share))
        usual = found.usual(step)[0]
        above = () if found.cold else (float(np.log1p(voices) - np.log1p(usual.voices)) / usual.spread,)
        over = () if found.cold else (found.over(negative, voices),)
        read, first = (negative, voices), float(step * STEP)
        hour = read if step % 4 == 3 else (0, 0)
        found.add(Sample(step, (float(voices),), above, over, read, hour, first, quiet=True))
    return found


def test_the_usual_is_that_of_the_time_of_the_day() -> None:
    baseline = known(7)
    assert baseline.usual(7 * QUARTERS + 10)[0].voices == pytest.approx(5, rel=0.3)
    assert baseline.usual(7 * QUARTERS + 80)[0].voices == pytest.approx(50, rel=0.2)


def test_a_storm_that_belongs_to_an_episode_does_not_become_the_usual() -> None:
    baseline, step = known(4), 4 * QUARTERS
    before = baseline.usual(step + QUARTERS)[0].voices
    for late in range(QUARTERS):
        baseline.add(Sample(step + late, (5000.0,), (9.0,), (9.0,), (4000, 5000), (0, 0), 0.0, quiet=True))
    baseline.disturbed(step)
    assert baseline.usual(step + QUARTERS)[0].voices == pytest.approx(before, rel=0.3)
    assert baseline.share() == pytest.approx(0.2, abs=0.03)


def test_what_is_remarkable_is_learnt_from_how_wild_the_stream_is() -> None:
    step = 14 * QUARTERS + 80
    tame, wild = known(14, wild=0.1).usual(step)[0], known(14, wild=0.8).usual(step)[0]
    assert tame.surprise(200) > 1.0 > wild.surprise(200)


def test_the_same_share_surprises_more_among_more_voices_and_little_among_three() -> None:
    baseline = known(7)
    few, some, many = (baseline.surprise(0, n // 2 + n % 2, n) for n in (3, 20, 60))
    assert few < 0.7 < some < many
    assert baseline.surprise(0, 12, 60) == pytest.approx(0, abs=0.2)


def test_a_young_baseline_asks_for_more() -> None:
    span = Span(900, 260.0, 130, 260)
    young, old = (weigh(b, [span], d * QUARTERS + 80)[0] for d, b in ((2, known(2)), (14, known(14))))
    assert young.score < old.score
    assert old.hot


def test_volume_alone_is_remarkable_and_never_hot() -> None:
    baseline = known(7)
    evidence = weigh(baseline, [Span(900, 900.0, 160, 900)], 7 * QUARTERS + 80)
    assert remarkable(evidence)
    assert not evidence[0].hot


def test_where_most_are_negative_anyway_a_remarkable_surge_is_an_outrage() -> None:
    baseline = known(7, share=0.7)
    assert weigh(baseline, [Span(900, 400.0, 285, 400)], 7 * QUARTERS + 80)[0].hot
    assert not weigh(baseline, [Span(900, 400.0, 200, 400)], 7 * QUARTERS + 80)[0].hot


def test_an_episode_closes_only_after_an_unbroken_calm() -> None:
    episode = Episode(timedelta(hours=2))
    assert episode.judge(hot=True, warm=True, at=0.0, begun=lambda: -60.0)
    assert (episode.open, episode.started) == (True, -60.0)
    for at, warm in ((3600.0, False), (7200.0, True), (9000.0, False), (16_000.0, False)):
        assert not episode.judge(hot=False, warm=warm, at=at, begun=lambda: 0.0)
        assert episode.open
    episode.judge(hot=False, warm=False, at=16_200.0, begun=lambda: 0.0)
    assert not episode.open

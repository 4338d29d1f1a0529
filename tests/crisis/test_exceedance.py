"""Surprise: how rare a deviation is in a stream's own past."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisis.exceedance import Rarity


def known(deviations: list[float], prior: float = 10) -> Rarity:
    found = Rarity(4.0, 2.0, prior)
    for deviation in deviations:
        found.add(deviation)
    return found


def test_a_third_is_once_in_ten_two_thirds_once_in_a_hundred_and_one_once_in_a_thousand() -> None:
    past = known([k / 1000 * 6 for k in range(100_000)][:1000] * 100, prior=1)
    assert past.surprise(5.4) == pytest.approx(1 / 3, abs=0.01)
    assert past.surprise(5.94) == pytest.approx(2 / 3, abs=0.02)
    assert past.surprise(5.995) == pytest.approx(1.0, abs=0.01)


def test_the_same_deviation_surprises_less_where_such_were_seen_before() -> None:
    dice = np.random.default_rng(1)
    tame = known(dice.normal(0, 1, 4000).tolist())
    wild = known([*dice.normal(0, 1, 3900).tolist(), *dice.uniform(5, 30, 100).tolist()])
    assert tame.surprise(4.5) > 1.0 > wild.surprise(4.5)


def test_in_a_wild_past_what_is_rare_counts_long_before_the_wildest_does() -> None:
    wild = known([*([0.5] * 4985), *([20.0] * 15)])
    assert wild.remarkable == pytest.approx(20, abs=0.1)
    assert wild.surprise(5.0) > 0.75


def test_beyond_the_highest_it_grows_with_the_deviation_and_below_the_usual_there_is_none() -> None:
    past = known(np.random.default_rng(2).normal(0, 1, 2000).tolist())
    assert past.surprise(2 * past.remarkable) == pytest.approx(2.0)
    assert past.surprise(0.0) == 0.0
    assert past.surprise(-3.0) < 0.0


def test_nothing_known_is_as_wild_as_assumed() -> None:
    assert known([]).surprise(4.0) == 1.0
    assert known([]).surprise(2.0) == pytest.approx(0.5)


@given(st.lists(st.floats(-5, 50), max_size=60), st.floats(-5, 60), st.floats(0, 10))
def test_a_greater_deviation_never_surprises_less(past: list[float], deviation: float, more: float) -> None:
    rarity = known(past)
    assert rarity.surprise(deviation + more) >= rarity.surprise(deviation) - 1e-9


@given(st.lists(st.floats(-5, 50), max_size=40), st.floats(-5, 50))
def test_what_is_forgotten_leaves_no_trace(past: list[float], deviation: float) -> None:
    rarity, never = known([*past, deviation]), known(past)
    rarity.remove(deviation)
    assert rarity.surprise(3.0) == never.surprise(3.0)
    assert rarity.remarkable == never.remarkable

"""NAB's scoring: the facts its authors state hold, and the simulator gives what it promises."""

from datetime import UTC, datetime, timedelta
from math import exp

import numpy as np
import pytest

from benchmarks.nab import Series, nab_score, nab_score_at, probation, sweep
from benchmarks.outrage import DAY, HOUR, SHAPES, ramp, simulate

BEGIN = datetime(2015, 3, 1, tzinfo=UTC)
TIMES = [BEGIN + timedelta(minutes=5 * row) for row in range(1000)]


def series(loud: dict[int, float], *spans: tuple[int, int]) -> dict[str, Series]:
    windows = [(TIMES[start], TIMES[end]) for start, end in spans or [(400, 499)]]
    return {"one": Series(TIMES, [loud.get(row, 0.0) for row in range(1000)], windows)}


def test_silence_is_0_and_the_first_row_of_each_window_alone_is_100() -> None:
    assert nab_score_at(series({}, (400, 499), (700, 760)), 0.5).score == 0
    perfect = nab_score(series({400: 1.0, 700: 1.0}, (400, 499), (700, 760)))
    assert perfect.score == pytest.approx(100, abs=0.1)


def test_the_middle_of_a_window_is_worth_what_the_sigmoid_says() -> None:
    half = 2 / (1 + exp(-2.5)) - 1
    whole = 2 / (1 + exp(-5)) - 1
    assert nab_score(series({450: 1.0})).score == pytest.approx(50 + 50 * half / whole, abs=1)


def test_the_earliest_row_counts_and_more_rows_in_a_window_add_nothing() -> None:
    assert nab_score(series({410: 1.0, 450: 1.0})) == nab_score(series({410: 1.0}))


def test_a_false_row_costs_its_weight_and_less_just_after_a_window() -> None:
    good = nab_score_at(series({400: 1.0}), 0.5).score
    assert good - nab_score_at(series({400: 1.0, 300: 1.0}), 0.5).score == pytest.approx(5.5)
    near = good - nab_score_at(series({400: 1.0, 505: 1.0}), 0.5).score
    far = good - nab_score_at(series({400: 1.0, 990: 1.0}), 0.5).score
    assert 0 < near < far == pytest.approx(5.5)


def test_the_probation_counts_for_nothing() -> None:
    assert probation(1000) == 150
    assert probation(15_902) == 750
    assert nab_score_at(series({400: 1.0, 149: 1.0}), 0.5) == nab_score_at(series({400: 1.0}), 0.5)


def test_one_threshold_holds_for_all_series() -> None:
    quiet = series({400: 0.4})["one"]
    loud = series({400: 0.9, **dict.fromkeys(range(600, 700), 0.5)})["one"]
    both = {"quiet": quiet, "loud": loud}
    assert nab_score({"quiet": quiet}).threshold == 0.4
    assert nab_score(both).threshold == 0.9
    assert max(result.score for result in sweep(both)) == nab_score(both).score == pytest.approx(50, abs=0.1)


def test_without_windows_there_is_nothing_to_score() -> None:
    with pytest.raises(ValueError, match="no labelled window"):
        nab_score({"one": Series(TIMES, [0.0] * 1000, [])})


def test_each_shape_is_at_half_its_peak_after_half_an_hour() -> None:
    for shape in SHAPES:
        height = ramp(np.random.default_rng(1), shape, 3 * HOUR)
        assert height[:5].max() <= 0.55, shape
        assert height[7:].max() >= 0.5, shape
        assert height.max() <= 1.0, shape


def test_a_simulated_outrage_is_as_many_times_the_usual_as_it_should_be_and_the_seed_decides_all() -> None:
    one, again = simulate(5, "outrage", 10, days=3), simulate(5, "outrage", 10, days=3)
    assert (one.values == again.values).all()
    assert (one.negative <= one.values).all()
    before = one.values[one.begins - HOUR : one.begins].mean()
    top = one.values[one.begins + 2 * HOUR - 6 : one.begins + 2 * HOUR].mean()
    assert 5 < top / before < 20
    nothing = simulate(5, "nothing", days=3)
    assert nothing.begins == len(nothing.values) == 3.5 * DAY

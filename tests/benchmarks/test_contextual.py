"""The published rival: it learns what follows what, and finds what does not."""

import numpy as np

from benchmarks.contextual import ODD, contextual


def test_what_repeats_becomes_usual_and_a_break_in_it_is_odd() -> None:
    rows = [float(k % 4) for k in range(200)]
    rows[150] = 7.0
    scores = contextual(rows, rest=10)
    assert scores[100:150].max() == 0.0
    assert scores[150] >= ODD


def test_after_an_odd_row_it_rests() -> None:
    rows = [float(k % 4) for k in range(200)]
    rows[150] = rows[155] = 7.0
    scores = contextual(rows, rest=20)
    assert scores[150] >= ODD
    assert scores[151:170].max() == 0.0


def test_a_flat_series_is_never_odd_after_its_beginning() -> None:
    assert contextual([3.0] * 50, rest=5)[2:].max() == 0.0
    assert np.all(contextual([1.0, 9.0] * 40, rest=5)[40:] == 0.0)

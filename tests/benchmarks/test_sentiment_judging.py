"""What the sentiment benchmark and the training commands rest on: measures, divisions, and the detection threshold."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.calibration import WRONG, WRONG_ELSEWHERE, platt, temperature
from benchmarks.judging import interval, macro_f1, macro_recall, wrongly_negative
from benchmarks.tweets import Labelled, hold_out, tweets
from crisis.small import calibrated, softmax

TRUE = [0, 0, 0, 0, 1, 1, 2, 2]
SAID = np.array([0, 0, 0, 1, 1, 0, 2, 2])


def test_macro_measures_count_every_class_the_same() -> None:
    assert macro_recall(SAID, TRUE) == pytest.approx((3 / 4 + 1 / 2 + 1) / 3)
    assert macro_f1(SAID, TRUE) == pytest.approx((6 / 8 + 2 / 4 + 1) / 3)
    assert wrongly_negative(SAID, TRUE) == pytest.approx(1 / 4)
    low, high = interval(macro_recall, SAID, TRUE)
    assert low <= macro_recall(SAID, TRUE) <= high


def test_what_is_held_out_is_never_learned_from_and_always_the_same() -> None:
    posts = Labelled([str(number) for number in range(100)], [0] * 100)
    learned, held = hold_out(posts, 0.2, 3)
    assert (len(learned.texts), len(held.texts)) == (80, 20)
    assert not set(learned.texts) & set(held.texts)
    assert hold_out(posts, 0.2, 3)[1] == held


def test_the_detection_threshold_keeps_false_alarms_as_low_as_it_says() -> None:
    dice = np.random.default_rng(2)
    labels = dice.integers(0, 3, 4000).tolist()
    scores = dice.standard_normal((4000, 3)).astype(np.float32)
    scores[np.arange(4000), labels] += 1.0
    judged = softmax(scores)
    slope, shift = platt(judged, labels)
    wrong = calibrated(judged, slope, shift)[np.array(labels) != 0] >= 0.5
    assert wrong.mean() <= WRONG + 0.001


def test_the_detection_threshold_keeps_false_alarms_low_on_brands_never_met_too() -> None:
    dice = np.random.default_rng(2)
    labels = dice.integers(0, 3, 4000).tolist()
    scores = dice.standard_normal((4000, 3)).astype(np.float32)
    scores[np.arange(4000), labels] += 1.0
    darker = scores + np.array([1, 0, 0], np.float32)
    slope, shift = platt(softmax(scores), labels, [(softmax(darker), labels)])
    wrong = calibrated(softmax(darker), slope, shift)[np.array(labels) != 0] >= 0.5
    assert WRONG_ELSEWHERE - 0.01 <= wrong.mean() <= WRONG_ELSEWHERE + 0.001


def test_a_model_that_is_too_sure_gets_a_temperature_below_one() -> None:
    dice = np.random.default_rng(2)
    labels = dice.integers(0, 3, 2000).tolist()
    scores = dice.standard_normal((2000, 3)).astype(np.float32) * 4
    scores[np.arange(2000), labels] += 1.0
    assert temperature(scores, labels) < 0.6


def test_posts_and_labels_that_differ_in_number_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "test_text.txt").write_text("one\ntwo\n")
    (tmp_path / "test_labels.txt").write_text("0\n")
    with pytest.raises(SystemExit) as refused:
        tweets(tmp_path, "test")
    assert refused.value.code == 2
    assert "2 posts but 1 labels" in capsys.readouterr().err

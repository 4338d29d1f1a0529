"""The reaction after publication is judged against the moment before, and chance is not called a change."""

from datetime import UTC, datetime, timedelta

import pytest

from crisis.reaction import Reaction, compare, is_calm
from crisis.triage import Signal

PUBLISHED = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)


def signal(authors: int, negative: float, *, minutes: int = 0, window: int = 15, **changes: object) -> Signal:
    values: dict[str, object] = {
        "watch": "acme",
        "at": PUBLISHED + timedelta(minutes=minutes),
        "window": timedelta(minutes=window),
        "mentions": authors + 5,
        "distinct_texts": authors,
        "authors": authors,
        "usual_authors": 44.0,
        "negative_share": negative,
        "usual_negative_share": 0.23,
        "started_at": PUBLISHED - timedelta(hours=1),
    }
    return Signal.model_validate(values | changes)


def test_far_fewer_negative_authors_than_before_is_calming_but_not_yet_calm() -> None:
    seen = compare(signal(412, 0.81), signal(190, 0.6, minutes=30), incident="INC-1", statement="INC-1-S1")
    assert seen.verdict is Reaction.CALMING
    assert not seen.calm
    assert seen.before_authors == 412
    assert seen.statement == "INC-1-S1"
    assert "412 authors, 81% negative" in seen.says


def test_back_to_the_usual_is_calm() -> None:
    seen = compare(signal(412, 0.81), signal(50, 0.3, minutes=60), incident="INC-1")
    assert seen.verdict is Reaction.CALMING
    assert seen.calm
    assert "back to the usual 44" in seen.says


def test_more_negative_authors_than_before_is_growing() -> None:
    seen = compare(signal(100, 0.5), signal(180, 0.6, minutes=10), incident="INC-1")
    assert seen.verdict is Reaction.GROWING
    assert not seen.calm


def test_more_authors_who_are_less_negative_are_not_growing() -> None:
    seen = compare(signal(400, 0.8), signal(600, 0.4, minutes=10), incident="INC-1")
    assert seen.verdict is Reaction.CALMING


def test_a_small_change_and_a_change_of_few_people_are_holding() -> None:
    assert compare(signal(400, 0.8), signal(380, 0.8, minutes=10), incident="I").verdict is Reaction.HOLDING
    few = signal(9, 1.0, usual_authors=0.5), signal(6, 1.0, minutes=10, usual_authors=0.5)
    seen = compare(*few, incident="I")
    assert seen.verdict is Reaction.HOLDING
    assert "chance" in seen.says


def test_growth_within_the_usual_is_growing_and_never_calm() -> None:
    seen = compare(signal(2, 0.2), signal(60, 0.3, minutes=10), incident="I")
    assert is_calm(signal(60, 0.3))
    assert seen.verdict is Reaction.GROWING
    assert not seen.calm


def test_windows_of_different_length_are_brought_to_the_same_length() -> None:
    seen = compare(signal(100, 0.5, window=5), signal(300, 0.5, minutes=30, window=15), incident="I")
    assert seen.before_authors == 300
    assert seen.before_mentions == 315
    assert seen.verdict is Reaction.HOLDING


def test_without_a_measurement_before_it_says_so() -> None:
    seen = compare(None, signal(300, 0.5), incident="I")
    assert seen.verdict is Reaction.HOLDING
    assert "nothing was measured before" in seen.says


def test_silence_is_calm() -> None:
    seen = compare(signal(0, 0.0), signal(0, 0.0, minutes=5), incident="I")
    assert seen.calm
    assert seen.verdict is Reaction.CALMING


def test_signals_of_two_watches_or_in_the_wrong_order_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be measured against"):
        compare(signal(1, 0.0, watch="other"), signal(1, 0.0, minutes=1), incident="I")
    with pytest.raises(ValueError, match="lies before"):
        compare(signal(1, 0.0, minutes=2), signal(1, 0.0, minutes=1), incident="I")

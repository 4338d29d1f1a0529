"""What the benchmarks print fits a terminal."""

import random

import pytest

from benchmarks import COLUMNS, NAMES, copies, detection, outrage, say, sentiment
from benchmarks.tweets import Labelled

WORDS = [
    "gate",
    "flight",
    "bag",
    "kettle",
    "nobody",
    "answers",
    "since",
    "three",
    "hours",
    "while",
    "smoke",
    "comes",
    "out",
    "and",
    "they",
    "laugh",
    "about",
    "it",
]


def _fits(printed: str) -> bool:
    lines = printed.splitlines()
    return bool(lines) and all(len(line) <= COLUMNS for line in lines)


def test_the_table_of_copies_fits(capsys: pytest.CaptureFixture[str]) -> None:
    dice = random.Random(1)
    texts = [" ".join(dice.choices(WORDS, k=20)) for _ in range(30)]
    copies.judge("airline: united_states_of_everything", [*texts, f"{texts[0]} now"], seed=1, show=1)
    assert _fits(capsys.readouterr().out)


def test_the_tables_of_detection_fit(capsys: pytest.CaptureFixture[str]) -> None:
    known = {
        ("outrage", 10.0): [outrage.simulate(1, "outrage", 10)],
        ("outrage", 3.0): [outrage.simulate(2, "outrage", 3)],
        ("praise", 10.0): [outrage.simulate(3, "praise", 10)],
        ("news", 6.0): [outrage.simulate(4, "news", 6)],
        ("nothing", 1.0): [outrage.simulate(5, "nothing", 1, days=14.0)],
    }
    row = detection._row(lambda stream: (list(range(0, len(stream.values), 200)), []), known)  # type: ignore[arg-type]
    detection.show(["the same, and share + .15"], [row])
    brands = ["AAPL", "AMZN", "CRM", "CVS", "FB", "GOOG", "IBM", "KO", "PFE", "UPS"]
    detection.show_by_brand(brands, {"ratio to the day before": list(range(91, 101))})
    printed = capsys.readouterr().out
    assert _fits(printed)
    assert all(brand in printed for brand in brands)


def test_the_table_of_sentiment_fits(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sentiment, "readers", lambda: {"VADER, complaints": sentiment.by_vader})
    posts = Labelled(["terrible", "fine", "a table"], [0, 2, 1])
    sentiment.judge("tweets", posts, sentiment.macro_recall, "macro recall")
    assert _fits(capsys.readouterr().out)


def test_a_sentence_is_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    say("\n  " + " ".join(WORDS * 3))
    for name, says in NAMES.items():
        say(f"== {name}: {says}")
    printed = capsys.readouterr().out
    assert printed.startswith("\n  gate")
    assert "\n    " in printed
    assert _fits(printed)

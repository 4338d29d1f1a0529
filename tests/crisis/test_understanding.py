"""What is understood of posts: the small model, languages in batches, causes of single posts, copies."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis import reading
from crisis.copies import CopyFinder
from crisis.doctrine import cause_of
from crisis.grams import grams, listed, word_hash
from crisis.language import languages
from crisis.reading import read, read_many
from crisis.small import FILE, NoModel, SmallModel, pack, unpack
from crisis.spelling import spelled, tidy
from crisis.understanding import Post, understand
from crisis.values import CrisisType

MODEL = SmallModel()
HOSTILE_INPUT = [
    "",
    " ",
    "\x00\x01\x02",
    "\ud800 alone \udfff",
    "a " * 2_000,
    "🔥" * 5_000,
    "\u202e right to left \u202c",
    "not",
    "é" * 1_000,
    "\n\r\t\v\f",
]


def texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=[]), max_size=200) | st.sampled_from(HOSTILE_INPUT)


@settings(deadline=None)
@given(st.lists(texts(), max_size=8))
def test_a_batch_reads_as_its_posts_read_alone_whatever_they_are(held: list[str]) -> None:
    reading._remembered.clear()
    batch = read_many(held)
    reading._remembered.clear()
    assert len(batch) == len(held)
    for text, found in zip(held, batch, strict=True):
        alone = read(text)
        assert found.language == alone.language
        assert found.sentiment == alone.sentiment or abs(found.negative - 0.5) < 1e-3
        assert found.negative == pytest.approx(alone.negative, abs=1e-4)
        assert found.outrage == pytest.approx(alone.outrage, abs=1e-4)


@settings(deadline=None)
@given(texts())
def test_probabilities_are_probabilities_and_add_up(text: str) -> None:
    judged = MODEL.judge([text])
    for rows in (judged.sentiment, judged.emotion):
        assert np.allclose(rows.sum(axis=1), 1, atol=1e-4)
        assert (rows >= 0).all()
    assert ((judged.negative >= 0) & (judged.negative <= 1)).all()


def test_many_posts_read_in_order_across_batches() -> None:
    good, bad = "I love this, it is wonderful", "this is the worst company and I am furious"
    found = read_many([good, bad] * 700)
    assert [one.sentiment for one in found] == ["positive", "negative"] * 700


def test_a_hint_goes_before_what_the_text_looks_like() -> None:
    found = read_many(["this is the worst", "this is the worst"], ["fr", ""])
    assert [one.supported for one in found] == [False, True]


def test_every_sum_of_weights_comes_back_from_its_lane() -> None:
    roots = np.array([[-127, 127, 1, -2, 0, 9], [3, -5, 1, -2, 0, -9], [0, -1, 1, -2, 0, 0]], np.int8)
    sums = pack(roots).sum(axis=0, keepdims=True)
    assert unpack(sums).tolist() == [[-(127**2) + 9, 127**2 - 25 - 1, 3, -12, 0, 0]]


def test_negation_reaches_three_words_and_never_the_next_post() -> None:
    seen = grams(["not a good day at all", "good"])
    turned = seen.senses != seen.word_hashes
    assert turned.tolist() == [False, True, True, True, False, False, False]
    assert int(seen.word_hashes[-1]) == word_hash("good")


def test_letters_drawn_out_and_numbers_are_one_spelling() -> None:
    one, other = grams(["soooo bad 17"]), grams(["sooooooo bad 42"])
    assert one.word_hashes.tolist() == other.word_hashes.tolist()


def test_handles_links_and_entities_are_spelled_alike() -> None:
    assert tidy("@acme &amp; @brew.line see https://x.y/z?q=1") == "@user & @user see http"
    assert "pouting face" in spelled("why 😡")


def test_letters_that_were_escaped_are_letters_again_and_nothing_else_is() -> None:
    assert tidy(r"don\u2019t \u0041") == "don’t A"
    assert tidy(r"\ud83d \u0000 \u12 C:\user") == r"\ud83d \u0000 \u12 C:\user"


def test_a_word_model_reads_the_words_of_a_hashtag() -> None:
    assert spelled("#BoycottAcme now, says #USAToday") == "# Boycott Acme now, says # USA Today"
    assert spelled("# 1 #nofilter #") == "# 1 # nofilter #"


def test_a_language_in_a_batch_is_the_one_it_has_alone() -> None:
    mixed = ["this is the one and only", "Das Gerät ist kaputt und niemand antwortet, furchtbar", "", "12 34", "😡😡"]
    assert languages(mixed) == [languages([text])[0] for text in mixed]
    assert languages(mixed)[:3] == ["en", "de", ""]


def test_sentiment_and_detection_have_thresholds_of_their_own() -> None:
    found = read("I am furious, this is unacceptable and you are liars")
    assert found.hostile
    assert found.sentiment == "negative"
    assert not reading.Reading(language="en", supported=True, sentiment="negative", negative=0.4).hostile


def test_outrage_needs_a_negative_post() -> None:
    furious = read("you lying idiots, I hate this disgusting company, I am so angry")
    pleased = read("I love my new machine, it is wonderful, thank you")
    assert furious.outrage >= 0.5 > pleased.outrage


def test_a_missing_model_is_said_once_and_vader_reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "small.npz"
    broken.write_bytes(FILE.read_bytes()[:1000])
    with pytest.raises(NoModel, match=r"small\.npz"):
        SmallModel(broken)
    monkeypatch.setattr("crisis.small.FILE", broken)
    reading._small.cache_clear()
    reading._remembered.clear()
    try:
        with pytest.warns(RuntimeWarning, match="VADER"):
            assert read("this is the worst service ever, I am furious").sentiment == "negative"
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert read("I love my new machine, it is wonderful").sentiment == "positive"
    finally:
        monkeypatch.undo()
        reading._small.cache_clear()
        reading._remembered.clear()


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("the battery exploded and burned my hand", CrisisType.SAFETY_HARM),
        ("they leaked my passwords, this is a data breach", CrisisType.DATA_BREACH),
        ("worst airline, my flight was cancelled and I am stuck", CrisisType.SERVICE_FAILURE),
        ("your staff are rude and unhelpful", CrisisType.NEGATIVE_FEEDBACK),
        ("I do not like it", CrisisType.UNKNOWN),
        ("the ceo gave an apology", CrisisType.UNKNOWN),
        ("Your CEO's a pathetic joke, the worst", CrisisType.CONDUCT),
        ("horrible people, your CEO’s arrogance above all", CrisisType.CONDUCT),
        ("fire your CEO, terrible man", CrisisType.CONDUCT),
        ("the chairman is an awful crook", CrisisType.CONDUCT),
    ],
)
def test_one_post_speaks_of_one_cause_or_of_none(text: str, cause: CrisisType) -> None:
    assert cause_of(text) is cause


def test_only_hostile_posts_that_can_be_read_have_a_cause() -> None:
    posts = [
        Post(1, "I love the new firmware, no more error or crash, wonderful work"),
        Post("b", "terrible, the machine is broken and I am stuck, worst company ever"),
        Post("c", "El aparato está averiado y nadie responde, es horrible"),
    ]
    found = understand(posts, CopyFinder())
    assert [one.type.value for one in found] == ["unknown", "service_failure", "unknown"]
    assert not found[2].reading.supported


@settings(deadline=None)
@given(st.lists(st.text(st.characters(categories=["Ll"]), min_size=1, max_size=4), max_size=60, unique=True))
def test_a_word_on_a_list_is_found_where_it_stands_however_many_clash(words: list[str]) -> None:
    known = listed(words)
    asked = [*words, "certainly-absent"]
    hashes = np.array([word_hash(word) for word in asked], np.uint64)
    assert known.find(hashes).tolist() == list(range(len(asked)))
    assert known.holds(hashes).tolist() == [True] * len(words) + [False]


def test_a_sum_of_weights_is_that_of_the_posts_own_pieces() -> None:
    texts = ["so bad", "", "a", "I am not happy with this at all, never again"]
    together = MODEL.scores(grams(texts))
    assert np.array_equal(together, np.vstack([MODEL.scores(grams([text])) for text in texts]))

"""Each platform's own count, against the official vectors and worked examples of its documentation."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from crisis.counting import Limits, Unit, measure, refused_characters

VECTORS = Path(__file__).parents[2] / "../shared/specs/twitter-text-validate.yml"


def vectors(group: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(VECTORS.read_text(encoding="utf-8"))["tests"][group]
    return found


@pytest.mark.parametrize(
    "vector",
    [*vectors("WeightedTweetsWithDiscountedEmojiCounterTest"), *vectors("UnicodeDirectionalMarkerCounterTest")],
    ids=lambda v: v["description"],
)
def test_x_counts_as_the_official_vectors_of_the_current_configuration_do(vector: dict[str, Any]) -> None:
    text, expected = vector["text"], vector["expected"]
    assert measure(Unit.WEIGHTED, text) == expected["weightedLength"]
    assert (measure(Unit.WEIGHTED, text) <= 280 and not refused_characters(Unit.WEIGHTED, text)) == expected["valid"]


def test_the_official_vectors_are_all_there() -> None:
    assert len(vectors("WeightedTweetsWithDiscountedEmojiCounterTest")) == 22


def test_an_empty_text_has_no_length_anywhere() -> None:
    assert {measure(unit, "") for unit in Unit} == {0}


def test_bluesky_counts_what_a_reader_calls_characters() -> None:
    assert measure(Unit.GRAPHEMES, "🙋🏽👨‍👩‍👧‍👦é") == 3


def test_a_post_may_be_capped_in_bytes_too() -> None:
    families = "👨‍👩‍👧‍👦" * 200
    assert measure(Unit.GRAPHEMES, families) == 200
    assert len(families.encode()) > 3000
    capped = Limits(length=300, unit=Unit.GRAPHEMES, octets=3000, source="a test")
    assert not capped.fits(families)
    assert capped.model_copy(update={"octets": None}).fits(families)


def test_mastodon_counts_every_link_as_23() -> None:
    assert measure(Unit.FEDIVERSE, "see https://a.example.com/" + "x" * 400) == len("see ") + 23
    assert measure(Unit.FEDIVERSE, "https://t.co/a b") == 23 + 2


def test_mastodon_does_not_shorten_what_is_no_link() -> None:
    assert measure(Unit.FEDIVERSE, "example.com") == len("example.com")


def test_mastodon_counts_only_the_local_part_of_a_remote_mention() -> None:
    assert measure(Unit.FEDIVERSE, "thanks @ana@social.example.org!") == len("thanks @ana!")
    assert measure(Unit.FEDIVERSE, "@ana and ana@example.org") == len("@ana and ana@example.org")


def test_slack_counts_what_it_escapes() -> None:
    assert measure(Unit.ESCAPED, "R&D <now>") == len("R&amp;D &lt;now&gt;")


def test_discord_counts_the_marks_that_are_escaped() -> None:
    assert measure(Unit.PLAIN_MARKDOWN, "# *a* https://x.test/a_b") == len(r"\# \*a\* https://x.test/a_b")


def test_mail_is_counted_in_bytes() -> None:
    assert measure(Unit.BYTES, "é") == 2


def test_what_is_beyond_the_first_plane_counts_twice_in_utf_16() -> None:
    assert measure(Unit.UTF16, "a🙋é") == 4


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 0),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("[" + "a" * 151 + "]" + "a" * 152, 3),
        ("你" * 70, 1),
        ("你" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("a" * 159 + "你", 3),
    ],
)
def test_text_messages_are_counted_by_the_alphabet_that_they_need(text, segments):
    assert measure(Unit.SEGMENTS, text) == segments

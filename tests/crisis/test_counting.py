"""Each platform's own count, against the official vectors and worked examples of its documentation."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from crisis.counting import LIMITS, UnknownKind, counted_as, fits, measure, refused_characters

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
    assert measure("x", text) == expected["weightedLength"]
    assert (fits("x", text) and not refused_characters("x", text)) == expected["valid"]


def test_the_official_vectors_are_all_there() -> None:
    assert len(vectors("WeightedTweetsWithDiscountedEmojiCounterTest")) == 22


def test_an_empty_text_has_no_length_anywhere() -> None:
    assert {measure(kind, "") for kind in LIMITS} == {0}


def test_bluesky_counts_what_a_reader_calls_characters() -> None:
    assert measure("bluesky", "🙋🏽👨‍👩‍👧‍👦é") == 3


def test_bluesky_also_caps_bytes() -> None:
    families = "👨‍👩‍👧‍👦" * 200
    assert measure("bluesky", families) == 200
    assert len(families.encode()) > 3000
    assert not fits("bluesky", families)


def test_mastodon_counts_every_link_as_23() -> None:
    assert measure("mastodon", "see https://a.example.com/" + "x" * 400) == len("see ") + 23
    assert measure("mastodon", "https://t.co/a b") == 23 + 2


def test_mastodon_does_not_shorten_what_is_no_link() -> None:
    assert measure("mastodon", "example.com") == len("example.com")


def test_mastodon_counts_only_the_local_part_of_a_remote_mention() -> None:
    assert measure("mastodon", "thanks @ana@social.example.org!") == len("thanks @ana!")
    assert measure("mastodon", "@ana and ana@example.org") == len("@ana and ana@example.org")


def test_slack_counts_what_it_escapes() -> None:
    assert measure("slack", "R&D <now>") == len("R&amp;D &lt;now&gt;")


def test_mail_is_counted_in_bytes() -> None:
    assert measure("smtp", "é") == 2


def test_a_sandbox_may_look_like_another_channel() -> None:
    assert counted_as("sandbox", "mastodon") == "mastodon"
    assert counted_as("sandbox") == "sandbox"
    assert counted_as("mastodon", "x") == "mastodon"


def test_an_unknown_kind_is_refused_with_the_ones_that_exist() -> None:
    with pytest.raises(UnknownKind, match="bluesky"):
        measure("myspace", "hello")


def test_every_limit_names_the_page_it_comes_from() -> None:
    assert all(limit.source for limit in LIMITS.values())
    assert {kind for kind, limit in LIMITS.items() if limit.threads} == {"x", "bluesky", "mastodon"}

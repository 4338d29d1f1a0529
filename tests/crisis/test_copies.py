"""Exact copies: what is the same text, and what only looks so."""

import pytest

from crisis.copies import fingerprint, normalise, said

ORIGINAL = "My machine overheats since the update, smoke everywhere"


@pytest.mark.parametrize(
    "copy",
    [
        f"RT @ada: {ORIGINAL}",
        f"rt @ada.dev {ORIGINAL} https://example.org/x?y=1",
        f"RT @bob: RT @ada: {ORIGINAL}",
        ORIGINAL.upper(),
        f"  {ORIGINAL}…",
        f"{ORIGINAL} via @ada",
        ORIGINAL.replace(" ", "  \u200b"),
        f"“@ada: {ORIGINAL}”",
    ],
)
def test_a_copy_has_the_fingerprint_of_its_original(copy: str) -> None:
    assert fingerprint(copy).value == fingerprint(ORIGINAL).value


def test_one_word_more_is_another_text() -> None:
    assert fingerprint(ORIGINAL + " here").value != fingerprint(ORIGINAL).value


def test_reposts_say_so_themselves_and_short_agreement_is_no_copy() -> None:
    assert fingerprint(f"RT @ada: {ORIGINAL}").repost
    assert not fingerprint(ORIGINAL).repost
    assert not fingerprint("@acme thank you!").long_enough
    assert fingerprint(ORIGINAL).long_enough


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"“@ada: {ORIGINAL}” this happened to my mother too", ("  this happened to my mother too", False)),
        (f"this happened to my mother too RT @ada: {ORIGINAL}", ("this happened to my mother too ", False)),
        (f"THIS!! RT @ada: {ORIGINAL}", (ORIGINAL, True)),
        (f"“@ada: {ORIGINAL}” wow", (ORIGINAL, True)),
        ('they say "we are sorry" @acme', ('they say "we are sorry" @acme', False)),
    ],
)
def test_what_somebody_adds_to_a_quotation_is_what_they_say(text: str, expected: tuple[str, bool]) -> None:
    assert said(text) == expected


def test_hostile_texts_have_a_fingerprint_too() -> None:
    for text in (
        "",
        "\x00",
        "\ud800",
        "RT @",
        "a" * 1_000_000,
        "“@a: " * 200_000,
        "RT @a: " * 150_000,
        " " * 1_000_000 + " @",
        '"@',
        "\u202e",
    ):
        assert fingerprint(text).value >= 0
        assert isinstance(normalise(text), str)

"""Whether a published text still stands: platforms may show it in their own way, but not one word may differ."""

from datetime import UTC, datetime, timedelta

import pytest

from crisis.read_back import OnPlatform, Stand, next_look, stand_of

APPROVED = (
    "We know that some of you cannot log in. “More” at https://acme.example/status?a=1 by 15:00 UTC.\n\n- One\n- Two"
)


@pytest.mark.parametrize(
    "shown",
    [
        APPROVED,
        APPROVED.replace("https://acme.example/status?a=1", "https://t.co/abc"),
        APPROVED.replace("https://acme.example/status?a=1", "acme.example/sta…"),
        APPROVED.replace("\n\n", "\n"),
        APPROVED.replace("“More”", '"More"'),
        "<p>" + APPROVED.replace("\n", "<br />") + "</p>",
        f"Outage\n\n{APPROVED}\n\nPosted by Acme",
        APPROVED.replace("We know", "We\u200b know"),
    ],
)
def test_what_platforms_change_in_every_text_is_no_edit(shown: str) -> None:
    assert stand_of((APPROVED,), OnPlatform(parts=(shown,)))[0] is Stand.MATCHED


@pytest.mark.parametrize(
    "shown",
    [
        APPROVED.replace("some of you", "all of you"),
        APPROVED.replace("15:00", "16:00"),
        APPROVED.replace("- Two", ""),
        APPROVED.replace("cannot", "can"),
        "",
    ],
)
def test_one_changed_word_is_an_edit(shown: str) -> None:
    assert stand_of((APPROVED,), OnPlatform(parts=(shown,)))[0] is Stand.EDITED


def test_a_thread_without_one_of_its_posts_is_gone() -> None:
    stand, says = stand_of(("one", "two"), OnPlatform(parts=("one", None)))
    assert stand is Stand.GONE
    assert "part 2 of 2" in says


def test_a_text_is_looked_at_ever_more_rarely_and_then_no_more() -> None:
    out = datetime(2026, 3, 1, tzinfo=UTC)
    waits = []
    at = out
    while (following := next_look(out, at)) is not None:
        waits.append(following - at)
        at = following
    assert waits == sorted(waits)
    assert at - out >= timedelta(days=30)
    assert len(waits) < 80


@pytest.mark.parametrize("piece", ["[", "a-", "a.", "<p ", "www.", "@a@", "<http://|", " \n"])
def test_a_hostile_answer_is_compared_like_any_other(piece: str) -> None:
    assert stand_of((APPROVED,), OnPlatform(parts=(piece * 20_000,)))[0] is Stand.EDITED

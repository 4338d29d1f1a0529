"""A post counts once however often it comes, and remembering that takes no more room than was given."""

import pytest

from crisis.seen import Seen


def test_what_was_shown_is_known_and_the_oldest_are_forgotten_first() -> None:
    seen = Seen(3)
    assert [seen.new(key) for key in "abca"] == [True, True, True, False]
    assert seen.new("d")
    assert len(seen) == 3
    assert "b" not in seen, "a was met again later than b"
    assert "a" in seen


def test_it_goes_on_exactly_where_it_was_written_down() -> None:
    seen = Seen(100)
    for number in range(150):
        seen.new(f"post {number}")
    again = Seen.load(100, seen.dump())
    assert again.dump() == seen.dump()
    assert len(again) == 100
    assert [again.new(f"post {n}") for n in (49, 50, 149)] == [True, True, False]
    assert len(Seen.load(5, seen.dump())) == 5


@pytest.mark.parametrize("hostile", ["\ud800", "\x00", "", "x" * 1_000_000])
def test_any_key_can_be_remembered(hostile: str) -> None:
    seen = Seen(2)
    assert seen.new(hostile)
    assert not seen.new(hostile)


@pytest.mark.parametrize("wrong", ["?", "AAAA", "é"])
def test_what_is_no_memory_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="no memory of posts"):
        Seen.load(5, wrong)

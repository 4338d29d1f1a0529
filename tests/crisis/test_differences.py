"""What changed between two texts: nothing of either is lost, and a rewritten sentence is one change."""

from hypothesis import example, given
from hypothesis import strategies as st

from crisis.differences import MOST_WORDS, Change, Run, differences

PIECES = st.sampled_from(
    [
        "We ",
        "know ",
        "it. ",
        "sorry",
        "\n\n",
        " ",
        "👨‍👩‍👧‍👦",
        "نعتذر ",
        "本日、",
        "https://acme.example/a ",
        "e\u0301 ",
        "13:00 ",
    ]
)
TEXTS = st.lists(PIECES, max_size=30).map("".join)


def told(runs: tuple[Run, ...], without: Change) -> str:
    return "".join(run.text for run in runs if run.change is not without)


@given(before=TEXTS, after=TEXTS)
@example(before="", after="all new")
@example(before="all gone", after="")
def test_both_texts_can_be_read_from_what_changed(before: str, after: str) -> None:
    runs = differences(before, after)
    assert told(runs, Change.NEW) == before
    assert told(runs, Change.GONE) == after


def test_a_word_that_changed_is_shown_with_what_replaces_it() -> None:
    runs = differences("Next update by 13:00 UTC.", "Next update by 14:30 UTC.")
    changed = [(run.change, run.text) for run in runs if run.change is not Change.SAME]
    assert ("".join(t for c, t in changed if c is Change.GONE), changed[0][0]) == ("1300", Change.GONE)


def test_words_rewritten_next_to_each_other_are_one_change() -> None:
    runs = differences("We are very sorry today.", "We remain deeply ashamed today.")
    assert [(run.change.value, run.text) for run in runs] == [
        ("same", "We "),
        ("gone", "are very sorry"),
        ("new", "remain deeply ashamed"),
        ("same", " today."),
    ]


def test_an_endless_text_is_compared_by_lines() -> None:
    before = "\n".join(f"line {n} here" for n in range(MOST_WORDS))
    runs = differences(before, before.replace("line 7 here", "line 7 there"))
    assert [run.text for run in runs if run.change is Change.NEW] == ["line 7 there\n"]

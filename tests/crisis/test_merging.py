"""Questions that ask the same are put together, and keep their identity; those that only sound alike stay apart."""

from collections.abc import Callable, Sequence
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis.contrasts import contrast, named_in
from crisis.merging import AT_ONCE, Merging, merged
from crisis.small import Floats

SAFE = ["Is my money safe?", "are our savings safe", "is the cash in my account protected?"]


def names() -> Callable[[], str]:
    numbers = count()
    return lambda: f"q{next(numbers)}"


def by_subject(*subjects: str) -> Callable[[Sequence[str]], Floats]:
    """A reader for which a text means whichever of the subjects it names."""

    def read(texts: Sequence[str]) -> Floats:
        rows = np.full((len(texts), len(subjects) + 1), 0.01, np.float32)
        for row, text in enumerate(texts):
            rows[row, next((n for n, word in enumerate(subjects) if word in text.lower()), len(subjects))] = 1
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    return read


def test_paraphrases_are_one_question_and_others_are_not() -> None:
    texts = ["Is my money safe?", "are our savings safe", "When will the app work again?", "when is the app fixed?"]
    assert merged(texts) == [0, 0, 1, 1]
    assert merged(["Why did the app go down?", "When is the app up again?"]) == [0, 1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Is my data safe?", "is my money safe?"),
        ("Are you open on Monday?", "are you open on Tuesday?"),
        ("are you open today", "are you open tomorrow?"),
        ("Is AC210 cancelled?", "Is flight AC118 cancelled?"),
        ("Is ward 3 open?", "is ward 5 open"),
        ("is batch 7C affected?", "is batch 7D affected?"),
        ("Is the shop in Leeds open?", "is the shop in bristol open"),
        ("Is the Porto store open?", "Is the Lisbon store open?"),
        ("What is Anna Miller paid?", "what is John Smith paid"),
        ("Is the water safe for plants?", "Is the water not safe for plants?"),
        ("Who can fly?", "who can't fly"),
        ("Can I board with a passport?", "Can I board without a passport?"),
        ("Is it safe for kids?", "is it safe for adults"),
        ("does the android app work?", "does the iPhone app work?"),
        ("Why is the app down?", "When is the app down?"),
    ],
)
@pytest.mark.parametrize("read", [None, by_subject()])
def test_questions_that_only_sound_alike_are_never_one(
    one: str, other: str, read: Callable[[Sequence[str]], Floats] | None
) -> None:
    assert merged([one, other], read) == [0, 1]
    between = Merging(sentences=read)
    asked = between.place([one, one.split(maxsplit=1)[0] + " " + " ".join(one.split()[1:3]) + "?", other], names())
    assert asked[0] != asked[2]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Is my money safe?", "is my money safe or not?"),
        ("Isn't there a refund?", "Is there a refund?"),
        ("How do I pay?", "How do I pay if I can't use the app?"),
        ("Do I get my money back?", "Will my card be refunded?"),
        ("WHY IS IT DOWN?", "why is It Down"),
        ("When does the shop in Leeds open?", "when does the shop open"),
    ],
)
def test_what_is_no_contrast_keeps_nothing_apart(one: str, other: str) -> None:
    assert not contrast(named_in(one), named_in(other))


def test_the_brand_is_no_name_that_tells_two_questions_apart() -> None:
    one, other = named_in("When is Acme back?"), named_in("when is it back in Leeds?")
    assert contrast(one, other)
    assert not contrast(one, other, frozenset({"acme"}))


def test_whole_sentences_put_together_what_shares_no_word() -> None:
    texts = ["Will he resign?", "is the boss going to step down", "Where is my parcel?", "was it a resignation?"]
    read = by_subject("resign", "parcel")
    assert merged(texts, read)[0] == merged(texts, read)[3]
    assert merged(texts)[0] != merged(texts)[1]


def test_a_question_keeps_its_id_while_thousands_of_others_come() -> None:
    merging, new = Merging(), names()
    [first] = merging.place([SAFE[0]], new)
    merging.place([f"Where is parcel number {number} of street {number}?" for number in range(AT_ONCE + 44)], new)
    assert merging.place(["is my money safe", SAFE[1]], new) == [first, first]


def test_what_is_there_is_never_joined_so_that_a_persons_split_stays() -> None:
    merging = Merging()
    merging.know("INC-1-Q1", SAFE[:1])
    merging.know("INC-1-Q2", SAFE[1:2])
    found = merging.place([*SAFE, "are the savings safe?"], names())
    assert found[:2] == ["INC-1-Q1", "INC-1-Q2"]
    assert set(found) == {"INC-1-Q1", "INC-1-Q2"}


def test_what_a_person_put_together_stays_so_and_takes_both_kinds_of_wording() -> None:
    merging = Merging()
    merging.know("INC-1-Q1", ["Are you open on Monday?", "Are you open on Sunday?"])
    found = merging.place(["are you open Monday?", "are you open on sunday", "Are you open on Tuesday?"], names())
    assert found == ["INC-1-Q1", "INC-1-Q1", "q0"]


def test_the_sentence_model_is_not_asked_for_what_is_known_word_for_word() -> None:
    def never(texts: Sequence[str]) -> Floats:
        raise AssertionError(f"{texts} were read")

    merging = Merging(sentences=never)
    merging.know("INC-1-Q1", SAFE)
    assert merging.place(["IS MY MONEY SAFE", SAFE[2]], names()) == ["INC-1-Q1", "INC-1-Q1"]


def test_a_question_that_nearly_all_ask_is_not_split_by_what_they_have_in_common() -> None:
    many = [f"{lead}is my money safe{tail}?" for lead in ("", "hey ", "so ", "well ") for tail in ("", " now", " guys")]
    read = by_subject("money", "parcel", "hotel")
    found = merged([*many, "Where is my parcel?", "Who pays the hotel?"], read)
    assert len(set(found[: len(many)])) == 1
    assert len(set(found)) == 3


@settings(max_examples=20)
@given(st.lists(st.text(max_size=40), min_size=1, max_size=8))
def test_any_text_gets_a_question_and_the_same_text_the_same(texts: list[str]) -> None:
    found = merged([*texts, *texts])
    assert found[: len(texts)] == found[len(texts) :]
    assert found == merged([*texts, *texts])

"""Two people who fill in one template, or say what everybody says, do not copy each other."""

import pytest

from crisis.copies import CopyFinder
from crisis.templates import about_others, filled_otherwise

COMPLAINTS = [
    ("@acme my bag is broken and nobody helps", "@acme my phone is broken and nobody helps"),
    ("@acme lost my bag again", "@acme lost my dog again"),
    ("Still waiting for my refund after three weeks", "Still waiting for my luggage after three weeks"),
    ("@acme why is my flight delayed again?", "@acme why is my flight cancelled again?"),
    ("@acme thanks for the quick reply", "@acme thanks for the quick help"),
    ("I love my new acme kettle so much", "I hate my new acme kettle so much"),
    ("The staff at the gate were so rude to my mother", "The staff at the gate were so kind to my mother"),
    ("my acme kettle caught fire this morning", "my acme toaster caught fire this morning"),
    ("@acme how do I get a refund for my broken kettle?", "@acme how do I get a refund for my broken toaster?"),
    ("@acme how do I get a refund for my cancelled flight", "@acme how do I get a voucher for my delayed flight"),
    ("Just waited forty minutes for a burger at acme", "Just waited forty minutes for a coffee at acme"),
    ("@acme when will the new phone be in the shops?", "@acme when will the new tablet be in the shops?"),
    ("found a piece of glass in my acme yoghurt today", "found a piece of plastic in my acme soup today"),
    ("@acme the seats are dirty and the crew was rude", "@acme the toilets are dirty and the crew was rude"),
    ("your driver left my parcel in the rain", "your driver left my dinner in the rain"),
    ("Acme lost my grandmother's violin", "Acme broke my grandmother's violin"),
    ("Stuck in Denver for six hours, nobody helps", "Stuck in Oslo for six hours, nobody helps"),
    ("Gate 12 has been closed for an hour now", "Gate 47 has been closed for an hour now"),
]


@pytest.mark.parametrize(("one", "other"), COMPLAINTS)
def test_who_fills_in_a_template_otherwise_copies_nobody(one: str, other: str) -> None:
    for first, second in ((one, other), (other, one)):
        finder = CopyFinder()
        finder.add("one", first)
        assert finder.add("other", second) is None


@pytest.mark.parametrize(
    "said", ["worst airline ever", "flight delayed again", "never again", "so disappointed", "is your site down?"]
)
def test_what_many_people_complain_of_in_few_words_is_nobodys_copy(said: str) -> None:
    finder = CopyFinder()
    finder.add("one", f"@acme {said}")
    for other in (f"@acme {said}!!!", f"@acme @globex {said.upper()}", f"@acme {said} :(", said.title()):
        assert finder.add("other", other) is None


@pytest.mark.parametrize(
    ("original", "copy"),
    [
        ("my acme kettle caught fire this morning", "my acme kettel caught fire this mornin"),
        ("my acme kettle caught fire this morning", "my acme kettle caught fire this morning folks"),
        ("my acme kettle caught fire this morning", "my acme kettle caught fire this of"),
        ("my acme kettle caught fire this morning", "our acme kettle caught fire this morning"),
        (
            "I bought a kettle from acme last week and today it caught fire in our kitchen",
            "I bought a toaster from acme last week and today it caught fire in our kitchen",
        ),
    ],
)
def test_a_changed_copy_fills_in_no_template(original: str, copy: str) -> None:
    finder = CopyFinder()
    finder.add("one", original)
    assert finder.add("other", copy) == "one"


def test_a_slot_takes_words_of_one_form_that_tell_something() -> None:
    assert filled_otherwise("the seats are dirty", "the toilets are dirty")
    assert filled_otherwise("the best airline", "the worst airline")
    assert not filled_otherwise("the seats are dirty", "the toilet are dirty")
    assert not filled_otherwise("the seats are dirty", "the and are dirty")
    assert not filled_otherwise("the seats are dirty", "the saets are dirty")
    assert not filled_otherwise("the seats are dirty", "the seats are dirty too")
    assert not filled_otherwise("the seats are dirty", "the seats are dirty")


@pytest.mark.parametrize(
    ("one", "other", "different"),
    [
        ("flight 495 to boston is late again", "flight 496 to boston is late again", True),
        ("flight 495 to boston is late again", "flight 719 to boston is lats agian", True),
        ("flight 4950 to boston is late again", "flihgt 4951 to bostn is late again", False),
        ("flight 4950 to boston is late again", "flihgt 4k50 to bostn is late again", False),
        ("flight 495 to boston is late again", "the flight to boston is late again", False),
    ],
)
def test_a_wrong_digit_is_a_typing_error_only_among_others(one: str, other: str, different: bool) -> None:
    assert about_others(one, other) is different

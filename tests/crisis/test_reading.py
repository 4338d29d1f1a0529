"""The first reading of a post: English is read, everything else says that it is not."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis.language import language
from crisis.reading import read


@pytest.mark.parametrize(
    "text",
    [
        "@acme this is the worst service ever, I am furious",
        "my flight was cancelled and I have been on hold for two hours",
        "It started smoking and the lid is broken. Unacceptable!!",
    ],
)
def test_english_complaints_read_negative(text: str) -> None:
    reading = read(text)
    assert reading.supported
    assert reading.sentiment == "negative"
    assert reading.negative >= 0.5


def test_praise_and_questions_do_not_read_negative() -> None:
    assert read("I love my new machine, it is wonderful").sentiment == "positive"
    assert read("does the app work with the new model of this year?").negative < 0.5


def test_anger_is_told_from_disappointment() -> None:
    assert read("I am furious, this is unacceptable and you are liars").anger >= 0.5
    assert read("I was a little sad that the delivery was delayed").anger < 0.5


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Das Gerät ist kaputt und niemand antwortet, furchtbar", "de"),
        ("No funciona después de la actualización, es horrible", "es"),
        ("La machine est en panne et personne ne répond", "fr"),
        ("アップデートで動かない。ひどい会社だ", "ja"),
        ("手机爆炸了！！太危险", "zh"),
        ("客服态度很差 #united", "zh"),
        ("United 取消航班", "zh"),
        ("這航空公司很爛", "zh"),
        ("ありがとう @acme", "ja"),
        ("最悪", "ja"),
        ("최악이다", "ko"),
    ],
)
def test_other_languages_are_recognised_and_never_read_as_english(text: str, spoken: str) -> None:
    reading = read(text)
    assert reading.language == spoken
    assert not reading.supported
    assert (reading.sentiment, reading.negative, reading.anger) == ("neutral", 0.0, 0.0)


def test_signs_that_two_languages_share_tell_neither_and_a_few_in_an_english_post_tell_nothing() -> None:
    assert language("炎上") == ""
    assert language("My flight was cancelled, 最悪") == "en"


def test_the_language_a_source_states_is_trusted() -> None:
    assert not read("horrible terrible", hint="fr").supported
    assert read("horrible terrible", hint="en-GB").supported


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_can_be_read_and_reads_the_same_twice(text: str) -> None:
    assert read(text) == read(text)
    assert isinstance(language(text), str)


def test_a_megabyte_is_read_like_its_beginning() -> None:
    assert read("this is terrible and broken " * 40_000).sentiment == "negative"


def test_models_are_loaded_on_the_first_reading_and_not_on_import() -> None:
    code = "import sys, crisis.reading; print('numpy' in sys.modules, 'fasttext' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["False", "False"]

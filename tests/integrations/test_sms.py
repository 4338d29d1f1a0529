"""A notice as a text message is one or two SMS, and its link is whole whatever its words are."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crisis.counting import Unit, measure
from integrations import Message, Refused
from integrations.sms import MOST_SEGMENTS, SEGMENTS, short

ON_IT = "https://fireline.acme.example/on/INC-1234.1c9a3f0.AbCdEfGhIjKlMnOpQrStUvWxYz0"
LONG = "https://fireline.acme.example/approve/" + "x" * 400


def test_a_call_is_its_subject_and_the_one_link_that_takes_a_thumb():
    call = Message(key="k", subject="[INC-7] SEV1: Acme", text="Ida, look. " * 50, link=LONG, on_it=ON_IT)
    assert short(call) == f"[INC-7] SEV1: Acme\n{ON_IT}"
    assert measure(Unit.SEGMENTS, short(call)) == 1


def test_a_short_notice_is_whole_and_its_link_is_not_said_twice():
    assert short(Message(key="k", subject="S", text="T\n\nhttps://d", link="https://d")) == "S\nT\nhttps://d"
    assert short(Message(key="k", subject="S", text="你" * 500)).endswith("...")


def test_a_link_that_needs_more_than_two_sms_gets_them_and_one_that_needs_more_than_four_is_refused():
    assert SEGMENTS < measure(Unit.SEGMENTS, short(Message(key="k", subject="S", text="", link=LONG))) <= MOST_SEGMENTS
    with pytest.raises(Refused, match="link alone"):
        short(Message(key="k", subject="S", text="T", link="https://d/" + "x" * 700))


@given(st.text(min_size=1, max_size=400), st.text(max_size=400))
@example("9.3× the usual 44 " * 10, "")
@example("😀" * 200, "x")
def test_whatever_the_words_the_link_is_whole_and_the_message_short(subject, text):
    made = short(Message(key="k", subject=subject, text=text, on_it=ON_IT))
    assert made.endswith(f"\n{ON_IT}")
    assert measure(Unit.SEGMENTS, made) <= SEGMENTS

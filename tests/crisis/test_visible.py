"""Foreign text cannot hide, reorder or erase what stands around it."""

import pytest

from crisis.visible import visible, web_address


def test_reordering_and_hiding_characters_are_written_out() -> None:
    assert visible("safe\u202eevil\u2066x\ufeff\u200b") == "safe[U+202E]evil[U+2066]x[U+FEFF][U+200B]"


def test_control_characters_are_replaced_and_lines_kept() -> None:
    assert visible("a\x00b\x1b[31m\r\nc\td\ud800") == "a\ufffdb\ufffd[31m\nc\td\ufffd"


def test_ordinary_text_of_any_script_stays_as_it_is() -> None:
    for text in ("Grüße, 你好, שלום, नमस्ते", "👩\u200d👩\u200d👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "می\u200cخواهم"):
        assert visible(text) == text


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        " https://a.example",
        "https://a.example/\nx",
        'https://a"onclick=',
        "//a",
    ],
)
def test_only_web_addresses_may_stand_in_a_link(address: str) -> None:
    assert web_address(address) == ""


def test_a_web_address_stays_as_it_is() -> None:
    assert web_address("https://status.example/i/1?x=1&y=2#z") == "https://status.example/i/1?x=1&y=2#z"

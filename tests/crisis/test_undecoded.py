"""Turning undecoded lines away: what folding changes is on the list, and no line that matches is turned away."""

import json
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crisis.folding import LETTERS, views
from crisis.matching import Matcher
from crisis.query import QueryError, parse
from crisis.undecoded import ODD
from crisis.watch import Mention

COMBINING = ((0x300, 0x370), (0x1AB0, 0x1B00), (0x1DC0, 0x1E00), (0x20D0, 0x2100), (0x3099, 0x309B), (0xFE20, 0xFE30))
ALPHABETS = (
    "sßSS aA1#@_.-'",
    "éÉeE\u0301ñÑüÜıIİ",
    "сСоОрРaсme ",
    "コーヒー゙ハ゜ﾊﾟ",
    "กำไรเ",
    "क़क\u093c",
    "한\u1112\u1161\u11ab가",
    "اأآیيىكک\u0640\u064b\u0654ة",
    "שלו\u05b8\u05c1ם",
    "αάΑΆσςΣήη\u0301",
    "acme\u0336\u0301+#",
)
ALPHABETS += "❤️👍🏽👩‍💻🇸🇪", "ａＡ！？＃", "ﬁªº²½™℮", "אבּ\ufb31", "ệỆe\u0323\u0302"


def test_every_character_that_folding_turns_into_a_letter_is_on_the_list() -> None:
    odd = bytearray(0x110000)
    for first, last in ODD:
        odd[first : last + 1] = b"\1" * (last + 1 - first)
    missed = []
    for code in range(0x80, 0x110000):
        sign = chr(code)
        if odd[code] or sign == "ß" or unicodedata.category(sign) in ("Cn", "Cs", "Co"):
            continue
        folded = views(sign)
        itself = folded.native == sign or sign in (folded.native.upper(), folded.native.title())
        known = code in LETTERS and code not in range(0x370, 0x590)  # ``_signs_of`` knows of them
        harmless = folded.native and not any(s.isalnum() or s in "#@_" for s in folded.native)
        joins = unicodedata.combining(sign) and any(first <= code < last for first, last in COMBINING)
        if joins or folded.native != folded.latin or not (itself or harmless or known):
            missed.append(f"{code:x}")
    assert not missed


@given(
    st.lists(st.sampled_from(ALPHABETS).flatmap(lambda a: st.text(st.sampled_from(a), max_size=5)), max_size=6).map("".join),
    st.data(),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
@example("Straße", None)
@example("abc Sß", None)
def test_no_line_is_turned_away_that_holds_a_part_of_a_text(text: str, data: st.DataObject | None) -> None:
    folded = views(text).native
    start = data.draw(st.integers(0, max(0, len(folded) - 1))) if data else 4
    part = folded[start : start + (data.draw(st.integers(1, 6)) if data else 3)]
    quoted = part.replace('"', "").replace("*", "").strip()
    try:
        query = parse(f'"*{quoted}*"' if len(quoted) > 1 and quoted.isalnum() else f'"{quoted}"')
    except QueryError:
        return
    post = Mention(id="1", text=text, created_at=datetime(2026, 3, 1, tzinfo=UTC))
    for written in (text, unicodedata.normalize("NFD", text), text.upper()):
        post = post.model_copy(update={"text": written})
        line = json.dumps({"text": written}, ensure_ascii=False).encode("utf-8", "surrogatepass")
        assert Matcher({"q": query}).may_match(line) or not query.matches(post)


BESIDE_CYRILLIC = (*"асмеАСМЕacmeАcмe", *"соорСООРcooppот", *"#_ 5-", "\n", "\\", '"', "\ufe0f", "\u200d", "\u200b", "\u0301",
                   "é", "e\u0301", "дом", "ш", "Ё", "ѵ", "ѡ", "😀", "👍🏽", "ß", "ﬁ", "ａ", "λ", "日", "?")  # fmt: skip


@given(st.lists(st.sampled_from(BESIDE_CYRILLIC), max_size=14).map("".join))
@settings(max_examples=1500, deadline=None)
@example("#АсмеДом")
@example("#СоОр")
@example("\nасме")
@example("\\nетас")
@example("#СоДом")
@example("асмe")
@example("e\u0301e\u0301мет")
@example("а\ufe0fсме")
@example("éасме")
def test_no_line_in_cyrillic_is_turned_away_that_reads_as_what_is_looked_for(text: str) -> None:
    post = Mention(id="1", text=text, created_at=datetime(2026, 3, 1, tzinfo=UTC))
    line = json.dumps({"text": text}, ensure_ascii=False).encode()
    for matcher in LATIN_MATCHERS:
        assert matcher.may_match(line) or not matcher.matches(post)


LATIN_MATCHERS = [
    Matcher({query: parse(query)}, text_key="text")
    for query in ("acme", "*acme*", "coop", "*coop*", "#acme", '"acme 5"', "*op", "me5", "*et*", "acm*", "co", "noacme")
]


@pytest.mark.parametrize(
    ("query", "text", "looked_at"),
    [
        ("acme", "今日はコーヒーがおいしい！ 🎉", False),
        ("acme", "it’s late — again…", False),
        ("コーヒー", "今日は紅茶がおいしい", False),
        ("コーヒー", "今日はコーヒーがおいしい", True),
        ("acme", "große Straße", False),
        ("grosse", "große Straße", True),
        ("acme", "просто Аcme", True),
        ("acme", "просто кофе, хорошо", False),
        ("acme", "просто АСМЕ", True),
        ("acme", "просто АСМЕ #дом", True),
        ("acme", "сегодня #домой", False),
        ("acme", "в 2024 году сор 👍🏽", True),
        ("acme", "love it ❤️ 👩‍💻 👍🏽", False),
        ("acme", "ac\ufe0fme", True),
        ("дом", "просто дом", True),
        ("acme", "ＡＣＭＥ", True),
        ("s" * 40, "ß" * 20, True),
        ("café", "CAFÉ", True),
        ("café", "cafe", False),
        ("\u309a", "\u309c", True),
    ],
)
def test_a_line_is_decoded_only_when_it_may_match(query: str, text: str, looked_at: bool) -> None:
    line = json.dumps({"did": "did:plc:acme", "text": text}, ensure_ascii=False).encode()
    assert Matcher({"q": parse(query)}, text_key="text").may_match(line) is looked_at

"""A rendering fits its platform, loses nothing but whitespace at cuts, and breaks nothing a reader sees as one."""

import re
from collections import Counter

import pytest
import regex
from drawn import picture
from hypothesis import example, given, settings
from hypothesis import strategies as st

import integrations
from crisis.counting import Limits, measure
from crisis.cutting import sentences
from crisis.parts import ACTION, NEXT_UPDATE, says
from crisis.rendering import MAX_PARTS, DoesNotFit, headline_and_text, mail_html
from crisis.rendering import render as rendered
from crisis.statement import Rendering, Target

LIMITS: dict[str, Limits] = {k: integrations.integration(k).platform_limits for k in integrations.kinds("channel")}
HEADLINE = "We are sorry: check-in is down at all airports"
BODY = """Since 09:40 UTC our check-in system has failed, and 41 flights are delayed. Passengers at Leeds and Faro are \
waiting longest. We know that is miserable.

We have opened staffed desks at every airport and we are rebooking everybody who misses a connection, at no charge. \
Please do not travel before you have checked your flight at https://status.example.com/flights?day=today&all=yes.

We do not know the cause yet. Dr. Ana Silva, who leads our technology, is heading the search for it. \
Next update by 11:30 UTC. Talk to us: https://help.example.com or @examplecare."""
THREADING = sorted(kind for kind, limits in LIMITS.items() if limits.threads and limits.length <= 500)

PIECES = st.one_of(
    st.text(alphabet=st.characters(blacklist_categories=("Cs", "Cc", "Cn", "Co")), max_size=30),
    st.sampled_from(
        [
            "https://example.com/a/long/path?with=query ",
            "👨‍👩‍👧‍👦",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "é",
            " ̈",
            "@ana@social.example ",
            "#hashtag ",
            "We are fixing it. ",
            "Next update by 11:30 UTC. ",
            "本日、障害が発生しました。",
            "نعتذر لجميع المسافرين؟ ",
            "हम क्षमा चाहते हैं। ",
            "ana@example.com ",
            "\n",
            "\n\n",
            "x" * 150,
        ]
    ),
)
TEXTS = st.lists(PIECES, min_size=1, max_size=60).map("".join)


def render(*, target: Target, limits: Limits | None = None, **text: object) -> Rendering:
    return rendered(target=target, limits=limits or LIMITS[target.kind], **text)  # type: ignore[arg-type]


def target(kind: str) -> Target:
    return Target(channel=f"our-{kind}", kind=kind)


def without_number(rendering: Rendering) -> list[str]:
    count = len(rendering.parts)
    if count == 1:
        return [rendering.parts[0].text]
    return [p.text.removesuffix(f" ({n}/{count})") for n, p in enumerate(rendering.parts, 1)]


def graphemes(text: str) -> Counter[str]:
    return Counter(g for g in regex.findall(r"\X", text) if not g.isspace())


@pytest.mark.parametrize("kind", sorted(LIMITS))
@given(text=TEXTS)
@settings(max_examples=60, deadline=None)
@example(text=BODY)
@example(text="x" * 299 + "👨‍👩‍👧‍👦" * 20)
@example(text="a. " * 400)
def test_parts_fit_and_nothing_is_lost_or_broken(kind: str, text: str) -> None:
    try:
        rendering = render(headline="", body=text, target=target(kind))
    except DoesNotFit:
        return
    for part in rendering.parts:
        assert LIMITS[kind].fits(part.text)
        assert part.length == measure(LIMITS[kind].unit, part.text) <= part.limit
    parts = without_number(rendering)
    assert sum((graphemes(p) for p in parts), Counter()) == graphemes(text)


@pytest.mark.parametrize("kind", THREADING)
def test_a_long_text_becomes_a_thread_of_whole_sentences(kind: str) -> None:
    rendering = render(headline=HEADLINE, body=BODY, target=target(kind))
    assert len(rendering.parts) > 1
    told = [s.text for part in without_number(rendering) for s in sentences(part)]
    assert sorted(told) == sorted([HEADLINE, *(s.text for s in sentences(BODY))])


@pytest.mark.parametrize("kind", THREADING)
def test_the_first_part_carries_key_message_action_and_next_update(kind: str) -> None:
    first = without_number(render(headline=HEADLINE, body=BODY, target=target(kind)))[0]
    assert first.startswith(HEADLINE)
    assert says(ACTION, first)
    assert says(NEXT_UPDATE, first)
    assert "11:30 UTC" in first


@pytest.mark.parametrize("kind", THREADING)
def test_without_room_for_all_three_the_next_update_goes_before_the_action(kind: str) -> None:
    action = "We are " + "really " * (LIMITS[kind].length // 8) + "working on it. "
    first = without_number(
        render(
            headline=HEADLINE, body=f"{action}{'More words here. ' * 40}Next update by 11:30 UTC.", target=target(kind)
        )
    )[0]
    assert "11:30 UTC" in first


FILLERS = st.sampled_from(
    [
        "We know how hard this is for families with small children.",
        "اعتذارنا لجميع المسافرين في المطار.",
        "ขออภัยในความไม่สะดวก",
        "本日、障害が発生しました。",
        "Our crews 👩🏽‍🚒👨‍👩‍👧‍👦 are at every gate 🏳️‍🌈.",
        "Ask @care@social.example or see #AcmeUpdates for more.",
        "Read https://acme.example/news/2026?from=post&lang=en first.",
        "Passengers at Leeds and Faro are waiting longest, and we see that.",
    ]
)


@pytest.mark.parametrize("kind", THREADING)
@given(before=st.lists(FILLERS, max_size=8), between=st.lists(FILLERS, max_size=8), after=st.lists(FILLERS, max_size=8))
@settings(max_examples=12, deadline=None)
def test_wherever_they_stand_key_message_action_and_next_update_open_the_thread(
    kind: str, before: list[str], between: list[str], after: list[str]
) -> None:
    action, update = "We are rebooking everybody now.", "Next update by 11:30 UTC."
    body = " ".join([*before, action, *between, update, *after])
    parts = without_number(render(headline=HEADLINE, body=body, target=target(kind)))
    assert parts[0].startswith(HEADLINE)
    assert says(ACTION, parts[0])
    assert update in parts[0]


TOKENS = (
    "https://acme.example/a?b=1&c=%C3%A9#top",
    "care@acme.example",
    "@ana@social.example",
    "@acme",
    "#AcmeUpdates",
    "👨‍👩‍👧‍👦",
    "👩🏽‍🚒",
    "🏳️‍🌈",
    "🇩🇪",
    "نعتذر",
    "עמכם",
    "क्षमा",
)


WORDS = st.one_of(
    st.sampled_from((*TOKENS, "We are sorry.", "word")),
    st.builds(lambda before, token: "障害" * before + token, st.integers(0, 90), st.sampled_from(TOKENS[2:])),
    # without spaces and longer than a part, so that one must end somewhere inside
    st.builds(lambda token, times: token * times, st.sampled_from(TOKENS[5:9]), st.integers(150, 400)),
)


@pytest.mark.parametrize("kind", sorted(LIMITS))
@given(words=st.lists(WORDS, min_size=1, max_size=8))
@settings(max_examples=12, deadline=None)
def test_links_mentions_emoji_and_right_to_left_words_arrive_whole_on_every_channel(
    kind: str, words: list[str]
) -> None:
    text = " ".join(words)
    try:
        parts = without_number(render(headline="", body=text, target=target(kind)))
    except DoesNotFit:
        return
    for token in TOKENS:
        assert sum(part.count(token) for part in parts) == text.count(token)


@pytest.mark.parametrize("kind", THREADING)
def test_sentences_keep_their_order_except_those_put_first(kind: str) -> None:
    body = " ".join(f"Sentence number {n} stands here." for n in range(60))
    parts = without_number(render(headline="", body=body, target=target(kind)))
    assert " ".join(parts) == body


def test_parts_are_numbered_so_that_nobody_takes_the_first_for_all() -> None:
    parts = render(headline=HEADLINE, body=BODY, target=target("x")).parts
    assert [re.search(r"\((\d)/(\d)\)$", p.text).groups() for p in parts] == [  # type: ignore[union-attr]
        (str(n), str(len(parts))) for n in range(1, len(parts) + 1)
    ]


def test_ten_and_more_parts_still_fit_with_their_longer_numbers() -> None:
    rendering = render(headline="", body="word " * 640, target=target("x"))
    assert len(rendering.parts) > 9
    assert all(LIMITS["x"].fits(p.text) for p in rendering.parts)


def test_a_short_text_is_one_part_as_written() -> None:
    rendering = render(headline="Sorry", body="We fixed it.", target=target("x"))
    assert [p.text for p in rendering.parts] == ["Sorry\n\nWe fixed it."]


@pytest.mark.parametrize("kind", THREADING)
def test_a_link_is_never_cut(kind: str) -> None:
    link = "https://example.com/" + "a" * 120
    parts = without_number(render(headline="", body=("word " * 45 + link + " ") * 3, target=target(kind)))
    assert "".join(parts).count(link) == 3


def test_a_link_that_no_part_can_hold_is_an_error_that_names_it() -> None:
    with pytest.raises(DoesNotFit, match=r"https://example\.com/aaa.* cannot be cut"):
        render(headline="", body="See https://example.com/" + "a" * 400, target=target("bluesky"))


def test_abbreviations_do_not_end_a_sentence() -> None:
    text = "Dr. Silva met Mr. J. Doe at 9 a.m. in the U.S. office. It helped."
    assert [s.text for s in sentences(text)] == [text[: text.index(" It")], "It helped."]


def test_chinese_and_japanese_are_cut_after_their_own_full_stops() -> None:
    text = "本日午前九時より障害が発生しております。" * 20
    parts = without_number(render(headline="", body=text, target=target("x")))
    assert len(parts) > 1
    assert "".join(parts) == text
    assert all(part.endswith("。") for part in parts)


def test_right_to_left_text_is_cut_between_sentences() -> None:
    text = "نحن نعلم أن النظام متوقف. هل يمكنكم الانتظار؟ " * 20
    parts = without_number(render(headline="", body=text, target=target("bluesky")))
    assert " ".join(parts) == text.strip()
    assert all(part.endswith((".", "؟")) for part in parts)


def test_a_platform_without_threads_says_by_how_much_a_text_is_too_long() -> None:
    with pytest.raises(DoesNotFit, match=r"25000 characters .*has 25010: shorten it by 10"):
        render(headline="Title", body="x" * 25_010, target=target("statuspage"))


def test_a_thread_that_nobody_reads_is_refused() -> None:
    with pytest.raises(DoesNotFit, match=f"more than a thread of {MAX_PARTS}"):
        render(headline="", body="word " * 3000, target=target("x"))


@pytest.mark.parametrize("kind", sorted(LIMITS))
def test_an_empty_text_is_refused(kind: str) -> None:
    with pytest.raises(DoesNotFit, match="no text"):
        render(headline=" ", body=" \n ", target=target(kind))


def test_x_refuses_the_characters_that_x_refuses() -> None:
    with pytest.raises(DoesNotFit, match="U\\+FFFE"):
        render(headline="", body="hello\ufffe", target=target("x"))


def test_a_status_page_shows_the_headline_as_its_title() -> None:
    rendering = render(headline=HEADLINE, body=BODY, target=target("statuspage"))
    assert (rendering.subject, rendering.text) == (HEADLINE, BODY)


def test_a_title_that_is_too_long_is_refused_not_cut() -> None:
    with pytest.raises(DoesNotFit, match="headline has 300 characters of 255"):
        render(headline="x" * 300, body="text", target=target("statuspage"))


def test_without_a_headline_the_first_sentence_is_the_title_and_stays_in_the_text() -> None:
    rendering = render(headline="", body="We are sorry. " + "We are on it. " * 3, target=target("smtp"))
    assert rendering.subject == "We are sorry."
    assert rendering.text.startswith("We are sorry.")


def test_a_subject_is_one_line() -> None:
    rendering = render(headline="a\r\nBcc: all@example.com", body="text", target=target("smtp"))
    assert "\n" not in rendering.subject
    assert "\r" not in rendering.subject


def test_mail_has_a_plain_text_and_an_escaped_html_side_with_links() -> None:
    body = 'Prices < 5 & "more".\nSee https://example.com/?a=1&b=2. Write to care@example.com\n\nSecond.'
    rendering = render(headline="<script>alert(1)</script>", body=body, target=target("smtp"), language="en")
    assert rendering.text == body
    assert "<script>" not in rendering.html
    assert "Prices &lt; 5 &amp; &quot;more&quot;." in rendering.html
    assert '<a href="https://example.com/?a=1&amp;b=2">https://example.com/?a=1&amp;b=2</a>.' in rendering.html
    assert '<a href="mailto:care@example.com">care@example.com</a>' in rendering.html
    assert rendering.html.count("<p ") == 2


def test_only_mail_has_html() -> None:
    for kind, limits in LIMITS.items():
        media = (picture(),) if limits.pictures and limits.pictures.needed else ()
        assert limits.html or not render(headline="a", body="b", target=target(kind), media=media).html


@given(st.text(alphabet=st.characters(blacklist_categories=("Cs",)), max_size=200))
@settings(max_examples=100, deadline=None)
def test_no_text_can_add_markup_to_a_mail(text: str) -> None:
    tags = set(re.findall(r"<\s*/?\s*(\w+)", mail_html(text, text, "en")))
    assert tags <= {"html", "head", "meta", "title", "body", "h1", "p", "a", "br"}


def test_a_server_with_its_own_limit_is_obeyed() -> None:
    wide = LIMITS["mastodon"].model_copy(update={"length": 5000})
    rendering = render(headline=HEADLINE, body=BODY, target=target("mastodon"), limits=wide)
    assert [p.limit for p in rendering.parts] == [5000]


def test_a_first_line_is_a_headline_only_if_a_blank_line_follows() -> None:
    assert headline_and_text("Title\n\nText.\n") == ("Title", "Text.")
    assert headline_and_text("One line.\nAnother.") == ("", "One line.\nAnother.")
    assert headline_and_text("Only one") == ("", "Only one")


def test_an_announcing_line_is_never_cut_from_its_list() -> None:
    body = (
        "We know that our machines fail for many of you, and we are sorry for the trouble it brings to your mornings. "
        "We are with you until it is over, and we read every single report that reaches us.\n\n"
        "What we do not know yet:\n- what caused it\n- which machines are concerned\n\n"
        "What we are doing:\n- Our engineers are investigating.\n\nOur next update comes by 15:00 UTC."
    )
    shown = render(headline="", body=body, target=Target(channel="b", kind="bluesky"))
    assert len(shown.parts) > 1
    for part in shown.parts:
        assert not re.search(r":( \(\d/\d\))?$", part.text)
        assert not part.text.startswith("- ")
    assert "What we are doing:\n- Our engineers are investigating." in shown.text

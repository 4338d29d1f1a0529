"""All watches at once: the automaton answers as each query by itself would, and turns nothing away that matches."""

import json
from datetime import UTC, datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from crisis.matching import Matcher
from crisis.query import Query, QueryError, parse
from crisis.watch import Mention

TERMS = [
    "acme",
    "acme*",
    "*phone",
    "#acmefails",
    "@acme",
    '"us airways"',
    "☕",
    "👩\u200d💻",
    "コーヒー",
    "спутник",
    "рот",
]
TERMS += ["pot", "strasse", "fails", "a", "//", '": )"', "youtube", "아크메", '"acme fails"', "café"]
FIELDS = ["lang:en", "lang:en-us", "lang:*", "source:bluesky", "author:ada", "author:ada*", "author:*", "author:*ce"]
LEAVES = st.sampled_from(TERMS + FIELDS)
QUERIES = st.recursive(
    LEAVES,
    lambda part: st.one_of(
        st.tuples(part, part).map(lambda p: f"({p[0]} OR {p[1]})"),
        st.tuples(part, part).map(lambda p: f"({p[0]} {p[1]})"),
        st.tuples(part, LEAVES).map(lambda p: f"({p[0]} -{p[1]})"),
        st.tuples(st.sampled_from(TERMS), st.sampled_from(TERMS)).map(lambda p: f"{p[0]} near/2 {p[1]}"),
    ),
    max_leaves=5,
)
WORDS = [
    "acme",
    "Аcme",
    "АСМЕ",
    "#AcmeFails",
    "#ACMEfails",
    "#YouTubeDown",
    "#АСМЕFails",
    "@acme",
    "US Airways",
    "☕",
    "👩🏽\u200d💻",
]
WORDS += [
    "コーヒー",
    "Спутник",
    "cпутник",
    "рот",
    "pot",
    "headphone",
    "Straße",
    "a\u200bc\u200bme",
    "//",
    ": )",
    "fails",
]
WORDS += ["아크메가", "\x1f", "\x1e", "\u0130", "CAFE\u0301", "#Acme_\x1fFails", "\u202e", "#\u0430cme", "™", '"', "\\"]
TEXTS = st.one_of(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), st.text(max_size=60))
AUTHORS = st.sampled_from(["", "ada", "@Ada.Lovelace", "Grace", "ádá"])


def mention(text: str, author: str = "", language: str = "", source: str = "recorded") -> Mention:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    return Mention(id="1", text=text, created_at=moment, author=author, language=language, source=source)


def understood(texts: list[str]) -> dict[str, Query]:
    queries = {}
    for text in texts:
        try:
            queries[text] = parse(text)
        except QueryError:
            continue
    return queries


@given(
    st.lists(st.one_of(QUERIES, st.text(max_size=20)), max_size=8), TEXTS, AUTHORS,
    st.sampled_from(["", "en", "en-US", "EN", "de"]), st.sampled_from(["recorded", "bluesky"]),
)  # fmt: skip
@settings(max_examples=400, deadline=None)
@example(["acme"], "#\u0410\u0421\u041c\u0415Fails", "", "", "recorded")
def test_the_automaton_answers_as_each_query_by_itself(
    queries: list[str], text: str, author: str, language: str, source: str
) -> None:
    post = mention(text, author, language, source)
    known = understood(queries)
    assert Matcher(known).matches(post) == [name for name, query in known.items() if query.matches(post)]


@given(
    st.lists(QUERIES, max_size=6), st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), AUTHORS, st.booleans(),
    st.sampled_from(["", "text", "body"]),
)  # fmt: skip
@settings(max_examples=400, deadline=None)
@example(["//"], "//", "", True, "text")
def test_no_undecoded_line_is_turned_away_that_matches(
    queries: list[str], text: str, author: str, escaped: bool, key: str
) -> None:
    matcher = Matcher(understood(queries), text_key=key)
    line = json.dumps({"did": author, "text": text}, ensure_ascii=escaped).replace("/", "\\/").encode()
    assert matcher.may_match(line) or not matcher.matches(mention(text, author))


def test_lines_that_cannot_match_are_turned_away_undecoded() -> None:
    matcher = Matcher({"acme": parse("acme (broken OR late)"), "ada": parse("author:ada")})
    assert not matcher.may_match(b'{"did":"grace","text":"globex is late"}')
    assert matcher.may_match(b'{"did":"grace","text":"ACME is late"}')
    assert matcher.may_match(b'{"did":"Ada","text":"globex"}')
    assert not Matcher({}).may_match(b"{}")
    named = {"acme": parse("acme")}
    line = b'{"did":"acme","text":"globex"}'
    assert Matcher(named).may_match(line)
    assert not Matcher(named, text_key="text").may_match(line)


def test_a_needed_word_that_is_rare_is_looked_for_before_a_common_field() -> None:
    assert {need.what for need in parse("lang:en acme (a OR b)").needs} == {"acme"}
    assert {need.what for need in parse("lang:en (acme OR author:ada)").needs} == {"acme", "ada"}
    assert not parse("lang:* -acme").needs

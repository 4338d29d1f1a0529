"""Signing, checking and reading posts, without a network."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisis.signature import Unsigned, sign, verify
from desk import webhook
from desk.webhook import Unreadable, read_posts

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECRET, SENT = "s3cret", 1_772_366_400


def post(**other: object) -> dict[str, object]:
    return {"id": "1", "text": "hello", "created_at": "2026-03-01T11:59:00Z", **other}


def says(**other: object) -> str:
    """Why one post is rejected."""
    found = read_posts(json.dumps(post(**other)).encode(), now=NOW)
    assert found.mentions == ()
    return found.rejected[0].says


def test_a_signature_fits_the_body_it_was_made_for() -> None:
    verify(sign(b"body", SECRET, SENT), b"body", SECRET, SENT)


def test_the_signature_is_the_documented_one() -> None:
    """Computed once with: printf '1772366400.{}' | openssl dgst -sha256 -hmac s3cret."""
    expected = "8c4c72f19ce4284eb286f29128e842337529452bbf9e8e70b482f4d03c55cba2"
    assert sign(b"{}", SECRET, SENT) == f"t={SENT},v1={expected}"


@pytest.mark.parametrize("late", [-301, 301, 10_000_000])
def test_a_signature_outside_five_minutes_is_refused(late: int) -> None:
    with pytest.raises(Unsigned, match="five minutes"):
        verify(sign(b"body", SECRET, SENT), b"body", SECRET, SENT + late)


@pytest.mark.parametrize("late", [-299, 0, 299])
def test_a_signature_within_five_minutes_is_good(late: int) -> None:
    verify(sign(b"body", SECRET, SENT), b"body", SECRET, SENT + late)


def test_another_body_secret_or_time_does_not_fit() -> None:
    header = sign(b"body", SECRET, SENT)
    for body, secret, signed in [
        (b"bodY", SECRET, header),
        (b"body", "other", header),
        (b"body", SECRET, header.replace(str(SENT), str(SENT + 1))),
    ]:
        with pytest.raises(Unsigned, match="does not fit"):
            verify(signed, body, secret, SENT)


def test_one_of_several_signatures_is_enough_while_a_secret_changes() -> None:
    old, new = sign(b"body", "old", SENT), sign(b"body", SECRET, SENT)
    verify(f"{old},{new.partition(',')[2]}", b"body", SECRET, SENT)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1",
        "v1=00",
        "t=,v1=",
        "t=-5,v1=00",
        "t=1e9,v1=00",
        "t=²,v1=00",
        "garbage",
        ",,,,,,,,,",
        "t=1,v0=" + "0" * 64,
    ],
)
def test_a_header_that_cannot_be_read_is_unsigned(header: str) -> None:
    with pytest.raises(Unsigned):
        verify(header, b"body", SECRET, SENT)


@given(st.text(max_size=200), st.binary(max_size=50))
def test_no_header_gets_through_by_accident_or_breaks_anything(header: str, body: bytes) -> None:
    with pytest.raises(Unsigned):
        verify(header, body, SECRET, SENT)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_in_one_sentence(body: bytes) -> None:
    try:
        says = "" if read_posts(body, now=NOW).mentions == () else "took it"
    except Unreadable as unreadable:
        says = str(unreadable).partition("\n")[1]
    assert says == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*post(), "author", "reposts", "url", "extra"]), json_values))
def test_any_object_is_a_post_or_is_rejected_with_a_reason(value: dict[str, object]) -> None:
    found = read_posts(json.dumps(value).encode("utf-8", "surrogatepass"), now=NOW) if _encodable(value) else None
    assert found is None or len(found.mentions) + len(found.rejected) == 1
    assert found is None or all(r.says for r in found.rejected)


def _encodable(value: object) -> bool:
    return "\\ud" not in json.dumps(value)


def test_one_post_a_list_and_lines_are_all_read() -> None:
    one, two = post(), post(id="2")
    bodies = [json.dumps([one, two]), f"{json.dumps(one)}\n{json.dumps(two)}\n", f"\ufeff{json.dumps([one, two])}"]
    for body in bodies:
        assert [m.id for m in read_posts(body.encode(), now=NOW).mentions] == ["1", "2"]
    assert read_posts(json.dumps(one).encode(), now=NOW).mentions[0].source == "webhook"


def test_a_bad_line_among_good_ones_is_rejected_by_its_index() -> None:
    body = f"{json.dumps(post())}\n{{broken\n\n{json.dumps(post(id='3'))}".encode()
    found = read_posts(body, now=NOW)
    assert [m.id for m in found.mentions] == ["1", "3"]
    assert [(r.index, r.says) for r in found.rejected] == [(1, "this line is not JSON")]


def test_lines_that_begin_badly_are_read_as_lines_when_declared_so() -> None:
    body = f"{{broken\n{json.dumps(post())}".encode()
    with pytest.raises(Unreadable):
        read_posts(body, now=NOW)
    assert len(read_posts(body, now=NOW, lines=True).mentions) == 1


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"\xff\xfe{}", "byte 0"),
        (b'{"id": "\xc3("}', "UTF-8"),
        (b"{", "not JSON"),
        (b'{"id": 1,}', "not JSON"),
        (b"12", "must be a post"),
        (b'"text"', "must be a post"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"reposts": ' + b"9" * 10_000 + b"}", "endless number"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_in_one_sentence(body: bytes, says: str) -> None:
    with pytest.raises(Unreadable, match=says):
        read_posts(body, now=NOW)


def test_too_many_posts_are_refused_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "MAX_POSTS", 2)
    with pytest.raises(Unreadable, match="at most 2"):
        read_posts(json.dumps([post()] * 3).encode(), now=NOW)


def test_what_is_missing_or_mistyped_is_named() -> None:
    assert says(text="") == "text is missing"
    assert says(id=None) == "id is missing"
    assert "unknown field 'reports'" in says(reports=3)
    assert says(reposts="many").startswith("reposts:")
    assert says(reposts=-1).startswith("reposts:")
    assert says(author=["a"]).startswith("author:")
    assert read_posts(b"[[]]", now=NOW).rejected[0].says == "a post must be a JSON object"


def test_dates_that_cannot_be_are_rejected() -> None:
    assert "future" in says(created_at="2026-03-02T12:00:00Z")
    assert "before 1990" in says(created_at="1969-01-01T00:00:00Z")
    assert "offset" in says(created_at="2026-03-01T11:00:00")
    for value in (
        "-0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "soon",
        10**30,
        -(10**30),
    ):
        assert "created_at" in says(created_at=value)


def test_a_clock_a_little_ahead_is_forgiven() -> None:
    soon = (NOW + timedelta(minutes=9)).isoformat()
    assert read_posts(json.dumps(post(created_at=soon)).encode(), now=NOW).mentions


def test_a_text_of_a_megabyte_is_rejected_and_the_others_count() -> None:
    body = json.dumps([post(text="x" * 1_000_000), post(id="2", text="x" * 100_000)]).encode()
    found = read_posts(body, now=NOW)
    assert [m.id for m in found.mentions] == ["2"]
    assert found.rejected[0].says == "text is longer than 100,000 characters"


def test_characters_no_database_holds_are_marked_and_the_post_is_kept() -> None:
    found = read_posts(json.dumps(post(text="a\0b\ud800c", author="\udc00")).encode(), now=NOW)
    assert (found.mentions[0].text, found.mentions[0].author) == ("a�b�c", "�")


def test_a_number_is_good_for_an_id() -> None:
    assert read_posts(json.dumps(post(id=42)).encode(), now=NOW).mentions[0].id == "42"
    assert says(id=True).startswith("id:")

"""Canonical JSON is that of RFC 8785, whichever way it is written."""

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis.canonical import canonical

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
numbers = st.one_of(
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([-0.0, 1e21]),
)
plain = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=8,
)


@given(plain)
@settings(max_examples=300)
def test_every_value_is_written_as_the_standard_says(value: object) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (1.0, b"1"),
        (1e-5, b"0.00001"),
        (1e-7, b"1e-7"),
        (1e20, b"100000000000000000000"),
        (-0.0, b"0"),
        ([0.1, -2.5, 10.01, 3.0], b"[0.1,-2.5,10.01,3]"),
        ({"\U0001f600": 1, "\ufb33": 2}, '{"\U0001f600":1,"\ufb33":2}'.encode()),
        (
            {"post": "1.0 of \U0001f600, 1e5\x7f\x1f\u2028"},
            '{"post":"1.0 of \U0001f600, 1e5\x7f\\u001f\u2028"}'.encode(),
        ),
    ],
)
def test_what_python_writes_otherwise_is_written_as_the_standard_says(value: object, written: bytes) -> None:
    assert canonical(value) == written == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [2**53, -(2**60), float("nan"), float("inf"), "\ud800", {"\udfff": 1}, object()])
def test_what_the_standard_cannot_write_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical(value)

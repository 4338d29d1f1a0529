"""Times as people type them: in UTC unless they say otherwise, and never a traceback."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisis.typed_in import moment_of


@pytest.mark.parametrize(
    ("text", "is_it"),
    [
        (" 2026-03-01 14:30 ", datetime(2026, 3, 1, 14, 30, tzinfo=UTC)),
        ("2026-03-01T14:30+02:00", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("tomorrow", None),
        ("", None),
        ("0001-01-01T00:00+14:00", None),
        ("9999-12-31T23:59-14:00", None),
    ],
)
def test_a_time_is_read_as_it_was_meant(text: str, is_it: datetime | None) -> None:
    assert moment_of(text) == is_it


def test_a_text_without_a_zone_is_not_taken_where_the_zone_matters() -> None:
    assert moment_of("2026-03-01T14:30", zone=None) is None
    assert moment_of("2026-03-01T14:30Z", zone=None) == datetime(2026, 3, 1, 14, 30, tzinfo=UTC)


@given(st.text(max_size=40) | st.datetimes(timezones=st.timezones()).map(str))
def test_nothing_that_is_typed_breaks_it(text: str) -> None:
    found = moment_of(text)
    assert found is None or found.tzinfo is UTC

"""What is not heard is said in a line, the worst first, and nothing is said while all is well."""

from datetime import UTC, datetime, timedelta

from crisis.coverage import Coverage, SourceHealth, SourceState, coverage_line, lacking

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def coverage(source: str, state: SourceState, says: str = "", minutes: int = 0) -> Coverage:
    health = SourceHealth(state=state, since=NOON + timedelta(minutes=minutes), says=says)
    return Coverage(watch="acme", source=source, health=health)


def test_nothing_is_said_while_every_source_is_heard() -> None:
    assert coverage_line([coverage("bluesky", SourceState.OK), coverage("reddit", SourceState.OK)]) == ""
    assert coverage_line([]) == ""


def test_the_source_that_is_down_leads_and_says_since_when_and_why() -> None:
    found = [
        coverage("mastodon", SourceState.DEGRADED, "posts arrive 12 minutes late"),
        coverage("bluesky", SourceState.OK),
        coverage("reddit", SourceState.DOWN, "Reddit answered 503: nothing", minutes=3),
    ]
    assert [c.source for c in lacking(found)] == ["reddit", "mastodon"]
    assert coverage_line(found) == (
        "coverage degraded: reddit silent since 01 Mar 12:03 UTC: Reddit answered 503: nothing; "
        "mastodon degraded since 01 Mar 12:00 UTC: posts arrive 12 minutes late"
    )

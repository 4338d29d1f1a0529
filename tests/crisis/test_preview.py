"""A preview of a query: what it would have matched in recorded posts, and when it would have raised the alarm."""

from datetime import UTC, datetime, timedelta

from config.scenarios import FIRESTORM
from crisis.preview import SAMPLE, alarms, matched
from crisis.query import parse
from crisis.watch import Mention, Watch
from integrations.recorded import read_posts

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def posts(count: int) -> list[Mention]:
    return [
        Mention(
            id=str(n), text=f"acme {n}" if n % 2 else "rain", author=f"a{n}", created_at=BEGIN + timedelta(minutes=n)
        )
        for n in range(count)
    ]


def test_it_counts_what_matches_and_shows_some_from_the_first_to_the_last() -> None:
    found = matched(parse("acme"), posts(1000))
    assert (len(found.posts), found.looked_at, found.share) == (500, 1000, 0.5)
    assert len(found.sample) == SAMPLE
    assert (found.sample[0].text, found.sample[-1].text) == ("acme 1", "acme 999")


def test_it_stops_when_told_and_says_how_far_it_got() -> None:
    asked = iter([False, False, True])
    found = matched(parse("acme"), posts(2000), stop=lambda: next(asked))
    assert (found.looked_at, found.of) == (1000, 2000)
    known = alarms(found.posts, Watch(name="w", brand="Acme", query="acme"), begin=BEGIN, stop=lambda: True)
    assert known.until is not None
    assert known.until < found.posts[-1].created_at


def test_the_firestorm_raises_one_alarm_shortly_after_it_strikes() -> None:
    end = datetime(2026, 3, 3, 13, 12, tzinfo=UTC)
    storm = [post for post in read_posts(FIRESTORM).posts if post.created_at < end]
    found = matched(parse("brewline"), storm)
    known = alarms(found.posts, Watch(name="w", brand="Brewline", query="brewline"), begin=storm[0].created_at)
    assert [alarm.at.day for alarm in known.opened][:1] == [3]
    assert known.until is None
    assert all(alarm.says for alarm in known.opened)


def test_nothing_matched_is_nothing_alarmed() -> None:
    assert alarms((), Watch(name="w", brand="Acme", query="acme")).opened == ()

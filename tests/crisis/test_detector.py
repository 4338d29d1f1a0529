"""Detection: one surge of hostility is one episode, and everything else is none."""

import json
import random
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storms import BEGIN, HOSTILE, WATCH, calm, episodes, posts, reader, run

from crisis.detector import Detector
from crisis.watch import Mention, Watch

STRIKES = BEGIN + timedelta(days=3, hours=13)


def storm(times: float, hostile: float, *, hours: float = 3, per_hour: float = 20, seed: int = 2) -> list[Mention]:
    return posts(random.Random(seed), STRIKES, hours, per_hour * (times - 1), hostile)


def test_calm_days_open_nothing() -> None:
    for seed in (1, 2, 3):
        assert episodes(calm(6, seed=seed)) == []


def test_a_tenfold_outrage_opens_one_episode_within_a_quarter_of_an_hour() -> None:
    found = episodes(calm(4) + storm(10, 0.8))
    assert len(found) == 1
    assert timedelta(0) < found[0].at - STRIKES < timedelta(minutes=15)
    assert abs(found[0].started_at - STRIKES) < timedelta(minutes=10)
    assert found[0].alert == "outrage"
    assert found[0].authors > 3 * found[0].usual_authors
    assert not found[0].cold


def test_a_threefold_outrage_is_found_within_three_hours() -> None:
    found = episodes(calm(5) + storm(3, 0.7, hours=4))
    assert len(found) == 1
    assert found[0].at - STRIKES < timedelta(hours=3)


def test_praise_of_any_size_is_attention_and_no_episode() -> None:
    mentions = calm(4) + storm(15, 0.02)
    assert episodes(mentions) == []
    assert any(signal.alert == "attention" for signal, _ in run(mentions))


def test_a_brigade_of_one_text_is_counted_as_copies_and_opens_nothing() -> None:
    text = f"{HOSTILE} acme burns down homes, share this before they delete it"
    brigade = [
        post.model_copy(update={"text": text, "author": f"troll-{n % 60}"}) for n, post in enumerate(storm(12, 1.0))
    ]
    mentions = calm(4) + brigade
    assert episodes(mentions) == []
    shown = max((signal for signal, _ in run(mentions)), key=lambda signal: signal.copies)
    assert shown.copies > 50
    assert shown.copying_authors > 30
    assert shown.authors < 20


def test_one_loud_author_is_one_voice() -> None:
    mentions = calm(4) + [post.model_copy(update={"author": "loud"}) for post in storm(10, 0.9)]
    assert episodes(mentions) == []


def test_texts_that_cannot_be_read_are_left_out_of_the_share_and_shown() -> None:
    unread = [post.model_copy(update={"text": "unread " + post.text}) for post in storm(5, 1.0)]
    signals = [signal for signal, _ in run(calm(4) + unread)]
    worst = max(signals, key=lambda signal: signal.unread)
    assert worst.unread > 10
    assert worst.negative_share < 0.6


def test_the_first_day_says_that_it_is_cold_and_a_busy_morning_is_no_storm() -> None:
    mentions = posts(random.Random(3), BEGIN, 6, 2, 0.7) + posts(
        random.Random(4), BEGIN + timedelta(hours=6), 6, 40, 0.7
    )
    signals = list(run(mentions))
    assert all(signal.cold for signal, _ in signals)
    assert not any(alerting for _, alerting in signals)


def test_an_unmistakable_burst_alerts_even_on_the_first_day() -> None:
    mentions = posts(random.Random(5), BEGIN, 8, 20, 0.2)
    burst = posts(random.Random(6), BEGIN + timedelta(hours=8), 1, 1500, 0.8)
    found = episodes(mentions + burst)
    assert len(found) == 1
    assert found[0].cold


def test_an_episode_closes_when_things_have_been_usual_for_long_enough() -> None:
    states = [alerting for _, alerting in run(calm(5) + storm(10, 0.8, hours=2))]
    assert states.count(True) > 0
    assert not states[-1]
    assert sum(before != after for before, after in pairwise(states)) == 2


def test_what_comes_later_changes_nothing_that_was_said_before() -> None:
    mentions = sorted(calm(4) + storm(8, 0.7), key=lambda m: m.created_at)
    whole = list(run(mentions))
    for share in (0.5, 0.8, 0.95):
        part = list(run(mentions[: int(len(mentions) * share)]))
        assert part[:-1] == whole[: len(part) - 1]


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 1000), st.floats(0.05, 0.95), st.integers(0, 3))
def test_a_detector_continues_exactly_where_it_was_stored(seed: int, where: float, unticked: int) -> None:
    mentions = sorted(calm(1.6, seed=seed) + posts(random.Random(seed), BEGIN + timedelta(hours=30), 2, 150, 0.8),
                      key=lambda m: m.created_at)  # fmt: skip
    cut = int(len(mentions) * where)
    straight, stored = Detector(WATCH, reader), Detector(WATCH, reader)
    for index, mention in enumerate(mentions):
        if index == cut:
            stored = Detector.load(WATCH, stored.dump(), reader)
        straight.feed(mention)
        stored.feed(mention)
        if index % (unticked + 1) == 0:
            assert straight.tick(mention.created_at) == stored.tick(mention.created_at)
    assert straight.dump() == stored.dump()


@pytest.mark.parametrize("state", ["", "[]", "{}", '{"windows": 3}', "null"])
def test_a_state_that_is_none_is_refused_with_a_reason(state: str) -> None:
    with pytest.raises(ValueError, match="not a detector's state"):
        Detector.load(WATCH, state)


def before_two_hours(state: dict[str, Any]) -> dict[str, Any]:
    """The state as version 2 would have stored it, which knew no span of two hours."""
    samples = [[s[0], *([*of[:3], *of[4:]] for of in s[1:4]), *s[4:]] for s in state["baseline"]]
    return {**state, "version": 2, "baseline": samples}


def before_shares(state: dict[str, Any]) -> dict[str, Any]:
    """The state as version 1 would have stored it, which did not hold the share against its own past."""
    state = before_two_hours(state)
    samples = [[s[0], s[1], s[2], s[8], s[5], s[6], s[7]] for s in state["baseline"]]
    late, quarter, first, at = state["rest"]
    rest = [late, quarter, first, *state.pop("episode"), at]
    return {**state, "version": 1, "baseline": samples, "rest": rest}


@pytest.mark.parametrize("stored", [before_two_hours, before_shares])
def test_a_state_stored_by_an_earlier_version_keeps_its_past(
    stored: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    detector = Detector(WATCH, reader)
    for mention in calm(1.5):
        detector.feed(mention)
        detector.tick(mention.created_at)
    state = json.dumps(stored(json.loads(detector.dump())))
    later = BEGIN + timedelta(days=1.6)
    old, now = Detector.load(WATCH, state, reader).tick(later), detector.tick(later)
    assert old.usual_authors == now.usual_authors > 0
    assert old.usual_negative_share == now.usual_negative_share
    assert not old.cold


def test_the_past_of_two_hours_is_made_of_the_quarters_of_an_earlier_version() -> None:
    detector = Detector(WATCH, reader)
    for mention in calm(1.2):
        detector.feed(mention)
        detector.tick(mention.created_at)
    state = json.loads(detector.dump())
    widened = json.loads(Detector.load(WATCH, json.dumps(before_two_hours(state)), reader).dump())
    assert [s[1] for s in widened["baseline"]] == [pytest.approx(s[1]) for s in state["baseline"]]


def test_posts_from_the_future_and_long_past_move_no_clock() -> None:
    detector = Detector(WATCH, reader)
    now = BEGIN + timedelta(hours=5)
    for mention in calm(0.2):
        detector.feed(mention)
        detector.tick(mention.created_at)
    detector.tick(now)
    for moment in (now + timedelta(days=400), now - timedelta(days=400), now - timedelta(minutes=30)):
        detector.feed(Mention(id=str(moment), text=f"{HOSTILE} {moment}", author=str(moment), created_at=moment))
    signal = detector.tick(now + timedelta(minutes=1))
    assert signal.at == now + timedelta(minutes=1)
    assert detector.late == 1
    assert detector.tick(now) == signal
    before = signal.mentions
    detector.feed(Mention(id="next", text="good acme", author="next", created_at=now + timedelta(minutes=2)))
    assert detector.tick(now + timedelta(minutes=2)).mentions == before + 1 >= 2


def test_years_of_silence_cost_nothing_and_break_nothing() -> None:
    detector = Detector(WATCH, reader)
    for mention in calm(1):
        detector.feed(mention)
    detector.tick(BEGIN + timedelta(days=1))
    assert detector.tick(BEGIN + timedelta(days=3000)).mentions == 0


def test_posts_in_other_languages_than_the_watch_wants_are_not_counted() -> None:
    detector = Detector(Watch(name="acme", brand="Acme", query="acme", languages="en"), reader)
    for language in ("en", "de", ""):
        detector.feed(Mention(id=language or "none", text="good acme", created_at=BEGIN, language=language))
    assert detector.tick(BEGIN).mentions == 2


def test_memory_stays_bounded_when_everybody_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crisis.windows.KEEP", 500)
    detector = Detector(WATCH, reader)
    for mention in posts(random.Random(7), BEGIN, 0.9, 6000, 0.5):
        detector.feed(mention)
    signal = detector.tick(BEGIN + timedelta(hours=0.9))
    assert len(detector.dump()) < 120_000
    assert signal.authors == pytest.approx(6000 / 4, rel=0.25)
    assert signal.negative_share == pytest.approx(0.5, abs=0.1)


def test_an_author_is_as_negative_as_their_latest_text() -> None:
    detector = Detector(WATCH, reader)
    for n, moods in enumerate((("bad", "good"), ("good", "bad"), ("bad", "good"), ("good", "good"))):
        for minute, mood in enumerate(moods):
            moment = BEGIN + timedelta(minutes=minute, seconds=1)
            detector.feed(Mention(id=f"{n}{minute}", text=f"{mood} {n} {minute}", author=str(n), created_at=moment))
    signal = detector.tick(BEGIN + timedelta(minutes=2))
    assert (signal.authors, signal.negative_share) == (4, 0.25)


def test_reposts_count_as_posts_and_a_repeated_text_once() -> None:
    detector = Detector(WATCH, reader)
    text = f"{HOSTILE} the machine from acme caught fire in our kitchen"
    for n in range(5):
        detector.feed(Mention(id=str(n), text=f"RT @ada: {text}" if n else text, author=f"a{n}", created_at=BEGIN))
    other = f"{HOSTILE} service, and the phone at acme is never answered"
    detector.feed(Mention(id="9", text=other, author="b", created_at=BEGIN, reposts=7))
    signal = detector.tick(BEGIN)
    assert (signal.mentions, signal.distinct_texts, signal.copies) == (13, 2, 11)
    assert (signal.authors, signal.copying_authors) == (2, 4)


def test_a_brigade_that_changes_a_word_each_time_is_still_one_text() -> None:
    detector = Detector(WATCH, reader)
    text = f"{HOSTILE} the machine from acme caught fire in our kitchen, never buy from these people again"
    for n, word in enumerate(("fire", "flames", "smoke", "light", "lightning")):
        detector.feed(Mention(id=str(n), text=text.replace("fire", word), author=f"a{n}", created_at=BEGIN))
    signal = detector.tick(BEGIN)
    assert (signal.distinct_texts, signal.authors, signal.copying_authors) == (1, 1, 4)


def test_long_spans_reach_until_now_and_not_only_to_the_last_quarter_of_an_hour() -> None:
    detector = Detector(WATCH, reader)

    def say(minute: float, many: int = 1) -> None:
        for number in range(many):
            moment = BEGIN + timedelta(minutes=minute, seconds=1 + number / 1000)
            name = f"{minute}-{number}"
            detector.feed(Mention(id=name, text=f"good {name}", author=name, created_at=moment))

    for minute in range(8 * 60 + 7):
        say(minute)
        detector.tick(BEGIN + timedelta(minutes=minute + 1))
    for many in (0, 50):
        say(8 * 60 + 6.5, many)
        detector.tick(BEGIN + timedelta(minutes=8 * 60 + 7))
        windows = detector._windows
        assert windows is not None
        hours = {span.length: span for span in detector._spans(windows, windows.totals())}
        assert [round(hours[length].voices) for length in (7200, 21_600)] == [120 + many, 360 + many]
        assert all(hours[length].whole for length in (7200, 21_600))

"""Detection over counts: early, quiet, causal, and honest about what it cannot know."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis.backtest import Backtest, Row, Verdict

STEP, DAY = 300, 288
BEGIN = 1_767_571_200.0


def rows(days: float, *, level: float = 30, share: float | None = 0.2, seed: int = 1, step: int = STEP) -> list[Row]:
    """Days that wax and wane, and nothing happens."""
    dice = np.random.default_rng(seed)
    count = round(days * 86_400 / step)
    at = np.arange(count) * step
    mean = level * step / STEP * np.exp(0.6 * np.cos(2 * np.pi * at / 86_400))
    wild = 15 * step / STEP
    values = dice.poisson(mean * dice.gamma(wild, 1 / wild, count))
    moods = dice.binomial(values, share) if share is not None else values
    return [
        Row(BEGIN + float(at[k]), float(values[k]), float(moods[k]) if share is not None else None)
        for k in range(count)
    ]


def struck(known: list[Row], at: int, times: float, share: float, *, level: float = 30, seed: int = 2) -> list[Row]:
    """The same rows with mentions added from row ``at`` on: a ramp of an hour, then two hours at the top."""
    dice, found = np.random.default_rng(seed), list(known)
    for row in range(at, min(len(known), at + 36)):
        more = int(dice.poisson(level * (times - 1) * min(1.0, (row - at + 0.5) / 12)))
        old = known[row]
        mood = None if old.negative is None else old.negative + int(dice.binomial(more, share))
        found[row] = Row(old.moment, old.value + more, mood)
    return found


def run(known: list[Row], step: float = STEP, alert_at: float = 0.5) -> list[Verdict]:
    series = Backtest(step, negative=known[0].negative is not None, alert_at=alert_at)
    return [series.row(row) for row in known]


def alerts(verdicts: list[Verdict]) -> list[tuple[int, str]]:
    return [(row, verdict.alert) for row, verdict in enumerate(verdicts) if verdict.alert]


def test_calm_days_alert_nobody() -> None:
    for seed in (1, 2, 3):
        assert alerts(run(rows(8, seed=seed))) == []


def test_a_tenfold_outrage_is_one_alert_within_half_an_hour() -> None:
    at = 6 * DAY + 100
    found = alerts(run(struck(rows(7), at, 10, 0.7)))
    outrages = [row for row, kind in found if kind == "outrage"]
    assert len(outrages) == 1
    assert 0 <= outrages[0] - at < 6
    assert all(row >= at for row, _ in found)


def test_a_threefold_outrage_is_found_within_three_hours() -> None:
    at = 6 * DAY + 100
    found = [row for row, kind in alerts(run(struck(rows(7), at, 3, 0.7))) if kind == "outrage"]
    assert len(found) == 1
    assert at <= found[0] < at + 36


def test_the_score_that_people_set_decides_when_an_outrage_opens() -> None:
    at = 6 * DAY + 100
    known = struck(rows(7), at, 3, 0.7)
    opened = [
        [row for row, kind in alerts(run(known, alert_at=score)) if kind == "outrage"] for score in (0.5, 0.6, 0.9)
    ]
    assert opened[0] < opened[1]
    assert opened[2] == []


def test_a_second_outrage_that_outgrows_a_first_one_not_yet_over_alerts_again() -> None:
    first, second = 6 * DAY + 60, 6 * DAY + 110
    found = alerts(run(struck(struck(rows(7), first, 2.2, 0.5), second, 12, 0.8)))
    outrages = [row for row, kind in found if kind == "outrage"]
    assert len(outrages) == 2
    assert first <= outrages[0] < second <= outrages[1] < second + 12


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_praise_and_news_are_attention_and_no_outrage(share: float) -> None:
    at = 6 * DAY + 100
    found = alerts(run(struck(rows(7), at, 12, share)))
    assert [kind for _, kind in found] == ["attention"]
    assert at <= found[0][0] < at + 18


def test_without_negative_a_surge_is_attention_and_its_score_says_so() -> None:
    at = 6 * DAY + 100
    verdicts = run(struck(rows(7, share=None), at, 10, 0.7))
    assert [kind for _, kind in alerts(verdicts)] == ["attention"]
    opened = alerts(verdicts)[0][0]
    assert at <= opened < at + 18
    assert verdicts[opened].score >= 0.5
    assert max(verdict.score for verdict in verdicts[DAY:at]) < 0.5
    assert "the usual" in verdicts[opened].says


@pytest.mark.parametrize("level", [20, 100])
def test_an_unmistakable_outrage_on_the_first_day_does_not_hide_behind_its_own_growth(level: float) -> None:
    calm = rows(1.2, level=level)
    at = round(0.6 * DAY)
    found = alerts(run(struck(calm, at, 14, 0.75, level=level)))
    assert [kind for _, kind in found] == ["outrage"]
    assert at <= found[0][0] < at + 24
    assert not [kind for _, kind in alerts(run(struck(calm, at, 14, 0.2, level=level))) if kind == "outrage"]


def test_the_first_day_says_that_it_is_cold_and_scores_low() -> None:
    verdicts = run(rows(2, share=None))
    assert all(verdict.cold for verdict in verdicts[: DAY - 1])
    assert not verdicts[-1].cold
    assert max(verdict.score for verdict in verdicts[:DAY]) < 0.5


def test_a_plateau_scores_once_and_then_counts_half() -> None:
    known = rows(7, share=None)
    at = 6 * DAY + 50
    flat = [Row(r.moment, 600.0 if k >= at else r.value) for k, r in enumerate(known)]
    verdicts = run(flat)
    assert max(verdict.score for verdict in verdicts[at : at + 4]) >= 0.5
    assert max(verdict.score for verdict in verdicts[at + 20 :]) < 0.5


def test_rows_that_are_missing_are_unknown_and_no_surge_follows_a_gap() -> None:
    known = rows(8)
    gap = [row for k, row in enumerate(known) if not 5 * DAY + 20 <= k < 6 * DAY + 10 and k % 7]
    assert alerts(run(gap)) == []


@pytest.mark.parametrize("step", [60, 420, 900, 3600, 86_400])
def test_any_length_of_step_works(step: int) -> None:
    days = 60 if step == 86_400 else 21 if step == 3600 else 5
    known = rows(days, step=step)
    assert alerts(run(known, step)) == []
    last = known[-1]
    storm = [*known[:-1], Row(last.moment, last.value * 60 + 60, last.value * 40 + 40)]
    for k in range(1, 8):
        storm.append(Row(last.moment + k * step, last.value * 60 + 60, last.value * 40 + 40))
    assert "outrage" in [kind for _, kind in alerts(run(storm, step))]


def test_silence_for_years_breaks_nothing() -> None:
    known = rows(3)
    late = [Row(row.moment + 4e8, row.value, row.negative) for row in rows(3, seed=5)]
    assert alerts(run([*known, *late])) == []


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1)), min_size=2, max_size=600),
    st.integers(1, 30),
    st.booleans(),
)
def test_a_row_never_sees_later_rows(counts: list[tuple[int, float]], hours: int, mood: bool) -> None:
    step = 3600.0 * hours
    known = [Row(BEGIN + k * step, v, float(int(v * share)) if mood else None) for k, (v, share) in enumerate(counts)]
    series, part = Backtest(step, negative=mood), Backtest(step, negative=mood)
    whole = [series.row(row) for row in known]
    assert [part.row(row) for row in known[: len(known) // 2]] == whole[: len(known) // 2]
    assert all(0 <= verdict.score <= 1 for verdict in whole)
    if not mood:
        assert "outrage" not in {verdict.alert for verdict in whole}


@pytest.mark.parametrize("more", [0.05, 0.1])
def test_news_that_is_a_little_worse_than_usual_is_attention_and_no_outrage(more: float) -> None:
    at = 6 * DAY + 100
    for seed in (1, 2, 3):
        found = alerts(run(struck(rows(7, seed=seed), at, 6, 0.2 + more, seed=seed)))
        assert {kind for _, kind in found} <= {"attention"}


def test_a_threefold_outrage_of_a_brand_with_a_mention_in_five_minutes_is_found_within_three_hours() -> None:
    at, found = 6 * DAY + 100, []
    for seed in (1, 2, 3, 4):
        known = struck(rows(7, level=1, seed=seed), at, 4, 0.8, level=1, seed=seed)
        found.append([row - at for row, kind in alerts(run(known)) if kind == "outrage"])
    assert all(len(rows_) == 1 and 0 <= rows_[0] < 36 for rows_ in found), found


def test_a_brand_that_is_wild_every_day_still_has_plain_outrages() -> None:
    dice, known, at = np.random.default_rng(5), rows(8), 7 * DAY + 100
    for day in range(7):
        begin = day * DAY + int(dice.integers(DAY - 12))
        for row in range(begin, begin + 6):
            more = int(dice.poisson(30 * dice.uniform(5, 40)))
            old = known[row]
            known[row] = Row(
                old.moment, old.value + more, (old.negative or 0) + int(dice.binomial(more, dice.uniform(0.1, 0.45)))
            )
    found = alerts(run(struck(known, at, 10, 0.7)))
    outrages = [row - at for row, kind in found if kind == "outrage"]
    assert len(outrages) == 1
    assert 0 <= outrages[0] < 12


def moody(known: list[Row], at: int, moods: list[float], *, more: int = 150) -> list[Row]:
    """The same rows with ``more`` mentions in each from row ``at`` on, their share of negative ones as told row by row."""
    dice, found = np.random.default_rng(3), list(known)
    for row, mood in enumerate(moods, at):
        old = known[row]
        found[row] = Row(old.moment, old.value + more, (old.negative or 0) + int(dice.binomial(more, mood)))
    return found


def test_news_whose_mood_is_bad_for_a_quarter_of_an_hour_is_attention_and_no_outrage() -> None:
    at, news = 6 * DAY + 100, [0.25] * 9 + [0.55] * 3 + [0.25] * 24
    assert {kind for _, kind in alerts(run(moody(rows(7), at, news)))} == {"attention"}
    assert "outrage" in {kind for _, kind in alerts(run(moody(rows(7), at, news[:9] + [0.55] * 27)))}


def test_a_loud_outrage_whose_angry_half_is_watered_down_by_ordinary_talk_is_found_where_moods_are_wild() -> None:
    dice, at = np.random.default_rng(8), 6 * DAY + 100
    wild = [
        Row(row.moment, row.value, float(dice.binomial(int(row.value), share)))
        for row, share in zip(rows(7), np.repeat(dice.beta(0.9, 2.3, 7 * 24), 12), strict=True)
    ]
    struck_rows = moody(wild, at, [0.53] * 36, more=90)
    found = [row - at for row, kind in alerts(run(struck_rows)) if kind == "outrage"]
    assert len(found) == 1
    assert 0 <= found[0] < 12


def hour_of(voices: int, negative: int, *, share: float) -> set[str]:
    """The alerts of a brand with five mentions an hour, after a week, when within an hour so many come on top."""
    known, at = rows(7, level=0.4, share=share), 6 * DAY + 100
    for number in range(voices):
        row = at + number % 12
        old = known[row]
        known[row] = Row(old.moment, old.value + 1, (old.negative or 0) + (number < negative))
    return {kind for row, kind in alerts(run(known)) if row >= at}


def test_seven_angry_voices_in_an_hour_are_an_outrage_where_next_to_nothing_is_usual() -> None:
    assert "outrage" in hour_of(8, 7, share=0.1)
    assert "outrage" not in hour_of(18, 5, share=0.1)


def test_a_few_voices_that_may_be_angrier_by_chance_are_no_outrage_where_many_are_negative_anyway() -> None:
    assert "outrage" not in hour_of(15, 9, share=0.4)
    assert "outrage" in hour_of(12, 12, share=0.4)

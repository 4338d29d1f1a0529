"""What came after a statement is held against what was to be expected without it, and nothing is claimed beyond that."""

import random
from datetime import UTC, datetime, timedelta
from math import exp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis.clocks import Publication
from crisis.effect import Effect, Proposal, Shift, Surroundings, Verdict, newest_of
from crisis.forecast import forecast
from crisis.judgement import judge, of_forecast, shifts
from crisis.record import Record
from crisis.tied import Tied
from crisis.triage import Narrative, Signal
from crisis.values import StatementKind

SAID = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)
BEGAN = SAID - timedelta(minutes=150)
MINUTE = timedelta(minutes=1)


def signal(at: datetime, authors: float, share: float = 0.7, usual: float = 10.0) -> Signal:
    return Signal(
        watch="acme",
        at=at,
        window=15 * MINUTE,
        mentions=round(authors) + 3,
        distinct_texts=round(authors),
        authors=round(authors),
        usual_authors=usual,
        negative_share=share,
        usual_negative_share=0.25,
        started_at=BEGAN,
    )


def falling(minutes: int, half: float = 90.0) -> float:
    """A storm that rose to 300 authors and has been falling for an hour and a half."""
    return 10 + 300 / (1 + exp(-(minutes + 130) / 5)) * 0.5 ** (max(0, minutes + 90) / half)


def rising(minutes: int) -> float:
    return 10 + 400 / (1 + exp(-(minutes - 5) / 25))


def before(curve: object = falling, seed: int = 1) -> list[Signal]:
    dice = random.Random(seed)
    return [
        signal(SAID + m * MINUTE, max(0.0, curve(m) + dice.gauss(0, 4)))  # type: ignore[operator]
        for m in range(-170, 1, 5)
    ]


def after(authors: float, minutes: int = 60, share: float = 0.7) -> list[Signal]:
    return [signal(SAID + m * MINUTE, authors, share) for m in range(5, minutes + 1, 5)]


def word(minutes: float = 0, number: int = 1, kind: StatementKind = StatementKind.HOLDING) -> Publication:
    return Publication(statement=f"INC-7-S{number}", version=1, kind=kind, at=SAID + minutes * MINUTE)


def judged(signals: list[Signal], minutes: float = 60, **around: object) -> Effect:
    return judge(
        word(),
        [word()],
        signals,
        incident="INC-7",
        at=SAID + minutes * MINUTE,
        around=Surroundings.model_validate(around),
    )


PAST = before()


def test_far_fewer_negative_people_than_forecast_is_working_and_holds() -> None:
    found = judged([*PAST, *after(14)])
    assert (found.verdict, found.proposal, found.next_kind) == (Verdict.WORKING, Proposal.HOLD, None)
    assert found.measured is not None
    assert found.measured.negative < found.measured.expected.low
    assert found.says.startswith("Working: 10 negative people in 15 minutes")


def test_far_more_is_made_it_worse_and_asks_for_a_substantive_word() -> None:
    found = judged([*PAST, *after(600)])
    assert (found.verdict, found.proposal) == (Verdict.WORSE, Proposal.FOLLOW_UP)
    assert found.draft_at == "/incidents/INC-7/draft?kind=substantive"


def test_what_goes_as_it_was_going_is_not_yet_and_after_an_hour_asks_to_follow_up() -> None:
    signals = [*PAST, *(signal(SAID + m * MINUTE, falling(m)) for m in range(5, 61, 5))]
    early, late = judged(signals, 30), judged(signals, 60)
    assert (early.verdict, early.proposal) == (Verdict.NOT_YET, Proposal.HOLD)
    assert (late.verdict, late.proposal) == (Verdict.NOT_YET, Proposal.FOLLOW_UP)


def test_calm_that_was_to_be_expected_anyway_is_not_called_working() -> None:
    signals = [signal(SAID + m * MINUTE, 10 + 60 * 0.5 ** ((m + 150) / 25)) for m in range(-150, 181, 5)]
    found = judged(signals, 180)
    assert found.verdict is Verdict.CANNOT_TELL
    assert found.proposal is Proposal.HOLD
    assert "without it too" in found.says


def test_before_the_first_whole_window_it_cannot_tell_and_says_when_it_can() -> None:
    found = judged([*PAST, *after(600)], 14)
    assert found.verdict is Verdict.CANNOT_TELL
    assert "14:15 UTC" in found.says


@pytest.mark.parametrize(
    ("past", "why"),
    [
        ([], "nothing was measured before"),
        (PAST[-3:], "less than 25 minutes"),
        ([s.model_copy(update={"authors": 9}) for s in PAST], "no more than 6 negative authors"),
        (PAST[:-6], "nothing was measured in the 30 minutes before"),
    ],
)
def test_too_little_seen_before_is_no_forecast(past: list[Signal], why: str) -> None:
    found = judged([*past, *after(600)])
    assert found.verdict is Verdict.CANNOT_TELL
    assert found.forecast == ()
    assert why in found.says


def test_a_statement_into_a_rising_curve_is_judged_with_the_peak_unknown() -> None:
    found = judged([*before(rising), *after(500)])
    assert found.rising is not None
    assert found.rising > 0.5
    assert found.verdict is not Verdict.WORSE
    assert any("still rising" in reason for reason in found.reasons)


def test_statements_within_one_window_are_judged_as_one() -> None:
    words = [word(), word(10, 2, StatementKind.SUBSTANTIVE)]
    signals = [*PAST, *after(600)]
    first, second = (judge(w, words, signals, incident="INC-7", at=SAID + 60 * MINUTE) for w in words)
    assert first.together_with == ("INC-7-S2",)
    assert second.together_with == ("INC-7-S1",)
    assert (first.measured, first.forecast) == (second.measured, second.forecast)
    assert any("cannot be told apart" in reason for reason in first.reasons)


def test_a_later_statement_settles_the_one_before() -> None:
    words = [word(), word(40, 2)]
    at = SAID + 90 * MINUTE
    before_it = judge(words[0], words, [*PAST, *after(600, 40)], incident="INC-7", at=at)
    whatever_comes = judge(words[0], words, [*PAST, *after(600, 40), signal(at, 5)], incident="INC-7", at=at)
    assert before_it.measured == whatever_comes.measured
    assert "INC-7-S2 followed at 14:40 UTC" in before_it.settled
    assert before_it.proposal is Proposal.HOLD


@pytest.mark.parametrize("minutes", [10, 30])
def test_a_reply_to_one_person_neither_settles_nor_shares_the_judgement_of_what_was_said_to_all(minutes: int) -> None:
    reply = word(minutes, 2, StatementKind.REPLY)
    signals = [*PAST, *after(14)]
    found = judge(word(), [word(), reply], signals, incident="INC-7", at=SAID + 60 * MINUTE)
    assert found == judged(signals)
    assert (found.open, found.together_with) == (True, ())
    with pytest.raises(ValueError, match="was not public"):
        judge(reply, [word(), reply], signals, incident="INC-7", at=SAID + 60 * MINUTE)


def test_a_statement_that_follows_before_a_window_has_passed_leaves_nothing_to_judge() -> None:
    words = [word(), word(20, 2)]
    found = judge(
        words[0],
        words,
        [s for s in [*PAST, *after(600)] if s.at != SAID + 15 * MINUTE and s.at != SAID + 20 * MINUTE],
        incident="INC-7",
        at=SAID + 60 * MINUTE,
    )
    assert found.verdict is Verdict.CANNOT_TELL
    assert "no window lies wholly between" in found.says


def test_closing_settles_it() -> None:
    found = judged([*PAST, *after(14)], closed_at=SAID + 50 * MINUTE)
    assert found.settled == "the incident was closed"


def test_fewer_posts_while_a_source_was_silent_are_not_called_working() -> None:
    found = judged([*PAST, *after(14)], unheard=("bluesky",))
    assert found.verdict is Verdict.CANNOT_TELL
    assert any("bluesky" in reason for reason in found.reasons)


def test_what_it_relied_on_having_changed_asks_for_a_correction_whatever_the_curve() -> None:
    found = judged([*PAST, *after(14)], doubts=("INC-7-F1 was confirmed, and is refuted now",))
    assert (found.verdict, found.proposal) == (Verdict.WORKING, Proposal.CORRECT)
    assert found.draft_at == "/incidents/INC-7/draft?kind=correction&corrects=INC-7-S1"


def test_worse_with_angry_answers_to_the_very_post_asks_to_correct_the_words() -> None:
    angry = Tied(replies=40, quotes=10, read=50, negative=41)
    assert judged([*PAST, *after(600)], tied=angry).proposal is Proposal.CORRECT
    few = Tied(replies=5, read=5, negative=5)
    assert judged([*PAST, *after(600)], tied=few).proposal is Proposal.FOLLOW_UP


def test_a_new_narrative_asks_to_follow_up_even_while_it_works() -> None:
    moved = (Shift(narrative="n9", label="they lied", before=0, since=0.4, posts=60),)
    found = judged([*PAST, *after(14)], shifts=moved)
    assert (found.verdict, found.proposal) == (Verdict.WORKING, Proposal.FOLLOW_UP)
    assert any("“they lied” is new and has 40% of the 150 since" in reason for reason in found.reasons)


def test_shifts_tell_what_grew_since() -> None:
    old = [Narrative(id="a", label="late", size=80), Narrative(id="b", label="cold", size=20)]
    new = [
        Narrative(id="a", label="late", size=90),
        Narrative(id="b", label="cold", size=20),
        Narrative(id="c", label="lies", size=30),
    ]
    first, second = shifts(old, new)
    assert (first.narrative, first.before, first.since, first.posts, first.new) == ("c", 0.0, 0.75, 30, True)
    assert (second.narrative, second.before, second.since) == ("a", 0.8, 0.25)
    assert shifts(old, old) == ()


def test_it_claims_no_cause() -> None:
    assert any("not what it caused" in reason for reason in judged([*PAST, *after(600)]).reasons)


FORESEEN = forecast(PAST, until=SAID)


@settings(max_examples=50, deadline=None)
@given(authors=st.integers(0, 700), more=st.integers(0, 400), minutes=st.sampled_from([15, 20, 45, 90]))
def test_more_negative_people_afterwards_never_make_a_better_verdict(authors: int, more: int, minutes: int) -> None:
    less, worse = (of_forecast(FORESEEN, after(n, minutes)) for n in (authors, authors + more))
    assert worse.verdict.rank <= less.verdict.rank


@settings(max_examples=50, deadline=None)
@given(share=st.floats(0, 1), rise=st.floats(0, 1), authors=st.integers(0, 400))
def test_more_negativity_among_as_many_never_makes_a_better_verdict(share: float, rise: float, authors: int) -> None:
    less, worse = (of_forecast(FORESEEN, after(authors, share=min(1.0, x))) for x in (share, share + rise))
    assert worse.verdict.rank <= less.verdict.rank


@pytest.mark.parametrize("minutes", [0, 40])
def test_order_does_not_matter_and_nothing_later_than_its_moment_is_in_it(minutes: int) -> None:
    signals = [*PAST, *after(120, 100)]
    known = [s for s in signals if s.at <= SAID + minutes * MINUTE]
    shuffled = random.Random(minutes).sample(signals, len(signals))
    assert judged(shuffled, minutes) == judged(known, minutes)


def test_a_judgement_of_what_is_not_public_yet_is_refused() -> None:
    with pytest.raises(ValueError, match="was not public"):
        judge(word(), [word()], PAST, incident="INC-7", at=SAID - MINUTE)


def test_a_judgement_comes_back_from_its_record() -> None:
    found = judged([*PAST, *after(600)])
    records = [
        Record(
            seq=n,
            at=SAID,
            kind="effect.judged",
            actor="follow_up",
            incident="INC-7",
            data=one.model_dump(mode="json"),
            previous="0" * 64,
            hash="0" * 64,
        )
        for n, one in enumerate([judged(PAST, 1), found], start=1)
    ]
    assert newest_of(reversed(records)) == [found]

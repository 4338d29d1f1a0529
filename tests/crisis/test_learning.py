"""Proposals for detection: none without labels, none that misses more crises, and the order of the past does not matter."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from crisis.incident import Incident, IncidentState
from crisis.labelling import edits, label_of, overrides_of, without_addresses
from crisis.learning import (
    FEWEST,
    FEWEST_RATED,
    FEWEST_TAKEN,
    Elsewhere,
    Learnt,
    Past,
    Rated,
    Taken,
    climb,
    effect,
    propose_alert,
    propose_clock,
    propose_edges,
    wilson,
)
from crisis.sensitivity import LEAST, USUAL, Sensitivity, height
from crisis.triage import Assessment, Cluster, Strategy
from crisis.values import CrisisType, Severity

WEEKS = [Elsewhere("acme", 10.0)]
scores = st.floats(0.3, 0.99).map(lambda score: round(score, 3))
pasts = st.lists(st.tuples(st.booleans(), scores), max_size=24).map(
    lambda found: [past(n, score, real=real) for n, (real, score) in enumerate(found)]
)
outside = st.lists(scores.filter(lambda s: s >= LEAST), max_size=6).map(
    lambda found: [Elsewhere("acme", 10.0, tuple((n * 86_400.0, score) for n, score in enumerate(found)))]
)


def past(n: int, *reached: float, real: bool) -> Past:
    return Past(f"INC-{n}", "acme", real, tuple((600.0 * m, score) for m, score in enumerate(sorted(reached))))


def told(false: float = 0.55, real: float = 0.8, each: int = 8) -> list[Past]:
    """Dismissed alarms that reached ``false``, and crises that went on to ``real``."""
    return [past(n, false, real=False) for n in range(each)] + [
        past(n + each, 0.5, real, real=True) for n in range(each)
    ]


def test_without_enough_labels_nothing_is_proposed_and_it_says_so() -> None:
    for known in ([], told(each=FEWEST - 1)):
        found = propose_alert(known, WEEKS, 0.5)
        assert found.proposed is None
        assert found.says.startswith("Too few labels")


def test_what_was_judged_while_nothing_was_measured_is_no_label_and_that_is_told() -> None:
    assert "2 more were judged while their watch measured nothing" in propose_alert([], [], 0.5, unmeasured=2).says
    assert "judged while" not in propose_alert([], [], 0.5).says


def test_a_score_above_what_was_dismissed_is_proposed_with_its_effect_on_the_past() -> None:
    found = propose_alert(told(), WEEKS, 0.5)
    assert found.proposed is not None
    assert found.proposed.score == 0.56
    assert (found.today.false_a_week, found.proposed.false_a_week) == (0.8, 0.0)
    assert (found.today.median_delay, found.proposed.median_delay) == (0.0, 600.0)
    assert len(found.proposed.gone) == 8
    assert found.seen.says == "8 of 8 (95%: 68% to 100%)"
    assert "Few labels" in found.says


def test_a_crisis_that_only_a_lower_score_catches_is_worth_few_false_alerts_and_not_many() -> None:
    quiet = [past(n, 0.42, real=True) for n in range(90, 96)]
    found = propose_alert([*told(false=0.7, real=0.65), *quiet], WEEKS, 0.5)
    assert found.proposed is not None
    assert found.proposed.score == 0.42
    loud = [Elsewhere("acme", 10.0, tuple((n * 86_400.0, 0.45) for n in range(60)))]
    assert propose_alert([*told(false=0.7, real=0.65), *quiet], loud, 0.5).proposed is None


@given(pasts, outside, st.sampled_from([0.4, 0.5, 0.62]))
@settings(max_examples=50)
def test_a_proposal_never_misses_a_crisis_that_todays_score_catches(
    known: list[Past], around: list[Elsewhere], today: float
) -> None:
    found = propose_alert(known, around, today)
    if found.proposed is not None:
        assert set(found.proposed.missed) <= set(found.today.missed)
        assert found.seen.hits >= found.today.crises - len(found.today.missed)
        assert found.proposed.cost < found.today.cost


@given(pasts, outside, st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_the_order_of_the_past_does_not_matter(known: list[Past], around: list[Elsewhere], chance: object) -> None:
    turned = list(known)
    chance.shuffle(turned)  # type: ignore[attr-defined]
    assert propose_alert(turned, around, 0.5) == propose_alert(known, around, 0.5)


def test_what_overlaps_is_left_alone() -> None:
    mixed = [past(n, 0.5 + n / 100, real=n % 2 == 0) for n in range(20)]
    found = propose_alert(mixed, WEEKS, 0.5)
    assert found.proposed is None or len(found.proposed.missed) <= len(found.today.missed)


def test_a_watch_is_judged_by_its_own_past() -> None:
    other = [Past(f"INC-{n + 50}", "other", p.real, p.climb) for n, p in enumerate(told())]
    assert propose_alert(other, [*WEEKS, Elsewhere("other", 1.0)], 0.5, watch="acme").today.crises == 0
    assert propose_alert(other, WEEKS, 0.5).today.crises == 8


def test_alerts_that_nobody_judged_count_as_false() -> None:
    around = [Elsewhere("acme", 2.0, ((0.0, 0.6), (60.0, 0.7), (90_000.0, 0.55)))]
    assert [effect([], around, score).unjudged for score in (0.5, 0.58, 0.65, 0.8)] == [2, 1, 1, 0]
    assert effect([], around, 0.5).false_a_week == 1.0


def test_only_the_rise_of_an_episode_is_kept() -> None:
    assert climb([(30, 0.4), (10, 0.5), (20, 0.3), (40, 0.9)], 10) == ((0, 0.5), (30, 0.9))


def test_an_edge_follows_what_people_overrode_and_never_rates_fewer_as_grave_as_people_did() -> None:
    agreed = [Rated(f"INC-{n}", 75.0 + n, Severity.SEV1, overridden=False) for n in range(8)]
    lowered = [Rated(f"INC-{n + 20}", 71.0 + n / 10, Severity.SEV2, overridden=True) for n in range(6)]
    sev1, *rest = propose_edges([*lowered, *agreed], USUAL)
    assert (sev1.proposed, sev1.wrong_today, sev1.wrong_proposed) == (72.0, 6, 0)
    assert len(sev1.moved) == 6
    assert not any(edge.proposed for edge in rest)
    assert propose_edges([*agreed, *lowered], USUAL)[0] == sev1
    few = propose_edges(lowered[: FEWEST_RATED - 1], USUAL)[0]
    assert few.proposed is None
    assert "Too little" in few.says


def test_a_clock_is_only_ever_shortened_and_only_by_many_acknowledgements() -> None:
    quick = [Taken(f"INC-{n}", 30.0 + 5 * n, 300.0) for n in range(FEWEST_TAKEN)]
    assert propose_clock(quick).proposed == 2
    assert propose_clock(quick[1:]).proposed is None
    assert propose_clock([Taken(t.incident, t.seconds * 9, 300.0) for t in quick]).proposed is None
    assert propose_clock([]).says.startswith("Too little")


def test_the_lines_are_what_the_settings_take() -> None:
    import tomllib

    found = propose_alert(told(), WEEKS, 0.5)
    both = (found, propose_alert(told(false=0.6), WEEKS, 0.5, watch="acme"))
    learnt = Learnt(alerts=both, edges=propose_edges([], USUAL), clock=propose_clock([]))
    read = tomllib.loads("\n".join(learnt.lines))
    takes = Sensitivity.model_validate(read["detection"])
    assert (takes.alert_at("acme"), takes.alert_at("other")) == (0.61, 0.56)
    alike = Learnt(alerts=(found, found.model_copy(update={"watch": "acme"})), edges=(), clock=propose_clock([]))
    assert alike.lines == ("[detection]", "alert_score = 0.56")
    assert Learnt(alerts=(), edges=(), clock=propose_clock([])).lines == ()


@given(st.integers(0, 200), st.integers(0, 200))
def test_wilsons_interval_holds_the_share_and_stays_within_bounds(hits: int, more: int) -> None:
    found = wilson(hits, hits + more)
    share = hits / (hits + more) if hits + more else 0.5
    assert 0 <= found.low <= share + 1e-9
    assert share - 1e-9 <= found.high <= 1


def test_wilsons_interval_is_that_of_the_tables() -> None:
    assert (round(wilson(5, 5).low, 3), round(wilson(8, 10).low, 3), round(wilson(8, 10).high, 3)) == (
        0.566,
        0.49,
        0.943,
    )


def test_graver_severities_must_take_more_points() -> None:
    with pytest.raises(ValidationError, match="sev1 must be above sev2"):
        Sensitivity(sev1=40)
    assert Sensitivity(sev2=60).severity_of(55) is Severity.SEV3
    assert height(0.5) == 1.0


def assessed(severity: Severity, by: str = "triage", reason: str = "") -> Assessment:
    return Assessment(
        severity=severity, type=CrisisType.UNKNOWN, score=55, cluster=Cluster.ACCIDENTAL, strategy=Strategy.DIMINISH,
        assessed_at=datetime(2026, 3, 2, tzinfo=UTC), assessed_by=by, override_reason=reason,
    )  # fmt: skip


def test_an_incident_that_nobody_said_anything_of_is_no_label() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    opened = Incident(
        id="INC-1", watch="acme", title="x", state=IncidentState.RESPONDING, opened_at=now + timedelta(minutes=5),
        started_at=now, assessment=assessed(Severity.SEV2),
    )  # fmt: skip
    assert label_of(opened, "", confirmed=False) == "unsaid"
    assert label_of(opened, "", confirmed=True) == "crisis"
    dismissed = opened.model_copy(update={"state": IncidentState.DISMISSED})
    assert label_of(dismissed, "brigade", confirmed=True) == "brigade"
    assert label_of(dismissed.model_copy(update={"merged_into": "INC-2"}), "", confirmed=True) == "merged"


def test_only_what_a_person_said_otherwise_is_an_override() -> None:
    history = [assessed(Severity.SEV2), assessed(Severity.SEV1), assessed(Severity.SEV3, "ida@example.com", "ask @kim")]
    (found,) = overrides_of(history)
    assert (found.severity_before, found.severity, found.reason) == (Severity.SEV1, Severity.SEV3, "ask [address]")


def test_each_sentence_is_kept_changed_dropped_or_added() -> None:
    draft = "We are sorry. Card payments fail in all shops. We take this seriously."
    agreed = "We are sorry. Card payments fail in some shops since noon. Cash works: ask at ana@example.com."
    found = [(str(one.change), one.before, one.after) for one in edits(draft, agreed)]
    assert found == [
        ("kept", "We are sorry.", "We are sorry."),
        ("changed", "Card payments fail in all shops.", "Card payments fail in some shops since noon."),
        ("dropped", "We take this seriously.", ""),
        ("added", "", "Cash works: ask at [address]."),
    ]


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=50)
def test_no_sentence_is_lost_between_draft_and_approval(draft: str, agreed: str) -> None:
    from crisis.cutting import sentences

    found = edits(draft, agreed)
    for side, text in (("before", draft), ("after", agreed)):
        whole = [one.text.strip() for one in sentences(without_addresses(text))]
        assert [getattr(one, side) for one in found if getattr(one, side)] == [text for text in whole if text]

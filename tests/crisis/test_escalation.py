"""A severity rises at once and falls slowly, and what a person set stands."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisis.escalation import HOLD, settle
from crisis.sensitivity import SEVERITIES, USUAL
from crisis.triage import Assessment, Cluster, Strategy
from crisis.values import CrisisType, Severity

AT = datetime(2026, 3, 3, 13, tzinfo=UTC)
SCORES = {**{level: USUAL.edge(level) for level in SEVERITIES}, Severity.SEV4: 0.0}


def seen(
    severity: Severity,
    minutes: float = 0,
    *,
    by: str = "triage",
    saw: Severity | None = None,
    kind: CrisisType = CrisisType.SERVICE_FAILURE,
) -> Assessment:
    return Assessment(
        severity=severity,
        type=kind,
        score=SCORES[saw or severity],
        cluster=Cluster.ACCIDENTAL,
        strategy=Strategy.DIMINISH,
        assessed_at=AT + timedelta(minutes=minutes),
        assessed_by=by,
    )


def followed(history: list[Assessment], looks: list[tuple[float, Severity]]) -> list[tuple[float, Severity]]:
    """The severities that hold, each with the minute from which it does."""
    since, changes = None, []
    for minutes, severity in looks:
        settled = settle(history, seen(severity, minutes), since)
        since = settled.lower_since
        if settled.assessment is not None:
            history = [*history, settled.assessment]
            changes.append((minutes, settled.assessment.severity))
    return changes


def test_up_at_once_and_down_one_level_for_each_half_hour() -> None:
    looks = [(2.0, Severity.SEV1)] + [(float(m), Severity.SEV4) for m in range(4, 130, 2)]
    assert followed([seen(Severity.SEV3)], looks) == [
        (2.0, Severity.SEV1),
        (34.0, Severity.SEV2),
        (64.0, Severity.SEV3),
        (94.0, Severity.SEV4),
    ]


def test_a_storm_that_breathes_is_not_lowered() -> None:
    looks = [(float(m), Severity.SEV2 if m % 20 == 0 else Severity.SEV4) for m in range(2, 200, 2)]
    assert followed([seen(Severity.SEV2)], looks) == []


def test_each_time_it_rises_again_it_is_held_twice_as_long() -> None:
    looks = []
    for flare in range(6):
        begin = 600.0 * flare
        looks += [(begin, Severity.SEV2)] + [(begin + m, Severity.SEV3) for m in range(10, 600, 10)]
    changes = followed([seen(Severity.SEV2)], looks)
    fell = [at % 600 - 10 for at, severity in changes if severity is Severity.SEV3]
    assert fell == [30, 60, 120, 240, 240, 240]
    assert [at for at, severity in changes if severity is Severity.SEV2] == [600 * n for n in range(1, 6)]


def test_what_lowers_a_severity_says_so() -> None:
    settled = settle([seen(Severity.SEV2)], seen(Severity.SEV3, 40), AT)
    assert settled.assessment is not None
    assert settled.assessment.factors[-1].name == "de-escalation"
    assert "SEV2 until now; triage has seen less for 40 min" in settled.assessment.factors[-1].says


def test_triage_never_goes_below_what_a_person_set() -> None:
    by_hand = [seen(Severity.SEV2, by="ana@example.com", saw=Severity.SEV3)]
    assert followed(by_hand, [(float(m), Severity.SEV4) for m in range(0, 300, 5)]) == []
    raised = [(5.0, Severity.SEV1)] + [(float(m), Severity.SEV4) for m in range(10, 300, 5)]
    assert followed(by_hand, raised) == [(5.0, Severity.SEV1), (40.0, Severity.SEV2)]


def test_a_person_who_had_seen_as_much_is_not_overruled() -> None:
    lowered = [seen(Severity.SEV2), seen(Severity.SEV4, 5, by="ana@example.com", saw=Severity.SEV2)]
    assert settle(lowered, seen(Severity.SEV2, 10)).assessment is None
    worse = settle(lowered, seen(Severity.SEV1, 10)).assessment
    assert worse is not None
    assert worse.severity is Severity.SEV1


def test_while_a_text_depends_on_it_a_severity_is_not_lowered() -> None:
    settled = settle([seen(Severity.SEV2)], seen(Severity.SEV4, 90), AT, may_lower=False)
    assert settled.assessment is None
    assert settled.lower_since == AT


SAFETY, FAILURE, UNCLEAR = CrisisType.SAFETY_HARM, CrisisType.SERVICE_FAILURE, CrisisType.UNKNOWN


@pytest.mark.parametrize(
    ("held", "by", "read", "severity", "expected"),
    [
        (UNCLEAR, "triage", FAILURE, Severity.SEV2, FAILURE),
        (FAILURE, "triage", SAFETY, Severity.SEV2, SAFETY),
        (SAFETY, "triage", FAILURE, Severity.SEV2, None),
        (FAILURE, "triage", UNCLEAR, Severity.SEV2, None),
        (FAILURE, "triage", UNCLEAR, Severity.SEV1, FAILURE),
        (SAFETY, "ana@example.com", FAILURE, Severity.SEV1, SAFETY),
        (FAILURE, "ana@example.com", SAFETY, Severity.SEV2, None),
        (UNCLEAR, "ana@example.com", SAFETY, Severity.SEV2, SAFETY),
    ],
    ids=["cleared", "graver", "lesser", "lost", "lost-worse", "named-worse", "named", "unnamed"],
)
def test_a_cause_is_taken_once_it_is_clear_and_what_a_person_named_stands(
    held: CrisisType, by: str, read: CrisisType, severity: Severity, expected: CrisisType | None
) -> None:
    history = [seen(Severity.SEV2, kind=held, by=by)]
    found = settle(history, seen(severity, 5, kind=read)).assessment
    assert (found.type if found else None) is expected
    if found is not None:
        assert found.severity is severity
        assert (found.type is read) is ("cause" not in {factor.name for factor in found.factors})


@given(st.lists(st.tuples(st.floats(0.1, 50), st.sampled_from(list(Severity))), min_size=1, max_size=40))
def test_no_level_is_left_downwards_sooner_than_the_hold(steps: list[tuple[float, Severity]]) -> None:
    looks, at = [], 0.0
    for after, severity in steps:
        at += after
        looks.append((at, severity))
    held, since = Severity.SEV3, 0.0
    for minutes, severity in followed([seen(Severity.SEV3)], looks):
        if severity < held:
            assert held.weight - severity.weight == 1
            assert minutes - since >= HOLD.total_seconds() / 60 - 0.001
        held, since = severity, minutes

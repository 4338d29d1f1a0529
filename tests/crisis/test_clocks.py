"""Clocks tell which stage came in time and which did not, against the playbook's targets."""

from datetime import UTC, datetime, timedelta

import pytest

from crisis.clocks import ClockState, Publication, read_clocks, span_in_words
from crisis.incident import Incident, IncidentState
from crisis.triage import Assessment, Cluster, Strategy
from crisis.values import CrisisType, Severity, StatementKind

OPENED = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)
K = StatementKind


def after(minutes: float) -> datetime:
    return OPENED + timedelta(minutes=minutes)


def assessment(severity: Severity = Severity.SEV1, minutes: float = 1) -> Assessment:
    return Assessment(
        severity=severity,
        type=CrisisType.SERVICE_FAILURE,
        score=70,
        cluster=Cluster.ACCIDENTAL,
        strategy=Strategy.DIMINISH,
        assessed_at=after(minutes),
    )


def incident(closed: float | None = None, severity: Severity = Severity.SEV1) -> Incident:
    return Incident(
        id="INC-1",
        watch="acme",
        title="t",
        state=IncidentState.OPEN,
        opened_at=OPENED,
        started_at=after(-5),
        closed_at=None if closed is None else after(closed),
        assessment=assessment(severity),
    )


def out(kind: StatementKind, minutes: float, number: int = 1) -> Publication:
    return Publication(statement=f"INC-1-S{number}", version=1, kind=kind, at=after(minutes))


def states(*words: Publication, closed: float | None = None, now: float = 600) -> dict[str, ClockState]:
    readings = read_clocks(incident(closed), [assessment()], words, after(now))
    return {r.name: r.state for r in readings}


def test_stages_in_time_are_kept_and_late_ones_missed_by_how_much() -> None:
    readings = read_clocks(
        incident(closed=500), [assessment()], [out(K.HOLDING, 12), out(K.SUBSTANTIVE, 300, 2)], after(600)
    )
    by = {r.name: r for r in readings}
    assert by["Triage"].state is ClockState.KEPT
    assert by["Holding statement"].state is ClockState.KEPT
    assert by["Holding statement"].says == "after 12 min; the target was 30 min"
    assert by["Substantive statement"].state is ClockState.MISSED
    assert by["Substantive statement"].says == "after 5 h, 1 h over the target of 4 h"
    assert by["Update after INC-1-S1 v1"].state is ClockState.MISSED


def test_a_substantive_statement_meets_the_holding_clock_too() -> None:
    seen = states(out(K.SUBSTANTIVE, 20), closed=60)
    assert seen["Holding statement"] is ClockState.KEPT
    assert seen["Substantive statement"] is ClockState.KEPT


def test_silence_is_missed_once_due_and_running_before() -> None:
    assert states(now=29)["Holding statement"] is ClockState.RUNNING
    assert states(now=31)["Holding statement"] is ClockState.MISSED
    assert states(now=31)["Substantive statement"] is ClockState.RUNNING


def test_a_clock_that_falls_due_after_closing_is_not_needed() -> None:
    seen = states(out(K.HOLDING, 10), closed=40)
    assert seen["Substantive statement"] is ClockState.NOT_NEEDED
    assert seen["Update after INC-1-S1 v1"] is ClockState.NOT_NEEDED


def test_a_resolution_ends_the_updates() -> None:
    seen = states(out(K.HOLDING, 10), out(K.RESOLUTION, 50, 2), closed=400)
    assert seen["Update after INC-1-S1 v1"] is ClockState.KEPT
    assert "Update after INC-1-S2 v1" not in seen


def test_updates_are_owed_by_the_severity_at_the_time() -> None:
    word = [out(K.HOLDING, 10), out(K.UPDATE, 60, 2)]
    lowered = [assessment(), assessment(Severity.SEV3, 30)]
    names = [r.name for r in read_clocks(incident(), lowered, word, after(600))]
    assert "Update after INC-1-S1 v1" in names
    assert "Update after INC-1-S2 v1" not in names


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3590, "1 h"), (3900, "1 h 05 min"), (86400, "1 d"), (100000, "1 d 4 h")],
)
def test_spans_read_as_people_say_them(seconds: int, words: str) -> None:
    assert span_in_words(timedelta(seconds=seconds)) == words

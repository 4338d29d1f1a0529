"""The score of a rehearsal: what people did, against the playbook's targets."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crisis.clocks import ClockReading, ClockState
from crisis.commitment import Commitment, CommitmentState
from crisis.drill import score
from crisis.incident import Incident, IncidentState
from crisis.triage import Assessment, Cluster, Strategy
from crisis.values import CrisisType, Severity

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SPAN = timedelta(minutes=30)


def opened() -> Incident:
    assessment = Assessment(
        severity=Severity.SEV1,
        type=CrisisType.DATA_BREACH,
        score=70,
        cluster=Cluster.PREVENTABLE,
        strategy=Strategy.REBUILD,
        assessed_at=NOON,
    )
    return Incident(
        id="INC-1",
        watch="acme",
        title="t",
        state=IncidentState.OPEN,
        opened_at=NOON,
        started_at=NOON,
        assessment=assessment,
    )


def reading(name: str, state: ClockState) -> ClockReading:
    return ClockReading(name=name, target=SPAN, started_at=NOON, due_at=NOON + SPAN, state=state)


def promise(number: int, state: CommitmentState) -> Commitment:
    return Commitment(
        id=f"C{number}", incident="INC-1", statement=f"INC-1-S{number}", text="Next update", due_at=NOON, state=state
    )


states = st.lists(st.sampled_from(ClockState), max_size=8)
promises = st.lists(st.sampled_from(CommitmentState), max_size=8)


@given(states, promises)
def test_every_clock_is_counted_once_and_nothing_missed_is_hidden(clocks, kept):
    incident = opened()
    readings = [reading(f"Update after INC-1-S{n} v1", state) for n, state in enumerate(clocks)]
    result = score(
        NOON,
        NOON + timedelta(hours=2),
        incident,
        told_at=NOON,
        acknowledged_at=NOON,
        clocks=readings,
        commitments=[promise(n, state) for n, state in enumerate(kept)],
    )
    missed = clocks.count(ClockState.MISSED) + kept.count(CommitmentState.BROKEN)
    assert result.missed == missed
    assert result.kept == 1 + clocks.count(ClockState.KEPT) + kept.count(CommitmentState.KEPT)
    assert [m.state for m in result.marks].count(ClockState.MISSED) == missed


def test_nobody_who_says_that_they_are_on_it_is_missed_once_the_time_is_over():
    incident = opened()
    target = incident.assessment.clocks.acknowledge
    for after, state in ((target / 2, ClockState.RUNNING), (target * 2, ClockState.MISSED)):
        on_it = score(NOON, NOON + after, incident, told_at=NOON).marks[1]
        assert (on_it.name, on_it.state) == ("Somebody on it", state)


def test_the_first_word_is_held_against_what_the_public_expects():
    incident = opened()
    marks = score(NOON, NOON + timedelta(minutes=45), incident).marks
    said = [m.says for m in marks if m.name == "First word"]
    assert len(said) == 2
    assert said[0].startswith("late: 34 %")
    assert all("none came" in line for line in said)
    assert not any(m.state for m in marks if m.name == "First word")

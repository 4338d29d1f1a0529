"""A signal joins the incident of its episode; only another matter opens another."""

from datetime import UTC, datetime, timedelta

import pytest

from crisis.correlation import Matter, dominant, incident_for
from crisis.incident import IllegalStep, Incident, IncidentState
from crisis.narratives import Narratives
from crisis.triage import Assessment, Cluster, Narrative, Strategy
from crisis.values import CrisisType, Severity
from crisis.watch import Mention

AT = datetime(2026, 3, 3, 13, tzinfo=UTC)
LATER = AT + timedelta(hours=3)


def incident(id: str = "INC-1", narrative: str = "n-1", **changes: object) -> Incident:
    assessment = Assessment(
        severity=Severity.SEV2,
        type=CrisisType.SERVICE_FAILURE,
        score=55,
        cluster=Cluster.ACCIDENTAL,
        strategy=Strategy.DIMINISH,
        narratives=(Narrative(id="n-1", label="refund", size=40), Narrative(id="n-2", label="hotline", size=9)),
        assessed_at=AT,
    )
    return Incident(
        id=id,
        watch="acme",
        title="Acme",
        opened_at=AT,
        started_at=AT,
        assessment=assessment,
        narrative=narrative,
        **({"state": IncidentState.RESPONDING} | changes),
    )


NEW = Matter(narrative="n-9", voices=200, share=0.8, type=CrisisType.DATA_BREACH)


def test_another_matter_opens_an_incident_of_its_own() -> None:
    assert incident_for([incident()], NEW, LATER) is None
    assert incident_for([], NEW, LATER) is None


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({}, AT + timedelta(hours=1)),
        ({"narrative": "n-2"}, LATER),
        ({"voices": 20}, LATER),
        ({"share": 0.4}, LATER),
        ({"type": CrisisType.SERVICE_FAILURE}, LATER),
        ({"type": CrisisType.UNKNOWN}, LATER),
    ],
    ids=["too soon", "named before", "few voices", "not most of it", "the same cause", "no clear cause"],
)
def test_whatever_is_less_than_another_matter_joins(change: dict[str, object], at: datetime) -> None:
    one = incident()
    assert incident_for([one], NEW.model_copy(update=change), at) == one
    assert incident_for([one], None, at) == one


def test_of_two_incidents_a_signal_joins_the_one_of_its_narrative() -> None:
    first, second = incident(), incident("INC-2", "n-9")
    assert incident_for([first, second], NEW, LATER) == second
    assert incident_for([first, second], NEW.model_copy(update={"narrative": "n-2"}), LATER) == first


def test_the_dominant_matter_is_what_most_recent_authors_speak_of() -> None:
    old = [f"my acme refund number {n} was refused at the desk" for n in range(90)]
    new = [f"acme leaked my password and personal data, hacked account {n}" for n in range(40)]
    posts = [Mention(id=f"o{n}", text=t, created_at=AT, author=f"o{n}") for n, t in enumerate(old)]
    posts += [Mention(id=f"n{n}", text=t, created_at=LATER, author=f"n{n}") for n, t in enumerate(new)]
    told = Narratives(["acme"])
    for post in posts:
        told.add(post.text)
    told.settle()
    matter = dominant(posts, told, LATER)
    assert matter is not None
    assert (matter.voices, matter.share, matter.type) == (40, 1.0, CrisisType.DATA_BREACH)
    assert matter.narrative == told.narrative(new[0])
    assert dominant(posts, told, LATER + timedelta(days=1)) is None


def test_incidents_are_merged_only_while_both_live_on_one_watch() -> None:
    first, second = incident(), incident("INC-2")
    merged = second.merge(first, LATER)
    assert (merged.state, merged.merged_into, merged.closed_at) == (IncidentState.DISMISSED, "INC-1", LATER)
    with pytest.raises(IllegalStep, match="cannot be merged into itself"):
        first.merge(first, LATER)
    with pytest.raises(IllegalStep, match="of acme and INC-2 of other"):
        first.merge(second.model_copy(update={"watch": "other"}), LATER)
    with pytest.raises(IllegalStep, match="INC-1 is resolved"):
        second.merge(first.model_copy(update={"state": IncidentState.RESOLVED}), LATER)

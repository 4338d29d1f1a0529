"""The rules of a review: what a signature covers, who may sign, words that blame, norms, and tables nobody obeys."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis.after_action import (
    Meeting,
    Review,
    ReviewTask,
    Section,
    SignOff,
    TaskState,
    content_hash,
    may_sign,
    missing_roles,
    standing_signatures,
)
from crisis.approval import NotAllowed
from crisis.blameless import blame_in
from crisis.incident import Incident, IncidentState
from crisis.quoting import bylines
from crisis.report_tables import csv_table, harmless
from crisis.retrospect import legs, read_norms
from crisis.stakeholder import Stakeholder
from crisis.triage import Assessment, Cluster, Strategy
from crisis.values import CrisisType, Severity
from crisis.watch import Mention

AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
IDA = Stakeholder(name="Ida Okafor", email="ida@example.com", roles=("incident_lead", "legal"))
WRITTEN = Review(
    incident="INC-1",
    sections={Section.LESSONS: "Confirm with the dispatcher."},
    meeting=Meeting(held_at=AT, participants=("ida@example.com",)),
)
TASK = ReviewTask(
    id="INC-1-T1", incident="INC-1", text="Try it", owner="ida@example.com", due_at=AT, made_by="x", made_at=AT
)
ROLES = ("incident_lead", "legal")


def signed(review: Review, role: str, *tasks: ReviewTask, by: str = "ida@example.com") -> Review:
    sign = SignOff(role=role, by=by, at=AT, covers=content_hash(review, tasks))
    return review.model_copy(update={"sign_offs": (*review.sign_offs, sign)})


def asked(review: Review, role: str, *tasks: ReviewTask, state: IncidentState = IncidentState.RESOLVED) -> None:
    may_sign(review, tasks, IDA, role, watch="acme", state=state, roles=ROLES)


@pytest.mark.parametrize(
    "change",
    [
        {"sections": {Section.LESSONS: "Something else."}},
        {"meeting": Meeting(held_at=AT, participants=("ana@example.com",))},
        {"authority_told_at": AT},
    ],
)
def test_any_change_voids_the_signatures_and_they_stay_on_view(change: dict[str, object]) -> None:
    review = signed(WRITTEN, "legal")
    assert missing_roles(review, (), ROLES) == ("incident_lead",)
    after = review.model_copy(update=change)
    assert standing_signatures(after, ()) == ()
    assert len(after.sign_offs) == 1
    assert missing_roles(after, (), ROLES) == ROLES


def test_a_task_that_is_added_moved_or_given_away_voids_them_and_one_that_is_done_does_not() -> None:
    review = signed(WRITTEN, "legal", TASK)
    assert standing_signatures(review, (TASK.model_copy(update={"state": TaskState.DONE}),))
    for changed in ({"owner": "ana@example.com"}, {"due_at": AT + timedelta(days=1)}, {"text": "Try again"}):
        assert not standing_signatures(review, (TASK.model_copy(update=changed),))
    assert not standing_signatures(review, ())
    final = review.model_copy(update={"final": content_hash(WRITTEN, (TASK,))})
    assert standing_signatures(final, ())  # once all have signed, tasks go on without them


def test_a_signature_needs_a_resolved_incident_a_meeting_a_lesson_a_role_that_is_asked_and_one_person() -> None:
    asked(WRITTEN, "legal")
    for review, role, state, why in (
        (WRITTEN, "legal", IncidentState.MONITORING, "once the incident is resolved"),
        (WRITTEN, "comms", IncidentState.RESOLVED, "no signature of comms is asked for"),
        (WRITTEN.model_copy(update={"meeting": None}), "legal", IncidentState.RESOLVED, "the review meeting"),
        (WRITTEN.model_copy(update={"sections": {}}), "legal", IncidentState.RESOLVED, "Lessons"),
        (signed(WRITTEN, "legal"), "legal", IncidentState.RESOLVED, "signed for legal already"),
        (signed(WRITTEN, "legal"), "incident_lead", IncidentState.RESOLVED, "one person, one signature"),
    ):
        with pytest.raises(NotAllowed, match=why):
            asked(review, role, state=state)
    with pytest.raises(NotAllowed, match="does not have the role"):
        may_sign(
            WRITTEN,
            (),
            IDA.model_copy(update={"roles": ()}),
            "legal",
            watch="acme",
            state=IncidentState.RESOLVED,
            roles=ROLES,
        )


def test_words_that_blame_are_found_with_something_better_to_say() -> None:
    text = "It was human error: Otto Haas failed to check. He should have known; whose fault was it? Careless."
    found = blame_in(text, ["Otto Haas"])
    assert {f.rule for f in found} == {
        "human-error",
        "named-person",
        "failed-to",
        "counterfactual",
        "fault",
        "judgement",
    }
    assert all(f.fix and f.reference and text[f.start : f.end] in f.says for f in found)
    calm = "The alert reached the approver on duty after 12 min, because the route led to a desk that was not staffed."
    assert blame_in(calm, ["Otto Haas"]) == ()


def incident(kind: CrisisType = CrisisType.DATA_BREACH) -> Incident:
    told = Assessment(
        severity=Severity.SEV2,
        type=kind,
        score=1,
        cluster=Cluster.PREVENTABLE,
        strategy=Strategy.REBUILD,
        assessed_at=AT,
    )
    return Incident(
        id="INC-1", watch="acme", title="x", state=IncidentState.RESOLVED, opened_at=AT, started_at=AT, assessment=told
    )


def test_the_first_word_is_read_against_the_norms_and_a_breach_against_the_law() -> None:
    late = read_norms(incident(), AT + timedelta(minutes=45), None, AT + timedelta(days=9))
    assert [n.within for n in late] == [False, True, True, None]
    assert late[-1].result == "not on record"
    assert "article 33" in late[-1].source
    told = read_norms(incident(), None, AT + timedelta(hours=73), AT + timedelta(minutes=40))
    assert [n.within for n in told] == [False, None, None, False]
    assert len(read_norms(incident(CrisisType.CONDUCT), AT, None, AT)) == 3


def test_the_way_to_the_first_word_is_cut_where_something_is_known() -> None:
    way = legs(
        [
            ("posts", AT),
            ("opened", None),
            ("told", AT + timedelta(minutes=2)),
            ("early", AT),
            ("out", AT + timedelta(hours=1)),
        ]
    )
    assert [(leg.name, leg.took) for leg in way] == [("told", timedelta(minutes=2)), ("out", timedelta(minutes=58))]


def test_only_widely_followed_accounts_are_named() -> None:
    posts = [
        Mention(id="1", text="x", created_at=AT, author="@quiet", followers=12),
        Mention(id="2", text="y", created_at=AT, author="@loud", followers=90_000),
        Mention(id="3", text="z", created_at=AT + timedelta(minutes=1), author="@quiet", followers=12),
        Mention(id="4", text="z", created_at=AT, author="@quiet", source="other"),
    ]
    named = bylines(posts)
    assert named["recorded", "@loud"] == "@loud"
    assert named["recorded", "@quiet"] != named["other", "@quiet"]
    assert "quiet" not in " ".join(named.values())


@given(st.text(max_size=40))
@settings(max_examples=50)
def test_no_text_of_a_table_is_a_formula_and_every_row_comes_back(text: str) -> None:
    made = csv_table(("a", "n"), [{"a": text, "n": -5}])
    assert made.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(made.decode("utf-8-sig"), newline="")))
    assert rows == [["a", "n"], [harmless(text), "-5"]]
    assert not rows[1][0].lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =HYPERLINK(1)", "＝1", "\r\n=1"])
def test_what_a_spreadsheet_would_obey_gets_an_apostrophe(text: str) -> None:
    assert harmless(text).startswith("'")

"""Benoit's strategies as sentences use them, and counsel that says what it rests on and what it ruled out."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crisis.counsel import counsel, sources
from crisis.doctrine import REFERENCES, choose_strategy
from crisis.image_repair import FAMILIES, Repair, tag, used
from crisis.statement import Statement
from crisis.triage import Assessment, Cluster, Strategy
from crisis.values import CrisisType, Severity, StatementKind

AT = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sentence", "repair"),
    [
        ("The claim that our water is unsafe is false.", Repair.SIMPLE_DENIAL),
        ("We deny this.", Repair.SIMPLE_DENIAL),
        ("The outage was caused by a supplier.", Repair.SHIFTING_BLAME),
        ("Our guards were provoked by the crowd.", Repair.PROVOCATION),
        ("Nobody could have known this; we could not foresee it.", Repair.DEFEASIBILITY),
        ("The storm was beyond our control.", Repair.DEFEASIBILITY),
        ("A mail went out by mistake.", Repair.ACCIDENT),
        ("Our intention was to celebrate the day.", Repair.GOOD_INTENTIONS),
        ("We are proud of our long record of safety.", Repair.BOLSTERING),
        ("Only 200 customers were concerned.", Repair.MINIMIZATION),
        ("This is an isolated incident.", Repair.MINIMIZATION),
        ("This was not a breach, it was a configuration error.", Repair.DIFFERENTIATION),
        ("What matters in the bigger picture is the future of our town.", Repair.TRANSCENDENCE),
        ("Our critics have an agenda and are wrong.", Repair.ATTACKING_ACCUSER),
        ("We will refund every ticket.", Repair.COMPENSATION),
        ("Our engineers are repairing the line.", Repair.CORRECTIVE_ACTION),
        ("We have stopped the sale.", Repair.CORRECTIVE_ACTION),
        ("We are deeply sorry.", Repair.MORTIFICATION),
        ("We take full responsibility.", Repair.MORTIFICATION),
    ],
)
def test_each_strategy_is_known_by_its_sound(sentence, repair):
    assert repair in used(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "We know that customers cannot log in.",
        "The next update follows by 15:00 UTC.",
        "Write to us at https://help.example.com.",
        "We have received 40 reports.",
    ],
)
def test_a_sentence_that_repairs_nothing_has_no_tag(sentence):
    assert tag(sentence) == ()


def test_tags_stand_where_their_sentences_do_and_every_strategy_has_one_family():
    text = "Our app is down. We are sorry.\n\nOur engineers are fixing it."
    assert [(text[t.start : t.end], t.families) for t in tag(text)] == [
        ("We are sorry.", ("mortification",)),
        ("Our engineers are fixing it.", ("corrective action",)),
    ]
    assert sorted(r for held in FAMILIES.values() for r in held) == sorted(Repair)


@given(st.text(max_size=400))
def test_any_text_is_tagged_within_itself(text):
    assert all(0 <= t.start < t.end <= len(text) for t in tag(text))


def assessed(cluster=Cluster.PREVENTABLE, kind=CrisisType.CONDUCT, **more) -> Assessment:
    choice = choose_strategy(cluster, kind, past_crises=more.pop("past", 0))
    return Assessment(
        severity=Severity.SEV2,
        type=kind,
        score=40,
        cluster=cluster,
        strategy=choice.strategy,
        why_strategy=choice.why,
        negative_share=0.8,
        assessed_at=AT,
        **more,
    )


def spoken(body: str, kind=StatementKind.HOLDING) -> Statement:
    return Statement(
        id="INC-1-S1",
        version=1,
        incident="INC-1",
        kind=kind,
        strategy=Strategy.REBUILD,
        author="template",
        created_at=AT,
        audience="customers",
        headline="We know",
        body=body,
        severity=Severity.SEV2,
        content_hash="0" * 64,
    )


@pytest.mark.parametrize("cluster", list(Cluster))
@pytest.mark.parametrize("kind", list(CrisisType))
@pytest.mark.parametrize("past", [0, 2])
def test_every_other_posture_is_ruled_out_with_a_reason_and_every_line_has_a_source(cluster, kind, past):
    found = counsel(assessed(cluster, kind, past=past), past_crises=past, anger_share=0.5)
    assert {r.strategy for r in found.ruled_out} == set(Strategy) - {found.strategy}
    assert all(len(r.why) > 20 for r in found.ruled_out)
    assert set(sources(found)) <= set(REFERENCES)
    assert {advice.reference for advice in found.advice} <= set(sources(found))
    assert found.strategy is choose_strategy(cluster, kind, past_crises=past).strategy


def does(found) -> str:
    return " ".join(advice.do for advice in found.advice)


def test_anger_is_explained_to_and_sadness_empathised_with():
    assert "Explain" in does(counsel(assessed(), anger_share=0.6))
    assert "Empathise" in does(counsel(assessed(), anger_share=0.05))
    unread = does(counsel(assessed()))
    assert "Explain" not in unread
    assert "Empathise" not in unread


def test_what_was_said_changes_what_is_advised():
    first = does(counsel(assessed()))
    assert "Speak now" in first
    assert "no compensation in public yet" in first
    sorry = spoken("We are sorry.")
    again = does(counsel(assessed(), said=[sorry, spoken("We are sorry.", StatementKind.SUBSTANTIVE)]))
    assert "Speak now" not in again
    assert "no compensation" not in again
    assert "Say something new" in again
    assert "past merits" in does(counsel(assessed(), said=[spoken("We are proud of our long record of safety.")]))


def test_people_are_told_first_how_to_protect_themselves():
    assert does(counsel(assessed(Cluster.PREVENTABLE, CrisisType.SAFETY_HARM))).startswith(
        "Say first how people protect"
    )


def test_a_posture_that_a_person_chose_says_so():
    chosen = assessed().model_copy(update={"strategy": Strategy.DIMINISH, "why_strategy": ""})
    found = counsel(chosen)
    assert found.strategy is Strategy.DIMINISH
    assert found.why == "chosen by a person"
    assert Strategy.REBUILD in {r.strategy for r in found.ruled_out}

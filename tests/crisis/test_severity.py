"""Severity: monotone, explained to the last point, never below its floors."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crisis.doctrine import CAUSES
from crisis.media import Newsrooms
from crisis.playbook import Playbook
from crisis.sensitivity import USUAL
from crisis.severity import FLOORS, assess
from crisis.triage import Clocks, Cluster, Factor, Signal, Strategy
from crisis.values import CrisisType, Severity
from crisis.watch import Mention, Watch

AT = datetime(2026, 3, 3, 13, 15, tzinfo=UTC)
WATCH = Watch(name="acme", brand="Acme", query="acme")


def signal(**changes: Any) -> Signal:
    plain: dict[str, Any] = {
        "watch": "acme",
        "at": AT,
        "window": timedelta(minutes=15),
        "mentions": 600,
        "distinct_texts": 420,
        "authors": 412,
        "usual_authors": 44.3,
        "negative_share": 0.81,
        "usual_negative_share": 0.23,
        "anger_share": 0.4,
        "reach": 120_000,
        "sources": {"x": 200, "bluesky": 150, "reddit": 70},
        "acceleration": 2.0,
        "started_at": AT - timedelta(minutes=40),
    }
    return Signal(**(plain | changes))


def mention(text: str, number: int = 0, followers: int = 0) -> Mention:
    return Mention(id=str(number), text=text, created_at=AT, author=f"a{number}", followers=followers)


def test_factors_are_said_as_a_person_reads_them() -> None:
    says = {factor.name: factor.says for factor in assess(signal(), WATCH).factors}
    assert says["volume"] == "412 authors in 15 min, 9.3× the usual 44"
    assert says["negativity"] == "81% negative, usually 23%"
    assert says["spread"] == "on 3 networks: x, bluesky, reddit"
    assert says["persistence"] == "under way for 40 min"


def test_what_is_not_known_is_said() -> None:
    says = {f.name: f.says for f in assess(signal(cold=True, usual_authors=0.2, unread=40), WATCH).factors}
    assert "baseline is young" in says["volume"]
    assert "next to nobody is usual" in says["volume"]
    assert "40 of 420 texts are in languages it cannot read" in says["negativity"]


def test_the_score_is_the_sum_of_its_points() -> None:
    for kind in CrisisType:
        assessment = assess(signal(), WATCH, crisis_type=kind)
        assert assessment.score == pytest.approx(sum(factor.points for factor in assessment.factors), abs=0.02)
        assert assessment.severity is USUAL.severity_of(assessment.score)


def test_a_score_that_is_told_as_an_edge_is_of_that_severity(monkeypatch: pytest.MonkeyPatch) -> None:
    points = [22.11, 20.38, 16.41, 8.1]
    assert sum([*points, CAUSES[CrisisType.UNKNOWN].gravity]) == 69.99999999999999
    told = tuple(Factor(name="volume", value=1, points=one, says="") for one in points)
    monkeypatch.setattr("crisis.severity.factors", lambda *_: told)
    found = assess(signal(), WATCH, crisis_type=CrisisType.UNKNOWN)
    assert (found.score, found.severity) == (70.0, Severity.SEV1)


SIGNALS = st.fixed_dictionaries(
    {
        "authors": st.integers(0, 100_000),
        "usual_authors": st.floats(0, 5_000),
        "negative_share": st.floats(0, 1),
        "anger_share": st.floats(0, 1),
        "reach": st.integers(0, 10**10),
        "acceleration": st.floats(0, 60),
        "copying_authors": st.integers(0, 100_000),
    }
)


@settings(deadline=None)
@given(
    SIGNALS, st.sampled_from(["authors", "negative_share", "anger_share", "reach", "acceleration"]), st.floats(1, 100)
)
def test_more_of_anything_bad_never_scores_less(base: dict[str, Any], name: str, times: float) -> None:
    worse = base[name] * times + (0 if "share" in name else 1)
    if "share" in name:
        worse = min(1.0, worse)
    raised = base | {name: type(base[name])(worse)}
    assert assess(signal(**raised), WATCH).score >= assess(signal(**base), WATCH).score - 0.011


@settings(deadline=None)
@given(SIGNALS, st.integers(0, 5), st.integers(0, 5), st.integers(0, 600), st.integers(0, 600), st.integers(0, 10**7))
def test_further_longer_and_louder_never_score_less(
    base: dict[str, Any], networks: int, more: int, minutes: int, longer: int, followers: int
) -> None:
    def score(count: int, age: int, loud: int) -> float:
        sources = {f"network-{n}": 5 for n in range(count)}
        seen = signal(**base, sources=sources, started_at=AT - timedelta(minutes=age))
        return assess(seen, WATCH, [mention("hello", followers=loud)]).score

    assert score(networks + more, minutes + longer, followers * 2) >= score(networks, minutes, followers) - 0.011


@settings(deadline=None, max_examples=50)
@given(SIGNALS, st.floats(0, 1), st.floats(0, 1), st.integers(0, 8), st.integers(0, 8))
def test_newer_voices_and_more_newsrooms_never_score_less(
    base: dict[str, Any], novelty: float, more: float, rooms: int, further: int
) -> None:
    newsrooms = Newsrooms(domains=frozenset(f"paper{n}.com" for n in range(16)))

    def score(share: float | None, count: int) -> float:
        posts = [mention(f"acme is in https://www.paper{n}.com/today", n) for n in range(count)]
        return assess(signal(**base, novelty=share), WATCH, posts, newsrooms=newsrooms).score

    least = score(novelty, rooms) - 0.011
    assert score(min(1.0, novelty + more), rooms + further) >= least
    assert score(None, rooms) <= least + 0.022


@pytest.mark.parametrize("kind", list(CrisisType))
def test_a_graver_harm_never_scores_less(kind: CrisisType) -> None:
    graver = [other for other in CrisisType if CAUSES[other].gravity >= CAUSES[kind].gravity]
    plain = assess(signal(), WATCH, crisis_type=kind)
    assert all(assess(signal(), WATCH, crisis_type=other).score >= plain.score for other in graver)


@settings(deadline=None)
@given(SIGNALS, st.integers(0, 100_000))
def test_coordination_lowers_confidence_and_never_the_severity(base: dict[str, Any], copying: int) -> None:
    less, more = base | {"copying_authors": 0}, base | {"copying_authors": copying}
    brigaded, clean = assess(signal(**more), WATCH), assess(signal(**less), WATCH)
    assert brigaded.score == clean.score
    assert brigaded.confidence <= clean.confidence
    for kind, floor in FLOORS.items():
        assert assess(signal(**more), WATCH, crisis_type=kind).score >= USUAL.edge(floor)


def test_confidence_is_said_with_every_doubt_and_a_brigade_lowers_it() -> None:
    doubtful = assess(signal(copying_authors=3000, cold=True, unread=200), WATCH)
    assert doubtful.confidence < 0.4
    assert "88% of 3,412 authors only repeat" in doubtful.why_confidence
    assert "hardly known" in doubtful.why_confidence
    assert "cannot be read" in doubtful.why_confidence
    brigade = [mention("acme is run by criminals and everybody must know it now", n) for n in range(60)]
    arranged = assess(signal(), WATCH, brigade)
    everybody = [mention(f"my acme order {n} was cancelled, terrible", n) for n in range(60)]
    assert arranged.confidence < assess(signal(), WATCH, everybody).confidence
    assert "authors" in arranged.why_confidence


def test_people_who_copy_the_brands_own_post_are_no_brigade() -> None:
    text = "we are checking every acme kettle sold since may, please unplug yours today"
    crowd = [mention(text, n).model_copy(update={"created_at": AT + timedelta(minutes=n)}) for n in range(40)]
    by_brand = [crowd[0].model_copy(update={"author": "AcmeCare"}), *crowd[1:]]
    watch = WATCH.model_copy(update={"query": "acme OR @acmecare -@globex"})
    assert assess(signal(), watch, by_brand).confidence > assess(signal(), watch, crowd).confidence
    assert assess(signal(), watch, by_brand).score == assess(signal(), watch, crowd).score


def test_clear_blame_makes_an_accident_preventable_and_is_quoted() -> None:
    failing = [f"my acme order {n} was cancelled and nobody answers, terrible" for n in range(40)]
    blaming = [f"acme cancelled my order {n} and they knew about it for weeks, terrible" for n in range(20)]
    accident = assess(signal(), WATCH, [mention(text, n) for n, text in enumerate(failing)])
    assert accident.cluster is Cluster.ACCIDENTAL
    blamed = assess(signal(), WATCH, [mention(text, n) for n, text in enumerate(failing + blaming)])
    assert blamed.cluster is Cluster.PREVENTABLE
    assert blamed.strategy is Strategy.REBUILD
    assert "20 of 60 hostile posts see intent or neglect" in blamed.why_cluster
    assert blamed.cluster_quotes
    assert all("they knew" in quote for quote in blamed.cluster_quotes)


def test_a_rumour_is_not_moved_by_those_who_believe_it() -> None:
    posts = [mention(f"I heard they knew acme poisons us, apparently a cover-up, awful {n}", n) for n in range(30)]
    assessment = assess(signal(), WATCH, posts, crisis_type=CrisisType.MISINFORMATION)
    assert assessment.cluster is Cluster.VICTIM
    assert assessment.strategy is Strategy.DENY


def test_people_at_risk_are_never_a_small_matter() -> None:
    small = signal(authors=12, usual_authors=8, negative_share=0.3, anger_share=0, reach=10, acceleration=1)
    posts = [mention(f"the acme kettle caught fire and burned my hand, dangerous {n}", n) for n in range(12)]
    assessment = assess(small, WATCH, posts)
    assert assessment.type is CrisisType.SAFETY_HARM
    assert assessment.severity >= Severity.SEV2
    assert "floor" in {factor.name for factor in assessment.factors}
    assert assessment.strategy is Strategy.REBUILD
    assert assessment.cluster is Cluster.PREVENTABLE


def test_an_assessment_tells_cause_narratives_and_loudest_voice() -> None:
    posts = [mention(f"my acme order was cancelled and nobody answers, order {n} is lost", n) for n in range(30)]
    posts.append(mention("acme cancelled everything again, terrible", 99, followers=250_000))
    assessment = assess(signal(), WATCH, posts)
    assert assessment.type is CrisisType.SERVICE_FAILURE
    assert assessment.narratives
    assert "@a99 with 250,000 followers" in " ".join(factor.says for factor in assessment.factors)


def test_a_playbook_decides_cluster_and_clocks() -> None:
    book = Playbook(
        type=CrisisType.SERVICE_FAILURE,
        title="Outage",
        cluster=Cluster.VICTIM,
        clocks=Clocks(holding=timedelta(minutes=7)),
        approval={},
        templates={},
    )
    assessment = assess(signal(), WATCH, crisis_type=book.type, playbooks={book.type: book})
    assert assessment.clocks == book.clocks
    assert (assessment.cluster, assessment.strategy) == (Cluster.VICTIM, Strategy.INSTRUCT)

"""Doctrine: SCCT's rules, and causes that are named only on evidence."""

import pytest

from crisis.doctrine import CAUSES, REFERENCES, choose_strategy, guess_cause
from crisis.triage import Cluster, Strategy
from crisis.values import CrisisType

T, V, A, P = CrisisType, Cluster.VICTIM, Cluster.ACCIDENTAL, Cluster.PREVENTABLE


@pytest.mark.parametrize(
    ("cluster", "cause", "history", "standing", "expected"),
    [
        (V, T.OUTSIDE_EVENT, 0, 0.5, Strategy.INSTRUCT),
        (V, T.OUTSIDE_EVENT, 1, 0.5, Strategy.DIMINISH),
        (V, T.OUTSIDE_EVENT, 0, 0.1, Strategy.DIMINISH),
        (V, T.MISINFORMATION, 2, 0.1, Strategy.DENY),
        (A, T.SERVICE_FAILURE, 0, 0.5, Strategy.DIMINISH),
        (A, T.SERVICE_FAILURE, 1, 0.5, Strategy.REBUILD),
        (A, T.SERVICE_FAILURE, 0, 0.2, Strategy.REBUILD),
        (P, T.CONDUCT, 0, 1.0, Strategy.REBUILD),
        (P, T.MISINFORMATION, 0, 1.0, Strategy.REBUILD),
    ],
)
def test_the_posture_follows_scct(
    cluster: Cluster, cause: CrisisType, history: int, standing: float, expected: Strategy
) -> None:
    choice = choose_strategy(cluster, cause, past_crises=history, standing=standing)
    assert choice.strategy is expected
    assert choice.why
    assert set(choice.references) <= set(REFERENCES)


def test_only_a_rumour_is_ever_denied() -> None:
    for cluster in Cluster:
        for cause in CrisisType:
            denied = choose_strategy(cluster, cause).strategy is Strategy.DENY
            assert denied == (cluster is V and cause is T.MISINFORMATION)


def test_every_cause_has_a_row_with_references() -> None:
    assert set(CAUSES) == set(CrisisType)
    assert all(set(cause.references) <= set(REFERENCES) for cause in CAUSES.values())


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["flight cancelled again", "my order is delayed", "error 31", "stuck on hold", "refund"], T.SERVICE_FAILURE),
        (["it caught fire", "smoke everywhere", "burned my hand", "überhitzt", "煙が出た"], T.SAFETY_HARM),
        (["my data leaked", "hacked again", "privacy breach", "fuite de données", "datenleck"], T.DATA_BREACH),
        (["what a racist ad", "sexist campaign", "offensive", "insensitive commercial", "racista"], T.INSENSITIVE_CAMPAIGN),
        (["the ceo must resign", "fraud", "harassment", "bullying at the top", "bribery"], T.CONDUCT),
        (["hello", "nice day", "coffee", "bicycle", "blue"], T.UNKNOWN),
        (["it caught fire"], T.UNKNOWN),
        ([], T.UNKNOWN),
    ],
)  # fmt: skip
def test_a_cause_is_named_by_its_evidence(texts: list[str], expected: CrisisType) -> None:
    guess = guess_cause(texts)
    assert guess.type is expected
    assert guess.says


def test_a_close_race_is_unknown() -> None:
    texts = ["order cancelled", "delivery delayed", "refund", "stuck", "broken"]
    texts += ["racist ad", "sexist ad", "offensive ad", "offended", "insensitive"]
    assert guess_cause(texts).type is T.UNKNOWN
    assert "too close" in guess_cause(texts).says


def test_danger_leads_from_half_the_evidence_on() -> None:
    texts = [f"order {n} cancelled" for n in range(12)] + [f"machine {n} caught fire" for n in range(6)]
    assert guess_cause(texts).type is T.SAFETY_HARM

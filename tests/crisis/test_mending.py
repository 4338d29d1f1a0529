"""One press on a finding: afterwards lint finds it no more, and nothing else of the text has changed."""

import pytest

from crisis.finding import Finding
from crisis.lint import lint
from crisis.mending import Known, mend
from crisis.values import CrisisType, StatementKind

KNOWN = Known(
    affected="customers of Acme",
    next_update="15:05 UTC",
    contact="https://acme.example/help",
    cause=CrisisType.SERVICE_FAILURE,
)
GOOD = (
    "Payments fail\n\nWe know that customers cannot pay, and we are sorry. Our engineers are working on it. "
    "Next update by 15:05 UTC. Talk to us: https://acme.example/help."
)


def found(text: str, rule: str) -> Finding:
    return next(f for f in lint(text, kind=StatementKind.HOLDING) if f.rule == rule)


def rules(text: str) -> set[str]:
    return {f.rule for f in lint(text, kind=StatementKind.HOLDING)}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Payments\n\nIt broke.", "no-acknowledgement"),
        ("Payments\n\nIt broke.", "nobody-affected"),
        ("Payments\n\nIt broke.", "no-action"),
        ("Payments\n\nIt broke.", "no-next-update"),
        ("Payments\n\nIt broke.", "no-contact"),
        (f"{GOOD} It only affects some of you.", "minimising"),
        (f"{GOOD} It was an isolated incident.", "minimising"),
        (f"{GOOD} We are sorry if anyone was offended.", "conditional-apology"),
        (f"{GOOD} It will be fixed by 16:00.", "promised-repair-time"),
        (f"{GOOD} [INSERT NAME] said so.", "template-marker"),
        (f"{GOOD} Ask jane.doe@gmail.com about it.", "personal-data"),
        (f"{GOOD} It was probably the heat.", "speculation"),
        (f"{GOOD} We offer a voucher.", "early-compensation"),
    ],
)
def test_a_mend_takes_away_what_it_is_for(text: str, rule: str) -> None:
    mended = mend(text, found(text, rule), KNOWN)
    assert mended is not None
    assert rule not in rules(mended.text)
    assert rules(mended.text) <= rules(text)
    assert mended.text.partition("\n\n")[0] == text.partition("\n\n")[0], "the headline stays"


def test_what_is_taken_out_leaves_the_rest_as_it_was() -> None:
    text = GOOD.replace("Next update", "It was probably the heat. Next update")
    mended = mend(text, found(text, "speculation"), KNOWN)
    assert mended is not None
    assert mended.text == GOOD


def test_nothing_is_offered_that_is_not_on_record() -> None:
    text = "Payments\n\nIt broke."
    for rule in ("no-acknowledgement", "no-next-update", "no-contact"):
        assert mend(text, found(text, rule), Known()) is None


def test_no_english_sentence_is_put_into_another_language() -> None:
    text = "Zahlungen\n\nEs geht nicht."
    finding = Finding(rule="no-contact", level="block", start=len(text), end=len(text), says="", fix="", reference="")
    assert mend(text, finding, KNOWN, language="de") is None
    assert mend(text, finding, KNOWN) is not None


def test_a_headline_is_never_taken_out() -> None:
    text = "It was probably the heat.\n\n" + GOOD.partition("\n\n")[2]
    assert mend(text, found(text, "speculation"), KNOWN) is None

"""The promise of lint about good statements holds on statements that no rule was tuned on; the table fits a terminal."""

import pytest

from benchmarks import lint


@pytest.mark.parametrize("part", lint.PARTS)
def test_no_rule_fires_on_more_than_a_tenth_of_the_good_statements_of_any_part(part: str) -> None:
    good = [case for case in lint.cases("unseen_good") if case["split"] == part]
    rows = lint.measure(good, [])
    often = {rule: row["on_good"] for rule, row in rows.items() if row["on_good"] > lint.FIRES_ON_GOOD * len(good)}
    assert often == {}


def test_every_bad_statement_of_the_held_out_part_is_found_wanting() -> None:
    bad = [case for case in lint.cases("unseen_bad") if case["split"] == "held_out"]
    assert len(bad) >= 30
    assert [case["case"] for case in bad if not lint.fired(case)] == []


def test_a_case_belongs_to_one_part_by_its_name_good_and_bad_alike() -> None:
    good, bad = lint.cases("unseen_good"), lint.cases("unseen_bad")
    assert len(good) >= 60
    assert len(bad) >= 60
    assert {case["split"] for case in good} == set(lint.PARTS)
    assert [(c["case"], c["split"]) for c in good] == [(c["case"], lint.part_of(c["case"])) for c in good]
    assert {c["case"]: c["split"] for c in bad} == {c["case"]: c["split"] for c in good}
    tuned = {c["case"] for name in ("good", "bad") for c in lint.cases(name)}
    assert not tuned & {c["case"] for c in good}, "a case that was tuned on is not asked again"


def test_the_table_fits_eighty_columns(capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = lint.cases("unseen_good"), lint.cases("unseen_bad")
    lint.show("Written unseen, held out", good, bad)
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80

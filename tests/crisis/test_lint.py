"""Lint finds what would make a crisis worse, says where and what to do, and leaves good statements alone."""

import runpy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import integrations
from crisis.fact import Fact, FactStatus
from crisis.lint import Finding, Level, blocks, lint, unfinished
from crisis.statement import Target
from crisis.values import CrisisType, StatementKind

MEASURED = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "lint.py"))
AT = MEASURED["AT"]
GOOD: list[dict[str, Any]] = MEASURED["cases"]("good")
BAD: list[dict[str, Any]] = MEASURED["cases"]("bad")
H = StatementKind.HOLDING
PAGE = (Target(channel="status-page", kind="statuspage"), integrations.integration("statuspage").platform_limits)
X = (Target(channel="x", kind="x"), integrations.integration("x").platform_limits)

SOUND = (
    "We know that customers cannot log in, and we are sorry. Our engineers are working on a fix. "
    "Next update by 15:00 UTC. Help: https://help.example.com."
)


def fact(text: str, status: FactStatus) -> Fact:
    return Fact(id="INC-1-F1", incident="INC-1", text=text, status=status, owner="ana@example.com", updated_at=AT)


def found(text: str, **more: Any) -> dict[str, Finding]:
    kind = more.pop("kind", H)
    return {f.rule: f for f in lint(text, kind=kind, **more)}


def quoted(text: str, rule: str, **more: Any) -> str:
    finding = found(text, **more)[rule]
    return text[finding.start : finding.end]


# ---- the written statements


def test_there_are_enough_written_statements() -> None:
    assert len([c for c in GOOD if not c.get("held_out")]) >= 30
    assert len([c for c in BAD if not c.get("held_out")]) >= 30
    assert len({c["case"] for c in GOOD + BAD}) == len(GOOD) + len(BAD)


def test_no_rule_fires_on_more_than_a_tenth_of_the_good_statements() -> None:
    rows = MEASURED["measure"](GOOD, [])
    assert {rule: row["on_good"] for rule, row in rows.items() if row["on_good"] > len(GOOD) / 10} == {}


@pytest.mark.parametrize("case", [c for c in BAD if not c.get("held_out")], ids=lambda c: c["case"])
def test_a_bad_statement_triggers_its_labelled_rules(case: dict[str, Any]) -> None:
    missed = set(case["rules"]) - MEASURED["fired"](case)
    assert missed <= set(case.get("known_misses", ()))


def test_every_rule_has_a_bad_statement() -> None:
    labelled = {rule for case in BAD for rule in case["rules"]}
    every = {f.rule for case in BAD for f in MEASURED["findings"](case)}
    assert every <= labelled


# ---- what every finding promises


@pytest.mark.parametrize("case", BAD, ids=lambda c: c["case"])
def test_every_finding_has_an_exact_span_a_reason_a_fix_and_a_source(case: dict[str, Any]) -> None:
    text = case["text"]
    for finding in MEASURED["findings"](case):
        assert 0 <= finding.start <= finding.end <= len(text)
        assert finding.start < finding.end or finding.start == len(text)
        assert finding.says
        assert finding.fix
        assert finding.reference


def test_blocking_findings_come_first_then_by_place() -> None:
    text = "We are sorry if anyone was offended. Our fault. [NAME]"
    levels = [f.level for f in lint(text, kind=H)]
    assert levels == sorted(levels, key=lambda level: level is not Level.BLOCK)
    assert Level.WARN in levels
    assert blocks(lint(text, kind=H))


def test_a_sound_statement_has_no_findings() -> None:
    assert lint(SOUND, kind=H) == []
    assert not blocks(lint(SOUND, kind=H))


@given(text=st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_no_text_breaks_lint(text: str) -> None:
    for finding in lint(text, kind=H, outlets=[X], facts=[fact("Data was stolen", FactStatus.UNCONFIRMED)]):
        assert 0 <= finding.start <= finding.end <= len(text)


# ---- parts


@pytest.mark.parametrize(
    ("rule", "without"),
    [
        (
            "no-acknowledgement",
            SOUND.replace("We know that customers cannot log in, and we are sorry.", "Dear customers."),
        ),
        ("nobody-affected", SOUND.replace("customers cannot log in", "there is an outage")),
        ("no-action", SOUND.replace("Our engineers are working on a fix. ", "")),
        ("no-next-update", SOUND.replace("Next update by 15:00 UTC. ", "")),
        ("no-next-update", SOUND.replace("Next update by 15:00 UTC. ", "Next update soon. ")),
        ("no-contact", SOUND.replace(" Help: https://help.example.com.", "")),
    ],
)
def test_a_missing_part_blocks(rule: str, without: str) -> None:
    findings = lint(without, kind=H)
    assert [f.rule for f in findings if f.level is Level.BLOCK] == [rule]
    assert findings[0].start == findings[0].end == len(without)


def test_a_resolution_owes_no_next_update_and_an_answer_no_action() -> None:
    resolved = "We have fixed the fault: all customers can log in again. Questions: https://help.example.com"
    assert "no-next-update" not in found(resolved, kind=StatementKind.RESOLUTION)
    assert "no-next-update" in found(resolved, kind=StatementKind.UPDATE)
    assert found("We understand. Read https://help.example.com", kind=StatementKind.ANSWER) == {}


def test_danger_calls_for_an_instruction() -> None:
    assert "no-instruction" in found(SOUND, crisis_type=CrisisType.DATA_BREACH)
    assert "no-instruction" not in found(SOUND, crisis_type=CrisisType.SERVICE_FAILURE)
    told = SOUND + " Please change your password."
    assert "no-instruction" not in found(told, crisis_type=CrisisType.DATA_BREACH)


# ---- facts


def test_an_unconfirmed_fact_stated_as_true_blocks_with_its_sentence() -> None:
    claim = "Attackers copied the passwords of 40,000 members"
    text = f"{SOUND} Attackers have copied passwords of 40,000 members."
    where = quoted(text, "unconfirmed-fact", facts=[fact(claim, FactStatus.UNCONFIRMED)])
    assert where == "Attackers have copied passwords of 40,000 members."
    assert "unconfirmed-fact" not in found(text, facts=[fact(claim, FactStatus.CONFIRMED)])


@pytest.mark.parametrize(
    "sentence",
    [
        "We do not know yet whether attackers copied the passwords of 40,000 members.",
        "We are investigating reports that attackers copied passwords of 40,000 members.",
        "We cannot confirm that attackers copied passwords of 40,000 members.",
        "What we do not know yet:\n- Attackers copied passwords of 40,000 members",
    ],
)
def test_an_unconfirmed_fact_may_be_named_as_unknown(sentence: str) -> None:
    claim = fact("Attackers copied the passwords of 40,000 members", FactStatus.UNCONFIRMED)
    assert "unconfirmed-fact" not in found(f"{SOUND} {sentence}", facts=[claim])


def test_another_number_is_another_claim() -> None:
    claim = fact("Attackers copied the passwords of 40,000 members", FactStatus.UNCONFIRMED)
    assert "unconfirmed-fact" not in found(f"{SOUND} Attackers copied passwords of 12 members.", facts=[claim])


def test_what_is_confirmed_may_be_said_beside_what_is_not() -> None:
    facts = [
        fact("A cyclist was injured on Main Street", FactStatus.CONFIRMED),
        fact("A cyclist was injured on Main Street by a brake failure", FactStatus.UNCONFIRMED),
    ]
    assert "unconfirmed-fact" not in found(f"{SOUND} A cyclist was injured on Main Street.", facts=facts)
    said = f"{SOUND} A cyclist was injured on Main Street by a failure of the brake."
    assert "unconfirmed-fact" in found(said, facts=facts)


def test_a_refuted_fact_may_be_denied_but_not_stated() -> None:
    claim = fact("Syringes were found in sealed cans", FactStatus.REFUTED)
    assert "refuted-fact" in found(f"{SOUND} Syringes were found in sealed cans.", facts=[claim])
    assert "refuted-fact" not in found(
        f"{SOUND} It is not true that syringes were found in sealed cans.", facts=[claim]
    )
    assert "refuted-fact" not in found(f"{SOUND} No syringes were found in sealed cans.", facts=[claim])


# ---- contradictions


def earlier(strategy: str, body: str) -> Any:
    return MEASURED["_earlier"](1, {"strategy": strategy, "body": body})


def test_an_apology_after_a_denial_blocks_unless_it_says_that_the_denial_was_wrong() -> None:
    before = [earlier("deny", "The reports are false. Nothing was stolen.")]
    text = f"{SOUND} We failed you, and we apologise."
    assert quoted(text, "contradiction", earlier=before) == "We failed"
    assert "contradiction" not in found(f"{text} Our earlier statement was wrong.", earlier=before)
    assert "contradiction" not in found(text, earlier=before, kind=StatementKind.CORRECTION)


def test_a_denial_after_an_apology_blocks() -> None:
    before = [earlier("rebuild", "We were wrong, and we apologise.")]
    assert "contradiction" in found(f"{SOUND} We deny the claims.", earlier=before)


def test_a_confirmed_fact_is_no_denial_of_what_was_apologised_for_but_of_the_same_claim_it_is() -> None:
    known = fact("No data was lost, only slow to arrive.", FactStatus.CONFIRMED)
    text = f"{SOUND}\n- No data was lost, only slow to arrive."
    slow = [earlier("diminish", "Payments fail, and we are sorry that we let you down.")]
    assert "contradiction" in found(text, earlier=slow)
    assert "contradiction" not in found(text, earlier=slow, facts=[known])
    lost = [earlier("diminish", "Your data was lost, not only slow to arrive. We apologise.")]
    assert "contradiction" in found(text, earlier=lost, facts=[known])


def test_another_number_for_the_same_thing_blocks_unless_it_says_that_it_changed() -> None:
    before = [earlier("instruct", "We confirm that 12 passengers were hurt.")]
    assert quoted(f"{SOUND} In all 31 passengers were hurt.", "contradiction", earlier=before) == "31 passengers"
    assert "contradiction" not in found(f"{SOUND} By now 31 passengers are known to be hurt.", earlier=before)
    assert "contradiction" not in found(f"{SOUND} In all 12 passengers were hurt.", earlier=before)


# ---- personal data and secrets


@pytest.mark.parametrize(
    "leak",
    [
        "jane.doe@example.com",
        "someone@gmail.com",
        "4111 1111 1111 1111",
        "DE89 3704 0044 0532 0130 00",
        "536-90-4399",
    ],
)
def test_personal_data_blocks(leak: str) -> None:
    assert quoted(f"{SOUND} The person is {leak} as we hear.", "personal-data") == leak


@pytest.mark.parametrize(
    "harmless",
    [
        "Write to press@example.com",
        "Call us on +44 20 7946 0958",
        "Families: 1-800-555-0142",
        "Order 4111 1111 1111 1112",
        "Flight DE89 3702 is late",
        "At 2026-03-01 14:05 we counted 1,234,567 visits",
        "Lot 123-45-678",
    ],
)
def test_what_is_no_personal_data_passes(harmless: str) -> None:
    assert "personal-data" not in found(f"{SOUND} {harmless}.")


def test_the_companys_own_contact_is_no_personal_data() -> None:
    text = f"{SOUND} ana.silva@example.com or +351 21 555 0100."
    assert "personal-data" in found(text)
    assert "personal-data" not in found(text, contact="ana.silva@example.com, +351 21 555 0100")


@pytest.mark.parametrize(
    "secret",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_" + "a1B2" * 9,
        "xoxb-" + "123456789012-abcdef",
        "sk_live_" + "a1b2c3d4e5f6",
        "Bearer " + "abcdefghijklmnop1234",
        "-----BEGIN RSA PRIVATE KEY-----",
        "password: hunter2000",
        "https://ana:geheim1@db.example.com/",
        "https://example.com/?access_token=abcdef123",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "5Kb8kLf9zgWQnogidDA76MzPL6TsZZY36hWXMssSzNydYXYB9KF",
    ],
)
def test_a_secret_blocks(secret: str) -> None:
    assert secret in f"{SOUND} {secret} ."
    assert "secret" in found(f"{SOUND} {secret} .")


@pytest.mark.parametrize(
    "harmless",
    [
        "https://example.com/2026/03/01/a-very-long-address-with-many-words-and-4-numbers",
        "Donaudampfschifffahrtsgesellschaft",
        "1234567890123456789012345",
        "Please change your password.",
        "internationalisation-of-everything",
    ],
)
def test_what_is_no_secret_passes(harmless: str) -> None:
    assert "secret" not in found(f"{SOUND} {harmless}")


# ---- limits and markers


def test_a_text_over_the_channels_limit_blocks_from_where_it_no_longer_fits() -> None:
    text = SOUND + " " + "x" * 25_000
    finding = found(text, outlets=[PAGE])["over-limit"]
    assert (finding.start, finding.end) == (25_000, len(text))
    assert "over-limit" not in found(text)


def test_a_text_that_a_thread_can_hold_is_not_over_the_limit() -> None:
    assert "over-limit" not in found(SOUND * 5, outlets=[X])


@pytest.mark.parametrize(
    "marker",
    ["{{ brand }}", "{% if x %}", "[NAME]", "[insert date]", "<insert time>", "TBD", "XX:XX", "${brand}", "____"],
)
def test_a_leftover_marker_blocks(marker: str) -> None:
    assert quoted(f"{SOUND} At {marker} we will.", "template-marker") == marker


def test_ordinary_brackets_are_no_markers() -> None:
    assert "template-marker" not in found(f"{SOUND} He said [in French] that all is well (see [1]).")


# ---- wording


@pytest.mark.parametrize(
    ("rule", "sentence", "where"),
    [
        ("conditional-apology", "We are sorry if anyone was offended.", "sorry if anyone"),
        ("conditional-apology", "We apologise for any inconvenience.", "apologise for any inconvenience"),
        ("minimising", "It was an isolated incident.", "an isolated incident"),
        ("blame-shifting", "My words were taken out of context.", "taken out of context"),
        ("speculation", "It is probably the weather.", "probably"),
        ("promised-repair-time", "It will be fixed by noon.", "will be fixed by noon"),
        ("admission-without-legal", "It was our negligence.", "our negligence"),
        ("early-compensation", "Everyone gets a voucher.", "voucher"),
        ("hidden-actor", "Mistakes were made.", "Mistakes were made"),
        ("jargon", "We leverage it.", "leverage"),
    ],
)
def test_harmful_wording_warns_at_the_words(rule: str, sentence: str, where: str) -> None:
    text = f"{SOUND} {sentence}"
    assert found(text)[rule].level is Level.WARN
    assert quoted(text, rule) == where


def test_either_apostrophe_is_read() -> None:
    assert "no-action" not in found(SOUND.replace("Our engineers are working", "We’re working"))
    assert "no-action" not in found(SOUND.replace("Our engineers are working", "We're working"))


def test_taking_it_seriously_warns_only_when_nothing_is_done_about_it() -> None:
    empty = "We take your privacy very seriously. It matters."
    assert "hollow-assurance" in found(empty)
    assert "hollow-assurance" not in found(empty + " We have closed the hole.")


def test_an_admission_is_fine_once_legal_has_signed_it_off() -> None:
    assert "admission-without-legal" not in found(f"{SOUND} It was our negligence.", legal_signed_off=True)


def test_compensation_is_early_only_in_a_holding_statement() -> None:
    assert "early-compensation" not in found(f"{SOUND} You get a voucher.", kind=StatementKind.SUBSTANTIVE)


def test_a_text_above_grade_ten_warns_at_its_hardest_sentence() -> None:
    hard = (
        "The organisation acknowledges the extraordinary circumstances necessitating comprehensive investigation of "
        "infrastructure irregularities affecting international telecommunications interoperability."
    )
    text = f"{SOUND} {hard} {hard}"
    assert quoted(text, "reading-grade") == hard
    assert "reading-grade" not in found(f"{SOUND} {SOUND}")


# ---- languages


def test_other_languages_are_checked_in_part_and_that_is_said_once() -> None:
    text = "Wir wissen, dass Kunden sich nicht anmelden können. jane.doe@example.com"
    findings = found(text, language="de")
    assert findings["language-not-checked"].level is Level.WARN
    assert set(findings) == {"language-not-checked", "no-next-update", "personal-data"}
    whole = "Nächste Meldung um 15:00 Uhr. https://hilfe.example.com"
    assert set(found(whole, language="de-AT")) == {"language-not-checked"}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("tile", ["x", "a.", "we will ", "@a", "1 ", "4111-", "our a a a ", "a. ", " ", "- "])
def test_no_long_text_makes_lint_slow(tile: str) -> None:
    assert found(tile * (20_000 // len(tile)), outlets=[PAGE])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Dear {{ a {{ name }}, we are", ["{{ name }}"]),
        ("<<a <<name>> and <<when>>", ["<<name>>", "<<when>>"]),
        ("{%{% if %} {#{# later #}", ["{% if %}", "{# later #}"]),
        ("<" * 5_000 + "[YOUR NAME]", ["[YOUR NAME]"]),
    ],
)
def test_a_place_left_open_is_found_from_its_last_beginning(text: str, found: list[str]) -> None:
    assert [text[one.start : one.end] for one in unfinished(text)] == found

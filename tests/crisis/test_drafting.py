"""Drafts state confirmed facts only, keep their promises on record, and are bound by their hash."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crisis.approval import Policy
from crisis.counting import Limits, Unit
from crisis.drafting import (
    NotADraft,
    NoTemplate,
    Outlet,
    headline_and_body,
    next_update,
    promises_in,
    propose_statement,
    template_context,
    template_name,
)
from crisis.fact import Fact, FactStatus
from crisis.incident import Incident, IncidentState
from crisis.playbook import Playbook
from crisis.statement import Statement, Target, hash_of
from crisis.triage import Assessment, Clocks, Cluster, Strategy
from crisis.values import CrisisType, Severity, StatementKind
from crisis.watch import Watch

NOW = datetime(2026, 3, 1, 14, 7, 31, tzinfo=UTC)
WATCH = Watch(name="acme", brand="Acme", query="acme", contact="https://help.acme.example")
PAGE = Limits(length=25_000, subject=255, status=True, source="a test")
SHORT = Limits(length=500, unit=Unit.GRAPHEMES, threads=True, source="a test")
PLAYBOOK = Playbook(
    type=CrisisType.SERVICE_FAILURE,
    title="Failure",
    cluster=Cluster.ACCIDENTAL,
    approval={StatementKind.HOLDING: Policy(roles={"comms": 1})},
    templates={StatementKind.HOLDING: "special.txt.j2"},
)


def incident(severity: Severity = Severity.SEV1, **clocks: timedelta) -> Incident:
    assessment = Assessment(
        severity=severity,
        type=CrisisType.SERVICE_FAILURE,
        score=80,
        cluster=Cluster.ACCIDENTAL,
        strategy=Strategy.REBUILD,
        clocks=Clocks(**clocks),
        assessed_at=NOW,
    )
    return Incident(
        id="INC-1",
        watch="acme",
        title="Acme is down",
        state=IncidentState.OPEN,
        opened_at=NOW,
        started_at=NOW,
        assessment=assessment,
    )


def fact(number: int, status: FactStatus) -> Fact:
    return Fact(
        id=f"INC-1-F{number}",
        incident="INC-1",
        text="Logins fail",
        status=status,
        owner="a@example.com",
        updated_at=NOW,
    )


def context(kind: StatementKind = StatementKind.HOLDING, **more: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "incident": incident(),
        "facts": (),
        "watch": WATCH,
        "playbook": PLAYBOOK,
        "now": NOW,
        "organisation": "Acme Ltd",
    }
    return template_context(kind=kind, **(given | more))


def proposed(**more: Any) -> Statement:
    given: dict[str, Any] = {
        "id": "INC-1-S1",
        "version": 1,
        "kind": StatementKind.HOLDING,
        "incident": incident(),
        "facts": (fact(1, FactStatus.CONFIRMED),),
        "headline": "Logins fail",
        "body": "We know, and we are sorry. Next update by 15:05 UTC.",
        "outlets": (
            Outlet(target=Target(channel="status", kind="statuspage"), limits=PAGE),
            Outlet(target=Target(channel="box", kind="sandbox"), limits=SHORT, reply_to="99"),
        ),
        "audience": "customers",
        "now": NOW,
    }
    return propose_statement(**(given | more))


def test_only_confirmed_facts_reach_a_template() -> None:
    facts = [fact(1, FactStatus.CONFIRMED), fact(2, FactStatus.UNCONFIRMED), fact(3, FactStatus.REFUTED)]
    assert [f.id for f in context(facts=facts)["facts"]] == ["INC-1-F1"]


def test_a_template_is_given_every_promised_word() -> None:
    assert {
        "organisation",
        "brand",
        "watch",
        "incident",
        "affected",
        "facts",
        "unknowns",
        "actions",
        "contact",
        "next_update",
        "next_update_says",
        "sign_off",
        "corrected",
        "severity",
        "strategy",
    } <= set(context())


@pytest.mark.parametrize("cause", list(CrisisType))
def test_every_cause_has_words_for_the_first_hour(cause: CrisisType) -> None:
    assessed = incident().assessment.model_copy(update={"type": cause})
    given = context(incident=incident().model_copy(update={"assessment": assessed}))
    assert given["affected"]
    assert given["actions"]
    assert "{" not in given["affected"]


def test_what_people_say_outweighs_the_words_of_the_first_hour() -> None:
    given = context(affected="passengers", unknowns=["why"], actions=["we rebook"])
    assert (given["affected"], given["unknowns"], given["actions"]) == ("passengers", ("why",), ("we rebook",))


def test_a_resolution_does_not_say_that_we_are_still_investigating() -> None:
    assert context(StatementKind.RESOLUTION)["actions"] == ()
    assert context(StatementKind.RESOLUTION)["next_update_says"] == ""


def test_the_watchs_own_contact_outweighs_the_organisations() -> None:
    assert context(contact="https://acme.example")["contact"] == "https://help.acme.example"
    bare = WATCH.model_copy(update={"contact": ""})
    assert context(contact="https://acme.example", watch=bare)["contact"] == "https://acme.example"


def test_the_next_update_comes_within_the_clock_at_a_time_people_remember() -> None:
    assert next_update(incident(), NOW) == datetime(2026, 3, 1, 15, 5, tzinfo=UTC)
    assert context()["next_update_says"] == "15:05 UTC"


def test_milder_incidents_speak_less_often() -> None:
    assert next_update(incident(Severity.SEV3), NOW) == datetime(2026, 3, 1, 18, 5, tzinfo=UTC)


def test_a_short_clock_is_never_rounded_into_the_past() -> None:
    due = next_update(incident(update_every=timedelta(minutes=2)), NOW)
    assert due == datetime(2026, 3, 1, 14, 10, tzinfo=UTC)


def test_an_update_after_midnight_names_the_day() -> None:
    late = NOW.replace(hour=23, minute=30)
    assert context(now=late)["next_update_says"] == "00:30 UTC on 2 March"


def test_a_promise_is_on_record_exactly_when_the_text_makes_it() -> None:
    due = datetime(2026, 3, 1, 15, 5, tzinfo=UTC)
    assert [p.due_at for p in promises_in("Next update by 15:05 UTC.", due, "15:05 UTC")] == [due]
    assert promises_in("We will see.", due, "15:05 UTC") == ()
    assert promises_in("Next update by 15:05 UTC.", None, "") == ()


def test_a_persons_own_time_is_the_promise() -> None:
    due = datetime(2026, 3, 1, 15, 5, tzinfo=UTC)
    own = promises_in("We will write again by 16:30 UTC. It began at 09:00 UTC.", due, "15:05 UTC", now=NOW)
    assert [p.due_at for p in own] == [datetime(2026, 3, 1, 16, 30, tzinfo=UTC)]
    past_midnight = promises_in("Next update at 02:00 UTC.", due, "15:05 UTC", now=NOW)
    assert [p.due_at for p in past_midnight] == [datetime(2026, 3, 2, 2, 0, tzinfo=UTC)]


def test_the_playbooks_template_comes_first_then_the_causes_then_the_plain_one() -> None:
    kind = StatementKind.HOLDING
    every = ["special.txt.j2", "holding.service_failure.txt.j2", "holding.txt.j2"]
    assert [template_name(PLAYBOOK, kind, every[n:]) for n in range(3)] == every
    with pytest.raises(NoTemplate, match=r"holding\.txt\.j2"):
        template_name(PLAYBOOK, kind, ["update.txt.j2"])


def test_a_draft_is_a_headline_a_blank_line_and_a_body() -> None:
    assert headline_and_body("Title\n\nOne.\n\nTwo.\n") == ("Title", "One.\n\nTwo.")
    for text in ("", "Only a headline", "\n\n"):
        with pytest.raises(NotADraft):
            headline_and_body(text)


def test_a_statement_is_rendered_for_every_outlet_and_bound_by_its_hash() -> None:
    statement = proposed()
    assert [r.target.channel for r in statement.renderings] == ["status", "box"]
    assert statement.renderings[1].parts[0].limit == SHORT.length
    assert statement.renderings[1].reply_to == "99"
    assert statement.content_hash == hash_of(statement)


@pytest.mark.parametrize(
    "change",
    [
        {"body": "We know, and we are sorry! Next update by 15:05 UTC."},
        {"facts": ()},
        {"audience": "everyone"},
        {"incident": incident(Severity.SEV2)},
        {"kind": StatementKind.UPDATE},
        {"links": ("https://example.com",)},
        {"outlets": (Outlet(target=Target(channel="status", kind="statuspage"), limits=PAGE),)},
    ],
)
def test_any_change_makes_another_hash(change: dict[str, Any]) -> None:
    assert proposed(**change).content_hash != proposed().content_hash


def test_a_status_page_is_told_status_and_impact() -> None:
    assert proposed().renderings[0].options == {"status": "investigating", "impact": "critical"}
    assert proposed(kind=StatementKind.RESOLUTION).renderings[0].options["status"] == "resolved"
    own = Outlet(target=Target(channel="status", kind="statuspage"), limits=PAGE, options={"impact": "minor"})
    assert proposed(outlets=[own]).renderings[0].options["impact"] == "minor"
    assert proposed().renderings[1].options == {}


def test_components_of_a_status_page_follow_the_severity_until_it_is_resolved() -> None:
    page = Outlet(target=Target(channel="status", kind="statuspage"), limits=PAGE, components=("c1", "c2"))
    assert proposed(outlets=(page,)).renderings[0].options["components"] == "c1=major_outage,c2=major_outage"
    resolved = proposed(outlets=(page,), kind=StatementKind.RESOLUTION).renderings[0]
    assert resolved.options["components"] == "c1=operational,c2=operational"

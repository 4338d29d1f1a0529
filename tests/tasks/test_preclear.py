"""Words that were cleared beforehand go out by themselves exactly within their bounds, and otherwise people are asked."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from acme import ANA, CARL, IDA, LENA, NOON, acme, fact_in, incident_in, sandbox

from crisis.approval import NotAllowed, Policy, Verdict, Via
from crisis.clearance import Clearance, ClearanceState
from crisis.clock import FixedClock
from crisis.delivery import Purpose
from crisis.incident import Incident
from crisis.statement import Statement
from crisis.values import CrisisType, Severity, StatementKind
from records import StatementStatus
from tasks.approve import propose_draft
from tasks.draft import draft
from tasks.first_word import draft_holding
from tasks.installation import Installation
from tasks.preclear import ask_for_clearance, decide_clearance, end_clearance

FAILURE = CrisisType.SERVICE_FAILURE
CHANNELS = ("newsroom-mastodon", "newsroom-bluesky", "status-page", "customer-list")


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
async def here(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Installation]:
    async with acme(tmp_path, clock=clock) as installation:
        book = installation.playbooks[FAILURE]
        rule = Policy(roles={"comms": 1, "legal": 1})
        approval = book.approval | {StatementKind.HOLDING: rule}
        installation.playbooks[FAILURE] = book.model_copy(update={"preclear": True, "approval": approval})
        yield installation


async def asked_for(here: Installation, **given: object) -> Clearance:
    bounds = {
        "watch": "acme",
        "types": (FAILURE,),
        "mildest": Severity.SEV3,
        "worst": Severity.SEV2,
        "channels": CHANNELS,
        "lasts": timedelta(days=90),
        "most_uses": 2,
        "by": IDA,
    } | given
    return await ask_for_clearance(here, **bounds)  # type: ignore[arg-type]


async def cleared(here: Installation, **given: object) -> Clearance:
    clearance = await asked_for(here, **given)
    for who, role in ((ANA, "comms"), (LENA, "legal")):
        await decide_clearance(here, clearance.id, approver=who, role=role, verdict=Verdict.APPROVE, via=Via.CLI)
    return clearance


async def held(here: Installation, incident: Incident) -> tuple[Statement, StatementStatus]:
    async with here.store.reading() as tx:
        text = (await tx.statements.list(incident.id))[-1]
        return text, await tx.statements.status(text.id, text.version)


async def refusals(here: Installation) -> list[str]:
    async with here.store.reading() as tx:
        return [r.reason for r in await tx.ledger.list(kind="clearance.refused")]


async def state(here: Installation, clearance: Clearance) -> ClearanceState:
    async with here.store.reading() as tx:
        return (await tx.clearances.get(clearance.id))[1]


def published(here: Installation) -> list[str]:
    return sorted(p.rendering.target.channel for p in sandbox(here) if p.purpose is Purpose.STATEMENT)


def subjects(here: Installation) -> list[str]:
    return [p.rendering.subject for p in sandbox(here) if p.purpose is Purpose.NOTICE]


async def test_a_cleared_holding_statement_goes_out_by_itself_on_record_and_everybody_is_told(
    here: Installation,
) -> None:
    clearance = await cleared(here)
    incident = await incident_in(here)
    says = await draft_holding(here, incident.id)
    assert f"released by the pre-clearance {clearance.id}: its words were cleared beforehand by {ANA}, {LENA}" in says
    text, status = await held(here, incident)
    assert status is StatementStatus.PUBLISHED
    assert published(here) == sorted(CHANNELS)
    assert not any("Your approval" in subject for subject in subjects(here))
    told = [s for s in subjects(here) if "Out by pre-clearance" in s]
    assert len(told) == len([p for p in here.settings.stakeholders if p.roles])
    async with here.store.reading() as tx:
        [record] = await tx.ledger.list(kind="statement.released")
    assert record.actor == "preclearance"
    assert record.data["cleared_by"] == [ANA, LENA]
    assert (record.data["clearance"], record.data["content_hash"]) == (clearance.id, text.content_hash)
    assert (await here.store.verify()).ok


async def test_without_a_clearance_people_are_asked_and_nothing_is_said_of_it(here: Installation) -> None:
    incident = await incident_in(here)
    assert await draft_holding(here, incident.id) == "INC-1-S1 v1 is proposed"
    assert published(here) == []
    assert await refusals(here) == []


async def test_a_clearance_that_is_not_approved_by_everybody_releases_nothing(here: Installation) -> None:
    clearance = await asked_for(here)
    await decide_clearance(here, clearance.id, approver=ANA, role="comms", verdict=Verdict.APPROVE, via=Via.CLI)
    assert await state(here, clearance) is ClearanceState.PROPOSED
    await draft_holding(here, (await incident_in(here)).id)
    assert published(here) == []


BOUNDS = [
    ({"worst": Severity.SEV3}, "it is SEV2, and cleared from SEV3 to SEV3"),
    ({"channels": CHANNELS[:3]}, "it goes to customer-list, which is not cleared"),
    ({"most_uses": 1}, "it was used 1 times, which is the most"),
    ({"lasts": timedelta(hours=1)}, "the clearance expired on 02 March 2026 13:00 UTC"),
]


@pytest.mark.parametrize(("given", "says"), BOUNDS, ids=[says for _, says in BOUNDS])
async def test_one_bound_that_does_not_hold_is_the_reason_on_record_and_people_are_asked(
    here: Installation, clock: FixedClock, given: dict[str, object], says: str
) -> None:
    clearance = await cleared(here, **given)
    if "most_uses" in given:
        await draft_holding(here, (await incident_in(here)).id)
    if "lasts" in given:
        clock.move(timedelta(hours=1))
    before = len(published(here))
    incident = await incident_in(here)
    await draft_holding(here, incident.id)
    assert await refusals(here) == [says]
    assert (await held(here, incident))[1] is StatementStatus.PROPOSED
    assert len(published(here)) == before
    assert await state(here, clearance) is ClearanceState.APPROVED


async def test_another_kind_of_crisis_is_not_cleared(here: Installation) -> None:
    await cleared(here)
    here.playbooks[CrisisType.UNKNOWN] = here.playbooks[CrisisType.UNKNOWN].model_copy(update={"preclear": True})
    await draft_holding(here, (await incident_in(here, kind=CrisisType.UNKNOWN)).id)
    assert await refusals(here) == ["it is unknown, which is not cleared"]


async def test_a_playbook_that_no_longer_allows_it_is_obeyed(here: Installation) -> None:
    await cleared(here)
    here.playbooks[FAILURE] = here.playbooks[FAILURE].model_copy(update={"preclear": False})
    await draft_holding(here, (await incident_in(here)).id)
    assert await refusals(here) == ["the playbook 'service_failure' does not allow it"]
    with pytest.raises(NotAllowed, match="does not allow pre-cleared statements: set preclear: true"):
        await asked_for(here)


async def test_a_fact_on_record_keeps_it_from_going_out(here: Installation) -> None:
    await cleared(here)
    incident = await incident_in(here)
    await fact_in(here, incident)
    await draft_holding(here, incident.id)
    assert "a fact is on record" in (await refusals(here))[0]
    assert published(here) == []


async def test_a_template_or_a_word_of_it_that_changed_voids_the_clearance_for_good(here: Installation) -> None:
    clearance = await cleared(here)
    voice = here.settings.voice.model_copy(update={"sign_off": "Yours, Acme"})
    old = here.settings
    here.settings = here.settings.model_copy(update={"voice": voice})
    await draft_holding(here, (await incident_in(here)).id)
    assert "has changed since it was cleared" in (await refusals(here))[0]
    assert await state(here, clearance) is ClearanceState.VOIDED
    here.settings = old
    await draft_holding(here, (await incident_in(here)).id)
    assert published(here) == []
    assert (await here.store.verify()).ok


async def test_a_persons_own_text_is_not_what_was_cleared(here: Installation) -> None:
    await cleared(here)
    incident = await incident_in(here)
    first = await draft(here, incident.id, StatementKind.HOLDING)
    own = f"{first.headline}\n\n{first.body.replace('sorry', 'very sorry')}"
    text = await draft(here, incident.id, StatementKind.HOLDING, author=IDA, text=own)
    await propose_draft(here, text)
    assert "the text is not the template's" in (await refusals(here))[0]
    assert published(here) == []


async def test_nobody_clears_what_they_asked_for_nor_twice_nor_without_the_role(here: Installation) -> None:
    clearance = await asked_for(here, by=ANA)
    refused = [
        (ANA, "comms", "nobody approves their own"),
        (IDA, "comms", "does not hold"),
        (CARL, "it", "does not approve"),
    ]
    for who, role, says in refused:
        with pytest.raises(NotAllowed, match=says):
            await decide_clearance(here, clearance.id, approver=who, role=role, verdict=Verdict.APPROVE, via=Via.CLI)
    await decide_clearance(here, clearance.id, approver=CARL, role="comms", verdict=Verdict.APPROVE, via=Via.CLI)
    with pytest.raises(NotAllowed, match="already decided"):
        await decide_clearance(here, clearance.id, approver=CARL, role="comms", verdict=Verdict.APPROVE, via=Via.CLI)
    after = await decide_clearance(
        here, clearance.id, approver=LENA, role="legal", verdict=Verdict.RETURN, via=Via.CLI, reason="too early"
    )
    assert after.returned
    assert await state(here, clearance) is ClearanceState.RETURNED
    with pytest.raises(NotAllowed, match="is returned, so it waits for no decision"):
        await decide_clearance(here, clearance.id, approver=LENA, role="legal", verdict=Verdict.APPROVE, via=Via.CLI)


async def test_a_clearance_that_was_ended_releases_nothing(here: Installation) -> None:
    clearance = await cleared(here)
    with pytest.raises(NotAllowed, match="say why"):
        await end_clearance(here, clearance.id, by=ANA, reason=" ")
    await end_clearance(here, clearance.id, by=ANA, reason="new brand voice")
    await draft_holding(here, (await incident_in(here)).id)
    assert published(here) == []

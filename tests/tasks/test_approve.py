"""Every route ends in ``decide``: what it refuses is on record, what it accepts counts once, and nothing else goes out."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pyotp
import pytest
from acme import ANA, CARL, IDA, LENA, NOON, acme, fact_in, incident_in, proposed_in, sandbox

from crisis.approval import NotAllowed, Standing, Verdict, Via
from crisis.clock import FixedClock
from crisis.delivery import Purpose
from crisis.fact import FactStatus
from crisis.statement import Statement
from crisis.values import CrisisType, Severity, StatementKind
from records import NotFound, StatementStatus
from tasks.approve import check_code, decide, propose, propose_draft, standing_of
from tasks.draft import draft, draft_for_response, save_fact
from tasks.installation import Installation
from tasks.triage import override

TARGETS = 4


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
async def here(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Installation]:
    async with acme(tmp_path, clock=clock) as installation:
        yield installation


async def say(
    here: Installation,
    text: Statement,
    approver: str = ANA,
    role: str = "comms",
    verdict: Verdict = Verdict.APPROVE,
    *,
    content_hash: str = "",
    reason: str = "",
) -> Standing:
    return await decide(
        here,
        statement=text.id,
        version=text.version,
        content_hash=content_hash or text.content_hash,
        approver=approver,
        role=role,
        verdict=verdict,
        via=Via.DESK,
        reason=reason,
    )


async def refusals(here: Installation) -> list[tuple[str, str]]:
    async with here.store.reading() as tx:
        return [(r.actor, r.reason) for r in await tx.ledger.list(kind="decision.refused")]


async def status(here: Installation, text: Statement) -> StatementStatus:
    async with here.store.reading() as tx:
        return await tx.statements.status(text.id, text.version)


def published(here: Installation) -> list[str]:
    return [p.rendering.target.channel for p in sandbox(here) if p.purpose is Purpose.STATEMENT]


async def test_the_last_approval_publishes_at_once_in_the_process_that_records_it(here: Installation) -> None:
    text = await proposed_in(here, await incident_in(here))
    assert published(here) == []
    assert (await say(here, text)).approved
    assert await status(here, text) is StatementStatus.PUBLISHED
    assert sorted(published(here)) == ["customer-list", "newsroom-bluesky", "newsroom-mastodon", "status-page"]


REFUSED = [
    ({"approver": IDA}, "does not hold the role 'comms'"),
    ({"approver": "mallory@example.com"}, "does not hold the role 'comms'"),
    ({"approver": LENA, "role": "legal"}, "does not approve this; it needs comms"),
    ({"role": "janitor"}, "does not approve this; it needs comms"),
    ({"content_hash": "0" * 64}, "the text has changed since you were asked"),
    ({"verdict": Verdict.RETURN}, "say why you return it"),
    ({"verdict": Verdict.RETURN, "reason": "  "}, "say why you return it"),
]


@pytest.mark.parametrize(("given", "says"), REFUSED, ids=[says for _, says in REFUSED])
async def test_a_decision_that_does_not_count_says_why_on_record_and_changes_nothing(
    here: Installation, given: dict[str, str], says: str
) -> None:
    text = await proposed_in(here, await incident_in(here))
    with pytest.raises(NotAllowed, match=says):
        await say(here, text, **given)
    assert [(who, says in why) for who, why in await refusals(here)] == [(given.get("approver", ANA), True)]
    async with here.store.reading() as tx:
        assert await tx.decisions.list(text.content_hash) == []
    assert await status(here, text) is StatementStatus.PROPOSED
    assert published(here) == []


async def test_nobody_approves_their_own_text_but_may_take_it_back(here: Installation) -> None:
    text = await proposed_in(here, await incident_in(here), author=ANA)
    with pytest.raises(NotAllowed, match="nobody approves their own text"):
        await say(here, text, ANA)
    assert (await say(here, text, ANA, verdict=Verdict.RETURN, reason="I found a mistake")).returned
    assert published(here) == []


async def test_a_statement_that_was_not_proposed_takes_no_decision(here: Installation) -> None:
    text = await draft(here, (await incident_in(here)).id, StatementKind.HOLDING)
    with pytest.raises(NotAllowed, match="is draft, so it waits for no decision"):
        await say(here, text)
    assert len(await refusals(here)) == 1


async def test_a_statement_that_does_not_exist_is_not_found(here: Installation) -> None:
    text = await proposed_in(here, await incident_in(here))
    with pytest.raises(NotFound):
        await say(here, text.model_copy(update={"version": 9}))


async def test_a_double_click_counts_once_and_publishes_once(here: Installation) -> None:
    text = await proposed_in(here, await incident_in(here))
    clicks = await asyncio.gather(say(here, text), say(here, text), return_exceptions=True)
    assert sorted(isinstance(c, NotAllowed) for c in clicks) == [False, True]
    async with here.store.reading() as tx:
        assert len(await tx.decisions.list(text.content_hash)) == 1
        assert len(await tx.ledger.list(kind="decision.made")) == 1
        assert len(await tx.ledger.list(kind="statement.approved")) == 1
    assert len(published(here)) == TARGETS


async def test_two_approvers_in_the_same_moment_have_one_outcome(here: Installation) -> None:
    incident = await incident_in(here)
    await fact_in(here, incident)
    text = await proposed_in(here, incident, StatementKind.SUBSTANTIVE)
    first, second = await asyncio.gather(say(here, text, ANA), say(here, text, LENA, "legal"))
    assert sorted([first.approved, second.approved]) == [False, True]
    async with here.store.reading() as tx:
        assert {d.approver for d in await tx.decisions.list(text.content_hash)} == {ANA, LENA}
        assert len(await tx.ledger.list(kind="statement.published")) == 1
    assert len(published(here)) == TARGETS


async def test_of_two_approvers_in_one_role_only_the_needed_one_counts(here: Installation) -> None:
    text = await proposed_in(here, await incident_in(here))
    both = await asyncio.gather(say(here, text, ANA), say(here, text, CARL), return_exceptions=True)
    assert [isinstance(b, NotAllowed) for b in both].count(True) == 1
    assert len(await refusals(here)) == 1
    assert len(published(here)) == TARGETS


async def test_nobody_is_counted_in_two_roles(tmp_path: Path, clock: FixedClock) -> None:
    both = ('email = "ana@example.com"\nroles = ["comms"]', 'email = "ana@example.com"\nroles = ["comms", "legal"]')
    async with acme(tmp_path, both, clock=clock) as here:
        incident = await incident_in(here)
        await fact_in(here, incident)
        text = await proposed_in(here, incident, StatementKind.SUBSTANTIVE)
        assert not (await say(here, text, ANA, "comms")).approved
        with pytest.raises(NotAllowed, match="has already decided: approve as comms"):
            await say(here, text, ANA, "legal")
        assert published(here) == []


async def test_a_role_that_was_taken_away_meanwhile_approves_nothing(here: Installation) -> None:
    text = await proposed_in(here, await incident_in(here))
    async with here.store.transaction() as tx:
        people = [
            p.model_copy(update={"roles": ("support",)}) if p.email == ANA else p for p in here.settings.stakeholders
        ]
        await tx.stakeholders.put_all(tuple(people), actor="configuration")
    with pytest.raises(NotAllowed, match="does not hold the role"):
        await say(here, text)


async def test_an_approval_after_expiry_is_refused_and_the_expiry_is_on_record(
    here: Installation, clock: FixedClock
) -> None:
    text = await proposed_in(here, await incident_in(here))
    clock.move(timedelta(hours=4, seconds=1))
    with pytest.raises(NotAllowed, match="expired"):
        await say(here, text)
    assert (await standing_of(here, text.id, text.version)).expired
    assert await status(here, text) is StatementStatus.EXPIRED
    with pytest.raises(NotAllowed, match="expired"):
        await say(here, text)
    assert len(await refusals(here)) == 2
    assert published(here) == []


async def test_a_proposal_that_expired_can_be_proposed_again_and_approved(
    here: Installation, clock: FixedClock
) -> None:
    text = await proposed_in(here, await incident_in(here))
    clock.move(timedelta(hours=5))
    assert (await standing_of(here, text.id, text.version)).expired
    await propose(here, text, by=IDA)
    asked = [p.rendering.target.address for p in sandbox(here) if "approval" in p.rendering.subject]
    assert sorted(asked) == [ANA, ANA, CARL, CARL]
    assert (await say(here, text)).approved
    assert len(published(here)) == TARGETS


async def test_an_approval_just_before_expiry_is_published_after_it(here: Installation, clock: FixedClock) -> None:
    text = await proposed_in(here, await incident_in(here))
    clock.move(timedelta(hours=4))
    assert (await say(here, text)).approved
    assert len(published(here)) == TARGETS


async def test_a_fact_that_changes_voids_the_proposal(here: Installation) -> None:
    incident = await incident_in(here)
    fact = await fact_in(here, incident)
    text = await proposed_in(here, incident)
    assert text.facts == (fact,)
    [voided] = await save_fact(here, fact.model_copy(update={"status": FactStatus.REFUTED}), actor=IDA)
    assert voided.id == text.id
    with pytest.raises(NotAllowed, match="is voided"):
        await say(here, text)
    stands = await standing_of(here, text.id, text.version)
    assert (stands.approved, stands.says) == (False, "void: what it relied on changed")
    assert published(here) == []


async def test_a_fact_that_changed_unseen_voids_at_the_decision(here: Installation) -> None:
    incident = await incident_in(here)
    fact = await fact_in(here, incident)
    text = await proposed_in(here, incident)
    async with here.store.transaction() as tx:  # by a route that knows nothing of proposals
        await tx.facts.put(fact.model_copy(update={"text": "Some card payments are slow"}), actor=IDA)
    with pytest.raises(NotAllowed, match=f"is void, because fact {fact.id} has changed"):
        await say(here, text)
    assert await status(here, text) is StatementStatus.VOIDED
    async with here.store.reading() as tx:
        assert await tx.decisions.list(text.content_hash) == []
    assert published(here) == []


async def test_a_fact_that_is_not_material_voids_nothing(here: Installation) -> None:
    incident = await incident_in(here)
    text = await proposed_in(here, incident)
    fact = await fact_in(here, incident)
    assert await save_fact(here, fact.model_copy(update={"material": False, "text": "It rains"}), actor=IDA) == []
    assert (await say(here, text)).approved


async def test_another_severity_voids_at_the_decision(here: Installation) -> None:
    incident = await incident_in(here)
    text = await proposed_in(here, incident)
    await override(
        here,
        incident.id,
        severity=Severity.SEV1,
        crisis_type=CrisisType.SERVICE_FAILURE,
        actor=IDA,
        reason="it spreads",
    )
    with pytest.raises(NotAllowed, match="the incident is SEV1 now, and was SEV2"):
        await say(here, text)
    assert await status(here, text) is StatementStatus.VOIDED
    assert published(here) == []


async def test_severity_that_grows_between_two_approvals_voids_both(here: Installation) -> None:
    incident = await incident_in(here)
    await fact_in(here, incident)
    text = await proposed_in(here, incident, StatementKind.SUBSTANTIVE)
    await say(here, text, ANA)
    await override(
        here,
        incident.id,
        severity=Severity.SEV1,
        crisis_type=CrisisType.SERVICE_FAILURE,
        actor=IDA,
        reason="it spreads",
    )
    with pytest.raises(NotAllowed, match="void"):
        await say(here, text, LENA, "legal")
    assert published(here) == []


async def test_a_text_that_was_replaced_while_people_decided_cannot_be_approved(here: Installation) -> None:
    incident = await incident_in(here)
    text = await proposed_in(here, incident)
    newer = await draft(
        here,
        incident.id,
        StatementKind.HOLDING,
        author=ANA,
        text="We know\n\nPayments fail. We are sorry. Next at 13:00.",
    )
    assert (newer.id, newer.version) == (text.id, 2)
    with pytest.raises(NotAllowed, match="is voided"):
        await say(here, text)
    assert published(here) == []


async def test_one_return_outweighs_approvals_and_the_next_version_starts_at_nothing(here: Installation) -> None:
    incident = await incident_in(here)
    await fact_in(here, incident)
    text = await proposed_in(here, incident, StatementKind.SUBSTANTIVE)
    await say(here, text, ANA)
    assert (await say(here, text, LENA, "legal", Verdict.RETURN, reason="names a supplier")).returned
    with pytest.raises(NotAllowed, match="is returned"):
        await say(here, text, CARL)
    await fact_in(here, incident, "Transfers work")
    again = await draft(here, incident.id, StatementKind.SUBSTANTIVE, author=IDA)
    await propose(here, again, by=IDA)
    assert (await standing_of(here, again.id, 2)).missing == {"comms": 1, "legal": 1}
    assert published(here) == []


async def test_words_that_were_returned_are_not_proposed_again(here: Installation) -> None:
    incident = await incident_in(here)
    text = await proposed_in(here, incident)
    await say(here, text, verdict=Verdict.RETURN, reason="too cold")
    with pytest.raises(NotAllowed, match="its words were returned by ana"):
        await propose(here, text, by=IDA)
    same = await draft(here, incident.id, StatementKind.HOLDING, author=IDA)
    assert (same.version, same.content_hash) == (2, text.content_hash)
    with pytest.raises(NotAllowed, match="its words were returned by ana"):
        await propose(here, same, by=IDA)


async def test_a_response_that_runs_again_leaves_a_returned_text_to_people(here: Installation) -> None:
    incident = await incident_in(here)
    text = await draft_for_response(here, incident.id, StatementKind.HOLDING)
    assert await propose_draft(here, text) == f"{text.label} is proposed"
    await say(here, text, verdict=Verdict.RETURN, reason="too cold")
    asked = len(sandbox(here))
    assert await draft_for_response(here, incident.id, StatementKind.HOLDING) == text
    assert "cannot be proposed" in await propose_draft(here, text)
    assert len(sandbox(here)) == asked


async def test_each_approver_is_asked_once_with_a_link_of_their_own(here: Installation) -> None:
    text = await proposed_in(here, await incident_in(here))
    await propose(here, text, by=IDA)
    asked = [p for p in sandbox(here) if p.purpose is Purpose.NOTICE and "approval" in p.rendering.subject]
    assert sorted(p.rendering.target.address for p in asked) == [ANA, CARL]
    links = {p.link for p in asked}
    assert len(links) == 2
    assert all(urlparse(link).path.startswith("/a") for link in links), links


async def test_a_code_is_needed_right_and_works_once(here: Installation) -> None:
    with pytest.raises(NotAllowed, match="has no one-time code"):
        await check_code(here, ANA, "123456")
    async with here.store.transaction() as tx:
        uri = await tx.codes.enrol(ANA)
    totp = pyotp.TOTP(parse_qs(urlparse(uri).query)["secret"][0])
    right = totp.at(time.time())
    with pytest.raises(NotAllowed, match="wrong, too old or already used"):
        await check_code(here, ANA, f"{(int(right) + 1) % 1_000_000:06}")
    await check_code(here, ANA, f" {right[:3]} {right[3:]} ")
    with pytest.raises(NotAllowed, match="already used"):
        await check_code(here, ANA, right)
    with pytest.raises(NotAllowed, match="has no one-time code"):
        await check_code(here, CARL, right)

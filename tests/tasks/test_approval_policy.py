"""Stages, duties, escalation, delegation, taking back and breaking the glass, over the real records."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pyotp
import pytest
from acme import ANA, CARL, IDA, LENA, NOON, acme, fact_in, incident_in, proposed_in, sandbox

from crisis.approval import NotAllowed, Policy, Standing, Verdict, Via
from crisis.clock import FixedClock
from crisis.delivery import Purpose
from crisis.duty import Duty
from crisis.statement import Statement
from crisis.values import CrisisType, StatementKind
from records import StatementStatus
from tasks.approve import decide, propose, role_of, standing_of
from tasks.asking import mind_approvals
from tasks.break_glass import break_glass
from tasks.delegate import delegate, take_over_again
from tasks.draft import draft
from tasks.installation import Installation
from tasks.take_back import take_back

EVA, OTTO, SAM = "eva@example.com", "otto@example.com", "sam@example.com"
STAGES = Policy(roles={"comms": 1, "legal": 1}, order=(("comms",), ("legal",)))
SIDE_BY_SIDE = Policy(roles={"comms": 1, "legal": 1})
WHY = "people are being hurt and nobody answers"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOON)


@pytest.fixture
async def here(tmp_path: Path, clock: FixedClock) -> AsyncIterator[Installation]:
    async with acme(tmp_path, clock=clock) as installation:
        yield installation


def policy(here: Installation, rule: Policy, **book: object) -> None:
    """The playbook asks for this."""
    old = here.playbooks[CrisisType.SERVICE_FAILURE]
    approval = dict.fromkeys(StatementKind, rule)
    here.playbooks[CrisisType.SERVICE_FAILURE] = old.model_copy(update={"approval": approval, **book})


def duties(here: Installation, *given: Duty) -> None:
    here.settings = here.settings.model_copy(update={"duties": given})


async def say(
    here: Installation, text: Statement, who: str, role: str, verdict: Verdict = Verdict.APPROVE, reason: str = ""
) -> Standing:
    return await decide(
        here,
        statement=text.id,
        version=text.version,
        content_hash=text.content_hash,
        approver=who,
        role=role,
        verdict=verdict,
        via=Via.DESK,
        reason=reason,
    )


async def back(here: Installation, text: Statement, who: str, reason: str = "a number is wrong") -> Standing:
    return await take_back(here, statement=text.id, version=text.version, approver=who, via=Via.DESK, reason=reason)


async def code_of(here: Installation, who: str) -> str:
    async with here.store.transaction() as tx:
        uri = await tx.codes.enrol(who)
    return pyotp.TOTP(parse_qs(urlparse(uri).query)["secret"][0]).at(time.time())


async def glass(here: Installation, text: Statement, who: str = IDA, *, reason: str = WHY, code: str = "") -> Standing:
    return await break_glass(
        here,
        statement=text.id,
        version=text.version,
        content_hash=text.content_hash,
        person=who,
        code=code or await code_of(here, who),
        reason=reason,
        via=Via.DESK,
    )


async def status(here: Installation, text: Statement) -> StatementStatus:
    async with here.store.reading() as tx:
        return await tx.statements.status(text.id, text.version)


def published(here: Installation) -> list[str]:
    return [p.rendering.target.channel for p in sandbox(here) if p.purpose is Purpose.STATEMENT]


def asked(here: Installation, words: str = "Your approval") -> list[str]:
    return sorted(p.rendering.target.address for p in sandbox(here) if words in p.rendering.subject)


async def kinds(here: Installation, kind: str) -> list[dict[str, object]]:
    async with here.store.reading() as tx:
        return [r.data for r in await tx.ledger.list(kind=kind)]


# Stages


async def test_a_later_stage_is_asked_only_when_the_earlier_is_complete(here: Installation) -> None:
    policy(here, STAGES)
    text = await proposed_in(here, await incident_in(here))
    assert asked(here) == [ANA, CARL]
    assert (await standing_of(here, text.id, 1)).says == "waits for 1 × comms, and then for 1 × legal"
    assert not (await say(here, text, ANA, "comms")).settled
    assert asked(here) == [ANA, CARL, LENA]
    assert (await say(here, text, LENA, "legal")).approved
    assert len(published(here)) == 4


@pytest.mark.parametrize("verdict", list(Verdict))
async def test_deciding_before_ones_stage_is_refused_with_a_sentence_and_counts_for_nothing(
    here: Installation, verdict: Verdict
) -> None:
    policy(here, STAGES)
    text = await proposed_in(here, await incident_in(here))
    with pytest.raises(NotAllowed, match="legal is asked after 1 × comms: you will be asked when it is your turn"):
        await say(here, text, LENA, "legal", verdict, "not yet")
    assert await status(here, text) is StatementStatus.PROPOSED
    await say(here, text, ANA, "comms")
    assert (await say(here, text, LENA, "legal")).approved


async def test_an_earlier_stage_may_still_return_while_a_later_one_decides(here: Installation) -> None:
    policy(here, STAGES)
    text = await proposed_in(here, await incident_in(here))
    await say(here, text, ANA, "comms")
    assert (await say(here, text, CARL, "comms", Verdict.RETURN, "too cold")).returned
    with pytest.raises(NotAllowed, match="is returned"):
        await say(here, text, LENA, "legal")
    assert published(here) == []


# Duties and escalation


async def test_whoever_is_on_duty_is_asked_first_then_the_next_then_everybody_then_the_lead(
    here: Installation, clock: FixedClock
) -> None:
    policy(here, Policy(roles={"comms": 1}, escalate_after=timedelta(minutes=10)))
    duties(here, Duty(role="comms", people=(CARL,), deputies=(SAM,)))
    text = await proposed_in(here, await incident_in(here))
    assert asked(here) == [CARL]
    assert await mind_approvals(here) == ""
    for minutes, people in ((10, [CARL, SAM]), (20, [ANA, CARL, SAM])):
        clock.move(timedelta(minutes=10))
        assert await mind_approvals(here) == f"{text.label}: nobody answered as comms, so it was escalated", minutes
        assert asked(here) == people
        assert await mind_approvals(here) == ""
    assert asked(here, "Nobody answers") == []
    clock.move(timedelta(minutes=10))
    await mind_approvals(here)
    await mind_approvals(here)
    assert asked(here, "Nobody answers") == [ANA]  # who leads the incident
    assert [r["asked"] for r in await kinds(here, "approval.escalated")] == [[CARL, SAM], *[[CARL, SAM, ANA]] * 2]
    clock.move(timedelta(hours=1))
    await mind_approvals(here)
    assert len(await kinds(here, "approval.escalated")) == 3


async def test_a_deputy_decides_only_once_they_are_asked_and_the_record_says_so(
    here: Installation, clock: FixedClock
) -> None:
    policy(here, Policy(roles={"comms": 1}, escalate_after=timedelta(minutes=10)))
    duties(here, Duty(role="comms", people=(CARL,), deputies=(SAM,)))
    text = await proposed_in(here, await incident_in(here))
    with pytest.raises(NotAllowed, match=r"sam@example\.com does not hold the role 'comms'"):
        await say(here, text, SAM, "comms")
    clock.move(timedelta(minutes=10))
    assert (await say(here, text, SAM, "comms")).approved
    [made] = await kinds(here, "decision.made")
    assert (made["as_deputy"], made["on_behalf_of"]) == (True, "")


async def test_a_holder_who_is_not_on_duty_may_decide_at_any_time(here: Installation) -> None:
    duties(here, Duty(role="comms", people=(CARL,)))
    text = await proposed_in(here, await incident_in(here))
    assert asked(here) == [CARL]
    assert (await say(here, text, ANA, "comms")).approved


async def test_the_author_on_duty_is_passed_over(here: Installation) -> None:
    duties(here, Duty(role="comms", people=(ANA, CARL)))
    await proposed_in(here, await incident_in(here), author=ANA)
    assert asked(here) == [CARL]


async def test_whoever_comes_on_duty_while_it_waits_is_asked(here: Installation, clock: FixedClock) -> None:
    day = Duty(role="comms", people=(ANA,), hours=("mon-sun 08:00-12:05 UTC",))
    night = Duty(role="comms", people=(CARL,), hours=("mon-sun 12:05-08:00 UTC",))
    duties(here, day, night)
    await proposed_in(here, await incident_in(here))
    assert asked(here) == [ANA]
    clock.move(timedelta(minutes=6))
    await mind_approvals(here)
    assert asked(here) == [ANA, CARL]


# Delegation


async def test_a_delegate_is_asked_decides_in_the_role_and_the_record_says_for_whom(here: Installation) -> None:
    policy(here, SIDE_BY_SIDE)
    text = await proposed_in(here, await incident_in(here))
    await delegate(here, delegator=LENA, to=EVA, lasts=timedelta(hours=8), reason="on a flight")
    assert asked(here) == [ANA, CARL, EVA, LENA]
    async with here.store.reading() as tx:
        eva = await tx.stakeholders.get(EVA)
    assert eva is not None
    assert await role_of(here, text.id, 1, eva) == "legal"
    await say(here, text, EVA, "legal")
    [made] = await kinds(here, "decision.made")
    assert (made["approver"], made["role"], made["on_behalf_of"]) == (EVA, "legal", LENA)
    with pytest.raises(NotAllowed, match=r"lena@example\.com has already decided|eva@example\.com for lena"):
        await say(here, text, LENA, "legal")
    assert (await say(here, text, ANA, "comms")).approved
    assert (await here.store.verify()).ok


async def test_the_delegator_may_still_decide_first_and_the_turn_is_then_used(here: Installation) -> None:
    policy(here, SIDE_BY_SIDE)
    text = await proposed_in(here, await incident_in(here))
    await delegate(here, delegator=LENA, to=EVA, lasts=timedelta(hours=8), reason="on a flight", statement=text.id)
    await say(here, text, LENA, "legal")
    with pytest.raises(NotAllowed, match="does not hold the role 'legal'"):
        await say(here, text, EVA, "legal")


async def test_two_turns_in_one_hand_count_once(here: Installation) -> None:
    policy(here, Policy(roles={"comms": 2}))
    text = await proposed_in(here, await incident_in(here))
    await delegate(here, delegator=ANA, to=EVA, lasts=timedelta(hours=8), reason="away")
    await delegate(here, delegator=CARL, to=EVA, lasts=timedelta(hours=8), reason="away")
    assert not (await say(here, text, EVA, "comms")).approved
    with pytest.raises(NotAllowed, match="already decided"):
        await say(here, text, EVA, "comms")
    assert published(here) == []


async def test_a_turn_is_not_handed_on_again(here: Installation) -> None:
    policy(here, SIDE_BY_SIDE)
    text = await proposed_in(here, await incident_in(here))
    await delegate(here, delegator=LENA, to=EVA, lasts=timedelta(hours=8), reason="away")
    await delegate(here, delegator=EVA, to=SAM, lasts=timedelta(hours=8), reason="away")
    with pytest.raises(NotAllowed, match="does not hold the role 'legal'"):
        await say(here, text, SAM, "legal")


async def test_an_authors_turn_is_used_by_nobody_and_nobodys_turn_by_the_author(here: Installation) -> None:
    text = await proposed_in(here, await incident_in(here), author=ANA)
    await delegate(here, delegator=ANA, to=EVA, lasts=timedelta(hours=8), reason="away")
    await delegate(here, delegator=CARL, to=ANA, lasts=timedelta(hours=8), reason="away")
    with pytest.raises(NotAllowed, match="does not hold the role"):
        await say(here, text, EVA, "comms")
    with pytest.raises(NotAllowed, match="nobody approves their own text"):
        await say(here, text, ANA, "comms")
    for delegator, to in ((CARL, ANA), (ANA, CARL)):
        with pytest.raises(NotAllowed, match="nobody decides for, or through, the author"):
            await delegate(here, delegator=delegator, to=to, lasts=timedelta(hours=1), reason="away", statement=text.id)


async def test_a_delegation_ends_by_its_time_by_word_and_with_the_role(here: Installation, clock: FixedClock) -> None:
    policy(here, SIDE_BY_SIDE)
    text = await proposed_in(here, await incident_in(here))
    given = await delegate(here, delegator=LENA, to=EVA, lasts=timedelta(hours=1), reason="away")
    with pytest.raises(NotAllowed, match="only they, or"):
        await take_over_again(here, given.id, actor=CARL, reason="I want it")
    await take_over_again(here, given.id, actor=LENA, reason="back")
    with pytest.raises(NotAllowed, match="does not hold the role"):
        await say(here, text, EVA, "legal")
    await delegate(here, delegator=LENA, to=EVA, lasts=timedelta(hours=1), reason="away again")
    clock.move(timedelta(hours=1))
    with pytest.raises(NotAllowed, match="does not hold the role"):
        await say(here, text, EVA, "legal")
    await delegate(here, delegator=LENA, to=EVA, lasts=timedelta(hours=1), reason="away again")
    async with here.store.transaction() as tx:
        people = [p.model_copy(update={"roles": ()}) if p.email == LENA else p for p in here.settings.stakeholders]
        await tx.stakeholders.put_all(people, actor="configuration")
    with pytest.raises(NotAllowed, match="does not hold the role"):
        await say(here, text, EVA, "legal")
    assert (await here.store.verify()).ok


BAD_DELEGATIONS = [
    ({"to": "mallory@example.com"}, "mallory@example.com is not among the stakeholders"),
    ({"to": LENA}, "a turn is handed to somebody else"),
    ({"lasts": timedelta(days=31)}, "for 30 days at most"),
    ({"lasts": timedelta(0)}, "for some time"),
    ({"reason": " "}, "say why you hand your turn on"),
]


@pytest.mark.parametrize(("given", "says"), BAD_DELEGATIONS, ids=[says for _, says in BAD_DELEGATIONS])
async def test_a_turn_that_cannot_be_handed_on_says_why_on_record(
    here: Installation, given: dict[str, object], says: str
) -> None:
    whole = {"delegator": LENA, "to": EVA, "lasts": timedelta(hours=1), "reason": "away"} | given
    with pytest.raises(NotAllowed, match=says):
        await delegate(here, **whole)  # type: ignore[arg-type]
    assert len(await kinds(here, "delegation.refused")) == 1
    assert await kinds(here, "delegation.given") == []


# Taking back


async def test_an_approval_that_is_taken_back_counts_no_more_and_may_be_given_anew(here: Installation) -> None:
    policy(here, SIDE_BY_SIDE)
    text = await proposed_in(here, await incident_in(here))
    await say(here, text, ANA, "comms")
    assert (await back(here, text, ANA)).missing == {"comms": 1, "legal": 1}
    assert asked(here, "taken back") == [ANA]  # who leads the incident
    assert not (await say(here, text, LENA, "legal")).approved
    assert published(here) == []
    assert (await say(here, text, ANA, "comms")).approved
    async with here.store.reading() as tx:
        made = await tx.decisions.list(text.content_hash)
    assert [(d.approver, d.number, d.taken_back_at is None) for d in made] == [
        (ANA, 1, False),
        (ANA, 2, True),
        (LENA, 1, True),
    ]
    assert (await here.store.verify()).ok


async def test_after_taking_back_the_same_person_may_return_it(here: Installation) -> None:
    policy(here, SIDE_BY_SIDE)
    text = await proposed_in(here, await incident_in(here))
    await say(here, text, ANA, "comms")
    await back(here, text, ANA)
    assert (await say(here, text, ANA, "comms", Verdict.RETURN, "a number is wrong")).returned


async def test_what_was_handed_to_its_channels_cannot_be_taken_back_and_the_sentence_says_what_to_do(
    here: Installation,
) -> None:
    text = await proposed_in(here, await incident_in(here))
    await say(here, text, ANA, "comms")
    with pytest.raises(NotAllowed, match=rf"handed to its channels.*fireline withdraw {text.id}.*fireline correct"):
        await back(here, text, ANA)
    assert await kinds(here, "decision.taken_back") == []
    assert len(await kinds(here, "decision.refused")) == 1


@pytest.mark.parametrize("turn", range(4))
async def test_a_take_back_that_races_the_last_decision_either_stops_it_or_is_refused(
    here: Installation, turn: int
) -> None:
    policy(here, SIDE_BY_SIDE)
    text = await proposed_in(here, await incident_in(here))
    await say(here, text, ANA, "comms")
    acts = [say(here, text, LENA, "legal"), back(here, text, ANA)]
    last, taken = await asyncio.gather(*(acts if turn % 2 else acts[::-1]), return_exceptions=True)
    if not turn % 2:
        last, taken = taken, last
    assert isinstance(last, Standing)
    assert last.approved is isinstance(taken, NotAllowed)
    assert len(published(here)) == (4 if last.approved else 0)


async def test_only_what_one_has_approved_oneself_can_be_taken_back(here: Installation) -> None:
    policy(here, SIDE_BY_SIDE)
    text = await proposed_in(here, await incident_in(here))
    await say(here, text, ANA, "comms")
    with pytest.raises(NotAllowed, match=r"carl@example\.com has not approved"):
        await back(here, text, CARL)
    with pytest.raises(NotAllowed, match="say why you take it back"):
        await back(here, text, ANA, " ")
    await say(here, text, LENA, "legal", Verdict.RETURN, "no")
    with pytest.raises(NotAllowed, match="is returned, so no approval of it counts any more"):
        await back(here, text, ANA)


async def test_a_stage_that_a_take_back_opens_again_holds_the_later_one_up(here: Installation) -> None:
    policy(here, STAGES)
    text = await proposed_in(here, await incident_in(here))
    await say(here, text, ANA, "comms")
    await back(here, text, ANA)
    with pytest.raises(NotAllowed, match="legal is asked after 1 × comms"):
        await say(here, text, LENA, "legal")


async def test_an_approval_of_the_same_bytes_in_an_earlier_version_does_not_come_to_life_again(
    here: Installation,
) -> None:
    policy(here, SIDE_BY_SIDE)
    incident = await incident_in(here)
    text = await proposed_in(here, incident)
    await say(here, text, ANA, "comms")
    own = f"{text.headline}\n\n{text.body}"
    again = await draft(here, incident.id, StatementKind.HOLDING, author=IDA, text=own)
    await propose(here, again, by=IDA)
    if again.content_hash != text.content_hash:
        pytest.fail("the two versions should have the same bytes")
    assert (await standing_of(here, again.id, again.version)).missing == {"comms": 1, "legal": 1}
    assert not (await say(here, again, LENA, "legal")).approved
    assert (await say(here, again, ANA, "comms")).approved


# Breaking the glass


async def test_breaking_the_glass_publishes_at_once_and_everybody_with_a_role_is_told(here: Installation) -> None:
    text = await proposed_in(here, await incident_in(here), author=SAM)
    stands = await glass(here, text)
    assert stands.approved
    assert stands.says == f"released by {IDA}, who broke the glass: {WHY}"
    assert len(published(here)) == 4
    told = asked(here, "GLASS BROKEN")
    assert told == sorted(p.email for p in here.settings.stakeholders if p.roles)
    [released] = await kinds(here, "statement.released")
    assert (released["means"], released["by"], released["reason"]) == ("break_glass", IDA, WHY)
    assert released["approvals_missing"] == {"comms": 1}
    assert (await here.store.verify()).ok
    with pytest.raises(NotAllowed, match="waits for no decision"):
        await say(here, text, ANA, "comms")


async def test_the_glass_stays_whole_without_the_right_person_reason_code_and_text(here: Installation) -> None:
    text = await proposed_in(here, await incident_in(here), author=SAM)
    with pytest.raises(NotAllowed, match=r"carl@example\.com may not break the glass"):
        await glass(here, text, CARL)
    with pytest.raises(NotAllowed, match="at least 20 characters"):
        await glass(here, text, reason="hurry              up")
    with pytest.raises(NotAllowed, match="code is wrong"):
        await glass(here, text, code="000000")
    with pytest.raises(NotAllowed, match="the text has changed since it was shown"):
        await glass(here, text.model_copy(update={"content_hash": "0" * 64}))
    assert published(here) == []
    assert await kinds(here, "statement.released") == []
    assert len(await kinds(here, "decision.refused")) == 4


async def test_nobody_breaks_the_glass_for_their_own_text(here: Installation) -> None:
    text = await proposed_in(here, await incident_in(here), author=IDA)
    with pytest.raises(NotAllowed, match="nobody releases their own text"):
        await glass(here, text)


async def test_a_playbook_that_forbids_it_is_obeyed(here: Installation) -> None:
    policy(here, Policy(roles={"comms": 1}), break_glass=False)
    text = await proposed_in(here, await incident_in(here), author=ANA)
    with pytest.raises(NotAllowed, match="the playbook 'service_failure' forbids breaking the glass"):
        await glass(here, text)
    assert published(here) == []


async def test_what_was_returned_is_released_by_nobody(here: Installation) -> None:
    text = await proposed_in(here, await incident_in(here), author=ANA)
    await say(here, text, CARL, "comms", Verdict.RETURN, "it is false")
    with pytest.raises(NotAllowed, match="is returned, so there is no glass to break"):
        await glass(here, text)
    assert published(here) == []


async def test_a_fact_that_changed_stops_the_breaking_of_the_glass_too(here: Installation) -> None:
    incident = await incident_in(here)
    fact = await fact_in(here, incident)
    text = await proposed_in(here, incident, author=ANA)
    async with here.store.transaction() as tx:
        await tx.facts.put(fact.model_copy(update={"text": "Some card payments are slow"}), actor=IDA)
    with pytest.raises(NotAllowed, match="is void, because fact"):
        await glass(here, text)
    assert await status(here, text) is StatementStatus.VOIDED
    assert published(here) == []


async def test_two_leads_who_break_the_glass_at_once_release_it_once(tmp_path: Path, clock: FixedClock) -> None:
    two = ('email = "eva@example.com"\nroles = ["executive"]', 'email = "eva@example.com"\nroles = ["incident_lead"]')
    async with acme(tmp_path, two, clock=clock) as here:
        text = await proposed_in(here, await incident_in(here), author=ANA)
        codes = [await code_of(here, IDA), await code_of(here, EVA)]
        both = await asyncio.gather(
            glass(here, text, IDA, code=codes[0]), glass(here, text, EVA, code=codes[1]), return_exceptions=True
        )
        assert sorted(isinstance(b, NotAllowed) for b in both) == [False, True]
        assert len(published(here)) == 4

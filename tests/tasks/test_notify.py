"""Who is told is on record with the route, who is not is on record with the reason, and everybody is told once."""

import asyncio
from pathlib import Path

from acme import ANA, IDA, LENA, acme, incident_in, sandbox

from crisis.values import CrisisType, Severity
from tasks.installation import Installation
from tasks.notify import Notice, tell, tell_lead, tell_stakeholders
from tasks.triage import opened_notice


async def records(here: Installation, kind: str) -> dict[str, tuple[str, str]]:
    async with here.store.reading() as tx:
        return {str(r.data["stakeholder"]): (str(r.data["route"]), r.reason) for r in await tx.ledger.list(kind=kind)}


async def test_whoever_meets_their_conditions_is_told_and_the_others_are_on_record_with_the_reason(
    tmp_path: Path,
) -> None:
    async with acme(tmp_path) as here:
        incident = await incident_in(here, severity=Severity.SEV3, kind=CrisisType.CONDUCT)
        await tell_stakeholders(here, incident, opened_notice(here, incident))
        told, not_told = await records(here, "stakeholder.told"), await records(here, "stakeholder.not_told")
        assert sorted(told) == [ANA, "carl@example.com", IDA, LENA]
        assert told[LENA] == (f"email:{LENA}", "is told from SEV3 on; this is SEV3")
        assert not_told["eva@example.com"] == ("", "is told from SEV2 on; this is SEV3")
        assert "is told of service_failure, data_breach" in not_told["sam@example.com"][1]
        assert sorted(told | not_told) == sorted(p.email for p in here.settings.stakeholders)
        assert sorted(p.rendering.target.address for p in sandbox(here)) == sorted(told)


async def test_telling_again_or_twice_at_once_tells_once_and_records_once(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        incident = await incident_in(here, severity=Severity.SEV3, kind=CrisisType.CONDUCT)
        notice = opened_notice(here, incident)
        await asyncio.gather(tell_stakeholders(here, incident, notice), tell_stakeholders(here, incident, notice))
        await tell_stakeholders(here, incident, notice)
        async with here.store.reading() as tx:
            assert len(await tx.ledger.list(kind="stakeholder.told")) == 4
            assert len(await tx.ledger.list(kind="stakeholder.not_told")) == 3
        assert len(sandbox(here)) == 4


async def test_another_occasion_is_told_again(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        incident = await incident_in(here)
        ida = here.settings.stakeholder(IDA)
        for occasion in ("opened", "opened", "resolved"):
            notice = Notice(occasion=occasion, template="opened")
            assert await tell(here, incident, ida, notice, why="asked")
        assert len(sandbox(here)) == 2


ROUTES = (
    'routes = ["email:otto@example.com"]',
    'routes = ["crisis-room:C0123456789", "email:otto@example.com"]',
)
NO_TOKEN = """
[[notifiers]]
name = "crisis-room"
kind = "slack"
"""


async def test_a_route_that_fails_falls_back_to_the_next_and_both_are_on_record(tmp_path: Path) -> None:
    async with acme(tmp_path, ROUTES, more=NO_TOKEN) as here:
        incident = await incident_in(here, severity=Severity.SEV1)
        otto = here.settings.stakeholder("otto@example.com")
        assert await tell(here, incident, otto, opened_notice(here, incident), why="is on call")
        async with here.store.reading() as tx:
            tried = [r.data["route"] for r in await tx.ledger.list(kind="stakeholder.told")]
            assert tried == ["crisis-room:C0123456789", "email:otto@example.com"]
            assert len(await tx.ledger.list(kind="delivery.refused")) == 1
        assert [p.rendering.target.address for p in sandbox(here)] == ["otto@example.com"]


async def test_the_lead_is_told_or_whoever_holds_the_role_when_there_is_none(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        incident = await incident_in(here)
        assert incident.lead == ANA
        await tell_lead(here, incident, Notice(occasion="a", template="opened"), why="leads")
        nobody = incident.model_copy(update={"lead": ""})
        await tell_lead(here, nobody, Notice(occasion="b", template="opened"), why="leads")
        assert {p.rendering.target.address for p in sandbox(here)} == {ANA, IDA}


async def test_words_from_outside_stay_words_in_a_notice(tmp_path: Path) -> None:
    async with acme(tmp_path) as here:
        hostile = '<script>alert(1)</script> {{ 7*7 }} <img src="http://evil.example/x.png">'
        incident = (await incident_in(here)).model_copy(update={"title": hostile})
        await tell(here, incident, here.settings.stakeholder(IDA), opened_notice(here, incident), why="asked")
        [post] = sandbox(here)
        assert "<script>" not in post.rendering.html
        assert "<img src=" not in post.rendering.html
        assert "{{ 7*7 }}" in post.rendering.subject

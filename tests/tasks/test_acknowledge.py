"""While nobody is on a grave incident, one way after the other is tried; whoever takes it on stops that everywhere."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from acme import IDA, NOON, acme, incident_in
from counting_http import Fault, HttpReceiver
from paging_receivers import KEY, PagerDutyReceiver
from staged import assessment
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crisis.clock import FixedClock
from crisis.incident import Incident
from crisis.values import Severity
from tasks.acknowledge import acknowledge, mind_acknowledgements
from tasks.deliver import TAKEN
from tasks.heartbeat import beat
from tasks.installation import Installation
from tasks.notify import tell_stakeholders
from tasks.recover import recover_deliveries
from tasks.triage import opened_notice, override

FIVE = timedelta(minutes=5)
OTTO = "otto@example.com"


@pytest.fixture
def pager() -> Iterator[PagerDutyReceiver]:
    with PagerDutyReceiver() as receiver:
        yield receiver


@asynccontextmanager
async def called(
    folder: Path, severity: Severity = Severity.SEV1, *replacements: tuple[str, str], more: str = ""
) -> AsyncIterator[tuple[Installation, FixedClock, Incident]]:
    """A detected incident of which everybody has been told by their first route."""
    clock = FixedClock(NOON)
    async with acme(folder, *replacements, clock=clock, more=more) as here:
        async with here.store.transaction() as tx:
            found = assessment(severity, minutes=0).model_copy(update={"assessed_at": NOON})
            opened = {"opened_at": NOON, "started_at": NOON, "lead": IDA, "actor": "detector"}
            incident = await tx.incidents.open(watch="acme", title="Payments fail", assessment=found, **opened)
        await tell_stakeholders(here, incident, opened_notice(here, incident))
        yield here, clock, incident


async def ways(here: Installation) -> list[str]:
    async with here.store.reading() as tx:
        told = await tx.ledger.list(kind="stakeholder.told")
    return [str(r.data["route"]) for r in told if r.data["occasion"] == "unacknowledged"]


LEAD = 'roles = ["incident_lead"]'
SECOND_ROUTE = (LEAD, f'{LEAD}\nroutes = ["email:ida@example.com", "email:ida.private@example.com"]')


async def test_the_next_way_is_tried_every_five_minutes_until_all_were_and_then_it_is_on_record(tmp_path: Path) -> None:
    async with called(tmp_path, Severity.SEV1, SECOND_ROUTE) as (here, clock, _):
        assert await mind_acknowledgements(here) == ""
        clock.move(FIVE)
        assert "called Ida" in await mind_acknowledgements(here)
        assert await mind_acknowledgements(here) == ""
        assert await ways(here) == ["email:ida.private@example.com"]
        clock.move(FIVE)
        assert await mind_acknowledgements(here) == "nobody has taken INC-1 on, and every way was tried"
        clock.move(FIVE)
        assert await mind_acknowledgements(here) == ""
        async with here.store.reading() as tx:
            assert len(await tx.ledger.list(kind="incident.unacknowledged")) == 1


async def test_an_acknowledgement_stops_the_calling_and_the_first_one_counts(tmp_path: Path) -> None:
    async with called(tmp_path, Severity.SEV1, SECOND_ROUTE) as (here, clock, incident):
        assert await acknowledge(here, incident.id, actor=IDA) == IDA
        assert await acknowledge(here, incident.id, actor=OTTO) == IDA
        clock.move(FIVE)
        assert await mind_acknowledgements(here) == ""
        async with here.store.reading() as tx:
            assert [r.actor for r in await tx.ledger.list(kind="incident.acknowledged")] == [IDA]


async def test_whoever_does_something_about_it_is_on_it(tmp_path: Path) -> None:
    async with called(tmp_path, Severity.SEV1, SECOND_ROUTE) as (here, clock, incident):
        kind = incident.assessment.type
        await override(here, incident.id, severity=Severity.SEV2, crisis_type=kind, actor=OTTO, reason="seen")
        clock.move(FIVE)
        assert await mind_acknowledgements(here) == ""


@pytest.mark.parametrize("severity", [Severity.SEV3, Severity.SEV4])
async def test_nobody_is_called_again_for_what_can_wait(tmp_path: Path, severity: Severity) -> None:
    async with called(tmp_path, severity, SECOND_ROUTE) as (here, clock, _):
        clock.move(timedelta(hours=2))
        assert await mind_acknowledgements(here) == ""


async def test_an_incident_that_a_person_opened_needs_no_calling(tmp_path: Path) -> None:
    clock = FixedClock(NOON)
    async with acme(tmp_path, SECOND_ROUTE, clock=clock) as here:
        await incident_in(here, severity=Severity.SEV1)
        clock.move(FIVE)
        assert await mind_acknowledgements(here) == ""


async def test_a_paging_service_hears_that_somebody_is_on_it(
    tmp_path: Path, pager: PagerDutyReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRELINE_PAGER_ROUTING_KEY", KEY)
    more = f'[[notifiers]]\nname = "pager"\nkind = "pagerduty"\nsettings = {{ base_url = "{pager.url}" }}\n'
    route = (LEAD, f'{LEAD}\nroutes = ["pager:platform", "email:ida@example.com"]')
    async with called(tmp_path, Severity.SEV1, route, more=more) as (here, _, incident):
        assert pager.alerts == {"INC-1": "trigger"}
        assert [r.json["payload"]["severity"] for r in pager.requests] == ["critical"]
        await acknowledge(here, incident.id, actor=OTTO)
        assert pager.alerts == {"INC-1": "acknowledge"}


class Monitor(HttpReceiver):
    """Counts signs of life."""

    def routes(self) -> list[Route]:
        return [Route("/hunter2", self._take)]

    async def _take(self, request: Request) -> Response:
        self.created.append("alive")
        return Response("OK")


async def test_the_heartbeat_falls_silent_while_nobody_can_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with Monitor() as monitor:
        monkeypatch.setenv("FIRELINE_OUTSIDE_PING_URL", f"{monitor.url}/hunter2")
        more = '[[monitors]]\nname = "outside"\nkind = "healthchecks"\n'
        async with called(tmp_path, more=more) as (here, clock, incident):
            assert await beat(here) == ""
            assert monitor.created == ["alive"]
            for _ in range(12):
                clock.move(FIVE)
                await mind_acknowledgements(here)
            says = await beat(here)
            assert says == "no sign of life to the outside monitor: nobody has taken INC-1 on"
            assert monitor.created == ["alive"]
            await acknowledge(here, incident.id, actor=IDA)
            assert await beat(here) == ""
            assert monitor.created == ["alive", "alive"]
    async with acme(tmp_path / "other", more=more) as here:
        assert await beat(here) == "no sign of life to outside"
        assert "hunter2" not in caplog.text


async def test_the_heartbeat_falls_silent_while_the_calling_itself_is_stuck(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Monitor() as monitor:
        monkeypatch.setenv("FIRELINE_OUTSIDE_PING_URL", f"{monitor.url}/hunter2")
        more = '[[monitors]]\nname = "outside"\nkind = "healthchecks"\n'
        async with called(tmp_path, Severity.SEV1, SECOND_ROUTE, more=more) as (here, clock, incident):
            clock.move(3 * FIVE)
            assert await beat(here) == "", "late, and a sweep may still come"
            clock.move(timedelta(minutes=1))
            assert await beat(here) == "no sign of life to the outside monitor: the calling is stuck for INC-1"
            assert monitor.created == ["alive"]
            assert "called Ida" in await mind_acknowledgements(here)
            assert await beat(here) == "", "it goes on, so all is well again"
            clock.move(4 * FIVE)
            await acknowledge(here, incident.id, actor=IDA)
            assert await beat(here) == ""


async def test_a_way_that_fails_leads_to_the_next_at_once(tmp_path: Path) -> None:
    more = '[[notifiers]]\nname = "room"\nkind = "slack"\n'
    routes = f'{LEAD}\nroutes = ["email:ida@example.com", "room:C0000001", "email:ida.private@example.com"]'
    async with called(tmp_path, Severity.SEV1, (LEAD, routes), more=more) as (here, clock, _):
        clock.move(FIVE)
        assert await mind_acknowledgements(here) == "called Ida Okafor for INC-1 by email"
        assert await ways(here) == ["room:C0000001", "email:ida.private@example.com"]


async def test_a_call_that_waits_is_not_sent_any_more_once_somebody_is_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pager: PagerDutyReceiver
) -> None:
    monkeypatch.setenv("FIRELINE_PAGER_ROUTING_KEY", KEY)
    more = f'[[notifiers]]\nname = "pager"\nkind = "pagerduty"\nsettings = {{ base_url = "{pager.url}" }}\n'
    routes = f'{LEAD}\nroutes = ["email:ida@example.com", "pager:platform"]'
    async with called(tmp_path, Severity.SEV1, (LEAD, routes), more=more) as (here, clock, incident):
        clock.move(FIVE)
        pager.faults.append(Fault(503))
        assert "every way was tried" in await mind_acknowledgements(here)
        await acknowledge(here, incident.id, actor=OTTO)
        await recover_deliveries(here)
        assert pager.alerts == {}
        async with here.store.reading() as tx:
            [left] = [d for d in await tx.outbox.list() if d.rendering.target.kind == "pagerduty"]
        assert left.problem == TAKEN


async def test_a_call_that_arrives_late_shows_who_is_on_it_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pager: PagerDutyReceiver
) -> None:
    monkeypatch.setenv("FIRELINE_PAGER_ROUTING_KEY", KEY)
    more = f'[[notifiers]]\nname = "pager"\nkind = "pagerduty"\nsettings = {{ base_url = "{pager.url}" }}\n'
    route = (LEAD, f'{LEAD}\nroutes = ["pager:platform"]')
    pager.faults.append(Fault(429, headers={"Retry-After": "1"}))
    monkeypatch.setattr("tasks.deliver.PATIENCE_SECONDS", 0.2)
    async with called(tmp_path, Severity.SEV1, route, more=more) as (here, _, incident):
        await acknowledge(here, incident.id, actor=OTTO)
        assert pager.alerts == {}
        await asyncio.sleep(1.1)
        await recover_deliveries(here)
        assert pager.alerts == {"INC-1": "trigger"}
        await mind_acknowledgements(here)
        assert pager.alerts == {"INC-1": "acknowledge"}

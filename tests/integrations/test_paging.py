"""PagerDuty, Opsgenie and Teams: one alert an incident, closed with it, however often it is sent; cards without markup."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import specs
from counting_http import Fault
from jsonschema import Draft7Validator
from paging_receivers import KEY, OpsgenieReceiver, PagerDutyReceiver, PagerDutyRestReceiver, TeamsReceiver

import integrations
from crisis.stakeholder import Route as To
from integrations import Message, Misconfigured, RateLimited, Unknown
from integrations.teams import card

OPENED = Message(
    key="k1", subject="SEV1: Acme", text="It *fails*.\n\nSee <b>.", thread="INC-7", occasion="opened", severity="SEV1",
    link="https://desk.example/INC-7",
)  # fmt: skip
APPROVAL = OPENED.model_copy(update={"key": "k2", "occasion": "approval/INC-7-S1/1"})
RESOLVED = OPENED.model_copy(update={"key": "k3", "occasion": "resolved"})
TAKEN = OPENED.model_copy(update={"key": "k5", "taken_by": "Ida Okafor"})
TEAM = To(notifier="on-call", address="platform")
SERVICES: dict[str, tuple[type[Any], str]] = {
    "pagerduty": (PagerDutyReceiver, "routing_key"),
    "opsgenie": (OpsgenieReceiver, "api_key"),
    "pagerduty_incidents": (PagerDutyRestReceiver, "api_key"),
}
MORE = {"pagerduty_incidents": {"sender": "fireline@acme.example", "service": "PIJ90N7"}}


@pytest.fixture(scope="module", params=sorted(SERVICES))
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Any]]:
    with SERVICES[request.param][0]() as receiver:
        yield request.param, receiver


@pytest.fixture
def service(served: tuple[str, Any]) -> tuple[Any, Any]:
    kind, receiver = served
    receiver.reset()

    def connect(key: str = KEY) -> Any:
        return integrations.connect(
            kind, base_url=receiver.url, timeout=5, **{SERVICES[kind][1]: key}, **MORE.get(kind, {})
        )

    return receiver, connect


async def test_an_incident_is_one_alert_until_it_is_resolved_and_an_approval_another(service):
    receiver, connect = service
    reassessed = OPENED.model_copy(update={"key": "k4", "occasion": "reassessed/1", "severity": "SEV2"})
    for message in (OPENED, OPENED, reassessed, APPROVAL):
        await connect().notify(message, TEAM)
    assert receiver.created == ["SEV1: Acme", "SEV1: Acme"]
    alerts = getattr(receiver, "alerts", None) or {i["incident_key"] for i in receiver.incidents.values()}
    assert set(alerts) == {"INC-7", "INC-7/approval/INC-7-S1/1"}
    await connect().notify(TAKEN, TEAM)
    await connect().notify(RESOLVED, TEAM)
    await connect().notify(OPENED, TEAM)
    assert len(receiver.created) == 3


@pytest.mark.parametrize("fault", [Fault(500, done=True), Fault(202, "{}", done=True)])
async def test_what_was_not_clearly_answered_is_sent_again_and_pages_nobody_twice(service, fault):
    receiver, connect = service
    receiver.faults.append(fault)
    with pytest.raises(Unknown):
        await connect().notify(OPENED, TEAM)
    assert await connect().find(OPENED.key) is None
    await connect().notify(OPENED, TEAM)
    assert len(receiver.created) == 1


async def test_limits_and_wrong_keys_are_told_apart(service):
    receiver, connect = service
    receiver.faults.append(Fault(429, headers={"X-RateLimit-Period-In-Sec": "60"}))
    with pytest.raises(RateLimited):
        await connect().notify(OPENED, TEAM)
    with pytest.raises((Misconfigured, integrations.Refused)) as caught:
        await connect("hunter2-hunter2").notify(OPENED, TEAM)
    assert "hunter2" not in str(caught.value)
    assert (await connect().check()).ok
    assert not receiver.created


async def test_opsgenie_gets_what_its_description_asks_for():
    with OpsgenieReceiver() as receiver:
        channel = integrations.connect("opsgenie", base_url=receiver.url, api_key=KEY)
        long = OPENED.model_copy(update={"subject": "x" * 500, "text": "y" * 20_000})
        await channel.notify(long, To(notifier="on-call", address="ana@example.com"))
        await channel.notify(TAKEN, TEAM)
        await channel.notify(RESOLVED, TEAM)
        await channel.check()
        specs.hold(specs.opsgenie(), "https://api.opsgenie.com", receiver.requests)
        assert receiver.requests[0].json["responders"] == [{"type": "user", "username": "ana@example.com"}]
        assert len(receiver.requests[0].json["message"]) == 130


async def test_an_incident_in_pagerduty_goes_to_whom_the_route_names_and_shows_who_is_on_it_until_it_is_resolved():
    with PagerDutyRestReceiver() as receiver:
        pager = integrations.connect(
            "pagerduty_incidents", base_url=receiver.url, api_key=KEY, **MORE["pagerduty_incidents"]
        )
        call = OPENED.model_copy(update={"on_it": "https://desk.example/on/1"})
        receipt = await pager.notify(call, To(notifier="p", address="user/PXPGF42"))
        again = OPENED.model_copy(update={"occasion": "unacknowledged", "key": "k7"})
        await pager.notify(again, To(notifier="p", address="policy/PT20YPA"))
        worse = OPENED.model_copy(update={"occasion": "reassessed/1", "subject": "SEV3: Acme", "severity": "SEV3"})
        await pager.notify(worse, To(notifier="p", address="the team"))
        first, second = receiver.incidents.values()
        assert receipt.url == first["html_url"]
        assert first["assignments"] == [{"assignee": {"id": "PXPGF42", "type": "user_reference"}}]
        assert second["escalation_policy"] == {"id": "PT20YPA", "type": "escalation_policy_reference"}
        assert "I am on it: https://desk.example/on/1" in first["body"]["details"]
        assert (first["title"], first["urgency"], first["status"]) == ("SEV3: Acme", "low", "triggered")
        for taken in (TAKEN, TAKEN, TAKEN.model_copy(update={"occasion": "unacknowledged"})):
            await pager.notify(taken, TEAM)
        assert (first["status"], second["status"]) == ("acknowledged", "resolved")
        assert receiver.notes[first["id"]] == ["Ida Okafor is on it."]
        await pager.notify(RESOLVED, TEAM)
        await pager.notify(RESOLVED, TEAM)
        assert first["status"] == "resolved"
        assert await pager.address_of("PXPGF42") == "lena@example.com"
        with pytest.raises(integrations.Refused):
            await pager.address_of("../services")
        writes = [r for r in receiver.requests if r.method != "GET"]
        assert {r.headers["from"] for r in writes} == {"fireline@acme.example"}
        assert {r.headers["accept"] for r in writes} == {"application/vnd.pagerduty+json;version=2"}


async def test_a_card_in_teams_is_as_the_schema_says_and_shows_text_as_it_is():
    schema = json.loads((Path(specs.SPECS) / "adaptive-card-1.5.json").read_text())
    found = card(OPENED)
    assert not list(Draft7Validator(schema).iter_errors(found))
    assert found["body"][1]["text"] == r"It \*fails\*\."
    assert found["actions"][0]["url"] == OPENED.link
    with TeamsReceiver() as receiver:
        url = f"{receiver.url}/workflows/1?sig=hunter2"
        channel = integrations.connect("teams", webhook_url=url, timeout=5)
        await channel.notify(OPENED, TEAM)
        receiver.faults.append(Fault(502, done=True))
        with pytest.raises(Unknown) as caught:
            await channel.notify(OPENED, TEAM)
        with pytest.raises(Unknown, match="look at the channel"):
            await channel.find("k1")
        assert "hunter2" not in str(caught.value)
        assert len(receiver.created) == 2


def test_an_address_of_a_workflow_that_is_none_is_refused_without_being_shown():
    with pytest.raises(Misconfigured, match="whole address") as caught:
        integrations.connect("teams", webhook_url="hunter2")
    assert "hunter2" not in str(caught.value)


async def test_a_service_in_pagerduty_that_is_no_object_is_told():
    with PagerDutyRestReceiver() as receiver:
        receiver.denial.append(Fault(200, '{"service": 3.5}'))
        pager = integrations.connect(
            "pagerduty_incidents", base_url=receiver.url, api_key=KEY, **MORE["pagerduty_incidents"]
        )
        assert "without the service" in (await pager.check()).says
        await pager.close()

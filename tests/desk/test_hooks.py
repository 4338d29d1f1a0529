"""Buttons pressed in Slack and acknowledgements in pagers: proven first, done once, by people who may."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from at_the_desk import ANA, CARL, HOSTILE, LENA, NOON, PEOPLE, Scene, assessment, settings_in
from paging_receivers import KEY, PagerDutyRestReceiver
from receivers import SlackReceiver

from config import NotifierSettings
from crisis.clock import FixedClock
from crisis.incident import Incident
from desk import hooks
from desk.app import create_app
from records import open_store
from tasks.installation import Installation
from tasks.notify import tell
from tasks.triage import opened_notice

SECRET, OTHER = "8f742231b10e8888abcd99yyyzzz85a5", "another secret"
PAGER_SECRET, GENIE_SECRET = "pd-secret", "og-secret"
HOME = "T0000001"
USERS = {ANA: "U00000ANA", CARL: "U0000CARL", LENA: "U0000LENA"}


@pytest.fixture(autouse=True)
def _nothing_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "_seen", {})
    monkeypatch.setattr(hooks._unproven, "_levels", {})


@pytest.fixture(scope="module")
def slack() -> Iterator[SlackReceiver]:
    with SlackReceiver() as receiver:
        yield receiver


@dataclass
class Workspace:
    """A desk with Slack and pagers, and what people do there."""

    scene: Scene
    here: Installation
    slack: SlackReceiver
    browser: httpx.AsyncClient
    sent: list[httpx.Response] = field(default_factory=list)

    async def post(
        self, payload: dict[str, Any], *, secret: str = SECRET, age: float = 0, **headers: str
    ) -> httpx.Response:
        at = str(int(time.time() - age))
        body = urlencode({"payload": json.dumps(payload)}).encode()
        mac = hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
        signed = {"x-slack-request-timestamp": at, "x-slack-signature": f"v0={mac}", **headers}
        signed["content-type"] = "application/x-www-form-urlencoded"
        return await self.browser.post("/hooks/room", content=body, headers=signed)

    async def press(
        self, action: str, value: str, person: str = ANA, *, trigger: str = "t1", **more: Any
    ) -> httpx.Response:
        user = {"id": USERS.get(person, person), "team_id": HOME, "name": "x"}
        payload = {
            "type": "block_actions",
            "user": user,
            "team": {"id": HOME},
            "trigger_id": trigger,
            "channel": {"id": "C0000001"},
            "container": {"type": "message", "message_ts": "1.1", "channel_id": "C0000001"},
            "actions": [{"type": "button", "action_id": action, "value": value}],
        }
        return await self.post(payload, **more)

    async def send_off(self, view: dict[str, Any], person: str = ANA, reason: str = "", **more: Any) -> httpx.Response:
        user = {"id": USERS.get(person, person), "team_id": HOME, "name": "x"}
        state = {"values": {"reason": {"reason": {"type": "plain_text_input", "value": reason or None}}}}
        payload = {"type": "view_submission", "user": user, "team": {"id": HOME}, "view": {**view, "state": state}}
        return await self.post(payload, **more)

    async def noticed(self) -> Incident:
        """An incident that the detector opened and Ana was told of in Slack."""
        async with self.here.store.transaction() as tx:
            opened = {"opened_at": NOON, "started_at": NOON - timedelta(minutes=5), "lead": ANA, "actor": "detector"}
            incident = await tx.incidents.open(watch="acme", title="Kettles burn", assessment=assessment(), **opened)
        ana = PEOPLE[1].model_copy(update={"routes": ("room:C0000001",)})
        assert await tell(self.here, incident, ana, opened_notice(self.here, incident), why="asked")
        return incident

    async def taken(self, incident: Incident) -> list[tuple[str, str]]:
        async with self.here.store.reading() as tx:
            return [(r.actor, r.via) for r in await tx.ledger.list(kind="incident.acknowledged", incident=incident.id)]

    @property
    def asks(self) -> str:
        statement = self.scene.statement
        return f"{statement.id}/{statement.version}/{statement.content_hash}"


@pytest.fixture
async def room(scene: Scene, slack: SlackReceiver, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    slack.reset()
    slack.people |= {user: {"team_id": HOME, "profile": {"email": email.upper()}} for email, user in USERS.items()}
    secrets = {"ROOM_TOKEN": "xoxb-t", "ROOM_SIGNING_SECRET": SECRET, "PAGER_ROUTING_KEY": "k", "GENIE_API_KEY": "k"}
    secrets |= {"PAGER_WEBHOOK_SECRET": PAGER_SECRET, "GENIE_WEBHOOK_SECRET": GENIE_SECRET}
    for name, value in secrets.items():
        monkeypatch.setenv(f"FIRELINE_{name}", value)
    home = scene.here.settings.home
    settings = settings_in(home)
    kinds = {"room": "slack", "pager": "pagerduty", "genie": "opsgenie"}
    more = tuple(NotifierSettings(name=n, kind=k, settings={"base_url": slack.url}) for n, k in kinds.items())
    settings = settings.model_copy(update={"notifiers": (*settings.notifiers, *more)})
    here = Installation(
        settings, await open_store(settings.database_url, keys=home / "keys", clock=FixedClock(NOON)), via="desk"
    )
    transport = httpx.ASGITransport(app=create_app(here), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.test") as browser:
        yield Workspace(scene, here, slack, browser)
    await here.close()


async def test_a_press_takes_it_on_and_the_message_then_shows_who_is_on_it(room: Workspace) -> None:
    incident = await room.noticed()
    [before] = [b for b in room.slack.messages[0]["blocks"] if b["type"] == "actions"]
    [button] = [e for e in before["elements"] if e["action_id"] == "on_it"]
    assert (button["value"], button["text"]["text"]) == (incident.id, "I am on it")
    assert (await room.press("on_it", button["value"], CARL)).status_code == 200
    assert await room.taken(incident) == [(CARL, "slack")]
    shown = json.dumps(room.slack.messages[0]["blocks"])
    assert "Carl Berg is on it." in shown
    assert '"on_it"' not in shown
    assert len(room.slack.created) == 1, "the message is changed, not followed by another"
    assert [w["text"] for w in room.slack.whispers] == [f"You are on {incident.id}."]
    await room.press("on_it", incident.id, ANA, trigger="t2")
    assert await room.taken(incident) == [(CARL, "slack")]
    assert room.slack.whispers[-1]["text"] == f"Carl Berg is on {incident.id}."


async def test_what_is_forged_old_or_unsigned_does_nothing(room: Workspace) -> None:
    incident = await room.noticed()
    answers = [
        await room.press("on_it", incident.id, secret=OTHER),
        await room.press("on_it", incident.id, age=301),
        await room.press("on_it", incident.id, age=-301),
        await room.press("on_it", incident.id, **{"x-slack-signature": ""}),
        await room.press("on_it", incident.id, **{"x-slack-request-timestamp": "soon"}),
        await room.browser.post("/hooks/room", content=b"payload=%7B%7D"),
    ]
    assert [a.status_code for a in answers] == [401] * 6
    assert (await room.post({"type": "block_actions"})).status_code == 401, "signed, and none of Slack's payloads"
    assert await room.taken(incident) == []
    assert (await room.browser.post("/hooks/nobody", content=b"")).status_code == 404
    assert (await room.browser.post("/hooks/email", content=b"")).status_code == 404
    assert SECRET not in "".join(a.text for a in answers)


async def test_a_request_that_comes_again_is_done_once(room: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    await room.press("approve", room.asks)
    retried = await room.press(
        "approve", room.asks, **{"x-slack-retry-num": "1", "x-slack-retry-reason": "http_timeout"}
    )
    assert retried.status_code == 200
    assert len(room.slack.views) == 1


@pytest.mark.parametrize(
    "member",
    [
        {"profile": {"email": "mallory@example.com"}, "team_id": HOME},
        {"profile": {"email": ANA}, "team_id": "T9999999"},
        {"profile": {"email": ANA}, "team_id": HOME, "is_stranger": True},
        {"profile": {"email": ANA}, "team_id": HOME, "deleted": True},
        {"profile": {"email": ANA}, "team_id": HOME, "is_bot": True},
        {"profile": {}, "team_id": HOME},
        None,
    ],
    ids=["unknown", "other workspace", "stranger", "left", "bot", "no address", "unknown to Slack"],
)
async def test_who_is_no_stakeholder_is_told_so_and_does_nothing(
    room: Workspace, member: dict[str, Any] | None
) -> None:
    incident = await room.noticed()
    if member:
        room.slack.people["U0MALLORY"] = member
    assert (await room.press("on_it", incident.id, "U0MALLORY")).status_code == 200
    await room.press("approve", room.asks, "U0MALLORY")
    assert await room.taken(incident) == []
    assert room.slack.views == []
    assert {w["user"] for w in room.slack.whispers} == {"U0MALLORY"}
    assert all(w["text"].startswith("Nothing was done") for w in room.slack.whispers)


async def test_a_stakeholder_is_known_by_the_slack_user_among_their_routes(room: Workspace) -> None:
    incident = await room.noticed()
    named = tuple(p.model_copy(update={"routes": ("room:U0PRIVATE",)}) if p.email == LENA else p for p in PEOPLE)
    async with room.here.store.transaction() as tx:
        await tx.stakeholders.put_all(named, actor="test")
    await room.press("on_it", incident.id, "U0PRIVATE")
    assert await room.taken(incident) == [(LENA, "slack")]


async def test_a_decision_is_made_in_a_view_that_shows_every_text_and_ends_in_the_one_decide(room: Workspace) -> None:
    await room.press("approve", room.asks)
    [view] = room.slack.views
    shown = "".join(b["text"]["text"] for b in view["blocks"] if b["type"] == "section")
    for rendering in room.scene.statement.renderings:
        assert all(part.text in shown for part in rendering.parts)
    assert view["submit"]["text"] == "Approve"
    answer = await room.send_off(view)
    assert answer.json()["response_action"] == "update"
    assert "You decided as comms: approve" in answer.text
    async with room.here.store.reading() as tx:
        [decision] = await tx.decisions.list(room.scene.statement.content_hash)
    assert (decision.approver, decision.role, decision.via.value) == (ANA, "comms", "slack")


async def test_a_double_click_and_two_views_count_once(room: Workspace) -> None:
    await room.press("approve", room.asks)
    await room.press("return", room.asks, trigger="t2")
    approve, give_back = room.slack.views
    first = await asyncio.gather(*(room.send_off(approve, reason=f"r{n}") for n in range(3)))
    late = await room.send_off(give_back, reason="no")
    assert sum("On record" in answer.text for answer in first) == 1
    assert "already decided" in late.text
    assert await room.scene.decisions() == [(ANA, "approve")]
    await room.press("approve", room.asks, trigger="t3")
    assert len(room.slack.views) == 2
    assert "you have decided already" in room.slack.whispers[-1]["text"]


async def test_a_return_wants_a_reason_and_tells_it(room: Workspace) -> None:
    await room.press("return", room.asks, LENA)
    [view] = room.slack.views
    assert [b["optional"] for b in view["blocks"] if b["type"] == "input"] == [False]
    assert "say why you return it" in (await room.send_off(view, LENA)).text.lower()
    assert "On record" in (await room.send_off(view, LENA, HOSTILE)).text
    assert await room.scene.decisions() == [(LENA, "return")]


async def test_an_approval_is_taken_back_by_the_button_that_returns(room: Workspace) -> None:
    await room.press("approve", room.asks)
    await room.send_off(room.slack.views[-1])
    await room.press("return", room.asks, trigger="t2")
    view = room.slack.views[-1]
    assert (view["callback_id"], view["submit"]["text"]) == ("take_back", "Take it back")
    assert "waits for 1 × comms, 1 × legal" in (await room.send_off(view, reason="a number is wrong")).text
    async with room.here.store.reading() as tx:
        [made] = await tx.decisions.list(room.scene.statement.content_hash)
    assert made.taken_back_at == NOON
    await room.press("approve", room.asks, trigger="t3")
    assert room.slack.views[-1]["callback_id"] == "approve"


async def test_a_view_that_somebody_else_sends_off_or_that_names_another_text_decides_nothing(room: Workspace) -> None:
    await room.press("approve", room.asks)
    [view] = room.slack.views
    room.slack.people["U0000IDA"] = {"team_id": HOME, "profile": {"email": "ida@example.com"}}
    assert "holds none of the roles" in (await room.send_off(view, "U0000IDA")).text
    statement = room.scene.statement
    altered = {**view, "private_metadata": json.dumps({"value": f"{statement.id}/1/{'0' * 64}", "channel": "C0000001"})}
    assert "the text has changed" in (await room.send_off(altered)).text.lower()
    gone = {**view, "private_metadata": json.dumps({"value": "INC-9-S1/1/x", "channel": "C0000001"})}
    assert "did not count" in (await room.send_off(gone)).text
    assert await room.scene.decisions() == []


async def test_what_takes_longer_is_answered_in_time_and_told_afterwards(
    room: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "ANSWER_SECONDS", 0.0)
    await room.press("approve", room.asks)
    async with asyncio.timeout(10):
        while not room.slack.views:
            await asyncio.sleep(0.02)
        assert "Under way" in (await room.send_off(room.slack.views[0])).text
        while not room.slack.whispers:
            await asyncio.sleep(0.02)
    assert "You decided as comms: approve" in room.slack.whispers[0]["text"]
    assert await room.scene.decisions() == [(ANA, "approve")]


def pagerduty(key: str | None, event: str = "incident.acknowledged", agent: Any = "Lena Roth") -> bytes:
    """As https://developer.pagerduty.com/docs/webhooks-overview#webhook-payload shows it."""
    who = {"id": "PXPGF42", "type": "user_reference", "summary": agent} if isinstance(agent, str) else agent
    data = {"id": "PT4KHLK", "type": "incident", "number": 1234, "status": "acknowledged", "incident_key": key}
    said = {"id": "01", "event_type": event, "resource_type": "incident", "occurred_at": "2026-03-01T12:00:00Z"}
    return json.dumps({"event": {**said, "agent": who, "client": None, "data": data}}).encode()


async def paged(room: Workspace, body: bytes, *secrets: str) -> int:
    macs = [f"v1={hmac.new(s.encode(), body, hashlib.sha256).hexdigest()}" for s in secrets or (PAGER_SECRET,)]
    headers = {"x-pagerduty-signature": ",".join(macs)}
    return (await room.browser.post("/hooks/pager", content=body, headers=headers)).status_code


@pytest.mark.parametrize(
    ("name", "matter", "actor"),
    [
        ("Lena Roth", "", LENA),
        ("Lena Roth", "/unacknowledged", LENA),
        ("Tenex Engineer", "", "Tenex Engineer"),
    ],
)
async def test_acknowledging_in_pagerduty_acknowledges_here(
    room: Workspace, name: str, matter: str, actor: str
) -> None:
    incident = await room.noticed()
    body = pagerduty(incident.id + matter, agent=name)
    assert await paged(room, body, "old", PAGER_SECRET) == 200
    assert await paged(room, body) == 200
    assert await room.taken(incident) == [(actor, "pagerduty")]
    assert f"{name} is on it." in json.dumps(room.slack.messages[0]["blocks"])


async def test_whoever_acknowledges_an_incident_in_pagerduty_is_known_by_their_address_there(
    room: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = await room.noticed()
    with PagerDutyRestReceiver() as rest:
        monkeypatch.setenv("FIRELINE_PAGER_API_KEY", KEY)
        settings = {"base_url": rest.url, "sender": "fireline@acme.example", "service": "PIJ90N7"}
        pager = NotifierSettings(name="pager", kind="pagerduty_incidents", settings=settings)
        others = tuple(n for n in room.here.settings.notifiers if n.name != "pager")
        room.here.settings = room.here.settings.model_copy(update={"notifiers": (*others, pager)})
        assert await paged(room, pagerduty(incident.id, agent="L. R.")) == 200
        await room.here.forget("pager")
    assert await room.taken(incident) == [(LENA, "pagerduty_incidents")]


async def test_what_else_pagerduty_tells_takes_nothing_on(room: Workspace) -> None:
    incident = await room.noticed()
    assert await paged(room, pagerduty(incident.id), OTHER) == 401
    assert await paged(room, b"[]") == 401
    for body in (
        pagerduty(incident.id, "incident.triggered"),
        pagerduty(incident.id, agent={"type": "integration_reference", "summary": "Fireline"}),
        pagerduty(incident.id, agent={}),
        pagerduty(f"{incident.id}/approval/{incident.id}-S1/1"),
        pagerduty(None),
        pagerduty("somebody else's"),
    ):
        assert await paged(room, body) == 200
    assert await room.taken(incident) == []


async def test_acknowledging_in_opsgenie_acknowledges_here(room: Workspace) -> None:
    incident = await room.noticed()

    async def tells(action: str, who: str, secret: str = GENIE_SECRET) -> int:
        alert = {"alertId": "052652ac", "alias": incident.id, "username": who, "message": "x"}
        body = json.dumps({"action": action, "alert": alert, "source": {"name": "web", "type": "WEB"}})
        headers = {"authorization": f"Bearer {secret}"}
        return (await room.browser.post("/hooks/genie", content=body, headers=headers)).status_code

    assert [await tells("Acknowledge", ANA, s) for s in ("", "wrong")] == [401, 401]
    assert [await tells(a, w) for a, w in (("Create", ANA), ("Acknowledge", "Alert API"))] == [200, 200]
    assert await room.taken(incident) == []
    assert await tells("Acknowledge", ANA.upper()) == 200
    assert await room.taken(incident) == [(ANA, "opsgenie")]


async def test_a_notifier_without_its_secret_hears_nobody(room: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROOM_SIGNING", "PAGER_WEBHOOK", "GENIE_WEBHOOK"):
        monkeypatch.delenv(f"FIRELINE_{name}_SECRET")
    answers = [await room.browser.post(f"/hooks/{name}", content=b"{}") for name in ("room", "pager", "genie")]
    assert [a.status_code for a in answers] == [401, 401, 401]
    incident = await room.noticed()
    [actions] = [b for b in room.slack.messages[0]["blocks"] if b["type"] == "actions"]
    assert [("/on/" in e["url"], "value" in e) for e in actions["elements"]] == [(True, False), (False, False)]
    assert await room.taken(incident) == []

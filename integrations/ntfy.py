"""ntfy: push messages to phones, by ntfy.sh or a server of one's own.

Promises: every message carries a tag made of its key, by which it is found again among those the server keeps (12 hours
by default). It is certainly absent only where what the server keeps reaches back to before it was planned; else, as with
a server that keeps none, what was not clearly answered is for a human.
API: https://docs.ntfy.sh/publish/#publish-as-json and https://docs.ntfy.sh/subscribe/api/.
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from crisis.counting import Limits, Unit
from crisis.delivery import DeliveryClass, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations.http import Connection, Http
from integrations.outcomes import IntegrationError, Misconfigured, Refused, Unknown, before_sending, looking_up
from integrations.protocols import Health, Message, hold_to
from integrations.thread import earliest

_TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}")


class NtfySettings(Connection):
    """Settings of a server."""

    base_url: str = Field(default="https://ntfy.sh", description="The server")
    access_token: SecretStr | None = Field(default=None, description="Access token, where topics are protected")
    priority: int = Field(default=4, ge=1, le=5, description="Of every message; from 4 on phones make a sound")


class Ntfy:
    """A ``Publisher`` and a ``Notifier``; the address is a topic."""

    kind: ClassVar[str] = "ntfy"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.RECONCILE_BY_MARKER
    shows_taken: ClassVar[bool] = True
    settings_model: ClassVar[type[NtfySettings]] = NtfySettings
    platform_limits: ClassVar[Limits] = Limits(
        length=4000,  # 4,096 bytes; a longer message becomes an attached file
        unit=Unit.BYTES,
        subject=250,
        source="https://docs.ntfy.sh/publish/#limitations",
    )

    def __init__(self, settings: NtfySettings) -> None:
        self._settings = settings
        token = settings.access_token
        headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        self._http = Http("ntfy", settings, headers)

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        return await self._push(rendering.target.address, key, rendering.subject, rendering.text, "")

    async def notify(self, message: Message, route: Route) -> Receipt:
        if message.taken_by:  # a message cannot be changed, so another one says so, without a sound
            says = f"{message.taken_by} is on it."
            return await self._push(route.address, message.key, message.subject[:250], says, message.link, priority=2)
        room = self.limits.length - len(message.link.encode()) - len(message.on_it.encode()) - 60
        text = message.words.encode()
        cut = text[:room].decode(errors="ignore") + " …" if len(text) > room else message.words
        buttons = [("I am on it", message.on_it), ("Open", message.link)] if message.on_it else []
        actions = [{"action": "view", "label": label, "url": url} for label, url in buttons if url]
        link = message.on_it or message.link
        return await self._push(route.address, message.key, message.subject[:250], cut, link, actions=actions)

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        if rendering is None:
            raise Unknown("the topic is needed to look for a message in ntfy")
        topic = _topic(rendering.target.address)
        with looking_up():
            answer = await self._http.read(f"/{topic}/json", params={"poll": "1", "since": "all"})
        kept = [_event(line) for line in answer.accepted().content.splitlines() if line.strip()]
        kept = [event for event in kept if event.get("event") == "message"]
        for event in kept:
            tags = event.get("tags")
            if isinstance(tags, list) and _mark(key) in tags and event.get("id"):
                return self._receipt(topic, event)
        if not _reach_back(kept):
            raise Unknown("the server keeps too few messages of this topic to tell; look at a phone")
        return None

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        raise Refused("a push message cannot be changed once sent; send a correction")

    async def withdraw(self, receipt: Receipt) -> None:
        raise Refused("a push message cannot be taken back; send a correction")

    async def check(self) -> Health:
        try:
            with before_sending():
                healthy = (await self._http.read("/v1/health")).body().get("healthy") is True
                if healthy and self._settings.access_token:
                    (await self._http.read("/v1/account")).body()
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=healthy, says="the server is well" if healthy else "the server says that it is not well")

    async def close(self) -> None:
        await self._http.close()

    async def _push(self, topic: str, key: str, title: str, text: str, link: str, **more: Any) -> Receipt:
        body: dict[str, Any] = {
            "topic": _topic(topic),
            "message": text,
            "tags": [_mark(key)],
            "priority": self._settings.priority,
            **{name: value for name, value in more.items() if value},
        }
        if title:
            body["title"] = title
        if link:
            body["click"] = link
        answer = await self._http.write("POST", "/", json=body)
        answer.text("id")
        return self._receipt(topic, answer.body())

    def _receipt(self, topic: str, event: dict[str, Any]) -> Receipt:
        at, number = event.get("time"), str(event["id"])
        return Receipt(
            id=number,
            url=f"{self._settings.base_url}/{topic}",
            accepted_at=datetime.fromtimestamp(at, UTC) if type(at) is int and 0 < at < 1 << 33 else datetime.now(UTC),
            raw={"topic": topic, "parts": [number]},
        )


def _mark(key: str) -> str:
    return f"ref-{sha256(key.encode()).hexdigest()[:12]}"


def _reach_back(kept: Sequence[dict[str, Any]]) -> bool:
    """Whether whatever was pushed since what is looked for was planned must be among the messages ``kept``.

    Messages are kept for a span after their ``time``, until they ``expires``: a message from before it was planned, or
    a span that is longer for every message, proves that (https://docs.ntfy.sh/subscribe/api/#json-message-format).
    """
    since = earliest()
    if since is None:
        return False
    times = [(_seconds(event.get("time")), _seconds(event.get("expires"))) for event in kept]
    if any(0 < time <= since.timestamp() for time, _ in times):
        return True
    spans = [expires - time if time and expires else 0 for time, expires in times]
    return bool(spans) and min(spans) > (datetime.now(UTC) - since).total_seconds()


def _seconds(value: object) -> int:
    return value if type(value) is int else 0


def _topic(address: str) -> str:
    if not _TOPIC.fullmatch(address):
        raise Misconfigured(f"{address!r} is no topic of ntfy: letters, digits, - and _, at most 64")
    return address


def _event(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        raise Unknown("ntfy answered with a line that is no JSON") from None
    return event if isinstance(event, dict) else {}

"""Matrix, by any homeserver: messages to rooms, statements and notices alike.

Promises: every part goes out under a transaction id made of its key, which the server keeps, so that sending again
gives the same event; what was sent is found again by that id among the room's newest events. A server shows the id only
to the device that sent: where our events of the time come from another one (a renewed token), the texts are compared,
and where those differ nobody can tell. Edits replace, a
withdrawal redacts, and what was redacted does not count as sent. Pictures are uploaded before, and follow the text. API: https://spec.matrix.org/latest/client-server-api/.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import Field, SecretStr

from crisis.counting import Limits, Unit
from crisis.delivery import DeliveryClass, Receipt
from crisis.pictures import Picture, PictureLimits
from crisis.read_back import OnPlatform
from crisis.stakeholder import Route
from crisis.statement import Part, Rendering, Target
from integrations.http import Answer, Connection, Http
from integrations.outcomes import IntegrationError, Misconfigured, Refused, Unknown, before_sending, looking_up
from integrations.protocols import Health, Message, hold_to
from integrations.shapes import an_object
from integrations.thread import cut, publish_parts, since_planned

LOOK_BACK = timedelta(hours=24)
PAGES = 20
_MESSAGES = frozenset({"m.room.message", "m.room.encrypted"})
_LAST = 253_402_300_800_000
"""Milliseconds since 1970 of the year 10000; other servers may claim anything."""


class MatrixSettings(Connection):
    """Settings of an account on a homeserver."""

    base_url: str = Field(
        examples=["https://matrix.example.com"], description="The homeserver, such as https://matrix.example.com"
    )
    access_token: SecretStr = Field(description="The access token of the account that posts")
    web_url: str = Field(default="https://matrix.to", description="Where links to messages lead")


class Matrix:
    """A ``Publisher`` and a ``Notifier``; the address is a room's id (!...) or alias (#...)."""

    kind: ClassVar[str] = "matrix"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.NATIVE_KEY
    shows_taken: ClassVar[bool] = True
    settings_model: ClassVar[type[MatrixSettings]] = MatrixSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=30_000,  # an event holds 65,536 bytes as JSON, where a character may take twice its bytes
        unit=Unit.BYTES,
        threads=True,
        pictures=PictureLimits(
            most=10,
            size=10_000_000,  # a homeserver says what it takes; Synapse takes 50 MB, others less
            alt=2_000,
            source="https://spec.matrix.org/latest/client-server-api/#mimage",
        ),
        source="https://spec.matrix.org/latest/client-server-api/#size-limits",
    )

    def __init__(self, settings: MatrixSettings) -> None:
        token = settings.access_token.get_secret_value()
        self._http = Http("Matrix", settings, {"Authorization": f"Bearer {token}"})
        self._web = settings.web_url.rstrip("/")
        self._rooms: dict[str, str] = {}
        self._me = ""

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        return await self._send(rendering, key)

    async def notify(self, message: Message, route: Route) -> Receipt:
        text = f"{message.subject}\n\n{message.full_text}".strip()
        parts = cut(text, self.limits)
        if message.taken_by and message.earlier:
            return await self._replace(message.earlier, parts[:1])
        target = Target(channel=route.notifier, kind=self.kind, address=route.address)
        return await self._send(Rendering(target=target, parts=parts), message.key)

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        if rendering is None:
            raise Unknown("the room is needed to look for a message in Matrix")
        with looking_up():
            room = await self._room(rendering.target.address)
            recent = await self._recent(room)
            others = await self._of_another_device(recent)
        ours = _by_transaction(recent)
        key = _unredacted(key, ours)
        events: list[dict[str, Any]] = []
        while (event := ours.get(transaction(key, len(events)))) is not None:
            events.append(event)
        whole = len(events) >= len(rendering.parts) + len(rendering.media)
        if events and whole:
            return self._receipt(room, events)
        if not others:
            return None
        if (same := _same(rendering, others)) is not None:
            return self._receipt(room, same)
        raise Unknown(
            "this account wrote to the room from another device (an earlier token?); look at the room by hand"
        )

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        hold_to(self.limits, rendering)
        if len(receipt.raw["parts"]) != len(rendering.parts) + len(rendering.media):
            raise Refused("the number of messages differs; withdraw it and publish anew, or publish a correction")
        return await self._replace(receipt, rendering.parts)

    async def _replace(self, receipt: Receipt, parts: Sequence[Part]) -> Receipt:
        """Give the first events of what was sent other texts; pictures come after the text, and stay."""
        for event, part in zip(map(str, receipt.raw["parts"]), parts, strict=False):
            content = {
                **_content(f"* {part.text}"),
                "m.new_content": _content(part.text),
                "m.relates_to": {"rel_type": "m.replace", "event_id": event},
            }
            await self._put(str(receipt.raw["room"]), transaction(f"{event} {receipt.accepted_at}", 0), content)
        return receipt.model_copy(update={"accepted_at": datetime.now(UTC)})

    async def read(self, receipt: Receipt) -> OnPlatform:
        """Of pictures only whether they are there; a text as it was last edited."""
        room, parts = _quoted(str(receipt.raw["room"])), list[str | None]()
        with looking_up():
            for event_id in receipt.raw["parts"]:
                answer = await self._http.read(f"/_matrix/client/v3/rooms/{room}/event/{_quoted(str(event_id))}")
                event = {} if answer.status == 404 else answer.body()
                content = an_object(event.get("content"), "content")
                relations = an_object(an_object(event.get("unsigned"), "unsigned").get("m.relations"), "m.relations")
                edit = an_object(an_object(relations.get("m.replace"), "m.replace").get("content"), "content")
                content = an_object(edit.get("m.new_content"), "m.new_content") or content
                if content.get("msgtype") != "m.image":
                    parts.append(str(content["body"]) if "body" in content else None)
        return OnPlatform(parts=tuple(parts) or (None,))

    async def withdraw(self, receipt: Receipt) -> None:
        room = _quoted(str(receipt.raw["room"]))
        for event in reversed(receipt.raw["parts"]):
            path = f"/_matrix/client/v3/rooms/{room}/redact/{_quoted(event)}/{transaction(event, 0)}"
            _event(await self._http.write("PUT", path, json={"reason": "withdrawn"}))

    async def check(self) -> Health:
        try:
            with before_sending():
                me = await self._who()
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says=f"posts as {me}")

    async def close(self) -> None:
        await self._http.close()

    async def _send(self, rendering: Rendering, key: str) -> Receipt:
        with before_sending():
            room = await self._room(rendering.target.address)
            key = _unredacted(key, _by_transaction(await self._recent(room)))
            pictures = [_image(picture, await self._upload(picture)) for picture in rendering.media]

        async def send(number: int, content: dict[str, Any], events: Sequence[dict[str, Any]]) -> dict[str, Any]:
            if rendering.reply_to and not number:
                content["m.relates_to"] = {"m.in_reply_to": {"event_id": rendering.reply_to}}
            return {"event_id": await self._put(room, transaction(key, number), content)}

        async def take_back(event: dict[str, Any]) -> None:
            await self.withdraw(self._receipt(room, [event]))

        contents = [*(_content(part.text) for part in rendering.parts), *pictures]
        return self._receipt(room, await publish_parts(contents, (), send, take_back))

    async def _upload(self, picture: Picture) -> str:
        """Where the homeserver keeps a picture, ``mxc://...``. One that no event shows is seen by nobody."""
        kind = {"Content-Type": picture.media_type.value}
        answer = await self._http.write(
            "POST", "/_matrix/media/v3/upload", params={"filename": picture.name}, content=picture.content, headers=kind
        )
        if answer.status == 413:
            raise Refused("a picture is too large for the homeserver; save it smaller")
        return answer.text("content_uri")

    async def _put(self, room: str, transaction_id: str, content: dict[str, Any]) -> str:
        path = f"/_matrix/client/v3/rooms/{_quoted(room)}/send/m.room.message/{transaction_id}"
        return _event(await self._http.write("PUT", path, json=content))

    async def _of_another_device(self, recent: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Our account's messages since what is looked for was planned whose transaction ids we are not shown."""
        hidden = [event for event in recent if event.get("type") in _MESSAGES and not _transaction_of(event)]
        if not hidden:
            return []
        me = await self._who()
        return since_planned([event for event in hidden if event.get("sender") == me], _made)

    async def _recent(self, room: str) -> list[dict[str, Any]]:
        """The room's events of the last day, newest first."""
        oldest = (datetime.now(UTC) - LOOK_BACK).timestamp() * 1000
        params = {"dir": "b", "limit": "100"}
        found: list[dict[str, Any]] = []
        for _ in range(PAGES):
            body = (await self._http.read(f"/_matrix/client/v3/rooms/{_quoted(room)}/messages", params=params)).body()
            chunk = body.get("chunk")
            if not isinstance(chunk, list) or not all(_is_event(event) for event in chunk):
                raise Unknown("Matrix answered with something that is no list of a room's events")
            young = [event for event in chunk if event["origin_server_ts"] >= oldest]
            found += young
            if len(young) < len(chunk) or not body.get("end"):
                return found
            params["from"] = str(body["end"])
        raise Unknown(f"more than {PAGES * 100} events in {LOOK_BACK}; look at the room by hand")

    async def _room(self, address: str) -> str:
        if address.startswith("!"):
            return address
        if not address.startswith("#"):
            raise Misconfigured(f"{address!r} is no room of Matrix: it starts with ! or #")
        if address not in self._rooms:
            answer = await self._http.read(f"/_matrix/client/v3/directory/room/{_quoted(address)}")
            if answer.status == 404:
                raise Refused(f"there is no room {address} that this homeserver knows")
            self._rooms[address] = answer.text("room_id")
        return self._rooms[address]

    async def _who(self) -> str:
        self._me = self._me or (await self._http.read("/_matrix/client/v3/account/whoami")).text("user_id")
        return self._me

    def _receipt(self, room: str, events: Sequence[dict[str, Any]]) -> Receipt:
        first = str(events[0]["event_id"])
        return Receipt(
            id=first,
            url=f"{self._web}/#/{_quoted(room)}/{_quoted(first)}",
            accepted_at=_made(events[0]),
            raw={"room": room, "parts": [str(event["event_id"]) for event in events]},
        )


def _is_event(event: object) -> bool:
    """Whether what we read of an event is there, and of the type that the specification says."""
    if not isinstance(event, dict) or not isinstance(event.get("event_id"), str):
        return False
    objects = all(isinstance(event.get(name, {}), dict) for name in ("unsigned", "content"))
    return objects and type(event.get("origin_server_ts")) is int


def _transaction_of(event: dict[str, Any]) -> str:
    return str(event.get("unsigned", {}).get("transaction_id") or "")


def _by_transaction(events: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Our events, by the transaction id that the server shows to the device that sent them."""
    return {_transaction_of(event): event for event in events if _transaction_of(event)}


def _made(event: dict[str, Any]) -> datetime:
    at = event.get("origin_server_ts", -1)
    return datetime.fromtimestamp(at / 1000, UTC) if 0 <= at < _LAST else datetime.now(UTC)


def _same(rendering: Rendering, others: Sequence[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """The events (newest first) that say all of ``rendering``, in its order; None where one is missing."""
    bodies = [*(part.text for part in rendering.parts), *(picture.alt for picture in rendering.media)]
    left, same = list(reversed(others)), []
    for body in bodies:
        at = next((n for n, event in enumerate(left) if event.get("content", {}).get("body") == body), None)
        if at is None:
            return None
        same.append(left[at])
        left = left[at + 1 :]
    return same


def _unredacted(key: str, ours: dict[str, dict[str, Any]]) -> str:
    """``key``, or its next generation where what it was used for has been redacted: the server would give that again."""
    generation = 0
    while True:
        used = key if not generation else f"{key}/{generation}"
        first = ours.get(transaction(used, 0))
        if first is None or "redacted_because" not in first["unsigned"]:
            return used
        generation += 1


def transaction(key: str, number: int) -> str:
    """The transaction id of a part."""
    return f"fireline.{sha256(f'{key}.{number}'.encode()).hexdigest()[:32]}"


def _content(text: str) -> dict[str, Any]:
    return {"msgtype": "m.text", "body": text}


def _image(picture: Picture, place: str) -> dict[str, Any]:
    """With its alternative text as the body: what a client shows and reads where it shows no picture."""
    info = {"mimetype": picture.media_type.value, "w": picture.width, "h": picture.height, "size": picture.size}
    return {"msgtype": "m.image", "body": picture.alt, "filename": picture.name, "url": place, "info": info}


def _quoted(part: str) -> str:
    return quote(str(part), safe="")


def _event(answer: Answer) -> str:
    if answer.status == 413 or "M_TOO_LARGE" in answer.says:
        raise Refused("the message is too large for the homeserver; shorten it")
    return answer.text("event_id")

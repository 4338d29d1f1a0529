"""Discord by a bot: messages to channels, statements and notices alike.

Promises: every message carries a ``nonce`` made of its key, which Discord enforces for some minutes; later, and for
threads, the channel's newest messages are read: a statement is known by its text, a notice by its last line. Nothing in
a text mentions anybody, and it is shown as it is written: no part of it becomes Markdown.
API: https://discord.com/developers/docs/resources/message.
"""

import json
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from crisis.counting import Limits, Unit
from crisis.delivery import DeliveryClass, Receipt
from crisis.pictures import Picture, PictureLimits
from crisis.plain_markdown import plain_markdown
from crisis.read_back import OnPlatform
from crisis.stakeholder import Route
from crisis.statement import Part, Rendering, Target
from integrations.http import Answer, Connection, Http, moment
from integrations.outcomes import IntegrationError, Misconfigured, Refused, Unknown, before_sending, looking_up
from integrations.protocols import Health, Message, hold_to
from integrations.thread import cut, publish_parts, standing

LOOK_BACK = timedelta(hours=24)
"""How far back messages are looked for."""
PAGES = 20
SUPPRESS_EMBEDS = 1 << 2


class DiscordSettings(Connection):
    """Settings of a bot."""

    base_url: str = Field(default="https://discord.com/api/v10", description="The API")
    token: SecretStr = Field(
        description="The bot's token; it needs View Channel, Send Messages, Attach Files, Read Message History"
    )
    link_previews: bool = Field(default=False, description="Let Discord show previews of links")


class Discord:
    """A ``Publisher`` and a ``Notifier``; the address is a channel's id."""

    kind: ClassVar[str] = "discord"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.NATIVE_KEY
    shows_taken: ClassVar[bool] = True
    settings_model: ClassVar[type[DiscordSettings]] = DiscordSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=2000,
        unit=Unit.PLAIN_MARKDOWN,
        threads=True,
        pictures=PictureLimits(
            most=10,
            size=10 * 1024 * 1024,
            alt=1024,
            source="https://discord.com/developers/docs/reference#uploading-files",
        ),
        source="https://discord.com/developers/docs/resources/message#create-message",
    )

    def __init__(self, settings: DiscordSettings) -> None:
        token = settings.token.get_secret_value()
        self._http = Http("Discord", settings, {"Authorization": f"Bot {token}"})
        self._flags = 0 if settings.link_previews else SUPPRESS_EMBEDS
        self._me = ""

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        return await self._send(rendering, key)

    async def notify(self, message: Message, route: Route) -> Receipt:
        text = f"{message.subject}\n\n{message.full_text}".strip()
        if message.taken_by and message.earlier:
            body = {"content": plain_markdown(cut(text, self.limits)[0].text), "allowed_mentions": {"parse": []}}
            path = f"{_path(route.address)}/{message.earlier.id}"
            return _receipt([_message(await self._http.write("PATCH", path, json=body))])
        target = Target(channel=route.notifier, kind=self.kind, address=route.address)
        parts = cut(f"{text}\n{_reference(message.key)}", self.limits)
        return await self._send(Rendering(target=target, parts=parts), message.key)

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        """Looks through our messages of the last day: a statement is known by its text, a notice by its reference."""
        if rendering is None:
            raise Unknown("Discord shows no key of ours later on; the rendering is needed to look for its text")
        with looking_up():
            recent = await self._recent(rendering.target.address)
        noticed = [message for message in recent if _reference(key) in _says(message)]
        there = noticed or _standing(rendering, recent)
        return _receipt(there) if noticed or len(there) == len(rendering.parts) else None

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        hold_to(self.limits, rendering)
        ids = receipt.raw["parts"]
        if len(ids) != len(rendering.parts):
            raise Refused("the number of messages differs; withdraw it and publish anew, or publish a correction")
        path = _path(str(receipt.raw["channel"]))
        for number, part in zip(ids, rendering.parts, strict=True):
            body = {"content": plain_markdown(part.text), "allowed_mentions": {"parse": []}}
            _message(await self._http.write("PATCH", f"{path}/{number}", json=body))
        return receipt.model_copy(update={"accepted_at": datetime.now(UTC)})

    async def read(self, receipt: Receipt) -> OnPlatform:
        parts: list[str | None] = []
        with looking_up():
            for number in receipt.raw["parts"]:
                answer = await self._http.read(f"{_path(str(receipt.raw['channel']))}/{number}")
                parts.append(None if answer.status == 404 else _says(_message(answer)))
        return OnPlatform(parts=tuple(parts))

    async def withdraw(self, receipt: Receipt) -> None:
        for number in reversed(receipt.raw["parts"]):
            await self._delete(str(receipt.raw["channel"]), str(number))

    async def check(self) -> Health:
        try:
            with before_sending():
                me = (await self._http.read("/users/@me")).body()
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says=f"posts as {me.get('username')}")

    async def close(self) -> None:
        await self._http.close()

    async def _send(self, rendering: Rendering, key: str) -> Receipt:
        channel = rendering.target.address
        path = _path(channel)
        with before_sending():
            there = _standing(rendering, await self._recent(channel)) if len(rendering.parts) > 1 else []

        async def send(number: int, part: Part, posts: Sequence[dict[str, Any]]) -> dict[str, Any]:
            body: dict[str, Any] = {
                "content": _content(part.text, _reference(key)),
                "nonce": sha256(f"{key}.{number}".encode()).hexdigest()[:25],
                "enforce_nonce": True,
                "allowed_mentions": {"parse": []},
            }
            if self._flags:
                body["flags"] = self._flags
            if answered := str(posts[-1]["id"]) if posts else rendering.reply_to:
                body["message_reference"] = {"message_id": answered}
            return _message(await self._http.write("POST", path, **_request(body, () if number else rendering.media)))

        posts = await publish_parts(rendering.parts, there, send, lambda post: self._delete(channel, str(post["id"])))
        return _receipt(posts)

    async def _recent(self, channel: str) -> list[dict[str, Any]]:
        recent: list[dict[str, Any]] = []
        oldest = datetime.now(UTC) - LOOK_BACK
        params = {"limit": "100"}
        self._me = self._me or (await self._http.read("/users/@me")).text("id")
        for _ in range(PAGES):
            page = (await self._http.read(_path(channel), params=params)).items()
            young = [message for message in page if moment(message.get("timestamp")) >= oldest]
            recent += [message for message in young if (message.get("author") or {}).get("id") == self._me]
            if len(young) < 100:
                return recent
            params["before"] = str(page[-1].get("id"))
        raise Unknown(f"more than {PAGES * 100} messages in {LOOK_BACK}; look at the channel by hand")

    async def _delete(self, channel: str, number: str) -> None:
        (await self._http.write("DELETE", f"{_path(channel)}/{number}")).removed()


def _path(channel: str) -> str:
    if not channel.isdecimal():
        raise Misconfigured(f"{channel!r} is no id of a Discord channel: it is a long number (copy it from Discord)")
    return f"/channels/{channel}/messages"


def _request(body: dict[str, Any], media: Sequence[Picture]) -> dict[str, Any]:
    """How a message goes out: as JSON, or as a form with its pictures, each with its description."""
    if not media:
        return {"json": body}
    attached = [{"id": str(n), "filename": p.name, "description": p.alt} for n, p in enumerate(media)]
    files = {f"files[{n}]": (p.name, p.content, p.media_type.value) for n, p in enumerate(media)}
    return {"data": {"payload_json": json.dumps(body | {"attachments": attached})}, "files": files}


def _reference(key: str) -> str:
    """A line in small print that ends a notice, by which it is found again."""
    return f"-# ref {sha256(key.encode()).hexdigest()[:12]}"


def _content(text: str, reference: str) -> str:
    """What is sent to show ``text`` as it is; only the ``reference`` that we add is in small print."""
    before, there, behind = text.rpartition(reference)
    return plain_markdown(before) + there + plain_markdown(behind) if there else plain_markdown(text)


def _standing(rendering: Rendering, recent: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return standing(rendering, recent, made=_made, answered=_answered, says=_says, same=_comparable, shows=_shows)


def _message(answer: Answer) -> dict[str, Any]:
    answer.text("id")
    return answer.body()


def _made(post: dict[str, Any]) -> datetime:
    return moment(post.get("timestamp"))


def _answered(message: dict[str, Any]) -> str:
    return str((message.get("message_reference") or {}).get("message_id") or "")


def _shows(message: dict[str, Any]) -> int:
    return len(message.get("attachments") or ())


def _says(message: dict[str, Any]) -> str:
    return str(message.get("content", ""))


def _comparable(text: str) -> str:
    """Without white space and the backslashes that were added."""
    return "".join(unicodedata.normalize("NFC", text).replace("\\", "").split())


def _receipt(posts: Sequence[dict[str, Any]]) -> Receipt:
    first = posts[0]
    return Receipt(
        id=str(first["id"]),
        accepted_at=moment(first.get("edited_timestamp") or first.get("timestamp")),
        raw={"channel": str(first.get("channel_id") or ""), "parts": [str(post["id"]) for post in posts]},
    )

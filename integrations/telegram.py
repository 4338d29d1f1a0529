"""Telegram by the Bot API: messages to channels and groups, and notices to people who have started the bot.

Promises: text goes out as plain text, so that nothing in it is read as markup. Telegram keeps no key of ours and shows
a bot nothing of what it has sent, so whatever was not clearly answered is for a human. The token is part of every
address and is hidden in every message. Pictures follow the text, in answer to it, with their alternative texts below
them. API: https://core.telegram.org/bots/api.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from crisis.counting import Limits, Unit
from crisis.delivery import DeliveryClass, Receipt
from crisis.pictures import MediaType, Picture, PictureLimits
from crisis.stakeholder import Route
from crisis.statement import Part, Rendering
from integrations.http import Answer, Connection, Http
from integrations.outcomes import IntegrationError, Misconfigured, Refused, Unknown, before_sending
from integrations.protocols import Health, Message, hold_to
from integrations.thread import cut, publish_parts

Sent = dict[str, Any]
"""A message as Telegram describes it."""


class TelegramSettings(Connection):
    """Settings of a bot."""

    base_url: str = Field(default="https://api.telegram.org", description="The Bot API")
    token: SecretStr = Field(description="The bot's token, from @BotFather")


class Telegram:
    """A ``Publisher`` and a ``Notifier``; the address is a chat's id or @name."""

    kind: ClassVar[str] = "telegram"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.AT_MOST_ONCE
    shows_taken: ClassVar[bool] = True
    settings_model: ClassVar[type[TelegramSettings]] = TelegramSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=4096,
        unit=Unit.UTF16,
        threads=True,
        pictures=PictureLimits(
            most=10,
            size=10_000_000,
            types=frozenset({MediaType.JPEG, MediaType.PNG, MediaType.WEBP}),
            alt=1024,
            pixels=25_000_000,  # width and height together are at most 10,000
            narrowest=0.05,
            widest=20,
            source="https://core.telegram.org/bots/api#sendphoto",
        ),
        source="https://core.telegram.org/bots/api#sendmessage",
    )

    def __init__(self, settings: TelegramSettings) -> None:
        self._http = Http("Telegram", settings)
        self._path = f"/bot{settings.token.get_secret_value()}"

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        return await self._send(rendering.target.address, rendering.parts, rendering.reply_to, rendering.media)

    async def notify(self, message: Message, route: Route) -> Receipt:
        text = f"{message.subject}\n\n{message.full_text}".strip()
        if message.taken_by and message.earlier:
            return await self._edit(message.earlier, cut(text, self.limits)[:1])
        return await self._send(route.address, cut(text, self.limits), "")

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        raise Unknown("Telegram shows a bot nothing of what it has sent; look at the chat")

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        hold_to(self.limits, rendering)
        if len(_where(receipt)[1]) != len(rendering.parts):
            raise Refused("the number of messages differs; withdraw it and publish anew, or publish a correction")
        return await self._edit(receipt, rendering.parts)

    async def _edit(self, receipt: Receipt, parts: Sequence[Part]) -> Receipt:
        """Give the first messages of what was sent other texts."""
        chat, ids = _where(receipt)
        for number, part in zip(ids, parts, strict=False):
            answer = await self._call("editMessageText", chat_id=chat, message_id=number, text=part.text)
            if answer.status != 400 or "message is not modified" not in answer.says:
                _result(answer)
        return receipt.model_copy(update={"accepted_at": datetime.now(UTC)})

    async def withdraw(self, receipt: Receipt) -> None:
        chat, ids = _where(receipt)
        for number in reversed([*ids, *receipt.raw.get("pictures", ())]):
            await self._delete(chat, int(number))

    async def check(self) -> Health:
        try:
            with before_sending():
                me = _result(await self._http.read(f"{self._path}/getMe"))
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says=f"posts as @{me.get('username')}")

    async def close(self) -> None:
        await self._http.close()

    async def _send(self, chat: str, parts: Sequence[Part], reply_to: str, media: Sequence[Picture] = ()) -> Receipt:
        if not chat:
            raise Misconfigured("Telegram needs an address: the chat's id or @name")

        async def send(number: int, part: Part | None, sent: Sequence[list[Sent]]) -> list[Sent]:
            answered = sent[0 if part is None else -1][0]["message_id"] if sent else reply_to.rpartition("/")[2]
            more = {"reply_parameters": {"message_id": int(answered)}} if str(answered).isdecimal() else {}
            if part is None:
                return await self._show(chat, media, more)
            return [_result(await self._call("sendMessage", chat_id=chat, text=part.text, **more))]

        async def take_back(messages: list[Sent]) -> None:
            for message in reversed(messages):
                await self._delete(chat, message["message_id"])

        sent = await publish_parts((*parts, *([None] if media else [])), (), send, take_back)
        messages = [message for one in sent[: len(parts)] for message in one]
        pictures = [message["message_id"] for one in sent[len(parts) :] for message in one]
        first = messages[0]
        home = first.get("chat") or {}
        name, number = home.get("username"), first["message_id"]
        at = first.get("date")
        return Receipt(
            id=f"{chat}/{number}",
            url=f"https://t.me/{name}/{number}" if name else "",
            accepted_at=datetime.fromtimestamp(at, UTC) if isinstance(at, int) else datetime.now(UTC),
            raw={"chat": chat, "parts": [m["message_id"] for m in messages], "pictures": pictures},
        )

    async def _show(self, chat: str, media: Sequence[Picture], more: dict[str, Any]) -> list[Sent]:
        """The pictures in one message or album, each with its alternative text below, for Telegram knows no other."""
        form = {"chat_id": chat} | {name: json.dumps(value) for name, value in more.items()}
        files = {f"picture{n}": (p.name, p.content, p.media_type.value) for n, p in enumerate(media)}
        if len(media) == 1:
            sent = {**form, "photo": "attach://picture0", "caption": media[0].alt}
            return [_result(await self._http.write("POST", f"{self._path}/sendPhoto", data=sent, files=files))]
        album = [{"type": "photo", "media": f"attach://picture{n}", "caption": p.alt} for n, p in enumerate(media)]
        sent = {**form, "media": json.dumps(album)}
        answer = await self._http.write("POST", f"{self._path}/sendMediaGroup", data=sent, files=files)
        messages = _ok(answer).get("result")
        if not isinstance(messages, list) or not all(isinstance(m, dict) and m.get("message_id") for m in messages):
            raise Unknown(f"Telegram answered without messages: {answer.says}")
        return messages

    async def _delete(self, chat: str, number: int) -> None:
        answer = await self._call("deleteMessage", chat_id=chat, message_id=number)
        if answer.status == 400 and "message to delete not found" in answer.says:
            return
        _ok(answer)

    async def _call(self, method: str, **fields: Any) -> Answer:
        return await self._http.write("POST", f"{self._path}/{method}", json=fields)


def _where(receipt: Receipt) -> tuple[str, list[int]]:
    return str(receipt.raw["chat"]), [int(number) for number in receipt.raw["parts"]]


def _ok(answer: Answer) -> dict[str, Any]:
    body = answer.body()
    if body.get("ok") is not True:
        raise Unknown(f"Telegram gave no clear answer: {answer.says}")
    return body


def _result(answer: Answer) -> dict[str, Any]:
    """What was made, when Telegram says ok."""
    result = _ok(answer).get("result")
    if not isinstance(result, dict) or not (result.get("message_id") or result.get("id")):
        raise Unknown(f"Telegram answered without a message: {answer.says}")
    return result

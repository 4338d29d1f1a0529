"""Threads by Meta: posts, and threads of them.

Promises: a post is made in two steps; only the second shows it, so a first one that was lost shows nothing. Threads
keeps no key of ours, so before a thread is continued, and to find out what became of a post, the account's own posts of
the last day are read and compared. Pictures are fetched by Threads from a public address. API: https://developers.facebook.com/docs/threads/posts.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from crisis.counting import Limits, Unit
from crisis.delivery import DeliveryClass, Receipt
from crisis.pictures import MediaType, PictureLimits
from crisis.read_back import OnPlatform
from crisis.statement import Part, Rendering
from integrations import graph
from integrations.http import Http, moment
from integrations.outcomes import IntegrationError, Refused, Unknown, Unreachable, before_sending, looking_up
from integrations.protocols import Health, hold_to
from integrations.public_pictures import PublicPictures, shelf
from integrations.shapes import an_object
from integrations.thread import publish_parts, standing

PATIENCE = 20
"""How often a container is asked whether it is ready, twice a second."""
FIELDS = "id,text,timestamp,permalink,replied_to,is_reply"


class ThreadsSettings(PublicPictures):
    """Settings of an account on Threads."""

    base_url: str = Field(default="https://graph.threads.net/v1.0", description="The Threads API with its version")
    access_token: SecretStr = Field(
        description="A long-lived token: threads_basic, threads_content_publish, threads_manage_replies, threads_delete"
    )


class Threads:
    """A ``Publisher``."""

    kind: ClassVar[str] = "threads"
    answers: ClassVar[frozenset[str]] = frozenset({"threads"})
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.RECONCILE_BY_MARKER
    settings_model: ClassVar[type[ThreadsSettings]] = ThreadsSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=500,
        unit=Unit.EMOJI_BYTES,
        threads=True,
        pictures=PictureLimits(
            most=20,
            size=8_000_000,
            types=frozenset({MediaType.JPEG, MediaType.PNG}),
            alt=1_000,
            narrowest=0.1,
            widest=10,
            wants="picture_bucket",
            source="https://developers.facebook.com/docs/threads/posts#image-specifications",
        ),
        source="https://developers.facebook.com/docs/threads/posts#limitations",
    )

    def __init__(self, settings: ThreadsSettings) -> None:
        token = settings.access_token.get_secret_value()
        self._http = Http("Threads", settings, {"Authorization": f"Bearer {token}"})
        self._shelf = shelf(settings)

    @property
    def limits(self) -> Limits:
        """Without a public place for them, no pictures."""
        return self.platform_limits if self._shelf else self.platform_limits.model_copy(update={"pictures": None})

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        with before_sending():
            there = await self._there(rendering) if len(rendering.parts) > 1 else []
            shown = {} if there else await self._pictures(rendering)

        async def send(number: int, part: Part, posts: Sequence[dict[str, Any]]) -> dict[str, Any]:
            form = {"media_type": "TEXT", "text": part.text} | ({} if number else shown)
            if answered := str(posts[-1]["id"]) if posts else rendering.reply_to:
                form["reply_to_id"] = answered
            with before_sending():
                container = graph.made(await self._http.write("POST", "/me/threads", data=form))
                await self._ready(container)
            answer = await self._http.write("POST", "/me/threads_publish", data={"creation_id": container})
            return {"id": graph.made(answer)}

        async def take_back(post: dict[str, Any]) -> None:
            await self._delete(str(post["id"]))

        return self._receipt(await publish_parts(rendering.parts, there, send, take_back))

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        if rendering is None:
            raise Unknown("Threads keeps no key of ours; the rendering is needed to look for its text")
        with looking_up():
            there = await self._there(rendering)
        return self._receipt(there) if len(there) == len(rendering.parts) else None

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        raise Refused("Threads has no edits by its API; publish a correction as an answer to it, or withdraw it")

    async def read(self, receipt: Receipt) -> OnPlatform:
        with looking_up():
            parts = [
                await graph.shown(
                    self._http, str(number), "text", ("/me/threads", "/me/replies"), {}, since=receipt.accepted_at
                )
                for number in receipt.raw.get("parts") or [receipt.id]
            ]
        return OnPlatform(parts=tuple(parts))

    async def withdraw(self, receipt: Receipt) -> None:
        for number in reversed(receipt.raw.get("parts") or [receipt.id]):
            await self._delete(str(number), receipt.accepted_at)

    async def check(self) -> Health:
        try:
            with before_sending():
                me = graph.body(await self._http.read("/me", params={"fields": "id,username"}))
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says=f"posts as @{me.get('username')}")

    async def close(self) -> None:
        await self._http.close()
        if self._shelf:
            await self._shelf.close()

    async def _pictures(self, rendering: Rendering) -> dict[str, str]:
        """What the first post's form holds besides its text: one picture, or several to swipe through."""
        if not rendering.media or self._shelf is None:
            return {}
        forms = [
            {"media_type": "IMAGE", "image_url": await self._shelf.address_of(picture), "alt_text": picture.alt}
            for picture in rendering.media
        ]
        if len(forms) == 1:
            return forms[0]
        children = []
        for form in forms:
            item = {**form, "is_carousel_item": "true"}
            children.append(graph.made(await self._http.write("POST", "/me/threads", data=item)))
        for child in children:
            await self._ready(child)
        return {"media_type": "CAROUSEL", "children": ",".join(children)}

    async def _there(self, rendering: Rendering) -> list[dict[str, Any]]:
        params = {"fields": FIELDS, "limit": "100", "since": graph.since()}
        recent = await graph.listing(self._http, "/me/threads", params, _made)
        if len(rendering.parts) > 1 or rendering.reply_to:
            recent += await graph.listing(self._http, "/me/replies", params, _made)
        recent.sort(key=lambda post: str(post.get("timestamp")), reverse=True)
        return standing(rendering, recent, made=_made, answered=_answered, says=_says, same=_comparable)

    async def _ready(self, container: str) -> None:
        """Wait until a container can be published: text at once as a rule, pictures once they are fetched."""
        for _ in range(PATIENCE):
            answer = await self._http.read(f"/{container}", params={"fields": "id,status,error_message"})
            status = str(graph.body(answer).get("status"))
            if status in {"FINISHED", "PUBLISHED"}:
                return
            if status in {"ERROR", "EXPIRED"}:
                raise Refused(f"Threads could not take it: {answer.says}")
            await asyncio.sleep(0.5)
        raise Unreachable("Threads has not finished preparing it, nothing was published")

    async def _delete(self, number: str, since: datetime | None = None) -> None:
        await graph.remove(self._http, number, ("/me/threads", "/me/replies"), {}, since=since)

    def _receipt(self, posts: Sequence[dict[str, Any]]) -> Receipt:
        first = posts[0]
        return Receipt(
            id=str(first["id"]),
            url=str(first.get("permalink") or ""),
            accepted_at=moment(first.get("timestamp")),
            raw={"parts": [str(post["id"]) for post in posts]},
        )


def _made(post: dict[str, Any]) -> datetime:
    return moment(post.get("timestamp"))


def _answered(post: dict[str, Any]) -> str:
    return str(an_object(post.get("replied_to"), "replied_to").get("id") or "")


def _says(post: dict[str, Any]) -> str:
    return str(post.get("text") or "")


def _comparable(text: str) -> str:
    return "".join(text.split())

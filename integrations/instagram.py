"""Instagram by the Graph API: pictures with a caption, and comments on them as corrections.

Promises: a post is made in two steps; only the second shows it, so a first one that was lost shows nothing. Instagram
fetches pictures from a public address, keeps no key of ours and lets no caption be changed, so the account's own posts
of the last day are read and their captions compared. A rendering that answers a post becomes a comment on it.
API: https://developers.facebook.com/docs/instagram-platform/content-publishing.
"""

import asyncio
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from crisis.counting import Limits, Unit
from crisis.delivery import DeliveryClass, Receipt
from crisis.pictures import MediaType, Picture, PictureLimits
from crisis.read_back import OnPlatform
from crisis.statement import Rendering
from integrations import graph
from integrations.http import Http, moment
from integrations.outcomes import (
    IntegrationError,
    Misconfigured,
    Refused,
    Unknown,
    Unreachable,
    before_sending,
    looking_up,
)
from integrations.protocols import Health, hold_to
from integrations.public_pictures import PublicPictures, shelf
from integrations.thread import since_planned

PATIENCE = 40
"""How often a container is asked whether it is ready, twice a second."""


class InstagramSettings(PublicPictures):
    """Settings of a professional account."""

    base_url: str = Field(
        default="https://graph.instagram.com/v23.0",
        description="The API with its version; with a Facebook login https://graph.facebook.com/v23.0",
    )
    account: str = Field(examples=["17841400000000000"], pattern=r"^\d+$", description="The account's id")
    access_token: SecretStr = Field(
        description="A token: instagram_business_basic, instagram_business_content_publish, ..._manage_comments"
    )
    picture_bucket: str = Field(
        examples=["acme-press"],
        pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        description="S3 bucket from which Instagram fetches pictures, such as the press page's",
    )
    picture_url: str = Field(
        examples=["https://press.example.com/pictures"], description="Where everybody can read its folder, https://..."
    )


class Instagram:
    """A ``Publisher``."""

    kind: ClassVar[str] = "instagram"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.RECONCILE_BY_MARKER
    settings_model: ClassVar[type[InstagramSettings]] = InstagramSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=2200,
        unit=Unit.UTF16,
        pictures=PictureLimits(
            most=10,
            needed=True,
            size=8_000_000,
            types=frozenset({MediaType.JPEG}),
            alt=1_000,
            narrowest=0.8,
            widest=1.91,
            in_answers=0,
            source="https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media",
        ),
        source="https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media",
    )

    def __init__(self, settings: InstagramSettings) -> None:
        self._account = settings.account
        token = settings.access_token.get_secret_value()
        self._http = Http("Instagram", settings, {"Authorization": f"Bearer {token}"})
        self._shelf = shelf(settings)

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        if rendering.reply_to:
            answer = await self._http.write("POST", f"/{rendering.reply_to}/comments", data={"message": rendering.text})
            return _receipt({"id": graph.made(answer)}, rendering.reply_to)
        with before_sending():
            container = await self._container(rendering)
            await self._ready(container)
        answer = await self._http.write("POST", f"/{self._account}/media_publish", data={"creation_id": container})
        return _receipt({"id": graph.made(answer)})

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        if rendering is None:
            raise Unknown("Instagram keeps no key of ours; the rendering is needed to look for its caption")
        says = "text" if rendering.reply_to else "caption"
        params = {"fields": f"id,{says},timestamp" + ("" if rendering.reply_to else ",permalink"), "limit": "100"}
        path = f"/{rendering.reply_to}/comments" if rendering.reply_to else f"/{self._account}/media"
        with looking_up():
            if not rendering.reply_to:
                params["since"] = graph.since()
            recent = since_planned(await graph.listing(self._http, path, params, _made), _made)
        there = [post for post in recent if _same(post.get(says), rendering.text)]
        return _receipt(there[-1], rendering.reply_to) if there else None

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        raise Refused("Instagram lets no caption be changed by its API; publish a correction, which becomes a comment")

    async def read(self, receipt: Receipt) -> OnPlatform:
        under, lists = str(receipt.raw.get("under") or ""), (f"/{self._account}/media",)
        field = "text" if under else "caption"
        with looking_up():
            text = await graph.shown(self._http, receipt.id, field, lists, {}, since=receipt.accepted_at, under=under)
        return OnPlatform(parts=(text,))

    async def withdraw(self, receipt: Receipt) -> None:
        under, lists = str(receipt.raw.get("under") or ""), (f"/{self._account}/media",)
        try:
            await graph.remove(self._http, receipt.id, lists, {}, since=receipt.accepted_at, under=under)
        except (Refused, Misconfigured) as error:
            raise Refused(f"it could not be taken back from here, so delete it in the app: {error}") from None

    async def check(self) -> Health:
        try:
            with before_sending():
                me = graph.body(await self._http.read(f"/{self._account}", params={"fields": "id,username"}))
                where = await self._shelf.check() if self._shelf else ""
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says=f"posts as @{me.get('username')}, {where}")

    async def close(self) -> None:
        await self._http.close()
        if self._shelf:
            await self._shelf.close()

    async def _container(self, rendering: Rendering) -> str:
        """What will be published: one picture, or several to swipe through."""
        if len(rendering.media) == 1:
            return await self._picture(rendering.media[0], {"caption": rendering.text})
        children = [await self._picture(p, {"is_carousel_item": "true"}) for p in rendering.media]
        for child in children:
            await self._ready(child)
        form = {"media_type": "CAROUSEL", "children": ",".join(children), "caption": rendering.text}
        return graph.made(await self._http.write("POST", f"/{self._account}/media", data=form))

    async def _picture(self, picture: Picture, more: dict[str, str]) -> str:
        if self._shelf is None:
            raise Misconfigured("Instagram fetches pictures: set picture_bucket and picture_url")
        form = {"image_url": await self._shelf.address_of(picture), "alt_text": picture.alt, **more}
        return graph.made(await self._http.write("POST", f"/{self._account}/media", data=form))

    async def _ready(self, container: str) -> None:
        for _ in range(PATIENCE):
            answer = await self._http.read(f"/{container}", params={"fields": "status_code,status"})
            status = str(graph.body(answer).get("status_code"))
            if status in {"FINISHED", "PUBLISHED"}:
                return
            if status in {"ERROR", "EXPIRED"}:
                raise Refused(f"Instagram could not take a picture: {answer.says}")
            await asyncio.sleep(0.5)
        raise Unreachable("Instagram has not finished fetching a picture, nothing was published")


def _receipt(post: dict[str, Any], under: str = "") -> Receipt:
    number = str(post["id"])
    return Receipt(
        id=number,
        url=str(post.get("permalink") or ""),
        accepted_at=_made(post),
        raw={"parts": [number]} | ({"under": under} if under else {}),
    )


def _made(post: dict[str, Any]) -> datetime:
    return moment(post.get("timestamp"))


def _same(there: Any, text: str) -> bool:
    return isinstance(there, str) and "".join(there.split()) == "".join(text.split())

"""LinkedIn: posts of an organisation's page.

Promises: text goes out in LinkedIn's little text format with everything escaped that would cut it off or be read as
markup; hashtags stay hashtags. LinkedIn keeps no key of ours, so the organisation's newest posts are read and compared.
A rendering that answers a post becomes a repost of it with that text, which shows no pictures. Access tokens last sixty days.
API: https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.pictures import MediaType, Picture, PictureLimits
from crisis.read_back import OnPlatform
from crisis.statement import Rendering
from integrations.http import Answer, Connection, Http
from integrations.outcomes import IntegrationError, Refused, Unknown, before_sending, looking_up
from integrations.protocols import Health, hold_to
from integrations.shapes import an_object, at_second, objects
from integrations.thread import since_planned

LOOK_BACK = timedelta(hours=24)
_RESERVED = re.compile(r"[\\|{}@\[\]()<>*_~]|(?<=\S)#|#(?!\w)")
"""Must be escaped in the little text format; a # before a word makes a hashtag and stays."""
_ESCAPED = re.compile(r"\\([\\|{}@\[\]()<>#*_~])")
_TEMPLATE = re.compile(r"\{hashtag\|\\?#\|(\w+)\}")


class LinkedInSettings(Connection):
    """Settings of an organisation's page."""

    base_url: str = Field(default="https://api.linkedin.com", description="The API")
    organization: str = Field(
        examples=["1234567"], pattern=r"^\d+$", description="The organisation's id, from its page"
    )
    access_token: SecretStr = Field(description="A token with w_organization_social and r_organization_social")
    version: str = Field(default="202606", pattern=r"^20\d{4}$", description="The API's version, YYYYMM")
    web_url: str = Field(default="https://www.linkedin.com", description="Where people read posts")


class LinkedIn:
    """A ``Publisher``."""

    kind: ClassVar[str] = "linkedin"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.RECONCILE_BY_MARKER
    settings_model: ClassVar[type[LinkedInSettings]] = LinkedInSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=3000,
        pictures=PictureLimits(
            most=20,
            size=5_000_000,  # LinkedIn's page names pixels only; this is what its own composer takes
            types=frozenset({MediaType.JPEG, MediaType.PNG, MediaType.GIF}),
            alt=4_086,
            pixels=36_152_319,
            in_answers=0,
            source="https://learn.microsoft.com/linkedin/marketing/community-management/shares/images-api",
        ),
        source="https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api",
    )

    def __init__(self, settings: LinkedInSettings) -> None:
        self._settings = settings
        self._author = f"urn:li:organization:{settings.organization}"
        headers = {
            "Authorization": f"Bearer {settings.access_token.get_secret_value()}",
            "LinkedIn-Version": settings.version,
            "X-Restli-Protocol-Version": "2.0.0",
        }
        self._http = Http("LinkedIn", settings, headers)

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        body: dict[str, Any] = {
            "author": self._author,
            "commentary": little(rendering.text),
            "visibility": "PUBLIC",
            "distribution": {
                "feedDistribution": "MAIN_FEED",
                "targetEntities": [],
                "thirdPartyDistributionChannels": [],
            },
            "lifecycleState": "PUBLISHED",
            "isReshareDisabledByAuthor": False,
        }
        if rendering.reply_to:
            body["reshareContext"] = {"parent": rendering.reply_to}
        elif rendering.media:
            with before_sending():
                shown = [{"id": await self._upload(picture), "altText": picture.alt} for picture in rendering.media]
            body["content"] = {"media": shown[0]} if len(shown) == 1 else {"multiImage": {"images": shown}}
        answer = await self._http.write("POST", "/rest/posts", json=body)
        if answer.status == 422 and "DUPLICATE_POST" in answer.says:
            return await self._doubled(rendering, answer)
        urn = answer.accepted().headers.get("x-restli-id") or answer.headers.get("x-linkedin-id") or ""
        if not urn.startswith("urn:li:"):
            raise Unknown(f"LinkedIn answered {answer.status} without the post's id")
        return self._receipt({"id": urn})

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        if rendering is None:
            raise Unknown("LinkedIn keeps no key of ours; the rendering is needed to look for its text")
        with looking_up():
            recent = since_planned(await self._recent(), _made)
            there = [post for post in recent if _same(post, rendering)]
        return self._receipt(there[-1]) if there else None

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        hold_to(self.limits, rendering)
        body = {"patch": {"$set": {"commentary": little(rendering.text)}}}
        headers = {"X-RestLi-Method": "PARTIAL_UPDATE"}
        (await self._http.write("POST", _path(receipt.id), json=body, headers=headers)).accepted()
        return receipt.model_copy(update={"accepted_at": datetime.now(UTC)})

    async def read(self, receipt: Receipt) -> OnPlatform:
        with looking_up():
            answer = await self._http.read(_path(receipt.id))
            text = None if answer.status == 404 else plain(str(answer.body().get("commentary", "")))
        return OnPlatform(parts=(text,))

    async def withdraw(self, receipt: Receipt) -> None:
        (await self._http.write("DELETE", _path(receipt.id), headers={"X-RestLi-Method": "DELETE"})).removed()

    async def check(self) -> Health:
        try:
            with before_sending():
                await self._recent(count=1)
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says=f"reads the posts of organisation {self._settings.organization}")

    async def close(self) -> None:
        await self._http.close()

    async def _upload(self, picture: Picture) -> str:
        """The URN of a picture. LinkedIn names the place to put it: only one of its own gets the token."""
        asked = {"initializeUploadRequest": {"owner": self._author}}
        value = (await self._http.write("POST", "/rest/images?action=initializeUpload", json=asked)).body().get("value")
        place, urn = (
            (str(value.get(name) or "") for name in ("uploadUrl", "image")) if isinstance(value, dict) else ("", "")
        )
        if not urn.startswith("urn:li:image:") or not self._ours(place):
            raise Unknown("LinkedIn named no place of its own for a picture")
        kind = {"Content-Type": picture.media_type.value}
        (await self._http.write("PUT", place, content=picture.content, headers=kind)).accepted()
        return urn

    def _ours(self, place: str) -> bool:
        there, api = urlsplit(place), urlsplit(self._settings.base_url)
        known = there.scheme == "https" and (there.hostname or "").endswith(".linkedin.com")
        return known or (there.scheme, there.netloc) == (api.scheme, api.netloc)

    async def _doubled(self, rendering: Rendering, answer: Answer) -> Receipt:
        """The post that LinkedIn would not take a second time, if it is one of the last day."""
        found = await self.find("", rendering)
        if found is None:
            raise Refused(f"LinkedIn refused it as a duplicate of an older post: {answer.says}")
        return found

    async def _recent(self, count: int = 100) -> Sequence[dict[str, Any]]:
        """The organisation's posts of the last day, newest first."""
        params = {"author": self._author, "q": "author", "count": str(count), "sortBy": "CREATED"}
        body = (await self._http.read("/rest/posts", params=params, headers={"X-RestLi-Method": "FINDER"})).body()
        elements, oldest = body.get("elements"), datetime.now(UTC) - LOOK_BACK
        if not isinstance(elements, list) or not all(isinstance(p, dict) and _is_urn(p.get("id")) for p in elements):
            raise Unknown("LinkedIn answered without a list of posts")
        return [post for post in elements if _made(post) >= oldest]

    def _receipt(self, post: dict[str, Any]) -> Receipt:
        urn = str(post["id"])
        return Receipt(
            id=urn,
            url=f"{self._settings.web_url.rstrip('/')}/feed/update/{urn}",
            accepted_at=_made(post) if "createdAt" in post else datetime.now(UTC),
            raw={"parts": [urn]},
        )


def little(text: str) -> str:
    """``text`` in LinkedIn's little text format: whatever would be read as markup is escaped, hashtags are not.

    Source: https://learn.microsoft.com/linkedin/marketing/community-management/shares/little-text-format.
    """
    return _RESERVED.sub(r"\\\g<0>", text)


def plain(commentary: str) -> str:
    """What people read of a commentary that LinkedIn gives back."""
    return _ESCAPED.sub(r"\1", _TEMPLATE.sub(r"#\1", commentary))


def _same(post: dict[str, Any], rendering: Rendering) -> bool:
    answered = str(an_object(post.get("reshareContext"), "reshareContext").get("parent") or "")
    says = plain(str(post.get("commentary", "")))
    content = an_object(post.get("content"), "content")
    several = an_object(content.get("multiImage"), "multiImage").get("images")
    shows = 1 if "media" in content else len(objects(several, "images"))
    words = "".join(says.split()) == "".join(rendering.text.split())
    return words and answered == rendering.reply_to and (bool(answered) or shows == len(rendering.media))


def _made(post: dict[str, Any]) -> datetime:
    return at_second(post.get("createdAt"), "createdAt", 1000)


def _is_urn(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("urn:li:")


def _path(urn: str) -> str:
    return f"/rest/posts/{quote(urn, safe='')}"

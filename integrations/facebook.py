"""Facebook pages by the Graph API: posts of a page, and comments on them as corrections.

Promises: Facebook keeps no key of ours, so the page's posts of the last day are read and compared; what it refuses as
posted already is looked up. A rendering that answers a post becomes a comment on it. Photos are uploaded unpublished
before the post that shows them.
API: https://developers.facebook.com/docs/pages-api/posts.
"""

import json
from datetime import UTC, datetime
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.pictures import MediaType, Picture, PictureLimits
from crisis.read_back import OnPlatform
from crisis.statement import Rendering
from integrations import graph
from integrations.http import Connection, Http, moment
from integrations.outcomes import IntegrationError, Refused, Unknown, before_sending, looking_up
from integrations.protocols import Health, hold_to
from integrations.thread import since_planned


class FacebookSettings(Connection):
    """Settings of a page."""

    base_url: str = Field(default="https://graph.facebook.com/v23.0", description="The Graph API with its version")
    page: str = Field(examples=["123456789012345"], pattern=r"^\d+$", description="The page's id")
    access_token: SecretStr = Field(
        description="A page access token: pages_manage_posts, pages_read_engagement, pages_manage_engagement"
    )
    app_secret: SecretStr | None = Field(default=None, description="The app's secret, where the app requires its proof")


class Facebook:
    """A ``Publisher``."""

    kind: ClassVar[str] = "facebook"
    answers: ClassVar[frozenset[str]] = frozenset({"facebook"})
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.RECONCILE_BY_MARKER
    settings_model: ClassVar[type[FacebookSettings]] = FacebookSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=63_206,
        pictures=PictureLimits(
            most=10,
            size=4_000_000,
            types=frozenset({MediaType.JPEG, MediaType.PNG, MediaType.GIF}),
            alt=1_000,
            in_answers=1,
            source="https://developers.facebook.com/docs/graph-api/reference/page/photos/",
        ),
        source="https://developers.facebook.com/docs/pages-api/posts",
    )

    def __init__(self, settings: FacebookSettings) -> None:
        self._page = settings.page
        token = settings.access_token.get_secret_value()
        secret = settings.app_secret.get_secret_value() if settings.app_secret else ""
        self._proof = graph.proof(token, secret)
        self._http = Http("Facebook", settings, {"Authorization": f"Bearer {token}"})

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        path = f"/{rendering.reply_to}/comments" if rendering.reply_to else f"/{self._page}/feed"
        with before_sending():
            photos = [await self._upload(picture) for picture in rendering.media]
        if rendering.reply_to:
            shown = {"attachment_id": photos[0]} if photos else {}
        else:
            shown = {f"attached_media[{n}]": json.dumps({"media_fbid": photo}) for n, photo in enumerate(photos)}
        answer = await self._http.write("POST", path, data={"message": rendering.text, **shown, **self._proof})
        if graph.code(answer) == graph.DUPLICATE:
            found = await self.find(key, rendering)
            if found is None:
                raise Refused(f"Facebook refused it as posted already: {answer.says}")
            return found
        return self._receipt({"id": graph.made(answer)}, rendering.reply_to)

    async def _upload(self, picture: Picture) -> str:
        """The id of a photo that nobody sees until a post shows it."""
        data = {"published": "false", "alt_text_custom": picture.alt, **self._proof}
        file = (picture.name, picture.content, picture.media_type.value)
        return graph.made(await self._http.write("POST", f"/{self._page}/photos", data=data, files={"source": file}))

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        if rendering is None:
            raise Unknown("Facebook keeps no key of ours; the rendering is needed to look for its text")
        params = {"fields": "id,message,created_time,permalink_url", "limit": "100", **self._proof}
        path = f"/{rendering.reply_to}/comments" if rendering.reply_to else f"/{self._page}/posts"
        params |= {"order": "reverse_chronological"} if rendering.reply_to else {"since": graph.since()}
        with looking_up():
            recent = since_planned(await graph.listing(self._http, path, params, _made), _made)
        there = [post for post in recent if _same(post.get("message"), rendering.text)]
        return self._receipt(there[-1], rendering.reply_to) if there else None

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        hold_to(self.limits, rendering)
        data = {"message": rendering.text, **self._proof}
        graph.body(await self._http.write("POST", f"/{receipt.id}", data=data))
        return receipt.model_copy(update={"accepted_at": datetime.now(UTC)})

    async def read(self, receipt: Receipt) -> OnPlatform:
        under, lists = str(receipt.raw.get("under") or ""), [f"/{self._page}/posts"]
        with looking_up():
            text = await graph.shown(
                self._http, receipt.id, "message", lists, self._proof, since=receipt.accepted_at, under=under
            )
        return OnPlatform(parts=(text,))

    async def withdraw(self, receipt: Receipt) -> None:
        under, since = str(receipt.raw.get("under") or ""), receipt.accepted_at
        lists = [f"/{self._page}/posts"]
        await graph.remove(self._http, receipt.id, lists, self._proof, since=since, under=under)

    async def check(self) -> Health:
        try:
            with before_sending():
                params = {"fields": "id,name,tasks", **self._proof}
                page = graph.body(await self._http.read(f"/{self._page}", params=params))
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        tasks = page.get("tasks")
        if isinstance(tasks, list) and "CREATE_CONTENT" not in tasks:
            return Health(ok=False, says="the token may not post on the page: its owner lacks the task CREATE_CONTENT")
        return Health(ok=True, says=f"speaks for the page {page.get('name')!r}")

    async def close(self) -> None:
        await self._http.close()

    def _receipt(self, post: dict[str, Any], under: str = "") -> Receipt:
        number = str(post["id"])
        return Receipt(
            id=number,
            url=str(post.get("permalink_url") or f"https://www.facebook.com/{number}"),
            accepted_at=_made(post),
            raw={"parts": [number]} | ({"under": under} if under else {}),
        )


def _made(post: dict[str, Any]) -> datetime:
    return moment(post.get("created_time"))


def _same(there: Any, text: str) -> bool:
    return isinstance(there, str) and "".join(there.split()) == "".join(text.split())

"""Postiz: posts scheduled there, for a freeze; paused as drafts, which keep their date and their words.

Promises: a post is scheduled again only when it still stands there as a draft, at its own time and with its own words;
what people changed meanwhile is theirs. API: https://docs.postiz.com/public-api (30 requests an hour, unless the server
is your own and says otherwise).
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from crisis.entities import unescaped
from crisis.freeze import ScheduledPost
from integrations.http import Connection, Http, moment
from integrations.outcomes import IntegrationError, Refused, Unknown, before_sending
from integrations.protocols import Health

AHEAD = timedelta(days=365)
"""How far ahead is looked."""
_TAG = re.compile(r"<[^>]+>")


class PostizSettings(Connection):
    """Settings of Postiz."""

    base_url: str = Field(
        default="https://api.postiz.com/public/v1",
        description="The public API; on a server of your own .../api/public/v1",
    )
    api_key: SecretStr = Field(description="API key, from Settings > Public API")


class Postiz:
    """A ``Scheduler``."""

    kind: ClassVar[str] = "postiz"
    puts_off: ClassVar[timedelta | None] = None
    settings_model: ClassVar[type[PostizSettings]] = PostizSettings

    def __init__(self, settings: PostizSettings) -> None:
        self._http = Http("Postiz", settings, {"Authorization": settings.api_key.get_secret_value()})

    async def scheduled(self, now: datetime) -> tuple[ScheduledPost, ...]:
        return tuple(_scheduled(p) for p in await self._between(now, now + AHEAD) if p.get("state") == "QUEUE")

    async def pause(self, post: ScheduledPost, put_off: Sequence[datetime] = ()) -> None:
        answer = await self._http.write("PUT", f"/posts/{post.id}/status", json={"status": "draft"})
        if answer.text("state") != "DRAFT":
            raise Refused(f"Postiz left it as it is: {answer.says}")

    async def restore(self, post: ScheduledPost, put_off: Sequence[datetime] = ()) -> None:
        if post.at is None:
            raise Refused("nobody knows when it was to go out")
        with before_sending():
            near = await self._between(post.at - timedelta(hours=1), post.at + timedelta(hours=1))
        there = next((p for p in near if str(p["id"]) == post.id), None)
        if there is None or _scheduled(there) != post:
            raise Refused("it is gone, or people have changed it meanwhile: look at it in Postiz")
        if there.get("state") == "QUEUE":
            return
        if there.get("state") != "DRAFT":
            raise Refused(f"in Postiz it is {there.get('state')}, no draft any more")
        answer = await self._http.write("PUT", f"/posts/{post.id}/status", json={"status": "schedule"})
        if answer.text("state") != "QUEUE":
            raise Refused(f"Postiz left it as it is: {answer.says}")

    async def check(self) -> Health:
        try:
            with before_sending():
                connected = (await self._http.read("/integrations")).items()
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        names = ", ".join(str(c.get("name")) for c in connected if not c.get("disabled"))
        return Health(ok=True, says=f"schedules for {names or 'nobody yet'}")

    async def close(self) -> None:
        await self._http.close()

    async def _between(self, start: datetime, end: datetime) -> list[dict[str, Any]]:
        params = {"startDate": _iso(start), "endDate": _iso(end)}
        posts = (await self._http.read("/posts", params=params)).body().get("posts")
        if not isinstance(posts, list) or not all(isinstance(p, dict) and p.get("id") for p in posts):
            raise Unknown("Postiz answered without a list of posts")
        return posts


def _scheduled(post: dict[str, Any]) -> ScheduledPost:
    at = post.get("publishDate")
    if not isinstance(at, str):
        raise Unknown("Postiz listed a post without its date")
    outlet = post.get("integration")
    outlet = outlet if isinstance(outlet, dict) else {}
    text = unescaped(_TAG.sub("", str(post.get("content") or "")))
    where = f"{outlet.get('providerIdentifier') or ''} {outlet.get('name') or ''}".strip()
    return ScheduledPost(id=str(post["id"]), at=moment(at), text=text, where=where or "Postiz")


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")

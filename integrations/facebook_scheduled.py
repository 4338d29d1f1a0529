"""Facebook's own scheduled posts of a page, for a freeze; put off, since Facebook keeps no drafts of them.

Promises: a post is put off to ``AWAY`` from now, and further off for as long as the freeze lasts; restoring sets its own
time again. One that stands at a time that is neither its own nor one it was put off to was moved by people, and is theirs.
API: https://developers.facebook.com/docs/graph-api/reference/page/scheduled_posts (a time must be 10 minutes to 30
days ahead, and cannot be changed in the last 3 minutes).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from crisis.freeze import ScheduledPost
from integrations import graph
from integrations.facebook import FacebookSettings
from integrations.http import Http
from integrations.outcomes import IntegrationError, Refused, Unknown, before_sending
from integrations.protocols import Health

AWAY = timedelta(days=28)
FIELDS = "id,message,scheduled_publish_time,permalink_url"


class FacebookScheduled:
    """A ``Scheduler``."""

    kind: ClassVar[str] = "facebook_scheduled"
    puts_off: ClassVar[timedelta | None] = AWAY
    settings_model: ClassVar[type[FacebookSettings]] = FacebookSettings

    def __init__(self, settings: FacebookSettings) -> None:
        self._page = settings.page
        token = settings.access_token.get_secret_value()
        secret = settings.app_secret.get_secret_value() if settings.app_secret else ""
        self._proof = graph.proof(token, secret)
        self._http = Http("Facebook", settings, {"Authorization": f"Bearer {token}"})

    async def scheduled(self, now: datetime) -> tuple[ScheduledPost, ...]:
        params = {"fields": FIELDS, "limit": "100", **self._proof}
        there = await graph.listing(self._http, f"/{self._page}/scheduled_posts", params)
        return tuple(post for post in map(_scheduled, there) if post.at is not None and post.at > now)

    async def pause(self, post: ScheduledPost, put_off: Sequence[datetime] = ()) -> None:
        until = put_off[-1]
        there = await self._there(post)
        if there.at == until:
            return
        if there.at not in (post.at, *put_off):
            raise Refused("people have moved it to another time meanwhile: look at it on Facebook")
        await self._set_time(post, until)

    async def restore(self, post: ScheduledPost, put_off: Sequence[datetime] = ()) -> None:
        there = await self._there(post)
        if there.at == post.at:
            return
        if post.at is None or there.text != post.text or there.at not in put_off:
            raise Refused("people have changed it meanwhile: look at it on Facebook")
        await self._set_time(post, post.at)

    async def check(self) -> Health:
        try:
            with before_sending():
                count = len(await self.scheduled(datetime.now(UTC)))
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says=f"sees {count} scheduled posts of the page")

    async def close(self) -> None:
        await self._http.close()

    async def _there(self, post: ScheduledPost) -> ScheduledPost:
        with before_sending():
            answer = await self._http.read(f"/{post.id}", params={"fields": f"{FIELDS},is_published", **self._proof})
            if graph.not_loaded(answer):
                raise Refused("it is not there any more, or the token may not see it: look at it on Facebook")
            there = graph.body(answer)
        if there.get("is_published"):
            raise Refused("it is out already")
        return _scheduled(there)

    async def _set_time(self, post: ScheduledPost, at: datetime) -> None:
        data = {"scheduled_publish_time": str(int(at.timestamp())), **self._proof}
        graph.body(await self._http.write("POST", f"/{post.id}", data=data))


def _scheduled(post: dict[str, Any]) -> ScheduledPost:
    at = post.get("scheduled_publish_time")
    try:
        when = datetime.fromtimestamp(int(at), UTC) if isinstance(at, int | str) else None
    except (ValueError, OverflowError, OSError):
        raise Unknown("Facebook tells a time that cannot be read") from None
    return ScheduledPost(
        id=str(post["id"]),
        at=when,
        text=str(post.get("message") or ""),
        where="facebook page",
        url=str(post.get("permalink_url") or ""),
    )

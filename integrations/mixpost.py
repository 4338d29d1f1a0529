"""Mixpost: posts scheduled there, for a freeze; paused by taking their date away, which makes them drafts.

Promises: a post is scheduled again only when it still stands there without a date and with its own words; what people
changed meanwhile is theirs. API: https://docs.mixpost.app/api (Mixpost Pro). An update replaces a post whole, so it is
sent back as it was read: accounts, labels and each account's version, pictures by their ids.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator

from crisis.freeze import ScheduledPost, same_time
from integrations.http import Answer, Connection, Http
from integrations.outcomes import IntegrationError, Refused, Unknown, before_sending
from integrations.protocols import Health

PAGES = 50


class MixpostSettings(Connection):
    """Settings of a workspace."""

    base_url: str = Field(
        examples=["https://social.example.com/mixpost"], description="Your server with the path of Mixpost"
    )
    workspace: str = Field(
        examples=["a1b2c3d4-0000-4000-8000-000000000000"],
        pattern=r"^[0-9A-Za-z-]+$",
        description="The workspace's UUID",
    )
    access_token: SecretStr = Field(description="An access token, from your profile")
    timezone: str = Field(
        default="UTC", description="The time zone in which the workspace tells times, such as Europe/Berlin"
    )

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("is no time zone, such as Europe/Berlin") from None
        return value


class Mixpost:
    """A ``Scheduler``."""

    kind: ClassVar[str] = "mixpost"
    puts_off: ClassVar[timedelta | None] = None
    settings_model: ClassVar[type[MixpostSettings]] = MixpostSettings

    def __init__(self, settings: MixpostSettings) -> None:
        self._zone = ZoneInfo(settings.timezone)
        self._path = f"/api/{settings.workspace}"
        token = settings.access_token.get_secret_value()
        self._http = Http("Mixpost", settings, {"Authorization": f"Bearer {token}"})

    async def scheduled(self, now: datetime) -> tuple[ScheduledPost, ...]:
        found: list[ScheduledPost] = []
        for page in range(1, PAGES + 1):
            params = {"status": "scheduled", "page": str(page)}
            body = (await self._http.read(f"{self._path}/posts", params=params)).body()
            posts, meta = body.get("data"), body.get("meta")
            if not isinstance(posts, list) or not isinstance(meta, dict):
                raise Unknown("Mixpost answered without a list of posts")
            found += [self._scheduled(post) for post in posts if _status(post) == "scheduled"]
            if page >= int(meta.get("last_page") or 1):
                return tuple(post for post in found if post.at is not None and post.at > now)
        raise Unknown(f"Mixpost has more than {PAGES} pages of scheduled posts")

    async def pause(self, post: ScheduledPost, put_off: Sequence[datetime] = ()) -> None:
        there = await self._there(post)
        if _status(there) == "draft":
            return
        if _status(there) != "scheduled" or not same_time(self._scheduled(there), post):
            raise Refused(f"in Mixpost it is {_status(there)}, at another time or out already: look at it there")
        await self._update(post, date=None, time=None)

    async def restore(self, post: ScheduledPost, put_off: Sequence[datetime] = ()) -> None:
        there = await self._there(post)
        now = self._scheduled(there)
        if _status(there) == "scheduled" and same_time(now, post):
            return
        if _status(there) != "draft" or now.original != post.original or post.at is None:
            raise Refused("people have changed it meanwhile: look at it in Mixpost, and schedule it there")
        at = post.at.astimezone(self._zone)
        await self._update(post, date=f"{at:%Y-%m-%d}", time=f"{at:%H:%M}")
        answer = await self._http.write("POST", f"{self._path}/posts/schedule/{post.id}", json={"postNow": False})
        answer.body()

    async def check(self) -> Health:
        try:
            with before_sending():
                accounts = (await self._http.read(f"{self._path}/accounts")).body().get("data") or []
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        names = ", ".join(str(a.get("name")) for a in accounts if isinstance(a, dict))
        return Health(ok=True, says=f"schedules for {names or 'nobody yet'}")

    async def close(self) -> None:
        await self._http.close()

    async def _there(self, post: ScheduledPost) -> dict[str, Any]:
        with before_sending():
            answer = await self._http.read(f"{self._path}/posts/{post.id}")
        if answer.status == 404:
            raise Refused("it is not there any more")
        return _post(answer)

    async def _update(self, post: ScheduledPost, *, date: str | None, time: str | None) -> None:
        body = {**post.original, "date": date, "time": time, "timezone": str(self._zone)}
        (await self._http.write("PUT", f"{self._path}/posts/{post.id}", json=body)).body()

    def _scheduled(self, post: dict[str, Any]) -> ScheduledPost:
        versions = [_version(v) for v in _objects(post.get("versions"))]
        first: dict[str, Any] = next((v for v in versions if v["is_original"]), versions[0] if versions else {})
        accounts = _objects(post.get("accounts"))
        return ScheduledPost(
            id=str(post.get("uuid") or post["id"]),
            at=self._time(post.get("scheduled_at")),
            text="\n".join(str(part["body"]) for part in first.get("content", [])),
            where=", ".join(f"{a.get('provider') or ''} {a.get('name') or ''}".strip() for a in accounts) or "Mixpost",
            original={
                "accounts": [a["id"] for a in accounts],
                "tags": [t["id"] for t in _objects(post.get("tags"))],
                "versions": versions,
            },
        )

    def _time(self, at: Any) -> datetime | None:
        """``2026-03-02 14:00:00`` in UTC, or a date and a time in the workspace's zone."""
        try:
            if isinstance(at, dict) and at.get("date"):
                return datetime.fromisoformat(f"{at['date']} {at['time']}").replace(tzinfo=self._zone).astimezone(UTC)
            if isinstance(at, str):
                found = datetime.fromisoformat(at)
                return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, KeyError):
            raise Unknown(f"Mixpost tells a time that cannot be read: {str(at)[:40]!r}") from None
        return None


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _version(version: dict[str, Any]) -> dict[str, Any]:
    """A version as an update takes it: pictures by their ids."""
    content = [
        {
            "body": part.get("body") or "",
            "media": [m["id"] if isinstance(m, dict) else m for m in part.get("media") or []],
            **({"url": part["url"]} if "url" in part else {}),
        }
        for part in _objects(version.get("content"))
    ]
    kept = {
        "account_id": version.get("account_id"),
        "is_original": bool(version.get("is_original")),
        "content": content,
    }
    return {**kept, **({"options": version["options"]} if "options" in version else {})}


def _status(post: dict[str, Any]) -> str:
    return str(post.get("status") or "").lower()


def _post(answer: Answer) -> dict[str, Any]:
    body = answer.body()
    post = body.get("data") if isinstance(body.get("data"), dict) else body
    if not isinstance(post, dict) or not post.get("status"):
        raise Unknown(f"Mixpost answered without the post: {answer.says}")
    return post

"""Reddit: text posts in a subreddit, and comments on them as corrections.

Promises: Reddit keeps no key of ours, so the account's own posts of the last day are read and compared. Text is escaped,
so that Reddit's Markdown shows it as it was approved. What Reddit refuses with a status of 200 (``json.errors``) is a
refusal. API: https://www.reddit.com/dev/api; tokens: https://github.com/reddit-archive/reddit/wiki/OAuth2.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.read_back import OnPlatform
from crisis.statement import Rendering
from integrations.http import Answer, Connection, Http
from integrations.outcomes import (
    IntegrationError,
    Misconfigured,
    RateLimited,
    Refused,
    Unknown,
    before_sending,
    looking_up,
)
from integrations.protocols import Health, hold_to
from integrations.rate_limits import DEFAULT_WAIT
from integrations.shapes import an_object, at_second, objects
from integrations.thread import since_planned

LOOK_BACK = timedelta(hours=24)
PAGES = 5
EARLY = timedelta(minutes=2)
"""How long before its end a token is renewed."""
API, DOOR = "https://oauth.reddit.com", "https://www.reddit.com"
_MARKUP = re.compile(r"([\\`*_{}\[\]<>#+|~^&]|(?m:^ *)[-=:]|(?m:^ *\d+)\.)")
_WAIT = re.compile(r"(\d+) (second|minute|hour)")
_UNITS = {"second": 1, "minute": 60, "hour": 3600}


class SubredditSettings(Connection):
    """Settings of an account that posts: its app, and either its password or a refresh token."""

    base_url: str = Field(default=API, description="The API")
    token_url: str = Field(
        default="", description="Where tokens are given out; empty: at Reddit, or at base_url elsewhere"
    )
    client_id: SecretStr = Field(description="The app's id, from https://www.reddit.com/prefs/apps")
    client_secret: SecretStr = Field(description="The app's secret")
    username: str = Field(examples=["acme_newsroom"], pattern=r"^[\w-]{3,20}$", description="The account, without u/")
    password: SecretStr | None = Field(default=None, description="Its password, for an app of type script")
    refresh_token: SecretStr | None = Field(
        default=None,
        description="In place of a password: a refresh token (scopes identity, submit, edit, history, read)",
    )
    user_agent: str = Field(
        examples=["web:com.example.fireline:1.0 (by /u/acme)"],
        pattern=r"\(by /?u/[\w-]+\)",
        description="platform:app id:version (by /u/owner), as Reddit's rules ask",
    )
    subreddit: str = Field(
        default="", examples=["acme"], pattern=r"^\w*$", description="Where to post, unless the channel has an address"
    )
    flair_id: str = Field(default="", description="The post's flair, where the subreddit wants one")
    flair_text: str = Field(default="", max_length=64, description="Its text, where it can be chosen")


class Subreddit:
    """A ``Publisher``; the address is the subreddit, without r/."""

    kind: ClassVar[str] = "subreddit"
    answers: ClassVar[frozenset[str]] = frozenset({"reddit"})
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.RECONCILE_BY_MARKER
    settings_model: ClassVar[type[SubredditSettings]] = SubredditSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=40_000, subject=300, source="https://www.reddit.com/dev/api#POST_api_submit"
    )

    def __init__(self, settings: SubredditSettings) -> None:
        self._settings = settings
        headers = {"User-Agent": settings.user_agent}
        self._http = Http("Reddit", settings, headers)
        door = settings.token_url or (DOOR if settings.base_url == API else settings.base_url)
        self._door = Http("Reddit", settings.model_copy(update={"base_url": door.rstrip("/")}), headers)
        self._token, self._until = "", datetime.now(UTC)

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        text = escaped(rendering.text)
        if rendering.reply_to:
            made = await self._write("/api/comment", {"thing_id": rendering.reply_to, "text": text})
            things = made.get("things")
            first = objects(things, "things")[:1]
            made = an_object(first[0].get("data") if first else None, "data")
            return _receipt(made, made.get("permalink"))
        place = rendering.target.address or self._settings.subreddit
        if not place or not rendering.subject.strip():
            raise Refused("a post on Reddit needs a subreddit and a title; nothing was sent")
        form = {"kind": "self", "sr": place, "title": rendering.subject, "text": text, "sendreplies": "false"}
        form |= {name: value for name in ("flair_id", "flair_text") if (value := getattr(self._settings, name))}
        made = await self._write("/api/submit", form)
        return _receipt(made, made.get("url"), rendering.subject)

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        """Looks through the account's own posts, or its comments, of the last day."""
        if rendering is None:
            raise Unknown("Reddit keeps no key of ours; the rendering is needed to look for its text")
        place = (rendering.target.address or self._settings.subreddit).casefold()
        wanted = _plain(escaped(rendering.text))
        with looking_up():
            for post in since_planned(await self._own("comments" if rendering.reply_to else "submitted"), _made):
                if rendering.reply_to:
                    same = (post.get("parent_id"), _plain(post.get("body"))) == (rendering.reply_to, wanted)
                else:
                    there = (str(post.get("subreddit")).casefold(), post.get("title"), _plain(post.get("selftext")))
                    same = there == (place, rendering.subject, wanted)
                if same:
                    return _receipt(post, post.get("permalink"), str(post.get("title") or ""))
        return None

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        hold_to(self.limits, rendering)
        if rendering.subject != receipt.raw.get("title", "") and receipt.id.startswith("t3_"):
            raise Refused("Reddit lets nobody change a title; publish a correction as a comment")
        await self._write("/api/editusertext", {"thing_id": receipt.id, "text": escaped(rendering.text)})
        return receipt.model_copy(update={"accepted_at": datetime.now(UTC)})

    async def read(self, receipt: Receipt) -> OnPlatform:
        """Gone is also what moderators have removed: nobody but them and us reads it."""
        with looking_up():
            params = {"id": receipt.id, "raw_json": "1"}
            answer = await self._http.read("/api/info", params=params, headers=await self._authorised())
            listed = objects(an_object(answer.body().get("data"), "data").get("children"), "children")
            post = an_object(listed[0].get("data"), "post") if listed else {}
        text = str(post.get("selftext" if receipt.id.startswith("t3_") else "body") or "")
        gone = not post or text in ("[deleted]", "[removed]") or post.get("removed_by_category")
        return OnPlatform(parts=(None if gone else text,))

    async def withdraw(self, receipt: Receipt) -> None:
        with before_sending():
            headers = await self._authorised()
        (await self._http.write("POST", "/api/del", data={"id": receipt.id}, headers=headers)).accepted()

    async def check(self) -> Health:
        try:
            with before_sending():
                name = (await self._http.read("/api/v1/me", headers=await self._authorised())).text("name")
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        if name.casefold() != self._settings.username.casefold():
            return Health(ok=False, says=f"the token is of u/{name}, not of u/{self._settings.username}: set username")
        where = f" in r/{self._settings.subreddit}" if self._settings.subreddit else ""
        return Health(ok=True, says=f"posts as u/{name}{where}")

    async def close(self) -> None:
        await self._door.close()
        await self._http.close()

    async def _own(self, listing: str) -> list[dict[str, Any]]:
        """The account's newest posts or comments, back to ``LOOK_BACK``."""
        found: list[dict[str, Any]] = []
        oldest = datetime.now(UTC) - LOOK_BACK
        params = {"sort": "new", "limit": "100", "raw_json": "1"}
        for _ in range(PAGES):
            path = f"/user/{self._settings.username}/{listing}"
            data = (await self._http.read(path, params=params, headers=await self._authorised())).body().get("data")
            if not isinstance(data, dict) or not isinstance(data.get("children"), list):
                raise Unknown("Reddit answered without a list of posts")
            found += [an_object(child.get("data"), "post") for child in objects(data["children"], "children")]
            after = data.get("after")
            if not after or (found and _made(found[-1]) < oldest):
                return found
            params["after"] = str(after)
        raise Unknown(f"more than {PAGES * 100} posts in a day; look at u/{self._settings.username} by hand")

    async def _write(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        with before_sending():
            headers = await self._authorised()
        answer = await self._http.write("POST", path, data={**form, "api_type": "json"}, headers=headers)
        if answer.status == 401:
            self._token = ""
        return _done(answer)

    async def _authorised(self) -> dict[str, str]:
        """The headers of a call, with a token that is good for a while."""
        if not self._token or datetime.now(UTC) > self._until - EARLY:
            await self._log_in()
        return {"Authorization": f"Bearer {self._token}"}

    async def _log_in(self) -> None:
        given = self._settings
        if given.refresh_token:
            form = {"grant_type": "refresh_token", "refresh_token": given.refresh_token.get_secret_value()}
        elif given.password:
            form = {"grant_type": "password", "username": given.username, "password": given.password.get_secret_value()}
        else:
            raise Misconfigured("Reddit needs the account's password, or a refresh_token")
        app = (given.client_id.get_secret_value(), given.client_secret.get_secret_value())
        answer = await self._door.read("/api/v1/access_token", method="POST", data=form, auth=app)
        if answer.error:
            raise Misconfigured(f"Reddit gives out no token: {answer.says}. Check the app and the account")
        self._token = answer.text("access_token")
        seconds = answer.body().get("expires_in")
        good = seconds if isinstance(seconds, int) and 0 <= seconds <= 86_400 else 3600
        self._until = datetime.now(UTC) + timedelta(seconds=good)
        self._http.secrets.add(self._token)


def escaped(text: str) -> str:
    """``text`` so that Reddit's Markdown shows it as it is, its line ends too."""
    lines = _MARKUP.sub(lambda m: f"{m[0][:-1]}\\{m[0][-1]}", text).split("\n")
    return "\n".join(
        f"{line}  " if line.strip() and after.strip() else line
        for line, after in zip(lines, [*lines[1:], ""], strict=True)
    )


def _done(answer: Answer) -> dict[str, Any]:
    """What was made; ``json.errors`` are refusals, whatever the status."""
    value = answer.value
    told = value.get("json") if isinstance(value, dict) else None
    errors = told.get("errors") if isinstance(told, dict) else None
    if isinstance(told, dict) and isinstance(errors, list) and errors:
        codes = [str(e[0]) for e in errors if isinstance(e, list) and e]
        if "RATELIMIT" in codes:
            raise RateLimited(f"Reddit asks to slow down: {answer.says}", datetime.now(UTC) + _wait(told, answer.says))
        raise Refused(f"Reddit refused it: {answer.says}")
    body = answer.body().get("json")
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict):
        raise Unknown(f"Reddit answered {answer.status} without what was made: {answer.says}")
    return data


def _wait(told: dict[str, Any], says: str) -> timedelta:
    seconds = told.get("ratelimit")
    if isinstance(seconds, int | float) and 0 < seconds < 86_400:
        return timedelta(seconds=seconds)
    named = _WAIT.search(says)
    return timedelta(seconds=int(named[1]) * _UNITS[named[2]]) if named else DEFAULT_WAIT * 10


def _made(post: dict[str, Any]) -> datetime:
    return at_second(post.get("created_utc"), "created_utc")


def _plain(text: Any) -> str:
    return "".join(text.split()) if isinstance(text, str) else ""


def _receipt(post: dict[str, Any], place: Any, title: str = "") -> Receipt:
    name = post.get("name")
    if not isinstance(name, str) or not name:
        raise Unknown("Reddit answered without the name of what was made")
    url = str(place or "")
    return Receipt(
        id=name,
        url=f"https://www.reddit.com{url}" if url.startswith("/") else url,
        accepted_at=_made(post) if "created_utc" in post else datetime.now(UTC),
        raw={"parts": [name], "title": title},
    )

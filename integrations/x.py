"""X by its API v2: posts and threads of one account.

Promises: X keeps no key of ours, so before a thread is continued, and to find out what became of a post, the account's
own timeline is read and compared, links aside (X replaces them). A post that X refuses as a duplicate is looked up: if
it is ours of the last day, it is there. Pictures are uploaded and described before the first post. Requests are signed
by OAuth 1.0a, whose tokens do not expire, or carry a token of OAuth 2.0 with PKCE, which is renewed before it runs out
(``fireline authorize`` asks for the first). API: https://docs.x.com/x-api/posts/create-post.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

from pydantic import Field, SecretStr, model_validator

from crisis.counting import Limits, Unit
from crisis.delivery import DeliveryClass, Receipt
from crisis.entities import unescaped
from crisis.pictures import Picture, PictureLimits
from crisis.read_back import OnPlatform
from crisis.statement import Part, Rendering
from integrations.http import Answer, Connection, Http, moment
from integrations.oauth1 import OAuth1
from integrations.oauth2 import Grant, OAuth2, TokenDesk
from integrations.outcomes import IntegrationError, Refused, Unknown, before_sending, looking_up
from integrations.protocols import Health, hold_to
from integrations.shapes import objects
from integrations.thread import publish_parts, standing

LOOK_BACK = timedelta(hours=24)
"""How far back ``find`` looks; an older post of the same text is another one."""
PAGES = 10
FIELDS = "created_at,referenced_tweets,entities,note_tweet,attachments"


class XSettings(Connection):
    """Settings of an account on X."""

    base_url: str = Field(default="https://api.x.com", description="The API")
    api_key: SecretStr = Field(
        default=SecretStr(""), description="OAuth 1.0a: the app's API key (consumer key), from the developer portal"
    )
    api_key_secret: SecretStr = Field(default=SecretStr(""), description="OAuth 1.0a: the app's API key secret")
    access_token: SecretStr = Field(
        default=SecretStr(""), description="OAuth 1.0a: the account's access token, made with read and write permission"
    )
    access_token_secret: SecretStr = Field(
        default=SecretStr(""), description="OAuth 1.0a: the account's access token secret"
    )
    client_id: str = Field(default="", description="OAuth 2.0: the app's client id, instead of the four keys")
    client_secret: SecretStr = Field(
        default=SecretStr(""), description="OAuth 2.0: the client secret, where the app is a confidential client"
    )
    oauth2_tokens: SecretStr = Field(
        default=SecretStr(""), description="OAuth 2.0: kept by `fireline authorize`; not to be written by hand"
    )
    web_url: str = Field(default="https://x.com", description="Where people read posts")

    @property
    def keys(self) -> tuple[str, ...]:
        """The four of OAuth 1.0a."""
        four = (self.api_key, self.api_key_secret, self.access_token, self.access_token_secret)
        return tuple(key.get_secret_value() for key in four)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.client_id:
            if any(self.keys):
                raise ValueError("client_id and api_key are two ways to log in: set one")
            if not self.oauth2_tokens.get_secret_value():
                raise ValueError("nobody has given consent yet: run fireline authorize with the channel's name")
        elif not all(self.keys):
            raise ValueError("api_key, api_key_secret, access_token and access_token_secret are needed, or client_id")
        return self


class X:
    """A ``Publisher``."""

    kind: ClassVar[str] = "x"
    answers: ClassVar[frozenset[str]] = frozenset({"x"})
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.RECONCILE_BY_MARKER
    settings_model: ClassVar[type[XSettings]] = XSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=280,
        unit=Unit.WEIGHTED,
        threads=True,
        pictures=PictureLimits(
            most=4, size=5 * 1024 * 1024, alt=1000, source="https://docs.x.com/x-api/media/quickstart/best-practices"
        ),
        source="https://docs.x.com/fundamentals/counting-characters",
    )

    grant: ClassVar[Grant] = Grant(
        authorize_url="https://x.com/i/oauth2/authorize",
        tokens_at="/2/oauth2/token",
        scopes=("tweet.read", "tweet.write", "users.read", "media.write", "offline.access"),
        source="https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code",
    )

    def __init__(self, settings: XSettings) -> None:
        self._settings = settings
        if settings.client_id:
            app = (settings.client_id, settings.client_secret.get_secret_value())
            tokens = OAuth2(TokenDesk("X", settings, self.grant, *app), settings.oauth2_tokens.get_secret_value())
            self._http = Http("X", settings, bearer=tokens)
        else:
            self._http = Http("X", settings, auth=OAuth1(*settings.keys))
        self._account: dict[str, str] = {}

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        with before_sending():
            await self._who()
            media_ids = [await self._upload(picture) for picture in rendering.media]
            there = await self._there(rendering) if len(rendering.parts) > 1 else []

        async def send(number: int, part: Part, posts: Sequence[dict[str, Any]]) -> dict[str, Any]:
            body: dict[str, Any] = {"text": part.text}
            if answered := str(posts[-1]["id"]) if posts else rendering.reply_to:
                body["reply"] = {"in_reply_to_tweet_id": answered}
            if media_ids and number == 0:
                body["media"] = {"media_ids": media_ids}
            answer = await self._http.write("POST", "/2/tweets", json=body)
            if answer.status == 403 and "duplicate content" in answer.says:
                return await self._doubled(rendering, number, answer)
            return _data(answer)

        return self._receipt(
            await publish_parts(rendering.parts, there, send, lambda post: self._delete(str(post["id"])))
        )

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        if rendering is None:
            raise Unknown("X keeps no key of ours; the rendering is needed to look for its text")
        with looking_up():
            there = await self._there(rendering)
        return self._receipt(there) if len(there) == len(rendering.parts) else None

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        raise Refused("X lets only some accounts edit, and only for an hour; publish a correction as an answer to it")

    async def read(self, receipt: Receipt) -> OnPlatform:
        ids = [str(post_id) for post_id in receipt.raw.get("parts") or [receipt.id]]
        with looking_up():
            params = {"ids": ",".join(ids), "tweet.fields": FIELDS}
            body = (await self._http.read("/2/tweets", params=params)).body()
            found = {str(post["id"]): post for post in objects(body.get("data"), "data") if post.get("id")}
            problems = objects(body.get("errors"), "errors")
            gone = {str(p.get("value")) for p in problems if str(p.get("type")).endswith("/resource-not-found")}
            if unclear := [post_id for post_id in ids if post_id not in found and post_id not in gone]:
                raise Unknown(f"X does not say what became of {', '.join(unclear)}")
        return OnPlatform(parts=tuple(_says(found[i]) if i in found else None for i in ids))

    async def withdraw(self, receipt: Receipt) -> None:
        for post_id in reversed(receipt.raw.get("parts") or [receipt.id]):
            await self._delete(str(post_id))

    async def check(self) -> Health:
        try:
            with before_sending():
                answer = await self._http.read("/2/users/me")
                account = self._take(answer)
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        if answer.headers.get("x-access-level", "").strip() == "read":
            return Health(ok=False, says="the access token may only read: give the app write permission, then renew it")
        return Health(ok=True, says=f"posts as @{account['username']}")

    async def close(self) -> None:
        await self._http.close()

    async def _who(self) -> dict[str, str]:
        return self._account or self._take(await self._http.read("/2/users/me"))

    def _take(self, answer: Answer) -> dict[str, str]:
        data = _data(answer)
        self._account = {"id": str(data["id"]), "username": str(data.get("username") or "i")}
        return self._account

    async def _upload(self, picture: Picture) -> str:
        """The id of a picture, once it also has its description. X drops one that no post shows after a day."""
        file = (picture.name, picture.content, picture.media_type.value)
        answer = await self._http.write(
            "POST", "/2/media/upload", data={"media_category": "tweet_image"}, files={"media": file}
        )
        media_id = str(_data(answer)["id"])
        described = {"id": media_id, "metadata": {"alt_text": {"text": picture.alt}}}
        _data(await self._http.write("POST", "/2/media/metadata", json=described))
        return media_id

    async def _doubled(self, rendering: Rendering, number: int, answer: Answer) -> dict[str, Any]:
        """The post that X would not take a second time, if it is this very part."""
        with looking_up():
            there = await self._there(rendering)
        if len(there) <= number:
            raise Refused(f"X refused it as a duplicate of an older post of the account: {answer.says}")
        return there[number]

    async def _there(self, rendering: Rendering) -> list[dict[str, Any]]:
        recent = [post async for post in self._recent()]
        return standing(rendering, recent, made=_made, answered=_answered, says=_says, same=_comparable, shows=_shows)

    async def _recent(self) -> AsyncIterator[dict[str, Any]]:
        account = await self._who()
        oldest = datetime.now(UTC) - LOOK_BACK
        params = {"max_results": "100", "exclude": "retweets", "tweet.fields": FIELDS}
        params["start_time"] = oldest.strftime("%Y-%m-%dT%H:%M:%SZ")
        for _ in range(PAGES):
            body = (await self._http.read(f"/2/users/{account['id']}/tweets", params=params)).body()
            for post in body.get("data") or []:
                yield post
            following = (body.get("meta") or {}).get("next_token")
            if not following:
                return
            params["pagination_token"] = str(following)
        raise Unknown(f"more than {PAGES * 100} posts in {LOOK_BACK}; look at the account by hand")

    async def _delete(self, post_id: str) -> None:
        (await self._http.write("DELETE", f"/2/tweets/{post_id}")).removed()

    def _receipt(self, posts: Sequence[dict[str, Any]]) -> Receipt:
        first = posts[0]
        return Receipt(
            id=str(first["id"]),
            url=f"{self._settings.web_url.rstrip('/')}/{self._account['username']}/status/{first['id']}",
            accepted_at=moment(first.get("created_at")),
            raw={"parts": [str(post["id"]) for post in posts], "text": str(first.get("text", ""))},
        )


def _data(answer: Answer) -> dict[str, Any]:
    """The object under ``data``, which has an id."""
    problem = answer.value
    if answer.status == 403 and isinstance(problem, dict) and problem.get("type") == "about:blank":
        raise Refused(f"X refused it: {answer.says}")  # what is said; whether one may has problem types of its own
    data = answer.body().get("data")
    if not isinstance(data, dict) or not data.get("id"):
        raise Unknown(f"X answered {answer.status} without an id: {answer.says}")
    return data


def _made(post: dict[str, Any]) -> datetime:
    return moment(post.get("created_at"))


def _answered(post: dict[str, Any]) -> str:
    """The id of the post that it answers."""
    references = post.get("referenced_tweets") or []
    return next((str(r.get("id", "")) for r in references if r.get("type") == "replied_to"), "")


def _shows(post: dict[str, Any]) -> int:
    return len((post.get("attachments") or {}).get("media_keys") or ())


def _says(post: dict[str, Any]) -> str:
    """Its text, whole, with a space for each link."""
    note = post.get("note_tweet")
    whole = note if isinstance(note, dict) and note.get("text") else post
    text = str(whole.get("text", ""))
    for link in (whole.get("entities") or {}).get("urls") or []:
        text = text.replace(str(link.get("url") or "\0"), " ")
    return unescaped(text)


def _comparable(text: str) -> str:
    """``text`` without links and spacing, which X changes."""
    from twitter_text import extract_urls_with_indices  # half a second to import, and needed for look-ups only

    at, pieces = 0, []
    for link in extract_urls_with_indices(text):
        start, end = link["indices"]
        pieces.append(text[at:start])
        at = end
    return " ".join("".join([*pieces, text[at:]]).split())

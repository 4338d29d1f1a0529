"""Reddit's search for new posts. https://www.reddit.com/dev/api#GET_search and, for the rules, https://support.reddithelp.com

An app of type "script" or "web" gives ``client_id`` and ``client_secret``; the client-credentials token that they buy
lasts a day at most and is renewed by itself. 100 requests a minute; the headers say how many are left. Reddit wants a
user agent that names the app and its owner, and blocks others. Pages are read newest first until known ground is
reached; ``before`` is not used as a cursor, because a deleted post makes it answer with nothing. Search finds posts, not
comments.
"""

from datetime import timedelta
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from crisis.entities import unescaped
from crisis.watch import Mention
from integrations.http import Connection, Http
from integrations.listening import Known, Posts, TokenSource
from integrations.outcomes import Misconfigured
from integrations.posts import post

OVERLAP = timedelta(minutes=15)
"""How late search may know of a post."""
PAGE = 100
MOST_PAGES = 10
"""Reddit gives out no more than about a thousand results of one listing."""
NETWORK = "reddit"
_NO_TEXT = frozenset(("", "[deleted]", "[removed]"))
"""What stands where an author or a moderator took the text away."""


class RedditSettings(Connection):
    """Settings of a search."""

    base_url: str = Field(default="https://oauth.reddit.com", description="The API")
    token_url: str = Field(default="https://www.reddit.com", description="Where tokens are given out")
    client_id: SecretStr = Field(description="The app's id, from https://www.reddit.com/prefs/apps")
    client_secret: SecretStr = Field(description="The app's secret")
    user_agent: str = Field(
        examples=["web:com.example.fireline:1.0 (by /u/acme)"],
        pattern=r"\(by /?u/[\w-]+\)",
        description="platform:app id:version (by /u/owner), as Reddit's rules ask",
    )
    query: str = Field(
        examples=["acme"], min_length=1, max_length=512, description="Words to search for, in Reddit's own language"
    )
    subreddit: str = Field(
        default="", pattern=r"^[\w+]*$", description="Only there (several with +); empty: everywhere"
    )
    every: float = Field(default=30.0, ge=2, description="Seconds between two searches")


class Reddit(TokenSource):
    """A ``Source``."""

    kind: ClassVar[str] = "reddit"
    settings_model: ClassVar[type[RedditSettings]] = RedditSettings

    def __init__(self, settings: RedditSettings) -> None:
        headers = {"User-Agent": settings.user_agent}
        super().__init__(Http("Reddit", settings, headers), every=settings.every)
        door = settings.model_copy(update={"base_url": settings.token_url.rstrip("/")})
        self._door = Http("Reddit", door, headers)
        self._settings = settings

    async def session(self, cursor: str) -> Posts:
        known, found, after = Known(OVERLAP, cursor), list[Mention | None](), ""
        for _ in range(MOST_PAGES):
            things, after = await self._page(after)
            found += [_mention(thing) for thing in things]
            oldest = min((m.created_at for m in found if m), default=known.floor)
            if not after or oldest <= known.floor:
                break
        else:
            self.pulse.gap("there were more posts than Reddit gives out: the oldest of them are missing")
        for mention in known.fresh(found):
            yield known.passed(mention), mention

    async def prove(self) -> str:
        things, _ = await self._page("")
        return f"search answers, {len(things)} recent posts for {self._settings.query!r}"

    async def close(self) -> None:
        await self._door.close()
        await super().close()

    async def _page(self, after: str) -> tuple[list[Any], str]:
        """Posts, newest first, and where the next page begins."""
        where = f"/r/{self._settings.subreddit}/search" if self._settings.subreddit else "/search"
        params = {"q": self._settings.query, "sort": "new", "type": "link", "limit": str(PAGE), "raw_json": "1"}
        params |= {"restrict_sr": "true"} if self._settings.subreddit else {}
        params |= {"after": after} if after else {}
        answer = await self._authorised(where, params)
        data = answer.body().get("data")
        data = data if isinstance(data, dict) else {}
        children, later = data.get("children"), data.get("after")
        return (children if isinstance(children, list) else []), (later if isinstance(later, str) else "")

    async def _log_in(self) -> None:
        secrets = (self._settings.client_id.get_secret_value(), self._settings.client_secret.get_secret_value())
        form = {"grant_type": "client_credentials"}
        answer = await self._door.read("/api/v1/access_token", method="POST", data=form, auth=secrets)
        if answer.error:
            raise Misconfigured(f"Reddit gives out no token: {answer.says}. Check client_id and client_secret")
        self._token = answer.text("access_token")
        self.http.secrets.add(self._token)


def _mention(thing: Any) -> Mention | None:
    data = thing.get("data") if isinstance(thing, dict) else None
    if not isinstance(data, dict):
        return None
    title, body = data.get("title"), data.get("selftext")
    texts = [unescaped(text) for text in (title, body) if isinstance(text, str) and text not in _NO_TEXT]
    link = data.get("permalink")
    return post(
        source=NETWORK,
        id=data.get("name"),
        text="\n".join(texts),
        created_at=data.get("created_utc"),
        author=data.get("author"),
        url=f"https://www.reddit.com{link}" if isinstance(link, str) else "",
        replies=data.get("num_comments"),
        reposts=data.get("num_crossposts"),
    )

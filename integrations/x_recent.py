"""X's recent search, asked again and again. https://docs.x.com/x-api/posts/search-recent-posts

The cursor is the number of the newest post given out (``since_id``). The bearer token is the app's own; its plan decides
how often it may ask and how many posts it may read in a month (every post of an answer counts, so a narrow query and a
longer ``every`` save money). 429 carries ``x-rate-limit-reset`` in seconds since 1970, which is waited for.
"""

from typing import ClassVar

from pydantic import Field, SecretStr

from integrations.http import Connection, Http
from integrations.listening import LiveSource, Posts
from integrations.mastodon_hashtag import bearer
from integrations.x_posts import SEARCH, recent


class XRecentSettings(Connection):
    """Settings of a recent search."""

    base_url: str = Field(default="https://api.x.com", description="The API")
    bearer_token: SecretStr = Field(description="The app's bearer token, from the developer portal")
    query: str = Field(
        examples=["acme -is:retweet"],
        min_length=1,
        max_length=4096,
        description="In X's own language, such as: acme -is:retweet",
    )
    page: int = Field(default=100, ge=10, le=100, description="Posts an answer may hold")
    every: float = Field(default=60.0, ge=2, description="Seconds between two searches")


class XRecent(LiveSource):
    """A ``Source``."""

    kind: ClassVar[str] = "x_recent"
    settings_model: ClassVar[type[XRecentSettings]] = XRecentSettings

    def __init__(self, settings: XRecentSettings) -> None:
        super().__init__(Http("X", settings, bearer(settings.bearer_token)), every=settings.every)
        self._settings = settings

    async def session(self, cursor: str) -> Posts:
        for at, mention in await recent(self.ask, self.pulse, self._settings.query, cursor, page=self._settings.page):
            yield at, mention

    async def prove(self) -> str:
        params = {"query": self._settings.query, "max_results": "10"}
        answer = await self.http.read(SEARCH, params=params)
        answer.body()
        left = answer.headers.get("x-rate-limit-remaining", "")
        return "search answers" + (f", {left[:10]} more requests in this window" if left.isdigit() else "")

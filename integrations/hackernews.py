"""Hacker News through Algolia's search API: stories and comments that hold given words. https://hn.algolia.com/api

Asked every half minute for what was written since the newest post given out, less ``OVERLAP``, because the index runs
a little behind. No account is needed; 10,000 requests an hour and address. Search finds whole words and their
beginnings; an answer holds at most 1,000 posts, of which the newest are taken.
"""

from datetime import timedelta
from typing import Any, ClassVar

from pydantic import Field

from crisis.watch import Mention
from integrations.http import Connection, Http
from integrations.listening import Known, LiveSource, Posts
from integrations.markup import plain
from integrations.posts import post

OVERLAP = timedelta(minutes=10)
PAGE = 1000
NETWORK = "hackernews"


class HackerNewsSettings(Connection):
    """Settings of a search."""

    base_url: str = Field(default="https://hn.algolia.com", description="The search service")
    query: str = Field(examples=["acme"], min_length=1, max_length=500, description="Words to search for")
    every: float = Field(default=30.0, ge=5, description="Seconds between two searches")


class HackerNews(LiveSource):
    """A ``Source``."""

    kind: ClassVar[str] = "hackernews"
    settings_model: ClassVar[type[HackerNewsSettings]] = HackerNewsSettings

    def __init__(self, settings: HackerNewsSettings) -> None:
        super().__init__(Http("Hacker News search", settings), every=settings.every)
        self._query = settings.query

    async def session(self, cursor: str) -> Posts:
        known = Known(OVERLAP, cursor)
        hits = await self._search(numericFilters=f"created_at_i>{int(known.floor.timestamp())}", hitsPerPage=str(PAGE))
        if len(hits) >= PAGE:
            self.pulse.gap("there were more posts than an answer holds: the oldest of them are missing")
        for mention in known.fresh(map(_mention, hits)):
            yield known.passed(mention), mention

    async def prove(self) -> str:
        return f"search answers; {len(await self._search(hitsPerPage='1')) or 'no'} recent post for {self._query!r}"

    async def _search(self, **params: str) -> list[Any]:
        wanted = {"query": self._query, "tags": "(story,comment)", "advancedSyntax": "true", **params}
        body = (await self.ask("/api/v1/search_by_date", params=wanted)).body()
        hits = body.get("hits")
        return hits if isinstance(hits, list) else []


def _mention(hit: Any) -> Mention | None:
    if not isinstance(hit, dict):
        return None
    texts = [hit.get(name) for name in ("title", "story_text", "comment_text")]
    if hit.get("comment_text"):
        texts = [hit["comment_text"]]
    return post(
        source=NETWORK,
        id=hit.get("objectID"),
        text="\n".join(plain(text) for text in texts if isinstance(text, str) and text),
        created_at=hit.get("created_at_i"),
        author=hit.get("author"),
        url=f"https://news.ycombinator.com/item?id={hit.get('objectID')}",
        replies=hit.get("num_comments"),
    )

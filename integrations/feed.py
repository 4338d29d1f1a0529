"""RSS and Atom feeds, such as a newsroom's or a search of news. https://feedparser.readthedocs.io

Asked every few minutes, with ``If-None-Match`` and ``If-Modified-Since``, so that an unchanged feed costs nothing.
Redirects are followed; 410 ends it. Feeds have no cursor: the ids of the entries given out lately are kept in ours. An
entry without an id is known by its link, one without a date counts as written when it was first seen. An entry that
changes is not told again.
"""

import asyncio
import calendar
import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit

import feedparser  # type: ignore[import-untyped]
from pydantic import Field

from crisis.watch import Mention
from integrations.http import Answer, Connection, Http, redact
from integrations.listening import Known, LiveSource, Posts
from integrations.markup import plain
from integrations.outcomes import Misconfigured, Unknown
from integrations.posts import post

OVERLAP = timedelta(days=7)
"""How late an entry may turn up: agencies date back."""
MOST_HOPS = 5
_ENDLESS = re.compile(rb"&#(?:[0-9]{20,}|[xX][0-9a-fA-F]{20,});?")
"""References to no character, at which feedparser gives up."""
_ELSEWHERE = frozenset((301, 302, 303, 307, 308))


class FeedSettings(Connection):
    """Settings of a feed."""

    base_url: str = Field(
        examples=["https://news.example.com/rss"], description="The site, such as https://news.example.com"
    )
    feed: str = Field(default="", description="The feed's path and query there, such as /rss/search?q=acme")
    network: str = Field(default="news", min_length=1, max_length=60, description="What the posts' network is called")
    every: float = Field(default=300.0, ge=30, description="Seconds between two requests")


class Feed(LiveSource):
    """A ``Source``."""

    kind: ClassVar[str] = "feed"
    settings_model: ClassVar[type[FeedSettings]] = FeedSettings

    def __init__(self, settings: FeedSettings) -> None:
        accept = {"Accept": "application/atom+xml, application/rss+xml, */*;q=0.5"}
        super().__init__(Http("The feed", settings, accept), every=settings.every)
        self._settings = settings
        self._unchanged: dict[str, str] = {}

    async def session(self, cursor: str) -> Posts:
        known = Known(OVERLAP, cursor)
        answer, _ = await self._fetch(self._unchanged)
        if answer.status == 304:
            return
        mentions = await self._entries(answer)
        for mention in known.fresh(mentions):
            yield known.passed(mention), mention
        # Only now: whoever stops before the last entry must get the feed again.
        names = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
        self._unchanged = {names[n]: answer.headers[n] for n in names if n in answer.headers}

    async def prove(self) -> str:
        answer, moved = await self._fetch({})
        mentions = await self._entries(answer)
        return f"a feed with {len(mentions)} entries" + (f"; it has moved to {moved}: name that" if moved else "")

    async def _fetch(self, headers: dict[str, str]) -> tuple[Answer, str]:
        """The feed, wherever it leads, and where it has moved to for good, if it has.

        It is asked for without credentials, so none can be carried elsewhere.
        """
        at, moved = f"{self._settings.base_url}{self._settings.feed}", ""
        for_good = True
        for _ in range(MOST_HOPS):
            answer = await self.ask(at, headers=headers)
            if answer.status == 410:
                raise Misconfigured("The feed is gone for good (410): take this source out, or name its new address")
            location = answer.headers.get("location", "")
            if answer.status not in _ELSEWHERE or not location:
                return answer, moved
            at = urljoin(at, location)
            if urlsplit(at).scheme not in {"http", "https"}:
                raise Misconfigured(f"The feed leads to what is no web address: {redact(location, ())}")
            for_good = for_good and answer.status in {301, 308}
            moved = redact(at, ()) if for_good else moved
        raise Misconfigured(f"The feed leads elsewhere more than {MOST_HOPS} times: check its address")

    async def _entries(self, answer: Answer) -> list[Mention]:
        content = answer.accepted().content
        try:
            parsed = await asyncio.to_thread(_parse, content, answer.headers.get("content-type", ""))
        except Exception as error:  # feedparser promises not to raise
            raise Unknown(f"this feed cannot be read ({type(error).__name__}): {answer.says}") from None
        if not parsed.get("version") and not parsed.entries:
            raise Unknown(f"this is no feed: {answer.says}")
        made = (self._mention(entry) for entry in parsed.entries)
        return [mention for mention in made if mention is not None]

    def _mention(self, entry: Any) -> Mention | None:
        link = entry.get("link") or ""
        bodies = [c.get("value") for c in entry.get("content") or [] if isinstance(c, dict)]
        texts = [entry.get("title"), max([entry.get("summary"), *bodies], key=lambda t: len(t or ""))]
        return post(
            source=self._settings.network,
            id=entry.get("id") or link,
            text="\n".join(plain(text) for text in texts if text),
            # Not entry.get: it would take one date for the other, and warn of it.
            created_at=_moment(dict.get(entry, "published_parsed") or dict.get(entry, "updated_parsed")),
            author=entry.get("author") or "",
            url=link if link.startswith(("http://", "https://")) else "",
            language=entry.get("language") or "",
        )


def _parse(content: bytes, content_type: str) -> Any:
    headers = {"content-type": content_type} if content_type else {}
    # Only text is taken from it, so nothing is to be made safe first: that takes minutes where a text is made for it.
    return feedparser.parse(
        _ENDLESS.sub(b"", content), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )


def _moment(parsed: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None
    except (ValueError, OverflowError, TypeError, OSError):
        return None

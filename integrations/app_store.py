"""Customer reviews of an app in Apple's App Store, from the public feed, one for each country.

https://itunes.apple.com/<country>/rss/customerreviews/page=<n>/id=<app>/sortby=mostrecent/json: 50 reviews a page, at
most ten pages, no account. Apple documents the feed only by its generator's pages and may delay or empty it; the
documented way, App Store Connect's customerReviews, needs the app owner's key. Reviews appear hours after they were
written, so ids given out lately are kept in the cursor. A review that was changed counts again.
"""

from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from crisis.watch import Mention
from integrations.http import Connection, Http
from integrations.listening import Known, LiveSource, Posts
from integrations.markup import plain
from integrations.outcomes import Unknown
from integrations.posts import post

OVERLAP = timedelta(days=7)
PAGES = 10
NETWORK = "app_store"

Country = Annotated[str, StringConstraints(to_lower=True, pattern=r"^[A-Za-z]{2}$")]


class AppStoreSettings(Connection):
    """Settings of an app's reviews."""

    base_url: str = Field(default="https://itunes.apple.com", description="Apple's feeds")
    app_id: int = Field(examples=[123456789], gt=0, description="The number in the app's address, after /id")
    countries: tuple[Country, ...] = Field(default=("us",), min_length=1, description="Two-letter codes of the stores")
    pages: int = Field(default=2, ge=1, le=PAGES, description="Pages of 50 reviews to look through each time")
    every: float = Field(default=600.0, ge=60, description="Seconds between two rounds")


class AppStore(LiveSource):
    """A ``Source``."""

    kind: ClassVar[str] = "app_store"
    settings_model: ClassVar[type[AppStoreSettings]] = AppStoreSettings

    def __init__(self, settings: AppStoreSettings) -> None:
        super().__init__(Http("The App Store", settings), every=settings.every)
        self._settings = settings

    async def session(self, cursor: str) -> Posts:
        known = Known(OVERLAP, cursor)
        found: list[Mention] = []
        for country in self._settings.countries:
            for page in range(1, self._settings.pages + 1):
                mentions = await self._page(country, page)
                found += mentions
                if not known.fresh(mentions):
                    break
        for mention in known.fresh(found):
            yield known.passed(mention), mention

    async def prove(self) -> str:
        counts = [f"{country} {len(await self._page(country, 1))}" for country in self._settings.countries]
        return f"reviews on the first page: {', '.join(counts)}"

    async def _page(self, country: str, page: int) -> list[Mention]:
        path = f"/{country}/rss/customerreviews/page={page}/id={self._settings.app_id}/sortby=mostrecent/json"
        feed = (await self.ask(path)).body().get("feed")
        if not isinstance(feed, dict):
            raise Unknown("The App Store answered without a feed")
        entries = feed.get("entry")
        entries = entries if isinstance(entries, list) else [entries]  # a single review is no list
        made = (_mention(entry, country) for entry in entries)
        return [mention for mention in made if mention is not None]


def _mention(entry: Any, country: str) -> Mention | None:
    if not isinstance(entry, dict) or "im:rating" not in entry:
        return None  # the app itself leads some of the feeds
    updated = _label(entry, "updated")
    link = entry.get("link")
    link = link[0] if isinstance(link, list) and link else link
    attributes = link.get("attributes") if isinstance(link, dict) else None
    texts = [_label(entry, "title"), _label(entry, "content")]
    return post(
        source=NETWORK,
        id=f"{country}/{_label(entry, 'id')}/{updated}" if _label(entry, "id") else "",
        text="\n".join(plain(text) for text in texts if text),
        created_at=updated,
        author=_label(entry.get("author"), "name"),
        url=attributes.get("href", "") if isinstance(attributes, dict) else "",
    )


def _label(value: Any, name: str) -> str:
    inner = value.get(name) if isinstance(value, dict) else None
    label = inner.get("label") if isinstance(inner, dict) else None
    return label if isinstance(label, str) else ""

"""Mastodon's hashtag timelines, asked every minute. https://docs.joinmastodon.org/methods/timelines/#tag

The cursor is the id of the newest status given out. Many servers answer without a token; then the rate limit is the
address's (300 requests in 5 minutes: https://docs.joinmastodon.org/api/rate-limits/). A server shows what it knows: posts
of accounts that nobody there follows never reach it, so a large server, or several sources, hear more.
"""

from typing import Annotated, ClassVar

from pydantic import Field, SecretStr, StringConstraints

from integrations.http import Connection, Http
from integrations.listening import LiveSource, Posts
from integrations.mastodon_posts import hashtag_path, order, timeline

Hashtag = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^#?[^\W]+$", max_length=100)]
"""With or without its #; letters, digits and underscores of any script."""


class MastodonHashtagSettings(Connection):
    """Settings of hashtag timelines."""

    base_url: str = Field(
        examples=["https://social.example.com"], description="The server, such as https://mastodon.social"
    )
    hashtags: tuple[Hashtag, ...] = Field(
        examples=[["acme"]], min_length=1, max_length=10, description="Hashtags, with or without #"
    )
    access_token: SecretStr | None = Field(default=None, description="Scope read:statuses; needed by servers that ask")
    every: float = Field(default=60.0, ge=5, description="Seconds between two rounds")


class MastodonHashtag(LiveSource):
    """A ``Source``."""

    kind: ClassVar[str] = "mastodon_hashtag"
    settings_model: ClassVar[type[MastodonHashtagSettings]] = MastodonHashtagSettings

    def __init__(self, settings: MastodonHashtagSettings) -> None:
        super().__init__(Http("Mastodon", settings, bearer(settings.access_token)), every=settings.every)
        self._hashtags = settings.hashtags

    async def session(self, cursor: str) -> Posts:
        # All tags first, then in order: a cursor in the middle of one tag would pass over the next one's posts.
        found = {
            status_id: mention
            for tag in self._hashtags
            async for status_id, mention in timeline(self.ask, self.pulse, hashtag_path(tag), cursor)
        }
        for status_id in sorted(found, key=order):
            yield max(status_id, cursor, key=order), found[status_id]

    async def prove(self) -> str:
        for tag in self._hashtags:
            (await self.http.read(hashtag_path(tag), params={"limit": "1"})).items()
        return f"reads #{', #'.join(tag.removeprefix('#') for tag in self._hashtags)}"


def bearer(token: SecretStr | None) -> dict[str, str]:
    """The header that carries a token, if there is one."""
    return {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}

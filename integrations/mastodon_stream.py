"""Mastodon's streaming API over one websocket: hashtags, or all public posts. https://docs.joinmastodon.org/methods/streaming/

The cursor is the id of the newest status given out. The stream itself cannot resume: after each connection the timelines
are read from the cursor on, and only then what streamed meanwhile. Mastodon 4.2 and later wants a token
(scope read:statuses) for every stream, and from 4.5 on servers may keep the whole public stream to themselves.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr, model_validator

from integrations.http import Http
from integrations.listening import LiveSource, Posts
from integrations.mastodon_hashtag import Hashtag, bearer
from integrations.mastodon_posts import hashtag_path, mastodon_mention, order, timeline
from integrations.outcomes import Misconfigured, Unknown
from integrations.sockets import SocketConnection, socket

QUIET = 3600.0
"""Seconds: a hashtag may be silent for long; dead connections are found by pings."""
PATH = "/api/v1/streaming"


class MastodonStreamSettings(SocketConnection):
    """Settings of a stream."""

    base_url: str = Field(
        examples=["https://social.example.com"], description="The server, such as https://mastodon.social"
    )
    streaming_url: str = Field(default="", description="Where it streams; empty: as the server itself says")
    hashtags: tuple[Hashtag, ...] = Field(
        examples=[["acme"]], default=(), max_length=20, description="Hashtags, with or without #"
    )
    public: Literal["", "local", "all"] = Field(default="", description="All public posts: local ones, or all it knows")
    access_token: SecretStr | None = Field(default=None, description="Scope read:statuses")
    quiet: float = Field(default=QUIET, gt=0, description="Seconds without a message after which to connect again")

    @model_validator(mode="after")
    def _something(self) -> "MastodonStreamSettings":
        if not (self.hashtags or self.public):
            raise ValueError("name hashtags, or set public to local or all")
        return self


class MastodonStream(LiveSource):
    """A ``Source``."""

    kind: ClassVar[str] = "mastodon_stream"
    settings_model: ClassVar[type[MastodonStreamSettings]] = MastodonStreamSettings

    def __init__(self, settings: MastodonStreamSettings) -> None:
        self._headers = bearer(settings.access_token)
        super().__init__(Http("Mastodon", settings, self._headers))
        self._settings = settings
        self._streams_at = settings.streaming_url

    async def session(self, cursor: str) -> Posts:
        async with socket(
            "Mastodon", await self._where(), PATH, headers=self._headers, secrets=self.http.secrets
        ) as stream:
            for subscription in self._subscriptions():
                await stream.send(json.dumps({"type": "subscribe", **subscription}))
            self.pulse.contact()
            newest = cursor
            if cursor:
                async for newest, mention in self._missed(cursor):
                    yield newest, mention
            async for message in stream.messages(quiet=self._settings.quiet):
                status = self._update(message)
                mention = mastodon_mention(status)
                if status is None or mention is None:
                    continue
                newest = max(newest, str(status.get("id", "")), key=order)
                yield newest, mention

    async def prove(self) -> str:
        for path in self._timelines():
            (await self.http.read(path, params={"limit": "1"})).items()
        async with socket(
            "Mastodon", await self._where(), PATH, headers=self._headers, secrets=self.http.secrets
        ) as stream:
            await stream.send(json.dumps({"type": "subscribe", **self._subscriptions()[0]}))
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    async for message in stream.messages(quiet=5.0):
                        self._update(message)
        return f"streams {len(self._subscriptions())} timelines from {self._streams_at}"

    async def _missed(self, cursor: str) -> AsyncIterator[tuple[str, Any]]:
        found = {i: m for path in self._timelines() async for i, m in timeline(self.ask, self.pulse, path, cursor)}
        for status_id in sorted(found, key=order):
            yield max(status_id, cursor, key=order), found[status_id]

    async def _where(self) -> SocketConnection:
        """The streaming address, which may be another host than the rest of the API."""
        if not self._streams_at:
            body = (await self.ask("/api/v2/instance")).body()
            configuration = body.get("configuration")
            urls = configuration.get("urls") if isinstance(configuration, dict) else None
            given = urls.get("streaming") if isinstance(urls, dict) else None
            self._streams_at = given if isinstance(given, str) and given else self._settings.base_url
        try:
            return SocketConnection(base_url=self._streams_at, timeout=self._settings.timeout)
        except ValueError:
            raise Misconfigured("Mastodon names a streaming address that is none; set streaming_url") from None

    def _subscriptions(self) -> list[dict[str, str]]:
        wanted = [{"stream": "hashtag", "tag": tag.removeprefix("#")} for tag in self._settings.hashtags]
        name = {"local": "public:local", "all": "public"}.get(self._settings.public)
        return [*wanted, {"stream": name}] if name else wanted

    def _timelines(self) -> list[str]:
        wanted = [hashtag_path(tag) for tag in self._settings.hashtags]
        query = {"local": "?local=true", "all": ""}.get(self._settings.public)
        return wanted if query is None else [*wanted, f"/api/v1/timelines/public{query}"]

    def _update(self, message: str | bytes) -> dict[str, Any] | None:
        """The status of an ``update``; None for everything else and for what cannot be read."""
        try:
            event = json.loads(message)
            if isinstance(event, dict) and event.get("error"):
                self._refused(event)
            if not isinstance(event, dict) or event.get("event") != "update":
                return None
            status = json.loads(event["payload"])
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        return status if isinstance(status, dict) else None

    def _refused(self, event: dict[str, Any]) -> None:
        says = str(event["error"])[:200]
        if event.get("status") in {401, 403}:
            raise Misconfigured(f"Mastodon refuses the stream: {says}. Set a token with the scope read:statuses")
        raise Unknown(f"Mastodon ends the stream: {says}")

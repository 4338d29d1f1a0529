"""X's filtered stream: posts that match rules, as they are written. https://docs.x.com/x-api/posts/filtered-stream

The rules of this source are those tagged ``fireline:<tag>``; before connecting, missing ones are added and others of
that tag deleted; rules of other programs stay. The stream sends a keep-alive every 20 seconds. It cannot resume by
itself: after a connection, posts missed since the cursor (the newest post's number) are fetched by recent search with
the same rules, or, on plans that have it, by ``backfill_minutes`` (up to 5). Waits between attempts follow X's own
rules: 250 ms more each time up to 16 s when the network failed, 5 s doubling up to 320 s when the answer was an error,
a minute doubling when it was 429. One plan allows few connections at a time: name the one watch that it feeds.
"""

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from crisis.watch import Mention
from integrations.http import Connection, Http
from integrations.listening import LiveSource, Posts
from integrations.mastodon_hashtag import bearer
from integrations.outcomes import IntegrationError, Misconfigured, RateLimited, Refused, Unknown, Unreachable
from integrations.x_posts import FIELDS, recent, since, users_of, x_mention

STREAM = "/2/tweets/search/stream"
RULES = "/2/tweets/search/stream/rules"
SEARCHABLE = 512
"""Characters of a query that recent search takes on every plan; the rules of a stream may hold more together."""
QUIET = 30.0
"""Seconds without even a keep-alive: the connection is dead. X sends one every 20 s."""


class XStreamSettings(Connection):
    """Settings of a filtered stream."""

    base_url: str = Field(default="https://api.x.com", description="The API")
    bearer_token: SecretStr = Field(description="The app's bearer token, from the developer portal")
    rules: tuple[str, ...] = Field(
        examples=[["acme"]], min_length=1, max_length=25, description="Rules in X's own language"
    )
    tag: str = Field(default="watch", pattern=r"^[\w-]{1,60}$", description="Tells this source's rules from others'")
    backfill_minutes: int = Field(default=0, ge=0, le=5, description="On plans that have it")
    catch_up: bool = Field(default=True, description="Fetch what was missed by recent search")
    quiet: float = Field(default=QUIET, gt=0, description="Seconds without a keep-alive after which to connect again")


class XStream(LiveSource):
    """A ``Source``."""

    kind: ClassVar[str] = "x_stream"
    settings_model: ClassVar[type[XStreamSettings]] = XStreamSettings

    def __init__(self, settings: XStreamSettings) -> None:
        super().__init__(Http("X", settings, bearer(settings.bearer_token)))
        self._settings = settings

    async def session(self, cursor: str) -> Posts:
        newest = since(cursor) if cursor else 0
        await self._set_rules()
        params = {**FIELDS}
        if self._settings.backfill_minutes and cursor:
            params["backfill_minutes"] = str(self._settings.backfill_minutes)
        async with self.http.lines(STREAM, quiet=self._settings.quiet, params=params) as lines:
            if cursor and self._settings.catch_up:
                for newest, missed in await self._missed(cursor):
                    yield str(newest), missed
            async for line in lines:
                self.pulse.contact()
                body = _message(line)
                if body is None:
                    continue
                mention = x_mention(body.get("data"), users_of(body))
                if mention is not None and mention.id.isdigit():
                    newest = max(newest, int(mention.id))
                    yield str(newest), mention

    async def _missed(self, cursor: str) -> list[tuple[int, Mention]]:
        """What search finds by the rules, oldest first. What it does not take is a gap: the stream itself goes on."""
        found: dict[int, Mention] = {}
        for query in searches(self._settings.rules):
            try:
                found |= {int(at): mention for at, mention in await recent(self.ask, self.pulse, query, cursor)}
            except (Refused, Misconfigured) as error:
                self.pulse.gap(f"posts from before this connection are lost, search does not give them: {error}")
        return sorted(found.items(), key=lambda one: one[0])

    def wait(self, error: IntegrationError, failures: int) -> float:
        if isinstance(error, RateLimited) and not isinstance(error, Unreachable):
            return max(super().wait(error, 1), 60.0 * 2.0 ** min(failures - 1, 4))
        if isinstance(error, Unknown) and error.status:
            return min(320.0, 5.0 * 2.0 ** min(failures - 1, 6))
        return min(16.0, 0.25 * failures)

    async def prove(self) -> str:
        rules = await self._rules()
        return f"the rules can be read; {len(rules)} there, {len(self._settings.rules)} of this source"

    @property
    def _tag(self) -> str:
        return f"fireline:{self._settings.tag}"

    async def _set_rules(self) -> None:
        ours = {r["value"]: r["id"] for r in await self._rules() if r.get("tag") == self._tag}
        wanted = set(self._settings.rules)
        if stale := [number for value, number in ours.items() if value not in wanted]:
            (await self.http.write("POST", RULES, json={"delete": {"ids": stale}})).accepted()
        if missing := sorted(wanted - set(ours)):
            add = [{"value": value, "tag": self._tag} for value in missing]
            answer = (await self.http.write("POST", RULES, json={"add": add})).accepted()
            errors = answer.body().get("errors")
            told = errors if isinstance(errors, list) else [errors]
            if errors and not any(e.get("title") == "DuplicateRule" for e in told if isinstance(e, dict)):
                raise Misconfigured(f"X does not take the rules: {answer.says}")

    async def _rules(self) -> list[dict[str, Any]]:
        data = (await self.ask(RULES)).body().get("data")
        rules = [r for r in data if isinstance(r, dict)] if isinstance(data, list) else []
        return [r for r in rules if isinstance(r.get("id"), str) and isinstance(r.get("value"), str)]


def searches(rules: Iterable[str]) -> list[str]:
    """The rules as few searches, none longer than ``SEARCHABLE`` unless a single rule is."""
    found: list[str] = []
    for rule in rules:
        longer = f"{found[-1]} OR ({rule})" if found else ""
        if found and len(longer) <= SEARCHABLE:
            found[-1] = longer
        else:
            found.append(f"({rule})")
    return found


def _message(line: str) -> dict[str, Any] | None:
    """A line of the stream; None for keep-alives and for what cannot be read.

    Raises:
        Unknown: X says that it ends the stream.
    """
    if not line.strip():
        return None
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(body, dict):
        return None
    errors = body.get("errors")
    if isinstance(errors, list) and errors and "data" not in body:
        first = errors[0] if isinstance(errors[0], dict) else {}
        raise Unknown(f"X ends the stream: {str(first.get('title') or first.get('detail') or 'no reason given')[:200]}")
    return body

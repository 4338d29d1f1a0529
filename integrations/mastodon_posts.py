"""Statuses of Mastodon, and of servers that speak its API, as mentions; and its timelines, read forward.

The id is the status's ActivityPub address, which is the same on every server, so that two servers count a post once.
Ids within a server are ordered; a status that was federated late may carry an earlier one, so reading resumes
``REWIND`` before the cursor where ids tell the time (Mastodon: https://docs.joinmastodon.org/api/guidelines/#id).
Boosts are not posts of their own: they show as the count of the status.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from crisis.watch import Mention
from integrations.http import Answer
from integrations.listening import MOST_BACKLOG, Pulse
from integrations.markup import plain
from integrations.outcomes import Misconfigured
from integrations.posts import post

NETWORK = "mastodon"
PAGE = 40
"""Statuses in one answer, the most there can be."""
REWIND = timedelta(minutes=5)
_PREVIOUS = re.compile(r'<([^>]*)>\s*;\s*rel="?prev"?')
_SNOWFLAKE = 1 << 50
"""Numbers above this are Mastodon's: milliseconds since 1970 in the upper bits, 16 lower ones to tell apart."""

Ask = Callable[..., Awaitable[Answer]]


def mastodon_mention(status: Any) -> Mention | None:
    """The mention of a status; None for boosts, and for what is no status."""
    if not isinstance(status, dict) or status.get("reblog"):
        return None
    given = status.get("account")
    account = given if isinstance(given, dict) else {}
    warning = status.get("spoiler_text")
    content = plain(str(status.get("content") or "")[:1_000_000])
    return post(
        source=NETWORK,
        id=status.get("uri") or status.get("url"),
        text=f"{plain(warning)}\n{content}" if isinstance(warning, str) and warning else content,
        created_at=status.get("created_at"),
        author=account.get("acct", ""),
        url=status.get("url") or status.get("uri"),
        language=status.get("language"),
        reposts=status.get("reblogs_count"),
        replies=status.get("replies_count"),
        followers=account.get("followers_count"),
        in_reply_to=status.get("in_reply_to_id"),
        quotes=_quoted(status),
    )


def _quoted(status: dict[str, Any]) -> Any:
    """The status it quotes (Mastodon 4.5: https://docs.joinmastodon.org/entities/Quote/); a shallow quote has only an id."""
    quote = status.get("quote")
    quote = quote if isinstance(quote, dict) else {}
    inner = quote.get("quoted_status")
    return (inner.get("uri") if isinstance(inner, dict) else None) or quote.get("quoted_status_id")


def order(status_id: str) -> tuple[int, str]:
    """Ids in the order of their making: numbers by value, ULIDs and the like by letter."""
    return len(status_id), status_id


def rewound(cursor: str) -> str:
    """The id to read on from: a little before ``cursor``, where ids tell the time.

    Raises:
        Misconfigured: this is no id.
    """
    if not re.fullmatch(r"[A-Za-z0-9]{1,64}", cursor):
        raise Misconfigured(f"{cursor[:40]!r} is no cursor of a Mastodon server; start it without one")
    if cursor.isdigit() and int(cursor) > _SNOWFLAKE:
        return str(int(cursor) - (int(REWIND.total_seconds() * 1000) << 16))
    return cursor


def hashtag_path(tag: str) -> str:
    """Where a hashtag's timeline is."""
    return f"/api/v1/timelines/tag/{quote(tag.removeprefix('#'), safe='')}"


async def timeline(ask: Ask, pulse: Pulse, path: str, cursor: str) -> AsyncIterator[tuple[str, Mention]]:
    """Statuses of a timeline after ``cursor``, oldest first, each with its id; without one, the newest page.

    Raises:
        as ``Http.read`` and ``Answer.items``.
    """
    params = {"limit": str(PAGE)} | ({"min_id": rewound(cursor)} if cursor else {})
    for _ in range(MOST_BACKLOG // PAGE):
        answer = await ask(path, params=params)
        statuses = [s for s in answer.items() if isinstance(s.get("id"), str)]
        for status in sorted(statuses, key=lambda s: order(s["id"])):
            mention = mastodon_mention(status)
            if mention is not None:
                yield status["id"], mention
        later = _later(answer.headers.get("link", ""))
        if not (cursor and statuses and later) or later == params.get("min_id"):
            return
        params["min_id"] = later
    pulse.gap(f"more than {MOST_BACKLOG:,} posts of a timeline were missed at once: some of them are lost")


def _later(link: str) -> str:
    """The ``min_id`` of the next newer page. Only that is taken from the link: a server sends us nowhere else."""
    match = _PREVIOUS.search(link)
    return parse_qs(urlsplit(match[1]).query).get("min_id", [""])[0] if match else ""

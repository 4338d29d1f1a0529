"""How long a text is by each platform's own count, and how long it may be.

Platforms count differently: X weighs code points, Bluesky counts graphemes and caps bytes, Mastodon gives every URL 23
characters and every remote mention its local part, Slack counts what it escapes, mail counts octets. A text that fits
here fits there; where a server may be set up otherwise (Mastodon), the caller passes that server's limit.
"""

import html
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import regex  # type: ignore[import-untyped]
from pydantic import Field

from crisis.values import Frozen


class Limit(Frozen):
    """What one post on a platform may hold."""

    length: int = Field(gt=0)
    """Longest part, in ``unit``."""
    unit: str
    """``weighted characters``, ``graphemes``, ``characters`` or ``bytes``: what ``measure`` counts."""
    octets: int | None = Field(default=None, gt=0)
    """A second cap, in UTF-8 bytes."""
    threads: bool = False
    """A longer text may become a thread of parts."""
    subject: int | None = Field(default=None, gt=0)
    """Longest title or subject in characters, where the platform has one."""
    source: str
    """The page that says so."""


LIMITS: dict[str, Limit] = {
    "x": Limit(
        length=280,
        unit="weighted characters",
        threads=True,
        source="https://docs.x.com/fundamentals/counting-characters",
    ),
    "bluesky": Limit(
        length=300,
        unit="graphemes",
        octets=3000,
        threads=True,
        source="https://github.com/bluesky-social/atproto/blob/main/lexicons/app/bsky/feed/post.json",
    ),
    "mastodon": Limit(
        length=500,
        unit="graphemes",
        threads=True,
        source="https://docs.joinmastodon.org/user/posting/#text",
    ),
    "statuspage": Limit(
        length=25_000,
        unit="characters",
        subject=255,
        source="https://developer.statuspage.io/#operation/postPagesPageIdIncidents",
    ),
    # The least that every mail server must take; the encoded message is about a third longer than the text.
    "smtp": Limit(
        length=48_000,
        unit="bytes",
        subject=255,
        source="https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.1.7",
    ),
    # Slack cuts off after 40,000 and advises 4,000.
    "slack": Limit(
        length=4_000,
        unit="characters",
        source="https://docs.slack.dev/reference/methods/chat.postMessage#truncating",
    ),
    "sandbox": Limit(
        length=25_000,
        unit="characters",
        source="the sandbox sets no limit of its own; this is the longest that any channel above takes",
    ),
}
"""What each kind of channel may hold by default."""

MASTODON_URL_LENGTH = 23
"""``characters_reserved_per_url`` (https://docs.joinmastodon.org/entities/Instance/)."""

_REMOTE_MENTION = regex.compile(
    r"(?<![\w@/])(@[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)@[\p{L}\p{N}.\-]*[\p{L}\p{N}]"
)


def graphemes(text: str) -> list[str]:
    """The extended grapheme clusters of ``text`` (UAX #29): what a reader calls characters."""
    found: list[str] = regex.findall(r"\X", text)
    return found


def _count_x(text: str) -> int:
    from twitter_text import parse_tweet  # half a second to import, and few processes count for X

    return int(parse_tweet(text).weightedLength) if text else 0


def _count_graphemes(text: str) -> int:
    return len(graphemes(text))


def _count_mastodon(text: str) -> int:
    return _count_graphemes(_as_mastodon_counts(text))


def _as_mastodon_counts(text: str) -> str:
    from twitter_text import extract_urls_with_indices

    found: list[dict[str, Any]] = extract_urls_with_indices(text, extract_urls_without_protocol=False)
    pieces, at = [], 0
    for url in found:
        start, end = url["indices"]
        pieces += [_REMOTE_MENTION.sub(r"\1", text[at:start]), "x" * MASTODON_URL_LENGTH]
        at = end
    pieces.append(_REMOTE_MENTION.sub(r"\1", text[at:]))
    return "".join(pieces)


def _count_octets(text: str) -> int:
    return len(text.encode())


def _count_slack(text: str) -> int:
    return len(html.escape(text, quote=False))


_COUNTS: dict[str, Callable[[str], int]] = {
    "x": _count_x,
    "bluesky": _count_graphemes,
    "mastodon": _count_mastodon,
    "statuspage": len,
    "smtp": _count_octets,
    "slack": _count_slack,
    "sandbox": len,
}


class UnknownKind(ValueError):
    """A kind of channel whose count is not known; the message names those that are."""


def counted_as(kind: str, looks_like: str = "") -> str:
    """The kind whose rules apply: a sandbox may look like another channel.

    Raises:
        UnknownKind: there is no such kind.
    """
    rules = looks_like if kind == "sandbox" and looks_like else kind
    if rules not in LIMITS:
        raise UnknownKind(f"no limits are known for {rules!r}; there are: {', '.join(LIMITS)}")
    return rules


@lru_cache(maxsize=4096)
def measure(kind: str, text: str) -> int:
    """The length of ``text`` in the unit of ``LIMITS[kind]``.

    X by twitter-text's weighted count (Apache-2.0 conformance vectors, current configuration); Mastodon as its
    StatusLengthValidator counts; Slack after it has escaped ``& < >``.

    Raises:
        UnknownKind: there is no such kind.
    """
    return _COUNTS[counted_as(kind)](text)


def fits(kind: str, text: str, limit: Limit | None = None) -> bool:
    """Whether one part may hold ``text``; ``limit`` is the server's own where it differs from ``LIMITS[kind]``."""
    limit = limit or LIMITS[counted_as(kind)]
    return measure(kind, text) <= limit.length and (limit.octets is None or _count_octets(text) <= limit.octets)


def refused_characters(kind: str, text: str) -> str:
    """The characters of ``text`` that the platform refuses whatever the length, each once."""
    if kind != "x":
        return ""
    from twitter_text.has_invalid_characters import has_invalid_characters

    return "".join(dict.fromkeys(c for c in text if has_invalid_characters(c)))

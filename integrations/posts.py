"""One way for sources to make a mention of what a network sent: hostile text made storable, sizes and dates bounded.

Control characters and halves of surrogate pairs become U+FFFD, texts end at ``MAX_TEXT`` characters, other fields at
``MAX_FIELD``; numbers that are none count as 0; a post dated ahead of the clock, or before 1990, counts as written now,
because authors choose the dates of their posts and a lie must neither hide a post nor move time.
"""

import re
from datetime import UTC, datetime
from typing import Any

from crisis.watch import Mention
from integrations.times import parse_time

MAX_TEXT = 100_000
"""Characters; the longest posts of any network are well below."""
MAX_FIELD = 2_000
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""No public post is older."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


def post(
    *,
    source: str,
    id: Any,
    text: Any,
    created_at: Any,
    author: Any = "",
    url: Any = "",
    language: Any = "",
    reposts: Any = 0,
    replies: Any = 0,
    followers: Any = 0,
    in_reply_to: Any = "",
    quotes: Any = "",
    now: datetime | None = None,
) -> Mention | None:
    """The mention, or None when there is no id or no text: nothing to count.

    Args:
        created_at: as in ``integrations.times.parse_time``; unreadable or missing: now.
        now: for tests; UTC.
    """
    identity, words = _words(id), text if isinstance(text, str) else ""
    words = words[:MAX_TEXT]
    if not words.isprintable():
        words = _CONTROL.sub("\ufffd", words)
    if not identity or not words.strip():
        return None
    found = _LANGUAGE.match(language.lower()) if isinstance(language, str) else None
    return Mention(
        id=identity,
        text=words,
        created_at=written_at(created_at, now or datetime.now(UTC)),
        author=_words(author),
        source=source,
        url=_words(url),
        language=found[0] if found else "",
        reposts=_count(reposts),
        replies=_count(replies),
        followers=_count(followers),
        in_reply_to=_words(in_reply_to),
        quotes=_words(quotes),
    )


def written_at(value: Any, now: datetime) -> datetime:
    """When a post was written, by its author's word as far as that can be believed."""
    try:
        # Most platforms write plain ISO 8601 with its offset; the reader of all the other forms takes ten times as long.
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is not None and moment >= EARLIEST:
            return min(moment.astimezone(UTC), now)
    except (ValueError, OverflowError):
        pass
    try:
        moment = parse_time(value)[0].astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return now
    return min(moment, now)


def _words(value: Any) -> str:
    if not isinstance(value, str | int) or value == "":
        return ""
    words = str(value)[:MAX_FIELD]
    return words if words.isprintable() else _CONTROL.sub("", words)


def _count(value: Any) -> int:
    if type(value) is int:
        return max(0, min(value, 2**53))
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0
    try:
        return max(0, min(int(float(value)), 2**53))
    except (ValueError, OverflowError):
        return 0

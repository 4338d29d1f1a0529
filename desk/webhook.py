"""Posts by signed webhook: how a sender signs, and how a body is read. Nothing here touches the network.

A sender posts JSON (one post, or a list of them) or JSON Lines to ``/ingest`` and signs it:

    Fireline-Signature: t=<seconds since 1970>,v1=<hex of HMAC-SHA256(secret, "<t>.<body>")>

``t`` is the real time of sending; a request signed more than five minutes ago, or ahead, is refused. Several ``v1`` may
be given while a secret is being changed. In a shell:

    t=$(date +%s); v1=$(printf '%s.' "$t" | cat - posts.json | openssl dgst -sha256 -hmac "$SECRET" -r | cut -d' ' -f1)
    curl -H "Fireline-Signature: t=$t,v1=$v1" --data-binary @posts.json http://127.0.0.1:8420/ingest

A post has ``id``, ``text`` and ``created_at`` (ISO 8601 with its offset from UTC), and may have ``author``, ``source``,
``url``, ``language``, ``reposts``, ``replies`` and ``followers``. Sending a post again is harmless: it is known by
``source`` and ``id``. A post that cannot be read is rejected by itself, with its index and the reason; the rest count.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from crisis.watch import Mention

MAX_BODY = 8 * 1024 * 1024
"""Bytes of one request."""
MAX_POSTS = 10_000
"""Posts of one request."""
MAX_TEXT = 100_000
"""Characters of one post's text; the longest posts of any network are well below."""
MAX_FIELD = 2_048
"""Characters of every other field."""
MAX_AHEAD = timedelta(minutes=10)
"""How far ahead of the clock a post may be dated, for clocks that differ."""
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)

_FIELDS = (
    "id",
    "text",
    "created_at",
    "author",
    "source",
    "url",
    "language",
    "reposts",
    "replies",
    "followers",
    "in_reply_to",
    "quotes",
)
_NEEDED = ("id", "text", "created_at")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class Unreadable(ValueError):
    """The body as a whole cannot be read; the message is one sentence for the sender."""


@dataclass(frozen=True)
class Rejection:
    """One post that was not taken, and why."""

    index: int
    says: str


@dataclass(frozen=True)
class Posts:
    """What a body held."""

    mentions: tuple[Mention, ...]
    rejected: tuple[Rejection, ...]


def read_posts(body: bytes, *, now: datetime, lines: bool = False) -> Posts:
    """The posts of a body; ``lines`` when the sender declared JSON Lines, ``now`` for judging their dates.

    Raises:
        Unreadable: the body is not UTF-8, not JSON or JSON Lines of objects, or holds too many posts.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"the body is not UTF-8: byte {error.start} cannot be read") from None
    if not text.strip():
        raise Unreadable("the body is empty: send a post, a list of posts, or one post a line")
    values = _lines(text) if lines else _values(text)
    if len(values) > MAX_POSTS:
        raise Unreadable(f"{len(values):,} posts are too many for one request: send at most {MAX_POSTS:,}")
    mentions: list[Mention] = []
    rejected: list[Rejection] = []
    for index, value in enumerate(values):
        try:
            mentions.append(_mention(value, now))
        except _Rejected as why:
            rejected.append(Rejection(index, str(why)))
    return Posts(tuple(mentions), tuple(rejected))


class _Rejected(Exception):
    """One post cannot be taken."""


class _Broken:
    """A line that is not JSON."""

    def __init__(self, says: str) -> None:
        self.says = says


def _values(text: str) -> list[Any]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # one whole value, then more: JSON Lines
            return _lines(text)
        raise Unreadable(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except (ValueError, RecursionError):
        raise Unreadable(
            "the body is not JSON that can be read: it is nested too deep or holds an endless number"
        ) from None
    if isinstance(value, dict):
        return [value]
    if isinstance(value, list):
        return value
    raise Unreadable("the body must be a post (a JSON object), a list of posts, or one post a line")


def _lines(text: str) -> list[Any]:
    values: list[Any] = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        try:
            values.append(json.loads(line))
        except (ValueError, RecursionError):
            values.append(_Broken("this line is not JSON"))
    return values


def _mention(value: Any, now: datetime) -> Mention:
    """The post. Raises ``_Rejected`` with the reason."""
    fields = _fields(value)
    try:
        mention = Mention.model_validate({"source": "webhook", **fields})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise _Rejected(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (OverflowError, ValueError):
        raise _Rejected("created_at is not a date that can be held") from None
    if mention.created_at > now + MAX_AHEAD:
        raise _Rejected(f"created_at lies in the future: {mention.created_at.isoformat()}")
    if mention.created_at < EARLIEST:
        raise _Rejected(f"created_at lies before {EARLIEST.year}: {mention.created_at.isoformat()}")
    return mention


def _fields(value: Any) -> dict[str, Any]:
    """The post's fields, known by name, storable and within their sizes."""
    if isinstance(value, _Broken):
        raise _Rejected(value.says)
    if not isinstance(value, dict):
        raise _Rejected("a post must be a JSON object")
    if unknown := [name for name in value if name not in _FIELDS]:
        raise _Rejected(f"unknown field {_short(unknown[0])!r}; a post has {', '.join(_FIELDS)}")
    if missing := [name for name in _NEEDED if value.get(name) in (None, "")]:
        raise _Rejected(f"{missing[0]} is missing")
    fields = {name: _storable(given) for name, given in value.items() if given is not None}
    if isinstance(fields["id"], int) and not isinstance(fields["id"], bool):
        fields["id"] = str(fields["id"])
    for name, given in fields.items():
        limit = MAX_TEXT if name == "text" else MAX_FIELD
        if isinstance(given, str) and len(given) > limit:
            raise _Rejected(f"{name} is longer than {limit:,} characters")
    return fields


def _storable(given: Any) -> Any:
    """Text without what no database can hold (NUL and half surrogate pairs), each marked by U+FFFD."""
    return _UNSTORABLE.sub("�", given) if isinstance(given, str) else given


def _short(name: str) -> str:
    return _storable(name if len(name) <= 40 else name[:39] + "…")  # type: ignore[no-any-return]

"""A Bluesky post record as a mention, whichever stream brought it. Lexicon: app.bsky.feed.post.

The id is the record's ``at://`` address, so that Jetstream and a server's own stream count a post once. A record's
``createdAt`` is its author's word: a post counts as written then or when the stream saw it, whichever is earlier
(https://docs.bsky.app/docs/advanced-guides/timestamps). The streams carry identifiers (DIDs), not handles.
"""

from datetime import datetime
from typing import Any

from crisis.watch import Mention
from integrations.posts import post

COLLECTION = "app.bsky.feed.post"
NETWORK = "bluesky"


def bluesky_mention(did: str, rkey: str, record: Any, seen_at: datetime) -> Mention | None:
    """The mention of a record; None when it is no post or has no text."""
    if not isinstance(record, dict) or record.get("$type", COLLECTION) != COLLECTION:
        return None
    languages = record.get("langs")
    return post(
        source=NETWORK,
        id=f"at://{did}/{COLLECTION}/{rkey}",
        text=record.get("text"),
        created_at=record.get("createdAt"),
        author=did,
        url=f"https://bsky.app/profile/{did}/post/{rkey}",
        language=languages[0] if isinstance(languages, list) and languages else "",
        in_reply_to=_address(record.get("reply"), "parent"),
        quotes=_quoted(record.get("embed")),
        now=seen_at,
    )


def _quoted(embed: Any) -> str:
    """The post that is embedded, alone or beside pictures (app.bsky.embed.record, .recordWithMedia)."""
    inner = embed.get("record") if isinstance(embed, dict) else None
    return _address({"it": inner}, "it") or _address(inner, "record")


def _address(holder: Any, name: str) -> str:
    inner = holder.get(name) if isinstance(holder, dict) else None
    address = inner.get("uri") if isinstance(inner, dict) else None
    return address if isinstance(address, str) else ""

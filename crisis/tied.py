"""Mentions that are tied to a statement: replies to our posts and quotes of them, as far as sources tell.

A source tells which post a mention answers or quotes in the platform's own ids (``Mention.in_reply_to``, ``.quotes``); a
receipt tells which posts a delivery became. Where both name the same, the mention is tied. Ids are compared within one
network only, addresses (``at://``, ``https://``) anywhere. What a source does not tell is not guessed at: no tie is no
evidence of silence.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from crisis.delivery import Delivery
from crisis.reading import Reading
from crisis.values import Frozen
from crisis.watch import Mention


class Tied(Frozen):
    """How people answered our posts of one statement."""

    replies: int = Field(default=0, ge=0)
    quotes: int = Field(default=0, ge=0)
    """Posts that quote; one that does both is a reply."""
    read: int = Field(default=0, ge=0)
    """Of all, those in a language that can be read."""
    negative: int = Field(default=0, ge=0)
    """Of those read."""

    @property
    def count(self) -> int:
        return self.replies + self.quotes

    @property
    def share(self) -> float:
        """Share of negative ones among those read; 0 when none was."""
        return self.negative / self.read if self.read else 0.0

    @property
    def says(self) -> str:
        """In one sentence."""
        if not self.count:
            return "no source has told of a reply to our posts or a quote of them"
        negative = f", {self.share:.0%} of the {self.read:,} that can be read negative" if self.read else ""
        return f"{_count(self.replies, 'reply', 'replies')} and {_count(self.quotes, 'quote', 'quotes')}{negative}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def posts_of(deliveries: Iterable[Delivery]) -> frozenset[tuple[str, str]]:
    """The posts that deliveries became, as (network, id); the network of an address is empty."""
    found: set[tuple[str, str]] = set()
    for delivery in deliveries:
        if delivery.receipt is None:
            continue
        receipt = delivery.receipt
        parts = receipt.raw.get("parts")
        named: list[Any] = [receipt.id, receipt.url, receipt.raw.get("uri"), receipt.raw.get("url")]
        named += parts if isinstance(parts, list) else []
        found |= {_key(delivery.rendering.target.kind, name) for name in named if isinstance(name, str) and name}
    return frozenset(found)


def answering(
    posts: frozenset[tuple[str, str]], mentions: Iterable[Mention], *, since: datetime, until: datetime
) -> tuple[tuple[Mention, ...], tuple[Mention, ...]]:
    """Replies to ``posts`` and quotes of them, written from ``since`` to ``until``; each mention once, in any order given."""
    replies: dict[tuple[str, str], Mention] = {}
    quotes: dict[tuple[str, str], Mention] = {}
    for mention in mentions:
        if since <= mention.created_at <= until:
            if mention.in_reply_to and _key(mention.source, mention.in_reply_to) in posts:
                replies[mention.source, mention.id] = mention
            elif mention.quotes and _key(mention.source, mention.quotes) in posts:
                quotes[mention.source, mention.id] = mention
    return tuple(replies.values()), tuple(m for key, m in quotes.items() if key not in replies)


def answers(posts: frozenset[tuple[str, str]], mention: Mention) -> bool:
    """Whether a mention answers or quotes one of ``posts``."""
    return any(name and _key(mention.source, name) in posts for name in (mention.in_reply_to, mention.quotes))


def count(replies: Sequence[Mention], quotes: Sequence[Mention], readings: Sequence[Reading]) -> Tied:
    """The figures of what ``answering`` found; ``readings`` of the replies, then of the quotes."""
    read = [reading for reading in readings if reading.supported]
    negative = sum(reading.hostile for reading in read)
    return Tied(replies=len(replies), quotes=len(quotes), read=len(read), negative=negative)


def _key(network: str, name: str) -> tuple[str, str]:
    return ("", name.rstrip("/")) if "://" in name else (network, name)

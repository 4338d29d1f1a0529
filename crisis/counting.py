"""How long a text is by each platform's own count, and how long it may be.

Platforms count differently: X weighs code points, Bluesky counts graphemes and caps bytes, Mastodon gives every URL 23
characters and every remote mention its local part, Slack and Discord count what is escaped, mail counts octets. How long a
post may be is class data of each integration (``Limits``); where a server is set up otherwise, it says so itself.
"""

import html
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache
from typing import Any

import regex  # type: ignore[import-untyped]
from pydantic import Field

from crisis.pictures import PictureLimits
from crisis.plain_markdown import plain_markdown
from crisis.statement import Rendering
from crisis.values import Frozen


class Unit(StrEnum):
    """What a platform counts."""

    CHARACTERS = "characters"
    GRAPHEMES = "graphemes"
    WEIGHTED = "weighted characters"
    """As X counts: https://docs.x.com/fundamentals/counting-characters."""
    FEDIVERSE = "graphemes, links as 23"
    """As Mastodon's StatusLengthValidator counts."""
    ESCAPED = "characters once escaped"
    """``& < >`` count as their character references, as Slack counts."""
    PLAIN_MARKDOWN = "characters once escaped for Markdown"
    """As ``crisis.plain_markdown`` writes a text for Discord."""
    UTF16 = "UTF-16 code units"
    EMOJI_BYTES = "characters, emoji as bytes"
    """As Threads counts: an emoji counts its UTF-8 bytes."""
    BYTES = "bytes"
    """Of UTF-8."""
    SEGMENTS = "SMS"
    """Text messages that it takes: GSM 03.38 where every character is in it, UCS-2 otherwise (3GPP TS 23.038)."""


class Limits(Frozen):
    """What one post on a platform may hold: class data of its integration."""

    length: int = Field(gt=0)
    """Longest part, in ``unit``."""
    unit: Unit = Unit.CHARACTERS
    octets: int | None = Field(default=None, gt=0)
    """A second cap on a part, in UTF-8 bytes."""
    threads: bool = False
    """A longer text may become a thread of parts."""
    pictures: PictureLimits | None = None
    """What a post takes of pictures; None where it is text only."""
    cards: bool = False
    """A link is shown as a card, unless there are pictures."""
    subject: int | None = Field(default=None, gt=0)
    """Longest title or subject in characters; None where the platform has none, and the headline opens the text."""
    html: bool = False
    """An HTML alternative goes with the text."""
    standing_page: bool = False
    """It keeps pages at one address, each put in the place of the one before."""
    status: bool = False
    """It shows a status and an impact beside the text."""
    source: str
    """The page that says so."""

    def fits(self, text: str) -> bool:
        """Whether one part may hold ``text``."""
        return measure(self.unit, text) <= self.length and (self.octets is None or len(text.encode()) <= self.octets)

    def problem(self, rendering: Rendering) -> str:
        """Why ``rendering`` does not fit, by the lengths that its parts carry; empty when it does."""
        if not rendering.parts:
            return "there is nothing to publish: the rendering has no parts"
        if len(rendering.parts) > 1 and not self.threads:
            return f"this channel has no threads, and the rendering has {len(rendering.parts)} parts"
        for number, part in enumerate(rendering.parts, 1):
            if self.octets and len(part.text.encode()) > self.octets:
                return f"part {number} is {len(part.text.encode())} bytes long, the limit is {self.octets}"
            limit = min(part.limit, self.length)
            if part.length > limit:
                return f"part {number} is {part.length} {self.unit} long, the limit is {limit}; shorten it"
        return self._picture_problem(rendering)

    def _picture_problem(self, rendering: Rendering) -> str:
        if self.pictures is None:
            return "this channel takes no pictures, and the rendering has some" if rendering.media else ""
        if rendering.reply_to:
            if not rendering.media:
                return ""
            if self.pictures.in_answers is not None and len(rendering.media) > self.pictures.in_answers:
                return f"an answer shows {self.pictures.in_answers} pictures here, not {len(rendering.media)}"
        for picture in rendering.media:
            if not picture.is_intact:
                return f"the bytes at hand are not those of the picture {picture.sha256[:12]}"
        return next((f"{p.says}: {p.fix}" for p in self.pictures.problems(rendering.media)), "")


MASTODON_URL_LENGTH = 23
"""``characters_reserved_per_url`` (https://docs.joinmastodon.org/entities/Instance/)."""

_EMOJI = regex.compile(r"(?=\p{Extended_Pictographic}|\p{Regional_Indicator})\X")
_REMOTE_MENTION = regex.compile(
    r"(?<![\w@/])(@[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)@[\p{L}\p{N}.\-]*[\p{L}\p{N}]"
)


def graphemes(text: str) -> list[str]:
    """The extended grapheme clusters of ``text`` (UAX #29): what a reader calls characters."""
    found: list[str] = regex.findall(r"\X", text)
    return found


def _count_weighted(text: str) -> int:
    from twitter_text import parse_tweet  # half a second to import, and few processes count for X

    return int(parse_tweet(text).weightedLength) if text else 0


def _count_graphemes(text: str) -> int:
    return len(graphemes(text))


def _count_fediverse(text: str) -> int:
    return _count_graphemes(_as_the_fediverse_counts(text))


def _as_the_fediverse_counts(text: str) -> str:
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


def _count_escaped(text: str) -> int:
    return len(html.escape(text, quote=False))


def _count_plain_markdown(text: str) -> int:
    return len(plain_markdown(text))


def _count_utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _count_emoji_bytes(text: str) -> int:
    return len(text) + sum(len(emoji.encode()) - len(emoji) for emoji in _EMOJI.findall(text))


def _count_segments(text: str) -> int:
    from smsutil import split

    return len(split(text).parts) if text else 0


def in_gsm_alphabet(text: str) -> bool:
    """Whether an SMS carries ``text`` in GSM 03.38 with its extension table: 160 characters a message, else 70."""
    from smsutil import is_valid_gsm

    return bool(is_valid_gsm(text))


_COUNTS: dict[Unit, Callable[[str], int]] = {
    Unit.CHARACTERS: len,
    Unit.GRAPHEMES: _count_graphemes,
    Unit.WEIGHTED: _count_weighted,
    Unit.FEDIVERSE: _count_fediverse,
    Unit.ESCAPED: _count_escaped,
    Unit.PLAIN_MARKDOWN: _count_plain_markdown,
    Unit.UTF16: _count_utf16,
    Unit.EMOJI_BYTES: _count_emoji_bytes,
    Unit.BYTES: _count_octets,
    Unit.SEGMENTS: _count_segments,
}


@lru_cache(maxsize=4096)
def measure(unit: Unit, text: str) -> int:
    """The length of ``text`` in ``unit``; an empty text has none.

    Weighted characters by twitter-text's count (Apache-2.0 conformance vectors, current configuration).
    """
    return _COUNTS[unit](text)


def refused_characters(unit: Unit, text: str) -> str:
    """The characters of ``text`` that a platform counting so refuses whatever the length, each once."""
    if unit is not Unit.WEIGHTED:
        return ""
    from twitter_text.has_invalid_characters import has_invalid_characters

    return "".join(dict.fromkeys(c for c in text if has_invalid_characters(c)))

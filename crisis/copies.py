"""Exact copies: posts that say the same once reposting marks, links, case and spacing are taken away.

A copy counts once as a text and is discounted as a voice, but never hidden. Two posts of a few words ("thank you",
"me too") are people agreeing, not copying: below ``LONG_ENOUGH`` a text is a copy only when it is marked as a repost.
Fingerprints are the same in every process and on every machine, so they may be stored.
"""

import re
import unicodedata
from hashlib import blake2b
from typing import NamedTuple

LONG_ENOUGH = 24
"""Characters of normalised text from which on two equal posts are taken for copies."""

_REPOST = re.compile(r"^\s*(?:rt|mt|repost)\s*:?\s*@[\w.\-]+:?\s*", re.IGNORECASE)
_QUOTED = re.compile(r"^\s*[\"“«]@[\w.\-]+:\s*(.*?)[\"”»]", re.DOTALL)
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_VIA = re.compile(r"\s+(?:via|by)\s+@[\w.\-]+\s*$", re.IGNORECASE)
_SPACE = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")


class Fingerprint(NamedTuple):
    """What a text is recognised by."""

    value: int
    """64 bits of the normalised text."""
    repost: bool
    """The text says itself that it repeats another."""
    long_enough: bool
    """An equal text of somebody else is a copy, not a coincidence."""


def normalise(text: str) -> str:
    """``text`` without reposting marks, links, case and superfluous space."""
    while (match := _REPOST.match(text)) is not None:
        text = text[match.end() :]
    text = text.lower()
    if "://" in text or "www." in text:
        text = _LINK.sub(" ", text)
    if " @" in text:
        text = _VIA.sub("", text)
    if text.isascii():
        return " ".join(text.split()).rstrip(".").rstrip()
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip().rstrip("….").strip()


def fingerprint(text: str) -> Fingerprint:
    """The fingerprint of ``text``: equal for exact copies, and practically never otherwise (64 bits)."""
    repost = _REPOST.match(text) is not None
    if not repost and text.lstrip()[:1] in ('"', "“", "«") and (quoted := _QUOTED.match(text)):
        rest = text[quoted.end() :]
        if not rest.strip():
            text, repost = quoted.group(1), True
    plain = normalise(text)
    return Fingerprint(key(plain), repost, len(plain) >= LONG_ENOUGH)


def key(text: str) -> int:
    """64 bits that stand for ``text``."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")

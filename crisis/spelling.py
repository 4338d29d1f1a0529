"""How a post is spelled before a model reads it: one form for handles, links, entities and emoji.

Training and reading use the same function, so a model never meets a spelling in use that it did not meet in training.
"""

import html
import re
import unicodedata
from functools import lru_cache

LONGEST = 1_000
"""Characters of a post that are read; what follows is not looked at."""

_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_HANDLE = re.compile(r"@\w[\w.\-]*")
_PICTURE = re.compile(r"[\u2600-\u27bf\U0001f000-\U0001faff]")


@lru_cache(maxsize=4096)
def _named(picture: str) -> str:
    return f" {unicodedata.name(picture, '').lower()} "


def tidy(text: str) -> str:
    """``text`` cut to ``LONGEST``, its links as ``http``, handles as ``@user``, entities resolved."""
    text = text[:LONGEST]
    if "&" in text:
        text = html.unescape(text)
    if "http" in text or "www." in text:
        text = _LINK.sub("http", text)
    if "@" in text:
        text = _HANDLE.sub("@user", text)
    return text


def spelled(text: str) -> str:
    """``tidy`` text with each emoji as its Unicode name: a word model knows words, not pictures."""
    text = tidy(text)
    if text.isascii():
        return text
    return _PICTURE.sub(lambda match: _named(match[0]), text)

"""How a post is spelled before a model reads it: one form for handles, links, entities and emoji.

Training and reading use the same function, so a model never meets a spelling in use that it did not meet in training.
"""

import re
import unicodedata
from functools import lru_cache

from crisis.entities import unescaped

LONGEST = 1_000
"""Characters of a post that are read; what follows is not looked at."""

_LINK = re.compile(r"[hHwW](?:(?<=[hH])[tT]{2}[pP][sSſ]?://|(?<=[wW])[wW]{2}\.)\S+")
"""In whatever case; beginning with a set of letters it is found several times as fast as with alternatives."""
_HANDLE = re.compile(r"@\w[\w.\-]*")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_HASHTAG = re.compile(r"#(?=\w)(\w*)")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[A-Z][a-z])")
_PICTURE = re.compile(r"[\u2600-\u27bf\U0001f000-\U0001faff]")


@lru_cache(maxsize=4096)
def _named(picture: str) -> str:
    return f" {unicodedata.name(picture, '').lower()} "


def _unescaped(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return match[0] if 0xD800 <= code < 0xE000 or code < 32 else chr(code)


def tidy(text: str) -> str:
    """``text`` cut to ``LONGEST``, its links as ``http``, handles as ``@user``, entities and ``\\u2019`` resolved."""
    text = text[:LONGEST]
    if "\\u" in text:
        text = _ESCAPE.sub(_unescaped, text)
    if "&" in text:
        text = unescaped(text)
    if ("://" in text and "http" in text) or "www." in text:
        text = _LINK.sub("http", text)
    if "@" in text:
        text = _HANDLE.sub("@user", text)
    return text


def spelled(text: str) -> str:
    """``tidy`` text for a model that knows words: emoji by their Unicode names, #CamelCase as its words."""
    text = tidy(text)
    if "#" in text:
        text = _HASHTAG.sub(lambda match: f"# {_HUMP.sub(' ', match[1])}", text)
    if text.isascii():
        return text
    return _PICTURE.sub(lambda match: _named(match[0]), text)

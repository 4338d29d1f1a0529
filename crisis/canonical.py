"""Canonical JSON (RFC 8785): what is hashed, signed and held against what is stored, at a speed that pages can afford.

The standard library writes the same bytes several times as fast as a writer in Python, but for floats that JavaScript
writes otherwise, integers beyond 2^53, and keys that UTF-16 sorts otherwise. Whatever could hold one of those is left to
``rfc8785``.
"""

import json
import re
from typing import Any

import rfc8785

_PLAINLY = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)
_OTHERWISE = re.compile(r"[\[,:]-?(?:[0-9]{16}|[0-9]+\.0(?![0-9])|[0-9.]+e)")
"""Numbers that may be written otherwise (Python's 1.0 is 1, its 1e-05 is 0.00001); in a text it costs time only. One
at the very beginning is found because a bracket is put before it."""
_BEYOND = re.compile("[\U00010000-\U0010ffff]")
"""Characters that UTF-16 sorts before some of those below them."""


def canonical(value: Any) -> bytes:
    """``value`` as RFC 8785 writes it: plain JSON of dicts with text as keys, lists, texts, numbers, bools and None.

    Raises:
        ValueError: it holds what cannot be written: an infinite number, an integer beyond 2^53, half a surrogate pair.
    """
    try:
        text = _PLAINLY.encode(value)
    except (TypeError, ValueError):
        return rfc8785.dumps(value)  # says what is wrong with it
    if _OTHERWISE.search(f"[{text}") or (not text.isascii() and _BEYOND.search(text) and _has_such_keys(value)):
        return rfc8785.dumps(value)
    return text.encode()


def _has_such_keys(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_BEYOND.search(key) or _has_such_keys(inner) for key, inner in value.items())
    return isinstance(value, list | tuple) and any(map(_has_such_keys, value))

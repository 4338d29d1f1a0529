"""What a text hides or disguises: invisible characters, letters of other scripts, markup, addresses spelled out, words of
other languages. For drafts of a writer that read strangers' posts: there is no honest use for any of it in them.
"""

from collections.abc import Iterator

import regex  # type: ignore[import-untyped]

from crisis.language import language

_HIDDEN = regex.compile(
    r"[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f"
    r"--[\n]]",
    regex.V1,
)
"""Characters without a sign of their own: controls, joiners, direction marks, fillers, tags, variation selectors."""
_DISGUISED = regex.compile(r"[\p{L}\p{M}--\p{Latin}\p{Inherited}]", regex.V1)
_LOOKALIKE = regex.compile(r"[\p{Nl}\p{No}\p{So}\p{Sk}\p{Mn}]|[\uff01-\uff5e]|[\U0001d400-\U0001d7ff]")
_MARKUP = regex.compile(r"[<>{}\[\]`|\\]|\]\(|\b(?:javascript|data|vbscript|file|mailto|tel)\s*:", regex.IGNORECASE)
_SPELLED_OUT = regex.compile(
    r"(?:\b|\()dot\)?\s+(?:com|org|net|io|co|info|xyz|shop|site|app)\b|\(at\)|\bat\s+\w+\s+dot\b|\bhxxps?\b",
    regex.IGNORECASE,
)
LEAST_WORDS = 4
"""A shorter sentence tells too little of its language."""


def smuggled(text: str, grounds: str) -> Iterator[str]:
    """What ``text`` hides or disguises and ``grounds`` do not hold, a sentence each."""
    if _HIDDEN.search(text):
        yield "it holds characters that cannot be seen"
    held = set(grounds)
    for pattern, says in (
        (_DISGUISED, "is a letter of another script"),
        (_LOOKALIKE, "stands for a letter, a number or a picture"),
        (_MARKUP, "is markup or the beginning of an address"),
    ):
        for found in dict.fromkeys(pattern.findall(text)):
            if not set(found) <= held:
                yield f"{found!r} {says}"
    for found in _SPELLED_OUT.findall(text):
        yield f"the address {found!r} is spelled out, and not in the brief"


def foreign(sentence: str) -> str:
    """The language of an English text's sentence that is not English; empty where it is, or tells too little."""
    words = regex.findall(r"\p{L}+", sentence)
    if len(words) < LEAST_WORDS:
        return ""
    found = language(" ".join(words))
    return "" if found in ("en", "") else found

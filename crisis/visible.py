"""Foreign text made safe to look at: nothing in it can hide, reorder or erase what stands around it.

Escaping for HTML is the template's work; this is about characters that no escaping touches. Control characters are
replaced by U+FFFD; characters that reorder or hide text (Unicode's bidirectional controls and zero-width ones; see
Unicode Technical Report 36 and CVE-2021-42574) are written out as ``[U+202E]``. Joiners inside emoji and scripts that
need them stay.
"""

import re

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_HIDING = re.compile("[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e001f]")


def visible(text: str) -> str:
    """``text`` with control characters replaced and reordering or hiding characters written out."""
    if text.isascii() and text.isprintable():
        return text  # as nearly all of it is
    text = _CONTROL.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text if text.isascii() else _HIDING.sub(lambda found: f"[U+{ord(found.group()):04X}]", text)


def web_address(text: str) -> str:
    """``text`` if it is an ``http`` or ``https`` address that may stand in a link, else nothing."""
    return text if re.fullmatch(r"https?://[^\s<>\"'`\\\x00-\x20]+", text, re.IGNORECASE) else ""

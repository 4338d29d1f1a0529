"""A text written so that a chat with Discord's Markdown shows it as it is, and its web addresses still lead somewhere.

Every mark outside an address is escaped with a backslash: emphasis, code, spoilers, masked links, mentions, headings,
quotes and lists at the start of a line, and names of emoji.
Marks: https://support.discord.com/hc/en-us/articles/210298617-Markdown-Text-101.
"""

import re

from crisis.links import links

_MARK = re.compile(
    r"[\\*_~`|\[<]"  # emphasis, code, spoilers, masked links, mentions of people, channels and times
    r"|:(?=[\w+-]*[A-Za-z][\w+-]*:)"  # :names: of emoji
    r"|(?<![^\n])(?P<before>[ \t]*)[#>+-]"  # headings, quotes, lists, small print
    r"|(?<![^\n])(?P<number>[ \t]*\d+)(?=[.)]\s)"
)
_IN_NO_ADDRESS = re.compile(r"[\\`|\[]")


def plain_markdown(text: str) -> str:
    """``text`` with a backslash before whatever Discord would take for a mark."""
    addresses = []
    for start, end in links(text):
        stray = _IN_NO_ADDRESS.search(text, start, end)
        addresses.append((start, stray.start() if stray else end))
    pieces, at = [], 0
    for mark in _MARK.finditer(text):
        if any(start <= mark.end() - 1 < end for start, end in addresses):
            continue
        behind = mark["number"] is not None
        place = mark.end() if behind else mark.end() - 1
        pieces += [text[at:place], "\\"]
        at = place
    return "".join([*pieces, text[at:]])

"""HTML's character references as the characters they stand for, whoever wrote them.

``html.unescape`` refuses a number of more than 4,300 digits with ``ValueError``; a post that holds one must stop nothing.
"""

import html
import re

_ENDLESS = re.compile(r"&#(?:[0-9]{20,}|[xX][0-9a-fA-F]{20,});?")
"""Far beyond Unicode's last character, unless it is zeros."""


def unescaped(text: str) -> str:
    """``text`` with its references resolved; a number that is no character is U+FFFD, as in a browser."""
    return html.unescape(_ENDLESS.sub("\ufffd", text)) if "&" in text else text

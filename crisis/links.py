"""Where the web addresses are in a text, as platforms mark them: without the punctuation of the sentence around them."""

import regex  # type: ignore[import-untyped]

_ADDRESS = regex.compile(r"https?://[^\s<>\"]+")
_BEHIND = ".,;:!?]'’”»"
"""What ends a sentence or a quotation, not an address."""


def links(text: str) -> list[tuple[int, int]]:
    """Start and end of every http and https address in ``text``, in order.

    A closing bracket belongs to the address when one opens in it, as in ``https://en.wikipedia.org/wiki/Recall_(product)``.
    """
    found = []
    for match in _ADDRESS.finditer(text):
        address = _bare(match[0])
        if not address.endswith("://"):
            found.append((match.start(), match.start() + len(address)))
    return found


def _bare(address: str) -> str:
    opened, closed, end = address.count("("), address.count(")"), len(address)
    while end:
        last = address[end - 1]
        if last == ")" and closed > opened:
            closed -= 1
        elif last not in _BEHIND or address[:end].endswith("://"):
            break
        end -= 1
    return address[:end]

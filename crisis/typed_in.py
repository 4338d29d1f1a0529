"""What people type in one line: a title, a claim, a reason. Stripped, never blank, and with nothing that moves a terminal.

Text that Fireline shows again and again, and puts into what it publishes, is refused here, once, whatever the way in.
"""

import re
from datetime import UTC, datetime, tzinfo

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

TITLE = 200
"""Characters of an incident's title."""
CLAIM = 2000
"""Characters of a fact."""


class NotOneLine(ValueError):
    """What was typed is blank, too long, or holds characters that cannot be shown; the message says which."""


def one_line(text: str, what: str, *, longest: int) -> str:
    """``text`` without the space around it.

    Args:
        text: as it was typed.
        what: what it is, as in "the title".
        longest: the most characters it may have.

    Raises:
        NotOneLine: it is blank, longer than that, or holds line breaks or control characters.
    """
    line = text.strip()
    if not line:
        raise NotOneLine(f"{what} is empty: write it in one line")
    if len(line) > longest:
        raise NotOneLine(f"{what} has {len(line):,} characters: shorten it to {longest:,}")
    if found := _CONTROL.search(line):
        says = f"{what} holds a line break or control character (U+{ord(found.group()):04X}, character"
        raise NotOneLine(f"{says} {found.start() + 1}): write it in one line of plain text")
    return line


def moment_of(text: str, *, zone: tzinfo | None = UTC) -> datetime | None:
    """A date, or a date and time, as ISO 8601 writes them, in UTC; None for what is none, or lies beyond the calendar.

    Args:
        zone: Where a text without a zone is from; None: such a text is not taken.
    """
    try:
        found = datetime.fromisoformat(text.strip())
        if found.tzinfo is None:
            return None if zone is None else found.replace(tzinfo=zone).astimezone(UTC)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None

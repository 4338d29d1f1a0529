"""A notice as a text message: short, because each segment is paid for and only the first is read at night.

Promises: a link is never cut. Where somebody is asked to take an incident on, the message is the subject and the one
link that shows the rest and takes a thumb; other notices carry as much of their text as two segments hold.
"""

from bisect import bisect_left

from crisis.counting import Unit, measure
from integrations.outcomes import Refused
from integrations.protocols import Message

SEGMENTS = 2
"""SMS that a notice may take; its text and, if need be, its subject are cut to that."""
MOST_SEGMENTS = 4
"""SMS that it may take when its link alone needs them."""


def short(message: Message) -> str:
    """A notice as a text message of at most ``SEGMENTS``, or of ``MOST_SEGMENTS`` where the link is that long.

    Raises:
        Refused: the link is longer still.
    """
    link = message.on_it or message.link
    tail = f"\n{link}" if link else ""
    said = message.subject if message.on_it else f"{message.subject}\n{message.words}".strip()
    for most in range(SEGMENTS, MOST_SEGMENTS + 1):
        if (cut := _fit(said, tail, most)) is not None:
            return cut
    raise Refused(f"the link alone takes more than {MOST_SEGMENTS} SMS; nothing was sent")


def _fit(said: str, tail: str, most: int) -> str | None:
    """As much of ``said`` as fits into ``most`` segments together with the whole ``tail``; none when too little does."""

    def cut(characters: int) -> str:
        return said + tail if characters >= len(said) else said[:characters].rstrip() + "..." + tail

    lengths = range(len(said) + 1)
    over = bisect_left(lengths, True, key=lambda n: measure(Unit.SEGMENTS, cut(n)) > most)
    fitting = over - 1
    enough = min(len(said), 20)
    return cut(fitting) if fitting >= enough else None

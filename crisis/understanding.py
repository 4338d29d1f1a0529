"""What Fireline understands of one post: its reading, the cause it speaks of, and the post it copies.

A cause is named only for hostile posts that can be read; for all else it is ``unknown``, as it is where two causes are
alike. Posts are understood in batches, in order, and a post can only be a copy of one that came before.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from crisis.copies import fingerprint
from crisis.doctrine import cause_of
from crisis.reading import Choice, Reading, read_many
from crisis.values import CrisisType

UNDETERMINED = "und"
"""ISO 639-2's code for a language that cannot be told."""

Name = str | int


class Post(NamedTuple):
    """A post to be understood."""

    id: Name
    text: str


class Understanding(NamedTuple):
    """What is understood of a post."""

    id: Name
    reading: Reading
    type: CrisisType
    copy_of: Name | None
    """The earlier post with the same words."""


class Copies:
    """The latest ``most`` different texts; memory is bounded, so copies of older ones are not told."""

    def __init__(self, most: int = 200_000) -> None:
        self._most = most
        self._seen: OrderedDict[int, Name] = OrderedDict()

    def add(self, name: Name, text: str) -> Name | None:
        """The first post known with the text of this one; None if there is none, and this is now it."""
        mark = fingerprint(text)
        if not (mark.long_enough or mark.repost):
            return None
        first = self._seen.get(mark.value)
        if first is not None:
            self._seen.move_to_end(mark.value)
            return first
        self._seen[mark.value] = name
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)
        return None


def understand(posts: Sequence[Post], copies: Copies, model: Choice = "small") -> list[Understanding]:
    """What ``posts`` say, in order; ``copies`` remembers the texts of earlier batches.

    Raises:
        crisis.small.NoModel: ``meaning`` is asked for and cannot be had.
    """
    readings = read_many([post.text for post in posts], model=model)
    return [
        Understanding(
            post.id,
            reading,
            cause_of(post.text) if reading.hostile else CrisisType.UNKNOWN,
            copies.add(post.id, post.text),
        )
        for post, reading in zip(posts, readings, strict=True)
    ]

"""What Fireline understands of one post: its reading, the cause it speaks of, and the post it copies.

A cause is named only for hostile posts that can be read; for all else it is ``unknown``, as it is where two causes are
alike. Posts are understood in batches, in order, and a post can only be a copy of one that came before.
"""

from collections.abc import Sequence
from typing import NamedTuple

from crisis.copies import CopyFinder, Name
from crisis.doctrine import cause_of
from crisis.reading import Choice, Reading, read_many
from crisis.values import CrisisType

UNDETERMINED = "und"
"""ISO 639-2's code for a language that cannot be told."""


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
    """The earlier post that it copies, word by word or nearly so."""


def understand(posts: Sequence[Post], copies: CopyFinder, model: Choice = "small") -> list[Understanding]:
    """What ``posts`` say, in order; ``copies`` remembers the texts of earlier batches.

    Raises:
        crisis.small.NoModel: ``meaning`` is asked for and cannot be had.
    """
    readings = read_many([post.text for post in posts], model=model)
    first = copies.add_many([(post.id, post.text) for post in posts])
    return [
        Understanding(
            post.id,
            reading,
            cause_of(post.text) if reading.hostile else CrisisType.UNKNOWN,
            copied,
        )
        for post, reading, copied in zip(posts, readings, first, strict=True)
    ]

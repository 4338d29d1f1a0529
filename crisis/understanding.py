"""What Fireline understands of one post: its reading, the cause it speaks of, and the post it copies.

A cause is named only for hostile posts that can be read; for all else it is ``unknown``, as it is where two causes are
alike. Posts are understood in batches, in order, and a post can only be a copy of one that came before.

What detection and triage need of a mention is found once (``understood``) and handed on with it.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from crisis.copies import CopyFinder, Fingerprint, Name, Originals, key
from crisis.doctrine import cause_of
from crisis.reading import Choice, Reading, read_many
from crisis.values import CrisisType
from crisis.watch import Mention

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


class Understood(NamedTuple):
    """A mention, and what is known of it once it has been looked at."""

    mention: Mention
    reading: Reading
    mark: Fingerprint
    """Its own."""
    original: int
    """Value of the fingerprint of the text that it copies, word by word or nearly so; else of its own."""
    author: int
    """64 bits that stand for its author on its network, or for itself where nobody is named."""

    @property
    def may_copy(self) -> bool:
        """It says that it repeats another, or is long enough for equal words to be no coincidence."""
        return self.mark.repost or self.mark.long_enough

    @property
    def text(self) -> int:
        """What stands for its text: of two people who both say "thank you", neither copies the other."""
        return self.original if self.may_copy else self.original ^ self.author


def understood(
    posts: Sequence[Mention | Understood],
    originals: Originals | None = None,
    reader: Callable[[str, str], Reading] | None = None,
) -> list[Understood]:
    """``posts`` in order, read and compared together; those that are understood already stay as they are.

    Args:
        originals: texts of earlier posts, and from now on of these; without, copies are looked for among these alone.
        reader: how one text is read, given the language its source states; as a rule ``crisis.reading`` reads all at once.
    """
    new = [post for post in posts if isinstance(post, Mention)]
    texts, hints = [post.text for post in new], [post.language for post in new]
    finder = Originals(max(2, 2 * len(new))) if originals is None else originals
    readings = read_many(texts, hints) if reader is None else map(reader, texts, hints)
    looked = zip(new, readings, finder.fingerprints(texts), strict=True)
    made = (Understood(post, reading, *marks, author_key(post)) for post, reading, marks in looked)
    return [next(made) if isinstance(post, Mention) else post for post in posts]


def author_key(mention: Mention) -> int:
    """64 bits that stand for the author of a mention; for the mention itself where nobody is named."""
    return key(f"{mention.source}/{mention.author or mention.id}")

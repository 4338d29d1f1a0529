"""Which authors a watch has heard before: the share of new voices tells a storm that reaches beyond the regulars.

Only what was said while nothing was wrong makes a regular: the listener lets it meet posts when they are too old to
belong to an episode that opens, and none while one lasts. It holds the last ``MOST`` authors, by a hash of their name on
their network, and is silent until it knows ``FEWEST``.
"""

import base64
from collections.abc import Iterable

import numpy as np

from crisis.understanding import author_key
from crisis.values import Share
from crisis.watch import Mention

MOST = 4_096
"""Authors remembered, those seen last."""
FEWEST = 50
"""Authors known below which everybody would be new, which tells nothing."""


class Acquaintance:
    """The authors that one watch knows."""

    def __init__(self) -> None:
        self._known: dict[int, None] = {}

    def meet(self, mention: Mention) -> None:
        """Remember the author of a post of ordinary times."""
        author = _author(mention)
        self._known.pop(author, None)
        self._known[author] = None
        if len(self._known) > MOST:
            del self._known[next(iter(self._known))]

    def novelty(self, mentions: Iterable[Mention]) -> Share | None:
        """Share of the authors of ``mentions`` that were not heard before; None while too few are known."""
        authors = {_author(mention) for mention in mentions}
        if len(self._known) < FEWEST or not authors:
            return None
        return len(authors - self._known.keys()) / len(authors)

    def dump(self) -> str:
        """Everything, as text."""
        return base64.b64encode(np.fromiter(self._known, np.uint32, len(self._known)).tobytes()).decode()

    @classmethod
    def load(cls, state: str) -> "Acquaintance":
        """What ``dump`` described."""
        new = cls()
        new._known = dict.fromkeys(np.frombuffer(base64.b64decode(state), np.uint32).tolist())
        return new


def _author(mention: Mention) -> int:
    return author_key(mention) & 0xFFFFFFFF

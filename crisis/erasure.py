"""Erasing what is known of one person: whose words and addresses are looked for, and what is done where they are found.

A request is about one author of public posts, or one recipient of mailings. Everything that is theirs is erased, but
for what a legal hold keeps (until it is released) and what the organisation itself published or is bound to keep, which
the report names with the reason. Hashes stay, so that an erased post does not come back and an erased address stays
unwritten to. Pure.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from pydantic import Field

from crisis.personal import ERASED
from crisis.values import Frozen, UtcDatetime
from crisis.watch import Mention

SHORTEST = 12
"""Characters from which on a piece of somebody's post is taken for theirs, wherever it is found."""
WORDLIKE = 4
"""Characters from which on a name is looked for without ``@`` before it."""


class ErasureState(StrEnum):
    """How far a request has come."""

    OPEN = "open"
    """Being carried out; ``fireline sweep`` goes on with it after a crash."""
    HELD = "held"
    """Carried out but for what a legal hold keeps; it goes on when the hold is released."""
    DONE = "done"


class Found(Frozen):
    """What was found of somebody in one place."""

    where: str
    """For people: ``posts``, ``ledger``, ``assessments`` ..."""
    incident: str = ""
    count: int = Field(ge=1)
    kept: str = ""
    """Why it is not erased; empty: it is."""


class Erasure(Frozen):
    """One request to erase what is known of somebody."""

    id: str
    author: str = ""
    """Handle, as the network shows it. Empty once the request is done."""
    recipient: str = ""
    """E-mail address, likewise."""
    mark: str
    """A keyed hash of the handle or address: whether a person asked before can be told, who it was cannot."""
    by: str
    reason: str
    asked_at: UtcDatetime
    state: ErasureState = ErasureState.OPEN
    found: tuple[Found, ...] = ()
    texts: tuple[str, ...] = ()
    """What they wrote, as long as the request is not done: quotes of posts that are gone already are found by it."""
    documents: tuple[str, ...] = ()
    """Incidents whose stored documents are still to be written anew."""

    @property
    def done(self) -> "Erasure":
        """The request as it is kept once nothing is left to do: without saying about whom it was."""
        gone = {"author": "", "recipient": "", "texts": (), "documents": (), "reason": ERASED}
        return self.model_copy(update={**gone, "state": ErasureState.DONE})


def handle(name: str) -> str:
    """A handle as it is compared: without ``@``, whatever the letter case."""
    return name.strip().lstrip("@").casefold()


class Matcher:
    """Finds what is somebody's in any text or JSON value.

    ``names``: handles or addresses; ``texts``: what they wrote; ``everything``: all personal values are meant.
    """

    def __init__(self, names: Iterable[str] = (), texts: Iterable[str] = (), *, everything: bool = False) -> None:
        self.everything = everything
        self._names = frozenset(filter(None, map(handle, names)))
        long = sorted(re.escape(n) for n in self._names if len(n) >= WORDLIKE)
        every = sorted(re.escape(n) for n in self._names)
        either = [rf"@(?:{'|'.join(every)})(?![\w\-])"] if every else []
        either += [rf"(?<![\w.\-])(?:{'|'.join(long)})(?![\w\-])"] if long else []
        self._named = re.compile("|".join(either), re.IGNORECASE) if either else None
        self._texts = [t for t in (_plain(text) for text in texts) if t]

    @property
    def wrote(self) -> tuple[str, ...]:
        """The texts, as they are compared; they may be given again as ``texts``."""
        return tuple(self._texts)

    def author(self, mention: Mention) -> bool:
        """Whether they wrote a post."""
        return self.name(mention.author)

    def name(self, author: str) -> bool:
        """Whether a handle is theirs."""
        return handle(author) in self._names

    def names(self, value: str) -> bool:
        """Whether a text names them."""
        return self._named is not None and self._named.search(value.casefold()) is not None

    def text(self, value: str) -> bool:
        """Whether a text names them, is a piece of what they wrote, or quotes it."""
        if self.names(value):
            return True
        plain = _plain(value)
        if not plain:
            return False
        return any(plain == t or _piece(plain, t) or _piece(t, plain) for t in self._texts)

    def erased(self, value: Any) -> tuple[Any, int]:
        """A JSON value with every text that is theirs replaced, and how many were."""
        if isinstance(value, str):
            return (ERASED, 1) if value != ERASED and self.text(value) else (value, 0)
        if isinstance(value, dict):
            inner = {name: self.erased(v) for name, v in value.items()}
            return {name: v for name, (v, _) in inner.items()}, sum(n for _, n in inner.values())
        if isinstance(value, list):
            items = [self.erased(v) for v in value]
            return [v for v, _ in items], sum(n for _, n in items)
        return value, 0


def _piece(part: str, whole: str) -> bool:
    return len(part) >= SHORTEST and part in whole


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(" …")


def is_blotted(mention: Mention) -> bool:
    """Whether a post was erased: nobody is quoted, listed or answered by what is left of it."""
    return mention.id.startswith("erased-")


def blotted(mention: Mention, mark: str) -> Mention:
    """What is left of a post: when and where it was, and its numbers; ``mark`` stands for its id and its author."""
    kept = mention.model_dump(include={"created_at", "source", "language", "reposts", "replies", "followers"})
    return Mention(id=f"erased-{mark[:24]}", text=ERASED, author=f"erased-{mark[24:36]}", **kept)

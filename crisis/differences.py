"""What changed between two versions of a text, word by word, as a person marks up a printed page.

Promises: the runs that are not new, put together, are the old text; those that are not gone, the new one; whitespace
between two changed words counts as changed with them, so that a rewritten sentence is one change and not ten.
"""

from difflib import SequenceMatcher
from enum import StrEnum

import regex  # type: ignore[import-untyped]

from crisis.values import Frozen

MOST_WORDS = 400
"""Above this many words in either text, lines are compared instead: comparing words takes the square of their number."""

_TOKENS = regex.compile(r"\s+|https?://\S+|[\p{L}\p{M}\p{N}'’_-]+|\X")
_LINES = regex.compile(r"[^\n]*\n|[^\n]+")


class Change(StrEnum):
    """What became of a run of text."""

    SAME = "same"
    GONE = "gone"
    NEW = "new"


class Run(Frozen):
    """A stretch of text with one fate."""

    change: Change
    text: str


def differences(before: str, after: str) -> tuple[Run, ...]:
    """The runs that lead from ``before`` to ``after``, in reading order; what is gone stands before what replaces it."""
    pattern = _TOKENS if max(len(before.split()), len(after.split())) <= MOST_WORDS else _LINES
    old, new = pattern.findall(before), pattern.findall(after)
    runs: list[Run] = []
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            runs.append(Run(change=Change.SAME, text="".join(old[a:b])))
            continue
        runs += [Run(change=Change.GONE, text="".join(old[a:b]))] if b > a else []
        runs += [Run(change=Change.NEW, text="".join(new[c:d]))] if d > c else []
    return tuple(_joined(runs))


def _joined(runs: list[Run]) -> list[Run]:
    """Changes with nothing but whitespace between them as one change."""
    joined: list[Run] = []
    gone = new = ""
    for n, run in enumerate(runs):
        last = n + 1 == len(runs)
        if run.change is Change.GONE:
            gone += run.text
        elif run.change is Change.NEW:
            new += run.text
        elif gone and new and not last and run.text.isspace() and "\n" not in run.text:
            gone, new = gone + run.text, new + run.text
        else:
            joined += [*_changed(gone, new), run]
            gone = new = ""
    return [*joined, *_changed(gone, new)]


def _changed(gone: str, new: str) -> list[Run]:
    both = ((Change.GONE, gone), (Change.NEW, new))
    return [Run(change=change, text=text) for change, text in both if text]

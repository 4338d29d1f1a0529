"""Lint in the margin: the words with what was found marked in them, and the notes beside, numbered alike.

Offsets of findings are those of the text as lint reads it (headline, blank line, body); browsers count in UTF-16 units
of one field, so each note says where it is in those, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from crisis.finding import Finding
from crisis.mending import Mend
from tasks.compose import Found, Typed

LONGEST_QUOTE = 90
"""Characters of a note's quotation."""


@dataclass(frozen=True)
class Note:
    """A finding as the margin shows it."""

    number: int
    finding: Finding
    mend: Mend | None
    quote: str
    """The words that it is about; empty when something is missing."""
    field: str
    """The editor's field that it is in: ``headline`` or ``body``."""
    start: int
    end: int
    """Where, in UTF-16 units of that field."""

    @property
    def key(self) -> str:
        """What a form names it by."""
        return f"{self.finding.rule}:{self.finding.start}"


@dataclass(frozen=True)
class Stretch:
    """A piece of the text, and the notes that are about it."""

    text: str
    numbers: tuple[int, ...] = ()
    first: tuple[int, ...] = ()
    """Notes that begin here."""
    blocks: bool = False


def notes(typed: Typed, found: Sequence[Found]) -> tuple[Note, ...]:
    """A note for each finding, in the order given."""
    return tuple(_note(typed, n, f) for n, f in enumerate(found, 1))


def _note(typed: Typed, number: int, found: Found) -> Note:
    finding, text = found.finding, typed.text
    body_at = len(typed.headline) + 2
    in_headline = finding.start < body_at and finding.end <= body_at
    field, base = ("headline", 0) if in_headline else ("body", body_at)
    start, end = max(base, finding.start), max(base, finding.end)
    quote = " ".join(text[finding.start : finding.end].split())
    whole = finding.end - finding.start >= len(text)
    return Note(
        number,
        finding,
        found.mend,
        "" if whole else quote if len(quote) <= LONGEST_QUOTE else f"{quote[:LONGEST_QUOTE].rstrip()} …",
        field,
        _utf16(text[base:start]),
        _utf16(text[base:end]),
    )


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def marked(typed: Typed, found: Sequence[Found]) -> tuple[Stretch, ...]:
    """The text in stretches, each with the notes that are about it; what is about the whole text marks nothing."""
    text = typed.text
    spans = [
        (n, f.finding)
        for n, f in enumerate(found, 1)
        if f.finding.start < f.finding.end and f.finding.end - f.finding.start < len(text)
    ]
    cuts = sorted({0, len(text), *(at for _, f in spans for at in (f.start, f.end) if at <= len(text))})
    stretches = []
    for start, end in pairwise(cuts):
        about = [(n, f) for n, f in spans if f.start <= start and end <= f.end]
        stretches.append(
            Stretch(
                text[start:end],
                tuple(n for n, _ in about),
                tuple(n for n, f in about if f.start == start),
                any(f.level == "block" for _, f in about),
            )
        )
    return tuple(stretches)

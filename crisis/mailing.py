"""A mailing: one text to many recipients, each with a state of its own, and the list that was approved for it.

The state of a recipient is stored before the mail is sent, as for any delivery (DESIGN §7). A list is the same list
whatever the order or letter case of its lines; its hash goes into the rendering that approvers approve.
"""

import csv
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from crisis.visible import visible

MAX_BAD = 20
"""Bad lines of a list that are kept by number and cause; the rest are counted."""
LARGEST_LIST = 256 * 1024 * 1024
"""Bytes of a file that may be a list of recipients."""
_HEADINGS = frozenset({"email", "e-mail", "mail", "address", "email address", "e-mail address", "email_address"})
_PLAIN = re.compile(r"[A-Za-z0-9!#$%&*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&*+/=?^_`{|}~-]+)*@(?:[a-z0-9-]+\.)+[a-z]{2,}")
"""What most addresses look like; everything else is looked at more closely."""

RECIPIENTS = "recipients"
"""Option of a rendering for a mailing: how many recipients its list has."""
LIST_HASH = "recipients_sha256"
"""Option of such a rendering: the hash of the list that is approved with it."""
LIST_OF = "recipients_of"
"""Option of a correction's rendering: the mailings (delivery ids) whose readers are its recipients."""
NO_LIST = "recipients_problem"
"""Option of a rendering whose list could not be read when it was written: it will not be mailed."""


class RecipientState(StrEnum):
    """Where one recipient of a mailing stands."""

    PENDING = "pending"
    ARMED = "armed"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


R = RecipientState
STEPS: dict[RecipientState, dict[RecipientState, str]] = {
    R.PENDING: {
        R.ARMED: "a sender takes the batch it is in",
        R.SUPPRESSED: "the address is on the suppression list, or has left this list",
        R.REFUSED: "the statement was withdrawn before it was sent",
    },
    R.ARMED: {
        R.ACCEPTED: "the mail server took the message",
        R.REFUSED: "the mail server said no for good",
        R.PENDING: "nothing was sent to it, or the server said to come back later",
        R.UNKNOWN: "the message was on its way, and no clear answer came",
    },
    R.UNKNOWN: {
        R.ACCEPTED: "the answer came late, or a human saw it there",
        R.PENDING: "a human said to send again",
        R.BOUNCED: "it came back, so it had gone out",
        R.COMPLAINED: "its reader complained, so it was there",
    },
    R.ACCEPTED: {R.BOUNCED: "a later mail server gave it back", R.COMPLAINED: "its reader called it spam"},
    R.BOUNCED: {R.COMPLAINED: "another mail server had taken it"},
    R.REFUSED: {},
    R.SUPPRESSED: {},
    R.COMPLAINED: {},
}
REACHED = frozenset({R.ACCEPTED, R.UNKNOWN, R.COMPLAINED})
"""Has, or may have, the text: a correction goes to them."""
OPEN = frozenset({R.PENDING, R.ARMED})
"""Something is still to be sent."""


class IllegalRecipientStep(ValueError):
    """A recipient was asked to make a step that its state does not allow."""


def check_step(state: RecipientState, to: RecipientState) -> None:
    """Raise ``IllegalRecipientStep`` unless ``to`` may follow ``state``."""
    if to not in STEPS[state]:
        ways = "; ".join(f"{s} when {why}" for s, why in STEPS[state].items()) or "it is final"
        raise IllegalRecipientStep(f"a recipient that is {state} cannot become {to} ({ways})")


def may_become(to: RecipientState) -> tuple[RecipientState, ...]:
    """The states from which a recipient may become ``to``."""
    return tuple(state for state, ways in STEPS.items() if to in ways)


class BadLine(NamedTuple):
    """A line of a list that holds no address."""

    line: int
    says: str


class RecipientList(NamedTuple):
    """Who a mailing goes to: every address once, in the order of the list."""

    addresses: tuple[str, ...]
    sha256: str
    """Over the folded addresses in alphabetical order."""
    folded: int = 0
    """Lines that repeat an address."""
    bad: tuple[BadLine, ...] = ()
    """The first of the lines that hold no address."""
    bad_count: int = 0

    @property
    def says(self) -> str:
        """The list in one line."""
        parts = [f"{len(self.addresses):,} recipients"]
        parts += [f"{self.folded:,} repeated"] if self.folded else []
        if self.bad_count:
            named = "; ".join(f"line {b.line}: {b.says}" for b in self.bad[:5])
            more = f" and {self.bad_count - 5:,} more" if self.bad_count > 5 else ""
            parts.append(f"{self.bad_count:,} lines without an address ({named}{more})")
        return ", ".join(parts)


class NoList(ValueError):
    """It cannot be read as a list of recipients; the message says why."""


def folded(address: str) -> str:
    """What two spellings of one address have in common."""
    return address.strip().casefold()


def fingerprint(address: str) -> str:
    """The hash by which an address is known after it was erased: SHA-256 of its folded form, hexadecimal."""
    return hashlib.sha256(folded(address).encode("utf-8", "replace")).hexdigest()


def recipient_list(entries: Iterable[tuple[int, str]], parse: Callable[[str], str]) -> RecipientList:
    """The list of ``entries`` (line number and what stands there); ``parse`` gives an address or raises ValueError."""
    known: dict[str, str] = {}
    repeated, bad, bad_count = 0, list[BadLine](), 0
    for line, entry in entries:
        text = entry.strip()
        try:
            address = text if len(text) <= 254 and text.find("@") <= 64 and _PLAIN.fullmatch(text) else parse(text)
        except ValueError as error:
            bad_count += 1
            if len(bad) < MAX_BAD:
                bad.append(BadLine(line, str(error)))
            continue
        if known.setdefault(address.casefold(), address) is not address:
            repeated += 1
    return RecipientList(tuple(known.values()), list_hash(known), repeated, tuple(bad), bad_count)


def list_hash(addresses: Iterable[str]) -> str:
    """SHA-256 over the folded addresses, each once, in alphabetical order and a line each; hexadecimal."""
    return hashlib.sha256("\n".join(sorted({folded(a) for a in addresses})).encode("utf-8", "replace")).hexdigest()


def read_list(content: bytes, parse: Callable[[str], str]) -> RecipientList:
    """A file of one address a line, or a CSV (comma, semicolon or tab) with a column called ``email``.

    Empty lines and lines that begin with ``#`` are passed over.

    Raises:
        NoList: it is not UTF-8, too large, or holds no address.
    """
    if len(content) > LARGEST_LIST:
        raise NoList(f"it is larger than {LARGEST_LIST // 1024 // 1024} MiB: split the list over several channels")
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise NoList(f"byte {error.start} is not UTF-8: save the file as UTF-8") from None
    found = recipient_list(_entries(lines), parse)
    if not found.addresses:
        raise NoList(f"it holds no address ({found.says}): write one a line, or a CSV with a column email")
    return found


def _entries(lines: list[str]) -> Iterable[tuple[int, str]]:
    held = [(n, line) for n, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")]
    first = held[0][1] if held else ""
    separator = next((s for s in "\t;," if s in first), "")
    headings = [h.strip().strip('"').casefold() for h in (first.split(separator) if separator else [first])]
    column = next((n for n, heading in enumerate(headings) if heading in _HEADINGS), None)
    if column is None and not separator:
        return held
    rows = held if column is None else held[1:]
    return ((n, _cell(line, separator or ",", column or 0)) for n, line in rows)


def _cell(line: str, separator: str, column: int) -> str:
    try:
        cells = next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return line
    return cells[column] if column < len(cells) else ""


def of_counts(counts: Mapping[RecipientState, int]) -> str:
    """Where a mailing stands, in words: ``41,233 of 100,000 accepted, 1 unknown, 58,766 pending``."""
    total = sum(counts.values())
    rest = ", ".join(f"{n:,} {state}" for state, n in counts.items() if n and state is not R.ACCEPTED)
    return f"{counts.get(R.ACCEPTED, 0):,} of {total:,} accepted" + (f", {rest}" if rest else "")


def shown(address: str) -> str:
    """An address as it may be shown; an erased one says so."""
    return visible(address) if address else "(erased)"


def spans(positions: Iterable[int]) -> str:
    """Positions on a list, shortly: ``0-41,43``."""
    found: list[list[int]] = []
    for position in sorted(set(positions)):
        if found and position == found[-1][1] + 1:
            found[-1][1] = position
        else:
            found.append([position, position])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


def in_spans(text: str) -> Iterator[int]:
    """The positions that ``spans`` wrote.

    Raises:
        ValueError: it wrote no such thing.
    """
    for span in filter(None, text.split(",")):
        first, _, last = span.partition("-")
        yield from range(int(first), int(last or first) + 1)


def marks_hash(marks: Iterable[str]) -> str:
    """SHA-256 over the fingerprints of a list in its order, a line each; hexadecimal."""
    return hashlib.sha256("\n".join(marks).encode("ascii", "replace")).hexdigest()

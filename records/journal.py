"""The sender's journal of one mailing: which recipients of an armed batch it has begun with, and what came of each.

A line is written before a message goes out and one after its answer, straight to the operating system and without
waiting for the disk, so that they cost microseconds. A killed process loses none of them: whoever takes up the mailing
knows that recipients without a line were not written to, and that at most the one in flight on each connection is
unknown. After a crash of the machine itself the last lines may be lost; the journal notices (another boot) and vouches
for nobody whom it does not name.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from crisis.mailing import RecipientState

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_STATES = frozenset(state.value for state in RecipientState)


def boot_id() -> str:
    """What this run of the machine is called; empty where it cannot be told."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return ""


@dataclass(frozen=True)
class Journal:
    """What a journal tells."""

    going: frozenset[int]
    """Recipients a message was begun for."""
    came: dict[int, RecipientState]
    """What came of those that were answered."""
    whole: bool
    """No line can be missing, so that whoever it does not name was not written to."""

    def fate(self, position: int) -> RecipientState:
        """Where an armed recipient stands, now that the sender has vanished."""
        if position in self.came:
            return self.came[position]
        return RecipientState.PENDING if self.whole and position not in self.going else RecipientState.UNKNOWN


NOTHING = Journal(frozenset(), {}, whole=False)
"""The journal of a sender that was on another machine, or left none."""


def read_journal(file: Path) -> Journal:
    """The journal that a vanished sender has left in ``file``."""
    try:
        first, *lines = file.read_text(encoding="ascii", errors="replace").split("\n")
    except FileNotFoundError:
        return NOTHING
    going, came = set[int](), dict[int, RecipientState]()
    for line in lines:
        mark, (position, _, state) = line[:1], line[1:].partition(" ")
        if not position.isdecimal():
            continue
        if mark == ">":
            going.add(int(position))
            came.pop(int(position), None)
        elif mark == "<" and state in _STATES:
            came[int(position)] = RecipientState(state)
    return Journal(frozenset(going), came, whole=bool(boot_id()) and first == f"boot {boot_id()}")


class JournalWriter:
    """Writes the journal of one attempt; use it from one thread."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = file
        self._handle = os.open(file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND, 0o600)
        self._write(f"boot {boot_id()}\n")
        os.fsync(self._handle)

    def going(self, position: int) -> None:
        """A message to this recipient is about to go out."""
        self._write(f">{position}\n")

    def came(self, position: int, state: RecipientState) -> None:
        """What came of it."""
        self._write(f"<{position} {state.value}\n")

    def done(self) -> None:
        """Everything it tells is settled: forget it."""
        os.close(self._handle)
        self._file.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave it for whoever takes the mailing up."""
        os.close(self._handle)

    def _write(self, line: str) -> None:
        data = line.encode("ascii")
        if os.write(self._handle, data) != len(data):
            raise OSError(f"{self._file}: the journal could not be written; is the disk full?")

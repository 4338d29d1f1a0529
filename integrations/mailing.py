"""What a kind of channel needs besides to send mailings: who gets them, and lines on which one mail goes to each.

A line is one connection (SMTP) or one call at a time (SES). What it says of a message is final for that recipient;
an exception means that nothing was sent to it, and says what is wrong with the whole.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

from crisis.mailing import NoList, RecipientList, RecipientState, read_list, recipient_list
from crisis.statement import Rendering
from integrations import mail
from integrations.outcomes import Misconfigured
from integrations.pacing import Pacer


class Letter(NamedTuple):
    """One recipient's mail."""

    position: int
    to: str
    leave: str = ""
    """The recipient's own https link for leaving the list by one click (RFC 8058)."""


class Sent(NamedTuple):
    """What came of one letter."""

    state: RecipientState
    """``accepted``, ``refused``, ``unknown``, or ``pending`` when the server said to come back later."""
    problem: str = ""
    bounced: bool = False
    """The address does not exist: write to it no more."""


class Line(Protocol):
    """One way on which letters go, one after the other."""

    @property
    def ready(self) -> bool:
        """It is open, as far as is known."""
        ...

    async def open(self) -> None:
        """Make it ready. Raises ``Unreachable``, ``RateLimited``, ``Refused`` or ``Misconfigured``."""
        ...

    async def send(self, letter: Letter) -> Sent:
        """Send one letter, once. Raises like ``open`` where nothing was sent, for a reason that is not the recipient's."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Mailing:
    """A text on its way to many."""

    id: str
    """What the receipt names: the message id that all of its mails refer to."""
    lines: tuple[Line, ...]
    pacer: Pacer
    most: int | None = None
    """How many letters may go now; None: any number."""
    until: datetime | None = None
    """When more may go."""


@runtime_checkable
class Mailer(Protocol):
    """A channel that can send mailings."""

    async def audience(self) -> RecipientList:
        """Who is on its list now. Raises ``Misconfigured`` where there is none, or as a read does."""
        ...

    async def mailing(self, rendering: Rendering, key: str) -> Mailing:
        """Get ready to send one text to many; nothing is sent yet. Raises like ``Publisher.publish``."""
        ...


class Audience:
    """The list that a letterhead's settings name, read again whenever its file has changed."""

    def __init__(self, head: mail.Letterhead) -> None:
        self._head = head
        self._seen: tuple[float, int] | None = None
        self._list: RecipientList | None = None

    @property
    def named(self) -> bool:
        """The settings name recipients."""
        return bool(self._head.recipients or self._head.recipients_file)

    async def read(self) -> RecipientList:
        """The list.

        Raises:
            Misconfigured: there is none, or its file cannot be read.
        """
        if not self._head.recipients_file:
            if not self._head.recipients:
                raise Misconfigured("nobody to write to: give the channel an address, recipients or recipients_file")
            return recipient_list(enumerate(self._head.recipients, 1), mail.mailbox)
        file = Path(self._head.recipients_file)
        try:
            seen = await asyncio.to_thread(_version, file)
            if self._list is None or seen != self._seen:
                content = await asyncio.to_thread(file.read_bytes)
                self._list, self._seen = await asyncio.to_thread(read_list, content, mail.mailbox), seen
        except (OSError, NoList) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            raise Misconfigured(f"recipients_file {file}: {why}") from None
        return self._list


def _version(file: Path) -> tuple[float, int]:
    told = file.stat()
    return told.st_mtime_ns / 1e9, told.st_size

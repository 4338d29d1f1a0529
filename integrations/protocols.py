"""The small protocols behind which the outside world lives: Source, Notifier, Publisher, Writer, Archive."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from crisis.brief import Brief, Draft
from crisis.counting import Limits
from crisis.coverage import SourceHealth
from crisis.delivery import DeliveryClass, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from crisis.values import Frozen, UtcDatetime
from crisis.watch import Mention
from integrations.outcomes import Refused


def hold_to(limits: Limits, rendering: Rendering) -> None:
    """Check that ``rendering`` fits.

    Raises:
        Refused: it does not; nothing was sent.
    """
    if problem := limits.problem(rendering):
        raise Refused(problem)


class Health(Frozen):
    """What ``check()`` found, for ``fireline check``."""

    ok: bool
    says: str
    """One line, no secrets: who we are there, which scopes, which limits; or what to mend."""


_OF_THE_INCIDENT = ("opened", "candidate", "reassessed", "resolved")


class Message(Frozen):
    """A notice to a stakeholder."""

    key: str
    """Operation key: the same notice sent again carries the same key."""
    subject: str
    text: str
    html: str = ""
    thread: str = ""
    """The incident id: messages of one incident form one thread."""
    link: str = ""
    """Where to act."""
    occasion: str = ""
    """What it is about: ``opened``, ``resolved``, ``approval/INC-7-S1/1`` ..."""
    severity: str = ""
    """The incident's, such as ``SEV1``."""

    @property
    def alert(self) -> str:
        """What a paging service keeps apart: the incident itself, or one thing to be done for it."""
        matter, _, _ = self.occasion.partition("/")
        return self.thread if matter in ("", *_OF_THE_INCIDENT) else f"{self.thread}/{self.occasion}"

    @property
    def over(self) -> bool:
        """Nobody needs to act any more: paging services close the alert."""
        return self.occasion == "resolved"

    @property
    def full_text(self) -> str:
        """The text, and the link below it unless it is there already."""
        return self.text if not self.link or self.link in self.text else f"{self.text}\n\n{self.link}"


@runtime_checkable
class Publisher(Protocol):
    """A configured outlet for statements."""

    kind: ClassVar[str]
    delivery_class: ClassVar[DeliveryClass]
    settings_model: ClassVar[type[Any]]
    """A plain pydantic model of the settings; its ``SecretStr`` fields are the credentials."""

    @property
    def limits(self) -> Limits: ...

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        """Publish once under ``key``. Raises ``Refused``, ``RateLimited``, ``Unknown`` or ``Misconfigured``."""
        ...

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        """Did it get there? ``None`` means certainly not. Raises ``Unknown`` when this cannot be told.

        Some platforms keep no key of ours; there ``rendering`` is what is looked for.
        """
        ...

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        """Change a published post in place. Raises ``Refused`` where the platform has no edits."""
        ...

    async def withdraw(self, receipt: Receipt) -> None:
        """Take a published post back; taking back twice is no error. Raises ``Refused`` where impossible."""
        ...

    async def check(self) -> Health:
        """Prove credentials and reach without publishing."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class Notifier(Protocol):
    """A way to tell stakeholders."""

    kind: ClassVar[str]
    delivery_class: ClassVar[DeliveryClass]
    settings_model: ClassVar[type[Any]]

    async def notify(self, message: Message, route: Route) -> Receipt:
        """Tell once. Raises like ``Publisher.publish``."""
        ...

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        """Like ``Publisher.find``; for a notice, ``rendering.target.address`` is the route's address."""
        ...

    async def check(self) -> Health: ...

    async def close(self) -> None: ...


class Sealed(Frozen):
    """A file in an archive, as it was read back."""

    place: str
    """Such as ``s3://bucket/folder/name``."""
    version: str
    sha256: str
    bytes: int
    mode: str
    retain_until: UtcDatetime
    legal_hold: bool
    already: bool
    """It was there before, the same byte for byte."""


class Archive(Protocol):
    """Where sealed evidence is kept so that nobody can change or remove it."""

    kind: ClassVar[str]
    settings_model: ClassVar[type[Any]]

    async def seal(self, name: str, file: Path, now: datetime) -> Sealed:
        """Store ``file`` under ``name`` and prove by reading it back that it is there and locked. Twice is once.

        Raises ``Refused``, ``RateLimited``, ``Unknown`` or ``Misconfigured``.
        """
        ...

    async def check(self) -> Health: ...

    async def close(self) -> None: ...


class Writer(Protocol):
    """Who drafts from a brief, a language model for instance. What it writes is checked, and approved like any draft."""

    kind: ClassVar[str]
    settings_model: ClassVar[type[Any]]

    async def write(self, brief: Brief, findings: tuple[str, ...] = ()) -> Draft:
        """A draft; ``findings`` say what was wrong with the one before.

        Raises:
            Refused: nothing that can be read as a draft came. RateLimited, Unknown, Misconfigured: as elsewhere.
        """
        ...

    async def check(self) -> Health: ...

    async def close(self) -> None: ...


class Source(Protocol):
    """Where mentions come from."""

    kind: ClassVar[str]
    live: ClassVar[bool]
    """Its posts are of the present: while it is silent, time passes. A recording's time stands still until its next post."""
    settings_model: ClassVar[type[Any]]

    @property
    def health(self) -> SourceHealth:
        """How it is right now; may be asked at any time."""
        ...

    def listen(self, cursor: str | None = None) -> AsyncIterator[tuple[str, Mention]]:
        """Mentions from after ``cursor`` on, each with the cursor that resumes behind it (at least once).

        Raises:
            Misconfigured: the settings, credentials or cursor are wrong; everything else is waited out inside.
        """
        ...

    async def check(self) -> Health: ...

    async def close(self) -> None: ...

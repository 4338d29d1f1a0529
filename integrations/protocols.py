"""The small protocols behind which the outside world lives: Source, Notifier, Publisher, Writer, Archive, Scheduler."""

import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Protocol, runtime_checkable

from crisis.brief import Brief, Draft
from crisis.counting import Limits
from crisis.coverage import SourceHealth
from crisis.delivery import DeliveryClass, Receipt
from crisis.events import Event
from crisis.freeze import ScheduledPost
from crisis.read_back import OnPlatform
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
    on_it: str = ""
    """A link by which the person who is told says that they are on it; empty when nobody is asked to."""
    decides: str = ""
    """What the person who is told is asked to decide on, as ``statement/version/content hash``; empty when nothing."""
    taken_by: str = ""
    """Who is on it. Such a message only shows that on the notice sent before, and asks nobody for anything."""
    earlier: Receipt | None = None
    """With ``taken_by``: the receipt of that notice."""

    @property
    def alert(self) -> str:
        """What a paging service keeps apart: the incident itself, or one thing to be done for it."""
        return self.thread if self.of_incident else f"{self.thread}/{self.occasion}"

    @property
    def of_incident(self) -> bool:
        """It is about the incident itself, not about one thing to be done for it."""
        return self.occasion.partition("/")[0] in ("", *_OF_THE_INCIDENT)

    @property
    def over(self) -> bool:
        """Nobody needs to act any more: paging services close the alert."""
        return self.occasion == "resolved"

    @property
    def words(self) -> str:
        """The text without the lines that hold its links, for where these are buttons."""
        links = [link for link in (self.link, self.on_it) if link]
        lines = [line for line in self.text.splitlines() if not any(link in line for link in links)]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

    @property
    def full_text(self) -> str:
        """The text, and below it the links that are not in it already."""
        if self.taken_by:
            return "\n\n".join(filter(None, (f"{self.taken_by} is on it.", self.words, self.link)))
        text = self.text
        if self.on_it and self.on_it not in text:
            text = f"{text}\n\nI am on it: {self.on_it}"
        return text if not self.link or self.link in text else f"{text}\n\n{self.link}"


class TakenOn(Frozen):
    """Somebody said in a paging service that they are on it."""

    alert: str
    """As ``Message.alert``."""
    email: str = ""
    name: str = ""
    """One of the two at least."""
    user: str = ""
    """Their id there, where their address can be asked for (``address_of``)."""


@runtime_checkable
class Publisher(Protocol):
    """A configured outlet for statements."""

    kind: ClassVar[str]
    delivery_class: ClassVar[DeliveryClass]
    settings_model: ClassVar[type[Any]]
    """A plain pydantic model of the settings; its ``SecretStr`` fields are the credentials.

    A kind that can answer single posts of other people also has ``answers: ClassVar[frozenset[str]]``: the networks
    (``Mention.source``) whose posts it can answer, by their id there, from ``Rendering.answers``; and where people may change
    their names there, ``lasting_name(name)``: what whoever has that name now keeps, empty when nobody has it.
    """

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
class ReadsBack(Protocol):
    """A publisher that can look a post up by its receipt. Those that cannot (mail, SMS, Telegram, webhooks) have no such."""

    async def read(self, receipt: Receipt) -> OnPlatform:
        """What stands there now. Raises ``Unknown`` when nobody can tell: whatever goes wrong is no sign that it is gone."""
        ...


@runtime_checkable
class Notifier(Protocol):
    """A way to tell stakeholders."""

    kind: ClassVar[str]
    delivery_class: ClassVar[DeliveryClass]
    settings_model: ClassVar[type[Any]]

    # ``shows_taken: ClassVar[bool] = True`` is set by those that can show afterwards who is on it: they are given a
    # message with ``taken_by`` for each notice that asked for somebody; doing that twice must do no harm.

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

    async def hold(self, name: str, version: str, *, on: bool) -> None:
        """Put a legal hold on a sealed file, or lift it, and prove by asking that it is so. Twice is once.

        Raises ``Refused`` (there is no such file), ``RateLimited``, ``Unknown`` or ``Misconfigured``.
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


class Subscriber(Protocol):
    """Another system that is told of events."""

    kind: ClassVar[str]
    settings_model: ClassVar[type[Any]]

    async def inform(self, event: Event) -> None:
        """Tell of one event; again until it is taken. Raises ``Refused``, ``RateLimited``, ``Unknown``, ``Misconfigured``."""
        ...

    async def check(self) -> Health: ...

    async def close(self) -> None: ...


@runtime_checkable
class Scheduler(Protocol):
    """Where posts are scheduled that go out by themselves, unless they are paused."""

    kind: ClassVar[str]
    puts_off: ClassVar[timedelta | None]
    """None: it keeps drafts. Else a post can only be put off, by this much from now."""
    settings_model: ClassVar[type[Any]]

    async def scheduled(self, now: datetime) -> tuple[ScheduledPost, ...]:
        """Everything that goes out after ``now``. Raises ``RateLimited``, ``Unknown``, ``Misconfigured`` or ``Refused``."""
        ...

    async def pause(self, post: ScheduledPost, put_off: Sequence[datetime] = ()) -> None:
        """Keep a post from going out; as often as one likes.

        ``put_off``: where there are no drafts (see ``puts_off``), the time to set last, after those that were tried
        before. Raises like ``scheduled``; ``Refused`` when the post is not there any more, is out already, or stands
        at a time that is neither its own nor one of these: people have changed it meanwhile.
        """
        ...

    async def restore(self, post: ScheduledPost, put_off: Sequence[datetime] = ()) -> None:
        """Schedule a paused post at its own time again; restoring twice is no error.

        Raises like ``pause``; ``Refused`` when people have changed it meanwhile, or its time cannot be met.
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

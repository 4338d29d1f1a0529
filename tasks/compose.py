"""Checking a text while it is being written: what lint finds, what one press would mend, how each channel would carry it.

Nothing here is stored or proven; what is saved is made by ``tasks.draft`` from the same outlets, limits and rules. A
channel on which the text does not fit says so by itself and spoils no other's preview.
"""

import asyncio
from dataclasses import dataclass

from crisis import drafting
from crisis.counting import Limits
from crisis.drafting import Outlet, renderings_for
from crisis.finding import Finding
from crisis.incident import Incident
from crisis.lint import lint
from crisis.mending import Known, Mend, mend
from crisis.pictures import Picture
from crisis.rendering import DoesNotFit
from crisis.statement import Rendering, Target
from crisis.tongues import says_when
from crisis.values import StatementKind
from records import Transaction
from tasks.installation import Installation
from tasks.linting import known_of
from tasks.outlets import channels_for, outlets_again, outlets_for


@dataclass(frozen=True)
class Typed:
    """What somebody has written so far."""

    headline: str
    body: str
    language: str = "en"
    channels: tuple[str, ...] = ()
    """Names of the channels it is meant for; a correction goes wherever the wrong text is."""

    @property
    def alike(self) -> tuple[str, str, str, frozenset[str]]:
        """What makes it another text: the order of its channels does not."""
        return self.headline, self.body, self.language, frozenset(self.channels)

    @property
    def text(self) -> str:
        """Headline, blank line, body: what lint reads and ``tasks.draft`` takes."""
        return f"{self.headline}\n\n{self.body}"


@dataclass(frozen=True)
class Found:
    """A finding, and what one press would make of the text."""

    finding: Finding
    mend: Mend | None


@dataclass(frozen=True)
class OnChannel:
    """How one target would carry the text."""

    target: Target
    limits: Limits
    rendering: Rendering | None
    problem: str = ""
    """Why it cannot carry it."""


@dataclass(frozen=True)
class Checked:
    """A text as it was checked."""

    found: tuple[Found, ...]
    shown: tuple[OnChannel, ...]

    @property
    def blocking(self) -> int:
        """Findings that stop a proposal."""
        return sum(f.finding.level == "block" for f in self.found)


async def check(
    here: Installation,
    incident_id: str,
    kind: StatementKind,
    typed: Typed,
    *,
    corrects: str = "",
    media: tuple[Picture, ...] = (),
    instead_of: str = "",
) -> Checked:
    """Lint and render a text for every channel it is meant for; ``instead_of`` is the statement that it is a version of.

    Raises:
        records.NotFound: there is no such incident, or no statement ``corrects``.
        config.ConfigError: a channel is not configured any more.
        tasks.outlets.NothingToCorrect: no target carries ``corrects``.
    """
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        known = await known_of(here, tx, incident_id)
        outlets = await _outlets(here, tx, incident, kind, typed, corrects, pictures=bool(media))
        mending = await _may_say(here, tx, incident, kind, typed.language)
    # The correction of a statement contradicts it on purpose, and a version may differ from the one before it.
    known["earlier"] = tuple(s for s in known["earlier"] if s.id not in (instead_of, corrects))

    def look() -> Checked:
        pairs = [(o.target, o.limits) for o in outlets]
        findings = lint(typed.text, kind=kind, language=typed.language, outlets=pairs, pictures=media, **known)
        return Checked(
            found=tuple(Found(f, mend(typed.text, f, mending, language=typed.language)) for f in findings),
            shown=tuple(_on(o, incident, kind, typed, media) for o in outlets),
        )

    return await asyncio.to_thread(look)  # long enough to hold up everybody else's pages


def names_of_default(here: Installation, incident: Incident, kind: StatementKind, language: str) -> tuple[str, ...]:
    """The channels that a statement of this kind, for readers of a language, goes to unless somebody chooses others."""
    return tuple(c.name for c in channels_for(here, incident, kind, language))


async def _outlets(
    here: Installation,
    tx: Transaction,
    incident: Incident,
    kind: StatementKind,
    typed: Typed,
    corrects: str,
    *,
    pictures: bool,
) -> list[Outlet]:
    if corrects:
        return await outlets_again(tx, here, [await tx.statements.get(corrects)])
    if not typed.channels:
        return []
    return await outlets_for(
        tx, here, incident, kind, {}, pictures=pictures, language=typed.language, only=typed.channels
    )


async def _may_say(
    here: Installation, tx: Transaction, incident: Incident, kind: StatementKind, language: str
) -> Known:
    watch = await tx.watches.get(incident.watch)
    now = here.clock.now()
    due = drafting.next_update(incident, now)
    cause = incident.assessment.type
    return Known(
        affected=drafting.AFFECTED[cause].format(brand=watch.brand),
        next_update=says_when(due, now, language) if kind in drafting.PROMISING else "",
        contact=watch.contact or here.settings.voice.contact_url,
        cause=cause,
    )


def _on(outlet: Outlet, incident: Incident, kind: StatementKind, typed: Typed, media: tuple[Picture, ...]) -> OnChannel:
    try:
        [rendering] = renderings_for(
            [outlet],
            kind=kind,
            severity=incident.severity,
            headline=typed.headline,
            body=typed.body,
            language=typed.language,
            media=media,
        )
    except DoesNotFit as problem:
        return OnChannel(outlet.target, outlet.limits, None, str(problem))
    return OnChannel(outlet.target, outlet.limits, rendering)

"""Drafts: what a template is given, which template it is, and how its text becomes a statement to propose.

Promises: only confirmed facts are handed to a template as true; a promise is put on record exactly when the text makes
it; the statement's hash covers every rendering. Times come in, so a replay drafts as the real thing does.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from crisis.counting import Limits
from crisis.cutting import sentences
from crisis.fact import Fact, FactStatus
from crisis.incident import Incident
from crisis.parts import NEXT_UPDATE, says
from crisis.pictures import Picture
from crisis.playbook import Playbook
from crisis.reliance import broken
from crisis.rendering import DoesNotFit, render
from crisis.shortening import shorter
from crisis.statement import Promise, Rendering, Statement, Target, content_hash
from crisis.tongues import ENGLISH, says_when
from crisis.tongues import sign_off as signed
from crisis.values import CrisisType, Frozen, Severity, StatementKind
from crisis.watch import Watch

AUTHOR = "template"
"""Who wrote a draft that no person has touched."""

PROMISING = frozenset({StatementKind.HOLDING, StatementKind.SUBSTANTIVE, StatementKind.UPDATE})
"""Kinds that say when the company speaks next."""

_UTC_TIME = re.compile(r"(?<!\d)([01]?\d|2[0-3])[:.]([0-5]\d) ?(?:UTC|GMT|Z)\b")

_LATE = frozenset({StatementKind.CORRECTION, StatementKind.RESOLUTION})
"""Kinds that come when "we are investigating" may no longer be true."""

_ROUND = timedelta(minutes=5)

T = CrisisType
AFFECTED: dict[CrisisType, str] = {
    T.NEGATIVE_FEEDBACK: "customers of {brand}",
    T.MISINFORMATION: "people who have seen these posts",
    T.DATA_BREACH: "people who trusted {brand} with their data",
    T.POORLY_WORDED_STATEMENT: "everyone who read what we wrote",
    T.INSENSITIVE_CAMPAIGN: "the people our campaign has hurt",
    T.SERVICE_FAILURE: "customers of {brand}",
    T.SAFETY_HARM: "people who use {brand}",
    T.CONDUCT: "the people concerned",
    T.OUTSIDE_EVENT: "our customers and colleagues",
    T.UNKNOWN: "people who rely on {brand}",
}
"""Who is affected, while nobody has said it more exactly."""

UNKNOWNS: dict[CrisisType, tuple[str, ...]] = {
    T.NEGATIVE_FEEDBACK: ("how this came about",),
    T.MISINFORMATION: ("where these posts come from",),
    T.DATA_BREACH: ("whose data is concerned", "how it happened"),
    T.POORLY_WORDED_STATEMENT: (),
    T.INSENSITIVE_CAMPAIGN: ("how it was approved",),
    T.SERVICE_FAILURE: ("what caused it", "when it will be over"),
    T.SAFETY_HARM: ("what caused it", "which products are concerned"),
    T.CONDUCT: ("exactly what happened",),
    T.OUTSIDE_EVENT: ("how long this will last",),
    T.UNKNOWN: ("exactly what happened",),
}
"""What nobody knows in the first hour, in words that repeat no rumour."""

ACTIONS: dict[CrisisType, tuple[str, ...]] = {
    T.NEGATIVE_FEEDBACK: ("we are reading every report and looking into what went wrong",),
    T.MISINFORMATION: ("we are checking these claims and will publish what we find",),
    T.DATA_BREACH: ("we are investigating with our security team",),
    T.POORLY_WORDED_STATEMENT: ("we are reviewing what we wrote",),
    T.INSENSITIVE_CAMPAIGN: ("we are reviewing the campaign",),
    T.SERVICE_FAILURE: ("our engineers are investigating and working on a fix",),
    T.SAFETY_HARM: ("we are investigating, with people's safety first",),
    T.CONDUCT: ("we are investigating and will speak with everyone concerned",),
    T.OUTSIDE_EVENT: ("we are checking on our customers and colleagues",),
    T.UNKNOWN: ("we are finding out what happened",),
}
"""What is being done from the moment a response starts: true before anybody has typed a word."""

STATUS: dict[StatementKind, str] = {
    StatementKind.HOLDING: "investigating",
    StatementKind.SUBSTANTIVE: "identified",
    StatementKind.UPDATE: "identified",
    StatementKind.CORRECTION: "identified",
    StatementKind.RESOLUTION: "resolved",
    StatementKind.ANSWER: "identified",
    StatementKind.REPLY: "identified",
}
"""A status page's incident status for each kind (https://developer.statuspage.io/#tag/incidents)."""

IMPACT: dict[Severity, str] = {
    Severity.SEV1: "critical",
    Severity.SEV2: "major",
    Severity.SEV3: "minor",
    Severity.SEV4: "none",
}
"""A status page's impact for each severity."""


COMPONENT_STATE: dict[Severity, str] = {
    Severity.SEV1: "major_outage",
    Severity.SEV2: "partial_outage",
    Severity.SEV3: "degraded_performance",
    Severity.SEV4: "operational",
}
"""How the components of a failing service stand on a status page, until it is resolved."""


class NoTemplate(ValueError):
    """No template serves the kind of statement; the message names those that were looked for."""


class NotADraft(ValueError):
    """A template's or a person's text is not a headline, a blank line and a body."""


class Outlet(Frozen):
    """A target with what its rendering depends on."""

    target: Target
    limits: Limits
    """Of its integration; for a sandbox, of what it looks like."""
    options: dict[str, str] = Field(default_factory=dict)
    reply_to: str = ""
    """Platform id of the post that is answered."""
    components: tuple[str, ...] = ()
    """Of a status page: ids of the components that the incident concerns."""


def next_update(incident: Incident, now: datetime) -> datetime:
    """When the company next speaks: one ``update_every`` from now while SEV1 or SEV2, else one ``substantive``.

    Rounded down to five minutes where that leaves most of the span, so that people can remember it.
    """
    clocks = incident.assessment.clocks
    span = clocks.update_every if incident.severity >= Severity.SEV2 else clocks.substantive
    due = now + span
    if span < 4 * _ROUND:
        return due.replace(second=0, microsecond=0) + timedelta(minutes=1 if due.second or due.microsecond else 0)
    return due.replace(minute=due.minute // 5 * 5, second=0, microsecond=0)


def template_context(
    *,
    kind: StatementKind,
    incident: Incident,
    facts: Iterable[Fact],
    watch: Watch,
    playbook: Playbook,
    now: datetime,
    organisation: str,
    contact: str = "",
    sign_off: str = "",
    affected: str = "",
    unknowns: Collection[str] = (),
    actions: Collection[str] = (),
    corrected: Statement | None = None,
    also_wrong: Iterable[Statement] = (),
    question: str = "",
    language: str = ENGLISH,
    formal: bool = True,
) -> dict[str, Any]:
    """Everything a statement template may use.

    ``facts`` may hold facts of any status; only confirmed ones reach the template. ``affected``, ``unknowns`` and
    ``actions`` default by crisis type to words that are true in the first hour. The watch's own contact outweighs
    ``contact``; ``corrected`` is the statement that was wrong, ``also_wrong`` others that the same text corrects,
    ``question`` for an answer; ``language`` is the template's, ``formal`` how it addresses people.
    """
    facts = tuple(facts)
    cause = incident.assessment.type
    due = next_update(incident, now) if kind in PROMISING else None
    return {
        "organisation": organisation,
        "brand": watch.brand,
        "watch": watch,
        "incident": incident,
        "playbook": playbook,
        "kind": kind,
        "severity": incident.severity,
        "strategy": incident.assessment.strategy,
        "affected": affected or AFFECTED[cause].format(brand=watch.brand),
        "facts": confirmed(facts),
        "unknowns": tuple(unknowns) or UNKNOWNS[cause],
        "actions": tuple(actions) or (() if kind in _LATE else ACTIONS[cause]),
        "contact": watch.contact or contact,
        "next_update": due,
        "next_update_says": says_when(due, now, language) if due else "",
        "sign_off": sign_off or signed(language, organisation),
        "formal": formal,
        "corrected": corrected,
        "mended": mended(((corrected,) if corrected else ()) + tuple(also_wrong), facts),
        "question": question,
    }


class AskedOf(Frozen):
    """A question, and what is confirmed about it: what the template of answers is filled with."""

    text: str
    facts: tuple[Fact, ...] = ()
    say_by: str = ""
    """When more is said, in words."""


class Mended(Frozen):
    """What a statement said, and what is known now."""

    said: str
    right: str = ""
    """The confirmed fact as it stands now; empty when it is refuted without another in its place, or open again."""
    open: bool = False
    """It can no longer be confirmed."""


def mended(wrong: Iterable[Statement], now: Iterable[Fact]) -> tuple[Mended, ...]:
    """What these statements relied on and no longer holds as it was, by the facts as they are ``now``; each once."""
    facts, found = tuple(now), {}
    for statement in wrong:
        for one in broken(statement, facts):
            said = one.was.text if one.was.status is FactStatus.CONFIRMED else f"{one.was.text}: not right"
            right = one.now.text if one.now.status is FactStatus.CONFIRMED else ""
            found[said] = Mended(said=said, right=right, open=one.now.status is FactStatus.UNCONFIRMED)
    return tuple(found.values())


def relied_on(kind: StatementKind, facts: Iterable[Fact], wrong: Iterable[Statement] = ()) -> tuple[Fact, ...]:
    """The facts a statement relies on: the confirmed ones, which it may state as true, and those a correction speaks of."""
    facts = tuple(facts)
    spoken_of = {one.now.id for statement in wrong for one in broken(statement, facts)}
    return tuple(f for f in facts if f.status is FactStatus.CONFIRMED or f.id in spoken_of)


def confirmed(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """The facts a draft may state as true."""
    return tuple(f for f in facts if f.status is FactStatus.CONFIRMED)


def template_name(playbook: Playbook, kind: StatementKind, available: Collection[str], language: str = ENGLISH) -> str:
    """The playbook's template for ``kind``; else one named after cause and kind; else the plain one of that kind.

    In another language than English the same, with its code before the ending: ``holding.de.txt.j2``.

    Raises:
        NoTemplate: none of them exists.
    """
    named = playbook.templates.get(kind)
    wanted = [*([named] if named else []), f"{kind}.{playbook.type}.txt.j2", f"{kind}.txt.j2"]
    if language != ENGLISH:
        wanted = list(dict.fromkeys(f"{name.removesuffix('.txt.j2')}.{language}.txt.j2" for name in wanted))
    for name in wanted:
        if name in available:
            return name
    raise NoTemplate(f"there is no template for a {kind} on {playbook.type}; looked for: {', '.join(wanted)}")


def headline_and_body(text: str) -> tuple[str, str]:
    """A draft's first line and what follows the blank line after it.

    Raises:
        NotADraft: there is no headline or no body.
    """
    headline, _, body = text.strip().partition("\n")
    headline, body = headline.strip(), body.strip()
    if not headline or not body:
        raise NotADraft("a draft is a headline on the first line, a blank line, then the text")
    return headline, body


def promises_in(body: str, due: datetime | None, due_says: str, *, now: datetime | None = None) -> tuple[Promise, ...]:
    """The promise of a next update, if ``body`` really makes it.

    A person's text may name another time than the one proposed (``due``): then that time of day counts, in UTC, the
    first after ``now``, or without ``now`` the nearest to ``due``.
    """
    if due is None:
        return ()
    if due_says and due_says in body:
        return (Promise(text=f"Next update by {due_says}", due_at=due),)
    for sentence in sentences(body):
        promised = _UTC_TIME.search(sentence.text) if says(NEXT_UPDATE, sentence.text) else None
        if promised:
            at = _time_of_day(int(promised[1]), int(promised[2]), due, now)
            return (Promise(text=f"Next update by {at:%H:%M} UTC", due_at=at),)
    return ()


def _time_of_day(hour: int, minute: int, due: datetime, now: datetime | None) -> datetime:
    named = due.replace(hour=hour, minute=minute, second=0, microsecond=0)
    days = (named + timedelta(days=n) for n in (-1, 0, 1))
    if now is not None:
        return next((day for day in days if day > now), named)
    return min(days, key=lambda day: abs(day - due))


def propose_statement(
    *,
    id: str,
    version: int,
    kind: StatementKind,
    incident: Incident,
    facts: Iterable[Fact],
    headline: str,
    body: str,
    outlets: Iterable[Outlet],
    audience: str,
    now: datetime,
    author: str = AUTHOR,
    language: str = "en",
    wanted_language: str = "",
    promises: Iterable[Promise] = (),
    corrects: str = "",
    media: Iterable[Picture] = (),
    links: Iterable[str] = (),
    keep: Collection[str] = (),
    answers: tuple[str, ...] = (),
    page: str = "",
) -> Statement:
    """One statement version, rendered for every outlet and bound by its hash.

    ``facts`` are those it relies on: confirmed ones that it states, refuted ones that it answers; ``keep`` as in
    ``renderings_for``. ``answers`` are questions that it answers; ``page`` is the HTML of the page of all answers, where
    it is a version of that.

    Raises:
        crisis.rendering.DoesNotFit: the text or a picture cannot be shown on one of the outlets.
    """
    relied_on = tuple(facts)
    promised = tuple(promises)
    pictures, addresses = tuple(media), tuple(links)
    renderings = renderings_for(
        outlets,
        kind=kind,
        severity=incident.severity,
        headline=headline,
        body=body,
        language=language,
        media=pictures,
        keep=keep,
        page=page,
    )
    return Statement(
        id=id,
        version=version,
        incident=incident.id,
        kind=kind,
        strategy=incident.assessment.strategy,
        author=author,
        created_at=now,
        language=language,
        wanted_language=wanted_language,
        audience=audience,
        headline=headline,
        body=body,
        facts=relied_on,
        severity=incident.severity,
        promises=promised,
        renderings=renderings,
        media=pictures,
        links=addresses,
        corrects=corrects,
        answers=answers,
        page=bool(page),
        content_hash=content_hash(
            incident=incident.id,
            kind=kind,
            audience=audience,
            severity=incident.severity,
            facts=relied_on,
            renderings=renderings,
            media=pictures,
            links=addresses,
            promises=promised,
        ),
    )


def renderings_for(
    outlets: Iterable[Outlet],
    *,
    kind: StatementKind,
    severity: Severity,
    headline: str,
    body: str,
    language: str = "en",
    media: tuple[Picture, ...] = (),
    keep: Collection[str] = (),
    page: str = "",
) -> tuple[Rendering, ...]:
    """One rendering for each outlet, in the order given. Raises like ``crisis.rendering.render``.

    ``keep``: of a template's text, which may be shortened where an outlet cannot hold it all, what always stays.
    ``page``: HTML that stands for the text where a channel keeps pages.
    """
    found = []
    for outlet in outlets:
        forms = [body]
        if keep and not outlet.limits.threads:
            forms += shorter(body, keep=keep, first=2 if kind is StatementKind.CORRECTION else 1)
        found.append(_first_that_fits(forms, outlet, kind, severity, headline, language, media, page))
    return tuple(found)


def _first_that_fits(
    forms: Sequence[str],
    outlet: Outlet,
    kind: StatementKind,
    severity: Severity,
    headline: str,
    language: str,
    media: tuple[Picture, ...],
    page: str,
) -> Rendering:
    refusal: DoesNotFit | None = None
    for body in forms:
        try:
            return render(
                headline=headline,
                body=body,
                target=outlet.target,
                limits=outlet.limits,
                language=language,
                html_body=page if outlet.limits.standing_page else "",
                options=_options(outlet, kind, severity),
                reply_to=outlet.reply_to,
                media=media,
            )
        except DoesNotFit as error:
            refusal = refusal or error
    raise refusal or DoesNotFit("there is no text")


def _options(outlet: Outlet, kind: StatementKind, severity: Severity) -> Mapping[str, str]:
    if not outlet.limits.status:
        return outlet.options
    options = {"status": STATUS[kind], "impact": IMPACT[severity]}
    if outlet.components:
        state = "operational" if kind is StatementKind.RESOLUTION else COMPONENT_STATE[severity]
        options["components"] = ",".join(f"{component}={state}" for component in outlet.components)
    return {**options, **outlet.options}

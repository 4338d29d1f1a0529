"""The statement desk: every statement of an incident, one version with everything that bears on it, and where it is written.

``GET /incidents/{id}/statements`` lists them, ``GET /incidents/{id}/draft`` starts one from the playbook's template (and
stores nothing), ``GET /statements/{id}/{version}`` shows a version: its editor while it may still change, lint beside
the words, facts and doctrine at hand, each channel's preview, what changed, and who must approve. A GET only reads; the
POSTs of the same addresses are in ``desk.statement_acts``.
"""

import asyncio
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crisis.commitment import CommitmentState
from crisis.counsel import sources
from crisis.differences import differences
from crisis.drafting import NoTemplate, headline_and_body
from crisis.empathy import Need
from crisis.fact import Fact, FactStatus
from crisis.incident import Incident
from crisis.stakeholder import Stakeholder
from crisis.statement import Rendering, Statement
from crisis.values import StatementKind
from desk import forms, promised
from desk.approve import MAX_REASON, looks_like, sentence
from desk.marking import marked, notes
from desk.page import hides
from desk.picture import Version, load_version
from desk.preview import Preview, preview
from desk.state import desk_of
from desk.waiting import people, word_due
from desk.who import asks_code
from records import NotFound, StatementStatus, Transaction
from tasks.advise import advise
from tasks.binding import what_changed
from tasks.compose import Checked, Typed, check, names_of_default
from tasks.draft import before_author, latest_of, place_of, suggested
from tasks.empathy import LOOKED_AT, left_open, map_of, published_texts
from tasks.installation import Installation
from tasks.outlets import NothingToCorrect, languages_for
from tasks.people import circle_of
from tasks.promises import Drafted, promises_in_hand, promises_of

EDITING, DECIDING = "statement.edit", "statement.decide"
"""The two kinds of form on a statement's page."""
MAX_HEADLINE = 300
"""Characters."""
MAX_TEXT = 20_000
"""Characters of a body: ten times what people read in a crisis, and what can be checked while somebody types."""
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da", "tr", "ar", "he", "hi", "ja", "zh")
"""Offered in the field; any code of ISO 639 may be typed."""
ORDER = (FactStatus.CONFIRMED, FactStatus.UNCONFIRMED, FactStatus.REFUTED)
OPEN_KINDS = tuple(kind for kind in StatementKind if kind not in (StatementKind.CORRECTION, StatementKind.REPLY))
"""Kinds that can be started by themselves; a correction starts from what it corrects."""


MOST_VERSIONS = 1_000_000


@dataclass(frozen=True)
class Sheet:
    """One text on the desk: what is stored of it, and what lies in the editor."""

    incident: Incident
    kind: StatementKind
    typed: Typed
    corrects: str = ""
    statement: Statement | None = None
    """The version on the page; none for a text that nobody has saved."""
    version: Version | None = None
    onto: str = ""
    """What a save is written onto, see ``tasks.draft.place_of``."""
    editable: bool = True
    newest: int = 0
    """The latest version of the statement."""
    before: Statement | None = None
    """The version that differences are shown against."""
    facts: tuple[Fact, ...] = ()
    people: tuple[Stakeholder, ...] = ()
    changed: str = ""
    """What an approval would no longer match."""

    @property
    def saved(self) -> Typed | None:
        """The words as they are stored."""
        return None if self.statement is None else typed_of(self.statement)

    @property
    def is_changed(self) -> bool:
        """The editor holds something that is not stored."""
        return self.saved is None or self.saved.alike != self.typed.alike

    @property
    def may_decide(self) -> bool:
        """It waits for decisions, and they could still count."""
        proposed = self.version is not None and self.version.status is StatementStatus.PROPOSED
        settled = self.version is None or self.version.standing is None or self.version.standing.settled
        is_newest = self.statement is not None and self.newest == self.statement.version
        return proposed and not settled and not self.changed and is_newest


def typed_of(statement: Statement) -> Typed:
    """A stored version as its editor shows it."""
    channels = tuple(dict.fromkeys(r.target.channel for r in statement.renderings))
    return Typed(statement.headline, statement.body, statement.language, channels)


async def sheet_of(here: Installation, id: str, number: int) -> Sheet:
    """A stored version on the desk. Raises HTTPException 404 where there is none."""
    if number > MOST_VERSIONS:
        raise HTTPException(404, "there is no such version")
    try:
        async with here.store.reading() as tx:
            statement = await tx.statements.get(id, number)
            incident = await tx.incidents.get(statement.incident)
            versions = await tx.statements.versions(id)
            language = statement.readers_language
            latest, status = await before_author(
                tx,
                f"{id}/{number}" if statement.answers else "",
                incident.id,
                statement.kind,
                language,
                statement.corrects,
            )
            version = await load_version(tx, statement, here.clock.now())
            newest = versions[-1].version
            is_latest = latest is not None and latest.label == statement.label
            open_still = status not in (StatementStatus.PUBLISHED, StatementStatus.APPROVED)
            return Sheet(
                incident,
                statement.kind,
                typed_of(statement),
                corrects=statement.corrects,
                statement=statement,
                version=version,
                onto=place_of(latest, status),
                editable=is_latest
                and open_still
                and incident.closed_at is None
                and not statement.page
                and statement.kind is not StatementKind.REPLY,
                newest=newest,
                before=next((v for v in reversed(versions) if v.version < number), None),
                changed=await what_changed(tx, statement),
                facts=await _facts(tx, incident),
                people=tuple(await circle_of(tx, incident)),
            )
    except NotFound as missing:
        raise HTTPException(404, str(missing)) from None


async def new_sheet(here: Installation, incident_id: str, kind: StatementKind, corrects: str) -> Sheet:
    """A text that is not stored yet, with nothing written. Raises HTTPException 404 where there is no such incident."""
    try:
        async with here.store.reading() as tx:
            incident = await tx.incidents.get(incident_id)
            wrong = await tx.statements.get(corrects) if corrects else None
            if wrong and wrong.incident != incident_id:
                raise NotFound(f"{corrects} is not a statement of {incident_id}")
            language = wrong.readers_language if wrong else languages_for(here, incident, kind)[0]
            latest, status = await latest_of(tx, incident_id, kind, language, corrects)
            channels = names_of_default(here, incident, kind, language)
            typed = Typed("", "", language, () if corrects else channels)
            return Sheet(
                incident,
                kind,
                typed,
                corrects=corrects,
                onto=place_of(latest, status),
                facts=await _facts(tx, incident),
                people=tuple(await circle_of(tx, incident)),
            )
    except NotFound as missing:
        raise HTTPException(404, str(missing)) from None


async def _facts(tx: Transaction, incident: Incident) -> tuple[Fact, ...]:
    """The facts on record, those that may be stated as true at the head."""
    return tuple(sorted(await tx.facts.list(incident.id), key=lambda f: ORDER.index(f.status)))


async def listed(request: Request) -> Response:
    """Every statement of an incident: where it stands, its versions, and what can be started."""
    desk = desk_of(request)
    here = desk.here
    async with here.store.reading() as tx:
        try:
            incident = await tx.incidents.get(request.path_params["id"])
        except NotFound as missing:
            raise HTTPException(404, str(missing)) from None
        latest = await tx.statements.list(incident.id)
        shown = [await load_version(tx, s, here.clock.now()) for s in reversed(latest)]
        numbers = {s.id: [v.version for v in await tx.statements.versions(s.id)] for s in latest}
        names = {p.email: p.name for p in await tx.stakeholders.list()}
    context = {
        "incident": incident,
        "shown": shown,
        "numbers": numbers,
        "people": names,
        "kinds": OPEN_KINDS,
        "closed": incident.closed_at is not None,
    }
    return desk.pages.show(request, "statements.html", context)


async def start(request: Request) -> Response:
    """A new text: the playbook's template in the editor. A kind that is on its way already opens where it stands."""
    here = desk_of(request).here
    sheet = await started(request)
    if sheet.onto and not sheet.onto.endswith("/out"):
        return RedirectResponse(f"/statements/{sheet.onto}", status_code=303)
    problem = ""
    try:
        headline, body = headline_and_body(
            await suggested(here, sheet.incident.id, sheet.kind, sheet.typed.language, sheet.corrects)
        )
        sheet = replace(sheet, typed=replace(sheet.typed, headline=headline, body=body))
    except (NoTemplate, NotFound) as none:
        problem = f"{none}: write it yourself"
    return await show(request, sheet, problem=problem)


async def started(request: Request) -> Sheet:
    """The sheet that ``?kind=`` and ``?corrects=`` ask for. Raises HTTPException 400 for a kind that cannot be begun."""
    kind, corrects = request.query_params.get("kind", "holding"), request.query_params.get("corrects", "")
    if kind not in (*OPEN_KINDS, StatementKind.CORRECTION) or (kind == StatementKind.CORRECTION) != bool(corrects):
        raise HTTPException(400, "choose what the statement is for, on the incident's page of statements")
    return await new_sheet(desk_of(request).here, request.path_params["id"], StatementKind(kind), corrects)


async def newest(request: Request) -> Response:
    """``/statements/{id}``: on to its latest version."""
    try:
        async with desk_of(request).here.store.reading() as tx:
            statement = await tx.statements.get(request.path_params["id"])
    except NotFound as missing:
        raise HTTPException(404, str(missing)) from None
    return RedirectResponse(f"/statements/{statement.id}/{statement.version}", status_code=303)


async def page(request: Request) -> Response:
    """One version. ``?against=N`` shows what changed since another one."""
    here = desk_of(request).here
    sheet = await sheet_of(here, request.path_params["id"], request.path_params["version"])
    against = request.query_params.get("against", "")
    if against.isascii() and against.isdigit() and sheet.statement is not None:
        try:
            async with here.store.reading() as tx:
                sheet = replace(sheet, before=await tx.statements.get(sheet.statement.id, int(against[:6])))
        except NotFound as missing:
            raise HTTPException(404, str(missing)) from None
    return await show(request, sheet)


async def show(
    request: Request,
    sheet: Sheet,
    *,
    problem: str = "",
    meanwhile: Statement | None = None,
    moved: bool = False,
    given: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    """The page of a sheet; ``meanwhile`` is what somebody else has saved while its text was written,
    ``moved`` that something was saved, which will be shown at a save."""
    desk = desk_of(request)
    here, statement = desk.here, sheet.statement
    checked, trouble = await _checked(here, sheet)
    posts = _posts(here, sheet, checked)
    drafted = await drafted_of(here, sheet)
    async with here.store.reading() as tx:
        counsel = await advise(tx, sheet.incident.id)
        owed = await tx.commitments.list(incident=sheet.incident.id, state=CommitmentState.OPEN)
    proposal = sheet.version.proposal if sheet.version else None
    playbook = here.playbook(sheet.incident.assessment.type).approval.get(sheet.kind)
    policy = proposal.policy if proposal else playbook
    roles = policy.roles if policy else {}
    author = statement.author if statement else ""
    context = {
        "sheet": sheet,
        "incident": sheet.incident,
        "statement": statement,
        "version": sheet.version,
        "typed": sheet.typed,
        "checked": checked,
        "notes": notes(sheet.typed, checked.found),
        "marked": marked(sheet.typed, checked.found),
        "posts": posts,
        "problems": [s for s in checked.shown if s.problem],
        "hidden": hides(sheet.typed.text),
        "left_open": await _left_open(request, sheet),
        "counsel": counsel,
        "promised": promised.asked(drafted, given or {}),
        "owed": owed,
        "sources": sources(counsel),
        "channels": here.settings.channels,
        "languages": LANGUAGES,
        "roles": {role: people(here.settings, role, but=author) for role in roles},
        "wanted": roles,
        "deciders": sorted(  # those whose role is asked first; others may hold a turn that was handed to them
            (p for p in sheet.people if p.email != author), key=lambda p: not set(p.roles) & set(roles)
        ),
        "code_asked": asks_code(request, grave=True),
        "voiders": [p for p in sheet.people if p.email in (author, sheet.incident.lead) or "incident_lead" in p.roles],
        "names": {p.email: p.name for p in sheet.people},
        "word_due": word_due(sheet.incident, sheet.kind),
        "runs": await asyncio.to_thread(_runs, sheet, meanwhile),
        "against": meanwhile or sheet.before,
        "meanwhile": meanwhile,
        "moved": moved,
        "nonce": forms.nonce(request, EDITING, editing_of(sheet)),
        "deciding_nonce": forms.nonce(request, DECIDING, deciding_of(sheet)) if statement else "",
        "problem": sentence(problem or trouble),
        "nothing_done": bool(problem),
        "given": given or {},
        "max_headline": MAX_HEADLINE,
        "max_text": MAX_TEXT,
        "max_reason": MAX_REASON,
        "action": _address(sheet),
    }
    return desk.pages.show(request, "statement.html", context, status=status, live=True)


async def drafted_of(here: Installation, sheet: Sheet) -> tuple[Drafted, ...]:
    """What the text on the sheet promises: as it is stored, or as it lies in the editor."""
    if sheet.statement is not None and not sheet.is_changed:
        async with here.store.reading() as tx:
            return await promises_of(tx, sheet.statement)
    return await promises_in_hand(here, sheet.incident, sheet.kind, sheet.typed, sheet.statement)


async def _left_open(request: Request, sheet: Sheet) -> tuple[Need, ...]:
    """What the text does not answer of what people feel, ask and demand; kept, since it is asked with every word typed."""
    desk = desk_of(request)
    incident = sheet.incident
    async with desk.here.store.reading() as tx:
        posts = await tx.mentions.spread_over(incident.id, limit=LOOKED_AT)
        brand = (await tx.watches.get(incident.watch)).brand
        said = [
            one
            for one in await published_texts(tx, incident.id)
            if not sheet.statement or one[0] != sheet.statement.label
        ]
    found = await desk.kept.once(
        "empathy",
        incident.id,
        ([(m.source, m.id) for m in posts], incident.assessment.narratives),
        lambda: map_of(posts, incident.assessment, brand),
    )
    return await asyncio.to_thread(left_open, found, sheet.typed.text, said)


def _address(sheet: Sheet) -> str:
    """Where the forms of a sheet go."""
    if sheet.statement is not None:
        return f"/statements/{sheet.statement.id}/{sheet.statement.version}"
    asked = {"kind": sheet.kind.value} | ({"corrects": sheet.corrects} if sheet.corrects else {})
    return f"/incidents/{sheet.incident.id}/draft?{urlencode(asked)}"


def editing_of(sheet: Sheet) -> tuple[str, ...]:
    """What a form of the editor is good for: one kind of statement of one incident."""
    return sheet.incident.id, sheet.kind.value, sheet.corrects


def deciding_of(sheet: Sheet) -> tuple[str, ...]:
    """What a form of decisions is good for: one content."""
    return sheet.statement.label if sheet.statement else "", _hash(sheet)


def _hash(sheet: Sheet) -> str:
    return sheet.statement.content_hash if sheet.statement else ""


async def _checked(here: Installation, sheet: Sheet) -> tuple[Checked, str]:
    """The text as it was checked; a correction of what nobody carries any more is checked without channels."""
    media = sheet.statement.media if sheet.statement else ()
    own = sheet.statement.id if sheet.statement else ""
    there = {c.name for c in here.settings.channels}
    typed = replace(sheet.typed, channels=tuple(name for name in sheet.typed.channels if name in there))
    try:
        found = await check(
            here, sheet.incident.id, sheet.kind, typed, corrects=sheet.corrects, media=media, instead_of=own
        )
    except NothingToCorrect as nothing:
        return Checked((), ()), str(nothing)
    return found, ""


def _posts(here: Installation, sheet: Sheet, checked: Checked) -> list[Preview]:
    """What would go out: of a stored text that nobody has touched, exactly what is stored."""
    renderings: list[Rendering] = [s.rendering for s in checked.shown if s.rendering is not None]
    if sheet.statement is not None and not sheet.is_changed:
        renderings = list(sheet.statement.renderings)
    return [preview(r, looks_like(here, r)) for r in renderings]


def _runs(sheet: Sheet, meanwhile: Statement | None) -> tuple[object, ...]:
    """What changed: since the version before, or since what somebody else has saved meanwhile."""
    against = meanwhile or sheet.before
    if against is None:
        return ()
    return differences(f"{against.headline}\n\n{against.body}", sheet.typed.text)


ROUTES = [
    Route("/incidents/{id}/statements", listed, methods=["GET"]),
    Route("/incidents/{id}/draft", start, methods=["GET"]),
    Route("/statements/{id}", newest, methods=["GET"]),
    Route("/statements/{id}/{version:int}", page, methods=["GET"]),
]

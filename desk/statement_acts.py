"""What is done on a statement's page: check a text, mend it by one press, save it as a new version, ask for approval,
approve, return, or take it back from its approvers.

Checking and mending store nothing. Everything else is done by a person who proves who they are, from a form of this desk;
whatever is refused, the page comes back with every character that was typed. Of two people who write at once the second
is told before anything is stored, and sees both texts.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crisis.access import VIEWER
from crisis.approval import NotAllowed, Verdict, Via
from crisis.rendering import DoesNotFit
from crisis.statement import Statement
from desk import forms, promised
from desk.approve import MAX_REASON
from desk.forms import NotTaken
from desk.guard import TokenBucket, caller
from desk.state import desk_of
from desk.statement import (
    DECIDING,
    EDITING,
    MAX_HEADLINE,
    MAX_TEXT,
    Sheet,
    deciding_of,
    drafted_of,
    editing_of,
    new_sheet,
    sheet_of,
    show,
    started,
    typed_of,
)
from desk.who import who_acts
from records import NotFound, StatementStatus
from tasks.approve import decide, propose, role_of
from tasks.compose import Typed, check
from tasks.draft import WrittenMeanwhile, before_author, draft, place_of, void
from tasks.installation import Installation
from tasks.outlets import NothingToCorrect
from tasks.pictures import Read

LARGEST_FORM = 1024 * 1024
"""Bytes: a text of ``MAX_TEXT`` in any script, as a form encodes it."""
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_checked = TokenBucket(burst=60, seconds=0.25)
"""Checks while somebody types, by caller."""
_submitted = TokenBucket(burst=10, seconds=6.0)
"""Acts by text and caller: one-time codes must not be guessed."""


async def on_new(request: Request) -> Response:
    """A form on a text that has no version yet."""
    return await _take(request, await started(request))


async def on_version(request: Request) -> Response:
    """A form on the page of a stored version."""
    sheet = await sheet_of(desk_of(request).here, request.path_params["id"], request.path_params["version"])
    return await _take(request, sheet)


async def _take(request: Request, sheet: Sheet) -> Response:
    try:
        fields = await forms.read_fields(request, largest=LARGEST_FORM)
    except NotTaken as why:
        advice = "Nothing was done. Open the statement on the desk, and go on there."
        return desk_of(request).pages.notice(request, why.status, "This form was not taken", f"{why}.", advice)
    form = {name: values[-1] for name, values in fields.items()}
    if "decision" in form:
        return await _decide(request, sheet, form)
    sheet = replace(sheet, typed=_typed(sheet, form, fields.get("channel", [])))
    act, _, what = form.get("do", "check").partition(":")
    try:
        if act in ("check", "mend", "insert"):
            if not _checked.take(caller(request)):
                raise NotTaken(429, "too many checks at once: wait a moment")
            changed = await _changed(desk_of(request).here, sheet, act, what)
            moved = form.get("onto", "") != sheet.onto
            return await show(
                request, replace(changed, editable=True, onto=form.get("onto", "")), moved=moved, given=form
            )
        return await _store(request, replace(sheet, onto=form.get("onto", "")), form, act)
    except WrittenMeanwhile as meanwhile:
        now = await _moved_on(desk_of(request).here, sheet, meanwhile.latest)
        return await _refused(request, now, meanwhile, form, meanwhile=meanwhile.latest)
    except (NotTaken, NotAllowed, DoesNotFit, NotFound, NothingToCorrect) as why:
        return await _refused(request, sheet, why, form)


async def _moved_on(here: Installation, sheet: Sheet, latest: Statement | None) -> Sheet:
    """What was typed, over what somebody else has stored: a second save is written onto that, by somebody who saw it."""
    if latest is None:
        return sheet
    now = await sheet_of(here, latest.id, latest.version)
    if now.version is not None and now.version.status is StatementStatus.PUBLISHED:
        now = await new_sheet(here, sheet.incident.id, sheet.kind, sheet.corrects)
    return replace(now, typed=sheet.typed)


async def _refused(
    request: Request, sheet: Sheet, why: Exception, form: dict[str, str], *, meanwhile: Statement | None = None
) -> Response:
    status = why.status if isinstance(why, NotTaken) else 409
    return await show(request, sheet, problem=str(why), meanwhile=meanwhile, given=form, status=status)


def _typed(sheet: Sheet, form: Mapping[str, str], channels: list[str]) -> Typed:
    """What is in the editor, in the form it came; only line ends are made alike."""
    return Typed(
        " ".join(form.get("headline", "").split()),
        form.get("body", "").replace("\r\n", "\n").replace("\r", "\n"),
        form.get("language", "en").strip() or "en",
        sheet.typed.channels if sheet.corrects else tuple(dict.fromkeys(channels)),
    )


async def _changed(here: Installation, sheet: Sheet, act: str, what: str) -> Sheet:
    """The sheet after a press that changes its words in the editor, and nothing else."""
    typed = sheet.typed
    _hold_to_limits(here, typed)
    if act == "insert":
        fact = next((f for f in sheet.facts if f.id == what and f.status == "confirmed"), None)
        if fact is None:
            raise NotTaken(409, "that fact is not confirmed (any more): it may not be stated as true")
        body = typed.body.rstrip()
        return replace(sheet, typed=replace(typed, body=f"{body}{' ' if body else ''}{fact.text}"))
    if act == "mend":
        media = sheet.statement.media if sheet.statement else ()
        own = sheet.statement.id if sheet.statement else ""
        found = await check(
            here, sheet.incident.id, sheet.kind, typed, corrects=sheet.corrects, media=media, instead_of=own
        )
        mends = {f"{f.finding.rule}:{f.finding.start}": f.mend for f in found.found}
        if (mend := mends.get(what)) is None:
            raise NotTaken(409, "that has changed meanwhile: look at the notes again")
        headline, _, body = mend.text.partition("\n\n")
        return replace(sheet, typed=replace(typed, headline=headline, body=body))
    return sheet


def _hold_to_limits(here: Installation, typed: Typed) -> None:
    if len(typed.headline) > MAX_HEADLINE:
        raise NotTaken(400, f"the title has {len(typed.headline):,} characters: keep it under {MAX_HEADLINE}")
    if len(typed.body) > MAX_TEXT:
        raise NotTaken(400, f"the text has {len(typed.body):,} characters: keep it under {MAX_TEXT:,}")
    if not _LANGUAGE.fullmatch(typed.language):
        raise NotTaken(400, "the language is not a code such as en or pt-BR")
    if unknown := set(typed.channels) - {c.name for c in here.settings.channels}:
        raise NotTaken(400, f"there is no channel {sorted(unknown)[0][:60]!r} (any more): choose among those shown")


async def _store(request: Request, sheet: Sheet, form: dict[str, str], act: str) -> Response:
    """Save the text as a new version, or ask for approval of it; both at once if it is both."""
    here = desk_of(request).here
    if act not in ("save", "propose"):
        raise NotTaken(400, "nothing was chosen")
    if not forms.fits(request, EDITING, form.get("nonce", ""), editing_of(sheet)):
        raise NotTaken(403, "this page was open for too long; your text is still here: press once more")
    if not _submitted.take(f"{sheet.incident.id}/{caller(request)}"):
        raise NotTaken(429, "too many tries: wait a minute; your text is still here")
    found = promised.asked(await drafted_of(here, sheet), form)
    promised.hold_to(found, form, proposing=act == "propose")
    await _look_before(here, sheet, act)
    among = [p.email for p in sheet.people if set(p.roles) - {VIEWER}]
    person = await who_acts(request, here, form, among=among, who="stakeholders, who answer for what they write,")
    statement = sheet.statement
    if statement is None or sheet.is_changed:
        statement = await draft(
            here,
            sheet.incident.id,
            sheet.kind,
            author=person,
            text=sheet.typed.text,
            corrects=sheet.corrects,
            pictures=[Read(p, ()) for p in (statement.media if statement else ())],
            language=sheet.typed.language,
            channels=sheet.typed.channels,
            onto=sheet.onto,
        )
    if sheet.typed.alike == typed_of(statement).alike:
        await promised.store(here, statement, found, form, by=person)
    if act == "propose":
        await propose(here, statement, by=person)
    return RedirectResponse(f"/statements/{statement.id}/{statement.version}", status_code=303)


async def _look_before(here: Installation, sheet: Sheet, act: str) -> None:
    """Refuse what would be refused anyway, before a one-time code is used up for it."""
    typed = sheet.typed
    _hold_to_limits(here, typed)
    if not typed.headline or not typed.body.strip():
        raise NotTaken(400, "a statement has a title and a text: write both")
    if not typed.channels and not sheet.corrects:
        raise NotTaken(400, "choose at least one channel")
    if act == "save" and not sheet.is_changed and sheet.statement is not None:
        raise NotTaken(400, f"nothing has changed since {sheet.statement.label}")
    async with here.store.reading() as tx:
        latest, status = await before_author(
            tx, sheet.onto, sheet.incident.id, sheet.kind, sheet.typed.language, sheet.corrects
        )
        if place_of(latest, status) != sheet.onto:
            raise WrittenMeanwhile(latest, status)
    if not sheet.editable:
        raise NotAllowed("this version can be changed no more, because it is approved or the incident is closed")
    media = sheet.statement.media if sheet.statement else ()
    own = sheet.statement.id if sheet.statement else ""
    found = await check(
        here, sheet.incident.id, sheet.kind, typed, corrects=sheet.corrects, media=media, instead_of=own
    )
    if unfit := [s.problem for s in found.shown if s.problem]:
        raise NotTaken(409, f"not saved, because it does not fit everywhere. {'; '.join(unfit)}")
    if act == "propose" and found.blocking:
        rules = ", ".join(dict.fromkeys(f.finding.rule for f in found.found if f.finding.level == "block"))
        raise NotTaken(409, f"approval is not asked for before this is mended: {rules}. It can be saved as it is")


async def _decide(request: Request, sheet: Sheet, form: dict[str, str]) -> Response:
    """Approve, return, or take back from the approvers."""
    here, statement = desk_of(request).here, sheet.statement
    reason = form.get("reason", "").strip()
    try:
        if statement is None or form["decision"] not in ("approve", "return", "void"):
            raise NotTaken(400, "nothing was chosen")
        if not forms.fits(request, DECIDING, form.get("nonce", ""), deciding_of(sheet)):
            raise NotTaken(403, "this page was open for too long: read it again, then decide")
        if not _submitted.take(f"{statement.label}/{caller(request)}"):
            raise NotTaken(429, "too many tries: wait a minute")
        if form["decision"] != "approve" and not reason:
            raise NotTaken(400, "say why, in your own words: it goes on record")
        if len(reason) > MAX_REASON:
            raise NotTaken(400, f"the reason is too long: keep it under {MAX_REASON:,} characters")
        among = [p.email for p in sheet.people if set(p.roles) - {VIEWER}]
        person = await who_acts(
            request, here, form, among=among, who="stakeholders", grave=form["decision"] == "approve"
        )
        if form["decision"] == "void":
            await void(here, statement, actor=person, reason=reason)
        else:
            await _say(here, statement, person, Verdict(form["decision"]), reason)
    except (NotTaken, NotAllowed, NotFound) as why:
        if statement is not None:
            sheet = await sheet_of(here, statement.id, statement.version)
        return await _refused(request, sheet, why, form)
    return RedirectResponse(request.url.path, status_code=303)


async def _say(here: Installation, statement: Statement, person: str, verdict: Verdict, reason: str) -> None:
    async with here.store.reading() as tx:
        known = await tx.stakeholders.get(person)
    if known is None:
        raise NotAllowed(f"{person} is not among the stakeholders")
    await decide(
        here,
        statement=statement.id,
        version=statement.version,
        content_hash=statement.content_hash,
        approver=person,
        role=await role_of(here, statement.id, statement.version, known),
        verdict=verdict,
        via=Via.DESK,
        reason=reason,
    )


ROUTES = [
    Route("/incidents/{id}/draft", on_new, methods=["POST"]),
    Route("/statements/{id}/{version:int}", on_version, methods=["POST"]),
]

"""``/incidents/{id}/questions``: what the public asks, by what matters most, and how each question stands; one question with
its wordings, posts and answers, and what can be done with it; and the run sheet of a live session, made for paper.

A GET only reads. A POST acts, only from a form that this desk made a short while ago, and only for a person who proves who
they are; everybody with a role in the incident may, but whoever only looks.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crisis.access import VIEWER
from crisis.approval import NotAllowed
from crisis.drafting import NotADraft
from crisis.incident import LIVE, Incident
from crisis.public_questions import Standing
from crisis.rendering import DoesNotFit
from crisis.run_sheet import BRIDGES, NEVER, not_to_say
from crisis.stakeholder import Stakeholder
from crisis.statement import Statement
from crisis.typed_in import NotOneLine
from desk import forms
from desk.approve import MAX_REASON, sentence
from desk.forms import NotTaken
from desk.guard import TokenBucket, caller
from desk.signed_in import person_of
from desk.state import desk_of
from desk.who import asks_code, who_acts
from records import NotFound
from tasks.answers import answer_in, as_asked, draft_answer, draft_page, facts_about, newest_page, say_by
from tasks.installation import Installation
from tasks.outlets import page_outlets
from tasks.people import circle_of
from tasks.questions import Asked, asked_about, lead, merge, mine, part

PAGE = "questions"
SHOWN = 100
"""Questions on the page; the rest are counted."""
ON_SHEET = 30
POSTS = 20
"""Posts quoted for one question."""
REFUSALS = (NotTaken, NotAllowed, NotFound, NotOneLine, NotADraft, DoesNotFit)
_submitted = TokenBucket(burst=20, seconds=3.0)
"""Forms by incident and caller: one-time codes must not be guessed."""


async def listed(request: Request) -> Response:
    """Every question."""
    return await _list(request)


async def one(request: Request) -> Response:
    """One question."""
    return await _one(request)


async def act(request: Request) -> Response:
    """Look through new posts, answer several at once, or put the page before its approvers."""
    here = desk_of(request).here
    incident, _ = await _read(request)
    try:
        form = await _form(request, [incident.id])
        person = await _person(request, here, incident, form)
        do = _last(form, "do")
        if do == "look":
            await mine(here, incident.id)
        elif do == "answer":
            if not form.get("question"):
                raise NotTaken(400, "choose at least one question")
            return _to(await draft_answer(here, form["question"], actor=person))
        elif do == "page":
            page = await draft_page(here, incident.id, actor=person)
            if page is None:
                raise NotTaken(409, "the newest version of the page says all of this already")
            return _to(page)
        else:
            raise NotTaken(400, "nothing was chosen")
    except REFUSALS as why:
        return await _list(request, problem=sentence(str(why)), status=_status(why))
    return RedirectResponse(request.url.path, status_code=303)


async def act_on_one(request: Request) -> Response:
    """Lead one question."""
    here = desk_of(request).here
    incident, _ = await _read(request)
    name = request.path_params["question"]
    form: Mapping[str, list[str]] = {}
    try:
        form = await _form(request, [incident.id, name])
        person = await _person(request, here, incident, form)
        reason = _last(form, "reason")[:MAX_REASON]
        do, stay = _last(form, "do"), request.url.path
        if do == "lead":
            await lead(
                here,
                name,
                actor=person,
                reason=reason,
                text=_last(form, "text"),
                owner=_last(form, "owner"),
                say_by=_moment(_last(form, "say_by")),
            )
        elif do == "aside":
            if not reason:
                raise NotTaken(400, "say why it is set aside: it goes on record")
            await lead(here, name, actor=person, reason=reason, set_aside=reason)
        elif do == "again":
            await lead(here, name, actor=person, reason=reason, set_aside="")
        elif do == "merge":
            into = await merge(here, name, _last(form, "into"), actor=person, reason=reason)
            stay = f"/incidents/{incident.id}/questions/{into.id}"
        elif do == "part":
            new = await part(here, name, form.get("wording", []), actor=person, reason=reason)
            stay = f"/incidents/{incident.id}/questions/{new.id}"
        elif do == "answer":
            return _to(await draft_answer(here, [name], actor=person, facts=form.get("fact", [])))
        else:
            raise NotTaken(400, "nothing was chosen")
    except REFUSALS as why:
        return await _one(request, problem=sentence(str(why)), status=_status(why), given=form)
    return RedirectResponse(stay, status_code=303)


async def sheet(request: Request) -> Response:
    """The run sheet: what is asked, in order, with what may be said."""
    desk = desk_of(request)
    incident, rows = await _read(request)
    now = desk.here.clock.now()
    async with desk.here.store.reading() as tx:
        facts = await tx.facts.list(incident.id)
        people = {p.email: p.name for p in await circle_of(tx, incident)}
        watch = await tx.watches.get(incident.watch)
    chosen = [row for row in rows if row.counts and row.standing is not Standing.SET_ASIDE]
    context = {
        "incident": incident,
        "rows": [
            {
                "row": row,
                "asked": as_asked(row.question.text),
                "said": answer_in(row.answer.statement, row.question.text) if row.answer else "",
                "facts": row.answer.statement.facts if row.answer else facts_about(row.question.text, facts),
                "say_by": say_by(row.question, incident, now),
                "promised": row.question.say_by is not None and row.question.say_by > now,
            }
            for row in chosen[:ON_SHEET]
        ],
        "more": max(0, len(chosen) - ON_SHEET),
        "approved": sum(row.standing in (Standing.ANSWERED, Standing.APPROVED) for row in chosen[:ON_SHEET]),
        "people": people,
        "lead": people.get(incident.lead, incident.lead),
        "not_to_say": not_to_say(facts),
        "never": NEVER,
        "bridges": BRIDGES,
        "guidance": desk.here.playbook(incident.assessment.type).guidance,
        "contact": watch.contact or desk.here.settings.voice.contact_url,
        "now": now,
    }
    return desk.pages.show(request, "run_sheet.html", context)


def _to(statement: Statement) -> Response:
    return RedirectResponse(f"/statements/{statement.id}/{statement.version}", status_code=303)


def _status(why: Exception) -> int:
    return why.status if isinstance(why, NotTaken) else 409


def _last(form: Mapping[str, list[str]], name: str) -> str:
    return form.get(name, [""])[-1].strip()


def _moment(text: str) -> datetime | None:
    """The time of a ``datetime-local`` field, in UTC; none where it is empty."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        raise NotTaken(400, "the time is not one: write it as 2026-03-01T15:00, in UTC") from None


async def _form(request: Request, about: list[str]) -> Mapping[str, list[str]]:
    if not _submitted.take(f"{about[0]}/{caller(request)}"):
        raise NotTaken(429, "too many tries: wait a minute")
    return await forms.fields(request, PAGE, about)


async def _person(request: Request, here: Installation, incident: Incident, form: Mapping[str, list[str]]) -> str:
    among = [p.email for p in await _able(here, incident)]
    fields = {name: values[-1].strip() for name, values in form.items()}
    return await who_acts(request, here, fields, among=among, who="those who have a role in this incident")


async def _able(here: Installation, incident: Incident) -> list[Stakeholder]:
    async with here.store.reading() as tx:
        return [p for p in await circle_of(tx, incident) if set(p.roles) - {VIEWER} or p.email == incident.lead]


async def _read(request: Request) -> tuple[Incident, tuple[Asked, ...]]:
    here = desk_of(request).here
    try:
        async with here.store.reading() as tx:
            incident = await tx.incidents.get(request.path_params["id"])
            return incident, await asked_about(tx, incident, here.clock.now(), wordings=True)
    except NotFound:
        raise HTTPException(404, "there is no such incident") from None


async def _shared(request: Request, incident: Incident, about: list[str]) -> dict[str, Any]:
    desk, person = desk_of(request), person_of(request)
    able = await _able(desk.here, incident)
    async with desk.here.store.reading() as tx:
        names = {p.email: p.name for p in await circle_of(tx, incident)}
    return {
        "incident": incident,
        "now": desk.here.clock.now(),
        "names": names,
        "able": able,
        "may": person is None or person.email in {p.email for p in able},
        "named": person is not None,
        "code_asked": asks_code(request, grave=False),
        "going_on": incident.state in LIVE,
        "nonce": forms.nonce(request, PAGE, about),
        "max_reason": MAX_REASON,
    }


async def _list(request: Request, *, problem: str = "", status: int = 200) -> Response:
    desk = desk_of(request)
    incident, rows = await _read(request)
    async with desk.here.store.reading() as tx:
        progress = await tx.questions.progress(incident.id)
        posts = await tx.mentions.count(incident.id)
        page, page_status = await newest_page(tx, incident.id)
    waiting = [row for row in rows if row.counts and row.standing.unanswered]
    context = await _shared(request, incident, [incident.id]) | {
        "rows": rows[:SHOWN],
        "more": max(0, len(rows) - SHOWN),
        "waiting": waiting,
        "read_to": progress.until if progress else None,
        "unread": max(0, posts - progress.posts) if progress and progress.posts >= 0 else posts,
        "page": page,
        "page_status": page_status,
        "keeps_page": bool(page_outlets(desk.here, incident.id)),
        "problem": problem,
    }
    return desk.pages.show(request, "questions.html", context, status=status)


async def _one(
    request: Request, *, problem: str = "", status: int = 200, given: Mapping[str, list[str]] | None = None
) -> Response:
    desk, name = desk_of(request), request.path_params["question"]
    incident, rows = await _read(request)
    row = next((row for row in rows if row.question.id == name), None)
    async with desk.here.store.reading() as tx:
        if row is None:
            try:
                question = await tx.questions.get(name)
            except NotFound:
                raise HTTPException(404, "there is no such question") from None
            if question.incident != incident.id or not question.merged_into:
                raise HTTPException(404, "there is no such question")
            return RedirectResponse(f"/incidents/{incident.id}/questions/{question.merged_into}", status_code=303)
        posts = await tx.questions.posts(row.question, limit=POSTS)
        facts = await tx.facts.list(incident.id)
    near = {fact.id for fact in facts_about(row.question.text, facts)}
    context = await _shared(request, incident, [incident.id, name]) | {
        "row": row,
        "rank": rows.index(row) + 1,
        "others": [other for other in rows if other is not row][:SHOWN],
        "posts": posts,
        "facts": facts,
        "near": near,
        "say_by": say_by(row.question, incident, desk.here.clock.now()),
        "problem": problem,
        "given": {field: values[-1] for field, values in (given or {}).items()},
    }
    return desk.pages.show(request, "question.html", context, status=status)


ROUTES = [
    Route("/incidents/{id}/questions", listed, methods=["GET"]),
    Route("/incidents/{id}/questions", act, methods=["POST"]),
    Route("/incidents/{id}/questions/sheet", sheet, methods=["GET"]),
    Route("/incidents/{id}/questions/{question}", one, methods=["GET"]),
    Route("/incidents/{id}/questions/{question}", act_on_one, methods=["POST"]),
]

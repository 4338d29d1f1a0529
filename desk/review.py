"""``/incidents/{id}/review``: the after-action review, where people write, meet, take on tasks and sign; and its report as
it would be written now, as a page, as a PDF, and as data.

Looking never acts. What is typed comes back when it is refused; of two people who write at once, the second is told and
overwrites nothing. Whoever signs signs what they had before them, by its hash.
"""

import asyncio
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from crisis.access import VIEWER
from crisis.after_action import (
    LONGEST,
    LONGEST_TASK,
    SECTIONS,
    Review,
    ReviewTask,
    Section,
    TaskState,
    content_hash,
    lacks,
    missing_roles,
    standing_signatures,
)
from crisis.approval import NotAllowed
from crisis.blameless import blame_in
from crisis.finding import Finding
from crisis.incident import IllegalStep, Incident, IncidentState
from crisis.report_tables import TABLES as TABLE_NAMES
from crisis.stakeholder import Stakeholder
from crisis.typed_in import moment_of
from crisis.values import CrisisType
from desk import forms
from desk.approve import sentence
from desk.forms import NotTaken
from desk.guard import DOCUMENT_POLICY, TokenBucket, caller
from desk.signed_in import person_of
from desk.state import desk_of
from desk.who import asks_code, who_acts
from records import NotFound
from tasks import after_action as acts
from tasks.documents import DATA, TABLES, data_files, told_of
from tasks.people import circle_of
from tasks.report import Told, worked_and_not
from tasks.report import context as report_context
from tasks.typeset import typeset

PAGE = "review"
LARGEST_FORM = 512 * 1024
"""Bytes: four sections in any script, as a form encodes them."""
_submitted = TokenBucket(burst=20, seconds=3.0)
"""Forms by incident and caller: one-time codes must not be guessed."""
_made = TokenBucket(burst=20, seconds=3.0)
"""Reports by caller: each is made anew; all that the page links fit into one burst."""


@dataclass(frozen=True)
class Table:
    """What lies on the table of a review."""

    incident: Incident
    review: Review
    tasks: tuple[ReviewTask, ...]
    people: tuple[Stakeholder, ...]
    """Those who see the incident and may act."""
    signers: tuple[str, ...]
    now: datetime
    worked: tuple[str, ...] = ()
    did_not: tuple[str, ...] = ()
    findings: dict[Section, tuple[Finding, ...]] = field(default_factory=dict)


async def show(request: Request) -> Response:
    """The review as it stands. Reads only."""
    return await _page(request, await _table(request))


async def submit(request: Request) -> Response:
    """One act: write, meet, take on or change a task, sign."""
    table, given = await _table(request), dict[str, list[str]]()
    try:
        given = await forms.read_fields(request, largest=LARGEST_FORM)
        last = {name: values[-1] for name, values in given.items()}
        if not forms.fits(request, PAGE, last.get("nonce", ""), [table.incident.id]):
            raise NotTaken(403, "this page was open for too long: look again, then act")
        if not _submitted.take(f"{table.incident.id}/{caller(request)}"):
            raise NotTaken(429, "too many tries: wait a minute")
        place = await _act(request, table, given, last)
    except (NotTaken, NotAllowed, IllegalStep, NotFound) as why:
        status = why.status if isinstance(why, NotTaken) else 409
        return await _page(request, await _table(request), problem=sentence(str(why)), given=given, status=status)
    return RedirectResponse(f"{request.url.path}#{place}", status_code=303)


async def _act(request: Request, table: Table, given: Mapping[str, list[str]], last: Mapping[str, str]) -> str:
    """Do what the form asks for, as whoever proves who they are; where to look then. Raises what ``submit`` tells."""
    here, incident, act = desk_of(request).here, table.incident.id, last.get("act", "")
    among = {p.email for p in table.people}
    who = "people who may act on this incident"
    actor = await who_acts(request, here, last, among=among, grave=act == "sign", who=who)
    if act == "write":
        sections = {s: last[s.value] for s in Section if s.value in last}
        told = _moment(last["authority"]) if last.get("authority") else None
        await acts.write(here, incident, sections, actor=actor, version=_version(last), authority_told_at=told)
        return "written"
    if act == "meet":
        guests = [line for line in last.get("guests", "").splitlines() if line.strip()]
        await acts.meet(
            here,
            incident,
            held_at=_moment(last.get("held", "")),
            participants=[*given.get("participant", []), *guests],
            notes=last.get("notes", ""),
            actor=actor,
            version=_version(last),
        )
        return "meeting"
    if act == "task":
        due = _moment(last.get("due", ""))
        await acts.take_on(here, incident, last.get("text", ""), owner=last.get("owner", ""), due_at=due, actor=actor)
        return "tasks"
    if act.startswith("task-"):
        await _change(request, table, act.removeprefix("task-"), last, actor)
        return "tasks"
    if act == "sign":
        await acts.sign(here, incident, role=last.get("role", ""), actor=actor, covers=last.get("covers", "") or "-")
        return "signed"
    raise NotTaken(400, "nothing was chosen")


async def _change(request: Request, table: Table, how: str, last: Mapping[str, str], actor: str) -> None:
    if last.get("id") not in {t.id for t in table.tasks}:
        raise NotTaken(409, "there is no such task of this incident")
    states = {"done": TaskState.DONE, "dropped": TaskState.DROPPED, "open": TaskState.OPEN, "save": None}
    if how not in states:
        raise NotTaken(400, "nothing was chosen")
    await acts.change(
        desk_of(request).here,
        last["id"],
        actor=actor,
        text=last.get("text"),
        owner=last.get("owner"),
        due_at=_moment(last["due"]) if last.get("due") else None,
        state=states[how],
        note=last.get("note", ""),
        seen=last.get("seen", "") or "-",
    )


def _version(last: Mapping[str, str]) -> int:
    try:
        return int(last.get("version", ""))
    except ValueError:
        raise NotTaken(400, "the form cannot be read") from None


def _moment(text: str) -> datetime:
    """What a field for date and time says; all times are UTC."""
    found = moment_of(text)
    if found is None:
        raise NotTaken(400, "give the date and the time, in UTC, such as 2026-03-01 14:30")
    return found


async def _table(request: Request) -> Table:
    here = desk_of(request).here
    async with here.store.reading() as tx:
        try:
            incident = await tx.incidents.get(request.path_params["id"])
        except NotFound:
            raise HTTPException(404, f"there is no incident {request.path_params['id']}") from None
        review = await tx.reviews.get(incident.id)
        tasks = tuple(await tx.review_tasks.list(incident.id))
        people = tuple(p for p in await circle_of(tx, incident) if not set(p.roles) <= {VIEWER})
        everybody = [p.name for p in await tx.stakeholders.list()]
    worked, did_not = await worked_and_not(here, incident.id)
    findings = {s: blame_in(text, everybody) for s, text in review.sections.items()}
    signers, now = here.settings.review.signed_by, here.clock.now()
    return Table(incident, review, tasks, people, signers, now, worked, did_not, findings)


async def _page(
    request: Request,
    table: Table,
    *,
    problem: str = "",
    given: Mapping[str, list[str]] | None = None,
    status: int = 200,
) -> Response:
    review, tasks, you = table.review, table.tasks, person_of(request)
    closed = table.incident.state in acts.OVER
    typed = {name: values[-1] for name, values in (given or {}).items()}
    missing = missing_roles(review, tasks, table.signers)
    stands = standing_signatures(review, tasks)
    mine = set(you.roles_on(table.incident.watch)) if you else None
    context: dict[str, Any] = {
        "incident": table.incident,
        "review": review,
        "tasks": tasks,
        "people": table.people,
        "names": {p.email: p.name for p in table.people},
        "sections": SECTIONS,
        "findings": table.findings,
        "worked": table.worked,
        "did_not": table.did_not,
        "breach": table.incident.assessment.type is CrisisType.DATA_BREACH,
        "able": you is None or you.email in {p.email for p in table.people},
        "closed": closed,
        "resolved": table.incident.state is IncidentState.RESOLVED,
        "stands": stands,
        "missing": missing,
        "signable": [role for role in missing if mine is None or role in mine],
        "lacks": lacks(review),
        "covers": content_hash(review, tasks),
        "asks_code": asks_code(request, grave=False),
        "asks_code_to_sign": asks_code(request, grave=True),
        "tables": tuple(TABLE_NAMES),
        "nonce": forms.nonce(request, PAGE, [table.incident.id]),
        "problem": problem,
        "typed": typed,
        "chosen": (given or {}).get("participant", []),
        "longest": LONGEST,
        "longest_task": LONGEST_TASK,
        "at": table.now,
    }
    return desk_of(request).pages.show(request, "review.html", context, status=status)


async def preview(request: Request) -> Response:
    """The report with what is written now; nothing is stored."""
    told, here = await _told(request), desk_of(request).here
    shown = await asyncio.to_thread(report_context, told, here.store.public_key_pem)
    page = await asyncio.to_thread(here.templates.render, "report.html.j2", **shown)
    return HTMLResponse(page.encode("utf-8", "replace"), headers={"Content-Security-Policy": DOCUMENT_POLICY})


async def paper(request: Request) -> Response:
    """The same as a PDF."""
    told, here = await _told(request), desk_of(request).here
    shown = await asyncio.to_thread(report_context, told, here.store.public_key_pem)
    made = await asyncio.to_thread(typeset, shown, told.material.at)
    return _file(made, f"{told.material.incident.id}-report.pdf", "application/pdf")


async def data(request: Request) -> Response:
    """The report as JSON."""
    told = await _told(request)
    made = await asyncio.to_thread(data_files, told)
    return _file(made[DATA], f"{told.material.incident.id}-report.json", "application/json")


async def table_file(request: Request) -> Response:
    """One table as CSV."""
    name = request.path_params["table"]
    told = await _told(request)
    if name not in TABLE_NAMES:
        raise HTTPException(404, f"there is no table {name}")
    made = await asyncio.to_thread(data_files, told)
    return _file(made[f"{TABLES}{name}.csv"], f"{told.material.incident.id}-{name}.csv", "text/csv; charset=utf-8")


async def everything(request: Request) -> Response:
    """The JSON and every table in one ZIP file."""
    told = await _told(request)
    made = await asyncio.to_thread(_zipped, told)
    return _file(made, f"{told.material.incident.id}-report-data.zip", "application/zip")


def _zipped(told: Told) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as bundle:
        for path, content in data_files(told).items():
            bundle.writestr(path, content)
    return whole.getvalue()


async def _told(request: Request) -> Told:
    name = request.path_params["id"]
    try:
        async with desk_of(request).here.store.reading() as tx:
            await tx.incidents.get(name)
        if not _made.take(caller(request)):
            raise HTTPException(429, "too many reports at once: wait a moment")
        return await told_of(desk_of(request).here, name)
    except NotFound:
        raise HTTPException(404, f"there is no incident {name}") from None


def _file(content: bytes, name: str, kind: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)


ROUTES = [
    Route("/incidents/{id}/review", show, methods=["GET"]),
    Route("/incidents/{id}/review", submit, methods=["POST"]),
    Route("/incidents/{id}/review/report", preview, methods=["GET"]),
    Route("/incidents/{id}/review/report.pdf", paper, methods=["GET"]),
    Route("/incidents/{id}/review/report.json", data, methods=["GET"]),
    Route("/incidents/{id}/review/report-data.zip", everything, methods=["GET"]),
    Route("/incidents/{id}/review/{table}.csv", table_file, methods=["GET"]),
]

"""``/on/{token}``: the page behind every notice that asks for somebody: what it is about, and one button, "I am on it".

Looking never takes anything on: mail scanners and previews of chats fetch links, so GET and HEAD only read. A POST does,
only from a form that this desk made for this link a short while ago, and only for the person whom the link names.
"""

import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crisis.approval import NotAllowed
from crisis.incident import Incident, IncidentState
from crisis.stakeholder import Stakeholder
from desk.access import desk_key
from desk.approve import FORM_SECONDS, MAX_FORM, sentence
from desk.guard import TokenBucket, caller, is_same_origin, read_body
from desk.state import desk_of
from records import NotFound
from tasks.acknowledge import acknowledge
from tasks.incidents import may_act
from tasks.installation import Installation
from tasks.links import LinkExpired, acting_link, read_on_it_link, reading_link
from tasks.notify import name_of
from tasks.on_it import acknowledged_by

VIA = "notice_link"
"""How records name this route."""
OVER = frozenset({IncidentState.RESOLVED, IncidentState.REVIEWED, IncidentState.DISMISSED})
_forged = TokenBucket(burst=20, seconds=3.0)
"""Wrong links by caller; right links are never held up by other people's wrong ones."""


@dataclass(frozen=True)
class Call:
    """Whom a link asks to take on which incident, as the records have it now."""

    incident: Incident
    person: Stakeholder
    taken_by: str
    """Who is on it, by e-mail address; empty while nobody is."""

    @property
    def open(self) -> bool:
        """Whether somebody is still wanted."""
        return not self.taken_by and self.incident.state not in OVER


async def show(request: Request) -> Response:
    """The page. Reads only."""
    found = await _follow(request)
    return found if isinstance(found, Response) else await _page(request, found)


async def submit(request: Request) -> Response:
    """Put on record that the person is on it, then show the page again. Twice counts once."""
    found = await _follow(request)
    if isinstance(found, Response):
        return found
    here = desk_of(request).here
    if not is_same_origin(request, here.settings.desk.url):
        return await _page(request, found, problem="this did not come from this page", status=403)
    try:
        nonce = parse_qs((await read_body(request, MAX_FORM)).decode(), max_num_fields=10).get("nonce", [""])[-1]
    except ValueError:
        return await _page(request, found, problem="the form cannot be read", status=400)
    if not _fits(here, nonce, found):
        return await _page(request, found, problem="this page was open for too long: press once more", status=403)
    if found.open:
        await acknowledge(here, found.incident.id, actor=found.person.email, via=VIA)
    return RedirectResponse(request.url.path, status_code=303)


async def _follow(request: Request) -> Call | Response:
    """Whom the link asks, or the page that says what is wrong with it."""
    desk = desk_of(request)
    try:
        async with desk.here.store.reading() as tx:
            people = {p.email: p for p in await tx.stakeholders.list()}
            claims = read_on_it_link(desk.here, request.path_params["token"], people)
            incident = await tx.incidents.get(claims.incident)
            return Call(incident, people[claims.person], await acknowledged_by(desk.here, tx, incident.id))
    except LinkExpired as over:
        return _refused(request, str(over), "This link has expired", 410)
    except NotFound:
        return _refused(request, "the incident it was made for is not in these records any more", "It is gone", 410)
    except NotAllowed as refusal:
        if not _forged.take(caller(request)):
            return desk.pages.notice(
                request, 429, "Too many wrong links", "Wait a minute, then use the link from your message."
            )
        return _refused(request, str(refusal), "This link does not open anything", 403)


def _refused(request: Request, why: str, title: str, status: int) -> Response:
    advice = "Nothing was done. Use the newest message about the incident, or the desk."
    return desk_of(request).pages.notice(request, status, title, sentence(why), advice)


def _serializer(here: Installation) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(desk_key(here.settings.home), salt="fireline.desk.on-it")


def _fits(here: Installation, nonce: str, call: Call) -> bool:
    try:
        made_for = _serializer(here).loads(nonce, max_age=FORM_SECONDS)
    except BadSignature:
        return False
    return isinstance(made_for, list) and made_for[:-1] == [call.incident.id, call.person.email]


async def _page(request: Request, call: Call, *, problem: str = "", status: int = 200) -> Response:
    desk = desk_of(request)
    here, incident, person = desk.here, call.incident, call.person
    try:
        await may_act(here, incident, person.email)
        candidate = incident.state is IncidentState.CANDIDATE
        acting = urlsplit(acting_link(here, incident.id, person.email)).path if candidate else ""
    except NotAllowed:
        acting = ""
    context = {
        "incident": incident,
        "person": person,
        "call": call,
        "mine": call.taken_by == person.email,
        "taker": name_of(here, call.taken_by),
        "acting": acting,
        "reading": urlsplit(reading_link(here, incident.id, person=person.email)).path,
        "nonce": str(_serializer(here).dumps([incident.id, person.email, secrets.token_urlsafe(9)])),
        "problem": sentence(problem),
    }
    return desk.pages.show(request, "on_it.html", context, status=status)


ROUTES = [
    Route("/on/{token}", show, methods=["GET"]),
    Route("/on/{token}", submit, methods=["POST"]),
]

"""What a lead does with an incident: confirm a candidate, dismiss a false alarm, rate it otherwise than triage did, merge
two that are one, split one that is two, say whether a post that got no clear answer is there, put frozen posts back,
watch it longer, close it. By the signed link in the lead's message (``/act/{token}``), or at the desk
(``/incidents/{id}/act``).

Looking never acts: GET only reads. A POST acts, only from a form that this desk made a short while ago, and only for a
person: the link names its holder; at the desk it is whoever is signed in, and whoever came with the shared key says who
they are and proves it with a one-time code. What is done are the acts of ``tasks.incidents`` and ``tasks.deliver``, the
same as the command's, under the same rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crisis.approval import NotAllowed
from crisis.delivery import Delivery, DeliveryState, IllegalDeliveryStep, Purpose
from crisis.freeze import FreezeState
from crisis.incident import LIVE, STEPS, Dismissal, IllegalStep, Incident, IncidentState
from crisis.monitoring import MOST_HOURS
from crisis.stakeholder import Stakeholder
from crisis.values import CrisisType, Severity
from crisis.visible import web_address
from desk import forms
from desk.approve import MAX_FORM, MAX_REASON, sentence
from desk.forms import NotTaken
from desk.guard import TokenBucket, caller
from desk.signed_in import person_of
from desk.state import desk_of
from desk.who import who_acts
from records import NotFound
from tasks import incidents
from tasks.close import resolve
from tasks.deliver import answer_unknown
from tasks.extend import extend
from tasks.first_word import reassessed
from tasks.freeze import unfreeze
from tasks.installation import Installation
from tasks.links import LinkExpired, read_acting_link
from tasks.mailing import is_mailing
from tasks.monitoring import WATCHED
from tasks.triage import override

LABELS = {
    Dismissal.FALSE_ALARM: "a false alarm",
    Dismissal.PRAISE: "praise, not anger",
    Dismissal.OFF_TOPIC: "about something else",
    Dismissal.BRIGADE: "a brigade",
    Dismissal.DUPLICATE: "a duplicate",
    Dismissal.KNOWN: "known and dealt with already",
}
FORM = "acts"
REFUSALS = (NotTaken, NotAllowed, IllegalStep, IllegalDeliveryStep, NotFound)
"""Why an act is not done."""
_forged = TokenBucket(burst=20, seconds=3.0)
"""Wrong links by caller."""
_submitted = TokenBucket(burst=10, seconds=6.0)
"""Forms by incident and caller: one-time codes must not be guessed."""


@dataclass(frozen=True)
class Place:
    """One incident on the page of acts, as the records have it now."""

    incident: Incident
    person: Stakeholder | None
    """Whom the link names; nobody at the desk, where people say who they are."""
    others: tuple[Incident, ...]
    """Incidents that it can be merged into."""
    leads: tuple[Stakeholder, ...]
    """Who may act on it."""
    unknown: tuple[Delivery, ...] = ()
    """Posts of which only a person can tell whether they are there."""
    frozen: int = 0
    """Scheduled posts of marketing that this incident keeps frozen."""

    @property
    def acts(self) -> tuple[str, ...]:
        """What can be done with it now."""
        incident = self.incident
        able = {
            "answer": bool(self.unknown),
            "unfreeze": bool(self.frozen),
            "confirm": incident.state is IncidentState.CANDIDATE,
            "dismiss": IncidentState.DISMISSED in STEPS[incident.state],
            "rate": incident.state in LIVE,
            "watch": incident.state in WATCHED,
            "close": IncidentState.RESOLVED in STEPS[incident.state],
            "merge": incident.state in LIVE and bool(self.others),
            "split": incident.state in incidents.REAL
            and incident.closed_at is None
            and len(incident.assessment.narratives) > 1,
        }
        return tuple(act for act, possible in able.items() if possible)


async def by_link(request: Request) -> Response:
    """``/act/{token}``: the page, or one act, for the person whom the link names."""
    desk = desk_of(request)
    try:
        claims = read_acting_link(desk.here, request.path_params["token"])
        place = await place_of(desk.here, claims.incident, claims.person)
        await incidents.may_act(desk.here, place.incident, claims.person)
    except LinkExpired as over:
        return _no_link(request, "This link has expired", str(over), 410)
    except NotAllowed as refusal:
        if not _forged.take(caller(request)):
            return desk.pages.notice(
                request, 429, "Too many wrong links", "Wait a minute, then use the link from your message."
            )
        return _no_link(request, "This link does not open anything", str(refusal), 403)
    return await _answer(request, place)


async def at_desk(request: Request) -> Response:
    """``/incidents/{id}/act``: the page, or one act, for whoever proves who they are."""
    return await _answer(request, await place_of(desk_of(request).here, request.path_params["id"]))


async def place_of(here: Installation, name: str, person: str = "") -> Place:
    """An incident as the page of acts shows it, to ``person`` if a link names one. Raises HTTPException 404."""
    async with here.store.reading() as tx:
        try:
            incident = await tx.incidents.get(name)
        except NotFound:
            raise HTTPException(404, f"there is no incident {name}") from None
        live = await tx.incidents.live(incident.watch)
        people = await tx.stakeholders.list()
        frozen = [p for p in await tx.frozen.list(incident=name) if p.state is FreezeState.FROZEN and not p.whole]
        posts = await tx.outbox.list(incident=incident.id, states=(DeliveryState.UNKNOWN,))
    leads = tuple(p for p in people if p.email == incident.lead or "incident_lead" in p.roles_on(incident.watch))
    others = tuple(other for other in live if other.id != incident.id)
    unknown = tuple(d for d in posts if d.needs_human and d.purpose is not Purpose.NOTICE)
    return Place(incident, next((p for p in people if p.email == person), None), others, leads, unknown, len(frozen))


def _no_link(request: Request, title: str, why: str, status: int) -> Response:
    advice = "Nothing was done. Use the newest message about the incident, or the desk."
    return desk_of(request).pages.notice(request, status, title, sentence(why), advice)


async def _answer(request: Request, place: Place) -> Response:
    if request.method != "POST":
        return _page(request, place)
    here, form = desk_of(request).here, dict[str, str]()
    try:
        await take(request, place, form)
        await carry_out(request, place, form)
    except REFUSALS as why:
        after = await place_of(here, place.incident.id, place.person.email if place.person else "")
        says, status = sentence(str(why)), status_of(why)
        if _done_already(after.incident, form.get("act", "")):  # sent twice: the first one counts
            by, told = await _done_by(here, after.incident)
            if by == _says_to_be(request, place, form):
                return RedirectResponse(request.url.path, status_code=303)
            says, status = told, 409
        return _page(request, after, problem=says, form=form, status=status)
    return RedirectResponse(request.url.path, status_code=303)


def status_of(why: Exception) -> int:
    """The HTTP status of a refusal."""
    return why.status if isinstance(why, NotTaken) else 409


async def carry_out(request: Request, place: Place, form: Mapping[str, str]) -> None:
    """Do what a form asks for, as whoever proves who they are. Raises ``REFUSALS``."""
    here = desk_of(request).here
    person = await _person(request, place, form)
    await incidents.may_act(here, place.incident, person)
    await _do(here, place, form, person)


async def take(request: Request, place: Place, form: dict[str, str]) -> None:
    """Fill ``form`` with the fields of a form that this desk made for this page. Raises ``NotTaken``; what was typed is
    in ``form`` then, too."""
    fields = await forms.read_fields(request, largest=MAX_FORM, most=10)
    if not _submitted.take(f"{place.incident.id}/{place.person.email if place.person else caller(request)}"):
        raise NotTaken(429, "too many tries: wait a minute")
    form.update({name: values[-1].strip() for name, values in fields.items()})
    if not forms.fits(request, FORM, form.get("nonce", ""), _made_for(place)):
        raise NotTaken(403, "this page was open for too long: look again, then act")
    if max(len(form.get(name, "")) for name in ("reason", "unreached")) > MAX_REASON:
        raise NotTaken(400, f"the reason is too long: keep it under {MAX_REASON:,} characters")
    if not form.get("reason"):
        raise NotTaken(400, "say why, in your own words: it goes on record")


async def _person(request: Request, place: Place, form: Mapping[str, str]) -> str:
    """Who acts, proven. Raises ``NotAllowed``."""
    if place.person is not None:
        return place.person.email
    return await who_acts(request, desk_of(request).here, form, among={lead.email for lead in place.leads})


async def _do(here: Installation, place: Place, form: Mapping[str, str], person: str) -> None:
    incident, reason, act = place.incident, form["reason"], form.get("act", "")
    if act == "confirm":
        await incidents.confirm(here, incident.id, actor=person, reason=reason)
    elif act == "dismiss":
        if form.get("label") not in set(Dismissal):
            raise NotTaken(400, "choose what it was instead")
        await incidents.dismiss(here, incident.id, actor=person, reason=reason, label=Dismissal(form["label"]))
    elif act == "rate":
        if form.get("severity") not in set(Severity) or form.get("type") not in set(CrisisType):
            raise NotTaken(400, "choose a severity and a kind")
        severity, kind = Severity(form["severity"]), CrisisType(form["type"])
        after = await override(here, incident.id, severity=severity, crisis_type=kind, actor=person, reason=reason)
        await reassessed(here, after)
    elif act == "merge":
        await incidents.merge(here, incident.id, form.get("into", ""), actor=person, reason=reason)
    elif act in ("there", "again"):
        await _answer_delivery(here, place, form, person)
    elif act == "unfreeze":
        await unfreeze(here, incident.id, actor=person, reason=reason)
    elif act == "watch":
        hours = form.get("hours", "")
        if not (hours.isascii() and hours.isdigit() and 1 <= int(hours[:4]) <= MOST_HOURS):
            raise NotTaken(400, f"say for how many hours, 1 to {MOST_HOURS}")
        await extend(here, incident.id, int(hours), actor=person, reason=reason)
    elif act == "close":
        await resolve(here, incident.id, actor=person, reason=reason, unreached=form.get("unreached", ""))
    elif act == "split":
        await incidents.split(here, incident.id, form.get("narrative", ""), actor=person, reason=reason)
    else:
        raise NotTaken(400, "nothing was chosen")


async def _answer_delivery(here: Installation, place: Place, form: Mapping[str, str], person: str) -> None:
    """Say whether a post without a clear answer is there."""
    if form.get("delivery") not in {d.id for d in place.unknown}:
        raise NotTaken(409, "that has been answered meanwhile: look at how it stands")
    there = form["act"] == "there"
    link = web_address(form.get("link", "")) if there else ""
    if there and form.get("link") and not link:
        raise NotTaken(400, "the link is not a web address: copy it whole, from https:// on, or leave it out")
    await answer_unknown(here, form["delivery"], arrived=there, actor=person, reason=form["reason"], link=link)


def _done_already(incident: Incident, act: str) -> bool:
    if act == "confirm":
        return incident.state in (IncidentState.OPEN, IncidentState.RESPONDING)
    if act == "close":
        return incident.state in (IncidentState.RESOLVED, IncidentState.REVIEWED)
    return act in ("dismiss", "merge") and incident.state is IncidentState.DISMISSED


async def _done_by(here: Installation, incident: Incident) -> tuple[str, str]:
    """Who brought an incident to where it is, by e-mail address, and that in a sentence."""
    async with here.store.reading() as tx:
        kinds = [f"incident.{state.value}" for state in IncidentState] + ["incident.merged"]
        last = (await tx.ledger.list(incident=incident.id, kinds=kinds, newest=1))[-1:]
        names = {p.email: p.name for p in await tx.stakeholders.list()}
    if not last:
        return "", "It has been done already."
    [record] = last
    return record.actor, f"{names.get(record.actor, record.actor)} has done this already, at {record.at:%H:%M} UTC."


def _says_to_be(request: Request, place: Place, form: Mapping[str, str]) -> str:
    """Who handed a form in, by e-mail address; not proven for whoever is not signed in."""
    person = place.person or person_of(request)
    return person.email if person else form.get("person", "")


def _made_for(place: Place) -> list[str]:
    return [place.incident.id, place.person.email if place.person else ""]


def nonce_of(request: Request, place: Place) -> str:
    """A word that makes a form good for the acts on an incident, for a while."""
    return forms.nonce(request, FORM, _made_for(place))


def _page(
    request: Request, place: Place, *, problem: str = "", form: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    desk = desk_of(request)
    nonce = nonce_of(request, place)
    context = {
        "incident": place.incident,
        "acts": place.acts,
        "person": place.person,
        "named": place.person is not None or person_of(request) is not None,
        "others": place.others,
        "unknown": place.unknown,
        "frozen": place.frozen,
        "mailings": {d.id for d in place.unknown if is_mailing(d)},
        "leads": place.leads,
        "labels": LABELS,
        "severities": tuple(Severity),
        "kinds": tuple(CrisisType),
        "nonce": nonce,
        "problem": problem,
        "given": form or {},
        "max_reason": MAX_REASON,
    }
    return desk.pages.show(request, "act.html", context, status=status)


ROUTES = [
    Route("/act/{token}", by_link, methods=["GET", "POST"]),
    Route("/incidents/{id}/act", at_desk, methods=["GET", "POST"]),
]

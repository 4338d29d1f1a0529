"""Where every text went: ``GET /deliveries`` for all that is open, ``GET /incidents/{id}/deliveries`` for one incident.

What nobody knows comes first, each with what is known and the two answers, their consequences spelled out; then what
waits, what was refused, and what is out. Answers are the acts of ``desk.acts``, under the same rules; a published text is
taken back here from every target at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crisis.approval import WITHDRAWING
from crisis.delivery import Delivery, DeliveryState, Purpose
from crisis.incident import Incident
from crisis.stakeholder import Stakeholder
from crisis.statement import Statement
from desk import acts, forms
from desk.approve import MAX_REASON, sentence
from desk.picture import Mailed, mailings_of, taken_back
from desk.preview import preview
from desk.state import desk_of
from desk.who import who_acts
from records import NotFound, StatementStatus, Transaction
from tasks.installation import Installation
from tasks.mailing import is_mailing
from tasks.withdraw import NothingToWithdraw, withdraw

D = DeliveryState
ORDER = (D.UNKNOWN, D.REFUSED, D.PENDING, D.ARMED, D.ACCEPTED, D.RECONCILED)
"""What needs somebody comes first."""
OPEN = (D.UNKNOWN, D.REFUSED, D.PENDING, D.ARMED)
MOST = 200
"""Deliveries on the page of all incidents."""
REFUSALS = (*acts.REFUSALS, NothingToWithdraw)


@dataclass(frozen=True)
class Asked:
    """An unknown delivery that a person must answer, and who may."""

    delivery: Delivery
    nonce: str
    leads: tuple[Stakeholder, ...]
    mailed: Mailed | None
    platform: str


@dataclass(frozen=True)
class Group:
    """One version of a text, and where it went."""

    incident: Incident
    statement: Statement
    status: StatementStatus
    deliveries: tuple[Delivery, ...]
    nonce: str
    withdrawers: tuple[Stakeholder, ...]
    """Who may take it back; nobody where nothing of it is out."""

    @property
    def counts(self) -> dict[str, int]:
        """How many of its targets are in which state."""
        found: dict[str, int] = {}
        for delivery in self.deliveries:
            found[delivery.state.value] = found.get(delivery.state.value, 0) + 1
        return found


async def everything(request: Request) -> Response:
    """What is not settled anywhere, the unknown first."""
    here = desk_of(request).here
    async with here.store.reading() as tx:
        live = await tx.incidents.open_names()
        found = [d for d in await tx.outbox.list(states=OPEN) if d.purpose is not Purpose.NOTICE]
    known = [d for d in found if d.incident in live or d.state is D.UNKNOWN]
    return await _show(request, known[:MOST], more=len(known) - MOST)


async def of_incident(request: Request) -> Response:
    """Every delivery of one incident's statements."""
    incident = await _incident(request)
    async with desk_of(request).here.store.reading() as tx:
        found = [d for d in await tx.outbox.list(incident=incident.id) if d.purpose is not Purpose.NOTICE]
    return await _show(request, found, incident=incident)


async def act(request: Request) -> Response:
    """An answer about an unknown delivery of the incident, or the withdrawal of one of its texts."""
    here, incident = desk_of(request).here, await _incident(request)
    place, form = await acts.place_of(here, incident.id), dict[str, str]()
    try:
        await acts.take(request, place, form)
        if form.get("act") == "withdraw":
            await _withdraw(request, incident, form)
        else:
            await acts.carry_out(request, place, form)
    except REFUSALS as why:
        async with here.store.reading() as tx:
            found = [d for d in await tx.outbox.list(incident=incident.id) if d.purpose is not Purpose.NOTICE]
        problem = sentence(str(why))
        return await _show(request, found, incident=incident, problem=problem, form=form, status=acts.status_of(why))
    return RedirectResponse("/deliveries" if form.get("back") == "all" else request.url.path, status_code=303)


async def _withdraw(request: Request, incident: Incident, form: Mapping[str, str]) -> None:
    here = desk_of(request).here
    async with here.store.reading() as tx:
        people = await tx.stakeholders.list()
    try:
        version = int(form.get("version", "")[:6])
    except ValueError:
        raise forms.NotTaken(400, "nothing was chosen") from None
    may = [p.email for p in people if _may_withdraw(p, incident)]
    who = f"the lead, {' and '.join(WITHDRAWING[1:])}"
    person = await who_acts(request, here, form, among=may, who=who)
    async with here.store.reading() as tx:
        statement = await tx.statements.get(form.get("statement", ""), version)
    if statement.incident != incident.id:
        raise NotFound(f"{statement.label} is not a statement of {incident.id}")
    await withdraw(here, statement.id, statement.version, actor=person, reason=form["reason"])


def _may_withdraw(person: Stakeholder, incident: Incident) -> bool:
    return person.email == incident.lead or bool(set(WITHDRAWING) & set(person.roles_on(incident.watch)))


async def _incident(request: Request) -> Incident:
    try:
        async with desk_of(request).here.store.reading() as tx:
            return await tx.incidents.get(request.path_params["id"])
    except NotFound as missing:
        raise HTTPException(404, str(missing)) from None


async def _show(
    request: Request,
    deliveries: Sequence[Delivery],
    *,
    incident: Incident | None = None,
    more: int = 0,
    problem: str = "",
    form: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    desk = desk_of(request)
    here = desk.here
    places = {name: await acts.place_of(here, name) for name in dict.fromkeys(d.incident for d in deliveries)}
    nonces = {name: acts.nonce_of(request, place) for name, place in places.items()}
    async with here.store.reading() as tx:
        mailings = await mailings_of(tx, deliveries)
        read_backs = await tx.read_backs.last(d.id for d in deliveries)
        people = await tx.stakeholders.list()
        groups = [
            await _group(tx, places[of.incident].incident, of, own, nonces[of.incident], people)
            for of, own in _by_version(deliveries)
        ]
    asked = [
        Asked(d, nonces[d.incident], places[d.incident].leads, mailings.get(d.id), _platform(here, d))
        for d in deliveries
        if d.state is D.UNKNOWN and d.needs_human
    ]
    context = {
        "incident": incident,
        "asked": asked,
        "groups": groups,
        "mailings": mailings,
        "read_backs": read_backs,
        "mailed": {d.id for d in deliveries if is_mailing(d)},
        "taken_back": taken_back(deliveries),
        "totals": _totals(deliveries),
        "platforms": {d.id: _platform(here, d) for d in deliveries},
        "more": max(0, more),
        "problem": problem,
        "given": form or {},
        "max_reason": MAX_REASON,
    }
    return desk.pages.show(request, "deliveries.html", context, status=status)


def _platform(here: Installation, delivery: Delivery) -> str:
    looks = next((c.looks_like for c in here.settings.channels if c.name == delivery.rendering.target.channel), "")
    return preview(delivery.rendering, looks).platform


def _totals(deliveries: Sequence[Delivery]) -> dict[str, int]:
    """How many stand how, in the order of their need."""
    words = {
        "unknown": (D.UNKNOWN,),
        "refused": (D.REFUSED,),
        "on the way": (D.PENDING, D.ARMED),
        "out": (D.ACCEPTED, D.RECONCILED),
    }
    return {word: number for word, of in words.items() if (number := sum(d.state in of for d in deliveries))}


def _by_version(deliveries: Sequence[Delivery]) -> list[tuple[Delivery, list[Delivery]]]:
    grouped: dict[tuple[str, int], list[Delivery]] = {}
    for delivery in deliveries:
        grouped.setdefault((delivery.statement, delivery.version), []).append(delivery)
    newest = sorted(grouped.values(), key=lambda own: own[0].created_at, reverse=True)
    return [(own[0], sorted(own, key=lambda d: ORDER.index(d.state))) for own in newest]


async def _group(
    tx: Transaction,
    incident: Incident,
    of: Delivery,
    own: Sequence[Delivery],
    nonce: str,
    people: Sequence[Stakeholder],
) -> Group:
    statement = await tx.statements.get(of.statement, of.version)
    status = await tx.statements.status(of.statement, of.version)
    able = status is not StatementStatus.WITHDRAWN and any(
        d.purpose is Purpose.STATEMENT and d.state is not D.REFUSED for d in own
    )
    may = tuple(p for p in people if able and _may_withdraw(p, incident))
    return Group(incident, statement, status, tuple(own), nonce, may)


ROUTES = [
    Route("/deliveries", everything, methods=["GET"]),
    Route("/incidents/{id}/deliveries", of_incident, methods=["GET"]),
    Route("/incidents/{id}/deliveries", act, methods=["POST"]),
]

"""``/promises``: everything that is owed to the public, the soonest first, counted down; and what is done about it.

``GET`` shows the open promises of every incident that the viewer sees (``?incident=INC-7``: of one, the kept and broken ones
too). ``POST`` says that one was kept, with what shows it, that it is broken, or who sees to it: by a person who proves who
they are, from a form of this desk. The rules are those of ``tasks.promises``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crisis.access import VIEWER
from crisis.approval import NotAllowed
from crisis.commitment import Commitment, CommitmentState
from crisis.incident import Incident
from crisis.stakeholder import Stakeholder
from desk import forms
from desk.approve import MAX_REASON, sentence
from desk.forms import NotTaken
from desk.guard import TokenBucket, caller
from desk.state import desk_of
from desk.who import asks_code, who_acts
from records import NotFound
from tasks.promises import give_up, hand_to, keep, owner_of

FORM = "promises"
MAX_FORM = 32 * 1024
MOST = 200
"""Promises on the page."""
_submitted = TokenBucket(burst=10, seconds=6.0)
"""Forms by caller: one-time codes must not be guessed."""


@dataclass(frozen=True)
class Owed:
    """One promise on the page."""

    promise: Commitment
    incident: Incident
    owner: str
    """By name; empty when nobody sees to it."""
    late: bool
    share: int
    """How much of its time has passed, in per cent."""

    @property
    def open(self) -> bool:
        return self.promise.state is CommitmentState.OPEN


async def show(request: Request) -> Response:
    """What is owed."""
    return await _page(request)


async def submit(request: Request) -> Response:
    """One act on one promise."""
    here, form = desk_of(request).here, dict[str, str]()
    try:
        form = {n: v[-1] for n, v in (await forms.read_fields(request, largest=MAX_FORM)).items()}
        id, act = form.get("commitment", ""), form.get("do", "")
        if act not in ("keep", "broken", "hand") or not forms.fits(request, FORM, form.get("nonce", ""), [id]):
            raise NotTaken(403, "this page was open for too long: look again, then press")
        if not _submitted.take(caller(request)):
            raise NotTaken(429, "too many tries: wait a minute")
        evidence = form.get("evidence", "").strip()
        if act != "hand" and (not evidence or len(evidence) > MAX_REASON):
            raise NotTaken(400, f"say what shows it, in up to {MAX_REASON:,} characters: it goes on record")
        async with here.store.reading() as tx:
            promise = await tx.commitments.get(id)
            incident = await tx.incidents.get(promise.incident)
            people = await tx.stakeholders.list()
        among = [p.email for p in _who_may(people, incident)]
        person = await who_acts(request, here, form, among=among, who="stakeholders, who answer for promises,")
        await _carry_out(request, form, id, act, person, evidence)
    except (NotTaken, NotAllowed, NotFound, ValueError) as why:
        status = why.status if isinstance(why, NotTaken) else 409
        return await _page(request, problem=sentence(str(why)), given=form, status=status)
    return RedirectResponse(f"/promises?incident={incident.id}", status_code=303)


async def _carry_out(request: Request, form: Mapping[str, str], id: str, act: str, person: str, evidence: str) -> None:
    here = desk_of(request).here
    if act == "hand":
        await hand_to(here, id, form.get("owner", ""), by=person)
    elif act == "broken":
        await give_up(here, id, by=person, reason=evidence)
    else:
        await keep(here, id, by=person, evidence=evidence, statement=form.get("statement", ""))


def _who_may(people: list[Stakeholder], incident: Incident) -> list[Stakeholder]:
    return [p for p in people if set(p.roles_on(incident.watch)) - {VIEWER}]


async def _page(
    request: Request, *, problem: str = "", given: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    desk = desk_of(request)
    here, now = desk.here, desk.here.clock.now()
    only = request.query_params.get("incident", "")[:60]
    async with here.store.reading() as tx:
        state = None if only else CommitmentState.OPEN
        found = (await tx.commitments.list(incident=only, state=state))[:MOST]
        incidents = {id: await tx.incidents.get(id) for id in dict.fromkeys(c.incident for c in found)}
        people = await tx.stakeholders.list()
    names = {p.email: p.name for p in people}
    owed = [_owed(c, incidents[c.incident], names, now) for c in found]
    context = {
        "owed": sorted(owed, key=lambda o: (not o.open, o.promise.due_at)),
        "only": only,
        "overdue": sum(o.late for o in owed),
        "open_ones": sum(o.open for o in owed),
        "people": people,
        "may": {id: _who_may(people, incident) for id, incident in incidents.items()},
        "names": names,
        "nonces": {o.promise.id: forms.nonce(request, FORM, [o.promise.id]) for o in owed if o.open},
        "asks_code": asks_code(request, grave=False),
        "problem": problem,
        "given": given or {},
        "max_reason": MAX_REASON,
    }
    return desk.pages.show(request, "promises.html", context, status=status, live=True)


def _owed(promise: Commitment, incident: Incident, names: Mapping[str, str], now: datetime) -> Owed:
    is_open = promise.state is CommitmentState.OPEN
    owner = owner_of(promise, incident)
    made = promise.made_at or promise.due_at
    whole = (promise.due_at - made).total_seconds()
    share = 100 if whole <= 0 else round(100 * min(1.0, max(0.0, (now - made).total_seconds() / whole)))
    return Owed(promise, incident, names.get(owner, owner), is_open and promise.due_at <= now, share)


ROUTES = [Route("/promises", show, methods=["GET"]), Route("/promises", submit, methods=["POST"])]

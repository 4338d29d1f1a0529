"""``/incidents/{id}/restrict``: its lead decides that only named people see an incident, or opens it to all again."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crisis.approval import NotAllowed
from crisis.incident import Incident
from desk import forms
from desk.approve import MAX_REASON, sentence
from desk.guard import TokenBucket, caller
from desk.signed_in import person_of
from desk.state import desk_of
from desk.who import who_acts
from records import NotFound
from tasks.incidents import may_act
from tasks.people import shut_out
from tasks.restrict import ROLE, lift, restrict

PAGE = "restrict"
_submitted = TokenBucket(burst=10, seconds=6.0)
"""Forms by incident and caller: one-time codes must not be guessed."""


async def show(request: Request) -> Response:
    """Who sees it now, and the choice. Reads only."""
    return await _page(request, await _incident(request))


async def submit(request: Request) -> Response:
    """Restrict it to those who were chosen, or open it to all."""
    here, incident = desk_of(request).here, await _incident(request)
    given = await forms.fields(request, PAGE, [incident.id])
    last = {name: values[-1].strip() for name, values in given.items()}
    reason = last.get("reason", "")
    try:
        if not _submitted.take(f"{incident.id}/{caller(request)}"):
            raise NotAllowed("too many tries: wait a minute")
        if not reason or len(reason) > MAX_REASON:
            raise NotAllowed("say why, in your own words: it goes on record")
        actor = await who_acts(request, here, last)
        if last.get("act") == "lift":
            await lift(here, incident.id, actor=actor, reason=reason)
        else:
            chosen = [*given.get("person_named", []), *(f"{ROLE}{role}" for role in given.get("role", []))]
            await restrict(here, incident.id, chosen, actor=actor, reason=reason)
    except NotAllowed as why:
        return await _page(request, incident, problem=sentence(str(why)), given=last, status=409)
    if person_of(request) is None:  # whoever has no name does not see it any more
        says = f"What you did about {incident.id} is on record."
        return desk_of(request).pages.notice(
            request, 200, "Done", says, on=("/sign-in", "Sign in with your name to see it")
        )
    return RedirectResponse(request.url.path, status_code=303)


async def _incident(request: Request) -> Incident:
    try:
        async with desk_of(request).here.store.reading() as tx:
            return await tx.incidents.get(request.path_params["id"])
    except NotFound:
        raise HTTPException(404, "there is no such incident") from None


async def _page(
    request: Request,
    incident: Incident,
    *,
    problem: str = "",
    given: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    desk, person = desk_of(request), person_of(request)
    async with desk.here.store.reading() as tx:
        everybody = await tx.stakeholders.list()
        restriction = await tx.restrictions.get(incident.id)
        out = await shut_out(tx, incident)
    leads = [p for p in everybody if p.email == incident.lead or "incident_lead" in p.roles_on(incident.watch)]
    able = person is None
    if person is not None:
        try:
            await may_act(desk.here, incident, person.email)
            able = True
        except NotAllowed:
            able = False
    context = {
        "incident": incident,
        "able": able,
        "restriction": restriction,
        "shut_out": out,
        "people": everybody,
        "roles": sorted({role for p in everybody for role in p.roles_on(incident.watch)}),
        "leads": leads,
        "given": given or {},
        "nonce": forms.nonce(request, PAGE, [incident.id]),
        "problem": problem,
        "max_reason": MAX_REASON,
    }
    return desk.pages.show(request, "restrict.html", context, status=status)


ROUTES = [
    Route("/incidents/{id}/restrict", show, methods=["GET"]),
    Route("/incidents/{id}/restrict", submit, methods=["POST"]),
]

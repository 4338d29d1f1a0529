"""``/incidents/{id}/told``: whoever was told something, whether they were told how it ended, and what still stands there.

Stranded audiences come first; while it goes on and no resolution is on its way, whoever is owed one is not called left
behind. A person may say why one of them is not told; the reason goes on record, and closing the incident asks no more for
it. Nothing is sent from here.
"""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crisis.access import VIEWER
from crisis.approval import NotAllowed
from crisis.delivery import Purpose
from desk import forms
from desk.approve import MAX_REASON, sentence
from desk.forms import NotTaken
from desk.guard import TokenBucket, caller
from desk.picture import taken_back
from desk.state import desk_of
from desk.who import asks_code, who_acts
from records import NotFound
from tasks.stranded import RESOLUTION, audiences, excuse, left_behind

FORM = "told"
MAX_FORM = 32 * 1024
_submitted = TokenBucket(burst=10, seconds=6.0)
"""Forms by caller: one-time codes must not be guessed."""


async def show(request: Request) -> Response:
    """The table."""
    return await _page(request)


async def submit(request: Request) -> Response:
    """Why one audience is not told."""
    here, form, id = desk_of(request).here, dict[str, str](), request.path_params["id"]
    try:
        form = {n: v[-1] for n, v in (await forms.read_fields(request, largest=MAX_FORM)).items()}
        if not forms.fits(request, FORM, form.get("nonce", ""), [id]):
            raise NotTaken(403, "this page was open for too long: look again, then press")
        if not _submitted.take(f"{id}/{caller(request)}"):
            raise NotTaken(429, "too many tries: wait a minute")
        reason = form.get("reason", "").strip()
        if not reason or len(reason) > MAX_REASON:
            raise NotTaken(400, f"say why they are not told, in up to {MAX_REASON:,} characters: it goes on record")
        async with here.store.reading() as tx:
            incident = await tx.incidents.get(id)
            people = await tx.stakeholders.list()
        among = [p.email for p in people if set(p.roles_on(incident.watch)) - {VIEWER}]
        person = await who_acts(request, here, form, among=among, who="stakeholders, who answer for what is said,")
        await excuse(here, id, form.get("key", ""), by=person, reason=reason, wants=form.get("wants", ""))
    except (NotTaken, NotAllowed) as why:
        status = why.status if isinstance(why, NotTaken) else 409
        return await _page(request, problem=sentence(str(why)), given=form, status=status)
    except NotFound as missing:
        raise HTTPException(404, str(missing)) from None
    return RedirectResponse(request.url.path, status_code=303)


async def _page(
    request: Request, *, problem: str = "", given: Mapping[str, str] | None = None, status: int = 200
) -> Response:
    desk, id = desk_of(request), request.path_params["id"]
    async with desk.here.store.reading() as tx:
        try:
            incident = await tx.incidents.get(id)
        except NotFound as missing:
            raise HTTPException(404, str(missing)) from None
        found = await audiences(tx, incident)
        people = await tx.stakeholders.list()
        seen = await tx.read_backs.of(id)
        deliveries = await tx.outbox.list(incident=id)
        left = await left_behind(tx, incident, found)
    gone = taken_back(deliveries)
    out = [d for d in deliveries if d.purpose is Purpose.STATEMENT and d.id in seen and d.id not in gone]
    context = {
        "incident": incident,
        "audiences": found,
        "left": left,
        "owed": [a for a in found if a.open and a not in left],
        "resolution": RESOLUTION,
        "seen": [(d, seen[d.id]) for d in out],
        "names": {p.email: p.name for p in people},
        "may": [p for p in people if set(p.roles_on(incident.watch)) - {VIEWER}],
        "nonce": forms.nonce(request, FORM, [id]),
        "asks_code": asks_code(request, grave=False),
        "problem": problem,
        "given": given or {},
        "max_reason": MAX_REASON,
    }
    return desk.pages.show(request, "told.html", context, status=status)


ROUTES = [
    Route("/incidents/{id}/told", show, methods=["GET"]),
    Route("/incidents/{id}/told", submit, methods=["POST"]),
]

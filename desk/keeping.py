"""``/keeping``: legal holds, erasing what is known of a person, and what retention will erase next.

Everybody at the desk sees which holds there are and what was erased, of incidents that they may see; people with the role
``legal`` act. Erasing shows first what would become of each thing, and then asks once more.
"""

from collections.abc import Iterable, Mapping

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crisis.approval import NotAllowed
from crisis.erasure import Found
from crisis.hold import ROLE
from desk import forms
from desk.approve import MAX_REASON, sentence
from desk.guard import TokenBucket, caller
from desk.signed_in import person_of
from desk.state import desk_of
from desk.who import asks_code, who_acts
from records import NotFound
from tasks import erase, hold, retention

PAGE = "keeping"
SHOWN = 20
"""Erasures that are listed, the newest ones."""
_submitted = TokenBucket(burst=10, seconds=6.0)
"""Forms by caller: one-time codes must not be guessed."""
WHO = "people of the law"


async def show(request: Request) -> Response:
    """What is held, what was erased, and what is due. Reads only."""
    return await _page(request)


async def submit(request: Request) -> Response:
    """Put a hold on, release one, look for a person, or erase."""
    given = await forms.fields(request, PAGE)
    last = {name: values[-1].strip() for name, values in given.items()}
    try:
        return await _act(request, last)
    except (NotAllowed, NotFound) as why:
        return await _page(request, problem=sentence(str(why)), typed=last, status=409)


async def _act(request: Request, last: Mapping[str, str]) -> Response:
    here, act = desk_of(request).here, last.get("act", "")
    author, recipient = last.get("author", ""), last.get("recipient", "")
    if not _submitted.take(caller(request)):
        raise NotAllowed("too many tries: wait a minute")
    if act == "look":
        await who_acts(request, here, last, among=await _lawyers(request), who=WHO)
        seen = await erase.preview(here, author=author, recipient=recipient)
        return await _page(request, typed=last, seen=await _visible(request, seen))
    reason = last.get("reason", "")
    if not reason or len(reason) > MAX_REASON:
        raise NotAllowed("say why, in your own words: it goes on record")
    grave = act in ("release", "erase")
    actor = await who_acts(request, here, last, among=await _lawyers(request), grave=grave, who=WHO)
    if act == "hold":
        await hold.place(here, last.get("incident", ""), actor=actor, reason=reason)
    elif act == "release":
        await hold.release(here, last.get("incident", ""), actor=actor, reason=reason)
    elif act == "erase":
        await erase.erase(here, author=author, recipient=recipient, actor=actor, reason=reason)
    else:
        raise NotAllowed("choose what to do")
    return RedirectResponse(request.url.path, status_code=303)


async def _lawyers(request: Request) -> list[str]:
    async with desk_of(request).here.store.reading() as tx:
        people = await tx.stakeholders.list()
    return [p.email for p in people if ROLE in p.roles or any(ROLE in roles for roles in p.watch_roles.values())]


async def _visible(request: Request, found: Iterable[Found]) -> list[Found]:
    """What belongs to incidents that whoever looks may see; the rest without saying of which."""
    async with desk_of(request).here.store.reading() as tx:
        names = set(await tx.incidents.names())
    shown: list[Found] = []
    for f in found:
        known = not f.incident or f.incident in names
        shown.append(f if known else f.model_copy(update={"incident": "", "where": "incidents that you do not see"}))
    return shown


async def _page(
    request: Request,
    *,
    problem: str = "",
    typed: Mapping[str, str] | None = None,
    seen: list[Found] | None = None,
    status: int = 200,
) -> Response:
    desk = desk_of(request)
    lawyers = await _lawyers(request)
    async with desk.here.store.reading() as tx:
        incidents = await tx.incidents.list()
        holds = await tx.holds.list()
        erasures = (await tx.erasing.list())[:SHOWN]
        people = [p for p in await tx.stakeholders.list() if p.email in lawyers]
    names = {incident.id for incident in incidents}
    due = [one for one in await retention.due(desk.here) if not one.incident or one.incident in names]
    held = [one for one in holds if one.holds]
    context = {
        "incidents": incidents,
        "held": held,
        "over": [one for one in holds if not one.holds],
        "free": [i for i in reversed(incidents) if i.id not in {one.incident for one in held}],
        "erasures": [(one, await _visible(request, one.found)) for one in erasures],
        "due": due,
        "keep": desk.here.settings.retention,
        "typed": {"author": "", "recipient": ""} | dict(typed or {}),
        "seen": seen,
        "people": people,
        "person": person_of(request),
        "asks_code": asks_code(request, grave=False),
        "asks_grave": asks_code(request, grave=True),
        "nonce": forms.nonce(request, PAGE),
        "problem": problem,
        "max_reason": MAX_REASON,
    }
    return desk.pages.show(request, "keeping.html", context, status=status)


ROUTES = [
    Route("/keeping", show, methods=["GET"]),
    Route("/keeping", submit, methods=["POST"]),
]

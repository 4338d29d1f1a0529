"""``/sessions``: where you are signed in, and how to end it: this browser's session, one of your others, or all of them."""

from datetime import timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crisis.access import Session
from desk import forms
from desk.access import cookie_name, is_secure
from desk.signed_in import person_of, real_now, session_of
from desk.state import desk_of
from tasks.installation import Installation

PAGE = "sessions"
WAYS = {
    "desk_key": "with the desk key, without a name",
    "email_link": "by a link in a mail",
    "oidc": "with your account",
}


async def show(request: Request) -> Response:
    """Your sessions that are good now."""
    desk = desk_of(request)
    context = {
        "own": _session(request),
        "person": person_of(request),
        "sessions": await _sessions(request, desk.here),
        "ways": WAYS,
        "nonce": forms.nonce(request, PAGE),
    }
    return desk.pages.show(request, "sessions.html", context)


async def end(request: Request) -> Response:
    """End one of your sessions, or all; of this browser's, its cookie goes, too."""
    here, own = desk_of(request).here, _session(request)
    given = (await forms.fields(request, PAGE, most=10)).get("session", [""])[-1]
    yours = [session.id for session in await _sessions(request, here)]
    chosen = yours if given == "all" else [id for id in yours if id == given]
    actor, reason = own.person or "desk", "signed out" if given in (own.id, "all") else "revoked by its owner"
    async with here.store.transaction() as tx:
        await tx.sessions.end(chosen, real_now(), actor=actor, via="desk", reason=reason)
    if own.id not in chosen:
        return RedirectResponse("/sessions", status_code=303)
    answer = desk_of(request).pages.notice(
        request, 200, "You are signed out", "This browser has no key to the desk any more.", on=("/sign-in", "Sign in")
    )
    answer.delete_cookie(cookie_name(is_secure(here)), path="/", httponly=True, secure=is_secure(here))
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


def _session(request: Request) -> Session:
    session = session_of(request)
    if session is None:  # only whoever has one gets here
        raise HTTPException(403, "there is no session")
    return session


async def _sessions(request: Request, here: Installation) -> list[Session]:
    """A person's sessions; whoever has no name has only the one."""
    own = _session(request)
    if not own.person:
        return [own]
    async with here.store.reading() as tx:
        idle = timedelta(hours=here.settings.desk.idle_hours)
        return await tx.sessions.list(person=own.person, now=real_now(), idle=idle)


ROUTES = [
    Route("/sessions", show, methods=["GET"]),
    Route("/sessions/end", end, methods=["POST"]),
]

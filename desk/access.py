"""Who may see the desk, and what of it: every request passes here first.

Whoever is signed in sees what they may see (``crisis.access``); whoever came with the desk key has no name and sees no
restricted incident; a signed link (to approve one text, to take on, act on or read one incident) shows what the person it
was sent to may see. The webhooks, the health check and the style sheet need none of this. A session's cookie is a random
secret of which only a hash is kept; scripts and other sites cannot use it, and every sign-in makes a new one.
"""

import secrets
from datetime import timedelta
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from crisis.access import Method
from crisis.stakeholder import Stakeholder
from desk import forms
from desk.bearer import BEARER, admitted
from desk.guard import TokenBucket, caller, is_same_origin
from desk.keys import desk_key, desk_link, hash_of, is_desk_key
from desk.linked import person_behind
from desk.page import Pages
from desk.signed_in import SIGNED_IN, SignedIn, person_of, real_now
from desk.state import VIEW, whole_desk_of
from records.view import Hidden
from tasks.installation import Installation

__all__ = ["COOKIE", "DeskAccess", "desk_key", "desk_link", "own_path", "person_of", "refused_entry", "sign_in"]

COOKIE = "fireline_desk"
LONGEST_SECRET = 128
SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is noted when a session was last used."""
MACHINES = ("/ingest", "/ses/events", "/healthz", "/hooks/", "/leave/", "/static/")
"""Doors that show nothing of any incident, and have locks of their own."""
LINKS = ("/approve/", "/act/", "/on/", "/read/")
"""Pages that a signed link opens, for whom it names."""
ENTRANCES = ("/sign-in", "/sign-in/", "/api/openapi.json")
API = "/api/"
SIGN_IN = "sign-in"
"""The page whose forms lead in."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_IN_ADDRESSES = "/?&=%:#,+@!$'()*~-._"
"""What stays as it is in the header that moves on: headers are Latin-1."""
_SIGN_IN = ("/sign-in", "Sign in")
_attempts = TokenBucket(burst=10, seconds=6.0)
"""Wrong keys and other ways in that did not open, by caller; what goes beyond is not put on record either."""
_STILL_SIGNED_IN = "fireline.still_signed_in"
"""Where a request's scope holds the question who its sender is by now."""


def cookie_name(secure: bool) -> str:
    """Browsers take a ``__Host-`` cookie only from this very host, over https, for all of it."""
    return f"__Host-{COOKIE}" if secure else COOKIE


def is_secure(here: Installation) -> bool:
    return here.settings.desk.url.startswith("https://")


async def sign_in(request: Request, answer: Response, *, person: str, method: Method) -> None:
    """Begin a session, and give ``answer`` its cookie. The session this browser had ends: none is taken over."""
    here = whole_desk_of(request).here
    home, settings, secure, now = here.settings.home, here.settings.desk, is_secure(here), real_now()
    secret, lasts = secrets.token_urlsafe(32), timedelta(days=settings.session_days)
    old = request.cookies.get(cookie_name(secure), "")
    actor = person or "desk"
    async with here.store.transaction() as tx:
        before = await tx.sessions.find(hash_of(home, old)) if 0 < len(old) <= LONGEST_SECRET else None
        if before is not None:
            await tx.sessions.end([before.id], now, actor=actor, via="desk", reason="signed in anew")
        await tx.sessions.begin(
            hash_of(home, secret),
            person=person,
            method=method,
            agent=request.headers.get("user-agent", ""),
            address=caller(request),
            now=now,
            lasts=lasts,
            actor=actor,
            via=method.value,
        )
    answer.set_cookie(
        cookie_name(secure),
        secret,
        max_age=int(lasts.total_seconds()),
        path="/",
        httponly=True,
        samesite="strict",
        secure=secure,
    )


async def refused_entry(request: Request, method: Method, why: str, *, person: str = "") -> bool:
    """Put on record that a way in did not open, unless this caller has tried too often. False when they have."""
    if not _attempts.take(caller(request)):
        return False
    data = {"method": method.value, "address": caller(request)}
    async with whole_desk_of(request).here.store.transaction() as tx:
        await tx.ledger.append("session.refused", actor=person or "unknown", via=method.value, reason=why, data=data)
    return True


def own_path(text: str) -> str:
    """``text`` as a page of this desk to go on to: never another host, and the first page where it names none."""
    try:
        place = urlsplit(text)
    except ValueError:
        return "/"
    strange = place.scheme or place.netloc or not text.startswith("/") or text.startswith(("//", "/sign-"))
    if strange or "\\" in text or not (text.isascii() and text.isprintable()) or len(text) > 500:
        return "/"
    return text


async def still_allowed(request: Request, hidden: Hidden) -> bool:
    """Whether the sender of a request that is still being answered may see what it shows: they are signed in, and nothing
    more than ``hidden`` has been hidden from them, nor shown. Whoever streams asks it now and then; a signed link has no
    session that could end."""
    ask = request.scope.get(_STILL_SIGNED_IN)
    if ask is None:
        return True
    signed_in = await ask()
    if signed_in is None:
        return False
    async with whole_desk_of(request).here.seen_by(signed_in.person).store.reading() as tx:
        return bool(tx.hidden == hidden)


class DeskAccess:
    """Lets each request through with what its sender may see, or shows the ways in."""

    def __init__(self, app: ASGIApp, *, pages: Pages) -> None:
        self._app, self._pages = app, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        here = whole_desk_of(request).here
        answer = await self._admit(request, here, scope["path"])
        if answer is not None:
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _admit(self, request: Request, here: Installation, path: str) -> Response | None:
        """Note in the scope what the sender may see; an answer instead when they may not come in."""
        scope = request.scope
        if path.startswith(MACHINES):
            scope[VIEW] = here
            return None
        if path.startswith(LINKS):
            scope[VIEW] = here.seen_by(await person_behind(here, path))
            return None
        if path in ENTRANCES or path.startswith(ENTRANCES[1]):
            scope[VIEW] = here.seen_by(None)
            return None
        if path.startswith(API):
            token = await admitted(request, here)
            if isinstance(token, Response):
                return token
            scope[BEARER], scope[VIEW] = token, here.seen_by(None)
            return None
        return await self._at_the_desk(request, here)

    async def _at_the_desk(self, request: Request, here: Installation) -> Response | None:
        if "key" in request.query_params:
            return await self._enter(request, here)
        signed_in = await self._signed_in(request, here)
        if signed_in is None:
            return self._locked(request, here)
        if request.method not in SAFE and not is_same_origin(request, here.settings.desk.url):
            says = "It came from another site. Nothing was done."
            return self._pages.notice(request, 403, "This did not come from the desk", says)
        request.scope[SIGNED_IN], request.scope[VIEW] = signed_in, here.seen_by(signed_in.person)
        request.scope[_STILL_SIGNED_IN] = lambda: self._signed_in(request, here)
        return None

    async def _signed_in(self, request: Request, here: Installation) -> SignedIn | None:
        """The session that the request's cookie opens, if it holds: a person who has left has none."""
        settings, now = here.settings.desk, real_now()
        secret = request.cookies.get(cookie_name(is_secure(here)), "")
        if not 0 < len(secret) <= LONGEST_SECRET:
            return None
        person: Stakeholder | None = None
        async with here.store.reading() as tx:
            session = await tx.sessions.find(hash_of(here.settings.home, secret))
            if session is None or not session.lives(now, timedelta(hours=settings.idle_hours)):
                return None
            if session.person:
                person = await tx.stakeholders.get(session.person)
        if (person is None) if session.person else not settings.sign_in_by_key:
            return None
        if now - session.seen_at >= SEEN_EVERY:
            async with here.store.transaction() as tx:
                await tx.sessions.seen(session.id, now)
        return SignedIn(session, person)

    async def _enter(self, request: Request, here: Installation) -> Response:
        right = is_desk_key(here.settings.home, request.query_params.get("key", ""))
        if not right or not here.settings.desk.sign_in_by_key:
            why = "the desk key is switched off" if right else "the key does not fit"
            if not await refused_entry(request, Method.KEY, why):
                says = "Wait a minute, then open the link that `fireline desk-link` prints."
                return self._pages.notice(request, 429, "Too many wrong keys", says)
            if not here.settings.desk.sign_in_by_key:
                says = "The key is switched off here: sign in with your name instead."
                return self._pages.notice(request, 403, "The key opens nothing here", says, on=_SIGN_IN)
            return self._pages.notice(
                request,
                403,
                "This key does not fit",
                "The link may be cut off, or the key has been changed since.",
                "On the machine that runs Fireline, `fireline desk-link` prints the present link.",
            )
        answer = entered(self._pages, request, _without_key(request))
        await sign_in(request, answer, person="", method=Method.KEY)
        return answer

    def _locked(self, request: Request, here: Installation) -> Response:
        if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
            # The session's cookie stays home when a link in webmail is followed; one step from our own page brings it.
            return entered(self._pages, request, _without_key(request))
        return self._pages.show(request, "locked.html", ways_in(request, here, _without_key(request)), status=403)


def ways_in(request: Request, here: Installation, going_to: str) -> dict[str, object]:
    """What the page of the ways in shows."""
    desk = here.settings.desk
    return {
        "going_to": own_path(going_to),
        "by_key": desk.sign_in_by_key,
        "by_email": desk.sign_in_by_email,
        "oidc": desk.oidc.name if desk.oidc else "",
        "nonce": forms.nonce(request, SIGN_IN),
    }


def entered(pages: Pages, request: Request, target: str) -> Response:
    """A page that moves on by itself: a redirect would still count as coming from the mail, chat or provider before it,
    and SameSite=Strict would keep the new cookie back."""
    answer = pages.show(request, "entered.html", {"target": target})
    answer.headers["Refresh"] = f"0; url={quote(target, safe=_IN_ADDRESSES)}"
    return answer


def _without_key(request: Request) -> str:
    """The same page without the key: a path on this desk, never another host."""
    path = "/" + request.url.path.lstrip("/\\")
    rest = {name: values[-1] for name, values in parse_qs(request.url.query).items() if name != "key"}
    return f"{path}?{urlencode(rest)}" if rest else path

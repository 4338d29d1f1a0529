"""Who may see the desk: whoever has been given the desk key, a random token kept beside this installation's records.

The key is handed over once, in a link (``desk_link``), and becomes a signed cookie that scripts and other sites cannot
use. Signed links (to approve one text, to take on, act on or read one incident, to leave a mailing list), the webhooks,
the health check and the style sheet carry or need no key. A new key (delete the file, start again) ends every session.
"""

import hmac
import secrets
from pathlib import Path
from urllib.parse import parse_qs, urlencode

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from config.token_file import token_at
from desk.guard import TokenBucket, caller
from desk.page import Pages
from tasks.installation import Installation

COOKIE = "fireline_desk"
SESSION_SECONDS = 7 * 24 * 3600
STILL_ALLOWED = "fireline.still_allowed"
"""Where a request's scope holds the question whether its sender may still see the desk: for connections that stay open."""
OPEN_PATHS = ("/ingest", "/ses/events", "/healthz")
OPEN_FOLDERS = ("/approve/", "/act/", "/on/", "/read/", "/leave/", "/hooks/", "/static/")


def desk_key(home: Path) -> str:
    """This installation's desk key, made at first use and readable by its owner only."""
    return token_at(home / "desk.key", 32)


def desk_link(here: Installation, path: str = "/") -> str:
    """The address that opens the desk and starts a session; treat it like a password."""
    return f"{here.settings.desk.url.rstrip('/')}{path}?{urlencode({'key': desk_key(here.settings.home)})}"


class DeskAccess:
    """Lets the open doors through, and everyone else only with the desk key or a session made from it."""

    def __init__(self, app: ASGIApp, *, home: Path, pages: Pages, secure: bool) -> None:
        self._app, self._pages, self._secure = app, pages, secure
        self._key = desk_key(home)
        self._sessions = URLSafeTimedSerializer(self._key, salt="fireline.desk.session")
        self._attempts = TokenBucket(burst=10, seconds=6.0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if "key" in request.query_params:
            answer = self._enter(request)
        elif self._has_session(request):
            scope[STILL_ALLOWED] = lambda: self._has_session(request)  # asked again while a connection stays open
            await self._app(scope, receive, send)
            return
        else:
            answer = self._locked(request)
        await answer(scope, receive, send)

    def _has_session(self, request: Request) -> bool:
        try:
            self._sessions.loads(request.cookies.get(COOKIE, ""), max_age=SESSION_SECONDS)
        except BadSignature:
            return False
        return True

    def _enter(self, request: Request) -> Response:
        given = request.query_params.get("key", "").encode()
        if not hmac.compare_digest(given, self._key.encode()):
            if not self._attempts.take(caller(request)):
                return self._pages.notice(
                    request,
                    429,
                    "Too many wrong keys",
                    "Wait a minute, then open the link that `fireline desk-link` prints.",
                )
            return self._pages.notice(
                request,
                403,
                "This key does not fit",
                "The link may be cut off, or the key has been changed since.",
                "On the machine that runs Fireline, `fireline desk-link` prints the present link.",
            )
        # A redirect would still count as coming from the mail or chat the link was in, and SameSite=Strict would keep
        # the new cookie back; a page that moves on by itself does not.
        target = _without_key(request)
        answer = self._pages.show(request, "entered.html", {"target": target})
        answer.headers["Refresh"] = f"0; url={target}"
        answer.set_cookie(
            COOKIE,
            str(self._sessions.dumps(secrets.token_urlsafe(9))),
            max_age=SESSION_SECONDS,
            path="/",
            httponly=True,
            samesite="strict",
            secure=self._secure,
        )
        return answer

    def _locked(self, request: Request) -> Response:
        if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
            # The session's cookie stays home when a link in webmail is followed; one step from our own page brings it.
            answer = self._pages.show(request, "entered.html", {"target": _without_key(request)})
            answer.headers["Refresh"] = f"0; url={_without_key(request)}"
            return answer
        return self._pages.show(request, "locked.html", {}, status=403)


def _is_open(path: str) -> bool:
    return path in OPEN_PATHS or path.startswith(OPEN_FOLDERS)


def _without_key(request: Request) -> str:
    """The same page without the key: a path on this desk, never another host."""
    path = "/" + request.url.path.lstrip("/\\")
    rest = {name: values[-1] for name, values in parse_qs(request.url.query).items() if name != "key"}
    return f"{path}?{urlencode(rest)}" if rest else path

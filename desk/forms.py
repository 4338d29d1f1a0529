"""Nonces of forms: signed, good for a while, and made for one browser's session, one page and what the page is about."""

import secrets
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.exceptions import HTTPException
from starlette.requests import Request

from desk.guard import is_same_origin, read_body
from desk.keys import desk_key
from desk.signed_in import session_of
from desk.state import desk_of

SECONDS = 12 * 3600
"""How long an open form stays good."""
MAX_FORM = 64 * 1024
"""Bytes of a form."""


def nonce(request: Request, page: str, about: Sequence[str] = ()) -> str:
    """A fresh nonce for a form of ``page``."""
    return str(_signer(request, page).dumps([_session(request), *about, secrets.token_urlsafe(9)]))


def fits(request: Request, page: str, given: str, about: Sequence[str] = ()) -> bool:
    """Whether ``given`` was made for this browser's session, this page and this matter, a short while ago."""
    try:
        made_for = _signer(request, page).loads(given, max_age=SECONDS)
    except BadSignature:
        return False
    return isinstance(made_for, list) and made_for[:-1] == [_session(request), *about]


async def fields(request: Request, page: str, about: Sequence[str] = (), *, most: int = 200) -> Mapping[str, list[str]]:
    """The fields of a form that this desk made for this browser.

    Raises:
        HTTPException: 403 it came from elsewhere or was open for too long, 400 it cannot be read, 413 it is too large.
    """
    if not is_same_origin(request, desk_of(request).here.settings.desk.url):
        raise HTTPException(403, "this did not come from a page of this desk, and nothing was done")
    try:
        given = parse_qs((await read_body(request, MAX_FORM)).decode(), max_num_fields=most)
    except ValueError:
        raise HTTPException(400, "the form cannot be read") from None
    if not fits(request, page, given.get("nonce", [""])[-1], about):
        raise HTTPException(403, "this page was open for too long, and nothing was done: look again, then act")
    return given


def _session(request: Request) -> str:
    session = session_of(request)
    return session.id if session else ""


def _signer(request: Request, page: str) -> URLSafeTimedSerializer:
    home = desk_of(request).here.settings.home
    return URLSafeTimedSerializer(desk_key(home), salt=f"fireline.desk.form.{page}")

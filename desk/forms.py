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


class NotTaken(Exception):
    """A form was not taken, and nothing was done."""

    def __init__(self, status: int, says: str) -> None:
        super().__init__(says)
        self.status = status


def nonce(request: Request, page: str, about: Sequence[str] = ()) -> str:
    """A fresh nonce for a form of ``page``."""
    return str(_signer(request, page).dumps([_session(request), *about, secrets.token_urlsafe(9)]))


def fits(request: Request, page: str, given: str, about: Sequence[str] = ()) -> bool:
    """Whether ``given`` was made for this browser's session, this page and this matter, a short while ago."""
    return made_for(request, page, given) == list(about)


def made_for(request: Request, page: str, given: str) -> list[str] | None:
    """The matter that ``given`` was made for; None when this desk did not make it for this browser's session and this
    page a short while ago."""
    try:
        found = _signer(request, page).loads(given, max_age=SECONDS)
    except BadSignature:
        return None
    if not isinstance(found, list) or found[0] != _session(request):
        return None
    return [str(part) for part in found[1:-1]]


async def read_fields(request: Request, *, largest: int, most: int = 300) -> dict[str, list[str]]:
    """The fields of a form that came from a page of this desk, as they were typed.

    Raises:
        NotTaken: another site sent it, or it cannot be read.
    """
    if not is_same_origin(request, desk_of(request).here.settings.desk.url):
        raise NotTaken(403, "this did not come from a page of the desk")
    try:
        return parse_qs((await read_body(request, largest)).decode(), keep_blank_values=True, max_num_fields=most)
    except ValueError:
        raise NotTaken(400, "the form cannot be read") from None


async def fields(request: Request, page: str, about: Sequence[str] = (), *, most: int = 200) -> Mapping[str, list[str]]:
    """The fields that were filled in of a form that this desk made for this browser, for pages that show no form again.

    Raises:
        HTTPException: 403 it came from elsewhere or was open for too long, 400 it cannot be read, 413 it is too large.
    """
    try:
        typed = await read_fields(request, largest=MAX_FORM, most=most)
    except NotTaken as why:
        raise HTTPException(why.status, f"{why}, and nothing was done") from None
    given = {name: filled for name, values in typed.items() if (filled := [value for value in values if value])}
    if not fits(request, page, given.get("nonce", [""])[-1], about):
        raise HTTPException(403, "this page was open for too long, and nothing was done: look again, then act")
    return given


def _session(request: Request) -> str:
    session = session_of(request)
    return session.id if session else ""


def _signer(request: Request, page: str) -> URLSafeTimedSerializer:
    home = desk_of(request).here.settings.home
    return URLSafeTimedSerializer(desk_key(home), salt=f"fireline.desk.form.{page}")

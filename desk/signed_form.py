"""Forms of the desk that are no act on an incident: made here a short while ago, sent from here, of bounded size.

A GET never acts. Whose form it is says the session; what is done in it goes on record under that name.
"""

import secrets
from urllib.parse import parse_qs

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.exceptions import HTTPException
from starlette.requests import Request

from desk.access import desk_key
from desk.approve import FORM_SECONDS
from desk.guard import is_same_origin, read_body
from desk.state import desk_of
from tasks.installation import Installation

MAX_FORM = 16 * 1024
"""Bytes of one form."""


def nonce(here: Installation, purpose: str) -> str:
    """What the form for ``purpose`` carries."""
    return str(_serializer(here).dumps([purpose, secrets.token_urlsafe(9)]))


async def taken(request: Request, purpose: str) -> dict[str, str]:
    """The fields of a form that this desk made for ``purpose``.

    Raises:
        HTTPException: 403 when it is none of ours or too old, 400 when it cannot be read.
    """
    here = desk_of(request).here
    if not is_same_origin(request, here.settings.desk.url):
        raise HTTPException(403, "this did not come from a page of this desk")
    try:
        fields = parse_qs((await read_body(request, MAX_FORM)).decode(), max_num_fields=20)
    except ValueError:
        raise HTTPException(400, "the form cannot be read: open the page again") from None
    form = {name: values[-1].strip() for name, values in fields.items()}
    try:
        made_for = _serializer(here).loads(form.get("nonce", ""), max_age=FORM_SECONDS)
    except BadSignature:
        made_for = None
    if not isinstance(made_for, list) or made_for[0] != purpose:
        raise HTTPException(403, "this page was open for too long: open it again, then press the button")
    return form


def _serializer(here: Installation) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(desk_key(here.settings.home), salt="fireline.desk.form")

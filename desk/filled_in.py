"""Filled-in forms of the desk: taken only from its own pages, made a short while ago for one purpose, by a person who
proves who they are. A form that is not taken does nothing.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qs

from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.requests import Request

from crisis.approval import NotAllowed
from desk.access import desk_key
from desk.approve import FORM_SECONDS
from desk.guard import is_same_origin, read_body
from desk.state import desk_of
from tasks.approve import check_code

MOST_FIELDS = 300


class NotTaken(Exception):
    """A form was not taken, and nothing was done."""

    def __init__(self, status: int, says: str) -> None:
        super().__init__(says)
        self.status = status


def _serializer(request: Request, form: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(desk_key(desk_of(request).here.settings.home), salt=f"fireline.desk.{form}")


def nonce(request: Request, form: str, made_for: Sequence[str]) -> str:
    """A word that makes one kind of ``form`` good for one purpose, for a while."""
    return str(_serializer(request, form).dumps([*made_for, secrets.token_urlsafe(9)]))


def fits(request: Request, form: str, given: str, made_for: Sequence[str]) -> bool:
    """Whether ``given`` was made by this desk for that form and purpose, and not too long ago."""
    try:
        found = _serializer(request, form).loads(given, max_age=FORM_SECONDS)
    except BadSignature:
        return False
    return isinstance(found, list) and found[:-1] == list(made_for)


async def read_fields(request: Request, *, largest: int, most: int = MOST_FIELDS) -> dict[str, list[str]]:
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


async def proven(request: Request, form: Mapping[str, str], among: Iterable[str], *, who: str) -> str:
    """The person who acts, by their one-time code: one of ``among``, in words ``who``.

    Raises:
        NotAllowed: nobody of them was chosen, or the code does not prove it.
    """
    person = form.get("person", "")
    if person not in set(among):
        raise NotAllowed(f"choose who you are: only {who} may do this")
    await check_code(desk_of(request).here, person, form.get("code", ""))
    return person

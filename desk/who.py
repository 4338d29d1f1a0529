"""Who a request comes from, who acts by it, and how that is proven: the one place where every page asks."""

from collections.abc import Collection, Mapping
from datetime import timedelta

from starlette.requests import Request

from crisis.access import Method
from crisis.approval import NotAllowed
from desk.guard import TokenBucket
from desk.signed_in import person_of, real_now, session_of
from desk.state import desk_of
from tasks.approve import check_code
from tasks.installation import Installation

_codes = TokenBucket(burst=20, seconds=3.0)
"""One-time codes by person: they must not be guessed."""


def asks_code(request: Request, *, grave: bool) -> bool:
    """Whether a form must ask for a one-time code: from whoever has no name here, always; from who is signed in, for
    what is grave (approving, publishing, break-glass), unless a provider has vouched for them a moment ago.
    """
    session, settings = session_of(request), desk_of(request).here.settings.desk
    if session is None or person_of(request) is None:
        return True
    if not grave or not settings.confirm_with_code:
        return False
    fresh = timedelta(minutes=settings.fresh_minutes)
    return session.method is not Method.OIDC or real_now() - session.began_at >= fresh


async def who_acts(
    request: Request,
    here: Installation,
    form: Mapping[str, str],
    *,
    among: Collection[str] | None = None,
    grave: bool = False,
    who: str = "leads",
) -> str:
    """The e-mail address of whoever hands a form in, proven: by the session, or by the fields ``person`` and ``code``.

    Args:
        among: who may do it, and be chosen in the form by somebody who is not signed in.
        grave: what is done is approving, publishing or break-glass.
        who: those of ``among`` in words.

    Raises:
        NotAllowed: they are not enrolled, or the code is wrong, old or used; or they chose nobody.
    """
    person = person_of(request)
    email = person.email if person is not None else form.get("person", "")
    if person is None and (not email or (among is not None and email not in among)):
        raise NotAllowed(f"choose who you are: only {who} may do this")
    if among is not None and email not in among:
        raise NotAllowed(f"only {who} may do this")
    if asks_code(request, grave=grave):
        if not _codes.take(email):  # whatever page and machine they come from
            raise NotAllowed("too many codes were tried for this person: wait a minute")
        await check_code(here, email, form.get("code", ""))
    return email

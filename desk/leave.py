"""``/leave/{token}``: how a recipient leaves a mailing list, by the link in their own mail (RFC 8058).

Looking never decides: mail scanners fetch links, so GET only shows a page with one button. A POST decides, without a
login and whatever it holds, because mail programs send it by themselves when their reader asks them to.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crisis.approval import NotAllowed
from desk.approve import sentence
from desk.guard import TokenBucket, caller, read_body
from desk.state import desk_of
from tasks.leaving import leave, leaving

MAX_BODY = 16 * 1024
"""Bytes of a POST; mail programs send ``List-Unsubscribe=One-Click``."""
_forged = TokenBucket(burst=20, seconds=3.0)
"""Wrong links by caller; right links are never held up by other people's wrong ones."""


async def show(request: Request) -> Response:
    """What the button would do. Reads only."""
    desk = desk_of(request)
    try:
        who = await leaving(desk.here, request.path_params["token"])
    except NotAllowed as refusal:
        return _refused(request, str(refusal))
    context = {"list": who.channel, "organisation": desk.here.settings.organisation, "link": request.url.path}
    return desk.pages.show(request, "leave.html", context)


async def submit(request: Request) -> Response:
    """Take the address off the list."""
    desk = desk_of(request)
    await read_body(request, MAX_BODY)
    try:
        who = await leave(desk.here, request.path_params["token"])
    except NotAllowed as refusal:
        return _refused(request, str(refusal))
    return desk.pages.notice(
        request,
        200,
        "You have left the list",
        f"{desk.here.settings.organisation} will not mail you on {who.channel!r} again.",
    )


def _refused(request: Request, why: str) -> Response:
    pages = desk_of(request).pages
    if not _forged.take(caller(request)):
        return pages.notice(request, 429, "Too many wrong links", "Wait a minute, then use the link from your mail.")
    return pages.notice(
        request,
        403,
        "This link does not open anything",
        sentence(why),
        "Use the link from the mail, whole and unchanged.",
    )


ROUTES = [
    Route("/leave/{token}", show, methods=["GET"]),
    Route("/leave/{token}", submit, methods=["POST"]),
]

"""``GET /read/{token}``: what a signed link lets its holder read, without the desk's key, a session or a cookie.

A link in a notice opens the pages of its one incident for the person it was sent to, as long as they are a stakeholder.
A link in the form of a suspended run opens the exact previews of its one text. Neither decides or changes anything.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crisis.approval import NotAllowed
from desk import incident
from desk.approve import looks_like, sentence
from desk.guard import TokenBucket, caller
from desk.page import hides
from desk.pictures import picture_of
from desk.preview import preview
from desk.state import desk_of
from records import NotFound
from tasks.links import LinkExpired, ReadClaims, read_reading_link

Show = Callable[[Request], Awaitable[Response]]

_forged = TokenBucket(burst=20, seconds=3.0)
"""Wrong links by caller; right links are never held up by other people's wrong ones."""


def _reading(show: Show) -> Show:
    """The page ``show`` of the incident that the link names, for whoever holds the link."""

    async def shown(request: Request) -> Response:
        claims = await _claims(request)
        if isinstance(claims, Response):
            return claims
        if claims.statement:
            return _refused(request, "it opens one text only, and this page shows more")
        request.path_params["id"] = claims.incident
        return await show(request)

    return shown


async def _first(request: Request) -> Response:
    """What the link names: the incident's page, or the previews of one text."""
    claims = await _claims(request)
    if isinstance(claims, Response):
        return claims
    return await (_previews(request, claims) if claims.statement else _page(request))


async def _previews(request: Request, claims: ReadClaims) -> Response:
    """One text exactly as it would be, or was, published on each target."""
    desk = desk_of(request)
    try:
        async with desk.here.store.reading() as tx:
            text = await tx.statements.get(claims.statement, claims.version)
            status = await tx.statements.status(text.id, text.version)
            newest = (await tx.statements.get(text.id)).version
    except NotFound:
        return _refused(request, "the text it was made for is not in these records any more")
    posts = [preview(r, looks_like(desk.here, r)) for r in text.renderings]
    context = {
        "statement": text,
        "status": status,
        "newest": newest,
        "posts": posts,
        "hidden": any(hides(post.read) for post in posts),
    }
    return desk.pages.show(request, "previews.html", context)


async def _picture(request: Request) -> Response:
    """A picture of the one text, or of the one incident's texts, that the link opens."""
    claims = await _claims(request)
    if isinstance(claims, Response):
        return claims
    try:
        async with desk_of(request).here.store.reading() as tx:
            if claims.statement:
                texts = [await tx.statements.get(claims.statement, claims.version)]
            else:
                texts = await tx.statements.list(claims.incident)
    except NotFound:
        return _refused(request, "the text it was made for is not in these records any more")
    return await picture_of(request, *texts)


async def _claims(request: Request) -> ReadClaims | Response:
    """What the link says, or the page that says what is wrong with it."""
    desk = desk_of(request)
    try:
        claims = read_reading_link(desk.here, request.path_params["token"])
        if claims.person:
            async with desk.here.store.reading() as tx:
                person = await tx.stakeholders.get(claims.person)
            if person is None:
                raise NotAllowed("whom this link was sent to is not among the stakeholders any more")
    except LinkExpired as over:
        return _refused(request, str(over), title="This link has expired", status=410)
    except NotAllowed as refusal:
        if not _forged.take(caller(request)):
            return desk.pages.notice(
                request, 429, "Too many wrong links", "Wait a minute, then use the link from your message."
            )
        return _refused(request, str(refusal))
    return claims


def _refused(
    request: Request, why: str, *, title: str = "This link does not open anything", status: int = 403
) -> Response:
    advice = "Use the newest message about the incident, or ask whoever runs Fireline for a link to the desk."
    return desk_of(request).pages.notice(request, status, title, sentence(why), advice)


_page = _reading(incident.page)

ROUTES = [
    Route("/read/{token}", _first, methods=["GET"]),
    Route("/read/{token}/pictures/{sha256}", _picture, methods=["GET"]),
    Route("/read/{token}/chart.svg", _reading(incident.chart), methods=["GET"]),
    Route("/read/{token}/report", _reading(incident.report), methods=["GET"]),
]

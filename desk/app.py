"""The desk as one Starlette application over a running installation."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from desk import (
    acts,
    api,
    api_asked,
    api_document,
    api_told,
    approve,
    decide,
    deliveries,
    hooks,
    incident,
    ingest,
    keeping,
    leave,
    now,
    on_it,
    people,
    pictures,
    promises,
    questions,
    read,
    record,
    restrict,
    review,
    sandbox,
    ses_events,
    sessions,
    setup,
    sign_in,
    sign_in_oidc,
    statement,
    statement_acts,
    stream,
    told,
    watch_preview,
)
from desk.access import DeskAccess, desk_key
from desk.api_shapes import problem
from desk.guard import HEADERS, KeptFiles, SecurityHeaders
from desk.kept import Kept
from desk.live import Live
from desk.page import FOLDER, Pages
from desk.pressed import PressedOnce
from desk.state import Desk, desk_of
from tasks.installation import Installation
from tasks.links import prove_key

_TITLES = {
    400: "This cannot be read",
    404: "There is nothing here",
    405: "This page cannot do that",
    408: "It took too long",
    413: "It is too large",
}


async def healthz(request: Request) -> Response:
    """``GET /healthz``: 200 while the desk can read the records, else 503. Says nothing about what is in them."""
    try:
        async with desk_of(request).here.store.reading() as tx:
            await tx.watches.list()
    except Exception:  # whatever keeps the records from answering is the finding
        return JSONResponse({"ok": False, "says": "the records do not answer"}, status_code=503)
    return JSONResponse({"ok": True})


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for that class
    says = error.detail[:1].upper() + error.detail[1:] + "."
    if error.status_code == 404:
        says = "The address may be cut off, or what it named was never there."
    if request.url.path.startswith("/api/"):
        answer = problem(error.status_code, error.detail)
        answer.headers.update(error.headers or {})
        return answer
    return desk_of(request).pages.notice(request, error.status_code, _TITLES.get(error.status_code, error.detail), says)


async def _broken(request: Request, error: Exception) -> Response:
    if request.url.path.startswith("/api/"):
        answer = problem(500, "something broke here; it is in the log")
        answer.headers.update(HEADERS)
        return answer
    answer = desk_of(request).pages.notice(
        request,
        500,
        "Something broke here",
        "It is in the log. Nothing is lost: what was recorded before stays recorded.",
        "Open the page again to see how things stand. If you were deciding, look there whether your decision counted.",
    )
    answer.headers.update(HEADERS)  # this answer is made outside the middleware
    return answer


def create_app(here: Installation) -> Starlette:
    """The desk over ``here``, which stays the caller's to close.

    Raises:
        config.ConfigError: the desk's or the links' key was emptied or cut off.
    """
    desk_key(here.settings.home)  # made now, so that the link to the desk works from the first start on
    prove_key(here)
    drill = here.settings.drill.scenario if here.settings.drill else ""
    pages = Pages(here.settings.organisation, here.clock, drill=drill)
    app = Starlette(
        routes=[
            *now.ROUTES,
            *incident.ROUTES,
            *acts.ROUTES,
            *restrict.ROUTES,
            *people.ROUTES,
            *keeping.ROUTES,
            *review.ROUTES,
            *questions.ROUTES,
            *sign_in_oidc.ROUTES,
            *sign_in.ROUTES,
            *sessions.ROUTES,
            *api.ROUTES,
            *api_asked.ROUTES,
            *api_told.ROUTES,
            *api_document.ROUTES,
            *statement.ROUTES,
            *statement_acts.ROUTES,
            *deliveries.ROUTES,
            *promises.ROUTES,
            *told.ROUTES,
            *record.ROUTES,
            *sandbox.ROUTES,
            *approve.ROUTES,
            *decide.ROUTES,
            *on_it.ROUTES,
            *read.ROUTES,
            *pictures.ROUTES,
            *leave.ROUTES,
            *ingest.ROUTES,
            *hooks.ROUTES,
            *ses_events.ROUTES,
            *setup.ROUTES,
            *watch_preview.ROUTES,
            Route("/healthz", healthz, methods=["GET"]),
            *stream.ROUTES,
            Mount("/static/htmx", KeptFiles(packages=[("django_htmx", "static/django_htmx")])),
            Mount("/static", KeptFiles(directory=FOLDER / "static")),
        ],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(DeskAccess, pages=pages),
            Middleware(PressedOnce),
        ],
        exception_handlers={HTTPException: _refused, 500: _broken},
    )
    app.state.desk = Desk(here, pages, Kept(), Live())
    return app

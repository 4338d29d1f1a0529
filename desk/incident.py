"""``GET /incidents/{id}`` and what hangs on it: the war room of one incident, its charts as images, and its written report.

The page tells, from the records, what happened, why it was rated so, what was said and where it stands. At the desk it
keeps itself up to date (``desk.live``); by a signed link it is read as it stands.
"""

import asyncio

from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from crisis import charts
from crisis.incident import Incident
from desk.guard import DOCUMENT_POLICY
from desk.live import digest, register
from desk.picture import load
from desk.room import BEFORE, PIECES, REPORT, foreseen, gather, marks, pieces
from desk.state import Desk, desk_of
from records import NotFound, Transaction
from tasks.review import report_folder


async def _incident(request: Request, tx: Transaction) -> Incident:
    name = request.path_params["id"]
    try:
        return await tx.incidents.get(name)
    except NotFound:
        raise HTTPException(404, f"there is no incident {name}") from None


async def page(request: Request) -> Response:
    """Everything about one incident. ``?details=1`` keeps the timeline's small print."""
    desk, name, place = desk_of(request), request.path_params["id"], request.url.path
    read_only, details = place.startswith("/read/"), request.query_params.get("details") == "1"
    below = place if read_only else ""
    try:
        context = await gather(desk, name, place=place, below=below, read_only=read_only, details=details)
    except NotFound:
        raise HTTPException(404, f"there is no incident {name}") from None
    shown = pieces(desk, context)
    still = ("timeline",) if details else ()
    more = {"fragments": shown, "called": PIECES, "have": digest(shown), "of": name, "still": still}
    return desk.pages.show(request, "incident.html", {**context, **more}, live=not read_only)


async def _live(desk: Desk, of: str) -> dict[str, Markup]:
    return pieces(desk, await gather(desk, of))


async def chart(request: Request) -> Response:
    """A chart as an SVG image. ``?of=share`` is the negative share instead of the volume, ``?wide=1`` the wide form."""
    here = desk_of(request).here
    async with here.store.reading() as tx:
        incident = await _incident(request, tx)
        until = (incident.closed_at or here.clock.now()) + BEFORE
        signals = await tx.signals.list(incident.watch, since=incident.started_at - BEFORE, until=until)
        picture = await load(tx, incident, here.clock.now())
        observations = await tx.observations.list(incident.id)
    draw = charts.negative_share_chart if request.query_params.get("of") == "share" else charts.volume_chart
    width = charts.WIDE if request.query_params.get("wide") == "1" else charts.NARROW
    marked, ahead = marks(picture, observations), foreseen(picture)
    drawn = await asyncio.to_thread(draw, signals, marked, width=width, standalone=True, foreseen=ahead)
    return Response(drawn, media_type="image/svg+xml", headers={"Content-Security-Policy": DOCUMENT_POLICY})


async def report(request: Request) -> Response:
    """The after-action report, once it is written."""
    desk = desk_of(request)
    async with desk.here.store.reading() as tx:
        incident = await _incident(request, tx)
    path = report_folder(desk.here, incident.id) / REPORT
    try:
        written = await asyncio.to_thread(path.read_bytes)
    except FileNotFoundError:
        return desk.pages.notice(
            request,
            404,
            f"There is no report on {incident.id} yet",
            "It is written when the incident has been resolved.",
            f"To write it now: `fireline report {incident.id} -o DIRECTORY`",
        )
    return HTMLResponse(written, headers={"Content-Security-Policy": DOCUMENT_POLICY})


register("INC", _live)
ROUTES = [
    Route("/incidents/{id}", page, methods=["GET"]),
    Route("/incidents/{id}/chart.svg", chart, methods=["GET"]),
    Route("/incidents/{id}/report", report, methods=["GET"]),
]

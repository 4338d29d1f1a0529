"""``GET /``: the open incidents by severity, their clocks, what each waits for, from whom; and what is not heard."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crisis.incident import LIVE, IncidentState
from desk.picture import clocks, load
from desk.state import desk_of
from desk.waiting import waits
from tasks.coverage import coverage_lines

MOST = 50
"""Open incidents on the page; the rest are counted."""
LATELY = 5
"""Closed incidents that are still listed."""
REFRESH_SECONDS = 15


async def now_page(request: Request) -> Response:
    """The page one opens first at night. ``?live=1`` makes it renew itself."""
    desk = desk_of(request)
    now = desk.here.clock.now()
    async with desk.here.store.reading() as tx:
        live = sorted(await tx.incidents.list(states=LIVE), key=lambda i: (-i.severity.weight, i.opened_at))
        cards = []
        for incident in live[:MOST]:
            picture = await load(tx, incident, now)
            readings = clocks(picture, await tx.incidents.assessments(incident.id), now)
            cards.append((picture, [r for r in readings if r.met_at is None], waits(picture, desk.here.settings)))
        closed = await tx.incidents.list(states=frozenset(IncidentState) - LIVE)
        watches = await tx.watches.list()
    lacking = await coverage_lines(desk.here)
    renewing = request.query_params.get("live") == "1"
    answer = desk.pages.show(
        request,
        "now.html",
        {
            "cards": cards,
            "more": max(0, len(live) - MOST),
            "closed": sorted(closed, key=lambda i: i.closed_at or i.opened_at, reverse=True)[:LATELY],
            "watches": watches,
            "lacking": lacking,
            "renewing": renewing,
            "refresh_seconds": REFRESH_SECONDS,
        },
    )
    if renewing:
        answer.headers["Refresh"] = str(REFRESH_SECONDS)
    return answer


ROUTES = [Route("/", now_page, methods=["GET"])]

"""``GET /live?of=…``: open pages are kept up to date by server-sent events, one connection a page.

``of`` names what a page looks at: ``now``, or an incident; what it is told is ``desk.live``'s. A reader that takes nothing
for ``STUCK_SECONDS`` is let go; nobody waits for it.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from desk.access import still_allowed
from desk.live import View, build_of
from desk.signed_in import session_of
from desk.state import desk_of, whole_desk_of
from records import NotFound

logger = logging.getLogger(__name__)

STUCK_SECONDS = 20.0
MOST_READERS = 400
MOST_BY_ONE = 40
"""Pages that one session may keep open: nobody takes the line from everybody else."""


class Stream(Response):
    """Sends events until the reader leaves or is stuck."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[bytes, None]) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        leaving, sending = asyncio.create_task(_left(receive)), asyncio.create_task(self._send(send))
        try:
            await asyncio.wait({leaving, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (leaving, sending):
                task.cancel()
            await asyncio.gather(leaving, sending, return_exceptions=True)
            await self._events.aclose()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async for chunk in self._events:
                async with asyncio.timeout(STUCK_SECONDS):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError:
            logger.info("live updates: a reader took nothing for %.0f s and was let go", STUCK_SECONDS)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def live(request: Request) -> Response:
    """The stream of one page. ``have``: what it has already; ``after`` or ``Last-Event-ID``: how far it had come."""
    desk, of = desk_of(request), request.query_params.get("of", "")
    build = build_of(of)
    if build is None:
        raise HTTPException(404, "nothing of that name is kept up to date")
    async with desk.here.store.reading() as tx:
        hidden = tx.hidden
        try:
            if of != "now":
                await tx.incidents.get(of)
        except NotFound:
            raise HTTPException(404, f"there is no incident {of}") from None
    session = session_of(request)
    who = session.id if session else ""
    if desk.live.open_by(who) >= MOST_BY_ONE:
        raise HTTPException(429, "too many pages are open here: close some")
    if desk.live.readers >= MOST_READERS:
        raise HTTPException(503, "too many pages are open")
    pairs = (item.partition(".") for item in request.query_params.get("have", "")[:2000].split(","))
    events = desk.live.read(
        whole_desk_of(request),
        View(of, build, desk, hidden),
        after=request.headers.get("last-event-id") or request.query_params.get("after", ""),
        have={name: mark for name, _, mark in pairs},
        still=lambda: still_allowed(request, hidden),
        who=who,
    )
    return Stream(events)


ROUTES = [Route("/live", live, methods=["GET"])]

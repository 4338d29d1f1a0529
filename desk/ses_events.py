"""``POST /ses/events``: bounces and complaints that Amazon SNS posts, each message proven by SNS's own signature.

Only topics that a channel names (``events_topic``) are heard, and a subscription is confirmed for those alone. What
cannot be stored just now is answered with 503, and SNS posts it again.
"""

from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from desk.guard import TokenBucket, caller, read_body
from desk.state import desk_of
from integrations import IntegrationError
from integrations.ses_events import came_back
from integrations.sns_message import CONFIRMATION, NOTIFICATION, NotFromSns, SnsDoor
from tasks.bounces import sns_door, take_note

MAX_BODY = 512 * 1024
"""Bytes; SNS sends at most 256 KiB, and JSON in JSON takes room."""
_unproven = TokenBucket(burst=20, seconds=1.0)
"""Messages that were not proven, by caller: each may cost the fetching of a certificate."""


async def take(request: Request) -> Response:
    """Take one message: 200 when it is taken or of no interest; else one sentence under ``error``."""
    here = desk_of(request).here
    try:
        body = await read_body(request, MAX_BODY)
        door = _door(request)
        message = await door.take(body)
        if message.type == CONFIRMATION:
            await door.confirm(message)
        elif message.type == NOTIFICATION:
            await take_note(here, came_back(message.text), via="sns")
    except HTTPException as refused:
        return JSONResponse({"error": refused.detail}, status_code=refused.status_code)
    except NotFromSns as refusal:
        status = 403 if _unproven.take(caller(request)) else 429
        return JSONResponse({"error": str(refusal)}, status_code=status)
    except (DBAPIError, TimeoutError, IntegrationError):
        return JSONResponse({"error": "it cannot be taken just now: send it again"}, status_code=503)
    return JSONResponse({"ok": True})


def _door(request: Request) -> SnsDoor:
    state = request.app.state
    if not hasattr(state, "sns_door"):
        state.sns_door = sns_door(desk_of(request).here)
    door: SnsDoor = state.sns_door
    return door


ROUTES = [Route("/ses/events", take, methods=["POST"])]

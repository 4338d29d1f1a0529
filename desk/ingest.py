"""``POST /ingest``: posts from any program that knows the shared secret (see ``desk.webhook`` for how to sign), or has a
token with the scope ``ingest``.

The answer counts what was accepted and what was new, and names every post that was rejected. Nothing is stored unless
the sender is proven, and whatever is accepted is stored before the answer goes out.
"""

import asyncio
import time
from datetime import datetime

from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

import config
from crisis import signature
from crisis.access import Scope as AccessScope
from desk import webhook
from desk.bearer import admitted, has_bearer
from desk.guard import read_body
from desk.state import desk_of

JSON_LINES = ("application/x-ndjson", "application/jsonl", "application/x-jsonlines", "application/jsonlines")


async def ingest(request: Request) -> Response:
    """Take posts.

    Answers 200 with the counts, 422 with them when every post was rejected; else one sentence under ``error``: 401 not
    signed, 400 not readable, 408, 413 and 415 too slow, too large and compressed, 503 not possible just now.
    """
    here = desk_of(request).here
    try:
        if has_bearer(request):
            token = await admitted(request, here, AccessScope.INGEST)
            if isinstance(token, Response):
                return token
        posts = await _posts(request, here.clock.now())
        async with here.store.transaction() as tx:
            new = await tx.inbox.add(posts.mentions)
    except HTTPException as refused:
        return JSONResponse({"error": refused.detail}, status_code=refused.status_code)
    except DBAPIError:
        says = "the records cannot be written just now and nothing was stored: send the same again in a minute"
        return JSONResponse({"error": says}, status_code=503)
    answer = {
        "accepted": len(posts.mentions),
        "new": new,
        "rejected": [{"index": r.index, "says": r.says} for r in posts.rejected],
    }
    return JSONResponse(answer, status_code=422 if posts.rejected and not posts.mentions else 200)


async def _posts(request: Request, now: datetime) -> webhook.Posts:
    """What the request holds, once it is proven to come from a sender: by its signature, or by the token it came with
    (proven before). Raises ``HTTPException`` with the sentence."""
    secret = config.secret_from_environment("ingest", "secret")
    if not secret and not has_bearer(request):
        raise HTTPException(503, "the webhook is switched off: set FIRELINE_INGEST_SECRET and start Fireline again")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise HTTPException(415, "compressed bodies are not read: send plain JSON")
    body = await read_body(request, webhook.MAX_BODY)
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        if not has_bearer(request):
            signature.verify(request.headers.get(signature.HEADER, ""), body, secret or "", time.time())
        return await asyncio.to_thread(webhook.read_posts, body, now=now, lines=declared in JSON_LINES)
    except signature.Unsigned as unsigned:
        raise HTTPException(401, str(unsigned)) from None
    except webhook.Unreadable as unreadable:
        raise HTTPException(400, str(unreadable)) from None


ROUTES = [Route("/ingest", ingest, methods=["POST"])]

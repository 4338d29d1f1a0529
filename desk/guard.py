"""What every request meets first and every answer carries: security headers, size limits, same-origin, rate limits.

Nothing on the desk is framed, no page is cached, and none tells another site where its reader came from: addresses hold
approval tokens. Pages that signed links open run no scripts at all; pages that keep themselves up to date run the desk's
own files.
"""

import asyncio
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
LIVE_POLICY = f"{PAGE_POLICY}; script-src 'self'; connect-src 'self'"
"""For pages of the desk that keep themselves up to date: its own script files, nothing inline, no other host."""
DOCUMENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
"""For self-contained files made by Fireline (charts, reports): their own styles, and still no scripts or forms."""
HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}
READ_SECONDS = 20.0
"""How long a sender may take over one request body."""


class SecurityHeaders:
    """Adds ``HEADERS`` to every answer that does not set them itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_guarded)


async def read_body(request: Request, limit: int) -> bytes:
    """The request's body, read no further than ``limit`` bytes.

    Raises:
        HTTPException: 413 above the limit, 408 when it takes longer than ``READ_SECONDS``, 400 when it is cut off.
    """
    too_large = HTTPException(413, f"the request is larger than {limit // 1024:,} KiB: send it in smaller pieces")
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:18]) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise HTTPException(408, "the request took too long to arrive: send it again") from None
    except ClientDisconnect:
        raise HTTPException(400, "the request was cut off: send it again") from None
    return bytes(body)


def is_same_origin(request: Request, public_url: str) -> bool:
    """Whether a POST comes from one of this desk's own pages, as far as the browser says.

    ``Sec-Fetch-Site`` decides where it is sent. Else ``Origin`` must be ours; ``null`` and absent pass, because our own
    ``no-referrer`` policy makes browsers send ``null``, and the form's nonce is asked for in any case.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin", "null")
    if origin == "null":
        return True
    try:
        place = urlsplit(origin).netloc
        return place in (request.headers.get("host", ""), urlsplit(public_url).netloc)
    except ValueError:
        return False


class KeptFiles(StaticFiles):
    """Files that browsers may keep: for good when their address names their version, else as long as they ask each time."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        named = b"v=" in scope["query_string"] and answer.status_code in (200, 304)
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable" if named else "no-cache"
        return answer


class TokenBucket:
    """Lets each caller do ``burst`` things at once and one more every ``seconds``; forgets who has been quiet."""

    def __init__(self, burst: int, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._burst, self._seconds, self._monotonic = burst, seconds, monotonic
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, caller: str) -> bool:
        """Take one; ``False`` when ``caller`` has none left."""
        now = self._monotonic()
        level, since = self._levels.get(caller, (float(self._burst), now))
        level = min(float(self._burst), level + (now - since) / self._seconds)
        if len(self._levels) > 10_000:
            self._forget(now)
        self._levels[caller] = (max(0.0, level - 1) if level >= 1 else level, now)
        return level >= 1

    def _forget(self, now: float) -> None:
        full = self._burst * self._seconds
        self._levels = {who: at for who, at in self._levels.items() if now - at[1] < full}
        if len(self._levels) > 10_000:  # a flood of callers: the eldest half goes
            self._levels = dict(sorted(self._levels.items(), key=lambda item: item[1][1])[5_000:])


def caller(request: Request) -> str:
    """Who a request is counted against."""
    return request.client.host if request.client else "unknown"

"""A form that is pressed twice acts once, and the second press is answered like the first.

Impatient thumbs, slow lines and browsers that send again hand the same form in twice: the same fields, under the same nonce,
from the same session. The second waits for the first. When that was done (303), it is led to the same place and nothing is
done again: no second task or draft, and no "the code was used already" after an approval that counted. When the first was
refused, the second is a try of its own. Remembered in this process for ``SECONDS``; what must never happen twice is held
by the records besides, whatever comes here.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from desk.guard import READ_SECONDS

SECONDS = 600.0
"""For how long a form that was done is remembered."""
LARGEST = 512 * 1024
"""Bytes of a form that is looked at; larger ones are left to their pages."""
MOST = 1_000
"""Forms that are remembered."""
_FORM = "application/x-www-form-urlencoded"


class PressedOnce:
    """Leads the second press of a form to where the first one led."""

    def __init__(self, app: ASGIApp, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._app, self._monotonic = app, monotonic
        self._first: dict[bytes, tuple[float, asyncio.Future[str]]] = {}
        """When each form came, and where it led; empty where it was not done."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_form(scope):
            await self._app(scope, receive, send)
            return
        messages, body = await _read(receive)
        replay = _replayed(messages, receive)
        if b"nonce=" not in body:
            await self._app(scope, replay, send)
            return
        form = _name_of(scope, body)
        while (known := self._first.get(form)) is not None and self._monotonic() - known[0] < SECONDS:
            if led_to := await asyncio.shield(known[1]):
                await RedirectResponse(led_to, status_code=303)(scope, replay, send)
                return
        await self._act(form, scope, replay, send)

    async def _act(self, form: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        """The first press: do it, and remember where it led."""
        first: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._first[form] = (self._monotonic(), first)
        led_to = ""

        async def listening(message: Message) -> None:
            nonlocal led_to
            if message["type"] == "http.response.start" and message["status"] == 303:
                led_to = Headers(raw=message["headers"]).get("location", "")
            await send(message)

        try:
            await self._app(scope, receive, listening)
        finally:
            if not led_to:
                self._first.pop(form, None)
            first.set_result(led_to)
            self._forget()

    def _forget(self) -> None:
        now = self._monotonic()
        old = [f for f, (at, first) in self._first.items() if first.done() and now - at >= SECONDS]
        done = [f for f, (_, first) in self._first.items() if first.done()]
        for form in {*old, *done[: max(0, len(done) - MOST)]}:
            del self._first[form]


def _is_form(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "POST":
        return False
    headers = Headers(scope=scope)
    size = headers.get("content-length", "")
    told = size.isascii() and size.isdigit() and int(size[:18]) <= LARGEST
    return told and headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM


async def _read(receive: Receive) -> tuple[list[Message], bytes]:
    """What arrives of a body within ``READ_SECONDS``; whoever is slower is dealt with by the page."""
    messages: list[Message] = []
    body = bytearray()
    try:
        async with asyncio.timeout(READ_SECONDS):
            while True:
                message = await receive()
                messages.append(message)
                body += message.get("body", b"")
                if message["type"] != "http.request" or not message.get("more_body") or len(body) > LARGEST:
                    break
    except TimeoutError:
        pass
    return messages, bytes(body)


def _replayed(messages: list[Message], receive: Receive) -> Receive:
    """The same messages again, and then what else comes."""
    waiting = iter(messages)

    async def replay() -> Message:
        for message in waiting:
            return message
        return await receive()

    return replay


def _name_of(scope: Scope, body: bytes) -> bytes:
    """The same for the same form from the same browser; a hash, because a form may hold a code."""
    cookie = Headers(scope=scope).get("cookie", "").encode()
    seen = hashlib.sha256()
    for part in (scope["path"].encode(), scope.get("query_string", b""), cookie, body):
        seen.update(len(part).to_bytes(8) + part)
    return seen.digest()

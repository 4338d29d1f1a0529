"""Websockets as sources use them: one way to open and read them, and one reading of how they fail as outcomes.

A connection is kept alive by pings, its messages are bounded, and redirects are refused, because they could carry
credentials elsewhere. 401 and 403 are ``Misconfigured``, 429 ``RateLimited``, everything else that goes wrong is
``Unreachable`` or ``Unknown``: try again.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from pydantic import field_validator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from integrations.http import USER_AGENT, Connection, redact
from integrations.outcomes import Misconfigured, RateLimited, Unknown, Unreachable
from integrations.rate_limits import come_back_at

LARGEST_MESSAGE = 6 * 1024 * 1024
"""Bytes; the AT Protocol allows 5 MB a frame, the others send far less."""


class SocketConnection(Connection):
    """Settings of a source over a websocket; the address may begin with ``wss://`` or ``https://``."""

    @field_validator("base_url", mode="before")
    @classmethod
    def _over_http(cls, value: Any) -> Any:
        return "http" + value[2:] if isinstance(value, str) and value.startswith(("ws://", "wss://")) else value


class _Straight(connect):
    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class Socket:
    """An open websocket to one service."""

    def __init__(self, service: str, connection: ClientConnection, secrets: set[str]) -> None:
        self.service = service
        self._connection, self._secrets = connection, secrets
        self._heard = math.inf
        """When the last message came, on the monotonic clock."""
        self._silent = False

    async def send(self, text: str) -> None:
        try:
            await self._connection.send(text)
        except ConnectionClosed as error:
            raise self._closed(error) from None

    async def messages(self, *, quiet: float, decoded: bool = True) -> AsyncIterator[str | bytes]:
        """Every message; never ends by itself. Texts come as bytes, unread, unless they are to be ``decoded``.

        Raises:
            Unknown: the connection was closed, broke, or brought nothing for ``quiet`` seconds.
        """
        # One watch over the whole stream: a time-out for each message would cost as much as decoding it.
        self._heard = time.monotonic()
        watching = asyncio.create_task(self._close_when_silent(quiet))
        try:
            while True:
                try:
                    message = await self._connection.recv(decode=None if decoded else False)
                except ConnectionClosed as error:
                    if self._silent:
                        raise Unknown(f"{self.service} fell silent for {quiet:g} s") from None
                    raise self._closed(error) from None
                self._heard = math.inf  # while the reader is busy, silence is its own
                yield message
                self._heard = time.monotonic()
        finally:
            watching.cancel()

    async def _close_when_silent(self, quiet: float) -> None:
        while True:
            left = self._heard + quiet - time.monotonic()
            if left <= 0:
                break
            await asyncio.sleep(min(left, quiet))
        self._silent = True
        await self._connection.close()

    def _closed(self, error: ConnectionClosed) -> Unknown:
        code = error.rcvd.code if error.rcvd else None
        reason = redact(error.rcvd.reason, self._secrets) if error.rcvd else ""
        says = f"with {code}{f' ({reason})' if reason else ''}" if code else "without a word"
        return Unknown(f"{self.service} closed the connection {says}")


@asynccontextmanager
async def socket(
    service: str,
    settings: Connection,
    path: str,
    *,
    params: list[tuple[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
    secrets: set[str] | None = None,
) -> AsyncIterator[Socket]:
    """Open ``path`` of the service, closed at the end of the block.

    Raises:
        Misconfigured, RateLimited, Unreachable, Unknown: it did not come about.
    """
    hidden = secrets or set()
    address = f"ws{settings.base_url[4:]}{path}" + (f"?{urlencode(params)}" if params else "")
    opening = _Straight(
        address,
        additional_headers=dict(headers or {}),
        user_agent_header=USER_AGENT,
        open_timeout=settings.timeout,
        close_timeout=2,
        max_size=LARGEST_MESSAGE,
        proxy=settings.proxy or True,
        ssl=settings.tls() if address.startswith("wss:") else None,
    )
    try:
        connection = await opening
    except InvalidStatus as error:
        raise _refused(service, error, hidden) from None
    except (WebSocketException, OSError, EOFError, ValueError) as error:
        why = redact(str(error), hidden) or type(error).__name__
        raise Unreachable(f"{service} cannot be reached: {why}") from None
    try:
        yield Socket(service, connection, hidden)
    finally:
        await connection.close()


def _refused(service: str, error: InvalidStatus, secrets: set[str]) -> Exception:
    status = error.response.status_code
    says = redact((error.response.body or b"")[:2000].decode("utf-8", "replace"), secrets) or "nothing"
    if status in {420, 429}:
        until = come_back_at({k.lower(): v for k, v in error.response.headers.raw_items()}, datetime.now(UTC))
        return RateLimited(f"{service} asks to come back at {until:%Y-%m-%d %H:%M:%S} UTC", until)
    if status in {401, 403}:
        return Misconfigured(f"{service} answered {status}: {says}. Check the credentials and what they may do")
    if 300 <= status < 500 and status != 408:
        return Misconfigured(f"{service} answered {status}: {says}. Check base_url: there is no stream at that address")
    return Unknown(f"{service} answered {status}: {says}")

"""What the loopback networks share: posts, pushing them to whoever is connected, faults on order, and a server."""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

SECRET = "a-secret-that-nobody-may-see"
CLOSE = "close"


@dataclass(frozen=True)
class Post:
    """What somebody wrote."""

    number: int
    text: str
    at: datetime
    author: str = "ana"


@dataclass(frozen=True)
class Deleted:
    """A post was taken back."""

    post: Post


@dataclass(frozen=True)
class Fault:
    """What the next request is answered."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = '{"error": "no"}'
    delay: float = 0.0
    """Seconds until it is answered."""


class Network(ABC):
    """A server with posts."""

    kind: ClassVar[str]
    token: ClassVar[dict[str, Any]] = {}
    """The settings that are credentials."""
    more: ClassVar[dict[str, Any]] = {}
    limit: ClassVar[dict[str, str]] = {"retry-after": "1"}
    """Headers of a 429 that ends soon, in the platform's dialect."""
    streams: ClassVar[bool] = False

    def __init__(self) -> None:
        self.posts: list[Post] = []
        """All that were ever written."""
        self.gone: set[int] = set()
        """Numbers of those that were deleted."""
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.connected: list[asyncio.Queue[Any]] = []
        self.spoilt = 0
        self.url = ""
        self._first = int(time.time() * 1000)

    @property
    def settings(self) -> dict[str, Any]:
        polled = {} if self.streams else {"every": self.every}
        return {"base_url": self.url, "timeout": 5, **self.token, **self.more, **polled}

    every: ClassVar[float] = 5.0

    def publish(self, *texts: str, ago: timedelta = timedelta(0)) -> list[Post]:
        """Write posts now, and send them to whoever is connected."""
        for text in texts:
            number = self.number()
            self.posts.append(Post(number, text, datetime.now(UTC) - ago, f"author{number % 1000}"))
        new = self.posts[-len(texts) :]
        for queue in self.connected:
            for one in new:
                queue.put_nowait(one)
        return new

    def delete(self, *posts: Post) -> None:
        """Take posts back: they are listed no more, and whoever is connected is told."""
        for one in posts:
            self.gone.add(one.number)
            for queue in self.connected:
                queue.put_nowait(Deleted(one))

    def number(self) -> int:
        """An id: larger than all before."""
        return self._first + len(self.posts)

    def garbage(self) -> None:
        """Send, or list, something that is no post."""
        self.spoilt += 1
        for queue in self.connected:
            queue.put_nowait(None)

    def drop(self) -> None:
        """Break every connection; a network without any fails the next few requests."""
        if not self.streams:
            self.faults += [Fault(503)] * 3
        for queue in self.connected:
            queue.put_nowait(CLOSE)

    @abstractmethod
    def routes(self) -> list[BaseRoute]:
        """What it answers to."""

    def newest_first(self) -> list[Post]:
        """What is listed."""
        return sorted((p for p in self.posts if p.number not in self.gone), key=lambda p: -p.number)

    @asynccontextmanager
    async def queue(self) -> AsyncIterator[asyncio.Queue[Any]]:
        """What is published while this connection lasts."""
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self.connected.append(queue)
        try:
            yield queue
        finally:
            self.connected.remove(queue)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Network"]:
        config = uvicorn.Config(
            _Guard(self, Starlette(routes=self.routes())),
            host="127.0.0.1",
            port=0,
            lifespan="off",
            log_level="critical",
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.005)
        self.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.should_exit = server.force_exit = True
            await serving


class _Guard:
    """Notes requests, and answers with faults while there are any."""

    def __init__(self, network: Network, app: Starlette) -> None:
        self.network, self.app = network, app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        request = Request({**scope, "type": "http", "method": "GET"})
        self.network.requests.append((scope["path"], dict(request.query_params), headers))
        if not self.network.faults or "access_token" in scope["path"] or "oauth-token" in scope["path"]:
            return await self.app(scope, receive, send)
        fault = self.network.faults.pop(0)
        await asyncio.sleep(fault.delay)
        answer = Response(fault.body, fault.status, fault.headers, "application/json")
        if scope["type"] == "websocket":
            return await WebSocket(scope, receive, send).send_denial_response(answer)
        return await answer(scope, receive, send)


async def over_websocket(socket: WebSocket, queue: asyncio.Queue[Any], encode: Any) -> None:
    """Send what is in the queue until told to close or left alone."""
    try:
        while (one := await queue.get()) != CLOSE:
            frame = encode(one)
            await (socket.send_bytes(frame) if isinstance(frame, bytes) else socket.send_text(frame))
        await socket.close(1012, "restarting")
    except (WebSocketDisconnect, RuntimeError):
        return

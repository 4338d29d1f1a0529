"""What the counting receivers over HTTP share: a server in a thread, its memory of requests, and faults on order."""

import asyncio
import itertools
import json
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, ClassVar

import uvicorn
from loopback import LoopThread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


@dataclass(frozen=True)
class Fault:
    """What the next write is answered; ``done`` says whether it is carried out all the same."""

    status: int = 500
    body: str = "{}"
    headers: dict[str, str] = field(default_factory=dict)
    done: bool = False
    delay: float = 0.0


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class HttpReceiver(LoopThread, ABC):
    """A small HTTP service; subclasses say what it does."""

    prefix: ClassVar[str] = ""
    unharmed: ClassVar[tuple[str, ...]] = ()
    """Paths that are written to but publish nothing: log-ins, look-ups. Faults leave them alone."""

    def __init__(self) -> None:
        self.faults: list[Fault | None] = []
        """For the next writes; None lets one through."""
        self.denial: list[Fault] = []
        """While it holds one, every request is answered so: the credentials are not known."""
        self.requests: list[Seen] = []
        self.created: list[str] = []
        """The text of every post that came into being, in order."""
        self.uploaded: dict[str, tuple[bytes, str]] = {}
        """Pictures by the platform's id for them: their bytes, and what they are said to show."""
        self.shown: list[list[tuple[bytes, str]]] = []
        """The pictures of every post that has some, in order."""
        self._shown_with = 0
        self.port = 0
        self._ids = itertools.count(1)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    @property
    def accepted(self) -> Counter[str]:
        """How often each text was posted."""
        return Counter(self.created)

    def reset(self) -> None:
        """Forget everything, for the next test."""
        for value in vars(self).values():
            if isinstance(value, dict | list):
                value.clear()
        self._shown_with = 0

    def show(self, ids: list[str]) -> bool:
        """Note which pictures a post shows; False when one of them was never uploaded."""
        if not set(ids) <= set(self.uploaded):
            return False
        if ids:
            self.shown.append([self.uploaded[i] for i in ids])
        return True

    def show_with_last(self, content: bytes, alt: str) -> None:
        """Note a picture that stands in a message of its own, with the text before it."""
        if self._shown_with != len(self.created):
            self._shown_with = len(self.created)
            self.shown.append([])
        self.shown[-1].append((content, alt))

    @abstractmethod
    def routes(self) -> list[Route]:
        """What it answers to."""

    async def start(self) -> None:
        app = Starlette(routes=[self._guard(route) for route in self.routes()])
        config = uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", log_level="critical", ws="none")
        self._server = uvicorn.Server(config)
        self._serving = asyncio.ensure_future(self._server.serve())
        while not self._server.started:
            await asyncio.sleep(0.005)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.force_exit = self._server.should_exit = True
        await self._serving
        await super().stop()

    def _guard(self, route: Route) -> Route:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            self.requests.append(
                Seen(request.method, request.url.path, dict(request.query_params), dict(request.headers), body)
            )
            for fault in self.denial:
                return Response(fault.body, fault.status, fault.headers, "application/json")
            harmed = request.method not in {"GET", "HEAD"} and not request.url.path.endswith(self.unharmed or ("\0",))
            fault = self.faults.pop(0) if harmed and self.faults else None
            if fault and fault.delay:
                await asyncio.sleep(fault.delay)
            if fault and not fault.done:
                return Response(fault.body, fault.status, fault.headers, "application/json")
            response: Response = await route.endpoint(request)
            return Response(fault.body, fault.status, fault.headers, "application/json") if fault else response

        return Route(route.path, endpoint, methods=sorted((route.methods or {"GET"}) - {"HEAD"}))

"""A platform that answers what a test tells it to, whatever is asked."""

from collections.abc import Callable
from typing import Any

from counting_http import HttpReceiver
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Told = tuple[int, Any] | tuple[int, Any, dict[str, str]]


class Scripted(HttpReceiver):
    """``tells`` gets each request and gives status, JSON and headers."""

    tells: Callable[[Request], Told]

    def routes(self) -> list[Route]:
        return [Route("/{path:path}", self._answer, methods=["GET", "POST", "PUT", "DELETE"])]

    async def _answer(self, request: Request) -> Response:
        status, value, *headers = self.tells(request)
        return JSONResponse(value, status, headers[0] if headers else None)

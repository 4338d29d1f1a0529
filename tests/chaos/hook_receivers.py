"""Whoever takes the outgoing webhook, and what Apprise's ``json://`` speaks to; see ``receivers``."""

import json
import time

from counting_http import HttpReceiver
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crisis import signature

SECRET = "a secret of thirty-two characters"


class HookReceiver(HttpReceiver):
    """Takes whatever is signed with the secret."""

    def routes(self) -> list[Route]:
        return [Route(path, self._take, methods=["GET", "POST"]) for path in ("/hook", "/slashed/")]

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        try:
            signature.verify(request.headers.get(signature.HEADER, ""), body, SECRET, time.time())
        except signature.Unsigned as error:
            return Response(str(error), 401)
        if request.method == "POST":
            self.created.append(json.loads(body)["text"])
        return Response(status_code=204)


class AppriseReceiver(HttpReceiver):
    """What Apprise's ``json://`` speaks to."""

    def routes(self) -> list[Route]:
        return [Route("/hunter2", self._take, methods=["POST"])]

    async def _take(self, request: Request) -> Response:
        asked = await request.json()
        self.created.append(f"{asked['title']}|{asked['message']}")
        return JSONResponse({})

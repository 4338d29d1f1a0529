"""Zendesk and Intercom, as far as a hand-over to customer care needs them.

See ``receivers``. After https://developer.zendesk.com/api-reference/ticketing/introduction/#idempotency and
https://developers.intercom.com/docs/references/rest-api/api.intercom.io/.
"""

import base64
from datetime import UTC, datetime
from typing import Any, ClassVar

from counting_http import HttpReceiver
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "right"
AGENT = "care@acme.example"


class ZendeskReceiver(HttpReceiver):
    """Native key: ``Idempotency-Key`` while it is remembered, and ``external_id`` to look a ticket up by."""

    def __init__(self) -> None:
        super().__init__()
        self.tickets: dict[str, dict[str, Any]] = {}
        self.by_key: dict[str, tuple[bytes, str]] = {}

    def routes(self) -> list[Route]:
        return [
            Route("/api/v2/users/me", self._known(self._me)),
            Route("/api/v2/tickets", self._known(self._list), methods=["GET"]),
            Route("/api/v2/tickets", self._known(self._create), methods=["POST"]),
        ]

    def _known(self, answer: Any) -> Any:
        right = base64.b64encode(f"{AGENT}/token:{TOKEN}".encode()).decode()

        async def checked(request: Request) -> Response:
            if request.headers.get("authorization") != f"Basic {right}":
                return JSONResponse({"error": "Couldn't authenticate you"}, 401)
            response: Response = await answer(request)
            return response

        return checked

    async def _me(self, request: Request) -> Response:
        return JSONResponse({"user": {"id": 1, "email": AGENT, "role": "agent"}})

    async def _list(self, request: Request) -> Response:
        wanted = request.query_params.get("external_id")
        found = [t for t in self.tickets.values() if t["external_id"] == wanted]
        return JSONResponse({"tickets": found, "count": len(found), "next_page": None})

    async def _create(self, request: Request) -> Response:
        key, body = request.headers.get("idempotency-key", ""), await request.body()
        if key in self.by_key:
            before, number = self.by_key[key]
            if before != body:
                says = "Idempotency key already used with different parameters"
                return JSONResponse({"error": "IdempotentRequestError", "description": says}, 400)
            return JSONResponse({"ticket": self.tickets[number]}, 201, {"x-idempotency-lookup": "hit"})
        asked = (await request.json())["ticket"]
        self.created.append(asked["comment"]["body"])
        number = str(next(self._ids))
        at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self.tickets[number] = {"id": int(number), "created_at": at, "status": "new", **asked}
        self.by_key[key] = (body, number)
        return JSONResponse({"ticket": self.tickets[number]}, 201, {"x-idempotency-lookup": "miss"})


class IntercomReceiver(HttpReceiver):
    """At most once: a conversation has no key of ours."""

    unharmed: ClassVar = ("/contacts",)

    def __init__(self) -> None:
        super().__init__()
        self.contacts: dict[str, str] = {}
        self.merged: list[str] = []
        self.asked: list[dict[str, Any]] = []

    def routes(self) -> list[Route]:
        return [
            Route("/me", self._known(self._me)),
            Route("/contacts/find_by_external_id/{external_id:path}", self._known(self._find), methods=["GET"]),
            Route("/contacts", self._known(self._contact), methods=["POST"]),
            Route("/conversations", self._known(self._begin), methods=["POST"]),
        ]

    def _known(self, answer: Any) -> Any:
        async def checked(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                return JSONResponse({"type": "error.list", "errors": [{"code": "unauthorized"}]}, 401)
            response: Response = await answer(request)
            return response

        return checked

    async def _me(self, request: Request) -> Response:
        return JSONResponse({"type": "admin", "id": "1", "app": {"type": "app", "name": "Acme"}})

    async def _find(self, request: Request) -> Response:
        wanted = request.path_params["external_id"]
        if wanted in self.merged:
            return JSONResponse({"type": "error.list", "errors": [{"code": "contact_merged"}]}, 410)
        if wanted not in self.contacts:
            return JSONResponse({"type": "error.list", "errors": [{"code": "not_found"}]}, 404)
        return JSONResponse({"type": "contact", "id": self.contacts[wanted], "external_id": wanted})

    async def _contact(self, request: Request) -> Response:
        asked = await request.json()
        if asked["external_id"] in self.contacts:
            return JSONResponse({"type": "error.list", "errors": [{"code": "conflict"}]}, 409)
        self.contacts[asked["external_id"]] = f"{next(self._ids):024x}"
        return JSONResponse({"type": "contact", "id": self.contacts[asked["external_id"]]})

    async def _begin(self, request: Request) -> Response:
        asked = await request.json()
        if asked["from"]["id"] not in self.contacts.values():
            return JSONResponse({"type": "error.list", "errors": [{"code": "not_found"}]}, 404)
        self.asked.append(asked)
        self.created.append(asked["body"])
        number, at = str(next(self._ids)), int(datetime.now(UTC).timestamp())
        told = {"type": "user_message", "id": number, "created_at": at, "body": asked["body"], "message_type": "inapp"}
        return JSONResponse(told | {"conversation_id": f"49{number}"})

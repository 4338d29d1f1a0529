"""PagerDuty, Opsgenie, Twilio and a workflow in Teams as far as somebody who pages needs them; see ``receivers``.

After https://developer.pagerduty.com/docs/send-alert-event, https://docs.opsgenie.com/docs/alert-api and
https://www.twilio.com/docs/messaging/api/message-resource.
"""

import base64
from typing import Any

from counting_http import HttpReceiver
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

KEY = "right"
SID = "AC" + "0" * 32


class PagerDutyReceiver(HttpReceiver):
    """Native key: ``dedup_key``."""

    def __init__(self) -> None:
        super().__init__()
        self.alerts: dict[str, str] = {}

    def routes(self) -> list[Route]:
        return [Route("/v2/enqueue", self._enqueue, methods=["POST"])]

    async def _enqueue(self, request: Request) -> Response:
        asked = await request.json()
        if asked.get("routing_key") != KEY or asked.get("event_action") not in {"trigger", "acknowledge", "resolve"}:
            error = {"status": "invalid event", "message": "Event object is invalid", "errors": ["'routing_key'"]}
            return JSONResponse(error, 400)
        key, action = asked["dedup_key"], asked["event_action"]
        if action == "trigger" and self.alerts.get(key) not in {"trigger", "acknowledge"}:
            self.created.append(asked["payload"]["summary"])
            self.alerts[key] = action
        elif key in self.alerts and action != "trigger":
            self.alerts[key] = action
        return JSONResponse({"status": "success", "message": "Event processed", "dedup_key": key}, 202)


class OpsgenieReceiver(HttpReceiver):
    """Native key: ``alias``."""

    def __init__(self) -> None:
        super().__init__()
        self.alerts: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[Route]:
        return [
            Route("/v2/alerts", self._known(self._alerts), methods=["GET", "POST"]),
            Route("/v2/alerts/{alias}/{act}", self._known(self._act), methods=["POST"]),
        ]

    def _known(self, answer: Any) -> Any:
        async def checked(request: Request) -> Response:
            if request.headers.get("authorization") != f"GenieKey {KEY}":
                return JSONResponse({"message": "Could not authenticate", "took": 0.0, "requestId": "r"}, 401)
            response: Response = await answer(request)
            return response

        return checked

    async def _alerts(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"data": [], "took": 0.1, "requestId": "r"})
        asked = await request.json()
        if self.alerts.get(asked["alias"], {}).get("status") != "open":
            self.created.append(asked["message"])
            self.alerts[asked["alias"]] = {**asked, "status": "open", "acknowledged": False}
        return self._taken()

    async def _act(self, request: Request) -> Response:
        alert = self.alerts.get(request.path_params["alias"], {})
        alert |= {"status": "closed"} if request.path_params["act"] == "close" else {"acknowledged": True}
        return self._taken()

    def _taken(self) -> Response:
        return JSONResponse(
            {"result": "Request will be processed", "took": 0.1, "requestId": f"r{next(self._ids)}"}, 202
        )


class TwilioReceiver(HttpReceiver):
    """At most once: no key."""

    def routes(self) -> list[Route]:
        account = f"/2010-04-01/Accounts/{SID}"
        return [
            Route(f"{account}.json", self._known(self._account)),
            Route(f"{account}/Messages.json", self._known(self._send), methods=["POST"]),
        ]

    def _known(self, answer: Any) -> Any:
        async def checked(request: Request) -> Response:
            expected = base64.b64encode(f"{SID}:{KEY}".encode()).decode()
            if request.headers.get("authorization") != f"Basic {expected}":
                return JSONResponse({"code": 20003, "message": "Authenticate", "status": 401}, 401)
            response: Response = await answer(request)
            return response

        return checked

    async def _account(self, request: Request) -> Response:
        return JSONResponse({"sid": SID, "friendly_name": "Acme", "status": "active"})

    async def _send(self, request: Request) -> Response:
        form = await request.form()
        if str(form["To"]).startswith("+1"):
            return JSONResponse(
                {"code": 21408, "message": "Permission to send has not been enabled", "status": 400}, 400
            )
        self.created.append(str(form["Body"]))
        sid, made = f"SM{next(self._ids):032d}", "Wed, 25 Nov 2026 16:00:00 +0000"
        return JSONResponse({"sid": sid, "status": "queued", "date_created": made, "error_code": None}, 201)


class TeamsReceiver(HttpReceiver):
    """A workflow in Teams: takes a card, says 202 and nothing else."""

    def routes(self) -> list[Route]:
        return [Route("/workflows/1", self._run, methods=["POST"])]

    async def _run(self, request: Request) -> Response:
        if request.query_params.get("sig") != "hunter2":
            error = {
                "error": {"code": "DirectApiInvalidAuthorizationScheme", "message": "The signature does not match"}
            }
            return JSONResponse(error, 401)
        self.created.append((await request.json())["attachments"][0]["content"]["body"][0]["text"])
        return Response(status_code=202)

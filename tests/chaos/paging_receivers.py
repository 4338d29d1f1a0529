"""PagerDuty's Events API and Opsgenie's Alert API: one alert a key, however often it is sent; see ``receivers``.

After https://developer.pagerduty.com/docs/send-alert-event and https://docs.opsgenie.com/docs/alert-api.
"""

from typing import Any

from counting_http import HttpReceiver
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

KEY = "right"


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

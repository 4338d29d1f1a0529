"""PagerDuty's Events and REST APIs, Opsgenie, Twilio and a workflow in Teams, as far as somebody who pages needs them.

See ``receivers``. After https://developer.pagerduty.com/docs/send-alert-event, https://developer.pagerduty.com/api-reference,
https://docs.opsgenie.com/docs/alert-api and https://www.twilio.com/docs/messaging/api/message-resource.
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


class PagerDutyRestReceiver(HttpReceiver):
    """Native key: a second incident with the ``incident_key`` of an open one is refused."""

    def __init__(self) -> None:
        super().__init__()
        self.incidents: dict[str, dict[str, Any]] = {}
        self.notes: dict[str, list[str]] = {}

    def routes(self) -> list[Route]:
        one = "/incidents/{id}"
        return [
            Route("/services/{id}", self._known(self._service)),
            Route("/users/{id}", self._known(self._user)),
            Route("/incidents", self._known(self._list), methods=["GET"]),
            Route("/incidents", self._known(self._create), methods=["POST"]),
            Route(one, self._known(self._change), methods=["PUT"]),
            Route(f"{one}/notes", self._known(self._get_notes), methods=["GET"]),
            Route(f"{one}/notes", self._known(self._add_note), methods=["POST"]),
        ]

    def _known(self, answer: Any) -> Any:
        async def checked(request: Request) -> Response:
            if request.headers.get("authorization") != f"Token token={KEY}":
                return JSONResponse({"error": {"message": "Unauthorized", "code": 2006}}, 401)
            if request.method != "GET" and "@" not in request.headers.get("from", ""):
                return _rest_error("Requester User Not Found", "From header is required")
            response: Response = await answer(request)
            return response

        return checked

    async def _service(self, request: Request) -> Response:
        service = {"id": request.path_params["id"], "type": "service", "name": "Crisis", "status": "active"}
        return JSONResponse({"service": service})

    async def _user(self, request: Request) -> Response:
        return JSONResponse({"user": {"id": request.path_params["id"], "type": "user", "email": "lena@example.com"}})

    async def _list(self, request: Request) -> Response:
        key, wanted = request.query_params["incident_key"], request.query_params.getlist("statuses[]")
        found = [i for i in self.incidents.values() if i["incident_key"] == key and i["status"] in wanted]
        return JSONResponse({"incidents": found, "limit": 25, "offset": 0, "more": False})

    async def _create(self, request: Request) -> Response:
        asked = (await request.json())["incident"]
        if any(
            i["incident_key"] == asked["incident_key"] and i["status"] != "resolved" for i in self.incidents.values()
        ):
            return _rest_error("Arguments Caused Error", "Open incident with matching dedup key already exists")
        number = f"PT{next(self._ids):05d}"
        self.created.append(asked["title"])
        made = {
            **asked,
            "id": number,
            "status": "triggered",
            "html_url": f"https://acme.pagerduty.com/incidents/{number}",
        }
        self.incidents[number] = made
        return JSONResponse({"incident": made}, 201)

    async def _change(self, request: Request) -> Response:
        incident = self.incidents[request.path_params["id"]]
        incident |= {n: v for n, v in (await request.json())["incident"].items() if n != "type"}
        return JSONResponse({"incident": incident})

    async def _get_notes(self, request: Request) -> Response:
        notes = self.notes.get(request.path_params["id"], [])
        return JSONResponse({"notes": [{"id": str(n), "content": note} for n, note in enumerate(notes)]})

    async def _add_note(self, request: Request) -> Response:
        content = (await request.json())["note"]["content"]
        self.notes.setdefault(request.path_params["id"], []).append(content)
        return JSONResponse({"note": {"id": "1", "content": content}}, 201)


def _rest_error(message: str, *errors: str) -> Response:
    return JSONResponse({"error": {"message": message, "code": 2001, "errors": list(errors)}}, 400)


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

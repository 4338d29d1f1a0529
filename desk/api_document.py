"""``/api/openapi.json``: what programs may read, as an OpenAPI 3.1 document made from the shapes of ``desk.api``."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from desk.api import IncidentDetail, Incidents
from desk.api_asked import Empathy, Questions
from desk.api_shapes import MOST, Problem
from desk.api_told import Commitments, Deliveries, Events, Watches
from desk.state import desk_of

VERSION = "1.1"
SHAPES = (Incidents, IncidentDetail, Deliveries, Commitments, Questions, Empathy, Watches, Events, Problem)


def document(title: str, url: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of what is above."""
    _, schemas = models_json_schema(
        [(shape, "serialization") for shape in SHAPES], ref_template="#/components/schemas/{model}"
    )

    def parameter(name: str, where: str, says: str) -> dict[str, Any]:
        return {
            "name": name,
            "in": where,
            "required": where == "path",
            "description": says,
            "schema": {"type": "string"},
        }

    def get(name: str, says: str, model: type[BaseModel], *parameters: dict[str, Any]) -> dict[str, Any]:
        content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}}
        wrong = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        answers = {"200": {"description": says, "content": content}}
        for status, why in _REFUSALS.items():
            answers[status] = {"description": why, "content": wrong}
        return {"get": {"operationId": name, "summary": says, "parameters": list(parameters), "responses": answers}}

    of_one = parameter("id", "path", "Such as INC-7.")
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": VERSION},
        "servers": [{"url": url}],
        "security": [{"token": []}],
        "paths": {
            "/api/incidents": get(
                "incidents",
                f"Incidents, the newest first, at most {MOST}.",
                Incidents,
                parameter("state", "query", "Only of this state."),
                parameter("before", "query", "Only older than this incident."),
            ),
            "/api/incidents/{id}": get("incident", "One incident.", IncidentDetail, of_one),
            "/api/incidents/{id}/deliveries": get(
                "deliveries", "Every target of every statement of one incident.", Deliveries, of_one
            ),
            "/api/incidents/{id}/commitments": get(
                "commitments", "Every promise of one incident.", Commitments, of_one
            ),
            "/api/incidents/{id}/questions": get("questions", "What the public asks.", Questions, of_one),
            "/api/incidents/{id}/empathy": get(
                "empathy",
                "What each affected group says, thinks, feels and does; what the statements leave unanswered.",
                Empathy,
                of_one,
            ),
            "/api/watches": get("watches", "Every watch, its sources and its last signal.", Watches),
            "/api/events": get(
                "events",
                f"Events in the order in which they happened, at most {MOST}: what subscribers are told (docs/events.md).",
                Events,
                parameter("after", "query", "The `after` of the last answer; from the beginning without."),
            ),
        },
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "fireline_..."}},
        },
    }


_REFUSALS = {
    "400": "A parameter makes no sense.",
    "401": "No token that holds.",
    "403": "The token lacks the scope `read`.",
    "404": "There is no such incident, or it is restricted.",
    "429": "Too many requests.",
}


async def described(request: Request) -> Response:
    """The document; it tells nothing of what is in the records, so anybody may read it."""
    return JSONResponse(document("Fireline", desk_of(request).here.settings.desk.url))


async def unknown(request: Request) -> Response:
    """Whatever else is asked for under ``/api``."""
    raise HTTPException(404, "there is nothing here: /api/openapi.json says what there is")


ROUTES = [
    Route("/api/openapi.json", described, methods=["GET"]),
    Route("/api/{rest:path}", unknown, methods=["GET"]),
]

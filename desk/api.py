"""``/api``: what programs may read, with a token of the scope ``read``. Restricted incidents are not there.

The shapes below are the contract; ``/api/openapi.json`` is made from them and says the same to machines.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crisis.empathy import EmpathyMap, Need
from crisis.incident import Incident, IncidentState
from crisis.values import CrisisType, Severity, UtcDatetime
from desk.state import desk_of
from records import NotFound
from tasks.empathy import felt
from tasks.questions import asked_about
from tasks.waiting import waiting_for

MOST = 200
VERSION = "1.0"


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class IncidentSummary(_Answer):
    """One incident, in short."""

    id: str = Field(examples=["INC-7"])
    watch: str
    title: str
    """Holds words of posts: text from outside."""
    state: IncidentState
    severity: Severity
    type: CrisisType
    opened_at: UtcDatetime
    started_at: UtcDatetime
    closed_at: UtcDatetime | None
    merged_into: str


class Reason(_Answer):
    """One factor of the severity, in words and numbers."""

    name: str
    value: float
    baseline: float | None
    points: float
    says: str


class Said(_Answer):
    """One version of a statement and how it stands."""

    id: str
    version: int
    kind: str
    status: str
    headline: str
    channels: tuple[str, ...]


class IncidentDetail(IncidentSummary):
    """One incident, with why it was rated so, what was said, and what it waits for."""

    score: float
    factors: tuple[Reason, ...]
    strategy: str
    waits_for: str
    statements: tuple[Said, ...]


class Incidents(_Answer):
    """Incidents, the newest first."""

    incidents: tuple[IncidentSummary, ...]
    more: bool
    """There are older ones: ask again with ``before``."""


class AskedQuestion(_Answer):
    """One question of the public."""

    id: str = Field(examples=["INC-7-Q2"])
    text: str
    """Words of posts: text from outside."""
    authors: int
    posts: int
    score: float
    factors: tuple[Reason, ...]
    standing: str
    """``open``, ``drafted``, ``waits for approval``, ``approved``, ``answered``, ``in doubt`` or ``set aside``."""
    unanswered: bool
    owner: str
    first_asked_at: UtcDatetime
    say_by: UtcDatetime | None
    answer: str
    """The statement version that answers it, as far as it has come."""


class Questions(_Answer):
    """What the public asks, what matters most first."""

    questions: tuple[AskedQuestion, ...]


class Empathy(_Answer):
    """What each affected group says, thinks, feels and does, and what the statements answer. Holds text from outside."""

    map: EmpathyMap
    needs: tuple[Need, ...]


class Problem(_Answer):
    """Why there is no answer, in one sentence."""

    error: str


async def incidents(request: Request) -> Response:
    """The newest incidents: ``state`` keeps those of one state, ``before`` those older than one."""
    here, asked = desk_of(request).here, request.query_params
    states = None
    if asked.get("state"):
        if asked["state"] not in set(IncidentState):
            return _problem(400, f"there is no state {asked['state'][:40]!r}: one of {', '.join(IncidentState)}")
        states = [IncidentState(asked["state"])]
    async with here.store.reading() as tx:
        found = list(reversed(await tx.incidents.list(states=states)))
    if asked.get("before"):
        names = [incident.id for incident in found]
        if asked["before"] not in names:
            return _problem(404, "there is no such incident to start from")
        found = found[names.index(asked["before"]) + 1 :]
    listed = tuple(IncidentSummary.model_validate(_summary(i)) for i in found[:MOST])
    return _answer(Incidents(incidents=listed, more=len(found) > MOST))


async def incident(request: Request) -> Response:
    """One incident."""
    here = desk_of(request).here
    try:
        async with here.store.reading() as tx:
            found = await tx.incidents.get(request.path_params["id"])
            texts = [(s, await tx.statements.status(s.id, s.version)) for s in await tx.statements.list(found.id)]
    except NotFound:
        return _problem(404, "there is no such incident")
    said = [
        {
            "id": s.id,
            "version": s.version,
            "kind": s.kind.value,
            "status": status.value,
            "headline": s.headline,
            "channels": tuple(r.target.channel for r in s.renderings),
        }
        for s, status in texts
    ]
    whole = _summary(found) | {
        "score": found.assessment.score,
        "factors": [f.model_dump(include=set(Reason.model_fields)) for f in found.assessment.factors],
        "strategy": found.assessment.strategy.value,
        "waits_for": await waiting_for(here, found),
        "statements": said,
    }
    return _answer(IncidentDetail.model_validate(whole))


async def asked(request: Request) -> Response:
    """What the public asks about one incident."""
    here = desk_of(request).here
    try:
        async with here.store.reading() as tx:
            found = await tx.incidents.get(request.path_params["id"])
            rows = await asked_about(tx, found, here.clock.now())
    except NotFound:
        return _problem(404, "there is no such incident")
    listed = [
        row.question.model_dump(include={"id", "text", "owner", "first_asked_at", "say_by"})
        | {
            "authors": row.tally.authors,
            "posts": row.tally.posts,
            "score": row.score,
            "factors": [f.model_dump(include=set(Reason.model_fields)) for f in row.factors],
            "standing": row.standing.value,
            "unanswered": row.standing.unanswered,
            "answer": row.answer.statement.label if row.answer else "",
        }
        for row in rows
    ]
    return _answer(Questions(questions=tuple(AskedQuestion.model_validate(row) for row in listed)))


async def empathy(request: Request) -> Response:
    """The empathy map of one incident's newest posts."""
    try:
        async with desk_of(request).here.store.reading() as tx:
            told = await felt(tx, await tx.incidents.get(request.path_params["id"]))
    except NotFound:
        return _problem(404, "there is no such incident")
    return _answer(Empathy(map=told.map, needs=told.needs))


def _summary(incident: Incident) -> dict[str, Any]:
    own = incident.model_dump(include={"id", "watch", "title", "state", "opened_at", "started_at", "closed_at"})
    return own | {
        "severity": incident.severity,
        "type": incident.assessment.type,
        "merged_into": incident.merged_into,
    }


def _answer(model: BaseModel) -> Response:
    return JSONResponse(model.model_dump(mode="json"))


def _problem(status: int, says: str) -> Response:
    return JSONResponse(Problem(error=says).model_dump(), status_code=status)


async def unknown(request: Request) -> Response:
    """Whatever else is asked for under ``/api``."""
    raise HTTPException(404, "there is nothing here: /api/openapi.json says what there is")


def document(title: str, url: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of what is above."""
    _, schemas = models_json_schema(
        [(m, "serialization") for m in (Incidents, IncidentDetail, Questions, Empathy, Problem)],
        ref_template="#/components/schemas/{model}",
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
            "/api/incidents/{id}": get(
                "incident", "One incident.", IncidentDetail, parameter("id", "path", "Such as INC-7.")
            ),
            "/api/incidents/{id}/questions": get(
                "questions", "What the public asks.", Questions, parameter("id", "path", "Such as INC-7.")
            ),
            "/api/incidents/{id}/empathy": get(
                "empathy",
                "What each affected group says, thinks, feels and does; what the statements leave unanswered.",
                Empathy,
                parameter("id", "path", "Such as INC-7."),
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
    here = desk_of(request).here
    return JSONResponse(document("Fireline", here.settings.desk.url))


ROUTES = [
    Route("/api/openapi.json", described, methods=["GET"]),
    Route("/api/incidents", incidents, methods=["GET"]),
    Route("/api/incidents/{id}", incident, methods=["GET"]),
    Route("/api/incidents/{id}/questions", asked, methods=["GET"]),
    Route("/api/incidents/{id}/empathy", empathy, methods=["GET"]),
    Route("/api/{rest:path}", unknown, methods=["GET"]),
]

"""``/api``: what programs may read, with a token of the scope ``read``. Restricted incidents are not there.

The shapes below are the contract; ``/api/openapi.json`` is made from them (``desk.api_document``).
"""

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crisis.effect import Effect, Measured, Proposal, Verdict
from crisis.forecast import Expected
from crisis.incident import Incident, IncidentState
from crisis.values import CrisisType, Severity, UtcDatetime
from desk.api_shapes import MOST, Answer, Reason, answered, problem
from desk.state import desk_of
from records import NotFound
from tasks.effect import effects_of
from tasks.monitoring import monitoring_of
from tasks.waiting import waiting_for


class IncidentSummary(Answer):
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


class Said(Answer):
    """One version of a statement and how it stands."""

    id: str
    version: int
    kind: str
    status: str
    headline: str
    channels: tuple[str, ...]


class Judged(Answer):
    """What came after a statement, as judged last; docs/effect.md says how."""

    statement: str
    version: int
    kind: str
    published_at: UtcDatetime
    judged_at: UtcDatetime
    verdict: Verdict
    proposal: Proposal
    says: str
    reasons: tuple[str, ...]
    """May quote posts: text from outside."""
    settled: str
    """Why the judgement is final; empty while it goes on."""
    together_with: tuple[str, ...]
    rising: float | None
    measured: Measured | None
    forecast: tuple[Expected, ...]
    replies: int
    quotes: int


class IncidentDetail(IncidentSummary):
    """One incident, with why it was rated so, what was said, and what it waits for."""

    score: float
    factors: tuple[Reason, ...]
    strategy: str
    waits_for: str
    statements: tuple[Said, ...]
    effects: tuple[Judged, ...]
    watched: str
    """How closely the reaction is measured, and when that ends; empty when it is not."""


class Incidents(Answer):
    """Incidents, the newest first."""

    incidents: tuple[IncidentSummary, ...]
    more: bool
    """There are older ones: ask again with ``before``."""


async def incidents(request: Request) -> Response:
    """The newest incidents: ``state`` keeps those of one state, ``before`` those older than one."""
    here, asked = desk_of(request).here, request.query_params
    states = None
    if asked.get("state"):
        if asked["state"] not in set(IncidentState):
            return problem(400, f"there is no state {asked['state'][:40]!r}: one of {', '.join(IncidentState)}")
        states = [IncidentState(asked["state"])]
    async with here.store.reading() as tx:
        found = list(reversed(await tx.incidents.list(states=states)))
    if asked.get("before"):
        names = [incident.id for incident in found]
        if asked["before"] not in names:
            return problem(404, "there is no such incident to start from")
        found = found[names.index(asked["before"]) + 1 :]
    listed = tuple(IncidentSummary.model_validate(_summary(i)) for i in found[:MOST])
    return answered(Incidents(incidents=listed, more=len(found) > MOST))


async def incident(request: Request) -> Response:
    """One incident."""
    here = desk_of(request).here
    try:
        async with here.store.reading() as tx:
            found = await tx.incidents.get(request.path_params["id"])
            judged, watched = await effects_of(tx, found.id), await monitoring_of(here, tx, found.id)
            texts = [(s, await tx.statements.status(s.id, s.version)) for s in await tx.statements.list(found.id)]
    except NotFound:
        return problem(404, "there is no such incident")
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
        "effects": [_judged(effect) for effect in judged],
        "watched": watched.says if watched else "",
    }
    return answered(IncidentDetail.model_validate(whole))


def _judged(effect: Effect) -> dict[str, Any]:
    own = effect.model_dump(include=set(Judged.model_fields))
    return own | {"judged_at": effect.at, "replies": effect.tied.replies, "quotes": effect.tied.quotes}


def _summary(incident: Incident) -> dict[str, Any]:
    own = incident.model_dump(include={"id", "watch", "title", "state", "opened_at", "started_at", "closed_at"})
    return own | {
        "severity": incident.severity,
        "type": incident.assessment.type,
        "merged_into": incident.merged_into,
    }


ROUTES = [
    Route("/api/incidents", incidents, methods=["GET"]),
    Route("/api/incidents/{id}", incident, methods=["GET"]),
]

"""``/api``: what programs may read, with a token of the scope ``read``. Restricted incidents are not there.

The shapes below are the contract; ``/api/openapi.json`` is made from them (``desk.api_document``).
"""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from crisis.commitment import CommitmentState
from crisis.coverage import SourceState
from crisis.delivery import DeliveryState, Purpose
from crisis.effect import Effect, Measured, Proposal, Verdict
from crisis.forecast import Expected
from crisis.incident import Incident, IncidentState
from crisis.values import CrisisType, Severity, UtcDatetime
from desk.state import desk_of
from records import NotFound
from tasks.announce import events_after
from tasks.effect import effects_of
from tasks.monitoring import monitoring_of
from tasks.waiting import waiting_for

MOST = 200


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


class Judged(_Answer):
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


class Incidents(_Answer):
    """Incidents, the newest first."""

    incidents: tuple[IncidentSummary, ...]
    more: bool
    """There are older ones: ask again with ``before``."""


class TheEvent(_Answer):
    """One event, as subscribers get it."""

    id: str
    """The same however often it is asked for."""
    type: str = Field(examples=["fireline.incident.opened"])
    subject: str
    """Id of the incident; of a coverage event, the watch."""
    time: UtcDatetime
    data: dict[str, Any]


class Events(_Answer):
    """Events in the order in which they happened."""

    events: tuple[TheEvent, ...]
    after: int
    """What to ask for ``after`` next; the same as before when there is nothing new."""


class SourceStands(_Answer):
    """One source of a watch, and how it is."""

    name: str
    state: SourceState
    since: UtcDatetime
    last_post_at: UtcDatetime | None
    says: str


class WatchStands(_Answer):
    """One watch: what is heard, and what the last signal said."""

    name: str
    brand: str
    sources: tuple[SourceStands, ...]
    signal_at: UtcDatetime | None
    authors: int | None
    """Unique authors in the signal's window."""
    usual_authors: float | None
    negative_share: float | None
    score: float | None
    """0 usual to 1 beyond doubt."""
    alert: str | None
    """Empty, ``attention`` or ``outrage``."""


class Watches(_Answer):
    """Every watch."""

    watches: tuple[WatchStands, ...]


class DeliveryStands(_Answer):
    """One target of a statement, and how it stands there."""

    id: str
    statement: str
    version: int
    channel: str
    state: DeliveryState
    needs_human: bool
    problem: str
    url: str
    """Where it can be seen; empty where the platform gives no address."""
    accepted_at: UtcDatetime | None


class Deliveries(_Answer):
    """Every target of every statement of one incident."""

    deliveries: tuple[DeliveryStands, ...]


class PromiseStands(_Answer):
    """One promise of a statement, and how it stands."""

    id: str
    statement: str
    text: str
    due_at: UtcDatetime
    state: CommitmentState
    kept_by: str


class Commitments(_Answer):
    """Every promise of one incident."""

    commitments: tuple[PromiseStands, ...]


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
            judged, watched = await effects_of(tx, found.id), await monitoring_of(here, tx, found.id)
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
        "effects": [_judged(effect) for effect in judged],
        "watched": watched.says if watched else "",
    }
    return _answer(IncidentDetail.model_validate(whole))


async def events(request: Request) -> Response:
    """Events after a place in the ledger; the first time, from its beginning."""
    here, asked = desk_of(request).here, request.query_params.get("after", "0")
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 15):
        return _problem(400, f"after={asked[:40]!r} is no place: take the one from the last answer")
    found, after = await events_after(here, int(asked), limit=MOST)
    shown = tuple(TheEvent.model_validate(event.model_dump()) for event in found)
    return _answer(Events(events=shown, after=after))


async def watches(request: Request) -> Response:
    """Every watch, its sources and its last signal."""
    here = desk_of(request).here
    async with here.store.reading() as tx:
        known = [(w, await tx.signals.latest(w.name)) for w in await tx.watches.list()]
        heard = [coverage for coverage, _ in await tx.coverage.list()]
    stands = []
    for watch, signal in known:
        own = tuple(
            SourceStands(
                name=c.source,
                state=c.health.state,
                since=c.health.since,
                last_post_at=c.health.last_post_at,
                says=c.says,
            )
            for c in heard
            if c.watch == watch.name
        )
        said = {name: getattr(signal, name) if signal else None for name in _OF_SIGNALS}
        about = {"name": watch.name, "brand": watch.brand, "sources": own, "signal_at": signal.at if signal else None}
        stands.append(WatchStands.model_validate(about | said))
    return _answer(Watches(watches=tuple(stands)))


_OF_SIGNALS = ("authors", "usual_authors", "negative_share", "score", "alert")


async def deliveries(request: Request) -> Response:
    """Every target of every statement of one incident; notices to stakeholders are not among them."""
    here, id = desk_of(request).here, request.path_params["id"]
    try:
        async with here.store.reading() as tx:
            await tx.incidents.get(id)
            found = [d for d in await tx.outbox.list(incident=id) if d.purpose is not Purpose.NOTICE]
    except NotFound:
        return _problem(404, "there is no such incident")
    shown = tuple(
        DeliveryStands(
            id=d.id,
            statement=d.statement,
            version=d.version,
            channel=d.rendering.target.channel,
            state=d.state,
            needs_human=d.needs_human,
            problem=d.problem,
            url=d.receipt.url if d.receipt else "",
            accepted_at=d.receipt.accepted_at if d.receipt else None,
        )
        for d in found
    )
    return _answer(Deliveries(deliveries=shown))


async def commitments(request: Request) -> Response:
    """Every promise of one incident."""
    here, id = desk_of(request).here, request.path_params["id"]
    try:
        async with here.store.reading() as tx:
            await tx.incidents.get(id)
            found = await tx.commitments.list(id)
    except NotFound:
        return _problem(404, "there is no such incident")
    fields = set(PromiseStands.model_fields)
    shown = tuple(PromiseStands.model_validate(c.model_dump(include=fields)) for c in found)
    return _answer(Commitments(commitments=shown))


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


def _answer(model: BaseModel) -> Response:
    return JSONResponse(model.model_dump(mode="json"))


def _problem(status: int, says: str) -> Response:
    return JSONResponse(Problem(error=says).model_dump(), status_code=status)


ROUTES = [
    Route("/api/incidents", incidents, methods=["GET"]),
    Route("/api/incidents/{id}", incident, methods=["GET"]),
    Route("/api/incidents/{id}/deliveries", deliveries, methods=["GET"]),
    Route("/api/incidents/{id}/commitments", commitments, methods=["GET"]),
    Route("/api/watches", watches, methods=["GET"]),
    Route("/api/events", events, methods=["GET"]),
]

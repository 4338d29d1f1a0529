"""``/api``: events, watches, and the deliveries and promises of one incident."""

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crisis.commitment import CommitmentState
from crisis.coverage import SourceState
from crisis.delivery import DeliveryState, Purpose
from crisis.values import UtcDatetime
from desk.api_shapes import MOST, Answer, answered, problem
from desk.state import desk_of
from records import NotFound
from tasks.announce import events_after


class TheEvent(Answer):
    """One event, as subscribers get it."""

    id: str
    """The same however often it is asked for."""
    type: str = Field(examples=["fireline.incident.opened"])
    subject: str
    """Id of the incident; of a coverage event, the watch."""
    time: UtcDatetime
    data: dict[str, Any]


class Events(Answer):
    """Events in the order in which they happened."""

    events: tuple[TheEvent, ...]
    after: int
    """What to ask for ``after`` next; the same as before when there is nothing new."""


class SourceStands(Answer):
    """One source of a watch, and how it is."""

    name: str
    state: SourceState
    since: UtcDatetime
    last_post_at: UtcDatetime | None
    says: str


class WatchStands(Answer):
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


class Watches(Answer):
    """Every watch."""

    watches: tuple[WatchStands, ...]


class DeliveryStands(Answer):
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


class Deliveries(Answer):
    """Every target of every statement of one incident."""

    deliveries: tuple[DeliveryStands, ...]


class PromiseStands(Answer):
    """One promise of a statement, and how it stands."""

    id: str
    statement: str
    text: str
    due_at: UtcDatetime
    state: CommitmentState
    kept_by: str


class Commitments(Answer):
    """Every promise of one incident."""

    commitments: tuple[PromiseStands, ...]


async def events(request: Request) -> Response:
    """Events after a place in the ledger; the first time, from its beginning."""
    here, asked = desk_of(request).here, request.query_params.get("after", "0")
    if not (asked.isascii() and asked.isdigit() and len(asked) <= 15):
        return problem(400, f"after={asked[:40]!r} is no place: take the one from the last answer")
    found, after = await events_after(here, int(asked), limit=MOST)
    shown = tuple(TheEvent.model_validate(event.model_dump()) for event in found)
    return answered(Events(events=shown, after=after))


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
    return answered(Watches(watches=tuple(stands)))


_OF_SIGNALS = ("authors", "usual_authors", "negative_share", "score", "alert")


async def deliveries(request: Request) -> Response:
    """Every target of every statement of one incident; notices to stakeholders are not among them."""
    here, id = desk_of(request).here, request.path_params["id"]
    try:
        async with here.store.reading() as tx:
            await tx.incidents.get(id)
            found = [d for d in await tx.outbox.list(incident=id) if d.purpose is not Purpose.NOTICE]
    except NotFound:
        return problem(404, "there is no such incident")
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
    return answered(Deliveries(deliveries=shown))


async def commitments(request: Request) -> Response:
    """Every promise of one incident."""
    here, id = desk_of(request).here, request.path_params["id"]
    try:
        async with here.store.reading() as tx:
            await tx.incidents.get(id)
            found = await tx.commitments.list(id)
    except NotFound:
        return problem(404, "there is no such incident")
    fields = set(PromiseStands.model_fields)
    shown = tuple(PromiseStands.model_validate(c.model_dump(include=fields)) for c in found)
    return answered(Commitments(commitments=shown))


ROUTES = [
    Route("/api/incidents/{id}/deliveries", deliveries, methods=["GET"]),
    Route("/api/incidents/{id}/commitments", commitments, methods=["GET"]),
    Route("/api/watches", watches, methods=["GET"]),
    Route("/api/events", events, methods=["GET"]),
]

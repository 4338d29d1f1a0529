"""``GET /incidents/{id}`` and what hangs on it: the plain page of one incident, its charts, and its written report.

The page tells, from the records, what happened, why it was rated so, what was said and where it stands.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from crisis import charts
from crisis.charts import Mark
from crisis.delivery import ARRIVED, Delivery, Purpose
from crisis.freeze import shown
from crisis.incident import Incident
from crisis.record import Record
from crisis.telling import Known
from crisis.timeline import in_short
from crisis.timeline import tell as tell_timeline
from desk.guard import DOCUMENT_POLICY
from desk.picture import Picture, clocks, load, publications
from desk.state import desk_of
from desk.waiting import waits
from records import NotFound, Transaction
from tasks.advise import advise
from tasks.deliver import REACHED, TAKEN
from tasks.incidents import answers
from tasks.review import report_folder

BEFORE = timedelta(hours=1)
"""Of the time before the episode, on charts."""
MENTIONS = 20
"""Posts quoted on the page; the rest are counted."""
REPORT = "report.html"


@dataclass(frozen=True)
class Told:
    """Whether one person was told, and what they were told of."""

    name: str
    told: bool
    times: int
    first: Record
    """The record of the first time: when and why."""
    reached_by: tuple[str, ...] = ()
    """Notifiers by which a notice arrived."""
    failed: tuple[tuple[str, str], ...] = ()
    """Notifiers by which the newest notice did not arrive, and why."""


async def _incident(request: Request, tx: Transaction) -> Incident:
    name = request.path_params["id"]
    try:
        return await tx.incidents.get(name)
    except NotFound:
        raise HTTPException(404, f"there is no incident {name}") from None


async def page(request: Request) -> Response:
    """Everything about one incident. ``?details=1`` keeps the timeline's small print."""
    desk = desk_of(request)
    here, now = desk.here, desk.here.clock.now()
    async with here.store.reading() as tx:
        incident = await _incident(request, tx)
        picture = await load(tx, incident, now)
        records = await tx.ledger.list(incident=incident.id)
        readings = clocks(picture, await tx.incidents.assessments(incident.id), now)
        context = {
            "incident": incident,
            "picture": picture,
            "readings": readings,
            "waits": waits(picture, here.settings),
            "facts": (facts := await tx.facts.list(incident.id)),
            "fact_histories": {f.id: await tx.facts.history(f.id) for f in facts},
            "answers": await answers(tx, incident.id),
            "observations": await tx.observations.list(incident.id),
            "mentions": await tx.mentions.list(incident.id, limit=MENTIONS),
            "mention_count": await tx.mentions.count(incident.id),
            "told": _told(records, picture.deliveries),
            "counsel": await advise(tx, incident.id),
            "frozen": shown(await tx.frozen.list(incident=incident.id)),
        }
        everybody = {p.email: p.name for p in await tx.stakeholders.list()}
    known = Known(deliveries={d.id: d for d in picture.deliveries}, people=everybody)
    timeline = tell_timeline(incident, records, known)
    details = request.query_params.get("details") == "1"
    context |= {
        "people": everybody,
        "public": [d for d in picture.deliveries if d.purpose is not Purpose.NOTICE or d in picture.unknown],
        "timeline": list(reversed(timeline if details else in_short(timeline))),
        "details": details,
        "small_print": sum(entry.detail for entry in timeline),
        "desk_url": here.settings.desk.url,
        "read_only": request.url.path.startswith("/read/"),
        "report": await asyncio.to_thread((report_folder(here, incident.id) / REPORT).is_file),
    }
    return desk.pages.show(request, "incident.html", context)


def _told(records: list[Record], deliveries: Sequence[Delivery]) -> list[Told]:
    """Each person once: told, if ever they were, how often, and by which route; else why not."""
    by_person: dict[str, list[Record]] = {}
    for record in records:
        if record.kind in ("stakeholder.told", "stakeholder.not_told"):
            by_person.setdefault(str(record.data.get("stakeholder", "")), []).append(record)
    found = []
    for email, own in by_person.items():
        telling = [r for r in own if r.kind == "stakeholder.told"]
        first = (telling or own)[0]
        reached, failed = _routes([d for d in deliveries if d.rendering.options.get("to") == email])
        times = len({r.data.get("occasion") for r in telling})
        found.append(Told(str(first.data.get("name") or email), bool(telling), times, first, reached, failed))
    return sorted(found, key=lambda t: (not t.told, t.first.at))


def _routes(notices: Sequence[Delivery]) -> tuple[tuple[str, ...], tuple[tuple[str, str], ...]]:
    """By which notifiers one person's notices arrived, and by which the newest of each did not, with the reason."""
    newest = {d.rendering.target.channel: d for d in notices}
    reached = dict.fromkeys(d.rendering.target.channel for d in notices if d.state in ARRIVED)
    failed = [
        (name, d.problem or d.state.value)
        for name, d in newest.items()
        if d.state not in ARRIVED and d.problem not in (REACHED, TAKEN)
    ]
    return tuple(reached), tuple(failed)


async def chart(request: Request) -> Response:
    """A chart as an SVG image. ``?of=share`` is the negative share instead of the volume, ``?wide=1`` the wide form."""
    here = desk_of(request).here
    async with here.store.reading() as tx:
        incident = await _incident(request, tx)
        until = (incident.closed_at or here.clock.now()) + BEFORE
        signals = await tx.signals.list(incident.watch, since=incident.started_at - BEFORE, until=until)
        picture = await load(tx, incident, here.clock.now())
    draw = charts.negative_share_chart if request.query_params.get("of") == "share" else charts.volume_chart
    width = charts.WIDE if request.query_params.get("wide") == "1" else charts.NARROW
    drawn = await asyncio.to_thread(draw, signals, _marks(picture), width=width, standalone=True)
    return Response(drawn, media_type="image/svg+xml", headers={"Content-Security-Policy": DOCUMENT_POLICY})


def _marks(picture: Picture) -> list[Mark]:
    marks = [Mark(at=picture.incident.opened_at, label="detected")]
    marks += [Mark(at=p.at, label=p.kind.value) for p in publications(picture)]
    if picture.incident.closed_at is not None:
        marks.append(Mark(at=picture.incident.closed_at, label="closed"))
    return marks


async def report(request: Request) -> Response:
    """The after-action report, once it is written."""
    desk = desk_of(request)
    async with desk.here.store.reading() as tx:
        incident = await _incident(request, tx)
    path = report_folder(desk.here, incident.id) / REPORT
    try:
        written = await asyncio.to_thread(path.read_bytes)
    except FileNotFoundError:
        return desk.pages.notice(
            request,
            404,
            f"There is no report on {incident.id} yet",
            "It is written when the incident has been resolved.",
            f"To write it now: `fireline report {incident.id} -o DIRECTORY`",
        )
    return HTMLResponse(written, headers={"Content-Security-Policy": DOCUMENT_POLICY})


ROUTES = [
    Route("/incidents/{id}", page, methods=["GET"]),
    Route("/incidents/{id}/chart.svg", chart, methods=["GET"]),
    Route("/incidents/{id}/report", report, methods=["GET"]),
]

"""``GET /``: the page one opens first at night. Open incidents by severity with running clocks, what each waits for, from
whom and since when, and its next step; candidates apart; what is not heard; and while all is quiet, that it is listened to.

It is made of fragments, the same for everybody, so that open pages are kept up to date by ``desk.live``.
"""

from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crisis.clocks import ClockReading, read_clocks
from crisis.coverage import Coverage, SourceState
from crisis.effect import Effect
from crisis.incident import LIVE, Incident, IncidentState
from crisis.record import Record
from desk.kept import Seen
from desk.live import digest, register
from desk.picture import publications
from desk.state import Desk, desk_of
from desk.waiting import Wait, next_step, waits
from records import Transaction
from tasks.coverage import coverage, coverage_lines
from tasks.questions import in_a_word, unanswered

MOST = 12
"""Open incidents that are shown in full; the rest are a line each."""
LINES = 40
"""Open incidents that are a line each; the rest are counted."""
LATELY = 5
"""Closed incidents that are still listed."""


@dataclass(frozen=True)
class Card:
    """One open incident, and what it waits for."""

    incident: Incident
    readings: tuple[ClockReading, ...]
    """Clocks that run or are overdue, the most urgent first."""
    waits: tuple[Wait, ...]
    step: tuple[str, str]
    """The one obvious next step, and where it is taken."""
    taken_by: str
    """Who is on it, by name; empty when nobody has said so."""
    effect: Effect | None = None
    """What came of the last word."""
    asked: str = ""
    """How many questions of the public have no answer, in a word; empty when none."""

    @property
    def candidate(self) -> bool:
        return self.incident.state is IncidentState.CANDIDATE

    def is_overdue(self, now: datetime) -> bool:
        """Whether a clock, a promise or anything else that it waits for should have been done before ``now``."""
        late = [*(r.due_at for r in self.readings), *(w.due_at for w in self.waits if w.due_at)]
        return any(at < now for at in late)


async def fragments(desk: Desk) -> dict[str, Markup]:
    """What the page shows, piece by piece."""
    now = desk.here.clock.now()
    async with desk.here.store.reading() as tx:
        live = sorted(await tx.incidents.list(states=LIVE), key=lambda i: (-i.severity.weight, i.opened_at))
        seen = await desk.kept.seen(tx, live[:MOST], now)
        cards = [await _card(desk, tx, one) for one in seen]
        closed = await tx.incidents.lately_closed(LATELY)
        watches = await tx.watches.list()
    sources = await coverage(desk.here)
    context = {
        "now": now,
        "cards": [card for card in cards if not card.candidate],
        "candidates": [card for card in cards if card.candidate],
        "lines": live[MOST : MOST + LINES],
        "more": max(0, len(live) - MOST - LINES),
        "open": len(live),
        "overdue": sum(card.is_overdue(now) for card in cards),
        "closed": closed,
        "watches": watches,
        "lacking": await coverage_lines(desk.here),
        "sources": [(one, _last(one)) for one in sources],
    }
    order = ("heard", "incidents", "closed") if live or context["lacking"] else ("incidents", "heard", "closed")
    return {name: desk.pages.fragment(f"now/{name}.html", context) for name in order}


async def _card(desk: Desk, tx: Transaction, seen: Seen) -> Card:
    picture, now = seen.picture, desk.here.clock.now()
    readings = read_clocks(picture.incident, seen.assessments, publications(picture), now)
    running = tuple(sorted((r for r in readings if r.met_at is None), key=lambda r: r.due_at))
    waiting = waits(picture, desk.here.settings, now)
    _, _, acts = await desk.kept.history(tx, seen, now)
    last = picture.effects[-1] if picture.effects else None
    looked = await tx.questions.progress(picture.incident.id)
    asked = ""
    if looked is not None:
        minute = now.replace(second=0, microsecond=0)

        async def read() -> str:
            return in_a_word(await unanswered(tx, picture.incident, now), now)

        asked = await desk.kept.read_once("asked", picture.incident.id, (seen.end, looked, minute), read)
    step = next_step(picture.incident, waiting)
    return Card(picture.incident, running, waiting, step, taken_by(desk, acts), last, asked)


def taken_by(desk: Desk, first_acts: dict[str, Record]) -> str:
    """Who was first to say that they are on an incident, or to do anything about it; empty when nobody was.

    The rule is that of ``tasks.on_it.acknowledged_by``.
    """
    people = {person.email: person.name for person in desk.here.settings.stakeholders}
    acts = [r for actor, r in first_acts.items() if actor in people or r.kind == "incident.acknowledged"]
    first = min(acts, key=lambda record: record.seq, default=None)
    return people.get(first.actor, first.actor) if first else ""


def _last(one: Coverage) -> str:
    return {SourceState.OK: "heard", SourceState.DEGRADED: "degraded"}.get(one.health.state, "silent")


async def now_page(request: Request) -> Response:
    """The page, as it stands at the moment of asking."""
    desk = desk_of(request)
    shown = await fragments(desk)
    context = {"fragments": shown, "have": digest(shown), "of": "now"}
    return desk.pages.show(request, "now.html", context, live=True)


async def _live(desk: Desk, of: str) -> dict[str, Markup]:
    return await fragments(desk)


register("now", _live)
ROUTES = [Route("/", now_page, methods=["GET"])]

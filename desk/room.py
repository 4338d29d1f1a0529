"""What the war room of one incident shows, piece by piece, from the records as they stand.

The order of the pieces is that of their use at night: where it stands and what comes next; how it runs; what was said;
what people say and feel; where it spreads; why it is rated so; who was told; facts; the timeline; the posts themselves.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from markupsafe import Markup

from crisis import charts
from crisis.charts import Mark
from crisis.clocks import Publication, read_clocks
from crisis.delivery import ARRIVED, Delivery, Purpose
from crisis.effect import Effect
from crisis.empathy import needs
from crisis.forecast import Expected
from crisis.freeze import shown
from crisis.incident import Incident
from crisis.reaction import Observation
from crisis.record import Record
from crisis.telling import Known
from crisis.timeline import in_short
from crisis.timeline import tell as tell_timeline
from crisis.triage import Assessment, Signal
from desk.kept import NEWEST
from desk.now import taken_by
from desk.picture import Picture, publications
from desk.state import Desk
from desk.waiting import next_step, waits
from records import Transaction
from tasks.advise import advise
from tasks.deliver import REACHED, TAKEN
from tasks.empathy import LOOKED_AT, map_of, published_texts
from tasks.incidents import answers
from tasks.monitoring import monitoring_of
from tasks.review import report_folder

PIECES: Mapping[str, str] = {
    "head": "Where it stands",
    "charts": "How it runs",
    "words": "What we said",
    "said": "What people say",
    "felt": "What they feel",
    "spread": "Where it spreads",
    "why": "Why, and advice",
    "told": "Who knows",
    "facts": "Facts",
    "timeline": "Timeline",
    "posts": "Posts",
}
"""The pieces in order, and what each is called."""
BEFORE = timedelta(hours=1)
"""Of the time before the episode, on charts."""
MENTIONS = 20
"""Posts quoted on the page; the rest are counted."""
WIDEST = 5
"""Posts that reached most."""
ENTRIES = 60
"""Entries of the timeline at once."""
PEOPLE = 60
"""People of whom it is shown whether they were told; the rest are counted."""
REPORT = "report.html"


@dataclass(frozen=True)
class Told:
    """Whether one person was told, what they were told of, and what they made of it."""

    name: str
    told: bool
    times: int
    first: Record
    """The record of the first time: when and why."""
    reached_by: tuple[str, ...] = ()
    """Notifiers by which a notice arrived."""
    failed: tuple[tuple[str, str], ...] = ()
    """Notifiers by which the newest notice did not arrive, and why."""
    acted: Record | None = None
    """The first thing on record that they did about it: they have seen it."""


@dataclass(frozen=True)
class Came:
    """What came of a statement."""

    publication: Publication
    effect: Effect | None
    """As judged last; none before the first judgement."""
    last: Observation | None
    """As measured last, against the moment before it."""

    @property
    def word(self) -> str:
        if self.effect is not None:
            return self.effect.verdict.value
        return self.last.verdict.value if self.last else ""


async def gather(
    desk: Desk, name: str, *, place: str = "", below: str = "", read_only: bool = False, details: bool = False
) -> dict[str, Any]:
    """Everything that the page of an incident tells. ``details`` keeps the timeline's small print.

    Raises:
        records.NotFound: there is no such incident.
    """
    here, now = desk.here, desk.here.clock.now()
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(name)
        (seen,) = await desk.kept.seen(tx, [incident], now)
        records, told, acts = await desk.kept.history(tx, seen, now)
        until = (incident.closed_at or now) + BEFORE
        signals = await desk.kept.signals(tx, incident, incident.started_at - BEFORE, until)
        people = {p.email: p.name for p in await tx.stakeholders.list()}
        context = {
            "facts": (facts := await tx.facts.list(incident.id)),
            "fact_histories": {f.id: await tx.facts.history(f.id) for f in facts},
            "answers": await answers(tx, incident.id),
            "observations": await tx.observations.list(incident.id),
            "counsel": await advise(tx, incident.id),
            "frozen": shown(await tx.frozen.list(incident=incident.id)),
            "watched": await monitoring_of(here, tx, incident.id),
            **await _posts(desk, tx, incident),
        }
    picture = seen.picture
    readings = read_clocks(incident, seen.assessments, publications(picture), now)
    waiting = waits(picture, here.settings, now)
    known = Known(deliveries={d.id: d for d in picture.deliveries}, people=people)
    timeline = tell_timeline(incident, records, known)
    marked = marks(picture, context["observations"])
    chosen = list(reversed(timeline if details else in_short(timeline)))
    return context | {
        "now": now,
        "incident": incident,
        "picture": picture,
        "readings": tuple(sorted(readings, key=lambda r: (r.met_at is not None, r.due_at))),
        "waits": waiting,
        "step": next_step(incident, waiting),
        "taken_by": taken_by(desk, acts),
        "people": people,
        "public": [d for d in picture.deliveries if d.purpose is not Purpose.NOTICE or d in picture.unknown],
        "told": who_was_told(told, picture.deliveries, acts)[:PEOPLE],
        "more_told": max(0, len({r.data.get("stakeholder") for r in told}) - PEOPLE),
        "timeline": chosen[:ENTRIES],
        "earlier": len(chosen) > ENTRIES or len(records) >= NEWEST,
        "details": details,
        "small_print": sum(entry.detail for entry in timeline),
        "signal": signals[-1] if signals else None,
        "came": came_of(picture, context["observations"]),
        "growth": _growth(incident.assessment, seen.assessments),
        "drawn": await desk.kept.once(
            "charts",
            incident.id,
            (len(signals), signals[-1:], marked, picture.effects),
            lambda: _drawn(signals, marked, foreseen(picture)),
        ),
        "place": place or f"/incidents/{incident.id}",
        "below": below,
        "read_only": read_only,
        "desk_url": here.settings.desk.url,
        "report": await asyncio.to_thread((report_folder(here, incident.id) / REPORT).is_file),
    }


def pieces(desk: Desk, context: Mapping[str, Any]) -> dict[str, Markup]:
    """The page's pieces, rendered."""
    return {name: desk.pages.fragment(f"room/{name}.html", context) for name in PIECES}


async def _posts(desk: Desk, tx: Transaction, incident: Incident) -> dict[str, Any]:
    """The posts relied on: how many, where from, the widest, the first; and what those who wrote them feel."""
    spread = await desk.kept.spread(tx, incident.id)
    networks, languages = Counter[str](), Counter[str]()
    for (network, language), count in spread.items():
        networks[network or "?"] += count
        languages[language or "not told"] += count
    posts = await tx.mentions.spread_over(incident.id, limit=LOOKED_AT)
    brand = (await tx.watches.get(incident.watch)).brand
    shown: dict[str, Any] = {
        "mention_count": networks.total(),
        "networks": networks.most_common(8),
        "languages": languages.most_common(8),
        "widest": await tx.mentions.widest(incident.id, limit=WIDEST),
        "mentions": await tx.mentions.list(incident.id, limit=MENTIONS),
        "empathy": await desk.kept.once(
            "empathy",
            incident.id,
            ([(m.source, m.id) for m in posts], incident.assessment.narratives),
            lambda: map_of(posts, incident.assessment, brand),
        ),
    }
    said = await published_texts(tx, incident.id)
    shown["needs"] = await desk.kept.once(
        "needs", incident.id, (shown["empathy"], said), lambda: needs(shown["empathy"], said)
    )
    return shown


def foreseen(picture: Picture) -> list[Sequence[Expected]]:
    """The forecasts to draw: one for statements that are judged as one."""
    return list({e.forecast[0].at: e.forecast for e in picture.effects if e.forecast}.values())


def _drawn(signals: Sequence[Signal], marked: Sequence[Mark], ahead: Sequence[Sequence[Expected]]) -> dict[str, Markup]:
    """The charts, each for a phone and for a wide page; their text is escaped where they are drawn."""
    return {
        f"{name}_{size}": Markup(draw(signals, marked, width=width, foreseen=ahead))  # noqa: S704 - see above
        for name, draw in (("volume", charts.volume_chart), ("share", charts.negative_share_chart))
        for size, width in (("narrow", charts.NARROW), ("wide", charts.WIDE))
    }


def marks(picture: Picture, observations: Sequence[Observation] = ()) -> list[Mark]:
    """What to mark on a chart: detection, each statement with what came of it, the end."""
    found = [Mark(at=picture.incident.opened_at, label="detected")]
    for one in came_of(picture, observations):
        came = f": {one.word}" if one.word else ""
        found.append(Mark(at=one.publication.at, label=f"{one.publication.kind.value}{came}"))
    if picture.incident.closed_at is not None:
        found.append(Mark(at=picture.incident.closed_at, label="closed"))
    return found


def came_of(picture: Picture, observations: Sequence[Observation]) -> list[Came]:
    """Each word that was said to all, the judgement of it and the last measurement that was made of it."""
    judged = {(e.statement, e.version): e for e in picture.effects}
    found = []
    for word in sorted((p for p in publications(picture) if p.to_all), key=lambda p: p.at):
        own = [o for o in observations if o.statement.partition(" ")[0] == word.statement and o.at >= word.at]
        found.append(Came(word, judged.get((word.statement, word.version)), own[-1] if own else None))
    return found


def _growth(latest: Assessment, earlier: Sequence[Assessment]) -> dict[str, int]:
    """By how many posts each narrative has grown since the assessment before; new ones by all of theirs."""
    before = next((a for a in reversed(earlier) if a.narratives and a.looked_at < latest.looked_at), None)
    if before is None:
        return {}
    sizes = {n.id: n.size for n in before.narratives}
    return {n.id: n.size - sizes.get(n.id, 0) for n in latest.narratives}


def who_was_told(records: Sequence[Record], deliveries: Sequence[Delivery], acts: Mapping[str, Record]) -> list[Told]:
    """Each person once: told, if ever they were, how often, by which route, and what they did; else why not."""
    by_person: dict[str, list[Record]] = {}
    for record in records:
        if record.kind in ("stakeholder.told", "stakeholder.not_told"):
            by_person.setdefault(str(record.data.get("stakeholder", "")), []).append(record)
    notices: dict[str, list[Delivery]] = {}
    for delivery in deliveries:
        notices.setdefault(delivery.rendering.options.get("to", ""), []).append(delivery)
    found = []
    for email, own in by_person.items():
        telling = [r for r in own if r.kind == "stakeholder.told"]
        first = (telling or own)[0]
        reached, failed = _routes(notices.get(email, []))
        times = len({r.data.get("occasion") for r in telling})
        name = str(first.data.get("name") or email)
        found.append(Told(name, bool(telling), times, first, reached, failed, acts.get(email)))
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

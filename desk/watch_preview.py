"""``/setup/watches``: the watches there are, and what a query would have matched and alerted on in recorded posts.

Trying is bounded: so many posts, so many seconds, in a thread of its own, and one question for each caller: the newest
one stops the one before it. The result of matching is there at once; judging when an alarm would have been raised takes
longer and comes after. Nothing is saved: the page shows the lines for fireline.toml.
"""

import asyncio
import json
from base64 import b64encode
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import integrations
from crisis.charts import NARROW, WIDE, Mark, volume_chart
from crisis.preview import Alarms, Matched, alarms, matched
from crisis.query import LONGEST, Query, QueryError, parse
from crisis.visible import visible
from crisis.watch import Watch
from desk.guard import caller
from desk.state import Desk, desk_of
from tasks.coverage import coverage
from tasks.recordings import Taken, posts_of, recordings

MATCH_SECONDS = 3.0
"""How long posts are held against a query."""
ALARM_SECONDS = 20.0
"""How long they are judged."""


class _Asked:
    """What the form asks."""

    def __init__(self, request: Request, desk: Desk) -> None:
        given = request.query_params
        watch = next((w for w in desk.here.settings.watches if w.name == given.get("watch")), None)
        self.query = (given.get("query") or (watch.query if watch else "")).strip()[: LONGEST + 1]
        self.brand = (given.get("brand") or (watch.brand if watch else "")).strip()[:200]
        self.name = watch.name if watch else ""
        known = recordings(desk.here)
        self.recording = next((r for r in known if r.name == given.get("in")), known[0])

    @property
    def fields(self) -> dict[str, str]:
        """As the form's fields, for addresses that ask the same."""
        return {"query": self.query, "brand": self.brand, "in": self.recording.name, "watch": self.name}


async def page(request: Request) -> Response:
    """``GET /setup/watches``: the watches, the form, and, where a query is asked, what it finds."""
    desk = desk_of(request)
    asked = _Asked(request, desk)
    context = await _found(request, desk, asked)
    if request.headers.get("hx-request"):
        return desk.pages.show(request, "setup_found.html", context, live=True)
    settings = desk.here.settings
    latest = {}
    async with desk.here.store.reading() as tx:
        for watch in settings.watches:
            latest[watch.name] = await tx.signals.latest(watch.name)
    heard: dict[str, list[Any]] = {}
    for known in await coverage(desk.here):
        heard.setdefault(known.watch, []).append(known)
    context |= {
        "watches": settings.watches,
        "sources": settings.sources,
        "latest": latest,
        "heard": heard,
        "recordings": recordings(desk.here),
        "file": settings.file,
        "longest": LONGEST,
    }
    return desk.pages.show(request, "setup_watches.html", context, live=True)


async def _found(request: Request, desk: Desk, asked: _Asked) -> dict[str, Any]:
    """What the query matches, or what is wrong with it."""
    context: dict[str, Any] = {"asked": asked, "result": None, "error": None, "problem": "", "taken": None}
    if not asked.query:
        return context
    try:
        query = parse(asked.query)
    except QueryError as error:
        return context | {"error": _pointed(asked.query, error)}
    try:
        taken, result = await _match(request, desk, asked, query)
    except integrations.Misconfigured as error:
        return context | {"problem": str(error)}
    if result is None:
        return context | {"problem": "A newer question took its place."}
    return context | {"taken": taken, "result": result, "toml": toml_of(asked.name, asked.brand, asked.query)}


async def _match(request: Request, desk: Desk, asked: _Asked, query: Query) -> tuple[Taken, Matched | None]:
    taken = await posts_of(desk.here, asked.recording)
    found = await desk.turns.work(
        f"{caller(request)} match", MATCH_SECONDS, lambda stop: matched(query, taken.posts, stop=stop)
    )
    return taken, found


def _pointed(text: str, error: QueryError) -> dict[str, str]:
    """The query around the place that is wrong."""
    at = min(error.position, len(text))
    start = max(0, at - 60)
    return {
        "before": ("…" if start else "") + text[start:at],
        "at": text[at : at + 1],
        "after": text[at + 1 : at + 40],
        "says": error.says,
        "character": str(error.position + 1),
    }


async def judged(request: Request) -> Response:
    """``GET /setup/watches/alarms``: when the query would have raised the alarm, with a chart. A part of the page above."""
    desk = desk_of(request)
    asked = _Asked(request, desk)
    context = await _found(request, desk, asked)
    known, charts = None, {}
    if context.get("result") is not None:
        known = await _judge(request, desk, asked, context["taken"], context["result"])
        if known is None:
            context["problem"] = "A newer question took its place."
        elif known.signals:
            charts = await asyncio.to_thread(_charts, known)
    context |= {"known": known, "charts": charts, "seconds": ALARM_SECONDS}
    template = "setup_alarms_part.html" if request.headers.get("hx-request") else "setup_alarms.html"
    return desk.pages.show(request, template, context, live=True)


async def _judge(request: Request, desk: Desk, asked: _Asked, taken: Taken, found: Matched) -> Alarms | None:
    watch = Watch(name="preview", brand=asked.brand or asked.query[:60], query=asked.query)
    books, rooms, takes = desk.here.playbooks, desk.here.newsrooms, desk.here.settings.detection
    begin = taken.posts[0].created_at if taken.posts else None
    known: Alarms | None = await desk.turns.work(
        f"{caller(request)} judge",
        ALARM_SECONDS,
        lambda stop: alarms(
            found.posts, watch, begin=begin, playbooks=books, newsrooms=rooms, sensitivity=takes, stop=stop
        ),
    )
    return known


def _charts(known: Alarms) -> dict[str, str]:
    """The chart for a phone and for a wide screen, each as an address that carries it."""
    marks = [Mark(at=alarm.at, label=f"{alarm.severity} opens") for alarm in known.opened]
    drawn = {
        name: volume_chart(known.signals, marks, width=width, standalone=True)
        for name, width in (("narrow", NARROW), ("wide", WIDE))
    }
    return {name: f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}" for name, svg in drawn.items()}


def toml_of(name: str, brand: str, query: str) -> str:
    """The lines for fireline.toml. What a reader would not see, or a page would obey, is written as TOML's escapes."""
    lines = [("name", name or "new-watch"), ("brand", brand or "The name the public knows"), ("query", query)]
    return "[[watches]]\n" + "".join(f"{key:<5} = {_toml(value)}\n" for key, value in lines)


def _toml(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(_escaped(c) if c == "\x7f" or visible(c) != c else c for c in quoted)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


ROUTES = [
    Route("/setup/watches", page, methods=["GET"]),
    Route("/setup/watches/alarms", judged, methods=["GET"]),
]

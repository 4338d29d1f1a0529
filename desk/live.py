"""What open pages look at, rendered once for all of them whenever it changes; ``desk.stream`` hands it out.

While anybody looks, one task asks the records a few times a second whether anything was written; what changed is
rendered once, at most once a second for each thing looked at, and every page gets the pieces that differ from what it
has. A piece is a state, not a step: whoever was away for a while gets what differs now, and has lost nothing.

Events are named after the piece they renew (HTML); ``say`` is a sentence worth announcing; ``beat`` tells the time, that
the line is alive, and by its id how far the page has come. A reader whose access ends gets ``bye`` and no more.
"""

import asyncio
import hashlib
import inspect
import json
import logging
import re
import secrets
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from crisis.record import Record
from crisis.telling import Known
from crisis.timeline import tell_one
from desk.page import speed_of
from desk.state import Desk
from records import NotFound
from records.view import Hidden

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
"""Between two looks at the ledger's end while anybody reads."""
MEASURED_SECONDS = 2.0
"""Between two looks at what was measured, of which the ledger does not tell."""
PACE_SECONDS = 1.0
"""At least this between two renderings of one thing."""
AGAIN_SECONDS = 30.0
"""A rendering this old is made anew even if nothing was written: clocks run out by themselves."""
BEAT_SECONDS = 10.0
SIGHT = frozenset({"incident.restricted", "incident.unrestricted"})
"""Kinds of records that change who sees what: every page then connects anew."""
SAID = frozenset(
    {
        "incident.opened",
        "incident.acknowledged",
        "incident.unacknowledged",
        "incident.responding",
        "incident.monitoring",
        "incident.resolved",
        "incident.dismissed",
        "incident.merged",
        "statement.proposed",
        "statement.approved",
        "statement.returned",
        "statement.voided",
        "statement.published",
        "statement.withdrawn",
        "delivery.human_asked",
        "delivery.refused",
        "commitment.broken",
        "commitment.overdue",
        "delivery.read_back",
        "coverage.lost",
        "coverage.returned",
    }
)
"""Kinds of records that are announced to whoever cannot see the page change."""

Build = Callable[[Desk, str], Awaitable[dict[str, Markup]]]
_builds: dict[str, Build] = {}
_COUNTED = re.compile(r"(<time [^>]*data-counts[^>]*>)[^<]*")


def register(prefix: str, build: Build) -> None:
    """Say how the pieces of a page are made whose ``of`` is ``prefix``, or begins with it and a hyphen.

    No piece may be called ``open``, ``error`` or ``message``: browsers send events of those names themselves.
    """
    _builds[prefix] = build


def build_of(of: str) -> Build | None:
    """How the pieces are made of a page that looks at ``of``; None where nothing of that name is kept up to date."""
    return _builds.get(of.partition("-")[0]) if len(of) < 64 else None


def _mark(html: str) -> str:
    """What tells two renderings of a piece apart, but for running clocks: those go on in the page by themselves."""
    return hashlib.sha256(_COUNTED.sub(r"\1", html).encode(errors="replace")).hexdigest()[:10]


def digest(fragments: Mapping[str, Markup]) -> str:
    """What a page has, as its connection tells it."""
    return ",".join(f"{name}.{_mark(html)}" for name, html in fragments.items())


@dataclass(frozen=True)
class _Piece:
    mark: str
    number: int
    """The change of its view by which it came to be so."""
    event: bytes


@dataclass
class View:
    """One thing that pages look at, as it was rendered last."""

    of: str
    build: Build
    desk: Desk
    """As those who look at it may see it."""
    hidden: Hidden
    """What none of them sees."""
    token: str = field(default_factory=lambda: secrets.token_hex(4))
    number: int = 0
    pieces: dict[str, _Piece] = field(default_factory=dict)
    said: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=20))
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when something changed; then another one takes its place."""
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    dirty: bool = True
    busy: bool = False
    readers: int = 0
    over: bool = False
    """Who may see it has changed: its readers connect anew."""
    rendered_at: float = float("-inf")
    left_at: float = float("-inf")

    def move(self) -> None:
        gone, self.moved = self.moved, asyncio.Event()
        gone.set()

    def take(self, fragments: Mapping[str, Markup]) -> None:
        """Keep what was rendered; readers are told if any of it is new."""
        number = self.number + 1
        for name, html in fragments.items():
            mark = _mark(html)
            if name not in self.pieces or self.pieces[name].mark != mark:
                self.pieces[name] = _Piece(mark, number, _event(name, html))
                self.number = number
        self.ready.set()
        if self.number == number:
            self.move()

    def say(self, text: str) -> None:
        self.number += 1
        self.said.append((self.number, _event("say", text)))
        self.move()

    def after(self, place: str) -> int | None:
        """How far a page had come that was here before; None when that was another view, or none."""
        token, _, number = place.partition("-")
        return int(number) if token == self.token and number.isdecimal() and len(number) < 16 else None

    def news(self, after: int) -> bytes:
        """Every piece that changed after ``after``, and what was said since."""
        new = [piece.event for piece in self.pieces.values() if piece.number > after]
        return b"".join([*new, *(event for number, event in self.said if number > after)])

    def pieces_but(self, have: Mapping[str, str]) -> bytes:
        """Every piece that a page does not have as it is now."""
        return b"".join(piece.event for name, piece in self.pieces.items() if have.get(name) != piece.mark)


class Live:
    """Everything that is looked at, and the one task that looks whether it changed."""

    def __init__(self) -> None:
        self._views: dict[tuple[str, Hidden], View] = {}
        self._finding = asyncio.Lock()
        self._by = Counter[str]()
        self._looking: asyncio.Task[None] | None = None
        self._rendering: set[asyncio.Task[None]] = set()
        self._closed = asyncio.Event()
        self._end: int | None = None
        self._measured: Any = None
        self._measured_at = float("-inf")
        self._well_at = float("-inf")
        self._severities: dict[str, str] = {}

    @property
    def readers(self) -> int:
        return sum(view.readers for view in self._views.values())

    def open_by(self, who: str) -> int:
        """How many pages a session keeps open."""
        return self._by[who]

    def close(self) -> None:
        """End every connection; none is taken any more."""
        self._closed.set()
        if self._looking is not None:
            self._looking.cancel()
        for view in self._views.values():
            view.move()

    async def read(
        self,
        whole: Desk,
        view: View,
        *,
        after: str,
        have: Mapping[str, str],
        still: Callable[[], Any],
        who: str = "",
    ) -> AsyncGenerator[bytes, None]:
        """What one page of the session ``who`` gets, until it leaves, its access or what it may see changes, or the desk ends.

        ``whole``: the desk with nothing hidden, to look for changes.
        """
        view = self._views.setdefault((view.of, view.hidden), view)
        desk = view.desk
        view.readers += 1
        self._by[who] += 1
        try:
            self._look(whole)
            yield b"retry: 2000\n\n"
            while not view.ready.is_set() and not self._closed.is_set():
                await _either(view.ready, self._closed)
            if view.over:
                return
            known = view.after(after)
            # What was said before is no news to a page that has just been opened.
            news, number = (view.pieces_but(have) if known is None else view.news(known)), view.number
            yield news + self._beat(desk, view, number)
            async for chunk in self._go_on(desk, view, number, still):
                yield chunk
        finally:
            view.readers -= 1
            self._by[who] -= 1
            view.left_at = time.monotonic()

    async def _go_on(
        self, desk: Desk, view: View, number: int, still: Callable[[], Any]
    ) -> AsyncGenerator[bytes, None]:
        beat_at = time.monotonic() + BEAT_SECONDS
        while not self._closed.is_set() and not view.over:
            moved = view.moved
            if view.number > number:
                news, number = view.news(number), view.number
                yield news + self._beat(desk, view, number)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, beat_at - time.monotonic())):
                    await moved.wait()
            if time.monotonic() < beat_at:
                continue
            beat_at = time.monotonic() + BEAT_SECONDS
            allowed = still()
            if not (await allowed if inspect.isawaitable(allowed) else allowed):
                yield _event("bye", "access")
                return
            if time.monotonic() - self._well_at < BEAT_SECONDS:  # a line is not alive whose records do not answer
                yield self._beat(desk, view, number)

    def _beat(self, desk: Desk, view: View, number: int) -> bytes:
        clock = desk.here.clock
        told = json.dumps({"now": clock.now().isoformat(), "speed": speed_of(clock), "every": BEAT_SECONDS})
        return f"id: {view.token}-{number}\n".encode() + _event("beat", told)

    def _look(self, desk: Desk) -> None:
        if self._looking is None or self._looking.done():
            self._end = None  # nobody looked for a while
            self._looking = asyncio.create_task(self._keep_looking(desk))

    async def _keep_looking(self, desk: Desk) -> None:
        while self._views and not self._closed.is_set():
            try:
                await self._find_changes(desk)
                self._well_at = time.monotonic()
            except Exception:  # whatever keeps the records from answering, they are asked again
                logger.warning("live updates: the records do not answer", exc_info=True)
            now = time.monotonic()
            for key, view in list(self._views.items()):
                if not view.readers and now - view.left_at > AGAIN_SECONDS and not view.busy:
                    del self._views[key]
                elif not view.busy and now - view.rendered_at >= (PACE_SECONDS if view.dirty else AGAIN_SECONDS):
                    view.busy, view.rendered_at = True, now
                    task = asyncio.create_task(self._render(desk, view))
                    self._rendering.add(task)
                    task.add_done_callback(self._rendering.discard)
            await asyncio.sleep(LOOK_SECONDS)

    async def _render(self, desk: Desk, view: View) -> None:
        view.dirty = False
        try:
            fragments = await view.build(view.desk, view.of)
            await self._find_changes(desk)  # nobody gets what was hidden from them while it was being rendered
            if not view.over:
                view.take(fragments)
        except Exception:  # the next look tries again; the pages keep what they have
            view.dirty = True
            logger.warning("live updates: %s could not be rendered", view.of, exc_info=True)
        finally:
            view.busy = False

    async def _find_changes(self, desk: Desk) -> None:
        async with self._finding:
            await self._find(desk)

    async def _find(self, desk: Desk) -> None:
        new: list[Record] = []
        async with desk.here.store.reading() as tx:
            end = await tx.ledger.end()
            if self._end is not None and end > self._end:
                new = await tx.ledger.list(after=self._end)
            if time.monotonic() - self._measured_at >= MEASURED_SECONDS:
                self._measured_at = time.monotonic()
                measured = (await tx.signals.ends(), [(c, c.health.last_post_at) for c, _ in await tx.coverage.list()])
                if measured != self._measured:
                    self._measured = measured
                    self._dirty("")
            people = {p.email: p.name for p in await tx.stakeholders.list()} if new else {}
        if self._end is None:
            self._dirty("")
        self._end = end
        if any(record.kind in SIGHT for record in new):
            self._connect_anew()
        for record in new:
            self._dirty(record.incident)
            if says := self._announced(record, Known(people=people)):
                for view in [v for v in self._views.values() if v.of in ("now", record.incident)]:
                    if await _sees(view, record.incident):
                        view.say(says)

    def _connect_anew(self) -> None:
        """End every stream; the pages ask again at once, and get what they may see now."""
        for view in self._views.values():
            view.over = True
            view.ready.set()
            view.move()
        self._views.clear()

    def _dirty(self, incident: str) -> None:
        """Note that an incident changed; an empty one: that anything may have."""
        for view in self._views.values():
            if not incident or view.of in ("now", incident):
                view.dirty = True

    def _announced(self, record: Record, known: Known) -> str:
        about = f"{record.incident}: " if record.incident else ""
        if record.kind == "incident.assessed":
            severity = str(record.data.get("severity", ""))
            before = self._severities.get(record.incident, severity)
            self._severities[record.incident] = severity
            return f"{about}now {severity}, before {before}" if severity != before else ""
        return f"{about}{tell_one(record, known).what}"[:300] if record.kind in SAID else ""


async def _sees(view: View, incident: str) -> bool:
    """Whether those who look at ``view`` may hear of an incident."""
    if not incident or not view.hidden:
        return True
    async with view.desk.here.store.reading() as tx:
        try:
            await tx.incidents.get(incident)
        except NotFound:
            return False
    return True


async def _either(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


def _event(name: str, text: str) -> bytes:
    data = "".join(f"data: {line}\n" for line in text.replace("\r", "").split("\n"))
    return f"event: {name}\n{data}\n".encode(errors="replace")

"""Noting how a watch's sources are while they are listened to, and telling it to whoever looks.

That coverage is lost, and that it has returned, is a record each, and an event in Prefect (docs/events.md); in between
the newest state is kept, so that the desk, ``fireline incidents``, ``fireline check`` and the watch's artifact in
Prefect can say what is not being heard. Times of coverage are the real clock's: networks know no other.
"""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from crisis.coverage import Coverage, SourceHealth, SourceState, coverage_line
from crisis.incident import Incident
from records.store import Transaction
from tasks.installation import Installation
from tasks.listening import Feed, coverage_of
from tasks.runs import emit_coverage, server_is_known

logger = logging.getLogger(__name__)

NOTE_EVERY = timedelta(seconds=15)
"""How often the state is noted when nothing changes."""
STALE = timedelta(minutes=2)
"""A state noted longer ago is no state: nobody listens."""
SHOW_SECONDS = 10.0
"""How long Prefect may take to renew the artifact."""


class CoverageBook:
    """What one listener notes of its watch's sources."""

    def __init__(self, here: Installation, watch: str) -> None:
        self._here, self._watch = here, watch
        self._noted: dict[str, tuple[Coverage, datetime]] = {}
        self._lost: set[str] = set()
        self._last_posts: dict[str, datetime] = {}
        """When the newest post was written that each source had brought when this listener began."""
        self._forgotten: set[str] = set()
        self._changed = False
        self._untold: list[tuple[str, Coverage, str]] = []
        """Events of records that are not committed yet."""
        self._showing: asyncio.Task[None] | None = None

    async def begin(self, tx: Transaction) -> None:
        """Remember what was lost when the listener before this one stopped; it may have had no time to tell."""
        known = [coverage for coverage, _ in await tx.coverage.list(self._watch)]
        self._last_posts = {c.source: c.health.last_post_at for c in known if c.health.last_post_at}
        lost = [c for c in known if c.health.state is SourceState.DOWN]
        self._lost = {coverage.source for coverage in lost}
        self._untold = [("coverage.lost", coverage, "") for coverage in lost]

    async def write(self, tx: Transaction, feeds: list[Feed], incident: Incident | None) -> None:
        """Note how each source is, if that has changed or a while has passed, and record losses and returns."""
        now = datetime.now(UTC)
        for feed in feeds:
            if feed.ended and feed.name not in self._forgotten:
                self._forgotten.add(feed.name)
                self._noted.pop(feed.name, None)
                await tx.coverage.forget(self._watch, feed.name)
        for found in coverage_of(self._watch, feeds):
            coverage = self._with_last_post(found)
            before = self._noted.get(coverage.source)
            changed = before is None or _told(before[0]) != _told(coverage)
            if changed or (before and now - before[1] >= NOTE_EVERY):
                await tx.coverage.note(coverage, now)
                self._noted[coverage.source] = coverage, now
                self._changed |= changed
            await self._record(tx, coverage, incident.id if incident else "")

    def _with_last_post(self, coverage: Coverage) -> Coverage:
        """Posts that a source brought to the listener before this one were posts, too."""
        last = self._last_posts.get(coverage.source)
        if last is None or coverage.health.last_post_at is not None:
            return coverage
        return coverage.model_copy(update={"health": coverage.health.model_copy(update={"last_post_at": last})})

    async def _record(self, tx: Transaction, coverage: Coverage, incident: str) -> None:
        health, name = coverage.health, coverage.source
        lost = health.state is SourceState.DOWN
        if lost == (name in self._lost) or not (lost or health.in_contact):
            return
        (self._lost.add if lost else self._lost.discard)(name)
        kind = "coverage.lost" if lost else "coverage.returned"
        self._untold.append((kind, coverage, incident))
        await tx.ledger.append(
            kind,
            incident=incident,
            data={"watch": self._watch, "source": name, "since": health.since.isoformat(), "says": coverage.says},
            actor="detector",
            via=self._here.via,
            reason=health.says,
            flow_run_id=self._here.flow_run_id,
        )

    def tell(self) -> None:
        """Once what ``write`` noted is committed: leave the events, and renew the watch's artifact without waiting."""
        untold, self._untold = self._untold, []
        for kind, coverage, incident in untold:
            since, says = coverage.health.since, coverage.says
            emit_coverage(kind, watch=self._watch, source=coverage.source, since=since, incident=incident, says=says)
        self._show()

    def _show(self) -> None:
        busy = self._showing is not None and not self._showing.done()
        if busy or not self._changed or not (self._here.flow_run_id and server_is_known()):
            return
        self._changed = False
        coverages = [coverage for coverage, _ in self._noted.values()]
        self._showing = asyncio.create_task(_show(self._watch, coverages))


def _told(coverage: Coverage) -> tuple[SourceState, datetime, str, bool]:
    health = coverage.health
    return health.state, health.since, health.says, health.last_post_at is None


async def _show(watch: str, coverages: list[Coverage]) -> None:
    from tasks.artifacts import show_coverage

    try:
        async with asyncio.timeout(SHOW_SECONDS):
            await show_coverage(watch, coverages)
    except Exception:  # it only shows
        logger.warning("the coverage of %s could not be shown in Prefect", watch, exc_info=True)


async def coverage(here: Installation) -> list[Coverage]:
    """How every configured source is that was ever listened to; one that nobody listens to any more is down."""
    async with here.store.reading() as tx:
        rows = await tx.coverage.list()
    feeding = {s.name: s.watch or tuple(w.name for w in here.settings.watches) for s in here.settings.sources}
    return [_as_of_now(c, noted_at) for c, noted_at in rows if c.watch in feeding.get(c.source, ())]


def _as_of_now(coverage: Coverage, noted_at: datetime) -> Coverage:
    if datetime.now(UTC) - noted_at <= STALE:
        return coverage
    says = "nobody listens; `fireline up` starts it"
    last = coverage.health.last_post_at
    health = SourceHealth(state=SourceState.DOWN, since=noted_at, last_post_at=last, in_contact=False, says=says)
    return coverage.model_copy(update={"health": health})


async def coverage_lines(here: Installation) -> list[str]:
    """What is lacking, a line for each watch; none while every source is heard."""
    found = await coverage(here)
    lines = []
    for watch in dict.fromkeys(c.watch for c in found):
        if line := coverage_line(c for c in found if c.watch == watch):
            lines.append(f"{watch}: {line}")
    return lines

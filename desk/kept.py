"""What the pages have read of each incident, kept until a record of it is written.

Whatever changes an incident writes a record of it in the same transaction (``records.ledger``), so the newest record of
an incident says whether anything of it has changed, at the cost of one look-up in an index. What is kept is never newer
or older than the transaction that asks. Counts alone, of a mailing's recipients and of very many posts, may be
``COUNTED_SECONDS`` old.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from crisis.incident import Incident
from crisis.record import Record
from crisis.triage import Assessment, Signal
from desk.picture import Picture, load, where_it_stands
from records import Transaction

Made = TypeVar("Made")

MOST = 300
"""Incidents that are kept; those that were not asked for the longest go first."""
NEWEST = 200
"""Records of an incident that are kept for its timeline."""
COUNTED_SECONDS = 5.0
MANY = 10_000
"""Posts that take a while to count."""
TOLD = ("stakeholder.told", "stakeholder.not_told", "stakeholder.not_reached")


@dataclass
class _Entry:
    end: int
    picture: Picture
    assessments: tuple[Assessment, ...]
    read_at: float
    records: list[Record] | None = None
    told: list[Record] = field(default_factory=list)
    first_acts: dict[str, Record] = field(default_factory=dict)


@dataclass(frozen=True)
class Seen:
    """An incident as one transaction sees it."""

    picture: Picture
    assessments: tuple[Assessment, ...]
    """When it was assessed, how severe, and how large each narrative was; quotes and factors are left out."""
    end: int
    """``seq`` of its newest record."""


class Kept:
    """The incidents that pages showed lately."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._signals: dict[str, list[Signal]] = {}
        self._made: dict[tuple[str, str], tuple[object, Any]] = {}
        self._spreads: dict[str, tuple[float, dict[tuple[str, str], int]]] = {}

    async def seen(self, tx: Transaction, incidents: Sequence[Incident], now: datetime) -> list[Seen]:
        """These incidents and what belongs to them, in the same order."""
        ends = await tx.ledger.ends([incident.id for incident in incidents])
        found = []
        for incident in incidents:
            entry = await self._entry(tx, incident, ends.get(incident.id, 0), now)
            found.append(Seen(_as_of(entry.picture, now), entry.assessments, entry.end))
        return found

    async def _entry(self, tx: Transaction, incident: Incident, end: int, now: datetime) -> _Entry:
        entry = self._entries.pop(incident.id, None)
        old = entry is not None and entry.picture.mailings and time.monotonic() - entry.read_at > COUNTED_SECONDS
        if entry is None or entry.end != end or old:
            picture = await load(tx, incident, now)
            before = entry
            entry = _Entry(end, picture, await _assessments(tx, incident, before, end), time.monotonic())
            if before is not None and before.records is not None and before.end <= end:
                await _go_on(tx, incident.id, before, entry)
        self._entries[incident.id] = entry
        while len(self._entries) > MOST:
            del self._entries[next(iter(self._entries))]
        return entry

    async def history(
        self, tx: Transaction, seen: Seen, now: datetime
    ) -> tuple[list[Record], list[Record], dict[str, Record]]:
        """The newest records of an incident in order, those of whom was told, and the first that each actor made.

        ``seen``: the incident as the same transaction saw it.
        """
        incident = seen.picture.incident
        entry = await self._entry(tx, incident, seen.end, now)
        if entry.records is None:
            newest = await tx.ledger.newest(incident.id, limit=NEWEST)
            entry.records = list(reversed(newest))
            entry.told = await tx.ledger.list(incident=incident.id, kinds=TOLD)
            entry.first_acts = await tx.ledger.first_acts(incident.id)
        return entry.records, entry.told, entry.first_acts

    async def once(self, what: str, incident: str, of: object, make: Callable[[], Made]) -> Made:
        """What ``make`` makes for an incident, off the loop, and only when what it is made ``of`` is not as the last time."""

        async def off_the_loop() -> Made:
            return await asyncio.to_thread(make)

        return await self.read_once(what, incident, of, off_the_loop)

    async def read_once(self, what: str, incident: str, of: object, read: Callable[[], Awaitable[Made]]) -> Made:
        """The same for what is read from records."""
        made = self._made.pop((what, incident), None)
        if made is None or made[0] != of:
            made = of, await read()
        self._made[what, incident] = made
        while len(self._made) > MOST // 5:
            del self._made[next(iter(self._made))]
        found: Made = made[1]
        return found

    async def spread(self, tx: Transaction, incident: str) -> dict[tuple[str, str], int]:
        """How many posts of an incident came from each network, in each language."""
        counted_at, found = self._spreads.pop(incident, (float("-inf"), {}))
        if time.monotonic() - counted_at > COUNTED_SECONDS:
            counted_at, found = time.monotonic(), await tx.mentions.spread(incident)
        if sum(found.values()) > MANY:
            self._spreads[incident] = counted_at, found
        while len(self._spreads) > MOST:
            del self._spreads[next(iter(self._spreads))]
        return found

    async def signals(self, tx: Transaction, incident: Incident, since: datetime, until: datetime) -> list[Signal]:
        """The signals of an incident's watch from ``since`` to ``until``."""
        known = self._signals.pop(incident.id, [])
        # The newest is read again: one for the same moment replaces it.
        known = [s for s in known if since <= s.at <= until][:-1]
        begin = known[-1].at + timedelta(microseconds=1) if known else since
        known = [*known, *await tx.signals.list(incident.watch, since=begin, until=until)]
        self._signals[incident.id] = known
        while len(self._signals) > MOST // 10:
            del self._signals[next(iter(self._signals))]
        return known


async def _go_on(tx: Transaction, incident: str, before: _Entry, entry: _Entry) -> None:
    """What was written since ``before``, added to what it knew."""
    new = await tx.ledger.list(incident=incident, after=before.end)
    entry.records = [*(before.records or []), *new][-NEWEST:]
    entry.told = [*before.told, *(record for record in new if record.kind in TOLD)]
    entry.first_acts = {**{record.actor: record for record in reversed(new)}, **before.first_acts}


async def _assessments(tx: Transaction, incident: Incident, before: _Entry | None, end: int) -> tuple[Assessment, ...]:
    """All of them; those that are known are not read again: they are written once, and never change."""
    known = before.assessments if before is not None and before.end <= end else ()
    return (*known, *map(_bare, await tx.incidents.assessments(incident.id, after=len(known))))


def _bare(assessment: Assessment) -> Assessment:
    sizes = tuple(n.model_copy(update={"quote": "", "questions": ()}) for n in assessment.narratives)
    return assessment.model_copy(update={"factors": (), "narratives": sizes, "cluster_quotes": ()})


def _as_of(picture: Picture, now: datetime) -> Picture:
    """The same picture at another moment: a proposal may have expired since."""
    versions = tuple(
        replace(v, standing=where_it_stands(v.proposal, v.decisions, now, v.release)) if v.proposal else v
        for v in picture.versions
    )
    return replace(picture, versions=versions)

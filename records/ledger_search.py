"""Looking things up in the ledger, the newest first, at a speed that does not depend on how long it is.

What one index answers is asked of that index. Anything else is looked for in a bounded number of records at a time: the
answer says how far down it looked, and the next question goes on from there.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, literal, or_, select

from crisis.record import Record
from crisis.values import Frozen, UtcDatetime
from records.ledger import shown
from records.tables import disclosures, ledger
from records.work import Work

WINDOW = 10_000
"""Records that are looked through in one question to the database."""
WINDOWS = 5
"""Such questions in one search."""


class Wanted(Frozen):
    """Which records; what is empty is not asked for."""

    incident: str = ""
    kind: str = ""
    """A kind, or its noun: ``delivery`` is every ``delivery.…``."""
    actor: str = ""
    via: str = ""
    """The route: ``desk``, ``cli``, ``flow`` ..."""
    run: str = ""
    """Id of a Prefect flow run."""
    text: str = ""
    """Stands in the reason or in the data as it is recorded; upper or lower case (on SQLite, of ASCII letters only)."""
    since: UtcDatetime | None = None
    until: UtcDatetime | None = None
    """Both ends included."""

    @property
    def loose(self) -> bool:
        """Whether no single index answers it."""
        named = sum(map(bool, (self.kind, self.actor, self.via, self.run)))
        return bool(self.text or self.since or self.until) or named > 1


@dataclass(frozen=True)
class Found:
    """What a search found."""

    records: list[Record]
    """The newest first."""
    unreadable: list[int]
    """Numbers of records among them that were altered so that they cannot be read."""
    older: int | None
    """Ask for those below this ``seq`` next; None when there can be no more."""
    looked_at: int = 0
    """Records that were looked through one by one; 0 when an index answered."""


class LedgerSearch:
    """The ledger as people look things up in it."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def kinds(self) -> list[str]:
        """Every kind of record there is, in alphabetical order; one look into the index for each."""
        first = select(func.min(ledger.c.kind).label("kind")).cte("kinds", recursive=True)
        after = select(func.min(ledger.c.kind)).where(ledger.c.kind > first.c.kind).scalar_subquery()
        walk = first.union_all(select(after).where(first.c.kind.is_not(None)))
        kinds = select(walk.c.kind).where(walk.c.kind.is_not(None))
        if self._work.hidden:  # the walk looks at the index alone, which does not know whose records they are
            own = ledger.alias()
            kinds = kinds.where(
                self._work.hidden.seen(select(own.c.seq).where(own.c.kind == walk.c.kind), own).exists()
            )
        return [row.kind for row in await self._work.whole.all(kinds)]

    async def find(self, wanted: Wanted, *, before: int | None = None, limit: int = 100) -> Found:
        """The newest records that are wanted, all below ``before``."""
        low, high = await self._bounds(wanted, before)
        if high < low:
            return Found([], [], None)
        kinds: list[str] = []
        if wanted.kind:
            kinds = [k for k in await self.kinds() if k == wanted.kind or k.startswith(f"{wanted.kind}.")]
            if not kinds:
                return Found([], [], None)
        if wanted.incident or not wanted.loose:
            return await self._by_index(wanted, kinds, low, high, limit)
        return await self._by_looking(wanted, kinds, low, high, limit)

    async def _bounds(self, wanted: Wanted, before: int | None) -> tuple[int, int]:
        """The lowest and highest ``seq`` that can be wanted; from the index of times alone."""
        query = select(func.min(ledger.c.seq), func.max(ledger.c.seq))
        if wanted.since is None and wanted.until is None:
            low, high = 1, (await self._work.all(select(func.max(ledger.c.seq))))[0][0] or 0
        else:
            low, high = (await self._work.all(_in_time(query, wanted.since, wanted.until)))[0]
        if high is None:
            return 1, 0
        return low, high if before is None else min(high, before - 1)

    async def _by_index(self, wanted: Wanted, kinds: list[str], low: int, high: int, limit: int) -> Found:
        asked: list[Select[Any]] = []
        for kind in kinds or [""]:
            query = _narrowed(select(ledger), wanted).where(ledger.c.seq >= low, ledger.c.seq <= high)
            asked.append(query.where(ledger.c.kind == kind) if kind else query)
        rows: list[Any] = []
        for query in asked:
            rows += await self._work.all(query.order_by(ledger.c.seq.desc()).limit(limit + 1))
        rows.sort(key=lambda row: -row.seq)
        older = rows[limit - 1].seq if len(rows) > limit else None
        return Found(*await self._read(rows[:limit]), older)

    async def _by_looking(self, wanted: Wanted, kinds: list[str], low: int, high: int, limit: int) -> Found:
        rows: list[Any] = []
        top = high
        for _ in range(WINDOWS):
            bottom = max(low, top - WINDOW + 1)
            query = _narrowed(select(ledger), wanted).where(ledger.c.seq >= bottom, ledger.c.seq <= top)
            if kinds:
                query = query.where(ledger.c.kind.in_(kinds))
            rows += await self._work.all(query.order_by(ledger.c.seq.desc()).limit(limit + 1 - len(rows)))
            if len(rows) > limit:
                older = rows[limit - 1].seq
                return Found(*await self._read(rows[:limit]), older, high - older + 1)
            top = bottom - 1
            if top < low:
                return Found(*await self._read(rows), None, high - low + 1)
        return Found(*await self._read(rows), top + 1, high - top)

    async def _read(self, rows: list[Any]) -> tuple[list[Record], list[int]]:
        try:
            return await shown(self._work, rows), []
        except (ValueError, TypeError):
            pass
        records: list[Record] = []
        unreadable: list[int] = []
        for row in rows:
            try:
                records += await shown(self._work, [row])
            except (ValueError, TypeError):
                unreadable.append(row.seq)
        return records, unreadable


def _narrowed(query: Select[Any], wanted: Wanted) -> Select[Any]:
    for column, value in (
        (ledger.c.incident, wanted.incident),
        (ledger.c.actor, wanted.actor),
        (ledger.c.via, wanted.via),
        (ledger.c.flow_run_id, wanted.run),
    ):
        if value:
            query = query.where(column == value)
    if wanted.text:
        held = [column.icontains(wanted.text, autoescape=True) for column in (ledger.c.reason, ledger.c.data)]
        beside = disclosures.c.body.icontains(wanted.text, autoescape=True)
        query = query.where(or_(*held, exists().where(disclosures.c.seq == ledger.c.seq, beside)))
    return _in_time(query, wanted.since, wanted.until)


def _in_time(query: Select[Any], since: datetime | None, until: datetime | None) -> Select[Any]:
    if since is not None:
        query = query.where(ledger.c.at >= literal(since, ledger.c.at.type))
    if until is not None:
        query = query.where(ledger.c.at <= literal(until, ledger.c.at.type))
    return query

"""Sources that feed several watches: who reads each of them, how far, and what it brought for which watch.

One process at a time holds a source, under a lease of real time; what it brings is stored together with the cursor
behind it, so the cursor moves only when the mentions of every watch are on record. A mention is kept once for a watch.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import delete, select

from crisis.values import Frozen, UtcDatetime
from crisis.watch import Mention
from records.erased import come_back
from records.tables import shared_mentions, shared_sources
from records.watches import key_of
from records.work import Work, body, read


class Holding(Frozen):
    """A shared source as its reader left it."""

    holder: str
    """Which process reads it; empty: none does."""
    until: UtcDatetime
    """Real time at which the lease ends unless it is renewed."""
    cursor: str
    """Resumes the source behind everything that is on record; empty before the first post."""
    state: str
    """What the reader tells the watches: JSON."""


class SharedSources:
    """One row for each shared source, and the mentions that wait for its watches."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def get(self, source: str) -> Holding | None:
        """Who reads the source, and how far; None when nobody ever did."""
        row = await self._work.first(select(shared_sources).where(shared_sources.c.source == source))
        return None if row is None else read(Holding, row.body)

    async def put(self, source: str, holding: Holding) -> None:
        """Save it; whoever does makes sure, in the same transaction, that nobody else holds the source."""
        await self._work.upsert(shared_sources, {"source": source, "body": body(holding)})

    async def take(self, source: str, found: Iterable[tuple[str, Mention]]) -> int:
        """Keep mentions, each with the watch that it is for; how many were new."""
        now, found = datetime.now(UTC), list(found)
        left = {id(mention) for mention in await come_back(self._work, [mention for _, mention in found])}
        rows = {
            (watch, key_of(mention)): {
                "source": source, "watch": watch, "key": key_of(mention), "taken_at": now, "body": body(mention),
            }
            for watch, mention in found
            if id(mention) in left
        }  # fmt: skip
        return await self._work.insert_new(shared_mentions, list(rows.values()))

    async def after(self, source: str, watch: str, seq: int, limit: int) -> list[tuple[int, Mention]]:
        """Up to ``limit`` mentions of a watch behind number ``seq``, each with its own number, in order."""
        mine = (shared_mentions.c.source == source) & (shared_mentions.c.watch == watch)
        query = select(shared_mentions.c.seq, shared_mentions.c.body).where(mine, shared_mentions.c.seq > seq)
        rows = await self._work.all(query.order_by(shared_mentions.c.seq).limit(limit))
        return [(row.seq, read(Mention, row.body)) for row in rows]

    async def forget(self, source: str, watch: str, seq: int, before: datetime) -> None:
        """Drop what the watch has on its own record: up to number ``seq``, and taken before a real time."""
        mine = (shared_mentions.c.source == source) & (shared_mentions.c.watch == watch)
        old = (shared_mentions.c.seq <= seq) & (shared_mentions.c.taken_at < before)
        await self._work.write(delete(shared_mentions).where(mine, old))

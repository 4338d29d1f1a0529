"""Watches, how far each has been read, its signals, its inbox of posts that came by webhook, and the mentions an
incident relies on.

Posts are kept at most once, whatever their ids look like: the key is a digest of source and id.
"""

import builtins
import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Unpack

import msgspec
from sqlalchemy import delete, func, select

from crisis.triage import Signal
from crisis.watch import Mention, Watch
from records.erased import BLOTTED, come_back, count, was_erased, words_gone
from records.ledger import Ledger
from records.tables import inbox, mentions, signals, watch_progress, watches
from records.work import KnownAct, NotFound, Work, act_of, body, read

MOST_REACH = 2**62
"""A source may claim any number; the database holds 64 bits."""


def key_of(mention: Mention) -> str:
    """What makes a mention one: a digest of its source and id."""
    return _key(mention.source, mention.id)


def _key(source: str, id: str) -> str:
    return hashlib.sha256(f"{source}\n{id}".encode(errors="surrogatepass")).hexdigest()


class _Scored(msgspec.Struct):
    score: float = 0.0


_score = msgspec.json.Decoder(_Scored)


class Watches:
    """What is protected, and how far each source of a watch has been read."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def put(self, watch: Watch, **act: Unpack[KnownAct]) -> None:
        """Save a watch; a record is written when it is new or different."""
        row = await self._work.first(select(watches.c.body).where(watches.c.name == watch.name))
        if row is not None and read(Watch, row.body) == watch:
            return
        await self._work.upsert(watches, {"name": watch.name, "body": body(watch)})
        await self._ledger.append("watch.saved", data=watch.model_dump(mode="json"), **act_of(act, "configuration"))

    async def get(self, name: str) -> Watch:
        """The watch of that name.

        Raises:
            NotFound: there is none.
        """
        row = await self._work.first(select(watches.c.body).where(watches.c.name == name))
        if row is None:
            raise NotFound(f"no watch is called {name!r}")
        return read(Watch, row.body)

    async def list(self) -> list[Watch]:
        """All watches, by name."""
        return [read(Watch, row.body) for row in await self._work.all(select(watches).order_by(watches.c.name))]

    async def save_progress(self, name: str, cursor: str, state: str) -> None:
        """Remember how far the sources of a watch were read and what its detector holds."""
        await self._work.upsert(watch_progress, {"watch": name, "cursor": cursor, "state": state})

    async def progress(self, name: str) -> tuple[str, str] | None:
        """Cursor and detector state as last saved; None before the first time."""
        row = await self._work.first(select(watch_progress).where(watch_progress.c.watch == name))
        return None if row is None else (row.cursor, row.state)


class Signals:
    """What each window of a watch's mentions said."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, signal: Signal) -> None:
        """Save a signal; one for the same watch and moment replaces it."""
        await self._work.upsert(signals, {"watch": signal.watch, "at": signal.at, "body": body(signal)})

    async def list(self, watch: str, *, since: datetime | None = None, until: datetime | None = None) -> list[Signal]:
        """Signals of a watch in order of time, both ends included."""
        query = select(signals).where(signals.c.watch == watch).order_by(signals.c.at)
        if since is not None:
            query = query.where(signals.c.at >= since)
        if until is not None:
            query = query.where(signals.c.at <= until)
        return [read(Signal, row.body) for row in await self._work.all(query)]

    async def scores(self, watch: str) -> builtins.list[tuple[float, float]]:
        """Moment (seconds since the epoch) and score of each signal of a watch, in order of time: a year has half a million."""
        query = select(signals.c.at, signals.c.body).where(signals.c.watch == watch).order_by(signals.c.at)
        return [(row.at.timestamp(), _score.decode(row.body).score) for row in await self._work.all(query)]

    async def ends(self) -> dict[str, datetime | None]:
        """When each watch was last measured; None where it never was."""
        newest = select(func.max(signals.c.at)).where(signals.c.watch == watches.c.name).scalar_subquery()
        return {row[0]: row[1] for row in await self._work.all(select(watches.c.name, newest))}

    async def latest(self, watch: str) -> Signal | None:
        """The last signal of a watch."""
        query = select(signals).where(signals.c.watch == watch).order_by(signals.c.at.desc()).limit(1)
        row = await self._work.first(query)
        return None if row is None else read(Signal, row.body)


class Inbox:
    """Posts that arrived by webhook, in the order of their arrival."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def add(self, posts: Iterable[Mention]) -> int:
        """Take posts in; how many were new. A post (by source and id) is taken once."""
        kept = await come_back(self._work, posts)
        rows = {key_of(post): {"key": key_of(post), "body": body(post)} for post in kept}
        return await self._work.insert_new(inbox, list(rows.values()))

    async def after(self, cursor: int, limit: int) -> list[tuple[int, Mention]]:
        """Up to ``limit`` posts that came after ``cursor``, each with the cursor behind it; start with 0."""
        query = select(inbox).where(inbox.c.seq > cursor).order_by(inbox.c.seq).limit(limit)
        return [(row.seq, read(Mention, row.body)) for row in await self._work.all(query)]


class Mentions:
    """The posts an incident relies on, kept because they may vanish from the network."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def relied_on(self, incident: str, relied: Iterable[Mention]) -> int:
        """Keep mentions for an incident; how many were new. What was erased once is not kept again."""
        rows = {
            key_of(m): {
                "incident": incident,
                "key": key_of(m),
                "created_at": m.created_at,
                "body": body(m),
                "source": m.source,
                "language": m.language,
                "reach": min(m.followers + m.reposts, MOST_REACH),
            }
            for m in await come_back(self._work, relied)
        }
        return await self._work.insert_new(mentions, list(rows.values()))

    async def not_erased(self, held: builtins.list[Mention]) -> builtins.list[Mention]:
        """Those of the posts at hand that were not erased meanwhile, in whole or in part. Costs next to nothing where nothing
        ever was."""
        return await come_back(self._work, held, naming=True)

    async def erased(self) -> int:
        """A number that is the same while nothing is erased; 0 while nothing ever was."""
        return await count(self._work)

    async def words_erased(self, held: Iterable[str]) -> set[str]:
        """Those of the words at hand that were erased meanwhile. Costs next to nothing where nothing ever was."""
        return await words_gone(self._work, held)

    async def is_erased(self, source: str, id: str) -> bool:
        """Whether a post was erased: nobody answers it any more."""
        return await was_erased(self._work, source, id)

    async def newest_of_all(self, limit: int) -> list[Mention]:
        """The newest ``limit`` mentions of all incidents, in order of time; one that several rely on is there once."""
        query = select(mentions.c.key, mentions.c.body).order_by(mentions.c.created_at.desc()).limit(limit)
        rows = {row.key: row.body for row in await self._work.all(query)}
        return [read(Mention, text) for text in reversed(rows.values())]

    async def list(self, incident: str, *, limit: int | None = None) -> list[Mention]:
        """The incident's mentions in order of time; the first ``limit`` of them if given."""
        query = select(mentions).where(mentions.c.incident == incident)
        query = query.order_by(mentions.c.created_at, mentions.c.key).limit(limit)
        return [read(Mention, row.body) for row in await self._work.all(query)]

    async def move(self, incident: str, to: str, moved: Iterable[Mention] | None = None) -> int:
        """Give mentions of one incident (all of them, unless some are named) to another; how many were moved.

        A mention that both rely on is kept once.
        """
        chosen = await self.list(incident) if moved is None else list(moved)
        await self.relied_on(to, chosen)
        gone = 0
        for start in range(0, len(chosen), 500):
            keys = [key_of(m) for m in chosen[start : start + 500]]
            query = delete(mentions).where(mentions.c.incident == incident, mentions.c.key.in_(keys))
            gone += (await self._work.write(query)).rowcount
        return gone

    async def newest(self, incident: str, *, limit: int) -> builtins.list[Mention]:
        """The newest ``limit`` mentions of an incident, the newest first."""
        query = select(mentions.c.body).where(mentions.c.incident == incident)
        query = query.order_by(mentions.c.created_at.desc()).limit(limit)
        return [read(Mention, row.body) for row in await self._work.all(query)]

    async def after(
        self, incident: str, since: datetime, key: str, *, limit: int
    ) -> builtins.list[tuple[str, Mention]]:
        """Up to ``limit`` mentions behind the one of ``since`` and ``key``, in order of time, with their keys."""
        behind = (mentions.c.created_at > since) | ((mentions.c.created_at == since) & (mentions.c.key > key))
        query = select(mentions.c.key, mentions.c.body).where(mentions.c.incident == incident, behind)
        query = query.order_by(mentions.c.created_at, mentions.c.key).limit(limit)
        return [(row.key, read(Mention, row.body)) for row in await self._work.all(query)]

    async def there(self, incident: str, keys: Iterable[str]) -> set[str]:
        """Those of these posts that are still the incident's: none that was erased."""
        names, found = sorted(keys), set[str]()
        for start in range(0, len(names), 500):
            wanted = mentions.c.key.in_(names[start : start + 500])
            query = select(mentions.c.key).where(mentions.c.incident == incident, wanted)
            found |= {row.key for row in await self._work.all(query)}
        return found

    async def of_any(self, incidents: Iterable[str], source: str, id: str) -> bool:
        """Whether one of these incidents relies on a post."""
        here = mentions.c.incident.in_(sorted(incidents)) & (mentions.c.key == _key(source, id))
        return await self._work.first(select(mentions.c.key).where(here).limit(1)) is not None

    async def spread_over(self, incident: str, *, limit: int) -> builtins.list[Mention]:
        """Up to ``limit`` mentions of an incident in order of time, evenly over all of them; none that was erased."""
        number = func.row_number().over(order_by=(mentions.c.created_at, mentions.c.key)) - 1
        whole = select(mentions.c.key, number.label("number"), func.count().over().label("many"))
        ranked = whole.where(mentions.c.incident == incident, mentions.c.body.not_like(BLOTTED)).subquery()
        step = (ranked.c.many + limit - 1) // limit
        query = select(mentions.c.body).join(ranked, ranked.c.key == mentions.c.key)
        query = query.where(mentions.c.incident == incident, ranked.c.number % step == 0).order_by(ranked.c.number)
        return [read(Mention, row.body) for row in await self._work.all(query)]

    async def before(self, incident: str, until: datetime) -> int:
        """How many mentions of an incident were written up to ``until``."""
        query = select(func.count()).where(mentions.c.incident == incident, mentions.c.created_at <= until)
        return int((await self._work.all(query))[0][0])

    async def widest(self, incident: str, *, limit: int) -> builtins.list[Mention]:
        """The mentions that reached most: by their authors' audience, where known, and reposts."""
        query = select(mentions.c.body).where(mentions.c.incident == incident, mentions.c.reach > 0)
        query = query.where(mentions.c.body.not_like(BLOTTED))
        query = query.order_by(mentions.c.reach.desc()).limit(limit)
        return [read(Mention, row.body) for row in await self._work.all(query)]

    async def spread(self, incident: str) -> dict[tuple[str, str], int]:
        """How many mentions of an incident came from each network, in each language its source told."""
        query = select(mentions.c.source, mentions.c.language, func.count()).where(mentions.c.incident == incident)
        rows = await self._work.all(query.group_by(mentions.c.source, mentions.c.language))
        return {(row[0], row[1]): int(row[2]) for row in rows}

    async def count(self, incident: str) -> int:
        """How many mentions the incident relies on."""
        query = select(func.count()).select_from(mentions).where(mentions.c.incident == incident)
        return int((await self._work.all(query))[0][0])

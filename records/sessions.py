"""Who is signed in at the desk, and ways in that were asked for and can be used once. Times are real times.

Of a session's secret only a hash is kept; of a way in, only that it was asked for. Coming in, leaving, and being shown
out are records.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Unpack

from sqlalchemy import Row, and_, delete, select, update

from crisis.access import Method, Session
from records.ledger import Ledger
from records.tables import sessions, sign_ins
from records.work import Act, Work

KEPT = timedelta(days=30)
"""How long a session that is over is kept; the records of it stay."""


class Sessions:
    """Browsers that are signed in."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def begin(
        self,
        token_hash: str,
        *,
        person: str,
        method: Method,
        agent: str,
        address: str,
        now: datetime,
        lasts: timedelta,
        **act: Unpack[Act],
    ) -> Session:
        """Sign a browser in. ``token_hash`` is the hash of the secret that only its cookie holds."""
        session = Session(
            id=secrets.token_hex(6),
            person=person,
            method=method,
            agent=agent[:200],
            address=address,
            began_at=now,
            seen_at=now,
            ends_at=now + lasts,
        )
        await self._work.write(delete(sessions).where(sessions.c.ends_at < now - KEPT))
        row = session.model_dump() | {"method": method.value, "token_hash": token_hash}
        await self._work.write(sessions.insert().values(row))
        data = {"session": session.id, "person": person, "method": method.value, "address": address}
        await self._ledger.append("session.begun", data=data, **act)
        return session

    async def find(self, token_hash: str) -> Session | None:
        """The session of that secret, ended or not."""
        row = await self._work.first(select(sessions).where(sessions.c.token_hash == token_hash))
        return None if row is None else _session(row)

    async def get(self, id: str) -> Session | None:
        """The session of that public id, ended or not."""
        row = await self._work.first(select(sessions).where(sessions.c.id == id))
        return None if row is None else _session(row)

    async def list(self, *, person: str | None = None, now: datetime, idle: timedelta) -> list[Session]:
        """Sessions that are good at ``now``, of one person if given, the newest first."""
        query = select(sessions).where(sessions.c.ended_at.is_(None)).order_by(sessions.c.began_at.desc())
        if person is not None:
            query = query.where(sessions.c.person == person)
        return [s for s in map(_session, await self._work.all(query)) if s.lives(now, idle)]

    async def seen(self, id: str, now: datetime) -> None:
        """Note that a session was used."""
        await self._work.write(update(sessions).where(sessions.c.id == id).values(seen_at=now))

    async def end(self, ids: Sequence[str], now: datetime, **act: Unpack[Act]) -> int:
        """End sessions at once; how many were not ended before."""
        ended = 0
        for id in ids:
            change = update(sessions).where(and_(sessions.c.id == id, sessions.c.ended_at.is_(None)))
            if (await self._work.write(change.values(ended_at=now))).rowcount:
                session = await self.get(id)
                data = {"session": id, "person": session.person if session else ""}
                await self._ledger.append("session.ended", data=data, **act)
                ended += 1
        return ended

    async def end_all(self, person: str, now: datetime, **act: Unpack[Act]) -> int:
        """End every session of a person, and every way in they have asked for; how many sessions that were."""
        await self._work.write(delete(sign_ins).where(sign_ins.c.person == person))
        query = select(sessions.c.id).where(sessions.c.person == person, sessions.c.ended_at.is_(None))
        return await self.end([row.id for row in await self._work.all(query)], now, **act)

    async def ask(self, id: str, *, person: str, method: Method, good_until: datetime, now: datetime) -> None:
        """Note that a way in was asked for; it can be used once, until then."""
        await self._work.write(delete(sign_ins).where(sign_ins.c.good_until < now - timedelta(days=1)))
        row = {"id": id, "person": person, "method": method.value, "good_until": good_until, "used_at": None}
        await self._work.write(sign_ins.insert().values(row))

    async def asked(self, id: str, now: datetime) -> str | None:
        """For whom a way in is, while it is good and unused; None when it is not."""
        row = await self._work.first(select(sign_ins).where(sign_ins.c.id == id))
        return None if row is None or row.used_at is not None or row.good_until <= now else str(row.person)

    async def once(self, id: str, *, method: Method, now: datetime) -> bool:
        """Note that a way in that nobody had to ask for is used; False when it was used before."""
        row = {"id": id, "person": "", "method": method.value, "good_until": now, "used_at": now}
        return await self._work.insert_new(sign_ins, [row]) == 1

    async def use(self, id: str, now: datetime) -> bool:
        """Use a way in up; False when it was used, is too old, or was never asked for."""
        change = update(sign_ins).where(sign_ins.c.id == id, sign_ins.c.used_at.is_(None), sign_ins.c.good_until > now)
        return (await self._work.write(change.values(used_at=now))).rowcount == 1


def _session(row: Row[Any]) -> Session:
    return Session.model_validate({n: v for n, v in row._mapping.items() if n != "token_hash"})

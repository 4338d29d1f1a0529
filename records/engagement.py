"""Whom nobody replies to: the do-not-engage list of the installation. Every change is on record, with its reason.

The record names a person by the hash of network and name, so that a name may be erased and the person stays barred.
"""

import builtins
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Unpack

from sqlalchemy import Row, delete, select

from crisis.handles import names_of, network_of
from crisis.replies import EVERYWHERE, NotToEngage, name_of
from records.ledger import Ledger
from records.tables import do_not_engage
from records.work import Act, Work


def fingerprint(network: str, author: str) -> str:
    """What stands for a person of a network once their name is erased."""
    return hashlib.sha256(f"{network}\n{name_of(author)}".encode(errors="surrogatepass")).hexdigest()


class Engagement:
    """The do-not-engage list."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    @property
    def now(self) -> datetime:
        """What time it is for the records."""
        return self._work.clock.now()

    async def bar(self, network: str, author: str, *, mark: str, why: str, **act: Unpack[Act]) -> NotToEngage:
        """Reply to somebody no more; who is on the list already gets the new mark and reason."""
        entry = NotToEngage(
            network=network,
            author=name_of(author),
            fingerprint=fingerprint(network, author),
            mark=mark,
            reason=why,
            by=act["actor"],
            at=self._work.clock.now(),
        )
        await self._work.upsert(do_not_engage, entry.model_dump())
        data = {"network": network, "person": entry.fingerprint, "mark": mark}
        await self._ledger.append("person.barred", data=data, **act)
        return entry

    async def allow(self, network: str, author: str, **act: Unpack[Act]) -> bool:
        """Take somebody off the list; false when they were not on it."""
        mark = fingerprint(network, author)
        where = (do_not_engage.c.network == network, do_not_engage.c.fingerprint == mark)
        if (await self._work.write(delete(do_not_engage).where(*where))).rowcount == 0:
            return False
        await self._ledger.append("person.allowed", data={"network": network, "person": mark}, **act)
        return True

    async def among(self, people: Iterable[tuple[str, str, Sequence[str]]]) -> dict[tuple[str, str], str]:
        """Those of these people (network, author, addresses of a post of theirs) who are on the list under any name of theirs,
        by network and author, each with the mark why."""
        query = select(do_not_engage.c.network, do_not_engage.c.fingerprint, do_not_engage.c.mark)
        listed = {(row.network, row.fingerprint): str(row.mark) for row in await self._work.all(query)}
        found: dict[tuple[str, str], str] = {}
        for network, author, addresses in people if listed else ():
            for name in filter(None, names_of(network, author, *addresses)):
                for place in dict.fromkeys((network, network_of(network), EVERYWHERE)):
                    if mark := listed.get((place, fingerprint(place, name))):
                        found.setdefault((network, author), mark)
        return found

    async def list(self) -> builtins.list[NotToEngage]:
        """The whole list, the newest first."""
        query = select(do_not_engage).order_by(do_not_engage.c.at.desc(), do_not_engage.c.fingerprint)
        return [_entry(row) for row in await self._work.all(query)]


def _entry(row: Row[tuple[object, ...]]) -> NotToEngage:
    return NotToEngage.model_validate(dict(row._mapping))

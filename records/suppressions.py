"""Whom no mailing is sent to: addresses that bounced or complained, for the whole installation, and those who left a list.

An address is kept under its hash, so that it may be erased and stays suppressed.
"""

import builtins
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple, Unpack

from sqlalchemy import delete, select, update

from crisis.mailing import fingerprint
from records.ledger import Ledger
from records.tables import suppressions
from records.work import Act, Work

EVERY_LIST = ""
"""The list of suppressions that hold for all."""
_IN = 900


class Suppression(NamedTuple):
    """An address that gets no mailing."""

    list: str
    """Which channel's mailings; empty for all."""
    fingerprint: str
    address: str
    """Empty once it was erased."""
    reason: str
    """``bounced``, ``complained``, ``unsubscribed`` or ``by hand``."""
    detail: str
    at: datetime


class Suppressions:
    """The suppression list."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def add(
        self, address: str, *, why: str, detail: str = "", list: str = EVERY_LIST, mark: str = "", **act: Unpack[Act]
    ) -> bool:
        """Send no mailing to an address any more; false when that is so already.

        ``why``: ``bounced``, ``complained``, ``unsubscribed`` or ``by hand``; ``mark``: the address's hash, if it was erased.
        """
        row = {
            "list": list,
            "fingerprint": mark or fingerprint(address),
            "address": address,
            "reason": why,
            "detail": detail,
            "at": self._work.clock.now(),
        }
        if await self._work.insert_new(suppressions, [row]) == 0:
            return False
        told = {"list": list, "fingerprint": row["fingerprint"], "why": why, "detail": detail}
        await self._ledger.append("address.suppressed", data=told, **act)
        return True

    async def remove(self, address: str, *, list: str = EVERY_LIST, **act: Unpack[Act]) -> bool:
        """Let mailings reach an address again; false when it was not suppressed."""
        mark = fingerprint(address)
        where = (suppressions.c.list == list, suppressions.c.fingerprint == mark)
        if (await self._work.write(delete(suppressions).where(*where))).rowcount == 0:
            return False
        await self._ledger.append("address.unsuppressed", data={"list": list, "fingerprint": mark}, **act)
        return True

    async def among(self, marks: Collection[str], list: str) -> set[str]:
        """Those of the given hashes that the given list, or every list, must pass over."""
        wanted = suppressions.c.list.in_([EVERY_LIST, list])
        some = [*marks]
        if not some or await self._work.first(select(suppressions.c.list).where(wanted).limit(1)) is None:
            return set()
        found: set[str] = set()
        for start in range(0, len(some), _IN):
            query = select(suppressions.c.fingerprint)
            query = query.where(wanted, suppressions.c.fingerprint.in_(some[start : start + _IN]))
            found |= {row.fingerprint for row in await self._work.all(query)}
        return found

    async def of(self, address: str) -> builtins.list[Suppression]:
        """Every suppression of an address."""
        query = select(suppressions).where(suppressions.c.fingerprint == fingerprint(address))
        return [Suppression(*row) for row in await self._work.all(query.order_by(suppressions.c.list))]

    async def list(self, *, limit: int = 100_000) -> builtins.list[Suppression]:
        """The suppression list, the newest first."""
        query = select(suppressions).order_by(suppressions.c.at.desc(), suppressions.c.fingerprint).limit(limit)
        return [Suppression(*row) for row in await self._work.all(query)]

    async def erase(self, address: str, **act: Unpack[Act]) -> bool:
        """Forget an address but for its hash: it stays suppressed."""
        mark = fingerprint(address)
        change = update(suppressions).where(suppressions.c.fingerprint == mark, suppressions.c.address != "")
        if (await self._work.write(change.values(address=""))).rowcount == 0:
            return False
        await self._ledger.append("address.erased", data={"fingerprint": mark}, **act)
        return True

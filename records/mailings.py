"""Mailings: every recipient of a mailing with the state that was stored before anyone wrote to it.

Recipients move in batches, one transaction and one record each, so that keeping their states costs little beside the
sending; inside a batch the sender's journal (``records.journal``) knows who is next. A recipient's row may lose its
address (``erase``) and keeps its hash, so that what is on record stays provable and bounces still find it.
"""

import builtins
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Unpack

from sqlalchemy import ColumnElement, bindparam, func, select, update

from crisis.mailing import (
    REACHED,
    RecipientList,
    RecipientState,
    fingerprint,
    list_hash,
    marks_hash,
    may_become,
    spans,
)
from records.ledger import Ledger
from records.suppressions import Suppressions
from records.tables import recipients, suppressions
from records.work import Act, Work

R = RecipientState
_IN = 900
"""Values of one IN: SQLite may be built to bind 999."""
_ROW = recipients.c


class Recipient(NamedTuple):
    """One recipient of a mailing."""

    position: int
    """Its number on the list, from 0."""
    address: str
    """Empty once it was erased."""
    fingerprint: str
    state: RecipientState
    attempt: int = 0
    """In which attempt of its delivery it was armed last."""
    tries: int = 0
    """How often a server said to come back later."""
    problem: str = ""


class Settled(NamedTuple):
    """What became of one armed recipient."""

    position: int
    state: RecipientState
    problem: str = ""
    not_before: datetime | None = None


class Mailings:
    """Recipients of mailings, by the delivery that carries the text to them."""

    def __init__(self, work: Work, ledger: Ledger, suppressions: Suppressions) -> None:
        self._work, self._ledger, self._suppressions = work, ledger, suppressions

    async def missed(self, earlier: Collection[str], later: Collection[str], channel: str) -> tuple[int, int]:
        """How many had one of the ``earlier`` mailings and none of the ``later``; and how many of those may not be
        written to by ``channel`` any more."""
        reached = [state.value for state in REACHED]
        had = select(_ROW.fingerprint).where(_ROW.delivery.in_(list(earlier)), _ROW.state.in_(reached)).distinct()
        got = select(_ROW.fingerprint).where(_ROW.delivery.in_(list(later)), _ROW.state.in_(reached))
        without = had.where(_ROW.fingerprint.not_in(got)).subquery()
        row = await self._work.first(select(func.count()).select_from(without))
        missing = 0 if row is None else int(row[0])
        if not missing:
            return 0, 0
        away = select(suppressions.c.fingerprint).where(suppressions.c.list.in_(["", channel]))
        unable = select(_ROW.fingerprint).where(
            _ROW.delivery.in_(list(later)), _ROW.state.in_([R.SUPPRESSED.value, R.BOUNCED.value])
        )
        gone = without.c.fingerprint.in_(away) | without.c.fingerprint.in_(unable)
        row = await self._work.first(select(func.count()).select_from(without).where(gone))
        return missing, 0 if row is None else int(row[0])

    async def plan(
        self, delivery: str, to: RecipientList, *, incident: str, given: str, **act: Unpack[Act]
    ) -> dict[RecipientState, int]:
        """Put everybody on the list before the sender, once; planning again changes nothing.

        ``given``: the channel, whose own unsubscribed are passed over as those on the suppression list are.
        """
        if not await self.counts(delivery):
            gone = await self._suppressions.among({fingerprint(a) for a in to.addresses}, given)
            rows = [_new(delivery, n, address, gone) for n, address in enumerate(to.addresses)]
            await self._work.insert_many(recipients, rows)
            told = {
                "delivery": delivery,
                "list_sha256": to.sha256,
                "planned_sha256": list_hash(to.addresses),
                "recipients": len(to.addresses),
                "repeated": to.folded,
                "without_address": to.bad_count,
                "suppressed": sum(r["state"] == R.SUPPRESSED.value for r in rows),
                "suppressed_at": spans(r["position"] for r in rows if r["state"] == R.SUPPRESSED.value),
                "fingerprints_sha256": marks_hash(r["fingerprint"] for r in rows),
            }
            await self._ledger.append("mailing.planned", incident=incident, data=told, **act)
        return await self.counts(delivery)

    async def counts(self, delivery: str) -> dict[RecipientState, int]:
        """How many recipients are in which state; empty where nothing was planned."""
        return (await self.counts_of([delivery])).get(delivery, {})

    async def counts_of(self, deliveries: Iterable[str]) -> dict[str, dict[RecipientState, int]]:
        """The same of several deliveries; those without recipients are left out."""
        query = select(_ROW.delivery, _ROW.state, func.count()).where(_ROW.delivery.in_(list(deliveries)))
        found: dict[str, dict[RecipientState, int]] = {}
        for name, state, number in await self._work.all(query.group_by(_ROW.delivery, _ROW.state)):
            found.setdefault(name, {})[RecipientState(state)] = number
        order = list(RecipientState)
        return {name: dict(sorted(c.items(), key=lambda i: order.index(i[0]))) for name, c in found.items()}

    async def list(
        self,
        delivery: str,
        state: RecipientState | None = None,
        *,
        limit: int = 100_000_000,
        due: datetime | None = None,
        after: int = -1,
    ) -> builtins.list[Recipient]:
        """Recipients of a delivery, in one state or any, in the order of the list, from behind ``after`` on.

        ``due``: only those that may be tried then.
        """
        query = select(recipients).where(_ROW.delivery == delivery, _ROW.position > after)
        if state is not None:
            query = query.where(_ROW.state == state.value)
        if due is not None:
            query = query.where(_ROW.not_before.is_(None) | (_ROW.not_before <= due))
        rows = await self._work.all(query.order_by(_ROW.position).limit(limit))
        return [
            Recipient(r.position, r.address, r.fingerprint, RecipientState(r.state), r.attempt, r.tries, r.problem)
            for r in rows
        ]

    async def next_due(self, delivery: str) -> datetime | None:
        """When the first of the pending recipients may be tried again; None when one may be now, or none is pending."""
        pending = (_ROW.delivery == delivery, _ROW.state == R.PENDING.value)
        now = await self._work.first(select(_ROW.position).where(*pending, _ROW.not_before.is_(None)).limit(1))
        row = None if now else await self._work.first(select(func.min(_ROW.not_before)).where(*pending))
        return row[0] if row else None

    async def at(self, delivery: str, position: int) -> Recipient | None:
        """The recipient at a place of a mailing's list."""
        query = select(recipients).where(_ROW.delivery == delivery, _ROW.position == position)
        r = await self._work.first(query)
        if r is None:
            return None
        return Recipient(r.position, r.address, r.fingerprint, RecipientState(r.state), r.attempt, r.tries, r.problem)

    async def reached(self, deliveries: Iterable[str]) -> builtins.list[str]:
        """Addresses that have, or may have, the text of any of these mailings, or are just about to get it."""
        wanted = [s.value for s in (*REACHED, R.ARMED, R.PENDING)]
        query = select(_ROW.address).where(_ROW.delivery.in_(list(deliveries)), _ROW.state.in_(wanted))
        rows = await self._work.all(query.order_by(_ROW.delivery, _ROW.position))
        return list(dict.fromkeys(row.address for row in rows if row.address))

    async def anybody_reached(self, delivery: str) -> bool:
        """Whether anybody has, or may have, the text of this mailing, or is just about to get it."""
        wanted = [s.value for s in (*REACHED, R.ARMED, R.PENDING)]
        query = select(_ROW.position).where(_ROW.delivery == delivery, _ROW.state.in_(wanted), _ROW.address != "")
        return await self._work.first(query.limit(1)) is not None

    async def arm(
        self, delivery: str, batch: Sequence[Recipient], *, attempt: int, incident: str, given: str, **act: Unpack[Act]
    ) -> builtins.list[Recipient]:
        """Take a batch for sending; returns those who may be written to. Commit before you write to anybody."""
        gone = await self._suppressions.among({r.fingerprint for r in batch}, given)
        armed = [r for r in batch if r.fingerprint not in gone]
        suppressed = [r.position for r in batch if r.fingerprint in gone]
        values: dict[str, Any] = {"state": R.ARMED.value, "attempt": attempt, "not_before": None}
        taken = await self._move(delivery, [r.position for r in armed], R.PENDING, **values)
        await self._move(delivery, suppressed, R.PENDING, state=R.SUPPRESSED.value, problem="on the suppression list")
        if taken != len(armed):  # some were stopped meanwhile
            query = select(_ROW.position).where(_ROW.delivery == delivery, _ROW.state == R.ARMED.value)
            own = {row.position for row in await self._work.all(query.where(_ROW.attempt == attempt))}
            armed = [r for r in armed if r.position in own]
        told = {"delivery": delivery, "attempt": attempt, "recipients": len(armed), "suppressed": len(suppressed)}
        if batch:
            told |= {"from": batch[0].position, "to": batch[-1].position}
            told["states"] = await self._told(delivery, [r.position for r in batch])
        await self._ledger.append("mailing.armed", incident=incident, data=told, **act)
        return armed

    async def settle(
        self, delivery: str, outcomes: Collection[Settled], *, attempt: int, incident: str, **act: Unpack[Act]
    ) -> None:
        """Say what became of recipients that were armed in ``attempt``; those that have moved on since stay so.

        An answer that comes after its recipient was given up as unknown still counts, if it says accepted.
        """
        accepted = [o.position for o in outcomes if o.state is R.ACCEPTED]
        for before in may_become(R.ACCEPTED) if accepted else ():
            await self._move(delivery, accepted, before, attempt_was=attempt, state=R.ACCEPTED.value, problem="")
        others = [o for o in outcomes if o.state is not R.ACCEPTED]
        if others:
            change = (
                update(recipients)
                .where(_ROW.delivery == delivery, _ROW.position == bindparam("at"), _ROW.attempt == attempt)
                .where(_ROW.state == R.ARMED.value)
                .values(
                    state=bindparam("to"),
                    problem=bindparam("why"),
                    not_before=bindparam("until"),
                    tries=_ROW.tries + bindparam("again"),
                )
            )
            rows = [
                {"at": o.position, "to": o.state.value, "why": o.problem, "until": o.not_before, "again": _again(o)}
                for o in others
            ]
            await self._work.connection.execute(change, rows)
        told: dict[str, Any] = {"delivery": delivery, "attempt": attempt, "accepted": len(accepted)}
        for o in others:
            told[o.state.value] = told.get(o.state.value, 0) + 1
        if positions := [o.position for o in outcomes]:
            told |= {"from": min(positions), "to": max(positions)}
            told["states"] = await self._told(delivery, positions)
        await self._ledger.append("mailing.settled", incident=incident, data=told, **act)

    async def answer(
        self, delivery: str, *, arrived: bool, addresses: Collection[str] = (), incident: str, **act: Unpack[Act]
    ) -> int:
        """A human's word on unknown recipients (all, or those named); how many it was about."""
        where: list[ColumnElement[bool]] = [_ROW.delivery == delivery, _ROW.state == R.UNKNOWN.value]
        if addresses:
            where.append(_ROW.fingerprint.in_([fingerprint(a) for a in addresses]))
        to = R.ACCEPTED if arrived else R.PENDING
        about = await self._at(*where)
        change = update(recipients).where(*where).values(state=to.value, not_before=None)
        number = (await self._work.write(change)).rowcount
        told = {"delivery": delivery, "arrived": arrived, "recipients": number}
        told["fingerprints"] = sorted(fingerprint(a) for a in addresses)[:1000]
        told["states"] = {to.value: spans(about)}
        await self._ledger.append("mailing.answered", incident=incident, data=told, **act)
        return number

    async def stop(self, delivery: str, why: str, *, incident: str, **act: Unpack[Act]) -> int:
        """Write to nobody any more who is still pending; how many that was."""
        where = (_ROW.delivery == delivery, _ROW.state == R.PENDING.value)
        about = await self._at(*where)
        change = update(recipients).where(*where).values(state=R.REFUSED.value, problem=why)
        number = (await self._work.write(change)).rowcount
        if number:
            told: dict[str, Any] = {"delivery": delivery, "recipients": number, "problem": why}
            told["states"] = {R.REFUSED.value: spans(about)}
            await self._ledger.append("mailing.stopped", incident=incident, data=told, **act)
        return number

    async def came_back(self, delivery: str, mark: str, to: RecipientState, problem: str, **act: Unpack[Act]) -> bool:
        """A bounce or complaint about the address whose fingerprint is ``mark``; whether that changed anything."""
        where = (_ROW.delivery == delivery, _ROW.fingerprint == mark)
        allowed = _ROW.state.in_([s.value for s in may_become(to)])
        about = await self._at(*where, allowed)
        change = update(recipients).where(*where, allowed).values(state=to.value, problem=problem)
        if (await self._work.write(change)).rowcount == 0:
            return False
        told: dict[str, Any] = {"delivery": delivery, "fingerprint": mark, "state": to.value, "problem": problem}
        told["states"] = {to.value: spans(about)}
        await self._ledger.append("mailing.came_back", data=told, **act)
        return True

    async def erase(self, delivery: str, *, incident: str, **act: Unpack[Act]) -> int:
        """Forget the addresses of a mailing's recipients, all but their hashes; how many were forgotten."""
        about = await self._at(_ROW.delivery == delivery, _ROW.address != "")
        change = update(recipients).where(_ROW.delivery == delivery, _ROW.address != "").values(address="")
        number = (await self._work.write(change)).rowcount
        if number:
            told = {"delivery": delivery, "recipients": number, "erased_at": spans(about)}
            await self._ledger.append("mailing.erased", incident=incident, data=told, **act)
        return number

    async def _at(self, *where: ColumnElement[bool]) -> builtins.list[int]:
        """The positions of the rows that are so."""
        return [row.position for row in await self._work.all(select(_ROW.position).where(*where))]

    async def _told(self, delivery: str, positions: Sequence[int]) -> dict[str, str]:
        """In which state each of these recipients is now, for the record: positions by state."""
        found: dict[str, builtins.list[int]] = {}
        wanted = sorted(positions)
        for start in range(0, len(wanted), _IN):
            some = wanted[start : start + _IN]
            query = select(_ROW.position, _ROW.state).where(_ROW.delivery == delivery)
            for row in await self._work.all(query.where(_where_at(some))):
                found.setdefault(row.state, []).append(row.position)
        return {state: spans(at) for state, at in found.items()}

    async def _move(
        self, delivery: str, positions: Sequence[int], before: RecipientState, attempt_was: int = 0, **values: Any
    ) -> int:
        """Change rows that are in a state, by their positions; how many there were."""
        moved = 0
        for start in range(0, len(positions), _IN):
            some = positions[start : start + _IN]
            where = [_ROW.delivery == delivery, _ROW.state == before.value]
            where.append(_where_at(some))
            if attempt_was:
                where.append(_ROW.attempt == attempt_was)
            moved += (await self._work.write(update(recipients).where(*where).values(**values))).rowcount
        return moved


def _where_at(some: Sequence[int]) -> ColumnElement[bool]:
    if some[-1] - some[0] == len(some) - 1:  # in the order of the list and without a gap, as most are
        return _ROW.position.between(some[0], some[-1])
    return _ROW.position.in_(some)


def _new(delivery: str, position: int, address: str, gone: Collection[str]) -> dict[str, Any]:
    mark = fingerprint(address)
    state = R.SUPPRESSED if mark in gone else R.PENDING
    return {
        "delivery": delivery,
        "position": position,
        "address": address,
        "fingerprint": mark,
        "state": state.value,
        "attempt": 0,
        "tries": 0,
        "not_before": None,
        "problem": "on the suppression list" if mark in gone else "",
    }


def _again(outcome: Settled) -> int:
    """Whether it counts as a try: a server said to come back later."""
    return int(outcome.state is R.PENDING and outcome.not_before is not None)

"""The outbox: every delivery with the state that was stored before anyone called a platform.

A pending delivery is armed by one sender alone, under a lease; when the sender vanishes, the lease runs out and the
delivery is found by ``stale``. Leases and ``not_before`` run on the machine's real time, never on the store's clock,
because a replay's clock runs faster than the platforms answer.
"""

import builtins
import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Unpack

from sqlalchemy import ColumnElement, Row, literal, or_, select, update

from crisis.delivery import SETTLED, Delivery, DeliveryState, IllegalDeliveryStep, Purpose, Receipt, check_step
from crisis.statement import Rendering
from records.ledger import Ledger
from records.tables import deliveries, incidents, storable
from records.work import Act, NotFound, Work, body, read

_LEASE = ("lease_owner", "lease_until")


@dataclass(frozen=True)
class Place:
    """Where a delivery belongs."""

    incident: str
    statement: str
    """Empty for a notice."""
    version: int

    @property
    def label(self) -> str:
        return f"{self.statement} v{self.version}"


class Outbox:
    """Renderings on their way to targets."""

    def __init__(self, work: Work, ledger: Ledger) -> None:
        self._work, self._ledger = work, ledger

    async def enqueue(self, delivery: Delivery, **act: Unpack[Act]) -> bool:
        """Plan a delivery; false when it is planned already, whatever became of it."""
        row = delivery.model_dump() | {
            "rendering": body(delivery.rendering),
            "receipt": None if delivery.receipt is None else body(delivery.receipt),
            "lease_owner": "",
            "lease_until": None,
        }
        if await self._work.insert_new(deliveries, [row]) == 0:
            return False
        rendering = hashlib.sha256(storable(body(delivery.rendering)).encode()).hexdigest()
        await self._tell("planned", delivery, {"rendering_sha256": rendering}, act)
        return True

    async def get(self, id: str) -> Delivery:
        """The delivery of that id.

        Raises:
            NotFound: there is none.
        """
        return _delivery(await self._row(id))

    async def list(
        self,
        *,
        incident: str = "",
        statement: str = "",
        version: int | None = None,
        states: Iterable[DeliveryState] | None = None,
        purpose: Purpose | None = None,
    ) -> list[Delivery]:
        """Deliveries in the order they were planned, of everything that is named."""
        wanted: list[ColumnElement[bool]] = []
        if incident:
            wanted.append(deliveries.c.incident == incident)
        if statement:
            wanted.append(deliveries.c.statement == statement)
        if version is not None:
            wanted.append(deliveries.c.version == version)
        if states is not None:
            wanted.append(deliveries.c.state.in_([DeliveryState(s).value for s in states]))
        if purpose is not None:
            wanted.append(deliveries.c.purpose == purpose.value)
        query = select(deliveries).where(*wanted).order_by(deliveries.c.created_at, deliveries.c.id)
        return [_delivery(row) for row in await self._work.all(query)]

    async def places(self, ids: Collection[str]) -> dict[str, "Place"]:
        """Where the deliveries of these ids belong, by id; those that are not there are left out."""
        columns = (deliveries.c.id, deliveries.c.incident, deliveries.c.statement, deliveries.c.version)
        rows = await self._work.all(select(*columns).where(deliveries.c.id.in_(ids)))
        return {row.id: Place(row.incident, row.statement, row.version) for row in rows}

    async def unseen(self) -> set[str]:
        """Ids of the deliveries that belong to no incident, or to one that whoever looks does not see."""
        seen = select(incidents.c.id)
        if self._work.hidden:
            seen = self._work.hidden.left_out(seen)
        other = deliveries.alias()
        elsewhere = select(other.c.incident).distinct().where(other.c.incident.not_in(seen))
        rows = await self._work.whole.all(select(deliveries.c.id).where(deliveries.c.incident.in_(elsewhere)))
        return {row.id for row in rows}

    async def noticed(self, email: str) -> set[str]:
        """Ids of the notices to one person."""
        query = select(deliveries.c.id, deliveries.c.rendering).where(deliveries.c.purpose == Purpose.NOTICE.value)
        about = json.dumps({"to": email}, ensure_ascii=False)[1:-1]
        rows = await self._work.all(query.where(deliveries.c.rendering.contains(about, autoescape=True)))
        return {row.id for row in rows if json.loads(row.rendering).get("options", {}).get("to") == email}

    async def replies(
        self, *, incident: str = "", incidents: Collection[str] = (), limit: int | None = 500
    ) -> builtins.list[Delivery]:
        """The newest deliveries that answer a post of somebody else, the newest first; of one incident or of some, if given."""
        wanted = [deliveries.c.purpose == Purpose.STATEMENT.value, deliveries.c.rendering.contains('"answers": {')]
        if incident or incidents:
            wanted.append(deliveries.c.incident.in_({incident, *incidents} - {""}))
        query = select(deliveries).where(*wanted).order_by(deliveries.c.created_at.desc(), deliveries.c.id)
        return [_delivery(row) for row in await self._work.all(query.limit(limit))]

    async def arm(
        self, id: str, *, owner: str, lease_seconds: float, early: bool = False, **act: Unpack[Act]
    ) -> Delivery | None:
        """Claim a pending delivery for sending; None when it is not pending, not due yet, or somebody else's.

        Commit before you call the platform. ``lease_seconds`` of real time must outlast the call; ``early``: even if it
        is not due yet, for a sender that means to end it.

        Raises:
            NotFound: there is no such delivery.
        """
        await self._row(id)
        real = datetime.now(UTC)
        claim = (
            update(deliveries)
            .where(deliveries.c.id == id, deliveries.c.state == DeliveryState.PENDING.value)
            .where(or_(deliveries.c.not_before.is_(None), deliveries.c.not_before <= real, literal(early)))
            .values(
                state=DeliveryState.ARMED.value,
                attempts=deliveries.c.attempts + 1,
                lease_owner=owner,
                lease_until=real + timedelta(seconds=lease_seconds),
                updated_at=self._work.clock.now(),
            )
        )
        if (await self._work.write(claim)).rowcount != 1:
            return None
        delivery = await self.get(id)
        await self._tell("armed", delivery, {"owner": owner, "lease_seconds": lease_seconds}, act)
        return delivery

    async def renew(self, id: str, *, owner: str, lease_seconds: float) -> bool:
        """Hold an armed delivery for longer, as its sender; false when it is not ``owner``'s any more: stop sending."""
        real = datetime.now(UTC)
        longer = (
            update(deliveries)
            .where(deliveries.c.id == id, deliveries.c.state == DeliveryState.ARMED.value)
            .where(deliveries.c.lease_owner == owner, deliveries.c.lease_until > real)
            .values(lease_until=real + timedelta(seconds=lease_seconds))
        )
        return (await self._work.write(longer)).rowcount == 1

    async def settle(
        self,
        id: str,
        to: DeliveryState,
        *,
        seen: Delivery | None = None,
        receipt: Receipt | None = None,
        problem: str = "",
        not_before: datetime | None = None,
        needs_human: bool | None = None,
        **act: Unpack[Act],
    ) -> Delivery:
        """Say what became of a delivery. A receipt once given stays; the lease ends.

        Args:
            seen: the delivery as the caller knew it when it called the platform. Given it, the outcome counts only
                if the delivery has not moved on since: a slow sender or look-up cannot settle a later attempt.
            not_before: real time before which it may not be armed again.
            needs_human: None leaves it as it is, but an arrival or a refusal needs nobody.

        Raises:
            IllegalDeliveryStep: ``to`` cannot follow its state, or it is not as it was ``seen``.
            NotFound: there is no such delivery.
        """
        before = _delivery(await self._row(id))
        check_step(before.state, to)
        if seen is not None and (seen.state, seen.attempts) != (before.state, before.attempts):
            raise IllegalDeliveryStep(
                f"the delivery has moved on: it was {seen.state} in attempt {seen.attempts}, "
                f"now it is {before.state} in attempt {before.attempts}"
            )
        human = needs_human if needs_human is not None else before.needs_human and to not in SETTLED
        changed: dict[str, Any] = {
            "state": to.value,
            "problem": problem,
            "not_before": not_before,
            "needs_human": human,
            "lease_owner": "",
            "lease_until": None,
        }
        told: dict[str, Any] = {"from": before.state.value, "problem": problem, "needs_human": human}
        if receipt is not None:
            changed["receipt"] = body(receipt)
            told["receipt"] = receipt.model_dump(mode="json")
        if not_before is not None:
            told["not_before"] = not_before.isoformat()
        return await self._change(id, to.value, changed, told, act)

    async def ask_human(self, id: str, *, problem: str, **act: Unpack[Act]) -> Delivery:
        """Leave an unknown delivery to a human: nothing more is done with it until somebody settles it.

        Raises:
            IllegalDeliveryStep: it is not unknown.
            NotFound: there is no such delivery.
        """
        before = _delivery(await self._row(id))
        if before.state is not DeliveryState.UNKNOWN:
            raise IllegalDeliveryStep(f"a delivery that is {before.state} needs nobody's word")
        if before.needs_human:
            return before
        told = {"problem": problem}
        return await self._change(id, "human_asked", {"needs_human": True, "problem": problem}, told, act)

    async def stale(self) -> builtins.list[Delivery]:
        """Armed deliveries whose lease has run out: their sender vanished, and nobody knows what it did."""
        query = select(deliveries).where(deliveries.c.state == DeliveryState.ARMED.value)
        expired = query.where(deliveries.c.lease_until < datetime.now(UTC)).order_by(deliveries.c.lease_until)
        return [_delivery(row) for row in await self._work.all(expired)]

    async def expire(self, *, only: str = "", **act: Unpack[Act]) -> builtins.list[Delivery]:
        """Make stale deliveries unknown (just the one named, if any) and return them as they then stand."""
        problem = "the sender vanished before it stored an outcome"
        return [
            await self.settle(delivery.id, DeliveryState.UNKNOWN, problem=problem, **act)
            for delivery in await self.stale()
            if only in ("", delivery.id)
        ]

    async def put_off(self, id: str, until: datetime, *, problem: str, **act: Unpack[Act]) -> Delivery:
        """Send a pending delivery no earlier than ``until`` (real time).

        Raises:
            IllegalDeliveryStep: it is not pending any more.
            NotFound: there is no such delivery.
        """
        waiting = await self.get(id)
        if waiting.state is not DeliveryState.PENDING:
            raise IllegalDeliveryStep(f"a delivery that is {waiting.state} cannot be put off")
        told = {"not_before": until.isoformat(), "problem": problem}
        return await self._change(id, "put_off", {"not_before": until, "problem": problem}, told, act)

    async def _change(self, id: str, verb: str, changed: dict[str, Any], told: dict[str, Any], act: Act) -> Delivery:
        now = self._work.clock.now()
        await self._work.write(update(deliveries).where(deliveries.c.id == id).values(changed | {"updated_at": now}))
        after = _delivery(await self._row(id))
        await self._tell(verb, after, told, act)
        return after

    async def _row(self, id: str) -> Row[Any]:
        row = await self._work.first(select(deliveries).where(deliveries.c.id == id))
        if row is None:
            raise NotFound(f"there is no delivery {id!r}")
        return row

    async def _tell(self, verb: str, delivery: Delivery, data: dict[str, Any], act: Act) -> None:
        target = delivery.rendering.target
        about = {
            "delivery": delivery.id,
            "purpose": delivery.purpose.value,
            "statement": delivery.statement,
            "version": delivery.version,
            "content_hash": delivery.content_hash,
            "channel": target.channel,
            "kind": target.kind,
            "address": target.address,
            "attempts": delivery.attempts,
            "withdraws": delivery.withdraws,
        }
        await self._ledger.append(f"delivery.{verb}", incident=delivery.incident, data=about | data, **act)


def _delivery(row: Row[Any]) -> Delivery:
    fields = {name: value for name, value in row._mapping.items() if name not in _LEASE}
    receipt = None if row.receipt is None else read(Receipt, row.receipt)
    return Delivery.model_validate(fields | {"rendering": _rendering(row.rendering), "receipt": receipt})


@lru_cache(maxsize=1_000)
def _rendering(text: str) -> Rendering:
    """It never changes while its delivery does: pages read all of an incident's whenever one has moved on."""
    return read(Rendering, text)

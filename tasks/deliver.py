"""Delivering: one delivery through its states, so that a post happens once or a human knows (DESIGN §7).

``armed`` is stored before the call. Whatever leaves the outcome open makes the delivery ``unknown``, and an unknown is
looked up on the platform before anything is sent again. Any number of processes may deliver the same row at the same
time, and any of them may be killed at any moment: the row's lease decides who sends, and whoever finds an expired
lease reconciles it. Leases and rate limits are in real time, never in a replay's. Once a statement is withdrawn, none
of it is sent any more, and whatever turns out to have arrived all the same is taken back.
"""

import asyncio
import contextlib
import os
import socket
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Required, TypedDict

import config
import integrations
from crisis.delivery import (
    ARRIVED,
    SETTLED,
    Delivery,
    DeliveryClass,
    DeliveryState,
    IllegalDeliveryStep,
    Purpose,
    Receipt,
    delivery_id,
)
from crisis.stakeholder import Route
from integrations import Message, Notifier, Publisher
from integrations.outcomes import AGAIN
from records import StatementStatus, Transaction
from tasks.installation import Installation
from tasks.links import fill_links, links_of
from tasks.runs import emit

LEASE_SECONDS = 60.0
"""Longer than any integration's time-out; a sender that has not settled by then is taken for dead."""
MAX_ATTEMPTS = 6
"""Sends and look-ups of one delivery before a human is asked."""
PATIENCE_SECONDS = 30.0
"""How long one call waits for rate limits and other senders; later ones are left to ``sweep``."""
LOOK_UP_PATIENCE = timedelta(minutes=10)
"""How long an unknown may stay without a look-up that answers, before a human is asked."""
STOPPED = "withdrawn before it was sent"
"""The problem of a delivery that was not sent because its statement was withdrawn: nobody needs to mend it."""
_LOOK_UP_DELAYS = (0.2, 1.0)
"""Waits before the look-ups that follow an unknown outcome: a platform may still be storing the post."""
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class _Sender:
    """How one delivery's kind of message goes out and is looked up."""

    here: Installation
    delivery: Delivery

    @property
    def may_have_left_parts(self) -> bool:
        """A thread that was begun before: a refusal now does not say that nothing of it is there."""
        d = self.delivery
        return d.purpose is not Purpose.WITHDRAWAL and len(d.rendering.parts) > 1 and d.attempts > 1

    async def connect(self) -> None:
        """Have the connection and the message made, so that what goes wrong with that is known to have sent nothing."""
        if self.delivery.purpose is Purpose.NOTICE:
            await self._notifier()
            self._message()
        else:
            await self._channel()

    async def send(self) -> Receipt:
        d = self.delivery
        if d.purpose is Purpose.NOTICE:
            route = Route(notifier=d.rendering.target.channel, address=d.rendering.target.address)
            return await (await self._notifier()).notify(self._message(), route)
        channel = await self._channel()
        if d.purpose is Purpose.WITHDRAWAL:
            async with self.here.store.reading() as tx:
                original = await tx.outbox.get(d.withdraws)
            if original.receipt is None:
                raise integrations.Refused("there is no receipt of the post, so it cannot be taken back from here")
            await channel.withdraw(original.receipt)
            return original.receipt.model_copy(update={"accepted_at": datetime.now(UTC), "raw": {"withdrawn": True}})
        return await channel.publish(d.rendering, d.id)

    async def look_up(self) -> Receipt | None:
        d = self.delivery
        if d.purpose is Purpose.NOTICE:
            return await (await self._notifier()).find(d.id, d.rendering)
        if d.purpose is Purpose.WITHDRAWAL:
            return None  # taking back twice is no error, so it is simply done again
        return await (await self._channel()).find(d.id, d.rendering)

    async def _channel(self) -> Publisher:
        return await self.here.channel(self.delivery.rendering.target.channel)

    async def _notifier(self) -> Notifier:
        return await self.here.notifier(self.delivery.rendering.target.channel)

    def _message(self) -> Message:
        d, rendering = self.delivery, self.delivery.rendering
        links = links_of(self.here, rendering.options)  # once, so that text and button carry the same
        return Message(
            key=d.id,
            subject=rendering.subject,
            text=fill_links(rendering.text, links),
            html=fill_links(rendering.html, links),
            thread=d.incident,
            link=fill_links(rendering.options.get("link", ""), links),
            occasion=rendering.options.get("occasion", ""),
            severity=rendering.options.get("severity", ""),
        )


def _owner() -> str:
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"


async def deliver(here: Installation, delivery_id: str) -> Delivery:
    """Bring one delivery as far as it gets now, and return it as it then stands.

    Safe to call twice, from anywhere, at any time. It ends settled, ``unknown`` in front of a human, or ``pending``
    behind a rate limit longer than ``PATIENCE_SECONDS``.
    """
    owner = _owner()
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        delivery = await _current(here, delivery_id)
        if delivery.state in SETTLED or delivery.needs_human:
            return delivery
        if delivery.state is DeliveryState.UNKNOWN:
            delivery = await reconcile(here, delivery_id)
            if delivery.state is DeliveryState.UNKNOWN:
                return delivery
            continue
        if delivery.state is DeliveryState.PENDING:
            wait = _seconds_until(delivery.not_before)
            if wait <= 0 and await _attempt(here, delivery_id, owner):
                continue
        else:
            wait = _POLL_SECONDS
            await expire_leases(here, only=delivery_id)
        if asyncio.get_running_loop().time() + max(wait, _POLL_SECONDS) > deadline:
            return await _current(here, delivery_id)
        await asyncio.sleep(max(wait, _POLL_SECONDS))


async def _current(here: Installation, delivery_id: str) -> Delivery:
    async with here.store.reading() as tx:
        return await tx.outbox.get(delivery_id)


def _seconds_until(moment: datetime | None) -> float:
    return 0.0 if moment is None else max(0.0, (moment - datetime.now(UTC)).total_seconds())


async def _attempt(here: Installation, delivery_id: str, owner: str) -> bool:
    """Arm, send once, settle. False when another sender has the row."""
    async with here.store.transaction() as tx:
        if await _stopped(here, tx, delivery_id):
            return True
        armed = await tx.outbox.arm(
            delivery_id,
            owner=owner,
            lease_seconds=LEASE_SECONDS,
            actor="outbox",
            via=here.via,
            flow_run_id=here.flow_run_id,
        )
    if armed is None:
        return False
    outcome = await _outcome(_Sender(here, armed))
    try:
        await _settle(here, armed, **outcome)
    except IllegalDeliveryStep:  # the lease ran out meanwhile, and whoever noticed looks it up
        receipt = outcome.get("receipt")
        if receipt is not None:
            await _late(here, armed, receipt)
    return True


async def _stopped(here: Installation, tx: Transaction, delivery_id: str) -> bool:
    """Refuse a pending delivery of a statement that has been withdrawn meanwhile."""
    waiting = await tx.outbox.get(delivery_id)
    if waiting.state is not DeliveryState.PENDING or not await _is_withdrawn(tx, waiting):
        return False
    await stop(here, tx, waiting, actor="outbox")
    return True


async def stop(here: Installation, tx: Transaction, waiting: Delivery, *, actor: str, reason: str = "") -> None:
    """Never send a pending delivery, because its statement is withdrawn."""
    await tx.outbox.settle(
        waiting.id,
        DeliveryState.REFUSED,
        problem=STOPPED,
        actor=actor,
        via=here.via,
        reason=reason,
        flow_run_id=here.flow_run_id,
    )


async def _is_withdrawn(tx: Transaction, delivery: Delivery) -> bool:
    return (
        delivery.purpose is Purpose.STATEMENT
        and await tx.statements.status(delivery.statement, delivery.version) is StatementStatus.WITHDRAWN
    )


class _Outcome(TypedDict, total=False):
    to: Required[DeliveryState]
    receipt: Receipt
    problem: str
    not_before: datetime


async def _outcome(sender: _Sender) -> _Outcome:
    """Send once, and say what came of it. Whatever leaves doubt once something may have been sent is unknown."""
    try:
        await sender.connect()
    except (integrations.Misconfigured, config.ConfigError) as problem:
        return _refused(sender, problem)
    except Exception as error:  # such as a Prefect server that is down while credentials are wanted from it
        says = str(error) if isinstance(error, integrations.IntegrationError) else type(error).__name__
        later = datetime.now(UTC) + AGAIN
        return {"to": DeliveryState.PENDING, "problem": f"not connected, nothing was sent: {says}", "not_before": later}
    try:
        async with asyncio.timeout(LEASE_SECONDS * 0.8):
            return {"to": DeliveryState.ACCEPTED, "receipt": await sender.send()}
    except integrations.RateLimited as limited:
        return {"to": DeliveryState.PENDING, "problem": str(limited), "not_before": limited.until}
    except (integrations.Refused, integrations.Misconfigured) as refusal:
        return _refused(sender, refusal)
    except integrations.Unknown as unknown:
        return {"to": DeliveryState.UNKNOWN, "problem": str(unknown)}
    except TimeoutError:
        return {"to": DeliveryState.UNKNOWN, "problem": "no answer in time"}
    except Exception as error:  # whatever else went wrong, the outcome is open
        return {"to": DeliveryState.UNKNOWN, "problem": f"unexpected {type(error).__name__} while sending"}


def _refused(sender: _Sender, why: Exception) -> _Outcome:
    if sender.may_have_left_parts:
        says = f"{why}; parts that an earlier attempt sent may still be there"
        return {"to": DeliveryState.UNKNOWN, "problem": says}
    return {"to": DeliveryState.REFUSED, "problem": str(why)}


async def _late(here: Installation, delivery: Delivery, receipt: Receipt) -> None:
    """A receipt that came after the lease had run out: it settles the unknown, if that is still open."""
    current = await _current(here, delivery.id)
    if current.state is DeliveryState.UNKNOWN:
        with contextlib.suppress(IllegalDeliveryStep):  # another one found it first
            await _settle(here, current, DeliveryState.RECONCILED, receipt=receipt, reason="the answer came late")


async def _settle(
    here: Installation,
    seen: Delivery,
    to: DeliveryState,
    *,
    receipt: Receipt | None = None,
    problem: str = "",
    not_before: datetime | None = None,
    reason: str = "",
) -> Delivery:
    async with here.store.transaction() as tx:
        settled = await tx.outbox.settle(
            seen.id,
            to,
            seen=seen,
            receipt=receipt,
            problem=problem,
            not_before=not_before,
            actor="outbox",
            via=here.via,
            reason=reason,
            flow_run_id=here.flow_run_id,
        )
        unwanted = await _arrived_withdrawn(here, tx, settled)
    if to is DeliveryState.UNKNOWN:
        emit(
            "delivery.unknown",
            incident=seen.incident,
            reference=f"{seen.id}/{seen.attempts}",
            payload={"incident": seen.incident, "delivery": seen.id, "channel": seen.rendering.target.channel},
        )
    if unwanted is not None:
        await deliver(here, unwanted.id)
    return settled


async def _arrived_withdrawn(here: Installation, tx: Transaction, settled: Delivery) -> Delivery | None:
    """The withdrawal of a delivery that got there although its statement had been withdrawn meanwhile."""
    if settled.state not in ARRIVED or not await _is_withdrawn(tx, settled):
        return None
    withdrawal = withdrawal_of(settled, here.clock.now())
    await tx.outbox.enqueue(
        withdrawal, actor="outbox", via=here.via, reason="it arrived after all", flow_run_id=here.flow_run_id
    )
    return withdrawal


def withdrawal_of(carried: Delivery, now: datetime) -> Delivery:
    """The delivery that takes back another one."""
    return Delivery(
        id=delivery_id(Purpose.WITHDRAWAL, carried.id, carried.rendering.target),
        incident=carried.incident,
        purpose=Purpose.WITHDRAWAL,
        statement=carried.statement,
        version=carried.version,
        content_hash=carried.content_hash,
        rendering=carried.rendering,
        delivery_class=DeliveryClass.CREATE_IF_ABSENT,
        withdraws=carried.id,
        created_at=now,
        updated_at=now,
    )


async def expire_leases(here: Installation, *, only: str = "") -> list[Delivery]:
    """Make every armed delivery whose sender vanished ``unknown``, and return them."""
    async with here.store.transaction() as tx:
        return await tx.outbox.expire(only=only, actor="outbox", via=here.via, flow_run_id=here.flow_run_id)


async def reconcile(here: Installation, delivery_id: str) -> Delivery:
    """Find out what became of an unknown delivery: there, certainly absent (then pending again), or for a human.

    An ``at most once`` channel has no look-up, so a human is asked at once.
    """
    delivery = await _current(here, delivery_id)
    if delivery.state is not DeliveryState.UNKNOWN or delivery.needs_human:
        return delivery
    try:
        return await _reconcile(here, delivery)
    except IllegalDeliveryStep:  # somebody else found out meanwhile
        return await _current(here, delivery_id)


async def _reconcile(here: Installation, delivery: Delivery) -> Delivery:
    if delivery.delivery_class is DeliveryClass.AT_MOST_ONCE and delivery.purpose is not Purpose.WITHDRAWAL:
        return await _ask_human(here, delivery, "this channel cannot be asked whether the message got there")
    receipt: Receipt | None = None
    for delay in _LOOK_UP_DELAYS:
        await asyncio.sleep(delay)
        try:
            receipt = await _Sender(here, delivery).look_up()
        except Exception as error:  # a look-up that fails, in whatever way, says nothing about the post
            says = str(error) if isinstance(error, integrations.IntegrationError) else type(error).__name__
            if delivery.attempts >= MAX_ATTEMPTS or here.clock.now() - delivery.updated_at > LOOK_UP_PATIENCE:
                return await _ask_human(here, delivery, f"it could not be looked up: {says}")
            return delivery.model_copy(update={"problem": f"not looked up yet: {says}"})
        if receipt is not None:
            return await _settle(here, delivery, DeliveryState.RECONCILED, receipt=receipt, reason="found by look-up")
    if delivery.attempts >= MAX_ATTEMPTS:
        return await _ask_human(here, delivery, f"{delivery.attempts} attempts have not brought it out")
    return await _settle(here, delivery, DeliveryState.PENDING, problem=delivery.problem, reason="proven absent")


async def _ask_human(here: Installation, delivery: Delivery, why: str) -> Delivery:
    async with here.store.transaction() as tx:
        return await tx.outbox.ask_human(
            delivery.id,
            problem=f"{delivery.problem}; {why}",
            actor="outbox",
            via=here.via,
            flow_run_id=here.flow_run_id,
        )


async def answer_unknown(here: Installation, delivery_id: str, *, arrived: bool, actor: str, reason: str) -> Delivery:
    """A human's word on an unknown delivery: it is there, or it is not and is sent again.

    Raises:
        crisis.delivery.IllegalDeliveryStep: the delivery is not unknown.
    """
    to = DeliveryState.RECONCILED if arrived else DeliveryState.PENDING
    async with here.store.transaction() as tx:
        settled = await tx.outbox.settle(
            delivery_id, to, needs_human=False, actor=actor, via=here.via, reason=reason, flow_run_id=here.flow_run_id
        )
        unwanted = await _arrived_withdrawn(here, tx, settled)
    if unwanted is not None:
        await deliver(here, unwanted.id)
    return settled if arrived else await deliver(here, delivery_id)


def has_arrived(delivery: Delivery) -> bool:
    """Whether the target carries the text."""
    return delivery.state in ARRIVED

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
from collections.abc import Collection
from datetime import UTC, datetime, timedelta

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
    check_step,
    delivery_id,
)
from crisis.mailing import RecipientState
from crisis.personal import ERASED
from integrations.outcomes import AGAIN
from records import StatementStatus, Transaction
from records.work import Act
from tasks.installation import Installation
from tasks.mailing import Outcome, is_mailing, mail_out, receipt_of, take_up
from tasks.on_it import acknowledged_by, is_call
from tasks.postbag import LeaseLost
from tasks.replies import hold_back
from tasks.runs import emit
from tasks.sender import Sender

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
REACHED = "not sent: the person was reached by another route"
"""The problem of a notice that was left where it was, because its person had been told by then."""
TAKEN = "not sent: somebody is on it"
"""The problem of a call for somebody that was left where it was, because somebody is on the incident by then."""
_LOOK_UP_DELAYS = (0.2, 1.0)
"""Waits before the look-ups that follow an unknown outcome: a platform may still be storing the post."""
_POLL_SECONDS = 0.1


def _owner() -> str:
    return f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"


async def deliver(
    here: Installation, delivery_id: str, *, hurry: float | None = None, patience: float | None = None
) -> Delivery:
    """Bring one delivery as far as it gets now, and return it as it then stands.

    Safe to call twice, from anywhere, at any time. It ends settled, ``unknown`` in front of a human, or ``pending``
    behind a rate limit longer than ``PATIENCE_SECONDS``; a mailing also when it takes longer than that, or than
    ``patience`` seconds.

    Args:
        hurry: seconds of real time after which the caller tries something else. A sender has that long, and no rate
            limit is waited for and no unclear answer looked up: that is left to ``sweep``.
        patience: seconds of real time that a mailing may go on.
    """
    owner = _owner()
    begun = asyncio.get_running_loop().time()
    deadline = begun + (PATIENCE_SECONDS if hurry is None else hurry)
    mailed_until = begun + (PATIENCE_SECONDS if patience is None else patience)
    while True:
        delivery = await _current(here, delivery_id)
        if delivery.state in SETTLED or delivery.needs_human:
            return delivery
        if hurry is not None and (delivery.state is DeliveryState.UNKNOWN or _seconds_until(delivery.not_before) > 0):
            return delivery
        if delivery.state is DeliveryState.UNKNOWN:
            delivery = await reconcile(here, delivery_id)
            if delivery.state is DeliveryState.UNKNOWN:
                return delivery
            continue
        if delivery.state is DeliveryState.PENDING:
            over = await _ends_early(here, delivery)
            wait = 0.0 if over else _seconds_until(delivery.not_before)
            left = mailed_until - asyncio.get_running_loop().time()
            if wait <= 0 and left <= 0 and is_mailing(delivery):
                return delivery
            seconds = left if is_mailing(delivery) else hurry or LEASE_SECONDS * 0.8
            if wait <= 0 and await _attempt(here, delivery_id, owner, seconds, early=over):
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


async def _attempt(here: Installation, delivery_id: str, owner: str, seconds: float, *, early: bool) -> bool:
    """Arm, send once within ``seconds`` (a mailing for so long), settle. False when another sender has the row."""
    async with here.store.transaction() as tx:
        if await _stopped(here, tx, delivery_id):
            return True
        armed = await tx.outbox.arm(
            delivery_id,
            owner=owner,
            lease_seconds=LEASE_SECONDS,
            early=early,
            actor="outbox",
            via=here.via,
            flow_run_id=here.flow_run_id,
        )
    if armed is None:
        return False
    outcome: Outcome
    if is_mailing(armed):
        try:
            outcome = await mail_out(here, armed, owner, LEASE_SECONDS, seconds)
        except LeaseLost:
            return True
    else:
        outcome = await _outcome(Sender(here, armed), seconds)
    try:
        await _settle(here, armed, **outcome)
    except IllegalDeliveryStep:  # the lease ran out meanwhile, and whoever noticed looks it up
        receipt = outcome.get("receipt")
        if receipt is not None:
            await _late(here, armed, receipt)
    return True


async def _ends_early(here: Installation, waiting: Delivery) -> bool:
    """Whether it is a mailing that waits half-way, and whose statement has been withdrawn."""
    if not waiting.arrived or not is_mailing(waiting):
        return False
    async with here.store.reading() as tx:
        return await _is_withdrawn(tx, waiting)


async def _stopped(here: Installation, tx: Transaction, delivery_id: str) -> bool:
    """Refuse a pending delivery that nobody needs any more: its statement has been withdrawn meanwhile (a mailing
    half-way ends otherwise), or the person has been told by another route, or somebody has taken on what it calls for."""
    waiting = await tx.outbox.get(delivery_id)
    if waiting.state is not DeliveryState.PENDING or waiting.arrived:
        return False
    if await _is_withdrawn(tx, waiting):
        await stop(here, tx, waiting, actor="outbox")
        return True
    act: Act = {"actor": "outbox", "via": here.via, "flow_run_id": here.flow_run_id}
    if await hold_back(tx, waiting, act):
        return True
    if waiting.purpose is Purpose.NOTICE and (why := await _needless(here, tx, waiting)):
        await stop(here, tx, waiting, actor="outbox", problem=why)
        return True
    return False


async def _needless(here: Installation, tx: Transaction, waiting: Delivery) -> str:
    """Why a notice need not go out any more; empty when it must."""
    options = waiting.rendering.options
    if waiting.rendering.text == ERASED:
        return "what it said of somebody was erased"
    if is_call(options) and await acknowledged_by(here, tx, waiting.incident):
        return TAKEN
    if not options.get("to"):
        return ""
    others = await tx.outbox.list(incident=waiting.incident, purpose=Purpose.NOTICE, states=ARRIVED)
    same = ("to", "occasion")
    reached = any(all(o.rendering.options.get(n) == options.get(n) for n in same) for o in others)
    return REACHED if reached else ""


async def stop(
    here: Installation, tx: Transaction, waiting: Delivery, *, actor: str, reason: str = "", problem: str = STOPPED
) -> None:
    """Never send a pending delivery, by default because its statement is withdrawn."""
    await tx.outbox.settle(
        waiting.id,
        DeliveryState.REFUSED,
        problem=problem,
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


async def _outcome(sender: Sender, seconds: float) -> Outcome:
    """Send once within ``seconds``, and say what came of it. Whatever leaves doubt once something may have been sent is
    unknown."""
    try:
        async with asyncio.timeout(seconds):
            await sender.connect()
    except (integrations.Misconfigured, config.ConfigError) as problem:
        return _refused(sender, problem)
    except Exception as error:  # such as a Prefect server that is down while credentials are wanted from it
        says = str(error) if isinstance(error, integrations.IntegrationError) else type(error).__name__
        later = datetime.now(UTC) + AGAIN
        return {"to": DeliveryState.PENDING, "problem": f"not connected, nothing was sent: {says}", "not_before": later}
    try:
        async with asyncio.timeout(seconds):
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


def _refused(sender: Sender, why: Exception) -> Outcome:
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
        public = to is DeliveryState.UNKNOWN and settled.purpose is Purpose.STATEMENT
        incident = await tx.incidents.get(seen.incident) if public else None
    if incident is not None:
        emit(
            "delivery.unknown",
            incident=incident,
            reference=f"{seen.id}/{seen.attempts}",
            payload={"delivery": seen.id, "channel": seen.rendering.target.channel, "purpose": seen.purpose.value}
            | {"statement": seen.statement, "version": seen.version},
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
    if is_mailing(delivery):
        return await _take_up(here, delivery)
    if delivery.delivery_class is DeliveryClass.AT_MOST_ONCE and delivery.purpose is not Purpose.WITHDRAWAL:
        return await _ask_human(here, delivery, "this channel cannot be asked whether the message got there")
    receipt: Receipt | None = None
    for delay in _LOOK_UP_DELAYS:
        await asyncio.sleep(delay)
        try:
            receipt = await Sender(here, delivery).look_up()
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


async def _take_up(here: Installation, delivery: Delivery) -> Delivery:
    """Go on with a mailing whose sender vanished, or ask a human about recipients of whom nothing is known."""
    stands = await take_up(here, delivery)
    if stands["to"] is DeliveryState.UNKNOWN:
        async with here.store.transaction() as tx:
            return await tx.outbox.ask_human(
                delivery.id, problem=stands["problem"], actor="outbox", via=here.via, flow_run_id=here.flow_run_id
            )
    if stands["to"] is DeliveryState.ACCEPTED:
        stands |= {"to": DeliveryState.RECONCILED}
    return await _settle(here, delivery, **stands, reason="as its recipients stand")


async def _ask_human(here: Installation, delivery: Delivery, why: str) -> Delivery:
    async with here.store.transaction() as tx:
        return await tx.outbox.ask_human(
            delivery.id,
            problem=f"{delivery.problem}; {why}",
            actor="outbox",
            via=here.via,
            flow_run_id=here.flow_run_id,
        )


async def answer_unknown(
    here: Installation,
    delivery_id: str,
    *,
    arrived: bool,
    actor: str,
    reason: str,
    recipients: Collection[str] = (),
    link: str = "",
) -> Delivery:
    """A human's word on an unknown delivery: it is there, or it is not and is sent again.

    ``link`` is where they saw it; a platform's id it has not, so what it leads to can only be taken back by hand.
    Of a mailing it is about the recipients that are unknown, or those of them that are named.

    Raises:
        crisis.delivery.IllegalDeliveryStep: the delivery is not unknown.
    """
    to = DeliveryState.RECONCILED if arrived else DeliveryState.PENDING
    act: Act = {"actor": actor, "via": here.via, "reason": reason, "flow_run_id": here.flow_run_id}
    async with here.store.transaction() as tx:
        delivery = await tx.outbox.get(delivery_id)
        check_step(delivery.state, to)
        receipt = None
        if arrived and link and delivery.receipt is None:
            receipt = Receipt(id="", url=link, accepted_at=here.clock.now(), raw={"seen_by": actor})
        if is_mailing(delivery):
            await tx.mailings.answer(
                delivery_id, arrived=arrived, addresses=recipients, incident=delivery.incident, **act
            )
            counts = await tx.mailings.counts(delivery_id)
            receipt = receipt_of(delivery, counts)
            if arrived and counts.get(RecipientState.UNKNOWN):
                return delivery  # others of its recipients are still unknown
        settled = await tx.outbox.settle(delivery_id, to, needs_human=False, receipt=receipt, **act)
        unwanted = await _arrived_withdrawn(here, tx, settled)
    if unwanted is not None:
        await deliver(here, unwanted.id)
    return settled if arrived else await deliver(here, delivery_id)

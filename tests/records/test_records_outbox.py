"""The outbox: one sender at a time, leases in real time, and no outcome that settles an attempt it does not know."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from record_samples import ANA, AT, answer, delivery, kinds, process

from crisis.clock import FixedClock
from crisis.delivery import Delivery, DeliveryState, IllegalDeliveryStep, Purpose, Receipt
from records import NotFound, Store

OUTBOX = {"actor": "outbox"}
D = DeliveryState


@pytest.fixture
async def planned(store: Store) -> Delivery:
    async with store.transaction() as tx:
        assert await tx.outbox.enqueue(delivery(), **ANA)
    return delivery()


async def arm(store: Store, id: str, owner: str = "me", lease: float = 60) -> Delivery | None:
    async with store.transaction() as tx:
        return await tx.outbox.arm(id, owner=owner, lease_seconds=lease, **OUTBOX)


async def settle(store: Store, id: str, to: DeliveryState, **outcome) -> Delivery:
    async with store.transaction() as tx:
        return await tx.outbox.settle(id, to, **outcome, **OUTBOX)


async def test_planning_a_delivery_twice_plans_it_once(store: Store, planned: Delivery) -> None:
    async with store.transaction() as tx:
        assert not await tx.outbox.enqueue(planned, **ANA)
    async with store.reading() as tx:
        assert await tx.outbox.list() == [planned]
    assert await kinds(store) == ["delivery.planned"]


async def test_a_delivery_that_went_out_is_not_planned_again(store: Store, planned: Delivery) -> None:
    await arm(store, planned.id)
    await settle(store, planned.id, D.ACCEPTED, receipt=Receipt(id="42", accepted_at=AT))
    async with store.transaction() as tx:
        assert not await tx.outbox.enqueue(planned, **ANA)
        assert (await tx.outbox.get(planned.id)).state is D.ACCEPTED


async def test_deliveries_are_found_by_everything_that_is_named(store: Store, planned: Delivery) -> None:
    other = delivery(channel="mastodon")
    async with store.transaction() as tx:
        await tx.outbox.enqueue(other, **ANA)
        await tx.outbox.arm(other.id, owner="me", lease_seconds=60, **OUTBOX)
        assert [d.id for d in await tx.outbox.list(states=(D.ARMED,))] == [other.id]
        assert [d.id for d in await tx.outbox.list(states=iter([D.PENDING]), incident="INC-1")] == [planned.id]
        assert len(await tx.outbox.list(purpose=Purpose.NOTICE, version=0)) == 2
        assert await tx.outbox.list(purpose=Purpose.STATEMENT) == []
        assert await tx.outbox.list(incident="INC-2") == []
        assert await tx.outbox.list(statement="INC-1-S1", version=1) == []


async def test_of_two_tasks_one_arms(store: Store, planned: Delivery) -> None:
    armed = await asyncio.gather(*(arm(store, planned.id, f"task {n}") for n in range(8)))
    assert sum(a is not None for a in armed) == 1
    assert (await kinds(store)).count("delivery.armed") == 1


@pytest.mark.slow
async def test_of_several_processes_one_arms(store: Store, url: str, keys, planned: Delivery) -> None:
    workers = [await process("arm", url, str(keys), f"process {n}") for n in range(4)]
    for worker in workers:
        assert await worker.stdout.readline() == b"ready\n"
    for worker in workers:
        worker.stdin.write(b"go\n")
    answers = await asyncio.gather(*(answer(worker) for worker in workers))
    assert sorted(answers) == ["armed", "not mine", "not mine", "not mine"]
    async with store.reading() as tx:
        assert (await tx.outbox.get(planned.id)).attempts == 1


async def test_arming_is_on_record_before_the_call_and_the_outcome_after_it(store: Store, planned: Delivery) -> None:
    armed = await arm(store, planned.id)
    assert (armed.state, armed.attempts) == (D.ARMED, 1)
    receipt = Receipt(id="42", url="https://status.example/42", accepted_at=AT, raw={"ok": True})
    done = await settle(store, planned.id, D.ACCEPTED, receipt=receipt)
    assert (done.state, done.receipt, done.problem) == (D.ACCEPTED, receipt, "")
    async with store.reading() as tx:
        told = await tx.ledger.list(incident="INC-1")
    assert [r.kind for r in told] == ["delivery.planned", "delivery.armed", "delivery.accepted"]
    assert told[2].data["receipt"]["id"] == "42"
    assert all(r.data["delivery"] == planned.id and r.data["channel"] == "status" for r in told)


async def test_an_illegal_step_is_refused_and_leaves_no_record(store: Store, planned: Delivery) -> None:
    with pytest.raises(IllegalDeliveryStep, match="pending cannot become accepted"):
        await settle(store, planned.id, D.ACCEPTED)
    assert await kinds(store) == ["delivery.planned"]


async def test_a_rate_limited_delivery_waits_in_real_time(store: Store, planned: Delivery, clock: FixedClock) -> None:
    await arm(store, planned.id)
    soon = datetime.now(UTC) + timedelta(seconds=0.4)
    held = await settle(store, planned.id, D.PENDING, problem="429", not_before=soon)
    assert (held.not_before, held.problem) == (soon, "429")
    clock.move(timedelta(days=1))
    assert await arm(store, planned.id) is None
    await asyncio.sleep(0.45)
    again = await arm(store, planned.id)
    assert again is not None
    assert again.attempts == 2


async def test_a_lease_runs_out_in_real_time_not_in_the_storys(
    store: Store, planned: Delivery, clock: FixedClock
) -> None:
    await arm(store, planned.id, lease=0.3)
    clock.move(timedelta(days=1))
    async with store.reading() as tx:
        assert await tx.outbox.stale() == []
    await asyncio.sleep(0.35)
    async with store.reading() as tx:
        assert [d.id for d in await tx.outbox.stale()] == [planned.id]


async def test_an_expired_delivery_is_unknown_and_is_not_armed_by_itself(store: Store, planned: Delivery) -> None:
    await arm(store, planned.id, lease=-1)
    async with store.transaction() as tx:
        assert await tx.outbox.expire(only="another", **OUTBOX) == []
        (expired,) = await tx.outbox.expire(**OUTBOX)
        assert await tx.outbox.expire(**OUTBOX) == []
    assert expired.state is D.UNKNOWN
    assert "vanished" in expired.problem
    assert await arm(store, planned.id) is None


async def test_a_slow_sender_cannot_settle_a_later_attempt(store: Store, planned: Delivery) -> None:
    first = await arm(store, planned.id, "slow", lease=-1)
    async with store.transaction() as tx:
        await tx.outbox.expire(**OUTBOX)
        await tx.outbox.settle(planned.id, D.PENDING, problem="proven absent", **OUTBOX)
    second = await arm(store, planned.id, "quick")
    with pytest.raises(IllegalDeliveryStep, match="moved on"):
        await settle(store, planned.id, D.REFUSED, problem="too late", seen=first)
    assert (await settle(store, planned.id, D.ACCEPTED, seen=second)).state is D.ACCEPTED


async def test_a_human_is_asked_once_and_their_word_settles_it(store: Store, planned: Delivery) -> None:
    await arm(store, planned.id)
    with pytest.raises(IllegalDeliveryStep):
        async with store.transaction() as tx:
            await tx.outbox.ask_human(planned.id, problem="?", **OUTBOX)
    await settle(store, planned.id, D.UNKNOWN, problem="reset")
    for _ in range(2):
        async with store.transaction() as tx:
            asked = await tx.outbox.ask_human(planned.id, problem="nobody can be asked", **OUTBOX)
    assert (asked.state, asked.needs_human, asked.problem) == (D.UNKNOWN, True, "nobody can be asked")
    assert (await settle(store, planned.id, D.RECONCILED)).needs_human is False
    told = await kinds(store)
    assert told[-3:] == ["delivery.unknown", "delivery.human_asked", "delivery.reconciled"]


async def test_a_receipt_once_given_stays(store: Store, planned: Delivery) -> None:
    await arm(store, planned.id)
    await settle(store, planned.id, D.UNKNOWN, receipt=Receipt(id="part 1", accepted_at=AT), needs_human=True)
    settled = await settle(store, planned.id, D.RECONCILED)
    assert settled.receipt is not None
    assert settled.receipt.id == "part 1"


async def test_a_delivery_that_nobody_planned_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        await arm(store, "nowhere")

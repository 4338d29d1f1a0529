"""SIGKILL at every step of a delivery, for every channel and notifier there is; another process takes over.

All kinds stop at the same step of their own, and die together: some fifty processes in place of five hundred, in a few
minutes. Statements go out in three parts where the kind has threads, so a restart between parts is among the steps.
"""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import stops
from acts import Processes
from roles import Bench, Role, bench
from troubles import Stand, broken, deliveries, settings, stage

import tasks.deliver
from crisis.delivery import DeliveryClass, DeliveryState, Purpose
from integrations.sandbox import posts
from tasks.deliver import deliver, withdrawal_of
from tasks.installation import installation
from tasks.recover import recover_deliveries

pytestmark = pytest.mark.slow
KILLED = -9


@pytest.fixture(scope="module")
def everybody() -> Iterator[Bench]:
    with bench() as made:
        yield made


def test_killed_at_any_step_every_kind_says_it_once_or_a_human_knows(
    everybody: Bench, processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.deliver, "_LOOK_UP_DELAYS", (0.0, 0.05))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    planned = tmp_path / "planned"
    asyncio.run(stage(planned, everybody))

    home = tmp_path / "whole"
    ids = _begin(planned, home, everybody)
    assert processes.run_stops(settings(home, everybody), ids, 0) == 0
    steps = stops.read(home / "boundaries")
    found = _wrong(home, everybody, tuple(everybody.receivers))
    assert not found, "\n".join(found)
    assert all(len(names) >= 6 for names in steps.values()), steps
    assert set(steps) == {role.name for role in everybody.receivers}

    for stop_at in range(1, max(map(len, steps.values())) + 1):
        concerned = tuple(role for role in everybody.receivers if len(steps[role.name]) >= stop_at)
        home = tmp_path / f"stopped-{stop_at}"
        ids = _begin(planned, home, everybody)
        status = processes.run_stops(settings(home, everybody), {r.name: ids[r.name] for r in concerned}, stop_at)
        assert status == KILLED
        last = {role: names[-1] for role, names in stops.read(home / "boundaries").items()}
        asyncio.run(_take_over(home, everybody, concerned, by_sweep=stop_at % 2 == 0))
        for says in _wrong(home, everybody, concerned):
            found.append(f"stopped at step {stop_at} ({last.get(says.partition(' ')[0])}): {says}")
        shutil.rmtree(home)
    assert not found, "\n".join(found)


def test_a_withdrawal_killed_at_any_step_is_finished_on_every_kind_that_can_take_back(
    everybody: Bench, processes: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.deliver, "_LOOK_UP_DELAYS", (0.0, 0.05))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    planned = tmp_path / "planned"
    asyncio.run(stage(planned, everybody))
    channels = tuple(role for role in everybody.receivers if role.family == "channel")
    found: list[str] = []
    steps: dict[str, list[str]] = {}
    stop_at = 0
    while stop_at <= max(map(len, steps.values()), default=0):
        home = tmp_path / f"stopped-{stop_at}"
        _begin(planned, home, everybody)
        ids = asyncio.run(_out_and_to_be_taken_back(home, everybody, channels))
        concerned = [role for role in channels if not stop_at or len(steps[role.name]) >= stop_at]
        ours = settings(home, everybody)
        status = processes.run_stops(ours, {role.name: ids[role.name] for role in concerned}, stop_at)
        assert status == (KILLED if stop_at else 0)
        steps = steps or stops.read(home / "boundaries")
        found += [f"stopped at step {stop_at}: {says}" for says in asyncio.run(_still_there(home, everybody, channels))]
        shutil.rmtree(home)
        stop_at += 1
    assert not found, "\n".join(found)
    assert all(len(steps[role.name]) >= 4 for role in channels), steps


async def _out_and_to_be_taken_back(home: Path, everybody: Bench, channels: tuple[Role, ...]) -> dict[str, str]:
    """Everything published, and its withdrawal planned: the ids of those, by role."""
    async with installation(settings(home, everybody)) as here:
        planned = await deliveries(here)
        out = await asyncio.gather(*(deliver(here, planned[role.name].id) for role in channels))
        withdrawals = [withdrawal_of(delivery, here.clock.now()) for delivery in out]
        async with here.store.transaction() as tx:
            for withdrawal in withdrawals:
                await tx.outbox.enqueue(withdrawal, actor="outbox")
    return {withdrawal.rendering.target.channel: withdrawal.id for withdrawal in withdrawals}


async def _still_there(home: Path, everybody: Bench, channels: tuple[Role, ...]) -> list[str]:
    """After a sweep: what is not taken back although it could be, or is said to be and is not."""
    says = []
    async with installation(settings(home, everybody)) as here:
        await recover_deliveries(here)
        taken = await deliveries(here, withdrawals=True)
        for role in channels:
            withdrawal = taken[role.name]
            if withdrawal.state is DeliveryState.REFUSED and "be taken back" in withdrawal.problem:
                continue
            if withdrawal.state is not DeliveryState.ACCEPTED:
                says.append(f"{role.name} is {withdrawal.state}: {withdrawal.problem}")
            elif role.delivery_class is not DeliveryClass.AT_MOST_ONCE:
                channel = await here.channel(role.name)
                if await channel.find(withdrawal.withdraws, withdrawal.rendering) is not None:
                    says.append(f"{role.name} still shows it")
    return says


def _begin(planned: Path, home: Path, everybody: Bench) -> dict[str, str]:
    """Everything as it was planned, in ``home``; the ids of the deliveries by role."""
    everybody.reset()
    shutil.copytree(planned, home)

    async def ids() -> dict[str, str]:
        async with installation(settings(home, everybody)) as here:
            return {name: delivery.id for name, delivery in (await deliveries(here)).items()}

    return asyncio.run(ids())


async def _take_over(home: Path, everybody: Bench, concerned: tuple[Role, ...], *, by_sweep: bool) -> None:
    """What comes after a crash: the sweep, or whoever wants the same delivered; and the sweep after that."""
    async with installation(settings(home, everybody)) as here:
        if not by_sweep:
            planned = await deliveries(here)
            await asyncio.gather(*(deliver(here, planned[role.name].id) for role in concerned))
        await recover_deliveries(here)


def _wrong(home: Path, everybody: Bench, concerned: tuple[Role, ...]) -> list[str]:
    """What breaks the promise, a sentence each."""

    async def now() -> dict[str, Stand]:
        async with installation(settings(home, everybody)) as here:
            found = await deliveries(here)
        return {r.name: Stand(found[r.name], tuple(everybody.receivers[r].created)) for r in concerned}

    stands = asyncio.run(now())
    told = [post.rendering.subject for post in posts(home / "told")]
    return [says for role in concerned for says in _of(role, stands[role.name], told)]


def _of(role: Role, stand: Stand, told: list[str]) -> Iterator[str]:
    if says := broken(role, stand):
        yield says
    if stand.says == "asks" and role.delivery_class is DeliveryClass.AT_MOST_ONCE:
        if stand.delivery.purpose is Purpose.STATEMENT and sum(role.name in subject for subject in told) != 1:
            yield f"{role.name} asks a human, and the lead was told {told}"
    elif stand.says != "once":
        yield f"{role.name} {stand.says}: {stand.delivery.problem}"

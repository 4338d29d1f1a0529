"""Looking back at what was published: noticed, on record, told to the lead; never sent again, and cheap when nothing is due."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from acme import IDA, NOON, acme, sandbox
from test_withdraw import published

import integrations
from crisis.clock import FixedClock
from crisis.delivery import Delivery, Purpose
from crisis.read_back import ReadBack, Stand
from integrations.sandbox import Sandbox
from tasks.installation import Installation
from tasks.read_back import can_read, read_back, read_back_due
from tasks.withdraw import withdraw


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Installation]:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    async with acme(tmp_path, clock=FixedClock(NOON)) as opened:
        yield opened


async def deliveries(here: Installation) -> list[Delivery]:
    async with here.store.reading() as tx:
        return [d for d in await tx.outbox.list(purpose=Purpose.STATEMENT) if can_read(d.rendering.target.kind)]


async def seen(here: Installation) -> dict[str, ReadBack]:
    async with here.store.reading() as tx:
        return await tx.read_backs.of("INC-1")


async def records(here: Installation) -> list[tuple[str, str]]:
    async with here.store.reading() as tx:
        found = await tx.ledger.list(kind="delivery.read_back", incident="INC-1")
    return [(str(r.data["was"]), str(r.data["stand"])) for r in found]


def notices(here: Installation) -> list[str]:
    return [
        p.rendering.subject for p in sandbox(here) if p.purpose is Purpose.NOTICE and "our text" in p.rendering.subject
    ]


async def later(here: Installation) -> None:
    """Everything is due again."""
    async with here.store.transaction() as tx:
        for one in (await tx.read_backs.of("INC-1")).values():
            if one.due_at is not None:
                await tx.read_backs.put(one.model_copy(update={"due_at": datetime.now(UTC) - timedelta(seconds=1)}))


async def test_a_text_that_goes_is_noticed_told_once_and_not_sent_again(here: Installation) -> None:
    await published(here)
    assert await read_back_due(here) == ""
    first = await seen(here)
    assert {one.stand for one in first.values() if one.due_at} == {Stand.MATCHED}
    assert set(await records(here)) == {("", "matched")}
    assert not notices(here)
    before = await records(here)
    async with here.store.transaction() as tx:
        there = {id: one for id, one in first.items() if one.due_at}
        for one in there.values():
            await tx.read_backs.put(one.model_copy(update={"stand": None, "seen": ()}))
    await asyncio.gather(*(read_back(here, list(there)) for _ in range(3)))  # three sweeps that look at once
    again = await records(here)
    assert len(again) == len(before) * 2, "one of the three tells it"
    before = again
    assert await read_back_due(here) == "", "nothing is due"
    assert await records(here) == before

    [gone, *_] = await deliveries(here)
    channel = await here.channel(gone.rendering.target.channel)
    assert gone.receipt is not None
    await channel.withdraw(gone.receipt)
    await later(here)
    assert "gone" in await read_back_due(here)
    assert ("matched", "gone") in await records(here)
    assert len(notices(here)) == 1
    await later(here)
    assert await read_back_due(here) == "", "what is known already is not told again"
    assert len(notices(here)) == 1
    async with here.store.reading() as tx:
        assert (await tx.outbox.get(gone.id)).attempts == gone.attempts


async def test_no_clear_answer_changes_nothing_and_is_asked_for_later(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await published(here)
    await read_back_due(here)
    before = await records(here)

    async def silent(*_: object) -> None:
        raise integrations.Unknown("no answer in time")

    monkeypatch.setattr(Sandbox, "read", silent)
    await later(here)
    assert await read_back_due(here) == ""
    assert await records(here) == before
    looked = [one for one in (await seen(here)).values() if one.due_at]
    assert all(one.stand is Stand.MATCHED and "nobody can tell" in one.says for one in looked)
    assert all(one.due_at and one.due_at > datetime.now(UTC) for one in looked)


async def test_what_we_took_back_ourselves_is_looked_at_no_more(here: Installation) -> None:
    _, statement = await published(here)
    await read_back_due(here)
    done = await withdraw(here, statement.id, 1, actor=IDA, reason="wrong")
    back = {d.withdraws for d in done if d.arrived}
    assert back
    await read_back(here, sorted(back))
    assert not notices(here)
    assert set(await records(here)) == {("", "matched")}
    assert {(await seen(here))[id].due_at for id in back} == {None}

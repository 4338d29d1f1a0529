"""Rate budgets in the records: what one process has spent, no other spends again."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from crisis.clock import SystemClock
from integrations.rate_limits import Allowance
from records import open_store
from tasks.budgets import SharedBudget

POST = "POST /posts"


def soon(seconds: float = 60) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.fixture
async def stores(tmp_path):
    """The records as two processes see them."""
    both = [
        await open_store(f"sqlite+aiosqlite:///{tmp_path}/r.db", keys=tmp_path / "keys", clock=SystemClock())
        for _ in range(2)
    ]
    yield both
    for store in both:
        await store.close()


async def test_two_processes_never_spend_the_same_request(stores):
    one, other = (SharedBudget(store, "x/acme") for store in stores)
    until = soon()
    await one.left(POST, Allowance(5, 300, until))
    outcomes = await asyncio.gather(*(budget.take(POST) for budget in (one, other) for _ in range(6)))
    assert outcomes.count(None) == 5
    assert {outcome for outcome in outcomes if outcome} == {until}


async def test_plenty_is_not_kept_and_accounts_and_endpoints_stand_apart(stores):
    one, other = SharedBudget(stores[0], "x/acme"), SharedBudget(stores[1], "x/other")
    await one.left(POST, Allowance(250, 300, soon()))
    async with stores[1].reading() as tx:
        assert await tx.budgets.get("x/acme", POST) is None
    await one.left(POST, Allowance(0, 300, soon()))
    assert await one.take(POST) is not None
    assert await other.take(POST) is None
    assert await one.take("DELETE /posts/:") is None


async def test_an_older_answer_of_the_same_period_gives_nothing_back(stores):
    budget = SharedBudget(stores[0], "x/acme")
    until = soon()
    await budget.left(POST, Allowance(1, 300, until))
    await budget.left(POST, Allowance(4, 300, until - timedelta(seconds=1)))
    assert [await budget.take(POST) for _ in range(2)] == [None, until]


async def test_a_new_period_begins_with_a_full_budget(stores):
    budget = SharedBudget(stores[0], "x/acme")
    await budget.left(POST, Allowance(0, 300, soon(-1)))
    assert await budget.take(POST) is None
    await budget.left(POST, Allowance(0, 300, soon()))
    await budget.left(POST, Allowance(3, 300, soon(900)))
    assert await budget.take(POST) is None


async def test_records_that_cannot_be_asked_hold_nothing_up(stores, monkeypatch):
    budget = SharedBudget(stores[0], "x/acme")

    def broken():
        raise TimeoutError

    monkeypatch.setattr(stores[0], "reading", broken)
    monkeypatch.setattr(stores[0], "transaction", broken)
    assert await budget.take(POST) is None
    await budget.left(POST, Allowance(0, 300, soon()))

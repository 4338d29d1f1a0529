"""What is left of each account's rate limits, for all processes that use it.

Only what is scarce is kept: a row says how many requests an endpoint still takes until a moment of real time. A request
is taken before it is sent, in one transaction, so two processes never spend the same one.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, select

from crisis.values import Frozen, UtcDatetime
from records.tables import budgets
from records.work import Work, body, read

SAME_PERIOD = 5.0
"""Seconds: two ends that are so near each other are the same one, told by answers of different age."""


class Left(Frozen):
    """What one endpoint of an account still takes."""

    requests: int
    until: UtcDatetime
    """Real time at which the platform counts anew."""


class Budgets:
    """One row for each account and endpoint that is scarce."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def get(self, account: str, endpoint: str) -> Left | None:
        """What is left; None when it is not scarce."""
        row = await self._work.first(select(budgets).where(_of(account, endpoint)))
        return None if row is None else read(Left, row.body)

    async def list(self) -> list[tuple[str, str, Left]]:
        """Everything that is scarce: account, endpoint, and what is left of it."""
        rows = await self._work.all(select(budgets).order_by(budgets.c.account, budgets.c.endpoint))
        return [(row.account, row.endpoint, read(Left, row.body)) for row in rows]

    async def take(self, account: str, endpoint: str, now: datetime) -> datetime | None:
        """Take one request at ``now`` (real time): None when it may be made, else when to come back."""
        left = await self.get(account, endpoint)
        if left is None:
            return None
        if left.until <= now:
            await self._work.write(delete(budgets).where(_of(account, endpoint)))
            return None
        if left.requests <= 0:
            return left.until
        await self._put(account, endpoint, Left(requests=left.requests - 1, until=left.until))
        return None

    async def note(self, account: str, endpoint: str, left: Left) -> None:
        """Note what the platform says is left; of two answers of one period, the lower count and the later end stand."""
        known = await self.get(account, endpoint)
        if known is not None and abs((known.until - left.until).total_seconds()) <= SAME_PERIOD:
            left = Left(requests=min(known.requests, left.requests), until=max(known.until, left.until))
        await self._put(account, endpoint, left)

    async def _put(self, account: str, endpoint: str, left: Left) -> None:
        await self._work.upsert(budgets, {"account": account, "endpoint": endpoint, "body": body(left)})


def _of(account: str, endpoint: str) -> ColumnElement[bool]:
    return and_(budgets.c.account == account, budgets.c.endpoint == endpoint)

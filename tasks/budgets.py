"""One rate budget for each set of credentials, shared by every process of the installation through its records.

A budget is a help, never a hindrance: while the records cannot be asked, requests go out as if nobody else were there,
and the platform itself says no.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from integrations.rate_limits import Allowance
from records import Store
from records.budgets import Left

logger = logging.getLogger(__name__)

UNSAID = timedelta(minutes=1)
"""How long what is left is taken to hold where the platform does not say until when."""


class SharedBudget:
    """The budget of one account."""

    def __init__(self, store: Store, account: str) -> None:
        self._store, self._account = store, account

    async def take(self, endpoint: str) -> datetime | None:
        """As ``integrations.rate_limits.Budget``: mostly one read, and a write only while it is scarce."""
        async with _undisturbed():
            async with self._store.reading() as tx:
                if await tx.budgets.get(self._account, endpoint) is None:
                    return None
            async with self._store.transaction() as tx:
                return await tx.budgets.take(self._account, endpoint, datetime.now(UTC))
        return None

    async def left(self, endpoint: str, allowance: Allowance) -> None:
        """As ``integrations.rate_limits.Budget``; nothing is kept while there is plenty."""
        if not allowance.scarce:
            return
        left = Left(requests=allowance.left, until=allowance.until or datetime.now(UTC) + UNSAID)
        async with _undisturbed(), self._store.transaction() as tx:
            await tx.budgets.note(self._account, endpoint, left)


@asynccontextmanager
async def _undisturbed() -> AsyncIterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        logger.warning("the rate budget could not be asked (%s): requests go out without it", type(error).__name__)

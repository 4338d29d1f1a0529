"""Long work that a page of the desk began: it goes on when the browser is closed, and is never begun twice at once."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger(__name__)


class Background:
    """The work that goes on behind one desk."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def goes_on(self, work: str) -> bool:
        """Whether work of that name is not over."""
        return work in self._tasks and not self._tasks[work].done()

    def begin(self, work: str, doing: Coroutine[Any, Any, object]) -> bool:
        """Do it, unless work of that name goes on already; whether it was begun."""
        if self.goes_on(work):
            doing.close()
            return False
        self._tasks[work] = asyncio.create_task(_quietly(work, doing))
        return True

    async def over(self) -> None:
        """Wait until nothing goes on."""
        await asyncio.gather(*self._tasks.values())


async def _quietly(work: str, doing: Coroutine[Any, Any, object]) -> None:
    try:
        await doing
    except Exception:  # the page that shows its progress says that it failed
        logger.warning("%s did not end well", work, exc_info=True)

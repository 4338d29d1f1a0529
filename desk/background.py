"""Work behind the desk's pages. What a page began goes on when the browser is closed, and is never begun twice at once;
what a page waits for is done in a thread, bounded, and given up when the same reader asks anew.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 2
"""Questions that are worked on at the same time, whoever asks."""


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


class Turns:
    """One question for each caller, the newest one; ``MOST_AT_ONCE`` of all callers."""

    def __init__(self) -> None:
        self._asked: dict[str, threading.Event] = {}
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    async def work(self, who: str, seconds: float, doing: Callable[[Callable[[], bool]], Any]) -> Any:
        """What ``doing`` gives, in a thread; None when a newer question of the same caller came before its turn."""
        over = threading.Event()
        if before := self._asked.get(who):
            before.set()
        self._asked[who] = over
        try:
            async with self._room:
                if over.is_set():
                    return None
                until = time.monotonic() + seconds
                return await asyncio.to_thread(doing, lambda: over.is_set() or time.monotonic() >= until)
        finally:
            if self._asked.get(who) is over:
                del self._asked[who]

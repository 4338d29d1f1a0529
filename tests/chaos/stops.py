"""A process in which every kind's delivery comes to a stop at the same step, and which is then killed.

As in ``acts``, commits and outgoing calls are wrapped from outside as two boundaries each, just before and just after. A
delivery that comes to its ``stop_at``-th boundary goes no further; once each has stopped or is through, the process
sends itself SIGKILL. So one killed process tries one step of every kind. A delivery that stops inside a transaction
gives up its changes first, as the database would for the dead, so that the others are not kept waiting for its lock.
"""

import asyncio
import functools
import os
import signal
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import aiosmtplib
import apprise
from acts import arm_briefly

import integrations.feed_file
import integrations.sandbox
import tasks.deliver
from config import Settings
from integrations.aws import Aws
from integrations.http import Http
from records.outbox import Outbox
from records.store import Store
from tasks.installation import installation

ROLE: ContextVar[str] = ContextVar("ROLE", default="")
"""Whose delivery it is that comes past."""


class _GoesNoFurther(BaseException):
    """Leaves a transaction without its changes."""


class Boundaries:
    """Counts what each role comes past, writes it down, and tells who has stopped."""

    def __init__(self, stop_at: int, log: Path, roles: tuple[str, ...]) -> None:
        self._stop_at, self._passed, self._lock = stop_at, Counter[str](), threading.Lock()
        self._log = os.open(log, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND)
        self._loop = asyncio.get_running_loop()
        self.stopped = {role: asyncio.Event() for role in roles}

    def reached(self, name: str) -> bool:
        """Come past one; whether this is where to stop."""
        role = ROLE.get()
        if role not in self.stopped:
            return False
        with self._lock:
            self._passed[role] += 1
            os.write(self._log, f"{role}\t{name}\n".encode())
            return self._passed[role] == self._stop_at

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self.stopped[ROLE.get()].set)

    async def at(self, name: str) -> None:
        if self.reached(name):
            self.stop()
            await asyncio.Event().wait()

    def in_thread(self, name: str) -> None:
        if self.reached(name):
            self.stop()
            threading.Event().wait()


def read(log: Path) -> dict[str, list[str]]:
    """What each role came past, in order."""
    found: dict[str, list[str]] = {}
    for line in log.read_text().splitlines():
        role, _, name = line.partition("\t")
        found.setdefault(role, []).append(name)
    return found


def main(settings: Settings, deliveries: dict[str, str], stop_at: int) -> None:
    """Deliver each of ``deliveries`` (ids by the role's name) up to its ``stop_at``-th boundary, and die; 0: to the end."""
    os.environ.pop("PREFECT_API_URL", None)
    tasks.deliver._LOOK_UP_DELAYS = (0.0, 0.05)
    asyncio.run(_deliver(settings, deliveries, stop_at))


async def _deliver(settings: Settings, deliveries: dict[str, str], stop_at: int) -> None:
    boundaries = Boundaries(stop_at, settings.home / "boundaries", tuple(deliveries))
    _mark(boundaries)
    if stop_at:
        Outbox.arm = functools.partialmethod(arm_briefly, Outbox.arm)  # type: ignore[assignment]
    async with installation(settings) as here:

        async def one(role: str, delivery: str) -> None:
            ROLE.set(role)
            sending = asyncio.create_task(tasks.deliver.deliver(here, delivery))
            stopping = asyncio.create_task(boundaries.stopped[role].wait())
            await asyncio.wait({sending, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                sending.result()

        await asyncio.gather(*(one(role, delivery) for role, delivery in deliveries.items()))
        if stop_at:
            os.kill(os.getpid(), signal.SIGKILL)


def _mark(boundaries: Boundaries) -> None:
    """Wrap commits and calls."""
    _mark_commits(boundaries)
    Http._once = _around(Http._once, boundaries, lambda _, method, path, **__: f"{method} {path}")  # type: ignore[method-assign]
    Aws._once = _around(Aws._once, boundaries, lambda _, operation, *__: operation)  # type: ignore[method-assign]
    apprise.Apprise.async_notify = _around(apprise.Apprise.async_notify, boundaries, lambda *_, **__: "a notice")
    for command in ("connect", "mail", "rcpt", "data"):
        marked = _around(getattr(aiosmtplib.SMTP, command), boundaries, lambda *_, said=command, **__: said.upper())
        setattr(aiosmtplib.SMTP, command, marked)
    for module, name in ((integrations.sandbox, "create_if_absent"), (integrations.feed_file, "_replace")):
        setattr(module, name, _around_file(getattr(module, name), boundaries))


def _around_file(write: Callable[[Path, bytes], None], boundaries: Boundaries) -> Callable[[Path, bytes], None]:
    def marked(path: Path, content: bytes) -> None:
        boundaries.in_thread(f"before {path.name}")
        write(path, content)
        boundaries.in_thread(f"after {path.name}")

    return marked


def _mark_commits(boundaries: Boundaries) -> None:
    original = Store.transaction

    @asynccontextmanager
    async def transaction(self: Store) -> AsyncIterator[Any]:
        given_up = False
        with suppress(_GoesNoFurther):
            async with original(self) as opened:
                yield opened
                given_up = boundaries.reached("before a commit")
                if given_up:
                    raise _GoesNoFurther
        if given_up:
            boundaries.stop()
            await asyncio.Event().wait()
        await boundaries.at("after a commit")

    Store.transaction = transaction  # type: ignore[method-assign]


def _around(call: Any, boundaries: Boundaries, named: Callable[..., str]) -> Any:
    @functools.wraps(call)
    async def marked(*args: Any, **options: Any) -> Any:
        name = named(*args, **options).partition("?")[0]
        await boundaries.at(f"before {name}")
        answer = await call(*args, **options)
        await boundaries.at(f"after {name}")
        return answer

    return marked

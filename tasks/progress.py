"""How far long work is, told in three places by one seam: the terminal it was started in, the desk, and Prefect.

Work calls ``Progress.at`` (or ``more``) as often as it likes, from any thread; that stores two numbers. A pump beside it
carries them on about once a second. Showing is never a reason for work to fail or to wait: whatever goes wrong there is
logged once. How the terminal shows it is up to the command that registers itself with ``watched_by``.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from crisis.long_work import LongWork

if TYPE_CHECKING:  # verbs that need no installation show progress, too, and start at once
    from uuid import UUID

    from tasks.installation import Installation

logger = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
"""How often the desk and Prefect are told."""
NOTE_SECONDS = 5.0
"""How long the records may take over one of them."""
SHOW_SECONDS = 10.0
"""How long Prefect may take over one of them."""
Watcher = Callable[[LongWork], None]
_watchers: ContextVar[tuple[Watcher, ...]] = ContextVar("watchers", default=())


class Progress:
    """One piece of long work, and how far it is."""

    def __init__(self, work: str, title: str, *, total: int | None = None, unit: str = "", incident: str = "") -> None:
        self._work, self._title, self._unit, self._incident = work, title, unit, incident
        self._total, self._done, self._says, self._ended = total, 0, "", ""
        self._began = datetime.now(UTC)
        self._watchers = _watchers.get()
        self._next = 0.0

    def at(self, done: int, total: int | None = None, says: str = "") -> None:
        """So much is done by now, of so much if that is known, and this is what is being done."""
        self._done, self._total, self._says = done, total or self._total, says or self._says
        if self._watchers and time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY_SECONDS / 10
            self._tell_watchers()

    def more(self, done: int = 1, says: str = "") -> None:
        """So much more is done."""
        self.at(self._done + done, says=says)

    def ended(self, how: str, says: str = "") -> None:
        """It is over: ``done`` or ``failed``."""
        self._ended, self._says = how, says
        if how == "done" and self._total:
            self._done = max(self._done, self._total)
        self._tell_watchers()

    @property
    def state(self) -> LongWork:
        """As it is now."""
        return LongWork.model_validate(
            {
                "work": self._work,
                "title": self._title,
                "incident": self._incident,
                "done": self._done,
                "total": self._total,
                "unit": self._unit,
                "says": self._says,
                "began_at": self._began,
                "updated_at": datetime.now(UTC),
                "ended": self._ended,
            }
        )

    def _tell_watchers(self) -> None:
        for watcher in self._watchers:
            try:
                watcher(self.state)
            except Exception:  # a terminal that went away is no reason to stop a mailing
                logger.warning("progress could not be shown", exc_info=True)
                self._watchers = ()


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Long work that begins inside is told to ``watcher``, too, at once and in the thread that does it."""
    token = _watchers.set((*_watchers.get(), watcher))
    try:
        yield
    finally:
        _watchers.reset(token)


@contextmanager
def counted(work: str, title: str, *, total: int | None = None, unit: str = "") -> Iterator[Progress]:
    """Long work that belongs to no installation: only who watches this process is told."""
    progress = Progress(work, title, total=total, unit=unit)
    try:
        yield progress
    except BaseException as error:
        progress.ended("failed", _why(error))
        raise
    progress.ended("done")


@asynccontextmanager
async def under_way(
    here: "Installation",
    work: str,
    title: str,
    *,
    total: int | None = None,
    unit: str = "",
    incident: str = "",
    at_once: bool = False,
) -> AsyncIterator[Progress]:
    """Long work of an installation: its desk shows it, and Prefect where this is a run there.

    Work that is over within ``EVERY_SECONDS`` leaves no trace, unless it shall be shown ``at_once``. What the work raises
    it raises on; it is then shown as failed, unless the work has said how it ended.
    """
    progress = Progress(work, title, total=total, unit=unit, incident=incident)
    if at_once:
        await _note(here, progress.state)
    pump = asyncio.create_task(_pump(here, progress))
    began = time.monotonic()
    try:
        yield progress
    except BaseException as error:
        if not progress.state.ended:
            progress.ended("failed", _why(error))
        raise
    else:
        if not progress.state.ended:
            progress.ended("done", progress.state.says)
    finally:
        pump.cancel()
        await asyncio.wait([pump])
        if at_once or time.monotonic() - began >= EVERY_SECONDS:
            await _note(here, progress.state)


def _why(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
        return "stopped"
    return f"stopped by an error ({type(error).__name__})"  # its words may hold what is not for every reader


async def _pump(here: "Installation", progress: Progress) -> None:
    artifact = _Artifact(here)
    before = None
    try:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            if (state := progress.state).model_copy(update={"updated_at": state.began_at}) != before:
                before = state.model_copy(update={"updated_at": state.began_at})
                await _note(here, state)
                await artifact.show(state)
    except asyncio.CancelledError:
        if artifact.begun:
            await artifact.show(progress.state)


async def _note(here: "Installation", state: LongWork) -> None:
    try:
        async with asyncio.timeout(NOTE_SECONDS), here.store.transaction() as tx:
            await tx.progress.note(state)
    except Exception as error:  # whatever the database says: it only shows
        logger.warning("progress of %s could not be noted (%s)", state.work, type(error).__name__)


class _Artifact:
    """The progress artifact of one piece of work in a Prefect run; nothing outside of one."""

    def __init__(self, here: "Installation") -> None:
        from tasks.runs import server_is_known

        self._wanted = bool(here.flow_run_id) and server_is_known()
        self._id: UUID | None = None

    @property
    def begun(self) -> bool:
        """Whether Prefect has heard of the work."""
        return self._id is not None

    async def show(self, state: LongWork) -> None:
        if not self._wanted or state.share is None:
            return
        try:
            async with asyncio.timeout(SHOW_SECONDS):
                await self._put(state)
        except Exception as error:
            self._wanted = False
            logger.warning("progress of %s could not be shown in Prefect (%s)", state.work, type(error).__name__)

    async def _put(self, state: LongWork) -> None:
        from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact

        share: dict[str, Any] = {"progress": round((state.share or 0.0) * 100, 1), "description": state.line}
        if self._id is None:
            self._id = await acreate_progress_artifact(key=artifact_key(state.work), **share)
        else:
            await aupdate_progress_artifact(self._id, **share)


def artifact_key(work: str) -> str:
    """The work's name as Prefect takes it: lower-case letters, digits and dashes."""
    plain = "".join(c if c.isascii() and c.isalnum() else " " for c in work.lower())
    return "-".join(["progress", *plain.split()])[:100]

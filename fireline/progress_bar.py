"""Long work in the terminal: a bar where somebody is looking at one, a line now and then anywhere else. Always on stderr."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from crisis.visible import visible

if TYPE_CHECKING:
    from crisis.long_work import LongWork

LINE_SECONDS = 5.0
"""Between two lines where no bar can be drawn; work that is over sooner says nothing."""
BAR_SECONDS = 0.5
"""Work that is over sooner gets no bar."""


class Bar:
    """Shows the work of one command."""

    def __init__(self) -> None:
        self._drawn = sys.stderr.isatty()
        self._began = self._last = time.monotonic()
        self._rich: Any = None
        self._tasks: dict[str, Any] = {}

    def show(self, work: "LongWork") -> None:
        """Draw how far it is, if it is time to."""
        now = time.monotonic()
        if not self._drawn:
            if now - self._last >= LINE_SECONDS and not work.ended:
                self._last = now
                print(visible(work.line), file=sys.stderr, flush=True)
            return
        if self._rich is None:
            if work.ended or now - self._began < BAR_SECONDS:
                return
            self._rich = _bar()
            self._rich.start()
        self._draw(work)

    def _draw(self, work: "LongWork") -> None:
        told = {"total": work.total, "completed": work.done, "words": visible(f"{work.counted} {work.says}".strip())}
        if work.work not in self._tasks:
            self._tasks[work.work] = self._rich.add_task(visible(work.title), **told)
        self._rich.update(self._tasks[work.work], **told)
        if work.ended:
            self._rich.remove_task(self._tasks.pop(work.work))

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self._rich is not None:
            self._rich.stop()


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[words]}", markup=False),
        TimeElapsedColumn(),
    )
    # What goes to stdout must not end up on stderr when it is piped away.
    return Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty())


@contextmanager
def shown() -> Iterator[None]:
    """Long work that begins inside is shown in this terminal."""
    from tasks.progress import watched_by

    bar = Bar()
    try:
        with watched_by(bar.show):
            yield
    finally:
        bar.close()


@contextmanager
def waited_for(title: str) -> Iterator[None]:
    """Work that cannot count itself: a sign that it goes on, and for how long, where somebody is looking."""
    if not sys.stderr.isatty():
        yield
        return
    with _bar() as drawn:
        drawn.add_task(visible(title), total=None, words="")
        yield

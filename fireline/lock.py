"""Two commands that must not work in one folder at the same time: the first holds a lock, the second is told so.

The kernel lets go of the lock when its process ends, however it ends, so no lock outlives whoever held it.
"""

import fcntl
import os
from pathlib import Path

from fireline.errors import Stop


class Lock:
    """A lock on ``file``, which is made when it is missing and stays.

    Raises:
        Stop: another process holds it; ``told`` says who, with ``{pid}`` for its process, and what to do.
    """

    def __init__(self, file: Path, told: str) -> None:
        self._handle = os.open(file, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._handle, 20, 0).decode("ascii", "replace").strip() or "not known"
            os.close(self._handle)
            raise Stop(told.format(pid=holder), 1) from None
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go. Safe to call twice."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def running_lock(home: Path) -> Lock:
    """What the one supervisor of an installation holds. Raises ``Stop`` while another does."""
    return Lock(
        home / "running.lock",
        f"Fireline runs on {home} already (process {{pid}}): stop it with Ctrl-C in its terminal, or set FIRELINE_HOME",
    )


def demo_lock(folder: Path) -> Lock:
    """What a demo holds, beside its folder, which it clears. Raises ``Stop`` while another demo runs there."""
    return Lock(
        folder.with_name(f"{folder.name}.lock"),
        f"a demo runs in {folder} already (process {{pid}}): let it end, or set FIRELINE_HOME to another folder",
    )

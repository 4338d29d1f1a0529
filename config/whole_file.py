"""Files that come into being whole, on disk, and once: what a crash cannot halve and a second writer cannot replace."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def create_if_absent(path: Path, content: bytes) -> None:
    """Make ``path`` hold ``content``, whole, synced and for its owner's eyes, unless it exists already: then it is left.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(aside)  # unlike a rename, this never replaces what another process has begun to use
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        aside.unlink(missing_ok=True)

"""Random tokens of an installation, each in a file of its own that only its owner can read.

A token file is whole on the disk or absent, whatever dies meanwhile; one that was emptied or cut off signs nothing.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from config.errors import ConfigError, sentence


def token_at(path: Path, size: int) -> str:
    """The token in ``path``, made from ``size`` random bytes at first use; of two processes making it, one wins.

    Raises:
        ConfigError: the file holds fewer than ``size`` characters, so anybody could guess it; or it cannot be read.
    """
    if not path.exists():
        _make(path, secrets.token_urlsafe(size))
    try:
        token = path.read_bytes().decode("ascii", errors="replace").strip()
    except OSError as error:
        says = f"cannot be read ({error.strerror}): it is this installation's own key; check its rights"
        raise ConfigError(sentence(path, None, says)) from None
    if len(token) < size:
        says = (
            f"holds {len(token)} characters where a key has at least {size}, so it was emptied or cut off: put the "
            "right file back, or delete it and start again (links and sessions made with the old key then end)"
        )
        raise ConfigError(sentence(path, None, says))
    return token


def _make(path: Path, token: str) -> None:
    """Put ``token`` in place whole and synced, unless another process was first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.stem}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(token)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(aside)  # unlike a rename, this never replaces the key another process has begun to use
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        aside.unlink(missing_ok=True)

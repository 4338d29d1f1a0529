"""Random tokens of an installation, each in a file of its own that only its owner can read."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def token_at(path: Path, size: int) -> str:
    """The token in ``path``, made from ``size`` random bytes at first use; of two processes making it, one wins."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.stem}.{os.getpid()}.{secrets.token_hex(4)}")
        handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(size))
        with suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    return path.read_text().strip()

"""Random tokens of an installation, each in a file of its own that only its owner can read.

A token file is whole on the disk or absent, whatever dies meanwhile; one that was emptied or cut off signs nothing.
"""

import secrets
from pathlib import Path

from config.errors import ConfigError, sentence
from config.whole_file import create_if_absent


def token_at(path: Path, size: int) -> str:
    """The token in ``path``, made from ``size`` random bytes at first use; of two processes making it, one wins.

    Raises:
        ConfigError: the file holds fewer than ``size`` characters, so anybody could guess it; or it cannot be read.
    """
    if not path.exists():
        create_if_absent(path, secrets.token_urlsafe(size).encode())
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

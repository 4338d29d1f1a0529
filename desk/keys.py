"""The desk key: a random token beside this installation's records, which signs its forms and hashes its sessions.

In a link that ``fireline desk-link`` prints, it lets the first person in. A new key (delete the file, start again) ends
every session.
"""

import hmac
from pathlib import Path
from urllib.parse import urlencode

from config.token_file import token_at
from tasks.installation import Installation


def desk_key(home: Path) -> str:
    """This installation's desk key, made at first use and readable by its owner only."""
    return token_at(home / "desk.key", 32)


def desk_link(here: Installation, path: str = "/") -> str:
    """The address that opens the desk and starts a session; treat it like a password."""
    return f"{here.settings.desk.url.rstrip('/')}{path}?{urlencode({'key': desk_key(here.settings.home)})}"


def is_desk_key(home: Path, given: str) -> bool:
    """Whether ``given`` is the key, told in a time that gives nothing away."""
    return hmac.compare_digest(given.encode(errors="replace"), desk_key(home).encode())


def hash_of(home: Path, secret: str) -> str:
    """What is kept of a session's secret: nobody who reads the records can come in with it."""
    return hmac.new(desk_key(home).encode(), secret.encode(errors="replace"), "sha256").hexdigest()

"""Which posts were taken already: a bounded memory, so that at-least-once delivery counts once.

Sources repeat posts on purpose (after a reconnect they begin a little before where they stopped), and two sources of
one network bring the same post. The memory keeps 64-bit digests, the newest ``most`` of them, and forgets the oldest:
a repeat is known as long as fewer than ``most`` other posts came since. ``dump`` and ``load`` continue exactly.
"""

from base64 import b64decode, b64encode
from binascii import Error
from hashlib import blake2b
from typing import Self

_BYTES = 8


class Seen:
    """The newest ``most`` keys that were shown to it."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._keys: dict[bytes, None] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: str) -> bool:
        return _digest(key) in self._keys

    def new(self, key: str) -> bool:
        """Remember ``key``; whether it was not known before. A known one counts as met again just now."""
        digest = _digest(key)
        known = digest in self._keys
        if known:
            del self._keys[digest]
        self._keys[digest] = None
        if len(self._keys) > self._most:
            del self._keys[next(iter(self._keys))]
        return not known

    def dump(self) -> str:
        """All keys, the oldest first: 11 characters for each."""
        return b64encode(b"".join(self._keys)).decode("ascii")

    @classmethod
    def load(cls, most: int, dumped: str) -> Self:
        """The memory that ``dump`` described.

        Raises:
            ValueError: ``dumped`` is nothing that ``dump`` wrote.
        """
        new = cls(most)
        try:
            digests = b64decode(dumped, validate=True)
        except (Error, ValueError):
            raise ValueError("this is no memory of posts") from None
        if len(digests) % _BYTES:
            raise ValueError("this is no memory of posts: its end is missing")
        keys = [digests[at : at + _BYTES] for at in range(0, len(digests), _BYTES)]
        new._keys = dict.fromkeys(keys[-most:])
        return new


def _digest(key: str) -> bytes:
    return blake2b(key.encode(errors="surrogatepass"), digest_size=_BYTES).digest()

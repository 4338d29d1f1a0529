"""Leaving a mailing list by one click (RFC 8058): each recipient's own signed link, and what it does.

A link names a mailing and a place on its list, never an address, so that it tells nothing to whoever sees it. It is
signed with this installation's link key; whoever holds it can do one thing, take that one address off that one list.
"""

import base64
import hashlib
import hmac
from typing import NamedTuple

from crisis.approval import NotAllowed
from tasks.installation import Installation
from tasks.links import link_key

_MAC = 16
"""Bytes of the signature that a link carries."""


class Leaving(NamedTuple):
    """What a link is about."""

    delivery: str
    position: int
    channel: str
    """The list: the channel's name."""
    address: str
    """Empty once it was erased."""
    fingerprint: str


class LeavingLinks:
    """Makes and reads the links. Links exist only where the desk is reached by https, as the RFC wants."""

    def __init__(self, here: Installation) -> None:
        self._key = hashlib.sha256(b"fireline.leaving\n" + link_key(here).encode()).digest()
        url = here.settings.desk.url.rstrip("/")
        self._place = f"{url}/leave/" if url.startswith("https://") else ""

    def to(self, delivery: str, position: int) -> str:
        """The link of one recipient; empty where the desk has no https address."""
        if not self._place:
            return ""
        name = f"{delivery}.{position}"
        return f"{self._place}{name}.{self._mac(name)}"

    def read(self, token: str) -> tuple[str, int]:
        """The mailing and the place on its list.

        Raises:
            NotAllowed: the link was not made here, or was cut off.
        """
        name, _, mac = token.rpartition(".")
        delivery, _, position = name.partition(".")
        if not hmac.compare_digest(mac.encode(), self._mac(name).encode()) or not position.isdecimal():
            raise NotAllowed("this link was not made by this installation, or it was cut off on the way")
        return delivery, int(position)

    def _mac(self, name: str) -> str:
        made = hashlib.blake2b(name.encode(), digest_size=_MAC, key=self._key).digest()
        return base64.urlsafe_b64encode(made).decode().rstrip("=")


async def leaving(here: Installation, token: str) -> Leaving:
    """What a link is about.

    Raises:
        NotAllowed: it was not made here, or its mailing is not in these records any more.
    """
    delivery, position = LeavingLinks(here).read(token)
    async with here.store.reading() as tx:
        r = await tx.mailings.at(delivery, position)
        if r is None:
            raise NotAllowed("the mailing that this link was in is not in these records any more")
        channel = (await tx.outbox.get(delivery)).rendering.target.channel
    return Leaving(delivery, position, channel, r.address, r.fingerprint)


async def leave(here: Installation, token: str) -> Leaving:
    """Take the link's address off its list; leaving twice is leaving once. Raises like ``leaving``."""
    who = await leaving(here, token)
    async with here.store.transaction() as tx:
        await tx.suppressions.add(
            who.address,
            mark=who.fingerprint,
            list=who.channel,
            why="unsubscribed",
            detail=f"by the link in {who.delivery}",
            actor="recipient",
            via="unsubscribe_link",
        )
    return who

"""How people are named on networks: as somebody types or pastes it, as posts name their authors, and when both are one.

Promises: a network's name is one in any case and under its old name; the address of a profile names whoever it shows; a
name that no post can bear is refused in one sentence, never kept as if it protected somebody. A Mastodon name without its
server stands for everybody of that name on any: who must not be written to is rather one too many than one too few. Pure.
"""

import re
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

from crisis.replies import EVERYWHERE, name_of

NETWORKS = frozenset({"mastodon", "bluesky", "x", "threads", "facebook", "reddit"})
"""On which single posts can be answered."""
SAY = f"write network:author, such as mastodon:@ada@social.example, {EVERYWHERE}:ada, or the address of a profile"

_SAME = {"twitter": "x", "bsky": "bluesky", "fediverse": "mastodon"}
_HOSTS = {
    "x.com": "x",
    "twitter.com": "x",
    "bsky.app": "bluesky",
    "threads.net": "threads",
    "threads.com": "threads",
    "facebook.com": "facebook",
    "reddit.com": "reddit",
}
_ADDRESS = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_HANDLE = re.compile(r"[\w.-]+(?:@[\w-]+(?:\.[\w-]+)*(?::\d+)?)?")
_HANDLED = frozenset({"mastodon", "x", "threads", "reddit"})
"""Networks whose names have no spaces or other marks."""
_BEFORE = {"profile", "user", "u", "users"}


class NamesNobody(ValueError):
    """What was typed can match no author of a post; the message says what to write."""


def network_of(name: str) -> str:
    """A network's name as posts have it."""
    found = name.strip().casefold()
    return _SAME.get(found, found)


def identified(who: str) -> tuple[str, str]:
    """The network and the author that ``network:author``, or the address of a profile, names.

    Raises:
        NamesNobody: it is neither, or no author of that network can be called so.
    """
    who = who.strip()
    given, colon, rest = ("", ":", who) if _ADDRESS.match(who) else who.partition(":")
    network, author = network_of(given), rest.strip()
    if _ADDRESS.match(author):
        shown, author = _of_profile(author)
        if network not in ("", EVERYWHERE, shown):
            raise NamesNobody(f"{rest.strip()[:100]!r} is no profile on {network}, but on {shown}: {SAY}")
        network = network or shown
    if not colon or not network or not name_of(author):
        raise NamesNobody(f"{who[:100]!r} names nobody: {SAY}")
    if network in _HANDLED and not _HANDLE.fullmatch(name_of(author)):
        raise NamesNobody(f"nobody on {network} can be called {author[:100]!r}: {SAY}")
    return network, author


def unmatched(network: str, author: str, networks: Collection[str]) -> str:
    """Why no post is likely to be by that author, in words, unless one is known; empty when one may be. ``networks``: those
    that are answered on besides ``NETWORKS``."""
    if network != EVERYWHERE and network not in {*NETWORKS, *networks}:
        known = ", ".join(sorted({*NETWORKS, *networks} - {EVERYWHERE}))
        return f"no post is from {network!r}: write one of {known}, or {EVERYWHERE} for all"
    if network == "bluesky" and not name_of(author).startswith("did:"):
        return (
            f"posts on Bluesky name their authors by DID, so {author[:100]!r} would match nobody: "
            "write bluesky:did:plc:…, as `fireline people` lists them, or set up a Bluesky channel with replies = true, "
            "which looks names up"
        )
    return ""


def _of_profile(address: str) -> tuple[str, str]:
    """The network and the author of a profile's address, or of a post's under it."""
    try:
        parts = urlsplit(address if ":" in address.partition("//")[0] else f"https:{address}")
        host = (
            (parts.hostname or "").removeprefix("www.").removeprefix("m.").removeprefix("mobile.").removeprefix("old.")
        )
    except ValueError:
        raise NamesNobody(f"{address[:100]!r} is no address: {SAY}") from None
    path = [unquote(part) for part in parts.path.split("/") if part]
    network = _HOSTS.get(host, "mastodon")
    wrapped = bool(path) and path[0].casefold() in _BEFORE
    name = (path[1] if wrapped and len(path) > 1 else "" if wrapped or not path else path[0]).strip()
    if network == "mastodon":
        if not host or not (name.startswith("@") or wrapped) or not name.strip("@"):
            raise NamesNobody(f"{address[:100]!r} is no profile that can be read: {SAY}")
        name = name.removeprefix("@")
        return network, name if "@" in name else f"{name}@{parts.netloc.rpartition('@')[2].casefold()}"
    if not name_of(name):
        raise NamesNobody(f"{address[:100]!r} is no profile that can be read: {SAY}")
    return network, name


def names_of(network: str, author: str, *addresses: str) -> tuple[str, ...]:
    """Every name under which the author of a post may be on a list: as the post names them; with the server where one of its
    ``addresses`` tells it, in letters and in ASCII (IDNA), and without; on Bluesky also by whom its addresses name."""
    own, network = name_of(author), network_of(network)
    names = [own]
    if own and network == "mastodon":
        names += [*_with_host(with_server(author, *addresses)), own.partition("@")[0]]
    if own and network == "bluesky":
        names += [name_of(name) for name in map(_on_bluesky, addresses) if name]
    return tuple(dict.fromkeys(names))


def with_server(author: str, *addresses: str) -> str:
    """A Mastodon author's whole name: with their server, where they or an address of a post of theirs tell it."""
    own = author.strip().lstrip("@")
    for address in addresses if own and "@" not in own else ():
        shown, name = _named_by(address)
        user, _, server = name.partition("@")
        if shown == "mastodon" and name_of(user) == name_of(own):
            return f"{own}@{server}"
    return own


def _named_by(address: str) -> tuple[str, str]:
    """The network and the author that the address of a post names; empty where it names nobody."""
    try:
        return _of_profile(address) if _ADDRESS.match(address) else ("", "")
    except NamesNobody:
        return "", ""


def _with_host(name: str) -> list[str]:
    """``user@host`` as it is compared, its host in letters and in ASCII: networks show one, browsers copy the other."""
    user, at, host = name_of(name).partition("@")
    if not at:
        return []
    try:
        ascii_host = host.encode("idna")
        found: tuple[str, ...] = (host, ascii_host.decode(), ascii_host.decode("idna"))
    except UnicodeError:
        found = (host,)
    return [f"{user}@{spelled.casefold()}" for spelled in found]


def _on_bluesky(address: str) -> str:
    """Whom the address of a post on Bluesky names, by DID or handle."""
    if address.startswith("at://"):
        return address.removeprefix("at://").partition("/")[0]
    shown, name = _named_by(address)
    return name if shown == "bluesky" else ""

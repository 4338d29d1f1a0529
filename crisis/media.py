"""Media pick-up: which newsrooms speak of it, by the networks, links and accounts of the posts at hand.

The list of newsrooms is data (``config/lexicons/news.yaml``). A newsroom counts once, however often it is linked.
"""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from crisis.values import Frozen
from crisis.watch import Mention

_LINK = re.compile(r"https?://[^\s<>\"']{1,300}", re.IGNORECASE)
_MOST_LINKS = 5


class Newsrooms(Frozen):
    """Who counts as media."""

    sources: frozenset[str] = frozenset()
    """Networks that are news by themselves."""
    domains: frozenset[str] = frozenset()
    """Domains of newsrooms, in lower case; their subdomains count for them."""

    def named(self, host: str) -> str:
        """The newsroom that ``host`` belongs to; empty when it is none."""
        labels = host.lower().rstrip(".").split(".")
        for start in range(max(0, len(labels) - 4), len(labels) - 1):
            if (domain := ".".join(labels[start:])) in self.domains:
                return domain
        return ""

    def of(self, mention: Mention) -> set[str]:
        """The newsrooms that one post is by or links to."""
        found = {self.named(mention.author.lstrip("@"))}
        if mention.source in self.sources:
            found.add(_host(mention.url) or mention.author or mention.source)
        text = mention.text[:2000]
        links = _LINK.findall(text)[:_MOST_LINKS] if "://" in text else ()
        for link in (mention.url, *links):
            if link:
                found.add(self.named(_host(link)))
        return found - {""}


NOBODY = Newsrooms()
"""No list of newsrooms: media pick-up is not looked for."""


def picked_up_by(mentions: Iterable[Mention], newsrooms: Newsrooms) -> tuple[str, ...]:
    """The newsrooms that ``mentions`` are by or link to, by name."""
    if not newsrooms.domains and not newsrooms.sources:
        return ()
    found: set[str] = set()
    for mention in mentions:
        found |= newsrooms.of(mention)
    return tuple(sorted(found))


def _host(link: str) -> str:
    try:
        return urlsplit(link).hostname or ""
    except ValueError:
        return ""

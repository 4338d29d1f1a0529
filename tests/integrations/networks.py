"""Small loopback networks, one for each kind of live source: they answer as the platform's documentation shows.

The payloads are our own, modelled on the pages named at each. Each network keeps what was published, pages as the
platform does, pushes to whoever is connected, can be made to fail in the platform's own dialect (``faults``), to drop
its connections (``drop``), and to send something that cannot be read (``garbage``).
"""

from collections.abc import Iterator

from atproto_networks import JetstreamNetwork, PdsNetwork
from network import Network
from review_networks import AppStoreNetwork, FeedNetwork, PlayNetwork
from social_networks import (
    HackerNewsNetwork,
    MastodonNetwork,
    MastodonStreamNetwork,
    RedditNetwork,
    XNetwork,
    XStreamNetwork,
)

NETWORKS: tuple[type[Network], ...] = (
    JetstreamNetwork,
    PdsNetwork,
    MastodonStreamNetwork,
    MastodonNetwork,
    RedditNetwork,
    HackerNewsNetwork,
    XNetwork,
    XStreamNetwork,
    FeedNetwork,
    AppStoreNetwork,
    PlayNetwork,
)


def kinds() -> Iterator[str]:
    """Every kind that has a network here."""
    return (network.kind for network in NETWORKS)

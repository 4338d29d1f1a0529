"""Every kind over HTTP that keeps or shows something by which a post is found again: its receiver, and what it takes."""

from typing import Any

from chat_receivers import ROOM, DiscordReceiver, MatrixReceiver, NtfyReceiver
from drawn import picture
from more_pages_receivers import INSTATUS, REDDIT, InstatusReceiver, SubredditReceiver
from page_receivers import (
    ACCOUNT,
    PAGE,
    CachetReceiver,
    FacebookReceiver,
    InstagramReceiver,
    LinkedInReceiver,
    ThreadsReceiver,
)
from receivers import BlueskyReceiver, MastodonReceiver, SlackReceiver, StatuspageReceiver
from x_receiver import KEYS as X_KEYS
from x_receiver import XReceiver

SECRET = "right"
SHELF = {
    "picture_bucket": "shelf",
    "picture_endpoint": "{url}",
    "picture_url": "{url}/shelf/pictures",
    "picture_region": "eu-central-1",
    "picture_access_key_id": "AKIAFIRELINETESTSXYZ",
    "picture_secret_access_key": "also-right",
}
"""A bucket at the receiver itself."""
KINDS: dict[str, tuple[type[Any], dict[str, Any], bytes]] = {
    "bluesky": (BlueskyReceiver, {"identifier": "acme.test", "password": SECRET}, b"POST /xrpc/com.atproto.repo.put"),
    "mastodon": (MastodonReceiver, {"access_token": SECRET}, b"POST /api/v1/statuses"),
    "statuspage": (StatuspageReceiver, {"page_id": "p1", "api_key": SECRET}, b"POST /v1/pages/p1/incidents"),
    "x": (XReceiver, X_KEYS, b"POST /2/tweets"),
    "discord": (DiscordReceiver, {"token": SECRET}, b"POST /api/v10/channels/"),
    "matrix": (MatrixReceiver, {"access_token": SECRET}, b"PUT /_matrix/client/v3/rooms/"),
    "ntfy": (NtfyReceiver, {"access_token": SECRET}, b"POST / HTTP"),
    "facebook": (FacebookReceiver, {"page": PAGE, "access_token": SECRET}, f"POST /{PAGE}/feed".encode()),
    "threads": (ThreadsReceiver, {"access_token": SECRET}, b"POST /me/threads_publish"),
    "instagram": (
        InstagramReceiver,
        {"account": ACCOUNT, "access_token": SECRET, **SHELF},
        f"POST /{ACCOUNT}/media_publish".encode(),
    ),
    "linkedin": (LinkedInReceiver, {"organization": "1", "access_token": SECRET}, b"POST /rest/posts"),
    "cachet": (CachetReceiver, {"token": SECRET}, b"POST /api/incidents"),
    "subreddit": (SubredditReceiver, REDDIT, b"POST /api/submit"),
    "instatus": (InstatusReceiver, INSTATUS, b"POST /v1/ckf01/incidents"),
    "slack": (SlackReceiver, {"token": SECRET}, b"POST /api/chat.postMessage"),
}
"""Receiver, settings, and the start of the request that posts."""
ADDRESSES = {"slack": "C0000001", "discord": "1300000000000000001", "matrix": ROOM, "ntfy": "acme-status"}
"""Of those that need one."""
PICTURED = ("instagram",)
"""Kinds of which every post must show a picture."""
THREADED = ("bluesky", "mastodon", "x", "discord", "matrix", "threads")


def settings_of(kind: str, receiver: Any, *, pictures: bool = False) -> dict[str, Any]:
    """What a kind is connected with to a receiver; with a place for its pictures, where it wants one."""
    more = SHELF if pictures and kind == "threads" else {}
    return {n: v.format(url=receiver.url) if isinstance(v, str) else v for n, v in {**KINDS[kind][1], **more}.items()}


def media_of(kind: str) -> tuple[Any, ...]:
    """What a post of this kind must show."""
    return (picture(),) if kind in PICTURED else ()

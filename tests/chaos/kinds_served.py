"""Every kind over HTTP that keeps or shows something by which a post is found again: its receiver, and what it takes."""

from typing import Any

from chat_receivers import ROOM, DiscordReceiver, MatrixReceiver, NtfyReceiver
from page_receivers import PAGE, CachetReceiver, FacebookReceiver, LinkedInReceiver, ThreadsReceiver
from receivers import BlueskyReceiver, MastodonReceiver, SlackReceiver, StatuspageReceiver
from x_receiver import KEYS as X_KEYS
from x_receiver import XReceiver

SECRET = "right"
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
    "linkedin": (LinkedInReceiver, {"organization": "1", "access_token": SECRET}, b"POST /rest/posts"),
    "cachet": (CachetReceiver, {"token": SECRET}, b"POST /api/incidents"),
    "slack": (SlackReceiver, {"token": SECRET}, b"POST /api/chat.postMessage"),
}
"""Receiver, settings, and the start of the request that posts."""
ADDRESSES = {"slack": "C0000001", "discord": "1300000000000000001", "matrix": ROOM, "ntfy": "acme-status"}
"""Of those that need one."""
THREADED = ("bluesky", "mastodon", "x", "discord", "matrix", "threads")

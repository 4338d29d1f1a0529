"""Bluesky's Jetstream and a personal data server's own stream, on loopback."""

import hashlib
import json
from typing import Any, ClassVar

import libipld
from network import Deleted, Network, Post, over_websocket
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket


class JetstreamNetwork(Network):
    """https://github.com/bluesky-social/jetstream#example-events: commit events, and the others that are not posts."""

    kind = "jetstream"
    streams = True
    compress: Any = None
    oldest = 0
    """``time_us`` of the oldest event that is kept."""

    def routes(self) -> list[BaseRoute]:
        return [WebSocketRoute("/subscribe", self._subscribe)]

    def event(self, one: Post | Deleted | None) -> str | bytes:
        text = "{not json" if one is None else json.dumps(self._commit(one))
        return self.compress(text.encode()) if self.compress else text

    def _commit(self, one: Post | Deleted) -> dict[str, Any]:
        if isinstance(one, Deleted):
            made = self._commit(one.post)
            deleted = {"operation": "delete", "collection": "app.bsky.feed.post", "rkey": made["commit"]["rkey"]}
            return {**made, "commit": {"rev": "3l3qo2vutsw2c", **deleted}}
        return {
            "did": f"did:plc:{one.author}",
            "time_us": one.number * 1000,
            "kind": "commit",
            "commit": {
                "rev": "3l3qo2vutsw2b",
                "operation": "create",
                "collection": "app.bsky.feed.post",
                "rkey": f"3l3qo{one.number}",
                "record": {
                    "$type": "app.bsky.feed.post",
                    "createdAt": one.at.isoformat().replace("+00:00", "Z"),
                    "langs": ["en"],
                    "text": one.text,
                },
                "cid": "bafyreidc6sydkkbchcyg62v77wbhzvb2mvytlmsychqgwf2xojjtirmzj4",
            },
        }

    async def _subscribe(self, socket: WebSocket) -> None:
        await socket.accept()
        asked = int(socket.query_params.get("cursor", "0"))
        async with self.queue() as queue:
            account = {
                "did": "did:plc:x",
                "time_us": self.number() * 1000,
                "kind": "account",
                "account": {"active": True},
            }
            text = json.dumps(account)
            await (socket.send_bytes(self.compress(text.encode())) if self.compress else socket.send_text(text))
            for one in self.posts:
                if asked and one.number * 1000 >= max(asked, self.oldest):
                    queue.put_nowait(one)
            await over_websocket(socket, queue, self.event)


class PdsNetwork(Network):
    """https://atproto.com/specs/event-stream and the lexicon com.atproto.sync.subscribeRepos."""

    kind = "pds_repos"
    streams = True
    oldest = 0
    greeting: ClassVar[list[bytes]] = []

    def routes(self) -> list[BaseRoute]:
        health = Route("/xrpc/_health", lambda request: JSONResponse({"version": "0.4"}))
        return [WebSocketRoute("/xrpc/com.atproto.sync.subscribeRepos", self._subscribe), health]

    async def _subscribe(self, socket: WebSocket) -> None:
        await socket.accept()
        asked = int(socket.query_params.get("cursor", "-1"))
        if asked > self.number():
            await socket.send_bytes(frame({"op": -1}, {"error": "FutureCursor", "message": "Cursor in the future."}))
            await socket.close()
            return
        async with self.queue() as queue:
            if -1 < asked < self.oldest:
                await socket.send_bytes(frame({"op": 1, "t": "#info"}, {"name": "OutdatedCursor"}))
            for one in self.posts:
                if asked >= 0 and one.number > max(asked, self.oldest):
                    queue.put_nowait(one)
            await over_websocket(socket, queue, _commit_frame)


def frame(header: dict[str, Any], body: dict[str, Any]) -> bytes:
    """Two DAG-CBOR values after each other."""
    return libipld.encode_dag_cbor(header) + libipld.encode_dag_cbor(body)


def cid(block: bytes) -> bytes:
    """CIDv1, dag-cbor, sha2-256, as raw bytes."""
    return bytes((1, 0x71, 0x12, 0x20)) + hashlib.sha256(block).digest()


def car(blocks: list[bytes]) -> bytes:
    """A CAR version 1 archive; its root is the first block. https://ipld.io/specs/transport/car/carv1/"""

    def length(size: int) -> bytes:
        out = bytearray()
        while size > 0x7F:
            out.append(size & 0x7F | 0x80)
            size >>= 7
        return bytes([*out, size])

    def link(of: bytes) -> bytes:
        return b"\xd8\x2a\x58\x25\x00" + of  # tag 42, 37 bytes, identity multibase

    head = b"\xa2\x65roots\x81" + link(cid(blocks[0])) + b"\x67version\x01"
    return b"".join(length(len(part)) + part for part in (head, *(cid(b) + b for b in blocks)))


def commit_of(posts: list[Post]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and body of a commit that creates posts; links are put in by ``_commit_frame``."""
    records = [
        libipld.encode_dag_cbor(
            {"$type": "app.bsky.feed.post", "text": p.text, "createdAt": p.at.isoformat(), "langs": ["en"]}
        )
        for p in posts
    ]
    ops = [
        {"action": "create", "path": f"app.bsky.feed.post/3l3qo{p.number}", "cid": cid(r)}
        for p, r in zip(posts, records, strict=True)
    ]
    other = {"action": "create", "path": "app.bsky.feed.like/3l3qo", "cid": cid(b"x")}
    last = posts[-1]
    body = {
        "seq": last.number,
        "repo": f"did:plc:{last.author}",
        "ops": [other, *ops],
        "blocks": car(records),
        "tooBig": False,
        "time": last.at.isoformat(),
    }
    return {"op": 1, "t": "#commit"}, body


def _commit_frame(one: Post | Deleted | None) -> bytes:
    if isinstance(one, Deleted):
        path = f"app.bsky.feed.post/3l3qo{one.post.number}"
        header, body = commit_of([one.post])
        return with_links(header, {**body, "ops": [{"action": "delete", "path": path}], "blocks": b""})
    return b"\xff\x00garbage" if one is None else with_links(*commit_of([one]))


def with_links(header: dict[str, Any], body: dict[str, Any]) -> bytes:
    """The frame, with every ``cid`` a DAG-CBOR link, which the encoder has no type for."""
    marked = {**body, "ops": [{**op, "cid": "@" * 36 if "cid" in op else None} for op in body["ops"]]}
    encoded = libipld.encode_dag_cbor(marked)
    for op in body["ops"]:
        if "cid" not in op:
            continue
        encoded = encoded.replace(b"\x78\x24" + b"@" * 36, b"\xd8\x2a\x58\x25\x00" + op["cid"], 1)
    return libipld.encode_dag_cbor(header) + encoded

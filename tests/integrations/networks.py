"""Small loopback networks, one for each kind of live source: they answer as the platform's documentation shows.

The payloads are our own, modelled on the pages named at each. Each network keeps what was published, pages as the
platform does, pushes to whoever is connected, can be made to fail in the platform's own dialect (``faults``), to drop
its connections (``drop``), and to send something that cannot be read (``garbage``).
"""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from typing import Any, ClassVar

import libipld
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

SECRET = "a-secret-that-nobody-may-see"
CLOSE = "close"


@dataclass(frozen=True)
class Post:
    """What somebody wrote."""

    number: int
    text: str
    at: datetime
    author: str = "ana"


@dataclass(frozen=True)
class Fault:
    """What the next request is answered."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = '{"error": "no"}'


class Network:
    """A server with posts."""

    kind: ClassVar[str]
    token: ClassVar[dict[str, Any]] = {}
    """The settings that are credentials."""
    more: ClassVar[dict[str, Any]] = {}
    limit: ClassVar[dict[str, str]] = {"retry-after": "1"}
    """Headers of a 429 that ends soon, in the platform's dialect."""
    streams: ClassVar[bool] = False

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, dict[str, str], dict[str, str]]] = []
        self.connected: list[asyncio.Queue[Any]] = []
        self.spoilt = 0
        self.url = ""
        self._first = int(time.time() * 1000)

    @property
    def settings(self) -> dict[str, Any]:
        polled = {} if self.streams else {"every": self.every}
        return {"base_url": self.url, "timeout": 5, **self.token, **self.more, **polled}

    every: ClassVar[float] = 5.0

    def publish(self, *texts: str, ago: timedelta = timedelta(0)) -> list[Post]:
        """Write posts now, and send them to whoever is connected."""
        for text in texts:
            number = self.number()
            self.posts.append(Post(number, text, datetime.now(UTC) - ago, f"author{number % 1000}"))
        new = self.posts[-len(texts) :]
        for queue in self.connected:
            for one in new:
                queue.put_nowait(one)
        return new

    def number(self) -> int:
        """An id: larger than all before."""
        return self._first + len(self.posts)

    def garbage(self) -> None:
        """Send, or list, something that is no post."""
        self.spoilt += 1
        for queue in self.connected:
            queue.put_nowait(None)

    def drop(self) -> None:
        """Break every connection; a network without any fails the next few requests."""
        if not self.streams:
            self.faults += [Fault(503)] * 3
        for queue in self.connected:
            queue.put_nowait(CLOSE)

    def routes(self) -> list[BaseRoute]:
        raise NotImplementedError

    def newest_first(self) -> list[Post]:
        return sorted(self.posts, key=lambda p: -p.number)

    @asynccontextmanager
    async def queue(self) -> AsyncIterator[asyncio.Queue[Any]]:
        """What is published while this connection lasts."""
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self.connected.append(queue)
        try:
            yield queue
        finally:
            self.connected.remove(queue)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Network"]:
        config = uvicorn.Config(
            _Guard(self, Starlette(routes=self.routes())),
            host="127.0.0.1",
            port=0,
            lifespan="off",
            log_level="critical",
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.005)
        self.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.should_exit = server.force_exit = True
            await serving


class _Guard:
    """Notes requests, and answers with faults while there are any."""

    def __init__(self, network: Network, app: Starlette) -> None:
        self.network, self.app = network, app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        request = Request({**scope, "type": "http", "method": "GET"})
        self.network.requests.append((scope["path"], dict(request.query_params), headers))
        if not self.network.faults or "access_token" in scope["path"] or "oauth-token" in scope["path"]:
            return await self.app(scope, receive, send)
        fault = self.network.faults.pop(0)
        answer = Response(fault.body, fault.status, fault.headers, "application/json")
        if scope["type"] == "websocket":
            return await WebSocket(scope, receive, send).send_denial_response(answer)
        return await answer(scope, receive, send)


async def _over_websocket(socket: WebSocket, queue: asyncio.Queue[Any], encode: Any) -> None:
    """Send what is in the queue until told to close or left alone."""
    try:
        while (one := await queue.get()) != CLOSE:
            frame = encode(one)
            await (socket.send_bytes(frame) if isinstance(frame, bytes) else socket.send_text(frame))
        await socket.close(1012, "restarting")
    except (WebSocketDisconnect, RuntimeError):
        return


class JetstreamNetwork(Network):
    """https://github.com/bluesky-social/jetstream#example-events: commit events, and the others that are not posts."""

    kind = "jetstream"
    streams = True
    compress: Any = None
    oldest = 0
    """``time_us`` of the oldest event that is kept."""

    def routes(self) -> list[BaseRoute]:
        return [WebSocketRoute("/subscribe", self._subscribe)]

    def event(self, one: Post | None) -> str | bytes:
        text = "{not json" if one is None else json.dumps(self._commit(one))
        return self.compress(text.encode()) if self.compress else text

    def _commit(self, one: Post) -> dict[str, Any]:
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
            await _over_websocket(socket, queue, self.event)


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
            await _over_websocket(socket, queue, _commit_frame)


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


def _commit_frame(one: Post | None) -> bytes:
    return b"\xff\x00garbage" if one is None else with_links(*commit_of([one]))


def with_links(header: dict[str, Any], body: dict[str, Any]) -> bytes:
    """The frame, with every ``cid`` a DAG-CBOR link, which the encoder has no type for."""
    marked = {**body, "ops": [{**op, "cid": "@" * 36 if "cid" in op else None} for op in body["ops"]]}
    encoded = libipld.encode_dag_cbor(marked)
    for op in body["ops"]:
        encoded = encoded.replace(b"\x78\x24" + b"@" * 36, b"\xd8\x2a\x58\x25\x00" + op["cid"], 1)
    return libipld.encode_dag_cbor(header) + encoded


class MastodonNetwork(Network):
    """https://docs.joinmastodon.org/methods/timelines/#tag, /methods/streaming/#websocket and /entities/Status."""

    kind = "mastodon_hashtag"
    token: ClassVar = {"access_token": SECRET}
    more: ClassVar = {"hashtags": ["acme"]}
    page = 2
    """Statuses in an answer, so that everything takes several."""

    @property
    def limit(self) -> dict[str, str]:  # type: ignore[override]
        return {
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": (datetime.now(UTC) + timedelta(seconds=1)).isoformat(),
        }

    def number(self) -> int:
        return (self._first + len(self.posts)) << 16

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/api/v1/timelines/tag/{tag}", self._timeline),
            Route("/api/v1/timelines/public", self._timeline),
            Route("/api/v2/instance", self._instance),
            WebSocketRoute("/api/v1/streaming", self._stream),
        ]

    def status(self, one: Post) -> dict[str, Any]:
        return {
            "id": str(one.number),
            "uri": f"https://social.example/users/{one.author}/statuses/{one.number}",
            "url": f"https://social.example/@{one.author}/{one.number}",
            "created_at": one.at.isoformat().replace("+00:00", "Z"),
            "account": {"id": "1", "acct": f"{one.author}@social.example", "followers_count": 7},
            "content": f"<p>{escape(one.text)}</p>",
            "spoiler_text": "",
            "language": "en",
            "reblogs_count": 3,
            "replies_count": 2,
            "reblog": None,
        }

    async def _timeline(self, request: Request) -> Response:
        after, size = int(request.query_params.get("min_id", "0")), min(int(request.query_params["limit"]), self.page)
        later = sorted((p for p in self.posts if p.number > after), key=lambda p: p.number)
        shown = list(reversed(later[:size] if after else later[-size:]))
        spoilt = [{"id": None}, {"id": "1", "content": 5}] if self.spoilt else []
        headers = {}
        if shown:
            query = f"limit={size}"
            next_, prev = f"{query}&max_id={shown[-1].number}", f"{query}&min_id={shown[0].number}"
            elsewhere = "https://evil.example/api/v1/timelines/tag/acme"
            headers["link"] = f'<{elsewhere}?{next_}>; rel="next", <{elsewhere}?{prev}>; rel="prev"'
        return JSONResponse([self.status(p) for p in shown] + spoilt, headers=headers)

    async def _instance(self, request: Request) -> Response:
        return JSONResponse({"configuration": {"urls": {"streaming": self.url.replace("http", "ws")}}})

    async def _stream(self, socket: WebSocket) -> None:
        await socket.accept()
        asked = json.loads(await socket.receive_text())
        assert asked == {"type": "subscribe", "stream": "hashtag", "tag": "acme"}
        async with self.queue() as queue:
            await _over_websocket(socket, queue, self._event)

    def _event(self, one: Post | None) -> str:
        if one is None:
            return '{"stream":["hashtag","acme"],"event":"update","payload":"{"}'
        return json.dumps({"stream": ["hashtag", "acme"], "event": "update", "payload": json.dumps(self.status(one))})


class MastodonStreamNetwork(MastodonNetwork):
    kind = "mastodon_stream"
    streams = True


class RedditNetwork(Network):
    """https://www.reddit.com/dev/api#GET_search: a listing of things of kind t3."""

    kind = "reddit"
    token: ClassVar = {"client_id": "an-id-of-an-app", "client_secret": SECRET}
    limit: ClassVar = {"x-ratelimit-remaining": "0.0", "x-ratelimit-reset": "1"}
    every = 2.0
    page = 2

    def __init__(self) -> None:
        super().__init__()
        self.valid = "token-1"
        self.tokens = 0

    @property
    def settings(self) -> dict[str, Any]:
        agent = "linux:com.example.fireline:v1 (by /u/acme)"
        return {**super().settings, "token_url": self.url, "user_agent": agent, "query": "acme"}

    def routes(self) -> list[BaseRoute]:
        token = Route("/api/v1/access_token", self._token, methods=["POST"])
        return [token, Route("/search", self._search)]

    async def _token(self, request: Request) -> Response:
        form = (await request.body()).decode()
        basic = base64.b64encode(f"an-id-of-an-app:{SECRET}".encode()).decode()
        if request.headers["authorization"] != f"Basic {basic}" or form != "grant_type=client_credentials":
            return JSONResponse({"error": "invalid_grant"}, 401)
        self.tokens += 1
        return JSONResponse({"access_token": self.valid, "token_type": "bearer", "expires_in": 86400, "scope": "*"})

    async def _search(self, request: Request) -> Response:
        if request.headers["authorization"] != f"Bearer {self.valid}":
            return JSONResponse({"message": "Unauthorized", "error": 401}, 401)
        assert request.headers["user-agent"] == self.settings["user_agent"]
        names = [f"t3_{p.number}" for p in self.newest_first()]
        after = request.query_params.get("after")
        begin = names.index(after) + 1 if after else 0
        shown = self.newest_first()[begin : begin + self.page]
        more = begin + self.page < len(names)
        spoilt = [{"kind": "t3", "data": None}, 7] if self.spoilt else []
        data = {
            "after": f"t3_{shown[-1].number}" if more else None,
            "children": [self._thing(p) for p in shown] + spoilt,
        }
        return JSONResponse({"kind": "Listing", "data": data}, headers={"x-ratelimit-remaining": "98.0"})

    def _thing(self, one: Post) -> dict[str, Any]:
        data = {
            "name": f"t3_{one.number}",
            "title": "What happened?",
            "selftext": one.text,
            "author": one.author,
            "created_utc": one.at.timestamp(),
            "permalink": f"/r/acme/comments/{one.number}/what/",
            "num_comments": 4,
            "num_crossposts": 1,
        }
        return {"kind": "t3", "data": data}


class HackerNewsNetwork(Network):
    """https://hn.algolia.com/api: hits of search_by_date, newest first."""

    kind = "hackernews"
    more: ClassVar = {"query": "acme"}

    def routes(self) -> list[BaseRoute]:
        return [Route("/api/v1/search_by_date", self._search)]

    async def _search(self, request: Request) -> Response:
        since = int(request.query_params.get("numericFilters", "created_at_i>0").partition(">")[2])
        size = int(request.query_params["hitsPerPage"])
        hits = [self._hit(p) for p in self.newest_first() if p.at.timestamp() > since]
        spoilt = [None, {"objectID": 5}] if self.spoilt else []
        return JSONResponse({"hits": hits[:size] + spoilt, "nbHits": len(hits), "page": 0, "nbPages": 1})

    def _hit(self, one: Post) -> dict[str, Any]:
        return {
            "objectID": str(one.number),
            "author": one.author,
            "created_at": one.at.isoformat(),
            "created_at_i": int(one.at.timestamp()),
            "comment_text": f"<p>{escape(one.text)}</p>",
            "story_title": "Another story",
            "_tags": ["comment"],
        }


class XNetwork(Network):
    """https://docs.x.com/x-api/posts/search-recent-posts and /filtered-stream: data, includes, meta."""

    kind = "x_recent"
    token: ClassVar = {"bearer_token": SECRET}
    more: ClassVar = {"query": "acme -is:retweet"}
    every = 2.0
    page = 2
    oldest = 0

    def __init__(self) -> None:
        super().__init__()
        self.rules: list[dict[str, str]] = [{"id": "1", "value": "cats", "tag": "another program"}]
        self.answers = 0

    @property
    def limit(self) -> dict[str, str]:  # type: ignore[override]
        return {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(time.time()) + 1)}

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/2/tweets/search/recent", self._recent),
            Route("/2/tweets/search/stream", self._stream),
            Route("/2/tweets/search/stream/rules", self._rules, methods=["GET", "POST"]),
        ]

    def tweet(self, one: Post) -> dict[str, Any]:
        return {
            "id": str(one.number),
            "text": escape(one.text, quote=False)[:280],
            "note_tweet": {"text": escape(one.text, quote=False)},
            "author_id": "42",
            "created_at": one.at.isoformat().replace("+00:00", "Z"),
            "lang": "en",
            "public_metrics": {"retweet_count": 5, "reply_count": 2, "like_count": 9, "quote_count": 1},
        }

    users: ClassVar = {"users": [{"id": "42", "username": "ana", "public_metrics": {"followers_count": 900}}]}

    async def _recent(self, request: Request) -> Response:
        if request.headers["authorization"] != f"Bearer {SECRET}":
            return JSONResponse({"title": "Unauthorized"}, 401)
        since = request.query_params.get("since_id")
        if since and int(since) < self.oldest:
            says = "'since_id' must be a tweet id created after the earliest searchable moment"
            return JSONResponse({"errors": [{"message": says}], "title": "Invalid Request"}, 400)
        begin = int(request.query_params.get("next_token", "0"))
        found = [p for p in self.newest_first() if p.number > int(since or 0)]
        shown, meta = found[begin : begin + self.page], {"result_count": 0}
        if begin + self.page < len(found):
            meta["next_token"] = str(begin + self.page)
        spoilt = [{"id": "x"}, None] if self.spoilt else []
        return JSONResponse({"data": [self.tweet(p) for p in shown] + spoilt, "includes": self.users, "meta": meta})

    async def _rules(self, request: Request) -> Response:
        if request.method == "POST":
            asked = await request.json()
            gone = set(asked.get("delete", {}).get("ids", ()))
            self.rules = [r for r in self.rules if r["id"] not in gone]
            for rule in asked.get("add", ()):
                self.rules.append({"id": str(len(self.rules) + 10), **rule})
        return JSONResponse({"data": self.rules, "meta": {}})

    async def _stream(self, request: Request) -> Response:
        async def lines() -> AsyncIterator[bytes]:
            async with self.queue() as queue:
                yield b"\r\n"
                while (one := await queue.get()) != CLOSE:
                    body = {"data": self.tweet(one), "includes": self.users, "matching_rules": []} if one else None
                    yield (json.dumps(body) if body else "{broken").encode() + b"\r\n"

        return StreamingResponse(lines(), media_type="application/json")


class XStreamNetwork(XNetwork):
    kind = "x_stream"
    streams = True
    more: ClassVar = {"rules": ["acme -is:retweet"]}


class FeedNetwork(Network):
    """RSS 2.0 (https://www.rssboard.org/rss-specification), with an ETag."""

    kind = "feed"
    every = 30.0
    more: ClassVar = {"feed": "/rss?q=acme"}

    def __init__(self) -> None:
        super().__init__()
        self.unchanged = 0

    def routes(self) -> list[BaseRoute]:
        return [Route("/rss", self._feed)]

    async def _feed(self, request: Request) -> Response:
        tag = f'"{len(self.posts)}-{self.spoilt}"'
        if request.headers.get("if-none-match") == tag:
            self.unchanged += 1
            return Response(status_code=304, headers={"etag": tag})
        items = "".join(self._item(p) for p in self.newest_first())
        items += "<item><pubDate>never</pubDate></item>" if self.spoilt else ""
        xml = f'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>{items}</channel></rss>'
        return Response(xml.encode("utf-8", "replace"), media_type="application/rss+xml", headers={"etag": tag})

    def _item(self, one: Post) -> str:
        text = "".join(c if c.isprintable() or c == "\n" else "?" for c in one.text)
        return (
            f"<item><title>Outage</title><description>{escape(escape(text))}</description>"
            f"<link>https://news.example/{one.number}</link><guid>https://news.example/{one.number}</guid>"
            f"<pubDate>{format_datetime(one.at)}</pubDate><author>{one.author}@news.example (Ana)</author></item>"
        )


class AppStoreNetwork(Network):
    """Customer reviews as JSON: every value in a ``label``; the newest first, 50 a page (here 2)."""

    kind = "app_store"
    every = 60.0
    more: ClassVar = {"app_id": 42, "countries": ["us"], "pages": 10}
    page = 2

    def routes(self) -> list[BaseRoute]:
        return [Route("/us/rss/customerreviews/page={page:int}/id=42/sortby=mostrecent/json", self._reviews)]

    async def _reviews(self, request: Request) -> Response:
        begin = (request.path_params["page"] - 1) * self.page
        entries: list[Any] = [self._entry(p) for p in self.newest_first()[begin : begin + self.page]]
        entries += [{"im:rating": {}}, "?"] if self.spoilt else []
        feed: dict[str, Any] = {"title": {"label": "iTunes Store: Customer Reviews"}}
        if entries:
            feed["entry"] = entries if len(entries) > 1 else entries[0]
        return JSONResponse({"feed": feed})

    def _entry(self, one: Post) -> dict[str, Any]:
        return {
            "author": {"uri": {"label": "https://itunes.apple.com/us/reviews/id1"}, "name": {"label": one.author}},
            "updated": {"label": one.at.isoformat()},
            "im:rating": {"label": "1"},
            "im:version": {"label": "4.2"},
            "id": {"label": str(one.number)},
            "title": {"label": "Broken"},
            "content": {"label": escape(one.text), "attributes": {"type": "text"}},
            "link": {"attributes": {"rel": "related", "href": "https://itunes.apple.com/us/review?id=42"}},
        }


class PlayNetwork(Network):
    """https://developers.google.com/android-publisher/api-ref/rest/v3/reviews: reviews with comments."""

    kind = "play_reviews"
    every = 30.0
    page = 2

    def __init__(self) -> None:
        super().__init__()
        self.valid = "token-1"
        self.tokens = 0
        key = rsa.generate_private_key(65537, 2048)
        self._pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def settings(self) -> dict[str, Any]:
        account = {
            "type": "service_account",
            "client_email": "fireline@example.iam.gserviceaccount.com",
            "private_key_id": "k1",
            "private_key": self._pem,
            "token_uri": f"{self.url}/oauth-token",
        }
        return {**super().settings, "package": "com.acme.app", "service_account": json.dumps(account)}

    def routes(self) -> list[BaseRoute]:
        reviews = Route("/androidpublisher/v3/applications/com.acme.app/reviews", self._reviews)
        return [Route("/oauth-token", self._token, methods=["POST"]), reviews]

    async def _token(self, request: Request) -> Response:
        assertion = (await request.form())["assertion"]
        head, claims, _ = str(assertion).split(".")
        assert json.loads(base64.urlsafe_b64decode(head + "=="))["alg"] == "RS256"
        assert json.loads(base64.urlsafe_b64decode(claims + "=="))["aud"] == f"{self.url}/oauth-token"
        self.tokens += 1
        return JSONResponse({"access_token": self.valid, "expires_in": 3599, "token_type": "Bearer"})

    async def _reviews(self, request: Request) -> Response:
        if request.headers["authorization"] != f"Bearer {self.valid}":
            return JSONResponse({"error": {"code": 401, "status": "UNAUTHENTICATED"}}, 401)
        begin = int(request.query_params.get("token", "0"))
        shown = self.newest_first()[begin : begin + self.page]
        body: dict[str, Any] = {"reviews": [self._review(p) for p in shown] + ([None, {}] if self.spoilt else [])}
        if begin + self.page < len(self.posts):
            body["tokenPagination"] = {"nextPageToken": str(begin + self.page)}
        return JSONResponse(body)

    def _review(self, one: Post) -> dict[str, Any]:
        modified = {"seconds": str(int(one.at.timestamp())), "nanos": 0}
        user = {"text": f"\t{one.text}", "lastModified": modified, "starRating": 1, "reviewerLanguage": "en"}
        return {"reviewId": f"gp:{one.number}", "authorName": one.author, "comments": [{"userComment": user}]}


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

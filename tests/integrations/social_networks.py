"""Mastodon, Reddit, Hacker News and X, on loopback."""

import base64
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any, ClassVar

from network import CLOSE, SECRET, Deleted, Network, Post, over_websocket
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket


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
        later = [p for p in reversed(self.newest_first()) if p.number > after]
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
            await over_websocket(socket, queue, self._event)

    def _event(self, one: Post | Deleted | None) -> str:
        if isinstance(one, Deleted):
            deleted = {"event": "delete", "payload": str(one.post.number)}
            return json.dumps({"stream": ["hashtag", "acme"], **deleted})
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
                    if isinstance(one, Deleted):  # this stream does not tell
                        continue
                    body = {"data": self.tweet(one), "includes": self.users, "matching_rules": []} if one else None
                    yield (json.dumps(body) if body else "{broken").encode() + b"\r\n"

        return StreamingResponse(lines(), media_type="application/json")


class XStreamNetwork(XNetwork):
    kind = "x_stream"
    streams = True
    more: ClassVar = {"rules": ["acme -is:retweet"]}

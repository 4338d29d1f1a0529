"""Postiz, Mixpost, Buffer and Facebook's scheduled posts as far as a freeze needs them.

After https://docs.postiz.com/public-api and Postiz's own controller, Mixpost's own request classes (an update without a
date makes a draft; pictures go by id), https://developers.buffer.com and
https://developers.facebook.com/docs/graph-api/reference/page/scheduled_posts. ``stands`` tells what would go out.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from counting_http import HttpReceiver
from page_receivers import PAGE, TOKEN, Known
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Stands = dict[str, tuple[datetime, str]]
WORKSPACE = "a1b2"
ORGANIZATION = "org1"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read(at: str) -> datetime:
    found = datetime.fromisoformat(at)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


class PostizReceiver(HttpReceiver):
    """Drafts keep their date."""

    prefix: ClassVar[str] = "/public/v1"
    write: ClassVar[bytes] = b"PUT /"
    settings: ClassVar[dict[str, Any]] = {"api_key": TOKEN}

    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}

    def add(self, at: datetime, text: str) -> str:
        number = f"post-{next(self._ids)}"
        outlet = {"id": "i1", "providerIdentifier": "x", "name": "Acme", "picture": ""}
        self.posts[number] = {
            "id": number, "content": text, "publishDate": _iso(at), "releaseURL": None, "state": "QUEUE",
            "integration": outlet,
        }  # fmt: skip
        return number

    def stands(self) -> Stands:
        return {n: (_read(p["publishDate"]), p["content"]) for n, p in self.posts.items() if p["state"] == "QUEUE"}

    def routes(self) -> list[Route]:
        return [
            Route("/public/v1/posts", self._known(self._list)),
            Route("/public/v1/posts/{id}/status", self._known(self._status), methods=["PUT"]),
            Route("/public/v1/integrations", self._known(self._outlets)),
        ]

    def _known(self, answer: Any) -> Any:
        async def checked(request: Request) -> Response:
            if request.headers.get("authorization") != TOKEN:  # the key alone, without "Bearer"
                return JSONResponse({"msg": "Invalid API key"}, 401)
            response: Response = await answer(request)
            return response

        return checked

    async def _list(self, request: Request) -> Response:
        start, end = (_read(request.query_params[name]) for name in ("startDate", "endDate"))
        return JSONResponse({"posts": [p for p in self.posts.values() if start <= _read(p["publishDate"]) <= end]})

    async def _status(self, request: Request) -> Response:
        post = self.posts[request.path_params["id"]]
        post["state"] = {"draft": "DRAFT", "schedule": "QUEUE"}[(await request.json())["status"]]
        return JSONResponse({"id": post["id"], "state": post["state"]})

    async def _outlets(self, request: Request) -> Response:
        return JSONResponse([{"id": "i1", "name": "Acme", "identifier": "x", "disabled": False}])


class MixpostReceiver(Known):
    """An update replaces the whole post, and one without a date makes it a draft without one."""

    denial: ClassVar[dict[str, Any]] = {"message": "Unauthenticated."}
    prefix: ClassVar[str] = "/mixpost"
    write: ClassVar[bytes] = b"PUT /"
    settings: ClassVar[dict[str, Any]] = {"access_token": TOKEN, "workspace": WORKSPACE}
    page: ClassVar[int] = 2

    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}

    def add(self, at: datetime, text: str) -> str:
        number = f"uuid-{next(self._ids)}"
        content = [{"body": text, "media": [{"id": 7, "url": "https://social.example/7.png"}], "url": ""}]
        self.posts[number] = {
            "id": 1, "uuid": number, "status": "scheduled", "scheduled_at": f"{at:%Y-%m-%d %H:%M:%S}",
            "accounts": [{"id": 3, "name": "Acme", "provider": "mastodon"}], "tags": [{"id": 5, "name": "spring"}],
            "versions": [{"account_id": 0, "is_original": True, "content": content, "options": {"mastodon": {}}}],
        }  # fmt: skip
        return number

    def stands(self) -> Stands:
        scheduled = {n: p for n, p in self.posts.items() if p["status"] == "scheduled"}
        for post in scheduled.values():  # whole, as it was
            assert [a["id"] for a in post["accounts"]] == [3]
            assert [t["id"] for t in post["tags"]] == [5]
            assert [m["id"] for m in post["versions"][0]["content"][0]["media"]] == [7]
        return {n: (_read(p["scheduled_at"]), p["versions"][0]["content"][0]["body"]) for n, p in scheduled.items()}

    def routes(self) -> list[Route]:
        api = f"/mixpost/api/{WORKSPACE}"
        return [
            Route(f"{api}/accounts", self.known(self._accounts)),
            Route(f"{api}/posts", self.known(self._list)),
            Route(f"{api}/posts/{{id}}", self.known(self._post), methods=["GET", "PUT"]),
            Route(f"{api}/posts/schedule/{{id}}", self.known(self._schedule), methods=["POST"]),
        ]

    async def _accounts(self, request: Request) -> Response:
        return JSONResponse({"data": [{"id": 3, "name": "Acme", "provider": "mastodon"}]})

    async def _list(self, request: Request) -> Response:
        found = [p for p in self.posts.values() if p["status"] == request.query_params["status"]]
        at = int(request.query_params["page"])
        meta = {"current_page": at, "last_page": max(1, -(-len(found) // self.page)), "total": len(found)}
        return JSONResponse({"data": found[(at - 1) * self.page : at * self.page], "links": {}, "meta": meta})

    async def _post(self, request: Request) -> Response:
        post = self.posts.get(request.path_params["id"])
        if post is None:
            return JSONResponse({"message": "No query results for model."}, 404)
        if request.method == "GET":
            return JSONResponse(post)
        asked = await request.json()
        if not all(isinstance(m, int) for v in asked["versions"] for c in v["content"] for m in c["media"]):
            return JSONResponse({"message": "The media must be an integer."}, 422)
        at = f"{asked['date']} {asked['time']}:00" if asked["date"] and asked["time"] else None
        assert asked["timezone"] == "UTC"
        post["scheduled_at"], post["status"] = at, post["status"] if at else "draft"
        post["accounts"] = [{"id": a, "name": "Acme", "provider": "mastodon"} for a in asked["accounts"]]
        post["tags"] = [{"id": t, "name": "spring"} for t in asked["tags"]]
        post["versions"] = [
            {**v, "content": [{**c, "media": [{"id": m} for m in c["media"]]} for c in v["content"]]}
            for v in asked["versions"]
        ]
        return JSONResponse({"success": True})

    async def _schedule(self, request: Request) -> Response:
        post = self.posts[request.path_params["id"]]
        if (await request.json())["postNow"] is not False or not post["scheduled_at"]:
            return JSONResponse({"message": "This post cannot be scheduled!"}, 422)
        post["status"] = "scheduled"
        return JSONResponse({"success": True, "scheduled_at": post["scheduled_at"]})


class BufferReceiver(Known):
    """One address; answers a typed error beside success."""

    denial: ClassVar[dict[str, Any]] = {"errors": [{"message": "no", "extensions": {"code": "UNAUTHORIZED"}}]}
    write: ClassVar[bytes] = b"POST / HTTP"
    settings: ClassVar[dict[str, Any]] = {"api_key": TOKEN, "organization": ORGANIZATION}
    page: ClassVar[int] = 2

    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}

    def add(self, at: datetime, text: str) -> str:
        number = f"buf{next(self._ids)}"
        self.posts[number] = {
            "id": number, "text": text, "status": "scheduled", "dueAt": _iso(at), "channelId": "c1",
            "channelService": "linkedin", "schedulingType": "automatic", "externalLink": None,
        }  # fmt: skip
        return number

    def stands(self) -> Stands:
        return {n: (_read(p["dueAt"]), p["text"]) for n, p in self.posts.items() if p["status"] == "scheduled"}

    def routes(self) -> list[Route]:
        return [Route("/", self.known(self._ask), methods=["POST"])]

    async def _ask(self, request: Request) -> Response:
        asked = await request.json()
        operation, variables = re.match(r"\w+ (\w+)", asked["query"]).group(1), asked["variables"]  # type: ignore[union-attr]
        answer: dict[str, Any] = getattr(self, f"_{operation.lower()}")(variables)
        return JSONResponse(answer)

    def _scheduled(self, variables: dict[str, Any]) -> dict[str, Any]:
        assert variables["organization"] == ORGANIZATION
        found = [p for p in self.posts.values() if p["status"] == "scheduled"]
        at = int(variables["after"] or 0)
        info = {"hasNextPage": at + self.page < len(found), "endCursor": str(at + self.page)}
        return {"data": {"posts": {"edges": [{"node": p} for p in found[at : at + self.page]], "pageInfo": info}}}

    def _one(self, variables: dict[str, Any]) -> dict[str, Any]:
        post = self.posts.get(variables["id"])
        if post is None:
            return {"data": None, "errors": [{"message": "Post not found", "extensions": {"code": "NOT_FOUND"}}]}
        return {"data": {"post": post}}

    def _edit(self, variables: dict[str, Any]) -> dict[str, Any]:
        change = variables["input"]
        post = self.posts[change["id"]]
        if post["status"] == "sent":
            return {"data": {"editPost": {"message": "A sent post cannot be edited"}}}
        if change["saveToDraft"]:
            post["status"] = "draft"
        else:
            assert (change["mode"], change["schedulingType"]) == ("customScheduled", "automatic")
            post |= {"status": "scheduled", "dueAt": change["dueAt"]}
        return {"data": {"editPost": {"post": post}}}

    def _channels(self, variables: dict[str, Any]) -> dict[str, Any]:
        return {"data": {"channels": [{"id": "c1", "name": "Acme"}]}}


class FacebookScheduledReceiver(Known):
    """No drafts: a scheduled post has a time, between 10 minutes and 30 days ahead."""

    denial: ClassVar[dict[str, Any]] = {
        "error": {"message": "Invalid OAuth access token.", "type": "OAuthException", "code": 190}
    }
    write: ClassVar[bytes] = b"POST /"
    settings: ClassVar[dict[str, Any]] = {"page": PAGE, "access_token": TOKEN}
    page: ClassVar[int] = 2

    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}

    def add(self, at: datetime, text: str) -> str:
        number = f"{PAGE}_{next(self._ids)}"
        self.posts[number] = {
            "id": number, "message": text, "scheduled_publish_time": int(at.timestamp()), "is_published": False,
            "permalink_url": f"https://www.facebook.com/{number}",
        }  # fmt: skip
        return number

    def stands(self) -> Stands:
        """What goes out within three weeks: the rest is put off."""
        soon = datetime.now(UTC) + timedelta(days=21)
        times = {n: datetime.fromtimestamp(p["scheduled_publish_time"], UTC) for n, p in self.posts.items()}
        return {n: (at, self.posts[n]["message"]) for n, at in times.items() if at < soon}

    def routes(self) -> list[Route]:
        return [
            Route(f"/{PAGE}/scheduled_posts", self.known(self._list)),
            Route("/{id}", self.known(self._post), methods=["GET", "POST"]),
        ]

    async def _list(self, request: Request) -> Response:
        found, at = list(self.posts.values()), int(request.query_params.get("after", "0"))
        paging: dict[str, Any] = {"cursors": {"after": str(at + self.page)}}
        paging |= {"next": "https://graph.facebook.com/next"} if at + self.page < len(found) else {}
        return JSONResponse({"data": found[at : at + self.page], "paging": paging})

    async def _post(self, request: Request) -> Response:
        post = self.posts.get(request.path_params["id"])
        if post is None:
            says = "Unsupported get request. Object with ID does not exist"
            return JSONResponse({"error": {"message": says, "type": "GraphMethodException", "code": 100}}, 400)
        if request.method == "GET":
            return JSONResponse(post)
        at = int(str((await request.form())["scheduled_publish_time"]))
        ahead = at - datetime.now(UTC).timestamp()
        if not 600 <= ahead <= 30 * 86400:
            return JSONResponse(
                {"error": {"message": "The specified scheduled publish time is invalid", "code": 100}}, 400
            )
        post["scheduled_publish_time"] = at
        return JSONResponse({"success": True})


SCHEDULERS: dict[str, type[Any]] = {
    "postiz": PostizReceiver,
    "mixpost": MixpostReceiver,
    "buffer": BufferReceiver,
    "facebook_scheduled": FacebookScheduledReceiver,
}

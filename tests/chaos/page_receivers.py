"""Facebook, Instagram, Threads, LinkedIn and Cachet as far as an account that posts needs them; see ``receivers``.

After https://developers.facebook.com/docs/pages-api/posts, https://developers.facebook.com/docs/threads/posts,
https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api and Cachet's own source.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx
from counting_http import HttpReceiver
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "right"
PAGE = "1234567890"
ACCOUNT = "17841400000000000"


MISSING = (
    "Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, "
    "or does not support this operation"
)


def _missing(number: str) -> Response:
    """What Meta says of what is gone, and of what the token may not touch."""
    error = {"message": f"Unsupported request. {MISSING.format(id=number)}", "type": "GraphMethodException"}
    return JSONResponse({"error": {**error, "code": 100, "error_subcode": 33}}, 400)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")


class Known(HttpReceiver):
    """Wants a bearer token; ``denial`` is what it says without."""

    denial: ClassVar[dict[str, Any]]

    def known(self, answer: Any) -> Any:
        async def checked(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                return JSONResponse(self.denial, 401)
            response: Response = await answer(request)
            return response

        return checked


class FacebookReceiver(Known):
    """Reconcile by marker: the page's own posts."""

    unharmed = ("/photos",)

    denial: ClassVar[dict[str, Any]] = {
        "error": {"message": "Invalid OAuth access token.", "type": "OAuthException", "code": 190}
    }

    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[Route]:
        return [
            Route(f"/{PAGE}", self.known(self._page)),
            Route(f"/{PAGE}/photos", self.known(self._photo), methods=["POST"]),
            Route(f"/{PAGE}/feed", self.known(self._post), methods=["POST"]),
            Route(f"/{PAGE}/posts", self.known(self._posts)),
            Route("/{parent}/comments", self.known(self._comments), methods=["GET", "POST"]),
            Route("/{id}", self.known(self._change), methods=["GET", "POST", "DELETE"]),
        ]

    async def _page(self, request: Request) -> Response:
        return JSONResponse({"id": PAGE, "name": "Acme", "tasks": ["CREATE_CONTENT"]})

    async def _post(self, request: Request) -> Response:
        form = await request.form()
        photos = []
        while f"attached_media[{len(photos)}]" in form:
            photos.append(json.loads(str(form[f"attached_media[{len(photos)}]"]))["media_fbid"])
        return self._add("", str(form["message"]), photos)

    async def _photo(self, request: Request) -> Response:
        async with request.form() as form:
            assert form["published"] == "false"
            number = f"photo{next(self._ids)}"
            self.uploaded[number] = (await form["source"].read(), str(form["alt_text_custom"]))  # type: ignore[union-attr]
        return JSONResponse({"id": number})

    def _add(self, parent: str, text: str, photos: list[str]) -> Response:
        if any((p["parent"], p["message"]) == (parent, text) for p in self.posts.values()):
            error = {"message": "Duplicate status message", "type": "OAuthException", "code": 506}
            return JSONResponse({"error": error}, 400)
        if not self.show(photos):
            return JSONResponse(
                {"error": {"message": "Invalid parameter", "type": "FacebookApiException", "code": 100}}, 400
            )
        self.created.append(text)
        number = f"{PAGE}_{next(self._ids)}"
        self.posts[number] = {"id": number, "message": text, "created_time": _now(), "parent": parent}
        return JSONResponse({"id": number})

    async def _posts(self, request: Request) -> Response:
        assert request.query_params["since"].isdecimal()
        return JSONResponse({"data": [p for p in self.posts.values() if not p["parent"]][::-1]})

    async def _comments(self, request: Request) -> Response:
        parent = request.path_params["parent"]
        if request.method == "POST":
            form = await request.form()
            return self._add(
                parent, str(form["message"]), [str(form["attachment_id"])] if "attachment_id" in form else []
            )
        if parent not in self.posts:
            return _missing(parent)
        return JSONResponse({"data": [p for p in self.posts.values() if p["parent"] == parent][::-1]})

    async def _change(self, request: Request) -> Response:
        number = request.path_params["id"]
        if number not in self.posts:
            return _missing(number)
        if request.method == "GET":
            asked = request.query_params["fields"].split(",")
            return JSONResponse({n: v for n, v in self.posts[number].items() if n in asked})
        if request.method == "DELETE":
            del self.posts[number]
        else:
            self.posts[number]["message"] = str((await request.form())["message"])
        return JSONResponse({"success": True})


class Fetching(Known):
    """Fetches pictures from where a container says they are, as Meta's platforms do."""

    def __init__(self) -> None:
        super().__init__()
        self.containers: dict[str, dict[str, Any]] = {}
        self.shelf: dict[str, bytes] = {}
        """A bucket, as far as one picture's way needs it: written once, and read by everybody."""

    async def bucket(self, request: Request) -> Response:
        return Response()

    async def on_shelf(self, request: Request) -> Response:
        name = request.path_params["name"]
        if request.method == "PUT":
            self.shelf[name] = await request.body()
            return Response(headers={"ETag": '"1"'})
        content = self.shelf.get(name)
        return Response(status_code=404) if content is None else Response(content, headers={"ETag": '"1"'})

    async def contain(self, number: str, form: Any) -> Response | None:
        """Make a container of a form's pictures; the answer when they cannot be had."""
        if "image_url" in form:
            async with httpx.AsyncClient() as client:
                fetched = await client.get(str(form["image_url"]))
            if fetched.status_code != 200:
                says = {"message": "The media could not be fetched from this URI", "code": 9004}
                return JSONResponse({"error": says}, 400)
            self.uploaded[number] = (fetched.content, str(form.get("alt_text", "")))
        children = str(form.get("children", "")).split(",") if "children" in form else []
        single = [number] if "image_url" in form and "is_carousel_item" not in form else []
        self.containers[number] = {"shows": children or single}
        return None


class ThreadsReceiver(Fetching):
    """Reconcile by marker: containers show nothing until they are published."""

    denial: ClassVar[dict[str, Any]] = FacebookReceiver.denial
    unharmed = ("/me/threads", ".jpg")

    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[Route]:
        return [
            Route("/me", self.known(self._me)),
            Route("/shelf/{name:path}", self.on_shelf, methods=["GET", "PUT"]),
            Route("/me/threads", self.known(self._threads), methods=["GET", "POST"]),
            Route("/me/replies", self.known(self._replies)),
            Route("/me/threads_publish", self.known(self._publish), methods=["POST"]),
            Route("/{id}", self.known(self._one), methods=["GET", "DELETE"]),
        ]

    async def _me(self, request: Request) -> Response:
        return JSONResponse({"id": "99", "username": "acme"})

    async def _threads(self, request: Request) -> Response:
        if request.method == "GET":
            return JSONResponse({"data": [p for p in self.posts.values() if not p["is_reply"]][::-1]})
        form = await request.form()
        number = f"c{next(self._ids)}"
        if problem := await self.contain(number, form):
            return problem
        self.containers[number] |= {"text": str(form.get("text", "")), "reply_to": str(form.get("reply_to_id", ""))}
        return JSONResponse({"id": number})

    async def _replies(self, request: Request) -> Response:
        return JSONResponse({"data": [p for p in self.posts.values() if p["is_reply"]][::-1]})

    async def _publish(self, request: Request) -> Response:
        container = self.containers[str((await request.form())["creation_id"])]
        self.show(container["shows"])
        self.created.append(container["text"])
        number, parent = f"t{next(self._ids)}", container["reply_to"]
        self.posts[number] = {
            "id": number,
            "text": container["text"],
            "timestamp": datetime.now(UTC).isoformat(),
            "permalink": f"https://www.threads.com/@acme/post/{number}",
            "is_reply": bool(parent),
        } | ({"replied_to": {"id": parent}} if parent else {})
        return JSONResponse({"id": number})

    async def _one(self, request: Request) -> Response:
        number = request.path_params["id"]
        if number not in (self.posts if request.method == "DELETE" else {**self.posts, **self.containers}):
            return _missing(number)
        if request.method == "GET" and number in self.posts:
            asked = request.query_params["fields"].split(",")
            return JSONResponse({n: v for n, v in self.posts[number].items() if n in asked})
        if request.method == "GET":
            return JSONResponse({"id": number, "status": "FINISHED"})
        del self.posts[number]
        return JSONResponse({"success": True, "deleted_id": number})


class InstagramReceiver(Fetching):
    """Reconcile by marker: the account's own media; containers show nothing until they are published."""

    denial: ClassVar[dict[str, Any]] = FacebookReceiver.denial
    unharmed = (f"/{ACCOUNT}/media", ".jpg")

    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}
        self.deletes = True
        self.statuses: list[str] = []
        """How its next containers are; then finished."""

    def routes(self) -> list[Route]:
        return [
            Route(f"/{ACCOUNT}", self.known(self._me)),
            Route("/shelf", self.bucket),
            Route("/shelf/{name:path}", self.on_shelf, methods=["GET", "PUT"]),
            Route(f"/{ACCOUNT}/media", self.known(self._media), methods=["GET", "POST"]),
            Route(f"/{ACCOUNT}/media_publish", self.known(self._publish), methods=["POST"]),
            Route("/{parent}/comments", self.known(self._comments), methods=["GET", "POST"]),
            Route("/{id}", self.known(self._one), methods=["GET", "DELETE"]),
        ]

    async def _me(self, request: Request) -> Response:
        return JSONResponse({"id": ACCOUNT, "username": "acme"})

    async def _media(self, request: Request) -> Response:
        if request.method == "GET":
            assert request.query_params["since"].isdecimal()
            return JSONResponse({"data": [p for p in self.posts.values() if not p["parent"]][::-1]})
        form = await request.form()
        number = f"c{next(self._ids)}"
        if problem := await self.contain(number, form):
            return problem
        self.containers[number] |= {"caption": str(form.get("caption", ""))}
        return JSONResponse({"id": number})

    async def _publish(self, request: Request) -> Response:
        container = self.containers[str((await request.form())["creation_id"])]
        self.show(container["shows"])
        return self._add("", "caption", container["caption"])

    def _add(self, parent: str, name: str, text: str) -> Response:
        self.created.append(text)
        number = f"{17000000000000000 + next(self._ids)}"
        permalink = f"https://www.instagram.com/p/{number}/"
        self.posts[number] = {"id": number, name: text, "timestamp": _now(), "permalink": permalink, "parent": parent}
        return JSONResponse({"id": number})

    async def _comments(self, request: Request) -> Response:
        parent = request.path_params["parent"]
        if request.method == "POST":
            return self._add(parent, "text", str((await request.form())["message"]))
        if parent not in self.posts:
            return _missing(parent)
        return JSONResponse({"data": [p for p in self.posts.values() if p["parent"] == parent][::-1]})

    async def _one(self, request: Request) -> Response:
        number = request.path_params["id"]
        if number not in (self.posts if request.method == "DELETE" else {**self.posts, **self.containers}):
            return _missing(number)
        if request.method == "GET" and number in self.posts:
            asked = request.query_params["fields"].split(",")
            return JSONResponse({n: v for n, v in self.posts[number].items() if n in asked})
        if request.method == "GET":
            return JSONResponse({"id": number, "status_code": self.statuses.pop(0) if self.statuses else "FINISHED"})
        if not self.deletes:
            error = {"message": "Unsupported delete request.", "type": "IGApiException", "code": 100}
            return JSONResponse({"error": error}, 400)
        del self.posts[number]
        return JSONResponse({"success": True, "deleted_id": number})


class LinkedInReceiver(Known):
    """Reconcile by marker: the organisation's own posts. What is not escaped cuts the text off, as on LinkedIn."""

    denial: ClassVar[dict[str, Any]] = {
        "status": 401,
        "serviceErrorCode": 65600,
        "code": "INVALID_ACCESS_TOKEN",
        "message": "Invalid access token",
    }

    unharmed = ("/rest/images", "/image")

    def __init__(self) -> None:
        super().__init__()
        self.posts: dict[str, dict[str, Any]] = {}
        self.elsewhere = ""
        """Where it wants pictures put, instead of at its own place."""

    def routes(self) -> list[Route]:
        return [
            Route("/rest/images", self.known(self._image), methods=["POST"]),
            Route("/dms-uploads/{number}/image", self.known(self._put), methods=["PUT"]),
            Route("/rest/posts", self.known(self._posts), methods=["GET", "POST"]),
            Route("/rest/posts/{urn}", self.known(self._change), methods=["GET", "POST", "DELETE"]),
        ]

    async def _posts(self, request: Request) -> Response:
        if "linkedin-version" not in request.headers:
            return JSONResponse({"status": 400, "code": "VERSION_MISSING", "message": "A version must be present"}, 400)
        if request.method == "GET":
            newest = list(self.posts.values())[::-1][: int(request.query_params["count"])]
            return JSONResponse({"elements": newest, "paging": {"start": 0, "count": 10, "links": []}})
        asked = await request.json()
        content = asked.get("content") or {}
        images = [content["media"]] if "media" in content else (content.get("multiImage") or {}).get("images", [])
        self.uploaded |= {
            i["id"]: (self.uploaded[i["id"]][0], i["altText"]) for i in images if i["id"] in self.uploaded
        }
        if not self.show([image["id"] for image in images]):
            return JSONResponse({"status": 400, "code": "MEDIA_ASSET_WAITING_UPLOAD", "message": "no such media"}, 400)
        self.created.append(shown(asked["commentary"]))
        urn = f"urn:li:share:{7000000000000000000 + next(self._ids)}"
        now = int(datetime.now(UTC).timestamp() * 1000)
        self.posts[urn] = {**asked, "id": urn, "createdAt": now, "lastModifiedAt": now}
        return Response(status_code=201, headers={"x-restli-id": urn})

    async def _image(self, request: Request) -> Response:
        assert request.query_params["action"] == "initializeUpload"
        assert (await request.json())["initializeUploadRequest"]["owner"] == "urn:li:organization:1"
        number = f"C4D{next(self._ids)}"
        place = self.elsewhere or f"{request.base_url}dms-uploads/{number}/image"
        value = {"uploadUrlExpiresAt": 1650567510704, "uploadUrl": place, "image": f"urn:li:image:{number}"}
        return JSONResponse({"value": value})

    async def _put(self, request: Request) -> Response:
        self.uploaded[f"urn:li:image:{request.path_params['number']}"] = (await request.body(), "")
        return Response(status_code=201)

    async def _change(self, request: Request) -> Response:
        urn = request.path_params["urn"]
        if request.method == "GET":
            there = self.posts.get(urn)
            return JSONResponse(there) if there else JSONResponse({"status": 404, "code": "NOT_FOUND"}, 404)
        if request.method == "DELETE":
            self.posts.pop(urn, None)
        else:
            self.posts[urn] |= (await request.json())["patch"]["$set"]
        return Response(status_code=204)


def shown(commentary: str) -> str:
    """What readers see: everything up to the first character that should have been escaped."""
    cut = re.search(r"(?<!\\)(?:\\\\)*([|{}@\[\]()<>*_~])", commentary)
    return re.sub(r"\\(.)", r"\1", commentary[: cut.start(1)] if cut else commentary)


class CachetReceiver(Known):
    """Reconcile by marker: metadata of incidents (unless ``knows_meta`` is off), and the text of updates."""

    denial: ClassVar[dict[str, Any]] = {"message": "Unauthenticated."}

    def __init__(self) -> None:
        super().__init__()
        self.knows_meta = True
        self.incidents: dict[str, dict[str, Any]] = {}
        self.updates: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[Route]:
        return [
            Route("/api/version", self._version),
            Route("/api/subscribers", self.known(self._subscribers)),
            Route("/api/incidents", self.known(self._incidents), methods=["GET", "POST"]),
            Route("/api/incidents/{id}", self.known(self._incident), methods=["GET", "PUT", "DELETE"]),
            Route("/api/incidents/{incident}/updates", self.known(self._updates), methods=["GET", "POST"]),
            Route(
                "/api/incidents/{incident}/updates/{id}", self.known(self._incident), methods=["GET", "PUT", "DELETE"]
            ),
        ]

    async def _version(self, request: Request) -> Response:
        return JSONResponse({"data": {"version": "3.x-dev"}})

    async def _subscribers(self, request: Request) -> Response:
        return JSONResponse({"data": []})

    async def _incidents(self, request: Request) -> Response:
        if request.method == "GET":
            if "include" in request.query_params and not self.knows_meta:
                return JSONResponse({"message": "Requested include(s) `meta` are not allowed."}, 400)
            return JSONResponse({"data": list(self.incidents.values())[::-1]})
        asked = await request.json()
        self.created.append(asked["message"])
        kept = {n: asked[n] for n in ("name", "message", "visible", "notifications")} | {"guid": "g"}
        return self._made(
            self.incidents, "incidents", kept | ({"meta": asked["meta"]} if self.knows_meta else {}), asked
        )

    def _made(self, among: dict[str, Any], kind: str, kept: dict[str, Any], asked: dict[str, Any]) -> Response:
        number = str(next(self._ids))
        created = {"string": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")}
        attributes = {**kept, "id": int(number), "status": {"value": asked["status"]}, "created": created}
        among[number] = {"id": number, "type": kind, "attributes": attributes}
        return JSONResponse({"data": among[number]}, 201)

    async def _updates(self, request: Request) -> Response:
        incident = request.path_params["incident"]
        if request.method == "GET":
            found = [u for u in self.updates.values() if u["attributes"]["updateable_id"] == incident]
            return JSONResponse({"data": found})
        asked = await request.json()
        self.created.append(asked["message"])
        return self._made(self.updates, "updates", {"message": asked["message"], "updateable_id": incident}, asked)

    async def _incident(self, request: Request) -> Response:
        among = self.updates if "incident" in request.path_params else self.incidents
        number = request.path_params["id"]
        if number not in among:
            return JSONResponse({"message": "No query results for model."}, 404)
        if request.method == "DELETE":
            del among[number]
            return Response(status_code=204)
        if request.method == "GET":
            return JSONResponse({"data": among[number]})
        among[number]["attributes"] |= await request.json()
        return JSONResponse({"data": among[number]})

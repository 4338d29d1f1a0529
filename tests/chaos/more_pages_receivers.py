"""Reddit, as far as an account that posts needs it, and Instatus.

After https://www.reddit.com/dev/api (a refusal comes with a status of 200; what is deleted is gone from the listings;
deleting twice is no error) and https://instatus.com/help/api.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from counting_http import HttpReceiver
from page_receivers import TOKEN, Known
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

REDDIT = {
    "client_id": "app", "client_secret": "app-secret", "username": "acme_news", "password": "right", "subreddit": "acme",
    "user_agent": "linux:com.acme.fireline:v1 (by /u/acme_news)",
}  # fmt: skip
PAGE_ID = "ckf01"


class SubredditReceiver(HttpReceiver):
    """Reconcile by marker: the account's own posts. ``expires_in``: seconds a token is good for."""

    unharmed = ("/api/v1/access_token",)

    def __init__(self) -> None:
        super().__init__()
        self.things: dict[str, dict[str, Any]] = {}
        self.tokens: list[str] = []
        self.expires_in = 3600

    def routes(self) -> list[Route]:
        return [
            Route("/api/v1/access_token", self._token, methods=["POST"]),
            Route("/api/v1/me", self._known(self._me)),
            Route("/api/submit", self._known(self._submit), methods=["POST"]),
            Route("/api/comment", self._known(self._comment), methods=["POST"]),
            Route("/api/editusertext", self._known(self._edit), methods=["POST"]),
            Route("/api/info", self._known(self._info)),
            Route("/api/del", self._known(self._delete), methods=["POST"]),
            Route("/user/{name}/{listing}", self._known(self._listing)),
        ]

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        good = (form.get("username"), form.get("password")) == ("acme_news", "right")
        if not (good or form.get("refresh_token") == "right"):
            return JSONResponse({"error": "invalid_grant"})
        self.tokens.append(f"token-{next(self._ids)}")
        return JSONResponse({"access_token": self.tokens[-1], "token_type": "bearer", "expires_in": self.expires_in})

    def _known(self, answer: Any) -> Any:
        async def checked(request: Request) -> Response:
            if request.headers.get("authorization") not in {f"Bearer {t}" for t in self.tokens}:
                return JSONResponse({"message": "Unauthorized", "error": 401}, 401)
            assert "(by /u/" in request.headers["user-agent"]
            response: Response = await answer(request)
            return response

        return checked

    async def _me(self, request: Request) -> Response:
        return JSONResponse({"name": "acme_news"})

    def _add(self, prefix: str, text: str, **more: Any) -> dict[str, Any]:
        self.created.append(text)
        number = f"{next(self._ids):x}"
        name = f"{prefix}_{number}"
        thing = {
            "name": name,
            "id": number,
            "created_utc": datetime.now(UTC).timestamp(),
            "permalink": f"/r/acme/{number}/",
        }
        self.things[name] = {**thing, **more}
        return self.things[name]

    async def _submit(self, request: Request) -> Response:
        form = dict(await request.form())
        assert (form["kind"], form["api_type"]) == ("self", "json")
        if form["sr"] != "acme":
            error = ["SUBREDDIT_NOEXIST", "Hmm, that community doesn't exist. Try checking the spelling.", "sr"]
            return JSONResponse({"json": {"errors": [error]}})
        made = self._add("t3", str(form["text"]), title=form["title"], selftext=form["text"], subreddit="Acme")
        data = {"url": f"https://www.reddit.com{made['permalink']}", "id": made["id"], "name": made["name"]}
        return JSONResponse({"json": {"errors": [], "data": data}})

    async def _comment(self, request: Request) -> Response:
        form = await request.form()
        made = self._add("t1", str(form["text"]), body=form["text"], parent_id=form["thing_id"], subreddit="Acme")
        return JSONResponse({"json": {"errors": [], "data": {"things": [{"kind": "t1", "data": made}]}}})

    async def _edit(self, request: Request) -> Response:
        form = await request.form()
        thing = self.things[str(form["thing_id"])]
        thing["selftext" if thing["name"].startswith("t3") else "body"] = form["text"]
        return JSONResponse({"json": {"errors": [], "data": {"things": [{"data": thing}]}}})

    async def _delete(self, request: Request) -> Response:
        self.things.pop(str((await request.form())["id"]), None)
        return JSONResponse({})

    async def _info(self, request: Request) -> Response:
        name = request.query_params["id"]
        page = [{"kind": name[:2], "data": self.things[name]}] if name in self.things else []
        return JSONResponse({"kind": "Listing", "data": {"children": page}})

    async def _listing(self, request: Request) -> Response:
        prefix = {"submitted": "t3", "comments": "t1"}[request.path_params["listing"]]
        newest = [t for n, t in reversed(self.things.items()) if n.startswith(prefix)]
        start, size = int(request.query_params.get("after", "0")), int(request.query_params["limit"])
        after = str(start + size) if start + size < len(newest) else None
        page = [{"kind": prefix, "data": t} for t in newest[start : start + size]]
        return JSONResponse({"kind": "Listing", "data": {"children": page, "after": after}})


class InstatusReceiver(Known):
    """Reconcile by marker: titles and texts of the page's incidents."""

    denial: ClassVar[dict[str, Any]] = {"error": {"code": "forbidden", "message": "Not authorized"}}

    def __init__(self) -> None:
        super().__init__()
        self.incidents: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[Route]:
        page = f"/v1/{PAGE_ID}"
        one = f"{page}/incidents/{{id}}"
        return [
            Route(f"{page}/components", self.known(self._components)),
            Route(f"{page}/incidents", self.known(self._all), methods=["GET", "POST"]),
            Route(one, self.known(self._one), methods=["GET", "PUT", "DELETE"]),
            Route(f"{one}/incident-updates", self.known(self._add_update), methods=["POST"]),
            Route(f"{one}/incident-updates/{{update}}", self.known(self._update), methods=["PUT", "DELETE"]),
        ]

    async def _components(self, request: Request) -> Response:
        return JSONResponse([{"id": "c1", "name": "App", "status": "OPERATIONAL"}])

    def _made(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert asked["status"] in {"INVESTIGATING", "IDENTIFIED", "MONITORING", "RESOLVED"}
        assert asked["components"] == [s["id"] for s in asked["statuses"]]
        self.created.append(asked["message"])
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "id": f"upd{next(self._ids)}", "message": asked["message"], "status": asked["status"], "notify": asked["notify"],
            "started": asked["started"], "createdAt": now, "messageHtml": f"<p>{asked['message']}</p>",
        }  # fmt: skip

    async def _all(self, request: Request) -> Response:
        if request.method == "GET":
            start, size = int(request.query_params["page"]) - 1, int(request.query_params["per_page"])
            return JSONResponse(list(self.incidents.values())[::-1][start * size : start * size + size])
        asked = await request.json()
        update, number = self._made(asked), f"inc{next(self._ids)}"
        self.incidents[number] = {
            "id": number, "name": asked["name"], "status": asked["status"], "started": asked["started"],
            "resolved": None, "updates": [update], "components": asked["statuses"],
        }  # fmt: skip
        return JSONResponse(self.incidents[number])

    async def _one(self, request: Request) -> Response:
        number = request.path_params["id"]
        if number not in self.incidents:
            return JSONResponse({"error": {"code": "not_found", "message": "Incident not found"}}, 404)
        if request.method == "DELETE":
            return JSONResponse(self.incidents.pop(number))
        if request.method == "PUT":
            self.incidents[number] |= {"name": (await request.json())["name"]}
        return JSONResponse(self.incidents[number])

    async def _add_update(self, request: Request) -> Response:
        incident = self.incidents.get(request.path_params["id"])
        if incident is None:
            return JSONResponse({"error": {"code": "not_found", "message": "Incident not found"}}, 404)
        update = self._made(await request.json())
        incident["updates"].append(update)
        incident["status"] = update["status"]
        return JSONResponse({**update, "incident": {"id": incident["id"], "name": incident["name"]}})

    async def _update(self, request: Request) -> Response:
        updates = self.incidents.get(request.path_params["id"], {}).get("updates", [])
        found = next((u for u in updates if u["id"] == request.path_params["update"]), None)
        if found is None:
            return JSONResponse({"error": {"code": "not_found", "message": "Update not found"}}, 404)
        if request.method == "DELETE":
            updates.remove(found)
        else:
            found |= await request.json()
        return JSONResponse(found)


INSTATUS = {"page_id": PAGE_ID, "api_key": TOKEN}

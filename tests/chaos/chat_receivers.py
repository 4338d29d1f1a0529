"""Discord, Telegram, Matrix and ntfy as far as an account that posts needs them; see ``receivers``.

After https://discord.com/developers/docs/resources/message, https://core.telegram.org/bots/api and
https://spec.matrix.org/latest/client-server-api/, https://docs.ntfy.sh/publish/.
"""

import json
from datetime import UTC, datetime
from typing import Any

from counting_http import HttpReceiver
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "right"
ROOM = "!war:room.test"
NOW = "%Y-%m-%dT%H:%M:%S.%f+00:00"


class DiscordReceiver(HttpReceiver):
    """Native key: a nonce that is enforced gives the same message, unless ``forgets_nonces``; it is not shown later."""

    prefix = "/api/v10"

    def __init__(self) -> None:
        super().__init__()
        self.forgets_nonces = False
        self.messages: dict[str, dict[str, Any]] = {}
        self._by_nonce: dict[str, str] = {}

    def routes(self) -> list[Route]:
        messages = f"{self.prefix}/channels/{{channel}}/messages"
        return [
            Route(f"{self.prefix}/users/@me", self._known(self._me)),
            Route(messages, self._known(self._messages), methods=["GET", "POST"]),
            Route(f"{messages}/{{id}}", self._known(self._change), methods=["GET", "PATCH", "DELETE"]),
        ]

    def _known(self, answer: Any) -> Any:
        async def checked(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bot {TOKEN}":
                return JSONResponse({"message": "401: Unauthorized", "code": 0}, 401)
            response: Response = await answer(request)
            return response

        return checked

    async def _me(self, request: Request) -> Response:
        return JSONResponse({"id": "77", "username": "acme", "bot": True})

    async def _messages(self, request: Request) -> Response:
        if request.method == "GET":
            newest = sorted(self.messages.values(), key=lambda m: int(m["id"]), reverse=True)
            below = int(request.query_params.get("before", "9" * 20))
            return JSONResponse([m for m in newest if int(m["id"]) < below][: int(request.query_params["limit"])])
        asked, files = await _with_files(request)
        nonce = asked.get("nonce", "")
        if asked.get("enforce_nonce") and nonce in self._by_nonce and not self.forgets_nonces:
            return JSONResponse(self.messages[self._by_nonce[nonce]])
        reference = asked.get("message_reference")
        if reference and reference["message_id"] not in self.messages:
            error = {"message": "Invalid Form Body", "code": 50035, "errors": {"message_reference": "Unknown message"}}
            return JSONResponse(error, 400)
        attached = asked.get("attachments") or []
        if len(attached) != len(files):
            return JSONResponse({"message": "Invalid Form Body", "code": 50035}, 400)
        self.uploaded = {str(a["id"]): (files[int(a["id"])], a["description"]) for a in attached}
        self.show(list(self.uploaded))
        self.created.append(asked["content"])
        number = str(1300000000000000000 + next(self._ids))
        self._by_nonce[nonce] = number
        self.messages[number] = {
            "id": number,
            "channel_id": request.path_params["channel"],
            "author": {"id": "77", "username": "acme"},
            "content": asked["content"],
            "attachments": attached,
            "timestamp": datetime.now(UTC).strftime(NOW),
            "edited_timestamp": None,
        } | ({"message_reference": reference} if reference else {})
        return JSONResponse(self.messages[number])

    async def _change(self, request: Request) -> Response:
        number = request.path_params["id"]
        if number not in self.messages:
            return JSONResponse({"message": "Unknown Message", "code": 10008}, 404)
        if request.method == "DELETE":
            del self.messages[number]
            return Response(status_code=204)
        if request.method == "GET":
            return JSONResponse(self.messages[number])
        self.messages[number] |= {
            "content": (await request.json())["content"],
            "edited_timestamp": datetime.now(UTC).strftime(NOW),
        }
        return JSONResponse(self.messages[number])


async def _with_files(request: Request) -> tuple[Any, list[bytes]]:
    """A message that came as JSON, or as a form with files."""
    if request.headers["content-type"] == "application/json":
        return await request.json(), []
    async with request.form() as form:
        count = sum(name.startswith("files[") for name in form)
        files = [await form[f"files[{n}]"].read() for n in range(count)]  # type: ignore[union-attr]
        return json.loads(str(form["payload_json"])), files


class TelegramReceiver(HttpReceiver):
    """At most once: no key, and a bot is shown nothing of what it has sent."""

    unharmed = ("getMe",)

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[int, dict[str, Any]] = {}

    def routes(self) -> list[Route]:
        names = {"getMe": "GET"} | dict.fromkeys(
            ("sendMessage", "editMessageText", "deleteMessage", "sendPhoto", "sendMediaGroup"), "POST"
        )
        return [
            *(Route(f"/bot{TOKEN}/{n}", getattr(self, f"_{n}"), methods=[method]) for n, method in names.items()),
            Route("/bot{token}/{method}", self._unauthorized, methods=["GET", "POST"]),
        ]

    async def _unauthorized(self, request: Request) -> Response:
        return _telegram_error(401, "Unauthorized")

    async def _getMe(self, request: Request) -> Response:
        return JSONResponse({"ok": True, "result": {"id": 42, "is_bot": True, "username": "acme_bot"}})

    async def _sendMessage(self, request: Request) -> Response:
        asked = await request.json()
        answered = (asked.get("reply_parameters") or {}).get("message_id")
        if answered and answered not in self.messages:
            return _telegram_error(400, "Bad Request: message to be replied not found")
        self.created.append(asked["text"])
        return JSONResponse({"ok": True, "result": self._message(answered, text=asked["text"])})

    def _message(self, answered: int | None, **more: str) -> dict[str, Any]:
        number = next(self._ids)
        self.messages[number] = {
            "message_id": number,
            "date": int(datetime.now(UTC).timestamp()),
            "chat": {"id": -100123, "type": "channel", "username": "acme_news"},
            "answered": answered,
            **more,
        }
        return self.messages[number]

    async def _sendPhoto(self, request: Request) -> Response:
        return JSONResponse({"ok": True, "result": (await self._photos(request))[0]})

    async def _sendMediaGroup(self, request: Request) -> Response:
        return JSONResponse({"ok": True, "result": await self._photos(request)})

    async def _photos(self, request: Request) -> list[dict[str, Any]]:
        async with request.form() as form:
            one = {"type": "photo", "media": form.get("photo"), "caption": form.get("caption")}
            album = json.loads(str(form["media"])) if "media" in form else [one]
            answered = json.loads(str(form.get("reply_parameters", "{}"))).get("message_id")
            for photo in album:
                content = await form[str(photo["media"]).removeprefix("attach://")].read()  # type: ignore[union-attr]
                self.show_with_last(content, photo["caption"])
        return [self._message(answered, caption=photo["caption"]) for photo in album]

    async def _editMessageText(self, request: Request) -> Response:
        asked = await request.json()
        message = self.messages.get(asked["message_id"])
        if message is None or message["text"] == asked["text"]:
            says = "message to edit not found" if message is None else "message is not modified: specified new"
            return _telegram_error(400, f"Bad Request: {says}")
        message["text"] = asked["text"]
        return JSONResponse({"ok": True, "result": message})

    async def _deleteMessage(self, request: Request) -> Response:
        if self.messages.pop((await request.json())["message_id"], None) is None:
            return _telegram_error(400, "Bad Request: message to delete not found")
        return JSONResponse({"ok": True, "result": True})


def _telegram_error(status: int, says: str) -> Response:
    return JSONResponse({"ok": False, "error_code": status, "description": says}, status)


class MatrixReceiver(HttpReceiver):
    """Native key: the same transaction id gives the same event, and is shown to whoever sent it."""

    unharmed = ("/upload",)

    def __init__(self) -> None:
        super().__init__()
        self.events: dict[str, dict[str, Any]] = {}
        self._by_transaction: dict[str, str] = {}

    def routes(self) -> list[Route]:
        rooms = "/_matrix/client/v3/rooms/{room}"
        return [
            Route("/_matrix/client/v3/account/whoami", self._known(self._who)),
            Route("/_matrix/client/v3/directory/room/{alias}", self._known(self._alias)),
            Route("/_matrix/media/v3/upload", self._known(self._upload), methods=["POST"]),
            Route(f"{rooms}/messages", self._known(self._messages)),
            Route(f"{rooms}/event/{{event}}", self._known(self._one)),
            Route(f"{rooms}/send/{{type}}/{{transaction}}", self._known(self._send), methods=["PUT"]),
            Route(f"{rooms}/redact/{{event}}/{{transaction}}", self._known(self._redact), methods=["PUT"]),
        ]

    def _known(self, answer: Any) -> Any:
        async def checked(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                return JSONResponse({"errcode": "M_UNKNOWN_TOKEN", "error": "Unknown access token"}, 401)
            response: Response = await answer(request)
            return response

        return checked

    async def _who(self, request: Request) -> Response:
        return JSONResponse({"user_id": "@acme:room.test", "device_id": "FIRELINE"})

    async def _upload(self, request: Request) -> Response:
        place = f"mxc://room.test/{next(self._ids)}"
        self.uploaded[place] = (await request.body(), "")
        return JSONResponse({"content_uri": place})

    async def _alias(self, request: Request) -> Response:
        if request.path_params["alias"] != "#war:room.test":
            return JSONResponse({"errcode": "M_NOT_FOUND", "error": "Room alias not found"}, 404)
        return JSONResponse({"room_id": ROOM, "servers": ["room.test"]})

    async def _messages(self, request: Request) -> Response:
        newest = list(self.events.values())[::-1]
        start, size = int(request.query_params.get("from", "0")), int(request.query_params["limit"])
        end = {"end": str(start + size)} if start + size < len(newest) else {}
        return JSONResponse({"start": str(start), "chunk": newest[start : start + size], **end})

    async def _one(self, request: Request) -> Response:
        event = self.events.get(request.path_params["event"])
        if event is None:
            return JSONResponse({"errcode": "M_NOT_FOUND", "error": "Event not found"}, 404)
        return JSONResponse(event)

    async def _send(self, request: Request) -> Response:
        return await self._event(request, await request.json())

    async def _redact(self, request: Request) -> Response:
        event = request.path_params["event"]
        if event not in self.events:
            return JSONResponse({"errcode": "M_NOT_FOUND", "error": "Event not found"}, 404)
        self.events[event]["content"] = {}
        self.events[event]["unsigned"]["redacted_because"] = {"type": "m.room.redaction"}
        return JSONResponse({"event_id": f"$redaction{next(self._ids)}"})

    async def _event(self, request: Request, content: dict[str, Any]) -> Response:
        transaction = request.path_params["transaction"]
        if transaction not in self._by_transaction:
            if "m.new_content" in content:
                edited = self.events[content["m.relates_to"]["event_id"]]
                edited["content"] = content["m.new_content"]
            elif content["msgtype"] == "m.image":
                self.show_with_last(self.uploaded[content["url"]][0], content["body"])
            else:
                self.created.append(content["body"])
            event = f"$event{next(self._ids)}"
            self._by_transaction[transaction] = event
            self.events[event] = {
                "event_id": event,
                "type": "m.room.message",
                "sender": "@acme:room.test",
                "content": content,
                "origin_server_ts": int(datetime.now(UTC).timestamp() * 1000),
                "unsigned": {"transaction_id": transaction},
            }
        return JSONResponse({"event_id": self._by_transaction[transaction]})


class NtfyReceiver(HttpReceiver):
    """Reconcile by marker: keeps what was pushed, unless ``keeps_nothing``; one message is there from before."""

    def __init__(self) -> None:
        super().__init__()
        self.keeps_nothing = False
        self.extra: list[dict[str, Any]] = []
        """What is kept besides what was pushed here."""
        self.pushed: list[dict[str, Any]] = []

    def routes(self) -> list[Route]:
        return [
            Route("/", self._known(self._push), methods=["POST"]),
            Route("/v1/health", self._health),
            Route("/v1/account", self._known(self._account)),
            Route("/{topic}/json", self._known(self._poll)),
        ]

    def _known(self, answer: Any) -> Any:
        async def checked(request: Request) -> Response:
            if request.headers.get("authorization") != f"Bearer {TOKEN}":
                return JSONResponse({"code": 40101, "http": 401, "error": "unauthorized"}, 401)
            response: Response = await answer(request)
            return response

        return checked

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"healthy": True})

    async def _account(self, request: Request) -> Response:
        return JSONResponse({"username": "acme", "role": "user"})

    async def _push(self, request: Request) -> Response:
        asked = await request.json()
        self.created.append(asked["message"])
        event = {"id": f"m{next(self._ids)}", "time": int(datetime.now(UTC).timestamp()), "event": "message", **asked}
        self.pushed.append(event)
        return JSONResponse(event)

    async def _poll(self, request: Request) -> Response:
        before = {"id": "m0", "time": 1700000000, "event": "message", "message": "hello", "tags": ["wave"]}
        kept = self.extra + ([] if self.keeps_nothing else [before, *self.pushed])
        return Response("".join(json.dumps(event) + "\n" for event in kept), media_type="application/x-ndjson")

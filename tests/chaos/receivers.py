"""Receivers that count what reaches them: one small loopback server for each delivery class.

They keep the promises their class is about (Mastodon's Idempotency-Key, Bluesky's create-if-absent, Statuspage's and
Slack's metadata, SMTP's nothing at all) and little else, run in threads of their own, and count every accepted post in
``accepted``, duplicates included. ``faults`` make the next writes go wrong, each in its own way.

with MastodonReceiver() as receiver:
    channel = integrations.connect("mastodon", base_url=receiver.url, access_token="t")
"""

import asyncio
import html
import json
import re
from collections import Counter
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs

from aiosmtpd.smtp import SMTP, Envelope, Session
from counting_http import Fault, HttpReceiver, Seen
from loopback import LoopThread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

__all__ = [
    "BlueskyReceiver",
    "Fault",
    "MastodonReceiver",
    "Seen",
    "SlackReceiver",
    "SmtpReceiver",
    "StatuspageReceiver",
]


class MastodonReceiver(HttpReceiver):
    """Native key: the same ``Idempotency-Key`` gives the same status, unless ``idempotent`` is off."""

    unharmed = ("/media",)

    def __init__(self, *, idempotent: bool = True, length: int = 500) -> None:
        super().__init__()
        self.idempotent, self.length = idempotent, length
        self.statuses: dict[str, dict[str, Any]] = {}
        self._by_key: dict[str, str] = {}
        self.working: list[bool] = []
        """Whether it is still working on a picture, for the next questions, the last one first."""
        self.media_limits: dict[str, int] = {}
        self.known_elsewhere: dict[str, str] = {}
        """Statuses of other servers that it can fetch: its own id of each, by address."""

    def routes(self) -> list[Route]:
        return [
            Route("/api/v1/accounts/verify_credentials", self._who),
            Route("/api/v1/accounts/{id}/statuses", self._timeline),
            Route("/api/v2/instance", self._instance),
            Route("/api/v2/search", self._search),
            Route("/api/v2/media", self._upload, methods=["POST"]),
            Route("/api/v1/media/{id}", self._media),
            Route("/api/v1/statuses", self._post, methods=["POST"]),
            Route("/api/v1/statuses/{id}", self._change, methods=["GET", "PUT", "DELETE"]),
        ]

    async def _upload(self, request: Request) -> Response:
        """Takes a picture, and may not be done with it at once."""
        async with request.form() as form:
            content = await form["file"].read()  # type: ignore[union-attr]
            media_id = str(next(self._ids))
            self.uploaded[media_id] = (content, str(form.get("description", "")))
        return JSONResponse({"id": media_id, "type": "image", "url": None}, 202 if self.working else 200)

    async def _media(self, request: Request) -> Response:
        media = {"id": request.path_params["id"], "type": "image", "url": f"{self.url}/media/1.jpg"}
        return JSONResponse(media, 206 if self.working and self.working.pop() else 200)

    async def _who(self, request: Request) -> Response:
        return JSONResponse({"id": "1", "username": "acme", "acct": "acme"})

    async def _instance(self, request: Request) -> Response:
        limits = {"max_characters": self.length, "max_media_attachments": 4, "characters_reserved_per_url": 23}
        configuration = {"statuses": limits, "media_attachments": self.media_limits}
        return JSONResponse({"domain": "social.test", "version": "4.5.0", "configuration": configuration})

    async def _search(self, request: Request) -> Response:
        wanted = request.query_params["q"]
        found = [{"id": self.known_elsewhere[wanted], "uri": wanted}] if wanted in self.known_elsewhere else []
        return JSONResponse({"accounts": [], "statuses": found, "hashtags": []})

    async def _timeline(self, request: Request) -> Response:
        newest = sorted(self.statuses.values(), key=lambda s: int(s["id"]), reverse=True)
        below = int(request.query_params.get("max_id", "999999"))
        return JSONResponse([s for s in newest if int(s["id"]) < below][: int(request.query_params["limit"])])

    async def _post(self, request: Request) -> Response:
        asked = await request.json()
        key = request.headers.get("idempotency-key", "")
        if self.idempotent and key in self._by_key:
            there = self.statuses.get(self._by_key[key])  # deleted since: Mastodon finds the key, and not the status
            return JSONResponse(there) if there else JSONResponse({"error": "Record not found"}, 404)
        there = {*self.statuses, *self.known_elsewhere.values()}
        if asked.get("in_reply_to_id") and asked["in_reply_to_id"] not in there:
            return JSONResponse({"error": "Record not found"}, 404)
        if not self.show(asked.get("media_ids") or []):
            return JSONResponse({"error": "Media not found"}, 422)
        self.created.append(asked["status"])
        status_id = str(next(self._ids))
        self._by_key[key] = status_id
        self.statuses[status_id] = {
            "id": status_id,
            "uri": f"{self.url}/users/acme/statuses/{status_id}",
            "url": f"{self.url}/@acme/{status_id}",
            "created_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "in_reply_to_id": asked.get("in_reply_to_id"),
            "visibility": asked.get("visibility", "public"),
            "content": as_html(asked["status"]),
            "media_attachments": [{"id": i, "type": "image"} for i in asked.get("media_ids") or []],
        }
        return JSONResponse(self.statuses[status_id])

    async def _change(self, request: Request) -> Response:
        status_id = request.path_params["id"]
        if status_id not in self.statuses:
            return JSONResponse({"error": "Record not found"}, 404)
        if request.method == "DELETE":
            return JSONResponse(self.statuses.pop(status_id))
        if request.method == "GET":
            return JSONResponse(self.statuses[status_id])
        self.statuses[status_id] |= {"content": as_html((await request.json())["status"])}
        return JSONResponse(self.statuses[status_id])


def as_html(text: str) -> str:
    """A status as Mastodon shows it: paragraphs, and links cut for the eye but whole for a reader of the text."""

    def link(match: re.Match[str]) -> str:
        scheme, rest = match[0].split("//", 1)
        return (
            f'<a href="{match[0]}" rel="nofollow"><span class="invisible">{scheme}//</span>'
            f'<span class="ellipsis">{rest[:30]}</span><span class="invisible">{rest[30:]}</span></a>'
        )

    lines = re.sub(r"https?://\S+", link, html.escape(text, quote=False)).split("\n\n")
    return "".join(f"<p>{line.replace(chr(10), '<br />')}</p>" for line in lines)


class BlueskyReceiver(HttpReceiver):
    """Create-if-absent: ``putRecord`` with ``swapRecord: null`` creates once. ``expire()`` ends the session."""

    unharmed = ("createSession", "refreshSession", "uploadBlob")
    did = "did:plc:abcdefghijklmnopqrstuvwx"

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, dict[str, Any]] = {}
        self._token = "access-0"

    def expire(self) -> None:
        self._token = f"access-{next(self._ids)}"

    def routes(self) -> list[Route]:
        names = {"POST": ("server.createSession", "server.refreshSession", "repo.putRecord", "repo.deleteRecord")}
        names["POST"] += ("repo.uploadBlob",)
        names["GET"] = ("server.getSession", "repo.getRecord", "identity.resolveHandle")
        return [
            Route(f"/xrpc/com.atproto.{name}", getattr(self, f"_{name.partition('.')[2]}"), methods=[method])
            for method, those in names.items()
            for name in those
        ]

    def _session(self) -> Response:
        tokens = {"accessJwt": self._token, "refreshJwt": "refresh-token"}
        return JSONResponse({"did": self.did, "handle": "acme.test", **tokens})

    async def _createSession(self, request: Request) -> Response:
        if (await request.json())["password"] != "right":
            error = {"error": "AuthenticationRequired", "message": "Invalid identifier or password"}
            return JSONResponse(error, 401)
        return self._session()

    async def _refreshSession(self, request: Request) -> Response:
        if request.headers["authorization"] != "Bearer refresh-token":
            return JSONResponse({"error": "ExpiredToken", "message": "Token has expired"}, 400)
        return self._session()

    async def _getSession(self, request: Request) -> Response:
        return self._denied(request) or JSONResponse({"did": self.did, "handle": "acme.test"})

    async def _resolveHandle(self, request: Request) -> Response:
        if request.query_params["handle"].endswith(".test"):
            return JSONResponse({"did": "did:plc:zyxwvutsrqponmlkjihgfedc"})
        return JSONResponse({"error": "InvalidRequest", "message": "Unable to resolve handle"}, 400)

    def _denied(self, request: Request) -> Response | None:
        if request.headers.get("authorization") == f"Bearer {self._token}":
            return None
        return JSONResponse({"error": "ExpiredToken", "message": "Token has expired"}, 400)

    def _at(self, place: Any) -> str:
        return f"at://{place['repo']}/{place['collection']}/{place['rkey']}"

    async def _uploadBlob(self, request: Request) -> Response:
        if denied := self._denied(request):
            return denied
        content = await request.body()
        link = f"bafkreib2rxk3rybk3aobmv5cjuql3bm2twh4jo5uxgf5kpqcsgz7{next(self._ids):06d}"
        self.uploaded[link] = (content, "")
        kind = request.headers["content-type"]
        return JSONResponse({"blob": {"$type": "blob", "ref": {"$link": link}, "mimeType": kind, "size": len(content)}})

    async def _putRecord(self, request: Request) -> Response:
        asked = await request.json()
        if denied := self._denied(request):
            return denied
        uri = self._at(asked)
        if uri in self.records and asked.get("swapRecord", "") is None:
            return JSONResponse({"error": "InvalidSwap", "message": "Record was at another cid"}, 400)
        images = (asked["record"].get("embed") or {}).get("images", [])
        links = [image["image"]["ref"]["$link"] for image in images]
        self.uploaded |= {at: (self.uploaded[at][0], i["alt"]) for at, i in zip(links, images, strict=True)}
        if not self.show(links):
            return JSONResponse({"error": "BlobNotFound", "message": "Could not find blob"}, 400)
        self.created.append(asked["record"]["text"])
        cid = f"bafyreib2rxk3rybk3aobmv5cjuql3bm2twh4jo5uxgf5kpqcsgz7{next(self._ids):06d}"
        self.records[uri] = {"uri": uri, "cid": cid, "value": asked["record"]}
        return JSONResponse({"uri": uri, "cid": cid})

    async def _getRecord(self, request: Request) -> Response:
        uri = self._at(request.query_params)
        if uri not in self.records:
            return JSONResponse({"error": "RecordNotFound", "message": f"Could not locate record: {uri}"}, 400)
        return JSONResponse(self.records[uri])

    async def _deleteRecord(self, request: Request) -> Response:
        if denied := self._denied(request):
            return denied
        self.records.pop(self._at(await request.json()), None)
        return JSONResponse({})


class StatuspageReceiver(HttpReceiver):
    """Reconcile by marker: keeps ``metadata``, and every write makes something new."""

    prefix = "/v1"

    def __init__(self) -> None:
        super().__init__()
        self.incidents: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[Route]:
        page = "/v1/pages/{page}"
        return [
            Route(page, self._page),
            Route(f"{page}/incidents", self._list, methods=["GET"]),
            Route(f"{page}/incidents", self._open, methods=["POST"]),
            Route(f"{page}/incidents/{{id}}", self._one, methods=["GET", "PATCH", "DELETE"]),
            Route(f"{page}/incidents/{{id}}/incident_updates/{{update}}", self._amend, methods=["PATCH"]),
            Route(f"{page}/incidents/{{id}}/postmortem", self._postmortem, methods=["GET", "PUT", "DELETE"]),
            Route(f"{page}/incidents/{{id}}/postmortem/publish", self._publish_postmortem, methods=["PUT"]),
        ]

    async def _page(self, request: Request) -> Response:
        return JSONResponse({"id": request.path_params["page"], "name": "Acme status"})

    async def _list(self, request: Request) -> Response:
        limit, page = int(request.query_params["limit"]), int(request.query_params["page"])
        return JSONResponse(list(reversed(self.incidents.values()))[limit * (page - 1) : limit * page])

    async def _open(self, request: Request) -> Response:
        asked = (await request.json())["incident"]
        if "name" not in asked:
            return JSONResponse({"error": ["Name can't be blank"]}, 422)
        now = datetime.now(UTC).isoformat()
        incident_id = f"inc{next(self._ids)}"
        self.incidents[incident_id] = {
            "id": incident_id,
            "shortlink": f"https://stspg.test/{incident_id}",
            "created_at": now,
            "incident_updates": [],
        }
        return JSONResponse(self._update(incident_id, asked), 201)

    def _update(self, incident_id: str, asked: dict[str, Any]) -> dict[str, Any]:
        incident = self.incidents[incident_id]
        if asked.get("body"):
            self.created.append(asked["body"])
            update = {"id": f"upd{next(self._ids)}", "body": asked["body"], "created_at": datetime.now(UTC).isoformat()}
            incident["incident_updates"].insert(0, update)
        keep = ("name", "status", "impact_override", "metadata")
        incident |= {name: asked[name] for name in keep if name in asked}
        return incident

    async def _one(self, request: Request) -> Response:
        incident_id = request.path_params["id"]
        if incident_id not in self.incidents:
            return JSONResponse({"error": "not found"}, 404)
        if request.method == "DELETE":
            return JSONResponse(self.incidents.pop(incident_id))
        if request.method == "PATCH":
            self._update(incident_id, (await request.json())["incident"])
        return JSONResponse(self.incidents[incident_id])

    async def _postmortem(self, request: Request) -> Response:
        incident = self.incidents[request.path_params["id"]]
        if request.method == "PUT":
            (draft,) = (await request.json())["postmortem"].items()
            incident.setdefault("postmortem", {"published_at": None, "body": None}).update([draft])
        if "postmortem" not in incident:
            return JSONResponse({"error": "not found"}, 404)
        return JSONResponse(incident.pop("postmortem") if request.method == "DELETE" else incident["postmortem"])

    async def _publish_postmortem(self, request: Request) -> Response:
        incident = self.incidents[request.path_params["id"]]
        assert set((await request.json())["postmortem"]) <= {"notify_subscribers", "notify_twitter", "custom_tweet"}
        written = incident["postmortem"]
        if written["body"] != written["body_draft"]:
            self.created.append(written["body_draft"])
        written |= {"body": written["body_draft"], "published_at": datetime.now(UTC).isoformat()}
        incident["status"] = "postmortem"
        return JSONResponse(written)

    async def _amend(self, request: Request) -> Response:
        for update in self.incidents[request.path_params["id"]]["incident_updates"]:
            if update["id"] == request.path_params["update"]:
                update.update((await request.json())["incident_update"])
                return JSONResponse(update)
        return JSONResponse({"error": "not found"}, 404)


class SlackReceiver(HttpReceiver):
    """Reconcile by marker: keeps ``metadata`` and threads, and posts whatever it is given."""

    prefix = "/api"
    unharmed = (
        "auth.test",
        "conversations.open",
        "conversations.history",
        "conversations.replies",
        "conversations.list",
        "users.info",
        "views.open",
        "chat.postEphemeral",
    )

    def __init__(self) -> None:
        super().__init__()
        self.lists_private = True
        """Whether the token has the scope groups:read."""
        self.messages: list[dict[str, Any]] = []
        self.people: dict[str, dict[str, Any]] = {}
        """Members by id, as ``users.info`` tells of them."""
        self.views: list[dict[str, Any]] = []
        """Every view that was opened."""
        self.whispers: list[dict[str, str]] = []
        """What was said so that one person sees it."""

    def routes(self) -> list[Route]:
        names = {n: f"_{n.partition('.')[2]}" for n in (*self.unharmed, "chat.postMessage", "chat.update")}
        names |= {"users.info": "_info", "views.open": "_view"}
        return [Route(f"/api/{n}", getattr(self, method), methods=["POST"]) for n, method in names.items()]

    async def _form(self, request: Request) -> dict[str, str]:
        return {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}

    async def _test(self, request: Request) -> Response:
        return JSONResponse({"ok": True, "user": "fireline", "team": "Acme"})

    async def _open(self, request: Request) -> Response:
        return JSONResponse({"ok": True, "channel": {"id": "D0000001"}})

    async def _list(self, request: Request) -> Response:
        types = (await self._form(request)).get("types", "public_channel").split(",")
        if "private_channel" in types and not self.lists_private:
            return JSONResponse({"ok": False, "error": "missing_scope", "needed": "groups:read"})
        found = {"public_channel": ("C0000001", "war-room"), "private_channel": ("C0000002", "secret")}
        return JSONResponse({"ok": True, "channels": [dict(zip(("id", "name"), found[t], strict=True)) for t in types]})

    async def _postMessage(self, request: Request) -> Response:
        asked = await self._form(request)
        message = {**asked, "ts": f"{datetime.now(UTC).timestamp():.0f}.{next(self._ids):06d}"}
        message |= {name: json.loads(asked[name]) for name in ("blocks", "metadata") if name in asked}
        self.created.append(asked["text"])
        self.messages.append(message)
        return JSONResponse({"ok": True, "channel": asked["channel"], "ts": message["ts"], "message": message})

    async def _update(self, request: Request) -> Response:
        asked = await self._form(request)
        for message in self.messages:
            if (message["ts"], message["channel"]) == (asked["ts"], asked["channel"]):
                message |= {**asked, "blocks": json.loads(asked["blocks"])}
                return JSONResponse({"ok": True, "channel": asked["channel"], "ts": asked["ts"]})
        return JSONResponse({"ok": False, "error": "message_not_found"})

    async def _info(self, request: Request) -> Response:
        user = (await self._form(request))["user"]
        if user not in self.people:
            return JSONResponse({"ok": False, "error": "user_not_found"})
        return JSONResponse({"ok": True, "user": {"id": user, **self.people[user]}})

    async def _view(self, request: Request) -> Response:
        asked = await self._form(request)
        self.views.append(json.loads(asked["view"]))
        return JSONResponse({"ok": True, "view": {"id": "V1"}})

    async def _postEphemeral(self, request: Request) -> Response:
        self.whispers.append(await self._form(request))
        return JSONResponse({"ok": True, "message_ts": "1.1"})

    async def _history(self, request: Request) -> Response:
        channel = (await self._form(request))["channel"]
        here = [m for m in self.messages if m["channel"] == channel and "thread_ts" not in m]
        counted = [m | {"reply_count": sum(r.get("thread_ts") == m["ts"] for r in self.messages)} for m in here]
        return JSONResponse({"ok": True, "messages": counted[::-1]})

    async def _replies(self, request: Request) -> Response:
        ts = (await self._form(request))["ts"]
        return JSONResponse({"ok": True, "messages": [m for m in self.messages if ts in (m["ts"], m.get("thread_ts"))]})


class SmtpReceiver(LoopThread):
    """At most once: keeps every mail it was given, however often. ``*_answers`` are said instead of 250."""

    def __init__(self, **options: Any) -> None:
        self.mails: list[tuple[tuple[str, ...], EmailMessage]] = []
        """Recipients and mail, in the order of arrival."""
        self.mail_answers: list[str] = []
        """Replies to the next MAIL FROM commands."""
        self.rcpt_answers: dict[str, str] = {}
        """Replies to RCPT TO, by address."""
        self.data_answers: list[str] = []
        """Replies to the next messages; what is accepted is decided by the first digit."""
        self._options = options
        self.port = 0

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def accepted(self) -> Counter[str]:
        """How often each mail arrived, as ``recipient Message-ID``."""
        return Counter(f"{to} {mail['Message-ID']}" for recipients, mail in self.mails for to in recipients)

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="receiver.test", loop=loop, **self._options), "127.0.0.1", 0
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        await super().stop()

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.mail_answers:
            return self.mail_answers.pop(0)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.rcpt_answers:
            return self.rcpt_answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.data_answers.pop(0) if self.data_answers else "250 OK"
        if answer.startswith("2"):
            mail = message_from_bytes(envelope.original_content or b"", policy=policy.default)
            self.mails.append((tuple(envelope.rcpt_tos), mail))
        return answer

"""Bluesky over the AT Protocol: posts and threads, created only if absent.

Promises: a key always leads to the same record, and ``putRecord`` with ``swapRecord: null`` creates it at most once, so
sending again never doubles and finishes a thread that broke off. Links, mentions and hashtags become facets, by UTF-8
byte offsets; pictures are uploaded before the first post and shown in it, and without any its first link is a card. Posts
have no edits; taking one back deletes its records. Formats: the lexicons at
https://github.com/bluesky-social/atproto and https://atproto.com/specs/tid.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, ClassVar

import regex  # type: ignore[import-untyped]
from pydantic import Field, SecretStr

from crisis.counting import Limits, Unit
from crisis.delivery import DeliveryClass, Receipt
from crisis.links import links
from crisis.pictures import Picture, PictureLimits
from crisis.read_back import OnPlatform
from crisis.rendering import MAX_PARTS
from crisis.statement import Part, Rendering
from integrations.http import Answer, Connection, Http, moment
from integrations.outcomes import (
    IntegrationError,
    Misconfigured,
    Refused,
    Unknown,
    before_sending,
    looking_up,
)
from integrations.protocols import Health, hold_to
from integrations.thread import publish_parts

COLLECTION, THREADGATE = "app.bsky.feed.post", "app.bsky.feed.threadgate"
_ALPHABET = "234567abcdefghijklmnopqrstuvwxyz"
_EPOCH = int(datetime(2023, 1, 1, tzinfo=UTC).timestamp() * 1_000_000)
_SPAN = 3 * 365 * 24 * 3600 * 1_000_000
_MENTION = regex.compile(
    r"(?<![\w@/.])@((?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?\.)+[a-zA-Z][a-zA-Z0-9-]*[a-zA-Z0-9])"
)
_HANDLE = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
"""https://atproto.com/specs/handle"""
_TAG = regex.compile(r"(?<![\p{L}\p{N}_&/#])#([\p{L}\p{N}\p{M}_]*[\p{L}_][\p{L}\p{N}\p{M}_]*)")
_AT_URI = re.compile(r"at://([^/]+)/([^/]+)/([^/]+)")


class BlueskySettings(Connection):
    """Settings of a Bluesky account."""

    base_url: str = Field(default="https://bsky.social", description="The account's personal data server")
    identifier: str = Field(
        examples=["acme.bsky.social"], min_length=3, description="Handle or DID, such as acme.bsky.social"
    )
    password: SecretStr = Field(description="An app password (Settings, Privacy and security, App passwords)")
    web_url: str = Field(default="https://bsky.app", description="Where people read posts")


class Bluesky:
    """A ``Publisher``."""

    kind: ClassVar[str] = "bluesky"
    answers: ClassVar[frozenset[str]] = frozenset({"bluesky"})
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.CREATE_IF_ABSENT
    settings_model: ClassVar[type[BlueskySettings]] = BlueskySettings
    platform_limits: ClassVar[Limits] = Limits(
        length=300,
        unit=Unit.GRAPHEMES,
        octets=3000,
        threads=True,
        pictures=PictureLimits(
            most=4,
            size=1_000_000,  # what every server takes; newer ones take two million
            alt=2_000,  # what Bluesky's own apps let people write
            source="https://github.com/bluesky-social/atproto/blob/main/lexicons/app/bsky/embed/images.json",
        ),
        cards=True,
        source="https://github.com/bluesky-social/atproto/blob/main/lexicons/app/bsky/feed/post.json",
    )

    def __init__(self, settings: BlueskySettings) -> None:
        self._settings = settings
        self._http = Http("Bluesky", settings)
        self._session: dict[str, str] = {}
        self._logging_in = asyncio.Lock()

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        with before_sending():
            answered = await self._answered(rendering.reply_to) if rendering.reply_to else None
            told = None
            if answered and rendering.answers:
                told = {_did_of(rendering.reply_to), await self._did()}
                if len(told) == 1:
                    raise Refused("the post to answer is our own")
                await self._may_reply(answered["root"]["uri"])
            facets = [await self._facets(part.text, told) for part in rendering.parts]
            embed = await self._embed(rendering)

        async def send(number: int, part: Part, posts: Sequence[dict[str, Any]]) -> dict[str, Any]:
            record: dict[str, Any] = {
                "$type": COLLECTION,
                "text": part.text,
                "langs": [rendering.language],
                "createdAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            }
            if facets[number]:
                record["facets"] = facets[number]
            if embed and number == 0:
                record["embed"] = embed
            parent = _ref(posts[-1]) if posts else answered and answered["parent"]
            if parent:
                record["reply"] = {"root": answered["root"] if answered else _ref(posts[0]), "parent": parent}
            return await self._create(tid(key, number), record)

        return self._receipt(await publish_parts(rendering.parts, (), send, lambda post: self._delete(post["uri"])))

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        posts: list[dict[str, Any]] = []
        most = len(rendering.parts) if rendering else MAX_PARTS
        with looking_up():
            while len(posts) < most and (post := await self._get(await self._did(), COLLECTION, tid(key, len(posts)))):
                posts.append(post)
        return self._receipt(posts) if posts and (not rendering or len(posts) == len(rendering.parts)) else None

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        raise Refused("Bluesky shows no edits of a post; publish a correction as an answer to it, or withdraw it")

    async def read(self, receipt: Receipt) -> OnPlatform:
        parts: list[str | None] = []
        with looking_up():
            for uri in receipt.raw.get("parts") or [receipt.id]:
                place = _AT_URI.fullmatch(str(uri))
                if not place:
                    raise Unknown(f"{uri!r} is no address of a post")
                post = await self._get(place[1], place[2], place[3])
                parts.append(None if post is None else str(post["value"].get("text", "")))
        return OnPlatform(parts=tuple(parts))

    async def withdraw(self, receipt: Receipt) -> None:
        for uri in reversed(receipt.raw.get("parts") or [receipt.id]):
            await self._delete(uri)

    async def lasting_name(self, name: str) -> str:
        """The DID of whoever has a handle now, which they keep under every later one; empty when nobody has it.

        Raises:
            Unreachable, RateLimited: it could not be asked for.
        """
        handle = name.strip().removeprefix("@").casefold()
        if not _HANDLE.fullmatch(handle):
            return ""
        with before_sending():
            answer = await self._call("GET", "com.atproto.identity.resolveHandle", params={"handle": handle})
            return "" if answer.status == 400 else answer.text("did")

    async def check(self) -> Health:
        try:
            with before_sending():
                await self._did()
                answer = await self._call("GET", "com.atproto.server.getSession")
                answer.accepted()
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says=f"posts as @{self._session['handle']} ({self._session['did']})")

    async def close(self) -> None:
        await self._http.close()

    async def _create(self, rkey: str, record: dict[str, Any]) -> dict[str, Any]:
        did = await self._did()
        body = {"repo": did, "collection": COLLECTION, "rkey": rkey, "record": record, "swapRecord": None}
        answer = await self._call("POST", "com.atproto.repo.putRecord", json=body)
        if answer.error != "InvalidSwap":
            return {"uri": answer.text("uri"), "cid": answer.text("cid"), "value": record}
        with looking_up():
            there = await self._get(did, COLLECTION, rkey)
        if there is None or there["value"].get("text") != record["text"]:
            raise Unknown(f"Bluesky has another post at {rkey}; look at the account before sending again")
        return there

    async def _get(self, did: str, collection: str, rkey: str) -> dict[str, Any] | None:
        params = {"repo": did, "collection": collection, "rkey": rkey}
        answer = await self._call("GET", "com.atproto.repo.getRecord", params=params)
        if answer.error == "RecordNotFound" or (answer.status == 400 and "Could not locate record" in answer.says):
            return None
        value = answer.body().get("value")
        if not isinstance(value, dict):
            raise Unknown(f"Bluesky answered without the record: {answer.says}")
        return {"uri": answer.text("uri"), "cid": answer.text("cid"), "value": value}

    async def _delete(self, uri: str) -> None:
        place = _AT_URI.fullmatch(uri)
        if not place:
            raise Refused(f"{uri!r} is no address of a post; it starts with at://")
        body = {"repo": await self._did(), "collection": place[2], "rkey": place[3]}
        (await self._call("POST", "com.atproto.repo.deleteRecord", json=body)).accepted()

    async def _answered(self, uri: str) -> dict[str, Any]:
        """The reply reference to the post at ``uri``: itself as parent, and the root of its thread."""
        place = _AT_URI.fullmatch(uri)
        post = await self._get(place[1], place[2], place[3]) if place else None
        if not post:
            raise Refused(f"the post to answer is not there: {uri}")
        return {"parent": _ref(post), "root": (post["value"].get("reply") or {}).get("root") or _ref(post)}

    async def _may_reply(self, root: str) -> None:
        """That whoever began a thread has not closed it: what is posted there all the same, readers are not shown
        (app.bsky.feed.threadgate, beside the first post and under its key).

        Raises:
            Refused: they let nobody reply, or only some people, and whether we are among them cannot be told from here.
        """
        place = _AT_URI.fullmatch(root)
        if not place or place[1] == await self._did():
            return
        gate = await self._get(place[1], THREADGATE, place[3])
        allowed = gate["value"].get("allow") if gate else None
        if allowed is not None:
            who = "only some people" if allowed else "nobody"
            raise Refused(f"whoever began this thread lets {who} reply to it: write to them in another way, if at all")

    async def _embed(self, rendering: Rendering) -> dict[str, Any]:
        """The pictures, uploaded, or the card of a link; empty when there is neither."""
        if rendering.media:
            images = [
                {
                    "image": await self._upload(picture),
                    "alt": picture.alt,
                    "aspectRatio": {"width": picture.width, "height": picture.height},
                }
                for picture in rendering.media
            ]
            return {"$type": "app.bsky.embed.images", "images": images}
        if link := rendering.options.get("card_link"):
            card = {"uri": link, "title": rendering.options.get("card_title", link), "description": ""}
            return {"$type": "app.bsky.embed.external", "external": card}
        return {}

    async def _upload(self, picture: Picture) -> dict[str, Any]:
        """The reference to a picture. A blob that no post refers to is dropped by the server after a while."""
        kind = {"Content-Type": picture.media_type.value}
        answer = await self._call("POST", "com.atproto.repo.uploadBlob", content=picture.content, headers=kind)
        blob = answer.body().get("blob")
        if not isinstance(blob, dict) or not isinstance(blob.get("ref"), dict):
            raise Unknown(f"Bluesky took a picture without saying where it is: {answer.says}")
        return blob

    async def _facets(self, text: str, told: set[str] | None = None) -> list[dict[str, Any]]:
        """Links, tags and mentions; with ``told``, mentions of these DIDs alone, for a mention tells whoever is named."""
        found: list[tuple[int, int, dict[str, str]]] = []
        without_links = text
        for start, end in links(text):
            found.append((start, end, {"$type": "app.bsky.richtext.facet#link", "uri": text[start:end]}))
            without_links = without_links[:start] + " " * (end - start) + without_links[end:]
        for match in _TAG.finditer(without_links):
            if len(match[1]) <= 64:
                found.append((*match.span(), {"$type": "app.bsky.richtext.facet#tag", "tag": match[1]}))
        for match in _MENTION.finditer(without_links):
            answer = await self._call("GET", "com.atproto.identity.resolveHandle", params={"handle": match[1]})
            if answer.status == 200 and (told is None or answer.text("did") in told):
                found.append((*match.span(), {"$type": "app.bsky.richtext.facet#mention", "did": answer.text("did")}))
        return [
            {
                "index": {"byteStart": len(text[:start].encode()), "byteEnd": len(text[:end].encode())},
                "features": [feature],
            }
            for start, end, feature in sorted(found, key=lambda one: one[0])
        ]

    def _receipt(self, posts: Sequence[dict[str, Any]]) -> Receipt:
        first = posts[0]
        rkey = first["uri"].rpartition("/")[2]
        return Receipt(
            id=first["uri"],
            url=f"{self._settings.web_url.rstrip('/')}/profile/{self._session['handle']}/post/{rkey}",
            accepted_at=moment(first["value"].get("createdAt")),
            raw={"parts": [p["uri"] for p in posts], "cids": [p["cid"] for p in posts]},
        )

    async def _call(self, method: str, name: str, headers: Mapping[str, str] | None = None, **options: Any) -> Answer:
        """One XRPC call with the session's token, which is renewed once when it has expired."""
        await self._did()
        more = headers or {}
        send = self._http.read if method == "GET" else lambda path, **o: self._http.write(method, path, **o)
        used = self._session
        answer = await send(f"/xrpc/{name}", headers={**more, **self._bearer("access")}, **options)
        if answer.error in {"ExpiredToken", "InvalidToken"}:
            with before_sending():
                await self._renew(used)
            answer = await send(f"/xrpc/{name}", headers={**more, **self._bearer("access")}, **options)
            if answer.error in {"ExpiredToken", "InvalidToken"}:
                raise Misconfigured(f"Bluesky does not take its own new token: {answer.says}")
        return answer

    async def _did(self) -> str:
        if not self._session:
            async with self._logging_in:
                if not self._session:  # nobody else has logged in meanwhile: servers allow few log-ins
                    with before_sending():
                        await self._log_in()
        return self._session["did"]

    async def _log_in(self) -> None:
        settings = self._settings
        body = {"identifier": settings.identifier, "password": settings.password.get_secret_value()}
        self._keep(await self._http.write("POST", "/xrpc/com.atproto.server.createSession", json=body))

    async def _renew(self, used: dict[str, str]) -> None:
        """Get a session after ``used``, which has expired, unless somebody else has done so meanwhile."""
        async with self._logging_in:
            if self._session is not used:
                return
            answer = await self._http.write(
                "POST", "/xrpc/com.atproto.server.refreshSession", headers=self._bearer("refresh")
            )
            if answer.status == 200:
                self._keep(answer)
            else:
                await self._log_in()

    def _keep(self, answer: Answer) -> None:
        names = {"did": "did", "handle": "handle", "access": "accessJwt", "refresh": "refreshJwt"}
        self._session = {name: answer.text(field) for name, field in names.items()}
        self._http.secrets |= {self._session["access"], self._session["refresh"]}

    def _bearer(self, which: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._session[which]}"}


def tid(key: str, number: int) -> str:
    """The record key of part ``number`` (from 0) of the post with ``key``: a valid TID that is always the same.

    64 bits: a zero, 53 bits of microseconds (here a point in 2023 to 2025 taken from the key's SHA-256, later parts one
    microsecond later each), 10 bits of clock id (from the same hash); in base 32.
    """
    digest = sha256(key.encode()).digest()
    microseconds = _EPOCH + int.from_bytes(digest[:8]) % _SPAN + number
    value = microseconds << 10 | int.from_bytes(digest[8:10]) % 1024
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(60, -1, -5))


def _did_of(uri: str) -> str:
    place = _AT_URI.fullmatch(uri)
    return place[1] if place else ""


def _ref(post: dict[str, Any]) -> dict[str, str]:
    return {"uri": post["uri"], "cid": post["cid"]}

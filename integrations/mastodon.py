"""Mastodon, and servers that speak its API: statuses and threads.

Promises: each part carries an ``Idempotency-Key``, which real Mastodon honours for an hour; because not every host
does, ``find`` looks at the account's own timeline and compares the text, and a thread is looked up before it is
continued. Pictures are uploaded before the first status, with their descriptions. API: https://docs.joinmastodon.org/methods/statuses/.
"""

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr

from crisis.counting import Limits, Unit
from crisis.delivery import DeliveryClass, Receipt
from crisis.pictures import MediaType, Picture, PictureLimits
from crisis.read_back import OnPlatform
from crisis.statement import Answered, Part, Rendering
from integrations.http import Answer, Connection, Http, moment, scrub
from integrations.markup import plain
from integrations.mastodon_posts import mastodon_mention
from integrations.outcomes import IntegrationError, Refused, Unknown, Unreachable, before_sending, looking_up
from integrations.protocols import Health, hold_to
from integrations.thread import publish_parts, standing

LOOK_BACK = timedelta(hours=24)
"""How far back ``find`` looks; an older status of the same text is another one."""
PAGES = 10
_UNTIL_READY = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between questions whether a picture that was taken is ready (202, then 206 until it is)."""
_KEEP = ("id", "uri", "url", "created_at", "edited_at", "content", "visibility", "language", "in_reply_to_id")
_REMOTE = re.compile(r"(@\w+)@[\w.-]+\w")
_WIDTHS = ("direct", "private", "unlisted", "public")
"""Who sees a status, the fewest first."""


class MastodonSettings(Connection):
    """Settings of a Mastodon account."""

    base_url: str = Field(examples=["https://social.example.com"], description="The server, https://...")
    access_token: SecretStr = Field(
        description="Access token with read:accounts, read:statuses, write:statuses and write:media; for replies also "
        "read:search"
    )
    visibility: Literal["public", "unlisted", "private", "direct"] = Field(
        default="public", description="Who sees a status whose rendering does not say"
    )


class Mastodon:
    """A ``Publisher``."""

    kind: ClassVar[str] = "mastodon"
    answers: ClassVar[frozenset[str]] = frozenset({"mastodon"})
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.NATIVE_KEY
    settings_model: ClassVar[type[MastodonSettings]] = MastodonSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=500,
        unit=Unit.FEDIVERSE,
        threads=True,
        pictures=PictureLimits(
            most=4,
            size=16 * 1024 * 1024,
            alt=1_500,
            pixels=33_177_600,
            source="https://docs.joinmastodon.org/user/posting/#media",
        ),
        source="https://docs.joinmastodon.org/user/posting/#text",
    )

    def __init__(self, settings: MastodonSettings) -> None:
        self._settings = settings
        token = settings.access_token.get_secret_value()
        self._http = Http("Mastodon", settings, {"Authorization": f"Bearer {token}"})
        self._limits = self.platform_limits
        self._account: dict[str, Any] = {}

    @property
    def limits(self) -> Limits:
        """The server's own once ``read_limits`` or ``check`` has asked it, Mastodon's usual ones before."""
        return self._limits

    async def read_limits(self) -> Limits:
        """Ask the server what a status may hold (https://docs.joinmastodon.org/entities/Instance/)."""
        answer = await self._http.read("/api/v2/instance")
        if answer.status == 404:
            return self._limits
        told = _object(answer.body().get("configuration"))
        statuses, media = _object(told.get("statuses")), _object(told.get("media_attachments"))
        length, source = statuses.get("max_characters"), f"{self._settings.base_url}/api/v2/instance"
        if isinstance(length, int) and length > 0:
            pictures = _picture_limits(self.platform_limits.pictures, statuses, media, source)
            self._limits = self._limits.model_copy(update={"length": length, "source": source, "pictures": pictures})
        return self._limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        with before_sending():
            if self._limits.problem(rendering):
                await self.read_limits()
            hold_to(self._limits, rendering)
            rendering, answered = await self._here(rendering)
            visibility = _no_wider(rendering.options.get("visibility", self._settings.visibility), answered)
            media_ids = [await self._upload(picture) for picture in rendering.media]
            there = await self._there(rendering) if len(rendering.parts) > 1 else []

        async def send(number: int, part: Part, posts: Sequence[dict[str, Any]]) -> dict[str, Any]:
            body = self._body(rendering, part) | {"visibility": visibility}
            if parent := posts[-1]["id"] if posts else rendering.reply_to:
                body["in_reply_to_id"] = parent
            if media_ids and number == 0:
                body["media_ids"] = media_ids
            for again in ("", ".again"):  # the first key finds a status that was deleted since: a thread taken back
                headers = {"Idempotency-Key": f"{key}.{number}{again}"}
                answer = await self._http.write("POST", "/api/v1/statuses", json=body, headers=headers)
                if answer.status != 404 or parent:
                    break
            return _status(answer)

        return self._receipt(
            await publish_parts(rendering.parts, there, send, lambda post: self._delete(str(post["id"])))
        )

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        if rendering is None:
            raise Unknown("Mastodon keeps no key of ours; the rendering is needed to look for its text")
        with looking_up():
            there = await self._there((await self._here(rendering, unchanged=False))[0])
        return self._receipt(there) if len(there) == len(rendering.parts) else None

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        hold_to(self._limits, rendering)
        ids = [str(i) for i in receipt.raw.get("parts") or [receipt.id]]
        if len(ids) != len(rendering.parts):
            raise Refused(
                f"the published thread has {len(ids)} parts, the new text {len(rendering.parts)}; "
                "withdraw it and publish anew, or publish a correction"
            )
        with before_sending():
            media_ids = [await self._upload(picture) for picture in rendering.media]
        posts: list[dict[str, Any]] = []
        for status_id, part in zip(ids, rendering.parts, strict=True):
            body = self._body(rendering, part)
            if media_ids and not posts:
                body["media_ids"] = media_ids
            posts.append(_status(await self._http.write("PUT", f"/api/v1/statuses/{status_id}", json=body)))
        return self._receipt(posts)

    async def read(self, receipt: Receipt) -> OnPlatform:
        parts: list[str | None] = []
        with looking_up():
            for status_id in receipt.raw.get("parts") or [receipt.id]:
                answer = await self._http.read(f"/api/v1/statuses/{status_id}")
                parts.append(None if answer.status in {404, 410} else _says(_status(answer)))
        return OnPlatform(parts=tuple(parts))

    async def withdraw(self, receipt: Receipt) -> None:
        for status_id in reversed(receipt.raw.get("parts") or [receipt.id]):
            await self._delete(str(status_id))

    async def check(self) -> Health:
        try:
            with before_sending():
                account = await self._who()
                limits = await self.read_limits()
                app = await self._http.read("/api/v1/apps/verify_credentials")
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        scopes = (app.value or {}).get("scopes") if isinstance(app.value, dict) else None  # since Mastodon 4.3
        if isinstance(scopes, list) and not {"write", "write:statuses"} & set(map(str, scopes)):
            return Health(
                ok=False, says="the token lacks the scope write:statuses: make another one in the app's settings"
            )
        return Health(ok=True, says=f"posts as @{account.get('acct')}, {limits.length} characters a status")

    async def close(self) -> None:
        await self._http.close()

    def _body(self, rendering: Rendering, part: Part) -> dict[str, Any]:
        body = {"status": part.text, "language": _language(rendering.language)}
        if warning := rendering.options.get("spoiler_text"):
            body["spoiler_text"] = warning
        return body

    async def _upload(self, picture: Picture) -> str:
        """The id of a picture on the server, once it is ready. One that no status shows is dropped after a while."""
        file = (picture.name, picture.content, picture.media_type.value)
        data = {"description": picture.alt}
        answer = await self._http.write("POST", "/api/v2/media", files={"file": file}, data=data)
        media_id = answer.text("id")
        for wait in _UNTIL_READY if answer.status == 202 else ():
            await asyncio.sleep(wait)
            answer = await self._http.read(f"/api/v1/media/{media_id}")
            if answer.status != 206:
                break
        if answer.accepted().status in (202, 206):
            raise Unreachable("nothing was sent: the server is still working on a picture")
        return media_id

    async def _here(self, rendering: Rendering, *, unchanged: bool = True) -> tuple[Rendering, dict[str, Any]]:
        """A reply with this server's own id of the status that it answers, and that status. Others are left as they are.

        Raises:
            Refused: the status is not there any more, or this server may not see it; or, where it must be ``unchanged``, its
                author has edited it and it says something else than what the approval was for, or it is our own.
        """
        answered = rendering.answers
        if answered is None:
            return rendering, {}
        status = await self._known(answered)
        if status is None:
            raise Refused(f"the post to answer is not there: {answered.id}")
        author = _object(status.get("account")).get("id")
        if unchanged and author and author == (await self._who())["id"]:
            raise Refused("the post to answer is our own")
        if unchanged and status.get("edited_at") and answered.digest and _digest(status) != answered.digest:
            raise Refused(f"the post to answer says something else now, for its author has edited it: {answered.id}")
        return rendering.model_copy(update={"reply_to": str(status["id"])}), status

    async def _known(self, answered: Answered) -> dict[str, Any] | None:
        """The status that is answered, as this server has it: one of its own by its id, those of others by their address
        (https://docs.joinmastodon.org/methods/search/, ``resolve``). None when there is none."""
        addresses = {answered.id, answered.url} - {""}

        def is_it(status: Any) -> bool:
            return isinstance(status, dict) and bool({status.get("uri"), status.get("url")} & addresses)

        place = urlsplit(answered.id)
        number = place.path.rpartition("/")[2]
        if place.netloc.lower() == urlsplit(self._settings.base_url).netloc.lower() and number.isalnum():
            answer = await self._http.read(f"/api/v1/statuses/{number}")
            if answer.status == 200 and is_it(answer.value) and answer.text("id"):
                return answer.body()
        params = {"q": answered.id, "type": "statuses", "resolve": "true", "limit": "5"}
        found = _object((await self._http.read("/api/v2/search", params=params)).body()).get("statuses") or []
        return next((s for s in found if is_it(s) and s.get("id")), None) if isinstance(found, list) else None

    async def _there(self, rendering: Rendering) -> list[dict[str, Any]]:
        """The parts of ``rendering`` that are on the timeline, from the first on."""
        recent = [status async for status in self._recent()]
        return standing(rendering, recent, made=_made, answered=_answered, says=_says, same=comparable, shows=_shows)

    async def _recent(self) -> AsyncIterator[dict[str, Any]]:
        account = await self._who()
        oldest = datetime.now(UTC) - LOOK_BACK
        params = {"limit": "40", "exclude_reblogs": "true"}
        for _ in range(PAGES):
            page = (await self._http.read(f"/api/v1/accounts/{account['id']}/statuses", params=params)).items()
            for status in page:
                if moment(status.get("created_at")) < oldest:
                    return
                yield status
            if not page:
                return
            params["max_id"] = str(page[-1].get("id"))
        raise Unknown(f"more than {PAGES * 40} statuses in {LOOK_BACK}; look at the account by hand")

    async def _who(self) -> dict[str, Any]:
        if not self._account:
            answer = await self._http.read("/api/v1/accounts/verify_credentials")
            answer.text("id")
            self._account = answer.body()
        return self._account

    async def _delete(self, status_id: str) -> None:
        answer = await self._http.write("DELETE", f"/api/v1/statuses/{status_id}")
        if answer.status not in {404, 410}:
            answer.accepted()

    def _receipt(self, posts: Sequence[dict[str, Any]]) -> Receipt:
        first = posts[0]
        raw = scrub({name: first[name] for name in _KEEP if name in first}, self._http.secrets)
        return Receipt(
            id=str(first["id"]),
            url=str(first.get("url") or first.get("uri") or ""),
            accepted_at=moment(first.get("edited_at") or first.get("created_at")),
            raw={**raw, "parts": [str(post["id"]) for post in posts]},
        )


def _picture_limits(
    usual: PictureLimits | None, statuses: dict[str, Any], media: dict[str, Any], source: str
) -> PictureLimits | None:
    """What a server says of pictures, over what is usual; None when it takes none."""
    if usual is None or statuses.get("max_media_attachments") == 0:
        return None
    says = {
        "most": statuses.get("max_media_attachments"),
        "size": media.get("image_size_limit"),
        "pixels": media.get("image_matrix_limit"),
        "alt": media.get("description_limit"),
    }
    told: dict[str, Any] = {name: n for name, n in says.items() if isinstance(n, int) and n > 0}
    if types := frozenset(t for t in MediaType if t.value in (media.get("supported_mime_types") or ())):
        told["types"] = types
    return usual.model_copy(update={**told, "source": source})


def comparable(text: str) -> str:
    """``text`` without what a server may change: white space, Unicode form, and the host of a mention."""
    return "".join(_REMOTE.sub(r"\1", unicodedata.normalize("NFC", text)).split())


def _made(post: dict[str, Any]) -> datetime:
    return moment(post.get("created_at"))


def _no_wider(wanted: str, answered: dict[str, Any]) -> str:
    """The visibility of a reply: no wider than that of the post it answers, which Mastodon's own pages do as well
    (https://github.com/mastodon/mastodon, reducers/compose.js, ``privacyPreference``)."""
    theirs = str(answered.get("visibility"))
    return min(wanted, theirs, key=_WIDTHS.index) if {wanted, theirs} <= {*_WIDTHS} else wanted


def _digest(status: dict[str, Any]) -> str:
    """The SHA-256 of a status's text, as a source would tell it."""
    mention = mastodon_mention(status)
    return sha256(mention.text.encode(errors="surrogatepass")).hexdigest() if mention else ""


def _answered(status: dict[str, Any]) -> str:
    return str(status.get("in_reply_to_id") or "")


def _shows(status: dict[str, Any]) -> int:
    return len(status.get("media_attachments") or ())


def _says(status: dict[str, Any]) -> str:
    return plain(str(status.get("content", "")))


def _status(answer: Answer) -> dict[str, Any]:
    answer.text("id")
    return answer.body()


def _object(value: Any) -> dict[str, Any]:
    """A part of an answer that may be missing; raises ``Unknown`` when it is something else."""
    if value is not None and not isinstance(value, dict):
        raise Unknown("the server describes itself with something that is no JSON object")
    return value or {}


def _language(tag: str) -> str:
    """What Mastodon knows of a BCP 47 tag: the language, and of Chinese, which of three
    (https://github.com/mastodon/mastodon/blob/main/app/helpers/languages_helper.rb)."""
    primary, *more = tag.replace("_", "-").lower().split("-")
    written = {"cn": "zh-CN", "hk": "zh-HK", "tw": "zh-TW", "hans": "zh-CN", "hant": "zh-TW"}
    regions = [one for one in more if one in written]
    return written[regions[-1]] if primary == "zh" and regions else primary

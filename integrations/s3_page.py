"""A static press page in an S3 bucket: one page a statement, and a list of all as a page, a JSON Feed and an Atom feed.

Promises: a statement's page is made only where none is (``If-None-Match: *``), under a name made of its key, so it is
there once however often it is sent; the lists are changed only from the state that was read (``If-Match``), so writers
at the same time lose nothing of each other's. A statement that is there but not on every list yet counts as not yet
published: publishing again finishes it. Pictures lie beside the pages, and are there before the page that shows them.
What people read is byte for byte the approved HTML. A page with a name of its own (of questions and answers) stays at one
address: each version is put in the place of the one that was read, and never in the place of a newer one.
API: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, ClassVar

from pydantic import Field, field_validator

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.pictures import Picture, PictureLimits
from crisis.read_back import OnPlatform
from crisis.statement import PAGE, PAGE_MADE, Rendering
from integrations.aws import Rejected
from integrations.outcomes import IntegrationError, Misconfigured, Refused, Unknown, before_sending, looking_up
from integrations.press import Item, Page, atom_feed, html_page, json_feed, read_json_feed, with_item
from integrations.protocols import Health, hold_to
from integrations.s3 import CONFLICTS, Bucket, BucketSettings, agreed

FEED, ATOM, INDEX, PROBE = "feed.json", "feed.xml", "index.html", ".fireline-check"
HTML, JSON = "text/html; charset=utf-8", "application/feed+json; charset=utf-8"
LISTS = {ATOM: (atom_feed, "application/atom+xml; charset=utf-8"), INDEX: (html_page, HTML)}
"""What is made from the JSON Feed."""
MARK = "fireline"
"""Our name in an object's metadata: of a statement, its own name; of a list, the ETag of the JSON Feed it shows."""
MADE = "fireline-made"
"""In a standing page's metadata: when its version was made."""
NOBODY = '"00000000000000000000000000000000"'
"""An ETag that no object has."""


class S3PageSettings(BucketSettings):
    """Settings of a press page on S3."""

    web_url: str = Field(
        examples=["https://press.example.com"],
        description="Where people read the folder, such as https://press.acme.example",
    )
    title: str = Field(default="Newsroom", min_length=1, description="What the page is called")
    max_age: int = Field(default=60, ge=0, description="Seconds that browsers and CDNs may keep a page")

    @field_validator("web_url")
    @classmethod
    def _web(cls, value: str) -> str:
        return cls._http(value)


class S3Page:
    """A ``Publisher``; the IAM policy needs ``s3:ListBucket``, and ``s3:GetObject``, ``PutObject`` and ``DeleteObject``."""

    kind: ClassVar[str] = "s3_page"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.CREATE_IF_ABSENT
    settings_model: ClassVar[type[S3PageSettings]] = S3PageSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=100_000,  # S3 takes 5 GB; nobody reads that
        subject=255,
        html=True,
        standing_page=True,
        pictures=PictureLimits(
            most=10,
            size=5_000_000,  # what people wait for
            alt=2_000,
            address="../pictures/{sha256}.{suffix}",
            source="https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html",
        ),
        source="https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html",
    )

    def __init__(self, settings: S3PageSettings) -> None:
        self._bucket = Bucket(settings)
        self._web, self._cached = settings.web_url, f"public, max-age={settings.max_age}"
        self._page = Page(title=settings.title, url=f"{self._web}/", json_url=self._url(FEED), atom_url=self._url(ATOM))

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        if not rendering.html or not rendering.subject.strip():
            raise Refused("a press page needs a headline and HTML; nothing was sent")
        if PAGE in rendering.options:
            return await self._keep(rendering, key)
        name = _name(key)
        with before_sending():
            await self._feed()
            for picture in rendering.media:
                await self._hang(picture)
        await self._place(name, rendering)
        try:
            there = await self._ours(name)
            await self._list(lambda items: with_item(items, self._item(name, rendering, _at(there))))
        except (Refused, Misconfigured) as error:
            await self._undo(name, error)
            raise
        return self._receipt(name, there)

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        """There when the statement's page is, and every list has it."""
        name = mark = _name(key)
        if rendering is not None and PAGE in rendering.options:
            name = _standing(rendering)
        with looking_up():
            there = await self._bucket.head(name)
            if there is None or _mark(there) != mark:
                return None
            tag, items = await self._feed()
            if self._url(name) not in {item.id for item in items}:
                return None
            for listed in LISTS:
                made = await self._bucket.head(listed)
                if made is None or _mark(made) != _bare(tag):
                    return None
        return self._receipt(name, there, mark if name != mark else "")

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        hold_to(self.limits, rendering)
        name = receipt.id
        with before_sending():
            there = await self._bucket.head(name)
            for picture in rendering.media:
                await self._hang(picture)
        mark = str(receipt.raw.get(MARK, name))
        if there is None or _mark(there) != mark:
            raise Refused("the statement's page is not there any more; publish a correction")
        await self._put(
            name,
            rendering.html.encode(),
            HTML,
            mark,
            replaces=there["ETag"],
            language=rendering.language,
            made=rendering.options.get(PAGE_MADE, ""),
        )
        item = self._item(name, rendering, receipt.accepted_at)
        changed = item.model_copy(update={"date_modified": datetime.now(UTC).replace(microsecond=0)})
        await self._list(lambda items: with_item(items, changed))
        return receipt

    async def read(self, receipt: Receipt) -> OnPlatform:
        with looking_up():
            found = await self._bucket.get(receipt.id)
        return OnPlatform(parts=(None if found is None else found[1].decode("utf-8", "replace"),), is_html=True)

    async def withdraw(self, receipt: Receipt) -> None:
        if MARK in receipt.raw:
            there = await self._bucket.head(receipt.id)
            if there is None or _mark(there) != receipt.raw[MARK]:
                return  # a newer version has taken its place already
        _, items = await self._feed()
        shown = {one for item in items if item.id == self._url(receipt.id) for one in item.pictures}
        for name in shown - {one for item in items if item.id != self._url(receipt.id) for one in item.pictures}:
            await self._bucket.delete(name)
        await self._bucket.delete(receipt.id)
        await self._list(lambda items: tuple(item for item in items if item.id != self._url(receipt.id)))

    async def check(self) -> Health:
        """Reads the list, and tries a write whose condition cannot hold: it must be allowed, and nothing is written."""
        try:
            await self._bucket.aws.read("head_bucket", Bucket=self._bucket.name)
            _, items = await self._feed()
            try:
                await self._put(PROBE, b"", HTML, "", replaces=NOBODY)
            except Rejected as error:
                if error.code not in CONFLICTS:
                    raise
            else:
                await self._bucket.delete(PROBE)
                return Health(ok=False, says="this endpoint ignores conditions on writes: posts could be doubled there")
        except IntegrationError as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says=f"writes to {self._bucket.address()}, {len(items)} statements there")

    async def close(self) -> None:
        await self._bucket.aws.close()

    async def _keep(self, rendering: Rendering, key: str) -> Receipt:
        """Put a page that has a name of its own in the place of its version before."""
        name, mark, made = _standing(rendering), _name(key), rendering.options.get(PAGE_MADE, "0")

        async def put() -> None:
            with before_sending():
                await self._feed()
                there = await self._bucket.head(name)
                if there is not None and _mark(there) == mark:
                    return
                if there is not None and not _mark(there):
                    raise Refused(f"{self._bucket.address(name)} is not of Fireline's making: move it away")
                if there is not None and int(there["Metadata"].get(MADE, "0")) > int(made):
                    raise Refused("a newer version of this page is there already; nothing was sent")
            content = rendering.html.encode()
            replaces = there["ETag"] if there else ""
            await self._put(name, content, HTML, mark, replaces=replaces, language=rendering.language, made=made)

        await agreed(put)
        there = await self._ours(name)
        at = _at(there)
        try:
            await self._list(lambda items: with_item(items, self._item(name, rendering, at)))
        except (Refused, Misconfigured) as error:
            raise Unknown(f"{error}; the page itself is there") from error
        return self._receipt(name, there, mark)

    async def _hang(self, picture: Picture) -> None:
        """Put a picture beside the pages, once for all that show it."""
        name = _picture(picture)
        if await self._bucket.head(name) is None:
            try:
                await self._bucket.put(name, picture.content, picture.media_type.value, CacheControl=self._cached)
            except Rejected as error:
                if error.code not in CONFLICTS:  # else the same bytes have come there meanwhile
                    raise

    async def _place(self, name: str, rendering: Rendering) -> None:
        """Make the statement's page unless it is there."""

        async def made() -> None:
            with before_sending():
                there = await self._bucket.head(name)
            if there is None:
                await self._put(name, rendering.html.encode(), HTML, name, language=rendering.language)
            elif _mark(there) != name:
                raise Refused(f"{self._bucket.address(name)} is not of Fireline's making: move it away")

        await agreed(made)

    async def _ours(self, name: str) -> dict[str, Any]:
        there = await self._bucket.head(name)
        if there is None:
            raise Unknown(f"Amazon S3 took {self._bucket.address(name)}, but does not show it")
        return there

    async def _list(self, change: Callable[[tuple[Item, ...]], tuple[Item, ...]]) -> None:
        """Change the JSON Feed, and make the other lists from it. Changing twice is no different from once."""

        async def feed() -> None:
            tag, items = await self._feed()
            if not tag or change(items) != items:
                await self._put(FEED, json_feed(self._page, change(items)), JSON, "", replaces=tag)

        await agreed(feed)
        for name, (write, content_type) in LISTS.items():

            async def made(name: str = name, write: Any = write, content_type: str = content_type) -> None:
                before = await self._bucket.head(
                    name
                )  # before the feed is read: a later feed then makes the write fail
                tag, items = await self._feed()
                if before is None or _mark(before) != _bare(tag):
                    replaces = before["ETag"] if before else ""
                    await self._put(name, write(self._page, items), content_type, _bare(tag), replaces=replaces)

            await agreed(made)

    async def _feed(self) -> tuple[str, tuple[Item, ...]]:
        """The ETag of the JSON Feed, empty when there is none, and what it lists."""
        found = await self._bucket.get(FEED)
        try:
            return (found[0], read_json_feed(found[1])) if found else ("", ())
        except ValueError as error:
            raise Misconfigured(
                f"{self._bucket.address(FEED)} is no feed of Fireline's ({error}): move it away"
            ) from None

    async def _put(
        self,
        name: str,
        content: bytes,
        content_type: str,
        mark: str,
        *,
        replaces: str = "",
        language: str = "",
        made: str = "",
    ) -> None:
        more = {"ContentLanguage": language} if language.isascii() and language.replace("-", "").isalnum() else {}
        more["CacheControl"] = self._cached
        marks = {MARK: mark} | ({MADE: made} if made else {})
        await self._bucket.put(name, content, content_type, replaces=replaces, Metadata=marks, **more)

    async def _undo(self, name: str, why: IntegrationError) -> None:
        try:
            await self._bucket.delete(name)
        except IntegrationError as error:
            raise Unknown(f"{why}; the statement's page is still there, it could not be taken back: {error}") from error

    def _url(self, name: str) -> str:
        return f"{self._web}/{name}"

    def _item(self, name: str, rendering: Rendering, at: datetime) -> Item:
        return Item(
            id=self._url(name),
            title=" ".join(rendering.subject.split()),
            content_text=rendering.text,
            language=rendering.language,
            date_published=at,
            date_modified=at,
            pictures=tuple(_picture(picture) for picture in rendering.media),
        )

    def _receipt(self, name: str, there: dict[str, Any], mark: str = "") -> Receipt:
        """``mark``: of a page that has a name of its own, which version of it is there."""
        raw = {"parts": [name], "place": self._bucket.address(name), "etag": _bare(str(there.get("ETag", "")))}
        if mark:
            raw[MARK] = mark
        return Receipt(id=name, url=self._url(name), accepted_at=_at(there), raw=raw)


def _name(key: str) -> str:
    """The statement's object, named after its key."""
    plain = key if key.isascii() and key.isalnum() and len(key) <= 64 else sha256(key.encode()).hexdigest()
    return f"statements/{plain}.html"


def _standing(rendering: Rendering) -> str:
    """The object of a page that has a name of its own."""
    name = rendering.options[PAGE]
    if not name.isascii() or not name.replace("-", "").isalnum() or not rendering.options.get(PAGE_MADE, "0").isdigit():
        raise Refused(f"{name[:60]!r} cannot be the name of a page: letters, digits and hyphens; nothing was sent")
    return f"pages/{name}.html"


def _picture(picture: Picture) -> str:
    return f"pictures/{picture.sha256}.{picture.media_type.suffix}"


def _mark(there: dict[str, Any]) -> str:
    return str(there["Metadata"].get(MARK, ""))


def _bare(tag: str) -> str:
    """An ETag without its quotation marks, as metadata may hold it."""
    return tag.strip('"')


def _at(there: dict[str, Any]) -> datetime:
    at = there.get("LastModified")
    return at.astimezone(UTC) if isinstance(at, datetime) else datetime.now(UTC).replace(microsecond=0)

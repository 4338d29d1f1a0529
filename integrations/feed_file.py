"""Feeds in a folder of a web server: each statement in a JSON Feed, an Atom feed and an RSS 2.0 feed.

Promises: a statement is in the feeds once, however often it is sent, under an id made of its key; a file is replaced
whole or not at all, so that readers never see half of one; writers at the same time (on one machine) wait for each
other. The JSON Feed holds everything, and the others are made from it: what is not in all of them yet counts as not
published, and publishing again finishes it. What feed readers fetched before a withdrawal, they keep.
Formats: https://www.jsonfeed.org/version/1.1/, RFC 4287, https://www.rssboard.org/rss-specification.
"""

import asyncio
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import Field

from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Receipt
from crisis.statement import Rendering
from integrations.http import Connection
from integrations.outcomes import Misconfigured, Refused, Unknown, Unreachable, looking_up
from integrations.press import Item, Page, atom_feed, json_feed, read_json_feed, rss_feed, with_item
from integrations.protocols import Health, hold_to

FEED, ATOM, RSS, LOCK = "feed.json", "feed.xml", "rss.xml", ".fireline-lock"
MADE = {ATOM: atom_feed, RSS: rss_feed}
"""What is made from the JSON Feed."""
T = TypeVar("T")


class FeedFileSettings(Connection):
    """Settings of a folder with feeds."""

    base_url: str = Field(examples=["https://www.example.com/newsroom"], description="Where people read the folder")
    directory: Path = Field(examples=["/srv/www/newsroom"], description="The folder, which the web server serves")
    title: str = Field(default="Newsroom", min_length=1, description="What the feeds are called")


class FeedFile:
    """A ``Publisher``."""

    kind: ClassVar[str] = "feed_file"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.CREATE_IF_ABSENT
    settings_model: ClassVar[type[FeedFileSettings]] = FeedFileSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=100_000, subject=255, source="https://www.jsonfeed.org/version/1.1/ (sets none; nobody reads more)"
    )

    def __init__(self, settings: FeedFileSettings) -> None:
        self._folder, self._web = settings.directory, settings.base_url
        self._page = Page(
            title=settings.title,
            url=f"{self._web}/",
            json_url=f"{self._web}/{FEED}",
            atom_url=f"{self._web}/{ATOM}",
        )

    @property
    def limits(self) -> Limits:
        return self.platform_limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        if not rendering.subject.strip():
            raise Refused("an entry of a feed needs a headline; nothing was written")
        now = datetime.now(UTC).replace(microsecond=0)
        new = self._item(self._id(key), rendering, published=now, changed=now)

        def add(items: tuple[Item, ...]) -> tuple[Item, ...]:
            return items if any(item.id == new.id for item in items) else with_item(items, new)

        items = await asyncio.to_thread(self._change, add)
        return _receipt(next(item for item in items if item.id == new.id))

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        """There when every feed has it."""
        wanted = self._id(key)

        def look() -> Receipt | None:
            items = self._items()
            made = all(self._bytes(name) == write(self._page, items) for name, write in MADE.items())
            found = next((item for item in items if item.id == wanted), None)
            return _receipt(found) if found and made else None

        with looking_up():
            return await asyncio.to_thread(self._locked, look)

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        hold_to(self.limits, rendering)
        now = datetime.now(UTC).replace(microsecond=0)

        def change(items: tuple[Item, ...]) -> tuple[Item, ...]:
            before = next((item for item in items if item.id == receipt.id), None)
            if before is None:
                raise Refused("the entry is not in the feed any more; publish a correction")
            return with_item(items, self._item(before.id, rendering, published=before.date_published, changed=now))

        await asyncio.to_thread(self._change, change)
        return receipt

    async def withdraw(self, receipt: Receipt) -> None:
        await asyncio.to_thread(self._change, lambda items: tuple(i for i in items if i.id != receipt.id))

    async def check(self) -> Health:
        """Reads the feed, and sees whether files can be made there; nothing stays."""
        try:
            count = len(await asyncio.to_thread(self._locked, self._items))
        except (Misconfigured, Unreachable) as error:
            return Health(ok=False, says=str(error))
        return Health(ok=True, says=f"writes to {self._folder}, {count} statements there")

    async def close(self) -> None:
        """Nothing is held open."""

    def _id(self, key: str) -> str:
        return f"{self._web}/#{sha256(key.encode()).hexdigest()[:16]}"

    def _item(self, name: str, rendering: Rendering, *, published: datetime, changed: datetime) -> Item:
        return Item(
            id=name,
            title=rendering.subject,
            content_text=rendering.text,
            language=rendering.language,
            date_published=published,
            date_modified=changed,
        )

    def _change(self, change: Callable[[tuple[Item, ...]], tuple[Item, ...]]) -> tuple[Item, ...]:
        """Change the JSON Feed, then make the others from it; all that is right already stays."""

        def changed() -> tuple[Item, ...]:
            before = self._items()
            items = change(before)
            out = False
            try:
                if items != before or self._bytes(FEED) is None:
                    _replace(self._folder / FEED, json_feed(self._page, items))
                    out = True
                for name, write in MADE.items():
                    content = write(self._page, items)
                    if self._bytes(name) != content:
                        _replace(self._folder / name, content)
            except OSError as error:
                if out:
                    raise Unknown(f"the feeds in {self._folder} differ: {error.strerror}; write again") from None
                raise
            return items

        return self._locked(changed)

    def _locked(self, act: Callable[[], T]) -> T:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with _lock(self._folder / LOCK):
                return act()
        except OSError as error:
            raise Unreachable(f"{self._folder} cannot be written to, nothing is there: {error.strerror}") from None

    def _items(self) -> tuple[Item, ...]:
        content = self._bytes(FEED)
        try:
            return read_json_feed(content) if content is not None else ()
        except ValueError as error:
            raise Misconfigured(f"{self._folder / FEED} is no feed of Fireline's ({error}): move it away") from None

    def _bytes(self, name: str) -> bytes | None:
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole, and readable by the web server, or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _receipt(item: Item) -> Receipt:
    return Receipt(id=item.id, url=item.url, accepted_at=item.date_published, raw={"parts": [item.id]})

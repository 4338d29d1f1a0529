"""The sandbox: a channel and notifier that write what would have gone out to files, for drills, demos and first steps.

Promises: one file per key, complete or absent (written aside, synced, then linked into place: create-if-absent), never
changed afterwards. An amendment is a further file, a withdrawal a marker; ``posts`` reads it all back for the desk.
"""

import asyncio
import hashlib
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from config.whole_file import create_if_absent
from crisis.counting import Limits
from crisis.delivery import DeliveryClass, Purpose, Receipt
from crisis.pictures import PictureLimits
from crisis.read_back import OnPlatform
from crisis.stakeholder import Route
from crisis.statement import Part, Rendering, Target
from crisis.values import Frozen, UtcDatetime
from integrations.kinds import integration, is_kind, kinds
from integrations.outcomes import Misconfigured, Refused, Unreachable
from integrations.protocols import Health, Message, hold_to


class SandboxSettings(BaseModel):
    """Settings of a sandbox channel or notifier."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(default="http://127.0.0.1:8420", description="The desk's address, where the posts are shown")
    timeout: float = Field(default=10.0, gt=0, description="Not used: files answer at once")
    directory: Path = Field(examples=["sandbox"], description="Folder for the posts; made when it is missing")
    looks_like: str = Field(default="", description="Another kind, whose limits then hold: mastodon, bluesky ...")

    @model_validator(mode="after")
    def _a_kind(self) -> Self:
        if self.looks_like and not is_kind(self.looks_like, "channel"):
            known = ", ".join(kinds("channel"))
            raise ValueError(f"looks_like: there is no channel kind {self.looks_like!r}; there are: {known}")
        return self


class Post(Frozen):
    """What would have gone out, and what became of it."""

    id: str
    key: str
    purpose: Purpose
    looks_like: str = ""
    url: str
    at: UtcDatetime
    """Of this version."""
    rendering: Rendering
    thread: str = ""
    """The incident, for a notice."""
    link: str = ""
    version: int = 1
    earlier: tuple[Rendering, ...] = ()
    """Former versions, oldest first."""
    withdrawn_at: UtcDatetime | None = None


class Sandbox:
    """A ``Publisher`` and a ``Notifier``."""

    kind: ClassVar[str] = "sandbox"
    delivery_class: ClassVar[DeliveryClass] = DeliveryClass.CREATE_IF_ABSENT
    settings_model: ClassVar[type[SandboxSettings]] = SandboxSettings
    platform_limits: ClassVar[Limits] = Limits(
        length=25_000,
        threads=True,
        pictures=PictureLimits(
            most=10,
            size=20_000_000,
            alt=2_000,
            source="the sandbox sets no limit of its own; this is about the most that any channel takes",
        ),
        source="the sandbox sets no limit of its own; this is about the longest that any channel takes",
    )

    def __init__(self, settings: SandboxSettings) -> None:
        self._settings = settings

    @property
    def limits(self) -> Limits:
        if not self._settings.looks_like:
            return self.platform_limits
        limits: Limits = integration(self._settings.looks_like).platform_limits
        return limits

    async def publish(self, rendering: Rendering, key: str) -> Receipt:
        hold_to(self.limits, rendering)
        return await self._create(self._post(Purpose.STATEMENT, rendering, key))

    async def notify(self, message: Message, route: Route) -> Receipt:
        text = message.full_text
        rendering = Rendering(
            target=Target(channel=route.notifier, kind=self.kind, address=route.address),
            parts=(Part(text=text, length=len(text), limit=max(1, len(text))),),
            subject=message.subject,
            html=message.html,
        )
        post = self._post(Purpose.NOTICE, rendering, message.key)
        return await self._create(post.model_copy(update={"thread": message.thread, "link": message.link}))

    async def find(self, key: str, rendering: Rendering | None = None) -> Receipt | None:
        path = self._settings.directory / f"{post_id(key)}.json"
        found = await asyncio.to_thread(_read, path)
        return _receipt(found) if found and not path.with_suffix(".withdrawn").exists() else None

    async def amend(self, receipt: Receipt, rendering: Rendering) -> Receipt:
        if self._settings.looks_like == "smtp":
            raise Refused("a mail cannot be changed once sent; send a correction")
        hold_to(self.limits, rendering)
        versions = await asyncio.to_thread(_versions, self._settings.directory, post_id(receipt.id))
        if not versions:
            raise Refused(f"the sandbox has no post {receipt.id}")
        new = versions[-1].model_copy(
            update={"rendering": rendering, "version": versions[-1].version + 1, "at": datetime.now(UTC)}
        )
        return await self._create(new)

    async def read(self, receipt: Receipt) -> OnPlatform:
        found = await asyncio.to_thread(latest, self._settings.directory, post_id(receipt.id))
        if found is None or found.withdrawn_at:
            return OnPlatform(parts=(None,))
        return OnPlatform(parts=tuple(part.text for part in found.rendering.parts))

    async def withdraw(self, receipt: Receipt) -> None:
        if self._settings.looks_like == "smtp":  # a drill must not teach that a mail could be taken back
            raise Refused("a mail cannot be taken back; send a correction")
        path = self._settings.directory / f"{post_id(receipt.id)}.withdrawn"
        await self._write(path, datetime.now(UTC).isoformat())

    async def check(self) -> Health:
        folder = self._settings.directory
        try:
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        except OSError as error:
            return Health(ok=False, says=f"the folder cannot be made: {error.strerror}; set another directory")
        if not os.access(folder, os.W_OK):
            return Health(ok=False, says="the folder cannot be written to; set another directory")
        looks = f", with the limits of {self._settings.looks_like}" if self._settings.looks_like else ""
        return Health(ok=True, says=f"writes files, publishes nothing{looks}")

    async def close(self) -> None:
        """Nothing is held open."""

    def _post(self, purpose: Purpose, rendering: Rendering, key: str) -> Post:
        name = post_id(key)
        return Post(
            id=name,
            key=key,
            purpose=purpose,
            looks_like=self._settings.looks_like,
            url=f"{self._settings.base_url.rstrip('/')}/sandbox#{name}",
            at=datetime.now(UTC),
            rendering=rendering,
        )

    async def _create(self, post: Post) -> Receipt:
        name = post.id if post.version == 1 else f"{post.id}.v{post.version}"
        path = self._settings.directory / f"{name}.json"
        await self._write(path, post.model_dump_json(indent=1))
        there = await asyncio.to_thread(_read, path)
        return _receipt(there or post)

    async def _write(self, path: Path, content: str) -> None:
        try:
            await asyncio.to_thread(create_if_absent, path, content.encode())
        except OSError as error:
            raise Unreachable(f"the sandbox could not write, nothing is there: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class Heading:
    """A post of a sandbox folder, in its latest version, without what it says."""

    id: str
    key: str
    purpose: Purpose
    at: datetime


_headings: dict[str, tuple[tuple[int, ...], Heading]] = {}
"""By path, as the file was when it was read: the desk asks for all of a folder at each look."""
_MOST = 100_000


def headings(directory: Path) -> list[Heading]:
    """Every post of a sandbox folder, newest first, each file read once; an absent folder has none.

    Raises:
        Misconfigured: a file in it is not a post.
    """
    try:
        files = {entry.name: entry for entry in os.scandir(directory) if entry.name.endswith(".json")}
    except FileNotFoundError:
        return []
    found = []
    for name in files:
        stem, version = name.removesuffix(".json"), 1
        if "." in stem:
            continue
        while f"{stem}.v{version + 1}.json" in files:
            version += 1
        newest = files[name if version == 1 else f"{stem}.v{version}.json"]
        if heading := _heading(Path(newest.path), newest.stat()):
            found.append(heading)
    return sorted(found, key=lambda heading: heading.at, reverse=True)


def _heading(path: Path, now: os.stat_result) -> Heading | None:
    stamp = (now.st_ino, now.st_size, now.st_mtime_ns)
    known = _headings.get(str(path))
    if known is None or known[0] != stamp:
        post = _read(path)
        if post is None:
            return None
        if len(_headings) >= _MOST:
            _headings.clear()
        known = _headings[str(path)] = stamp, Heading(post.id, post.key, post.purpose, post.at)
    return known[1]


def posts(directory: Path) -> list[Post]:
    """Every post of a sandbox folder in its latest version, newest first; an absent folder has none."""
    return [post for heading in headings(directory) if (post := latest(directory, heading.id))]


def post_id(key: str) -> str:
    """The file name for ``key``: itself where that is a safe name, else its SHA-256."""
    return key if re.fullmatch(r"[0-9A-Za-z_-]{1,100}", key) else hashlib.sha256(key.encode()).hexdigest()


def _receipt(post: Post) -> Receipt:
    raw: dict[str, Any] = {"parts": [post.id], "version": post.version, "looks_like": post.looks_like}
    return Receipt(id=post.id, url=post.url, accepted_at=post.at, raw=raw)


def latest(directory: Path, name: str) -> Post | None:
    """A post in its latest version; None where there is none of that id.

    Raises:
        Misconfigured: its file is not a post.
    """
    versions = _versions(directory, name)
    if not versions:
        return None
    marker = directory / f"{name}.withdrawn"
    withdrawn_at = datetime.fromisoformat(marker.read_text()) if marker.exists() else None
    earlier = tuple(v.rendering for v in versions[:-1])
    return versions[-1].model_copy(update={"earlier": earlier, "withdrawn_at": withdrawn_at})


def _versions(directory: Path, name: str) -> list[Post]:
    versions: list[Post] = []
    while post := _read(directory / (f"{name}.v{len(versions) + 1}.json" if versions else f"{name}.json")):
        versions.append(post)
    return versions


def _read(path: Path) -> Post | None:
    try:
        return Post.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise Misconfigured(f"{path.name} in the sandbox's folder is not a post: {error}; move it away") from None

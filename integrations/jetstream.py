"""Bluesky's Jetstream: every public post of the network as JSON over a websocket. https://github.com/bluesky-social/jetstream

The cursor is ``time_us`` of the last event, in microseconds since 1970; it is the same on every public instance, so
``base_url`` may be changed at any time. A connection begins ``REWIND`` before it, as the documentation advises. An
instance keeps a limited past (about a day): when it begins later than asked, the gap is told. With ``dictionary``, the
zstd dictionary of that repository, messages come compressed to about half; the file is not shipped here. Without one that
fits, messages come as JSON, and it is said. A message that cannot be read is counted and skipped.
"""

import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import msgspec
import zstandard
from pydantic import Field

from integrations.bluesky_posts import COLLECTION, bluesky_mention
from integrations.http import Http
from integrations.listening import LiveSource, Posts
from integrations.outcomes import Misconfigured, Unknown
from integrations.sockets import LARGEST_MESSAGE, SocketConnection, socket

log = logging.getLogger(__name__)

REWIND = 3_000_000
"""Microseconds."""
GAP = 120_000_000
"""Microseconds: a stream of all posts that begins so much later than asked has lost the posts between."""
LOOK_EVERY = 1.0
"""Seconds after which a post is read whatever it says."""
DICTIONARY = (
    "https://github.com/bluesky-social/jetstream/raw/main/internal/subscribe/dictionaries/legacy_subscribe.zdict"
    " (112,640 bytes, MIT or Apache-2.0)"
)
"""Where the dictionary of ``/subscribe`` is: number 1612007021, also ``pkg/models/zstd_dictionary`` of jetstream-legacy."""
QUIET = 60.0
"""Seconds without any post on the whole network: the connection is dead."""


class JetstreamSettings(SocketConnection):
    """Settings of a Jetstream instance."""

    base_url: str = Field(
        default="https://jetstream2.us-east.bsky.network", description="The instance, wss://... or https://..."
    )
    dictionary: Path | None = Field(default=None, description="The zstd dictionary file; turns compression on")
    wanted_dids: tuple[str, ...] = Field(default=(), max_length=10_000, description="Only these accounts; empty: all")
    quiet: float = Field(default=QUIET, gt=0, description="Seconds without a post after which to connect again")


class _Commit(msgspec.Struct):
    operation: str = ""
    collection: str = ""
    rkey: str = ""
    record: dict[str, object] | None = None


class _Event(msgspec.Struct):
    did: str
    time_us: int
    kind: str = ""
    commit: _Commit | None = None


_EVENT = msgspec.json.Decoder(_Event)


class Jetstream(LiveSource):
    """A ``Source``."""

    kind: ClassVar[str] = "jetstream"
    settings_model: ClassVar[type[JetstreamSettings]] = JetstreamSettings

    def __init__(self, settings: JetstreamSettings) -> None:
        super().__init__(Http("Jetstream", settings))
        self._settings = settings
        self._decompress: zstandard.ZstdDecompressor | None = None
        self._decompressed = False
        self.plain = ""
        """Why messages come uncompressed although a dictionary is set."""
        try:
            self._decompress = _decompressor(settings.dictionary) if settings.dictionary else None
        except (OSError, ValueError, zstandard.ZstdError) as error:
            self._give_up_compression(f"the zstd dictionary {settings.dictionary} cannot be used ({error})")
        self.unreadable = 0
        """Messages that were skipped."""

    async def session(self, cursor: str) -> Posts:
        asked, looked_at = _behind(cursor), 0.0
        async with socket("Jetstream", self._settings, "/subscribe", params=self._params(asked)) as stream:
            async for message in stream.messages(quiet=self._settings.quiet, decoded=False):
                line = self._line(message)
                now = time.monotonic()
                if self.only is not None and now < looked_at + LOOK_EVERY and not self.only(line):
                    continue
                event, looked_at = self._event(line), now
                if event is None:
                    continue
                if asked and event.time_us - asked > GAP:
                    self.pulse.gap(
                        f"the instance keeps no posts from before {_moment(event.time_us):%d %b %H:%M:%S} UTC"
                    )
                asked = 0
                self.pulse.contact()
                commit = event.commit
                if commit is None or commit.operation != "create" or commit.collection != COLLECTION:
                    continue
                mention = bluesky_mention(event.did, commit.rkey, commit.record, _moment(event.time_us))
                if mention is not None:
                    self.pulse.carried(_moment(event.time_us))
                    yield str(event.time_us), mention

    async def prove(self) -> str:
        try:
            readable = await self._first_is_readable()
        except Unknown:
            if not self.plain:
                raise
            readable = await self._first_is_readable()
        if not readable:
            raise Misconfigured("Jetstream sends what cannot be read: check base_url, and the dictionary if one is set")
        if self.plain:
            return f"posts arrive, uncompressed: {self.plain}"
        return "posts arrive" + (", compressed" if self._decompressed else "")

    async def _first_is_readable(self) -> bool:
        async with socket("Jetstream", self._settings, "/subscribe", params=self._params(0)) as stream:
            first = stream.messages(quiet=self._settings.timeout, decoded=False)
            return self._event(self._line(await anext(first))) is not None

    def _params(self, asked: int) -> list[tuple[str, str]]:
        params = [("wantedCollections", COLLECTION), ("maxMessageSizeBytes", str(LARGEST_MESSAGE))]
        params += [("wantedDids", did) for did in self._settings.wanted_dids]
        params += [("compress", "true")] if self._decompress else []
        return params + ([("cursor", str(asked - REWIND))] if asked else [])

    def _line(self, message: str | bytes) -> bytes:
        """The JSON of a message; of one that cannot be decompressed, the message."""
        line = message.encode() if isinstance(message, str) else message
        if not (self._decompress and line.startswith(zstandard.FRAME_HEADER)):
            return line
        try:
            if zstandard.frame_content_size(line) > LARGEST_MESSAGE:
                return line  # it would be made whole whatever the limit: a few kilobytes can say a terabyte
            line = self._decompress.decompress(line, max_output_size=LARGEST_MESSAGE)
        except zstandard.ZstdError as error:
            if not self._decompressed:
                self._give_up_compression(f"{self._settings.dictionary} is not the dictionary it is compressed with")
                raise Unknown(f"Jetstream compresses in another way ({error}); going on uncompressed") from None
            return line
        self._decompressed = True
        return line

    def _give_up_compression(self, why: str) -> None:
        self._decompress = None
        self.plain = f"{why}; the one for Jetstream is {DICTIONARY}"
        log.warning("Jetstream: messages come as JSON, uncompressed: %s", self.plain)

    def _event(self, line: bytes) -> _Event | None:
        try:
            event = _EVENT.decode(line)
            _moment(event.time_us)
        except (msgspec.MsgspecError, ValueError, OverflowError, OSError, RecursionError) as error:
            self.unreadable += 1
            if self.unreadable in {1, 100, 10_000}:
                log.warning("Jetstream: %d messages could not be read (%s)", self.unreadable, type(error).__name__)
            return None
        return event


def _behind(cursor: str) -> int:
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 17):
        raise Misconfigured(f"{cursor[:40]!r} is no cursor of Jetstream; start it without one")
    return int(cursor)


def _moment(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)


def _decompressor(file: Path) -> zstandard.ZstdDecompressor:
    content = file.read_bytes()
    if not content.startswith(_DICTIONARY_MAGIC):
        raise ValueError("this is no zstd dictionary")
    return zstandard.ZstdDecompressor(dict_data=zstandard.ZstdCompressionDict(content))


_DICTIONARY_MAGIC = b"\x37\xa4\x30\xec"
"""RFC 8878, section 5."""

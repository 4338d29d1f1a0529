"""A personal data server's or relay's own stream of the AT Protocol: ``com.atproto.sync.subscribeRepos``.

https://atproto.com/specs/event-stream and https://atproto.com/specs/sync. Each frame is two DAG-CBOR values, a header
and a body; a ``#commit`` carries its new records as a CAR archive. The cursor is ``seq``, which counts per server.
``OutdatedCursor``: the server keeps a limited past, the gap is told and the stream goes on. ``FutureCursor``: the
server knows no such number (it was set up anew): the stream begins at the present. ``ConsumerTooSlow``: connect again
and go on. Signatures are not checked: what counts here is what people read. A frame that cannot be read is skipped.
"""

import logging
from datetime import UTC, datetime
from typing import Any, ClassVar

import libipld
from pydantic import Field

from crisis.watch import Mention
from integrations.bluesky_posts import COLLECTION, bluesky_mention
from integrations.http import Http
from integrations.listening import LiveSource, Posts
from integrations.outcomes import Misconfigured, Unknown
from integrations.posts import written_at
from integrations.sockets import SocketConnection, socket

log = logging.getLogger(__name__)

PATH = "/xrpc/com.atproto.sync.subscribeRepos"
QUIET = 3600.0
"""Seconds: a small server may have nothing to say for long; dead connections are found by pings."""


class PdsReposSettings(SocketConnection):
    """Settings of a server that streams repositories."""

    base_url: str = Field(
        examples=["wss://pds.example.com"], description="The server or relay, such as wss://pds.example.com"
    )
    quiet: float = Field(default=QUIET, gt=0, description="Seconds without a frame after which to connect again")


class PdsRepos(LiveSource):
    """A ``Source``."""

    kind: ClassVar[str] = "pds_repos"
    settings_model: ClassVar[type[PdsReposSettings]] = PdsReposSettings

    def __init__(self, settings: PdsReposSettings) -> None:
        super().__init__(Http("The AT Protocol server", settings))
        self._settings = settings
        self._afresh = False
        self.unreadable = 0
        """Frames that were skipped."""

    async def session(self, cursor: str) -> Posts:
        if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 19):
            raise Misconfigured(f"{cursor[:40]!r} is no cursor of a repository stream; start it without one")
        params = [("cursor", cursor)] if cursor and not self._afresh else []
        self._afresh = False
        async with socket(self.http.service, self._settings, PATH, params=params) as stream:
            self.pulse.contact()
            async for frame in stream.messages(quiet=self._settings.quiet):
                for seq, mention in self._frame(frame):
                    yield str(seq), mention

    async def prove(self) -> str:
        answer = await self.http.read("/xrpc/_health")
        async with socket(self.http.service, self._settings, PATH):
            version = answer.value.get("version") if isinstance(answer.value, dict) else None
        return "the stream opens" + (f" (version {str(version)[:40]})" if version else "")

    def _frame(self, frame: str | bytes) -> list[tuple[int, Mention]]:
        """The new posts of a frame, with its number. Raises ``Unknown`` when the frame ends the stream."""
        try:
            parts = libipld.decode_dag_cbor_multi(frame if isinstance(frame, bytes) else frame.encode())
            header, body = parts[0], parts[1]
            kind, failed = header.get("t"), header.get("op") == -1
            if not failed:
                if kind == "#commit":
                    return self._commit(body)
                if kind == "#info" and body.get("name") == "OutdatedCursor":
                    self.pulse.gap("the server no longer keeps the posts from before this connection: some are lost")
                return []
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
            self.unreadable += 1
            if self.unreadable in {1, 100, 10_000}:
                log.warning("%d frames could not be read (%s)", self.unreadable, type(error).__name__)
            return []
        raise self._ended(body if isinstance(body, dict) else {})

    def _commit(self, body: dict[str, Any]) -> list[tuple[int, Mention]]:
        seq, did = int(body["seq"]), str(body["repo"])
        wanted = [o for o in body["ops"] if o["action"] == "create" and o["path"].startswith(f"{COLLECTION}/")]
        if body.get("tooBig"):
            self.pulse.gap("a commit was too big for the stream: its posts are missing")
        if not wanted:
            return []
        _, blocks = libipld.decode_car(body["blocks"])
        at = written_at(body.get("time"), datetime.now(UTC))
        self.pulse.carried(at)
        made = (bluesky_mention(did, op["path"].partition("/")[2], blocks.get(op["cid"]), at) for op in wanted)
        mentions = [mention for mention in made if mention is not None]
        # Only the last post of a commit is behind it: one that got lost between them comes again.
        return [(seq - (number < len(mentions)), mention) for number, mention in enumerate(mentions, 1)]

    def _ended(self, body: dict[str, Any]) -> Unknown:
        name = str(body.get("error", ""))[:60]
        if name == "FutureCursor":
            self._afresh = True
            self.pulse.gap("the server knows nothing of the place where we stopped: posts since then are lost")
            return Unknown("the server's numbering has begun anew; listening from the present on")
        if name == "ConsumerTooSlow":
            return Unknown("the server dropped us because we read too slowly; going on from where we stopped")
        return Unknown(f"the server ended the stream: {name or 'no reason given'}")

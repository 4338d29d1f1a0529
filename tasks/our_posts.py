"""Posts of ours whose answers are heard whatever words they use, while a grave incident is watched.

A reply to a statement seldom names the brand, so the watch's query passes over it. From SEV2 on, what answers or quotes a
post that a receipt names is kept with the incident, too. It is not counted by the detector: severity and forecast rest on
what matches the query, before a statement and after it alike.
"""

import asyncio

from crisis.delivery import Purpose
from crisis.monitoring import WIDE_FROM
from crisis.tied import answers, posts_of
from crisis.watch import Mention
from records import Transaction
from tasks.monitoring import WATCHED

LOOK_SECONDS = 30.0
"""Real time between two looks at what was published."""
TELLING = 8
"""Characters of an id that may be looked for in undecoded posts; shorter ones are everywhere."""


class OurPosts:
    """The posts of one watch's grave incidents, as its listener last saw them."""

    def __init__(self, watch: str) -> None:
        self._watch = watch
        self._posts: dict[str, frozenset[tuple[str, str]]] = {}
        self._needles: tuple[bytes, ...] = ()
        self._looked_at: float | None = None

    async def look(self, tx: Transaction) -> None:
        """See what is out, unless that was done a moment ago."""
        now = asyncio.get_running_loop().time()
        if self._looked_at is not None and now - self._looked_at < LOOK_SECONDS:
            return
        self._looked_at = now
        grave = [i for i in await tx.incidents.live(self._watch) if i.state in WATCHED and i.severity >= WIDE_FROM]
        found = {}
        for incident in grave:
            deliveries = await tx.outbox.list(incident=incident.id)
            found[incident.id] = posts_of(d for d in deliveries if d.purpose is Purpose.STATEMENT)
        self._posts = found
        names = {name for posts in found.values() for _, name in posts if len(name) >= TELLING}
        self._needles = tuple(sorted(name.encode(errors="replace") for name in names))

    def may_be_named(self, line: bytes) -> bool:
        """Whether an undecoded post may answer one of ours."""
        return any(needle in line for needle in self._needles)

    def answered_by(self, mention: Mention) -> str:
        """The incident whose statement a mention answers or quotes; empty when it does not."""
        return next((incident for incident, posts in self._posts.items() if answers(posts, mention)), "")

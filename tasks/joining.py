"""Which open incidents the posts of a watch join, and what people say of them, for as long as they are open.

The detector knows incidents that its alerts opened, while they last. People open incidents too, and go on watching when
the alert is over. So a watch's listener looks every few seconds at which incidents are open: what matches joins them, one
that a person opened gets the posts at hand at once, and at the cadence of ``crisis.retelling`` what people say is renewed
from the posts that the incident relies on, wherever they came from. Looks are made only where posts have come, and each
post is taken in once.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crisis.correlation import RECENT
from crisis.episode_triage import EpisodeTriage
from crisis.incident import LIVE, Incident, IncidentState
from crisis.narratives import Narratives
from crisis.retelling import pause, rated_by_hand, retold
from crisis.severity import factors
from crisis.triage import Assessment, Signal
from crisis.watch import Mention, Watch
from records import Transaction
from records.work import Act
from tasks.installation import Installation

OPEN = LIVE - {IncidentState.CANDIDATE}
"""States in which posts join although no alert is on: a person said that it is real, or the playbook did."""
LATE = timedelta(minutes=10)
"""Posts are taken in again for this long, because they do not come in order; the same text counts once."""
MOST = 10_000
"""Posts that are taken in at once, the newest ones."""


@dataclass
class _Heard:
    """What was taken in of one incident's posts."""

    narratives: Narratives
    until: datetime
    early: int
    """Posts from before ``until`` less ``LATE``; when they are others, all are taken in anew."""
    erasures: int


class Joining:
    """What the listener of one watch knows of its open incidents."""

    def __init__(self, here: Installation, watch: Watch) -> None:
        self.open: list[Incident] = []
        self._here, self._watch = here, watch
        self._heard: dict[str, _Heard] = {}
        self._looked_at: dict[str, datetime] = {}
        self._filled: set[str] = set()
        """Incidents that have got the posts at hand."""
        self._joined: set[str] = set()
        """Incidents whose posts have grown since the last look."""

    def follow(self, live: Sequence[Incident], triage: EpisodeTriage) -> None:
        """``live``: the watch's incidents that are not over, as they are now, oldest first."""
        self.open = [incident for incident in live if incident.state in OPEN]
        triage.follow(live if triage.under_way else self.open)

    async def look(self, tx: Transaction, triage: EpisodeTriage) -> None:
        """See which incidents are open; posts at hand join those that people have opened meanwhile."""
        self.follow(await tx.incidents.live(self._watch.name), triage)
        for incident in self.open:
            if incident.id in self._filled:
                continue
            self._joined.add(incident.id)
            if _takes_all(incident):
                begins = incident.started_at - RECENT
                at_hand = [m for m in triage.recent if m.created_at >= begins]
                await tx.mentions.relied_on(incident.id, [m for m in at_hand if incident.id in self.of(m, triage)])
        there = {incident.id for incident in self.open}
        self._filled, self._joined = there, self._joined & there
        self._heard = {name: heard for name, heard in self._heard.items() if name in there}

    def of(self, mention: Mention, triage: EpisodeTriage) -> list[str]:
        """The incidents that a post joins: that of its matter; those without a matter of their own, too, unless it is of
        another's."""
        home = triage.incident_of(mention)
        matter = next((i.narrative for i in self.open if i.id == home), "")
        if matter and home != triage.home:
            return [home]
        return list(dict.fromkeys([home, *(incident.id for incident in self.open if _takes_all(incident))]))

    def grew(self, incident: str) -> None:
        """Posts have joined."""
        self._joined.add(incident)

    def due(self, at: datetime, alerted: str, stretch: Callable[[timedelta], timedelta]) -> list[Incident]:
        """Incidents to look at. ``alerted``: the one that triage looks at by itself now; ``stretch``: how long a span
        lasts where time runs fast."""
        self._heard.pop(alerted, None)  # triage names what people say of it, and is followed when its alert is over
        found = []
        for incident in self.open:
            before = self._looked_at.get(incident.id)
            wait = stretch(pause(incident.assessment))
            if incident.id in self._joined and incident.id != alerted and (before is None or at - before >= wait):
                found.append(incident)
        return found

    async def retell(self, incident: Incident, signal: Signal) -> None:
        """Renew what people say of an incident, if that has changed; ``signal`` is what holds now."""
        self._looked_at[incident.id] = signal.at
        self._joined.discard(incident.id)
        narratives, posts = await self._hear(incident)
        seen = await asyncio.to_thread(self._seen, incident, signal, narratives, posts)
        act: Act = {"actor": "triage", "via": self._here.via, "flow_run_id": self._here.flow_run_id}
        async with self._here.store.transaction() as tx:
            fresh = await tx.incidents.get(incident.id)
            renewed = retold(fresh.assessment, seen, tied=await tx.incidents.ties(incident.id))
            if renewed is not None and fresh.state in OPEN:
                fresh = await tx.incidents.retell(incident.id, renewed.assessment, **act | {"reason": renewed.says})
        self.open = [fresh if known.id == fresh.id else known for known in self.open]

    async def _hear(self, incident: Incident) -> tuple[Narratives, list[Mention]]:
        """The narratives of all posts that an incident relies on, and the posts that are new in them."""
        heard = self._heard.get(incident.id)
        async with self._here.store.reading() as tx:
            erasures = await tx.mentions.erased()
            if heard is not None:
                early = await tx.mentions.before(incident.id, heard.until - LATE)
                if (early, erasures) != (heard.early, heard.erasures):
                    heard = None
            if heard is None:
                posts = (await tx.mentions.newest(incident.id, limit=MOST))[::-1]
                known = incident.assessment.narratives
                narratives = Narratives((self._watch.brand, self._watch.query), known=known)
            else:
                narratives, since = heard.narratives, heard.until - LATE
                posts = [m for _, m in await tx.mentions.after(incident.id, since, "", limit=MOST)]
            until = posts[-1].created_at if posts else datetime.min.replace(tzinfo=UTC) + LATE
            early = await tx.mentions.before(incident.id, until - LATE)
        self._heard[incident.id] = _Heard(narratives, until, early, erasures)
        return narratives, posts

    def _seen(self, incident: Incident, signal: Signal, narratives: Narratives, posts: Sequence[Mention]) -> Assessment:
        for post in posts:
            narratives.add(post.text, reposts=post.reposts)
        changes: dict[str, object] = {"narratives": narratives.largest(), "assessed_at": signal.at}
        if rated_by_hand(incident.assessment):
            measured = factors(signal, self._watch)
            changes |= {"authors": signal.authors, "negative_share": signal.negative_share, "factors": measured}
        return incident.assessment.model_copy(update=changes)


def _takes_all(incident: Incident) -> bool:
    """A person opened it, of no one matter: every post of the watch is of it."""
    return not incident.narrative and incident.opened_by != "detector"

"""Listening and detecting: mentions in, ticks of the detector, and an incident the moment an alert opens.

What is stored in one batch (cursor, detector, signals, mentions relied on, and the mentions at hand for the next
incident) is stored in one transaction, so a killed listener resumes exactly where the last batch ended: same incidents,
same order, same judgement. Time is the installation's clock:
recorded posts that lie before it run at full speed, later ones when their moment comes.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta

from crisis import severity
from crisis.acquaintance import Acquaintance
from crisis.correlation import dominant, incident_for
from crisis.detector import Detector
from crisis.incident import Incident, IncidentState
from crisis.matching import Matcher
from crisis.narratives import Narratives
from crisis.query import parse
from crisis.triage import Signal
from crisis.watch import Mention, Watch
from tasks.first_word import alert, reassessed
from tasks.incidents import ask_to_confirm
from tasks.installation import Installation
from tasks.sources import open_source
from tasks.triage import open_detected

AT_HAND = timedelta(minutes=70)
"""How far back mentions are kept at hand for an incident that opens: the onset of a surge lies within the last hour."""
MOST_AT_HAND = 2_000
"""How many of them, the newest ones; they are stored with the detector."""
MOST_MENTIONS = 20_000
"""Mentions of an incident that are triaged, the newest ones."""
SIGNAL_EVERY = timedelta(minutes=1)
"""How often a signal is stored; in between only while an alert is on."""
BATCH_SECONDS = 1.0
"""Real time between two stored batches."""
REASSESS = timedelta(minutes=2)
"""How often an episode is triaged again while it lasts, because it may have grown, or be dying down."""
REASSESS_CALM = timedelta(minutes=10)
"""The same once nothing is raised any more: severities fall slowly."""
END = "end"
"""The cursor of a source that has nothing more to say."""


async def listen(here: Installation, watch: str, source: str) -> str:
    """Listen to one source for one watch until it ends; returns what was found, in words.

    Raises:
        config.ConfigError: no such watch or source.
        integrations.Misconfigured: the source's settings do not fit.
    """
    return await _Listener(here, here.settings.watch(watch), source).run()


class _Listener:
    """One source feeding one watch's detector."""

    def __init__(self, here: Installation, watch: Watch, source: str) -> None:
        self.here, self.watch, self.source = here, watch, source
        self.matcher = Matcher({watch.name: parse(watch.query)})
        self.tick = timedelta(seconds=here.settings.tick_seconds)
        self.detector = Detector(watch)
        self.cursor: str | None = None
        self.next_tick: datetime | None = None
        self.recent: deque[Mention] = deque(maxlen=MOST_MENTIONS)
        self.signals: list[Signal] = []
        self.relied_on: list[Mention] = []
        self.incident: Incident | None = None
        self.home = ""
        """The episode's incident; mentions of other matters go to theirs."""
        self.matters: dict[str, str] = {}
        """Incidents of other matters, by narrative."""
        self.narratives: Narratives | None = None
        """Of the episode that is under way; made when it is first assessed."""
        self.authors = Acquaintance()
        self.last_signal: datetime | None = None
        self.assessed_at: datetime | None = None
        self.stored_at = 0.0
        self.posts = self.matched = self.incidents = 0

    @property
    def progress(self) -> str:
        return f"{self.watch.name}/{self.source}"

    async def run(self) -> str:
        await self._resume()
        source = await open_source(self.here, self.source)
        try:
            silence = self._silence() if source.live else None
            async for cursor, mention in _or_silence(source.listen(self.cursor), silence):
                if mention is None:
                    await self._tick_until(self.here.clock.now())
                else:
                    await self._take(cursor, mention)
                await self._store_if_due()
        finally:
            await source.close()
        if self.next_tick is not None:
            await self._tick_until(self.next_tick)
        self.cursor = END
        await self._store()
        return (
            f"{self.source} has ended: {self.posts} posts, {self.matched} matched {self.watch.name}, "
            f"{self.incidents} incidents opened"
        )

    def _silence(self) -> float:
        """Real seconds without a post after which the detector ticks by itself."""
        return max(1.0, self.here.clock.wall_seconds(self.tick))

    async def _resume(self) -> None:
        async with self.here.store.reading() as tx:
            saved = await tx.watches.progress(self.progress)
            live = await tx.incidents.live(self.watch.name)
            self._follow(live)
            self.incident = live[0] if live else None
            if saved is not None:
                self._load(*saved)
            if self.incident is not None:
                relied_on = [m for incident in live for m in await tx.mentions.list(incident.id)]
                relied_on = sorted(relied_on, key=lambda m: (m.created_at, m.source, m.id))[-MOST_MENTIONS:]
                known = {(m.source, m.id) for m in relied_on}
                later = [m for m in self.recent if (m.source, m.id) not in known]
                self.recent.clear()
                self.recent.extend([*relied_on, *later])

    def _load(self, cursor: str, state: str) -> None:
        saved = json.loads(state)
        self.cursor, self.detector = cursor, Detector.load(self.watch, saved["detector"])
        self.next_tick, self.last_signal = (
            datetime.fromisoformat(saved[name]) if saved[name] else None for name in ("next_tick", "last_signal")
        )
        self.recent.extend(Mention.model_validate(m) for m in saved["recent"])
        self.authors = Acquaintance.load(saved.get("authors", ""))

    def _dump(self) -> str:
        recent = self.recent if self.incident is None else ()
        return json.dumps(
            {
                "detector": self.detector.dump(),
                "next_tick": self.next_tick.isoformat() if self.next_tick else "",
                "last_signal": self.last_signal.isoformat() if self.last_signal else "",
                "authors": self.authors.dump(),
                "recent": [m.model_dump(mode="json", exclude_defaults=True) for m in recent],
            }
        )

    async def _take(self, cursor: str, mention: Mention) -> None:
        await self._wait_for(mention.created_at)
        self.posts += 1
        if self.next_tick is None:
            self.next_tick = mention.created_at + self.tick
        await self._tick_until(mention.created_at)
        self._feed(mention)
        self.cursor = cursor  # only now: whatever was stored while ticking does not hold this post yet

    def _feed(self, mention: Mention) -> None:
        if self.watch.languages and mention.language and mention.language not in self.watch.languages:
            return
        if not self.matcher.matches(mention):
            return
        self.matched += 1
        self.detector.feed(mention)
        self.recent.append(mention)
        if self.narratives is not None:
            self.narratives.add(mention.text, reposts=mention.reposts)
        if self.incident is not None:
            self.relied_on.append(mention)
            return
        while len(self.recent) > MOST_AT_HAND or self.recent[0].created_at < mention.created_at - AT_HAND:
            self.authors.meet(self.recent.popleft())

    async def _wait_for(self, moment: datetime) -> None:
        """Wait until the clock shows ``moment``, ticking meanwhile; the past is not waited for."""
        while (ahead := moment - self.here.clock.now()) > timedelta(0):
            await asyncio.sleep(min(0.25, self.here.clock.wall_seconds(ahead)))
            await self._tick_until(min(moment, self.here.clock.now()))
            await self._store_if_due()

    async def _tick_until(self, moment: datetime) -> None:
        if self.next_tick is None:
            self.next_tick = moment
        while self.next_tick <= moment:
            await self._tick(self.next_tick)
            self.next_tick += self.tick
            if self.next_tick.second == 0:
                await asyncio.sleep(0)

    async def _tick(self, at: datetime) -> None:
        signal = self.detector.tick(at)
        if self.last_signal is None or at - self.last_signal >= SIGNAL_EVERY:
            self.signals.append(self.detector.level())
            self.last_signal = at
        if not self.detector.alerting:
            if self.incident is not None and self.assessed_at is not None:
                self.incident, self.assessed_at, self.narratives = None, None, None
            return
        if self.assessed_at is None or at - self.assessed_at >= (REASSESS if signal.alert else REASSESS_CALM):
            self.assessed_at = at
            await self._raise(signal)

    async def _raise(self, signal: Signal) -> None:
        """Open the incident of an alert, or let it join the one that is open."""
        episode = [m for m in self.recent if m.created_at >= signal.started_at - timedelta(minutes=5)]
        signal = signal.model_copy(update={"novelty": self.authors.novelty(episode)})
        await self._store()
        async with self.here.store.reading() as tx:
            live = await tx.incidents.live(self.watch.name)
        told = self._narratives(episode, live)
        matter = dominant(episode, told, signal.at)
        joins = incident_for(live, matter, signal.at)
        if live and matter is not None and joins is None:
            episode = [m for m in episode if told.narrative(m.text) == matter.narrative]
        elif len(live) > 1 and joins is not None:
            self._follow(live)
            episode = [m for m in episode if self._incident_of(m) == joins.id]
        assessment = severity.assess(
            signal,
            self.watch,
            episode,
            playbooks=self.here.playbooks,
            newsrooms=self.here.newsrooms,
            narratives=told,
        )
        before = {incident.id: incident for incident in live}
        self.incident, new = await open_detected(self.here, self.watch, signal, assessment, episode, matter=matter)
        self._follow([*live, self.incident])
        if new:
            self.incidents += self.incident.id not in before
            await (ask_to_confirm if self.incident.state is IncidentState.CANDIDATE else alert)(
                self.here, self.incident
            )
        elif self.incident.id not in before or before[self.incident.id].severity != self.incident.severity:
            await reassessed(self.here, self.incident)

    def _follow(self, live: Sequence[Incident]) -> None:
        """Which incident mentions go to, by narrative; the first one's is home to all others."""
        if live:
            self.home = live[0].id
            self.matters = {incident.narrative: incident.id for incident in reversed(live) if incident.narrative}

    def _narratives(self, episode: Sequence[Mention], live: Sequence[Incident]) -> Narratives:
        """The narratives of the episode, which keep the names that were given to them before this process began."""
        if self.narratives is None:
            known = [n for incident in live for n in incident.assessment.narratives]
            self.narratives = Narratives((self.watch.brand, self.watch.query), known=known)
            for mention in episode:
                self.narratives.add(mention.text, reposts=mention.reposts)
        return self.narratives

    def _incident_of(self, mention: Mention) -> str:
        if len(self.matters) < 2 or self.narratives is None:
            return self.home
        return self.matters.get(self.narratives.narrative(mention.text), self.home)

    async def _store_if_due(self) -> None:
        if asyncio.get_running_loop().time() - self.stored_at >= BATCH_SECONDS:
            await self._store()

    async def _store(self) -> None:
        async with self.here.store.transaction() as tx:
            for signal in self.signals:
                await tx.signals.add(signal)
            if self.incident is not None and self.relied_on:
                by_incident: dict[str, list[Mention]] = {}
                for mention in self.relied_on:
                    by_incident.setdefault(self._incident_of(mention), []).append(mention)
                for incident, mentions in by_incident.items():
                    await tx.mentions.relied_on(incident, mentions)
            if self.cursor is not None:
                await tx.watches.save_progress(self.progress, self.cursor, self._dump())
        self.signals, self.relied_on = [], []
        self.stored_at = asyncio.get_running_loop().time()


async def _or_silence(
    posts: AsyncIterator[tuple[str, Mention]], seconds: float | None
) -> AsyncIterator[tuple[str, Mention | None]]:
    """Every post; and ``("", None)`` whenever none came for ``seconds``, if that is given."""
    stream = aiter(posts)
    waiting: asyncio.Task[tuple[str, Mention]] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(stream))
            done, _ = await asyncio.wait({waiting}, timeout=seconds)
            if not done:
                yield "", None
                continue
            finished, waiting = waiting, None
            try:
                yield finished.result()
            except StopAsyncIteration:
                return
    finally:
        if waiting is not None:
            waiting.cancel()

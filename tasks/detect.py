"""Listening and detecting: mentions of all sources of a watch in, ticks of its one detector, and an incident the moment
an alert opens.

What is stored in one batch (each source's cursor, the detector, signals, mentions relied on, the mentions at hand for
the next incident, which posts were taken, and how the sources are) is stored in one transaction, so a killed listener
resumes exactly where the last batch ended: same incidents, same order, same judgement. A post counts once, however
often and by however many sources it comes. Time is the installation's clock: recorded posts that lie before it run at
full speed, later ones when their moment comes.
"""

import asyncio
import json
from contextlib import aclosing
from datetime import datetime, timedelta

import config
from crisis.episode_triage import AT_HAND, EpisodeTriage
from crisis.incident import Incident, IncidentState
from crisis.matching import Matcher
from crisis.query import parse
from crisis.triage import Signal
from crisis.values import CrisisType, Severity
from crisis.watch import Mention, Watch
from records import Transaction
from tasks.coverage import CoverageBook
from tasks.first_word import alert, reassessed
from tasks.incidents import ask_to_confirm
from tasks.installation import Installation
from tasks.joining import Joining
from tasks.listening import Arrival, Feed, arrivals_of
from tasks.our_posts import OurPosts
from tasks.sources import cursor_key, sources_of
from tasks.triage import open_detected

SIGNAL_EVERY = timedelta(minutes=1)
"""How often a signal is stored; in between only while an alert is on."""
BATCH_SECONDS = 1.0
"""Real time between two stored batches."""
ASSESSING_SECONDS = 4.0
"""Real time between two assessments of a storm that is played fast: triage must not take the processor from all else."""
END = "end"
"""The cursor of a source that has nothing more to say."""


async def listen(here: Installation, watch: str, source: str = "") -> str:
    """Listen to the sources of a watch until they end, or to one of them; returns what was found, in words.

    Raises:
        config.ConfigError: no such watch or source, or no source feeds the watch.
    """
    sources = sources_of(here, here.settings.watch(watch).name)
    if source:
        sources = [chosen for chosen in here.settings.sources if chosen.name == source]
    if not sources:
        known = ", ".join(s.name for s in here.settings.sources) or "none"
        what = f"there is no source {source!r}" if source else f"no source feeds the watch {watch!r}"
        raise config.ConfigError(f"{what}; there are: {known}")
    progress = progress_name(watch, source)
    return await _Listener(here, here.settings.watch(watch), progress, sources).run()


def progress_name(watch: str, source: str = "") -> str:
    """Under which name progress is stored: the watch's, or its own for a run on one source alone."""
    return f"{watch}/{source}" if source else watch


def has_ended(progress: tuple[str, str] | None, sources: list[config.SourceSettings]) -> bool:
    """Whether there is nothing more to listen to."""
    cursors = json.loads(progress[0]) if progress is not None else {}
    return all(cursors.get(cursor_key(source)) == END for source in sources)


class _Listener:
    """The sources of one watch feeding its detector."""

    def __init__(self, here: Installation, watch: Watch, progress: str, sources: list[config.SourceSettings]) -> None:
        self.here, self.watch, self.progress, self.sources = here, watch, progress, sources
        self.matcher = Matcher({watch.name: parse(watch.query)}, text_key="text")
        self.ours = OurPosts(watch)
        self.joining = Joining(here, watch)
        self.tick = timedelta(seconds=here.settings.tick_seconds)
        self.triage = EpisodeTriage(
            watch, playbooks=here.playbooks, newsrooms=here.newsrooms, sensitivity=here.settings.detection
        )
        self.cursors: dict[str, str] = {}
        self.feeds: list[Feed] = []
        self.coverage = CoverageBook(here, watch.name)
        self.next_tick: datetime | None = None
        self.signals: list[Signal] = []
        self.relied_on: list[Mention] = []
        self.answers: list[Mention] = []
        """What answers our posts or matches the wider query, and does not match the query."""
        self.erased = 0
        self.asked: tuple[set[tuple[str, str]], set[str]] = set(), set()
        """Posts and words at hand of which it is known whether they were erased, as things stood then."""
        self.incident: Incident | None = None
        """The incident of the alert that is on."""
        self.last_signal: datetime | None = None
        self.stored_at = 0.0
        self.matched = self.incidents = 0

    async def run(self) -> str:
        await self._resume()
        left = [source for source in self.sources if self.cursors.get(cursor_key(source)) != END]
        keys = {source.name: cursor_key(source) for source in left}
        self.feeds = [self._feed_of(source) for source in left]
        async with aclosing(arrivals_of(self.here, self.feeds, self._silence())) as arrivals:
            async for arrival in arrivals:
                if arrival is None:
                    await self._tick_until(self.here.clock.now())
                else:
                    await self._take(arrival, keys[arrival.source])
                await self._store_if_due()
        if self.next_tick is not None:
            await self._tick_until(self.next_tick)
        self.cursors.update({keys[feed.name]: END for feed in self.feeds})
        await self._store()
        posts = sum(feed.posts for feed in self.feeds)
        return (
            f"{', '.join(s.name for s in self.sources)}: ended after {posts} posts, {self.matched} matched "
            f"{self.watch.name}, {self.incidents} incidents opened"
        )

    def _feed_of(self, source: config.SourceSettings) -> Feed:
        cursor = self.cursors.get(cursor_key(source))
        return Feed(self.here, source, cursor, self._wants, watch=self.watch.name, only=self._may_want)

    def _may_want(self, line: bytes) -> bool:
        """Whether an undecoded post may be wanted."""
        return self.matcher.may_match(line) or self.ours.may_be_named(line)

    def _wants(self, mention: Mention) -> bool:
        """Whether a post is about the watch, or is heard besides while a grave incident is watched."""
        return self._is_about(mention) or bool(self.ours.kept_with(mention))

    def _is_about(self, mention: Mention) -> bool:
        if not self.watch.keeps(mention.language):
            return False
        return bool(self.matcher.matches(mention))

    def _silence(self) -> float:
        """Real seconds without a post after which the detector ticks by itself."""
        return max(1.0, self.here.clock.wall_seconds(self.tick))

    async def _resume(self) -> None:
        async with self.here.store.reading() as tx:
            saved = await tx.watches.progress(self.progress)
            live = await tx.incidents.live(self.watch.name)
            await self.coverage.begin(tx)
            if saved is not None:
                self._load(*saved)
            if live and self.triage.detector.alerting:
                self.incident = live[0]
                relied_on = [m for incident in live for m in await tx.mentions.list(incident.id)]
                self.triage.resume(live, [m for m in relied_on if self._is_about(m)])
            self.joining.follow(live, self.triage)
            await self.ours.look(tx)

    def _load(self, cursors: str, state: str) -> None:
        saved = json.loads(state)
        self.cursors = json.loads(cursors)
        self.triage.restore(saved)
        self.next_tick, self.last_signal = (
            datetime.fromisoformat(saved[name]) if saved[name] else None for name in ("next_tick", "last_signal")
        )

    def _dump(self) -> str:
        times = {"next_tick": self.next_tick, "last_signal": self.last_signal}
        told = {name: at.isoformat() if at else "" for name, at in times.items()}
        return json.dumps(told | self.triage.dump())

    async def _take(self, arrival: Arrival, key: str) -> None:
        if self.next_tick is None:
            # A live source may begin with a post of long ago: its author chose the date, and nobody listened then.
            oldest = self.here.clock.now() - AT_HAND if arrival.live else arrival.moment
            self.next_tick = max(arrival.moment, oldest) + self.tick
        await self._tick_until(arrival.moment)
        mention = arrival.mention
        if mention is not None and not self._is_about(mention):
            self.answers.append(mention)
        elif mention is not None and self.triage.feed(mention):
            self.matched += 1
            if self.incident is not None or self.joining.open:
                self.relied_on.append(mention)
        self.cursors[key] = arrival.cursor  # only now: whatever was stored while ticking does not hold this post yet

    async def _tick_until(self, moment: datetime) -> None:
        if self.next_tick is None:
            self.next_tick = moment
        while self.next_tick <= moment:
            await self._tick(self.next_tick)
            self.next_tick += self.tick
            if self.next_tick.second == 0:
                await asyncio.sleep(0)

    async def _tick(self, at: datetime) -> None:
        signal = self.triage.tick(at)
        if self.last_signal is None or at - self.last_signal >= SIGNAL_EVERY:
            self.signals.append(self.triage.detector.level())
            self.last_signal = at
        if not self.triage.under_way:
            self.incident = None
        if self.triage.due(signal, self._pause):
            await self._raise(signal)
        alerted = self.incident.id if self.incident is not None else ""
        for incident in self.joining.due(at, alerted, self._pause):
            await self.joining.retell(incident, self.triage.detector.level())

    def _pause(self, span: timedelta) -> timedelta:
        """``span``, or what passes on a clock that runs fast while one assessment may take its time."""
        real = self.here.clock.wall_seconds(span)
        return span if real >= ASSESSING_SECONDS or real <= 0 else span * (ASSESSING_SECONDS / real)

    async def _raise(self, signal: Signal) -> None:
        """Open the incident of an alert, or let it join the one that is open."""
        await self._store()
        async with self.here.store.reading() as tx:
            live = await tx.incidents.live(self.watch.name)
        look = await asyncio.to_thread(self.triage.look, signal, live)  # a storm takes its time: all else goes on
        before = {incident.id: incident for incident in live}
        self.incident, new = await open_detected(
            self.here, self.watch, look.signal, look.assessment, look.mentions, matter=look.matter
        )
        self.triage.follow([*live, self.incident])
        if new:
            self.incidents += self.incident.id not in before
            await (ask_to_confirm if self.incident.state is IncidentState.CANDIDATE else alert)(
                self.here, self.incident
            )
        elif self.incident.id not in before or _told(before[self.incident.id]) != _told(self.incident):
            await reassessed(self.here, self.incident)

    async def _store_if_due(self) -> None:
        if asyncio.get_running_loop().time() - self.stored_at >= BATCH_SECONDS:
            await self._store()

    async def _store(self) -> None:
        async with self.here.store.transaction() as tx:
            for signal in self.signals:
                await tx.signals.add(signal)
            await self.joining.look(tx, self.triage)
            if self.incident is not None or self.joining.open:
                by_incident: dict[str, list[Mention]] = {}
                for mention in self.relied_on:
                    for incident in self.joining.of(mention, self.triage):
                        by_incident.setdefault(incident, []).append(mention)
                for mention in self.answers:
                    if kept := self.ours.kept_with(mention):
                        by_incident.setdefault(kept, []).append(mention)
                for incident, mentions in by_incident.items():
                    await tx.mentions.relied_on(incident, mentions)
                    self.joining.grew(incident)
            await self.ours.look(tx)
            await self._forget_erased(tx)
            if self.cursors:
                await tx.watches.save_progress(self.progress, json.dumps(self.cursors), self._dump())
            during = self.incident or next(iter(self.joining.open), None)
            await self.coverage.write(tx, self.feeds, during)
        self.signals, self.relied_on, self.answers = [], [], []
        self.stored_at = asyncio.get_running_loop().time()
        self.coverage.tell()

    async def _forget_erased(self, tx: Transaction) -> None:
        """Let go of posts and words that were erased; each is asked for once, and all again after an erasure."""
        erased = await tx.mentions.erased()
        if not erased:
            return
        if erased != self.erased:
            self.erased, self.asked = erased, (set(), set())
        recent, held = self.triage.recent, self.triage.detector.held()
        posts, words = self.asked
        fresh = [mention for mention in recent if (mention.source, mention.id) not in posts]
        left = {id(mention) for mention in await tx.mentions.not_erased(fresh)}
        gone = {id(mention) for mention in fresh} - left
        kept = [mention for mention in recent if id(mention) not in gone]
        self.triage.keep_only(kept)
        lost = await tx.mentions.words_erased(text for text in held if text not in words)
        self.triage.detector.forget(lost)
        self.asked = {(mention.source, mention.id) for mention in kept}, set(held) - lost


def _told(incident: Incident) -> tuple[Severity, CrisisType]:
    """What of an incident people are told of when it changes."""
    return incident.severity, incident.assessment.type

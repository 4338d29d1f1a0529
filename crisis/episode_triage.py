"""One watch's episodes from the first post to the last: detection, when to look, and what each look finds.

The live listener and ``fireline replay`` both run on it, so that a replay shows what the service would have done. It is
fed the posts that match and ticked; while an alert is on it says when the episode is ``due`` for another look, and a
``look`` says which matter the posts are about, which incident they belong to and how bad it is. What follows for
incidents is in ``crisis.opening``. Each post is understood once, together with those that came with it, and everything
that triage asks of it afterwards is answered from that. Pure: time is that of posts and ticks, memory is bounded, and
``dump`` and ``load`` go on with the same judgement.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from crisis import severity
from crisis.acquaintance import Acquaintance
from crisis.coordination import Coordination
from crisis.correlation import Matter, dominant, incident_for
from crisis.detector import Detector
from crisis.incident import Incident
from crisis.media import NOBODY, Newsrooms
from crisis.narratives import Narratives
from crisis.playbook import Playbook
from crisis.reading import AT_ONCE
from crisis.seen import Seen
from crisis.sensitivity import USUAL, Sensitivity
from crisis.triage import Assessment, Signal
from crisis.understanding import Understood, understood
from crisis.values import CrisisType
from crisis.watch import Mention, Watch

AT_HAND = timedelta(minutes=70)
"""How far back mentions are kept at hand for an incident that opens: the onset of a surge lies within the last hour."""
MOST_AT_HAND = 2_000
"""How many of them, the newest ones; they are stored with the detector."""
MOST_MENTIONS = 20_000
"""Mentions of an episode that are triaged, the newest ones."""
BEFORE_ONSET = timedelta(minutes=5)
"""Posts from so long before the onset belong to the episode: the onset is an estimate."""
REASSESS = timedelta(minutes=2)
"""How soon an episode is triaged again when more people speak than the last time."""
REASSESS_CALM = timedelta(minutes=10)
"""The same when no more do: severities fall slowly."""
MOST_SEEN = 5_000
"""Matching posts that are remembered as taken, so that a source that repeats itself, or another, counts nothing twice."""


class Look(NamedTuple):
    """What one look at an episode finds."""

    signal: Signal
    matter: Matter | None
    """What most people speak of now."""
    assessment: Assessment
    coordination: Coordination
    mentions: list[Mention]
    """Posts of the episode that belong to the incident it is about."""


class EpisodeTriage:
    """The episodes of one watch."""

    def __init__(
        self,
        watch: Watch,
        *,
        playbooks: Mapping[CrisisType, Playbook] | None = None,
        newsrooms: Newsrooms = NOBODY,
        sensitivity: Sensitivity = USUAL,
    ) -> None:
        self.watch = watch
        self.detector = Detector(watch, alert_at=sensitivity.alert_at(watch.name))
        self.under_way = False
        """An episode was looked at, or taken up, and is not over."""
        self._playbooks, self._newsrooms, self._sensitivity = playbooks, newsrooms, sensitivity
        self._seen = Seen(MOST_SEEN)
        self._authors = Acquaintance()
        self._fed: list[Mention | Understood] = []
        self._posts: deque[Understood] = deque(maxlen=MOST_MENTIONS)
        self._narratives: Narratives | None = None
        """Of the episode that is under way; made when it is first looked at."""
        self.home = ""
        """The episode's incident; mentions of other matters go to theirs."""
        self._matters: dict[str, str] = {}
        """Incidents of other matters, by narrative."""
        self._looked_at: datetime | None = None
        self._looked_authors = 0
        self._calm_from: datetime | None = None
        """Posts from before this belong to an episode that is over: their authors are no regulars."""

    @property
    def recent(self) -> list[Mention]:
        """Mentions at hand, oldest first."""
        self._take()
        return [post.mention for post in self._posts]

    def keep_only(self, mentions: Iterable[Mention]) -> None:
        """Forget every mention at hand that is not among ``mentions``: it was erased."""
        kept = {id(mention) for mention in mentions}
        if len(kept) < len(self._posts):
            every, left = self._posts, (post for post in self._posts if id(post.mention) in kept)
            self._posts = deque(left, maxlen=MOST_MENTIONS)
            if (told := self._narratives) is not None:
                for post in every:
                    if id(post.mention) not in kept:
                        told.forget(post.mention.text)

    def understand(self, posts: Sequence[Mention]) -> list[Understood]:
        """Posts that will be fed next, understood together."""
        return self.detector.understand(posts)

    def feed(self, post: Mention | Understood) -> bool:
        """Take one matching post, in order of time; false when it was taken before."""
        mention = post if isinstance(post, Mention) else post.mention
        if not self._seen.new(f"{mention.source}\n{mention.id}"):
            return False
        self._fed.append(post)
        if len(self._fed) >= AT_ONCE:
            self._take()
        return True

    def _take(self) -> None:
        fed, self._fed = self._fed, []
        for post in self.detector.understand(fed):
            self.detector.feed(post)
            self._posts.append(post)
            if self._narratives is not None:
                _tell(self._narratives, post)
            if not self.under_way:
                self._let_go(post.mention.created_at)

    def _let_go(self, now: datetime) -> None:
        """Posts too old for an episode that opens go; those of ordinary times make their authors known."""
        while len(self._posts) > MOST_AT_HAND or self._posts[0].mention.created_at < now - AT_HAND:
            old = self._posts.popleft().mention
            if self._calm_from is None or old.created_at > self._calm_from:
                self._authors.meet(old)

    def tick(self, at: datetime) -> Signal:
        """Count what was fed, and say what holds at ``at``; an episode whose alert has closed is over."""
        self._take()
        signal = self.detector.tick(at)
        if not self.detector.alerting and self.under_way and self._looked_at is not None:
            self.under_way, self._looked_at, self._narratives = False, None, None
            self._calm_from = at
        return signal

    def due(self, signal: Signal, stretch: Callable[[timedelta], timedelta] = lambda span: span) -> bool:
        """Whether the episode should be looked at (again). ``stretch``: how long a span lasts where time runs fast."""
        if not self.detector.alerting:
            return False
        if self._looked_at is None:
            return True
        more = signal.alert == "outrage" and signal.authors > self._looked_authors
        return signal.at - self._looked_at >= stretch(REASSESS if more else REASSESS_CALM)

    def look(self, signal: Signal, live: Sequence[Incident]) -> Look:
        """Triage of the episode as it stands, ``live`` being the watch's incidents that are not over, oldest first."""
        self._looked_at, self._looked_authors, self.under_way = signal.at, signal.authors, True
        posts = [p for p in self._posts if p.mention.created_at >= signal.started_at - BEFORE_ONSET]
        signal = signal.model_copy(update={"novelty": self._authors.novelty(p.mention for p in posts)})
        told = self._named(posts, live)
        matter = dominant(posts, told, signal.at)
        joins = incident_for(live, matter, signal.at)
        if live and matter is not None and joins is None:
            posts = [p for p in posts if told.narrative(p.mention.text) == matter.narrative]
        elif len(live) > 1 and joins is not None:
            self.follow(live)
            posts = [p for p in posts if self.incident_of(p.mention) == joins.id]
        panel = severity.coordination_of(posts, self.watch)
        assessment = severity.assess(
            signal,
            self.watch,
            posts,
            playbooks=self._playbooks,
            newsrooms=self._newsrooms,
            narratives=told,
            panel=panel,
            sensitivity=self._sensitivity,
        )
        return Look(signal, matter, assessment, panel, [p.mention for p in posts])

    def _named(self, posts: Iterable[Understood], live: Sequence[Incident]) -> Narratives:
        """The narratives of the episode, which keep the names that were given to them before this process began."""
        if self._narratives is None:
            known = [n for incident in live for n in incident.assessment.narratives]
            self._narratives = Narratives((self.watch.brand, self.watch.query), known=known)
            for post in posts:
                _tell(self._narratives, post)
        return self._narratives

    def follow(self, live: Sequence[Incident]) -> None:
        """Which incident mentions go to, by narrative; the first one's is home to all others."""
        if live:
            self.home = live[0].id
            self._matters = {incident.narrative: incident.id for incident in reversed(live) if incident.narrative}

    def incident_of(self, mention: Mention) -> str:
        """The incident that a mention goes to."""
        if self._narratives is None or not set(self._matters.values()) - {self.home}:
            return self.home
        self._take()
        return self._matters.get(self._narratives.narrative(mention.text), self.home)

    def resume(self, live: Sequence[Incident], relied_on: Sequence[Mention]) -> None:
        """Take up an episode whose incidents are ``live``, and which relied on these mentions."""
        self.follow(live)
        self.under_way = True
        known = {(m.source, m.id) for m in relied_on}
        later = [post for post in self._posts if (post.mention.source, post.mention.id) not in known]
        ordered = sorted(relied_on, key=lambda m: (m.created_at, m.source, m.id))
        self._posts.clear()
        self._posts.extend([*understood(ordered[-MOST_MENTIONS:]), *later])

    def dump(self) -> dict[str, Any]:
        """Everything there is to know in order to go on, but for the mentions of an episode under way, as JSON values."""
        kept = [] if self.under_way else self.recent
        self._take()
        return {
            "detector": self.detector.dump(),
            "authors": self._authors.dump(),
            "seen": self._seen.dump(),
            "recent": [m.model_dump(mode="json", exclude_defaults=True) for m in kept],
            "calm_from": self._calm_from.isoformat() if self._calm_from else "",
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where ``dump`` was made.

        Raises:
            ValueError: ``state`` is no such thing.
        """
        self.detector = Detector.load(
            self.watch, state["detector"], alert_at=self._sensitivity.alert_at(self.watch.name)
        )
        self._seen = Seen.load(MOST_SEEN, state["seen"])
        self._authors = Acquaintance.load(state.get("authors", ""))
        calm_from = state.get("calm_from", "")
        self._calm_from = datetime.fromisoformat(calm_from) if calm_from else None
        self._posts.extend(understood([Mention.model_validate(m) for m in state["recent"]]))


def _tell(narratives: Narratives, post: Understood) -> None:
    narratives.add(post.mention.text, reposts=post.mention.reposts)

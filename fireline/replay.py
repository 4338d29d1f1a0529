"""``fireline replay``: detection and triage over recorded posts, in event time.

What it prints at a moment of the recording depends on nothing that comes later, so it shows what would have been known.
With ``--json`` each incident is one JSON object a line on stdout; everything else goes to stderr.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from crisis.visible import visible
from fireline.errors import Stop
from fireline.session import json_line

if TYPE_CHECKING:
    from crisis.detector import Detector
    from crisis.narratives import Narratives
    from crisis.triage import Assessment, Signal
    from crisis.watch import Mention, Watch

TICK = 10
"""Seconds of event time between two ticks while posts come in."""
PULSE = 60
"""Seconds of event time between two ticks while none do."""
KEPT = 20_000
"""Latest matching posts at hand for triage."""
REASSESS = timedelta(minutes=15)
"""How often a running incident is assessed again, in event time."""


@dataclass
class Episode:
    """One incident of a replay: its worst assessment so far, and when it was open."""

    opened_at: datetime
    started_at: datetime
    assessment: Assessment
    authors: int
    score: float
    assessed_at: datetime
    closed_at: datetime | None = None
    first: Assessment = field(init=False)

    def __post_init__(self) -> None:
        self.first = self.assessment

    def line(self) -> dict[str, Any]:
        """The object that ``--json`` prints."""
        worst = self.assessment
        return {
            "opened_at": self.opened_at.isoformat(),
            "closed_at": self.closed_at.isoformat() if self.closed_at else None,
            "started_at": self.started_at.isoformat(),
            "severity": worst.severity.value,
            "severity_at_opening": self.first.severity.value,
            "type": worst.type.value,
            "score": worst.score,
            "authors": worst.authors,
            "negative_share": round(worst.negative_share, 4),
            "factors": [
                {"name": f.name, "value": f.value, "baseline": f.baseline, "points": f.points, "says": f.says}
                for f in worst.factors
            ],
            "narratives": [n.model_dump() for n in worst.narratives],
            "cluster": worst.cluster.value,
            "strategy": worst.strategy.value,
        }


class Replay:
    """Posts of one watch through one detector; ``episodes`` grows as incidents open."""

    def __init__(self, watch: Watch, *, opened: Callable[[Episode], None] = lambda episode: None) -> None:
        from crisis.detector import Detector

        self.watch = watch
        self.detector: Detector = Detector(watch)
        self.episodes: list[Episode] = []
        self._opened = opened
        self._kept: deque[Mention] = deque(maxlen=KEPT)
        self._open: Episode | None = None
        self._narratives: Narratives | None = None
        """Of the open episode."""

    def run(self, posts: Sequence[Mention]) -> Iterator[Signal]:
        """Feed all posts, in event time, and tick between them; yields every signal."""
        from crisis.reading import AT_ONCE, read_many

        if not posts:
            return
        at = _grid(posts[0].created_at, TICK)
        index = 0
        while index < len(posts):
            due = posts[index].created_at
            if due > at:
                at = self._quiet_until(at, due)
            while index < len(posts) and posts[index].created_at <= at:
                if index % AT_ONCE == 0:
                    ahead = posts[index : index + AT_ONCE]
                    read_many([post.text for post in ahead], [post.language for post in ahead])
                self.detector.feed(posts[index])
                self._kept.append(posts[index])
                if self._narratives is not None:
                    self._narratives.add(posts[index].text, reposts=posts[index].reposts)
                index += 1
            yield self._tick(at)

    def _quiet_until(self, at: datetime, due: datetime) -> datetime:
        """Tick on through silence, as far as an open episode needs it; returns the tick that takes ``due``."""
        after = _grid(due, TICK)
        while self._open is not None and (pulse := at + timedelta(seconds=PULSE)) < after:
            at = pulse
            self._tick(at)
        return after

    def _tick(self, at: datetime) -> Signal:
        signal = self.detector.tick(at)
        episode = self._open
        if self.detector.alerting and episode is None:
            assessment = self._assess(signal)
            episode = Episode(signal.at, signal.started_at, assessment, signal.authors, signal.score, signal.at)
            self._open = episode
            self.episodes.append(episode)
            self._opened(episode)
        elif not self.detector.alerting and episode is not None:
            episode.closed_at = signal.at
            self._open = self._narratives = None
        elif episode is not None and signal.alert == "outrage" and signal.at - episode.assessed_at >= REASSESS:
            episode.assessed_at = signal.at
            latest = self._assess(signal)
            if latest.score > episode.assessment.score:
                episode.assessment, episode.authors, episode.score = latest, signal.authors, signal.score
        return signal

    def _assess(self, signal: Signal) -> Assessment:
        from crisis.narratives import Narratives
        from crisis.severity import assess

        since = min(signal.started_at, signal.at - signal.window)
        mentions = [post for post in self._kept if post.created_at >= since]
        if self._narratives is None:
            self._narratives = Narratives((self.watch.brand, self.watch.query))
            for post in mentions:
                self._narratives.add(post.text, reposts=post.reposts)
        return assess(signal, self.watch, mentions, narratives=self._narratives)


def _grid(moment: datetime, seconds: int) -> datetime:
    """The first multiple of ``seconds`` at or after ``moment``."""
    from datetime import UTC

    whole = int(moment.timestamp())
    whole += moment.microsecond > 0
    return datetime.fromtimestamp(-(-whole // seconds) * seconds, UTC)


def _columns(pairs: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in ",".join(pairs).split(","):
        if not pair.strip():
            continue
        name, equals, column = pair.partition("=")
        if not equals or not name.strip() or not column.strip():
            raise Stop(f"--map takes field=COLUMN pairs, such as text=body,created_at=date; {pair!r} is none")
        found[name.strip()] = column.strip()
    return found


def replay(
    file: Path,
    /,
    *,
    query: str,
    map: Annotated[
        tuple[str, ...], Parameter(help="Columns of FILE: field=COLUMN,... (text, created_at, author, id, ...)")
    ] = (),
    brand: Annotated[str, Parameter(help="The brand's name, for the words of the assessment")] = "",
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Run detection and triage over recorded posts, in event time.

    Parameters
    ----------
    file
        CSV, JSON lines or Parquet (CSV and JSON lines also gzipped).
    query
        What the watch looks for: words, "phrases", AND OR NOT, near/5, #tags, @handles, lang: source: author:, acme*.
    json
        Print one JSON object a line for each incident on stdout, and everything else on stderr.
    """
    from crisis.matching import Matcher
    from crisis.query import QueryError, parse
    from crisis.watch import Watch
    from integrations.outcomes import Misconfigured
    from integrations.recorded import read_posts

    try:
        wanted = Matcher({"replay": parse(query)})
    except QueryError as error:
        raise Stop(f"--query, {error}\n  {query}\n  {' ' * error.position}^") from None
    try:
        recording = read_posts(file, _columns(map))
    except Misconfigured as error:
        raise Stop(str(error)) from None
    for remark in recording.remarks(file):
        print(remark, file=sys.stderr)
    if not recording.posts:
        raise Stop(f"{file}: not one post could be read")
    posts = [post for post in recording.posts if wanted.matches(post)]
    watch = Watch(name="replay", brand=brand or query, query=query)

    def opened(episode: Episode) -> None:
        print(f"{episode.opened_at:%Y-%m-%d %H:%M:%S} {episode.first.severity} opened", file=sys.stderr)

    run = Replay(watch, opened=opened)
    attention = 0
    for signal in run.run(posts):
        attention += signal.alert == "attention"
    for episode in run.episodes:
        _print_line(episode) if json else _print(episode)
    _summary(len(recording.posts), posts, run.episodes, attention)
    return 0


def _print_line(episode: Episode) -> None:
    print(json_line(episode.line()))


def _print(episode: Episode) -> None:
    worst = episode.assessment
    until = f"{episode.closed_at:%Y-%m-%d %H:%M}" if episode.closed_at else "still open at the end"
    print(f"{worst.severity}  {worst.type.value.replace('_', ' ')}  (score {worst.score:g})")
    print(f"  {episode.opened_at:%Y-%m-%d %H:%M} to {until} UTC; began {episode.started_at:%Y-%m-%d %H:%M}")
    for factor in worst.factors:
        print(visible(f"  {factor.points:+6.1f}  {factor.says}"))
    print(f"  strategy: {worst.strategy.value} ({worst.why_strategy})")
    for narrative in worst.narratives[:5]:
        print(visible(f"  · {narrative.label} ({narrative.size}): {' '.join(narrative.quote.split())[:120]}"))
    print()


def _summary(read: int, posts: Sequence[Mention], episodes: Sequence[Episode], attention: int) -> None:
    span = (posts[-1].created_at - posts[0].created_at).total_seconds() / 86_400 if posts else 0.0
    found = f"{len(episodes)} incident{'s' if len(episodes) != 1 else ''}"
    print(f"{read} posts read, {len(posts)} match, over {span:.1f} days: {found}", file=sys.stderr)
    if attention:
        print(f"{attention} ticks of raised volume without raised negativity: attention, no incident", file=sys.stderr)

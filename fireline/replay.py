"""``fireline replay``: detection and triage over recorded posts, in event time.

The triage is the live service's (``crisis.episode_triage``), with the same ticks and looks, so it shows what would have been
known and when; what it prints at a moment of the recording depends on nothing that comes later. Playbooks and newsrooms are
the installation's where there is one, else the packaged ones.
With ``--json`` each incident is one JSON object a line on stdout; everything else goes to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from crisis.visible import visible
from fireline.errors import Stop
from fireline.session import json_line

if TYPE_CHECKING:
    from crisis.media import Newsrooms
    from crisis.playbook import Playbook
    from crisis.triage import Signal
    from crisis.understanding import Understood
    from crisis.values import CrisisType
    from crisis.watch import Mention, Watch
    from fireline.replay_incidents import Episode

TICK = timedelta(seconds=10)
"""Event time between two ticks, as of the live service unless its settings say otherwise."""
_QUARTER, _SLICE = timedelta(minutes=15), timedelta(seconds=10)
"""The detector closes a quarter of an hour with the tick that reaches its last slice."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Replay:
    """Posts of one watch through its triage; ``episodes`` grows as incidents open."""

    def __init__(
        self,
        watch: Watch,
        *,
        playbooks: Mapping[CrisisType, Playbook] | None = None,
        newsrooms: Newsrooms | None = None,
        tick: timedelta = TICK,
        opened: Callable[[Episode], None] = lambda episode: None,
    ) -> None:
        from crisis.episode_triage import EpisodeTriage
        from crisis.media import NOBODY
        from fireline.replay_incidents import Incidents

        self.watch, self._every = watch, tick
        self.triage = EpisodeTriage(watch, playbooks=playbooks, newsrooms=newsrooms or NOBODY)
        self._incidents = Incidents(watch, playbooks or {})
        self._opened = opened

    @property
    def episodes(self) -> list[Episode]:
        return self._incidents.episodes

    def run(self, posts: Sequence[Mention], begin: datetime | None = None) -> Iterator[Signal]:
        """Feed all posts, in event time, and tick between them as the live service does; yields every signal.

        Between episodes, ticks at which nobody has posted and no quarter of an hour ends are left out: they change nothing.
        ``begin``: when listening began;
        the first post, if not told.
        """
        if not posts:
            return
        at = (posts[0].created_at if begin is None else begin) + self._every
        for post in self._understood(posts):
            due = post.mention.created_at
            while at <= due:
                yield self._tick(at)
                at += self._every
                if not self.triage.under_way:
                    at = _next_telling(at, due, self._every)
            self.triage.feed(post)
        yield self._tick(at)

    def _understood(self, posts: Sequence[Mention]) -> Iterator[Understood]:
        from crisis.reading import AT_ONCE

        for start in range(0, len(posts), AT_ONCE):
            yield from self.triage.understand(posts[start : start + AT_ONCE])

    def _tick(self, at: datetime) -> Signal:
        was_under_way = self.triage.under_way
        signal = self.triage.tick(at)
        if was_under_way and not self.triage.under_way:
            self._incidents.close(signal.at)
        if self.triage.due(signal):
            look = self.triage.look(signal, self._incidents.live)
            new = self._incidents.take(look)
            self.triage.follow(self._incidents.live)
            if new is not None:
                self._opened(new)
        return signal


def _next_telling(at: datetime, due: datetime, every: timedelta) -> datetime:
    """The tick from ``at`` on that has something to count: the last one before ``due``, or one that ends a quarter."""
    quarter_ends = -((_EPOCH - at + every - _SLICE) // _QUARTER) * _QUARTER - _SLICE + _EPOCH
    ticks = min((quarter_ends - at) // every + 1, (due - at) // every)
    return at + max(0, ticks) * every


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

    books, rooms = _policy()
    run = Replay(watch, playbooks=books, newsrooms=rooms, opened=opened)
    attention = 0
    for signal in run.run(posts, recording.posts[0].created_at):
        attention += signal.alert == "attention"
    for episode in run.episodes:
        _print_line(episode) if json else _print(episode)
    _summary(len(recording.posts), posts, run.episodes, attention)
    return 0


def _policy() -> tuple[Mapping[CrisisType, Playbook], Newsrooms]:
    """Playbooks and newsrooms of the installation, if there is one."""
    import config
    from config.loading import find_file

    try:
        find_file()
    except config.ConfigError:
        settings = config.Settings(organisation="replay")
    else:
        settings = config.load()
    return config.playbooks(settings), config.newsrooms(settings.home)


def _print_line(episode: Episode) -> None:
    print(json_line(episode.line()))


def _print(episode: Episode) -> None:
    worst = episode.assessment
    until = f"{episode.closed_at:%Y-%m-%d %H:%M}" if episode.closed_at else "still open at the end"
    waits = "  candidate: waits for a person" if episode.incident.state == "candidate" else ""
    print(f"{worst.severity}  {worst.type.value.replace('_', ' ')}  (score {worst.score:g}){waits}")
    print(f"  {episode.opened_at:%Y-%m-%d %H:%M} to {until} UTC; began {episode.started_at:%Y-%m-%d %H:%M}")
    for factor in worst.factors:
        print(visible(f"  {factor.points:+6.1f}  {factor.says}"))
    print(f"  strategy: {worst.strategy.value} ({worst.why_strategy})")
    print(visible(f"  confidence: {worst.why_confidence}; {_arranged(episode)}"))
    if len(episode.history) > 1:
        held = ", ".join(f"{a.severity} from {a.assessed_at:%d %b %H:%M}" for a in episode.history[:12])
        print(f"  severity as it held: {held}" + (", …" if len(episode.history) > 12 else ""))
    for narrative in worst.narratives[:5]:
        print(visible(f"  · {narrative.label} ({narrative.size}): {' '.join(narrative.quote.split())[:120]}"))
    print()


def _arranged(episode: Episode) -> str:
    found = episode.arranged()
    young = found["young_accounts_share"]
    return (
        f"{found['copies']:,} copies, {found['copying_authors']:,} authors who only repeat, "
        f"{found['same_text_authors']:,} who post one text, {found['repeats_within_10_s']:,} repeats within 10 s, "
        f"{'no sign of' if young is None else f'{young:.0%}'} young accounts"
    )


def _summary(read: int, posts: Sequence[Mention], episodes: Sequence[Episode], attention: int) -> None:
    span = (posts[-1].created_at - posts[0].created_at).total_seconds() / 86_400 if posts else 0.0
    found = f"{len(episodes)} incident{'s' if len(episodes) != 1 else ''}"
    print(f"{read} posts read, {len(posts)} match, over {span:.1f} days: {found}", file=sys.stderr)
    if attention:
        print(f"{attention} ticks of raised volume without raised negativity: attention, no incident", file=sys.stderr)

"""``fireline replay``: detection and triage over recorded posts, in event time.

The triage is the live service's (``crisis.episode_triage``), with the same ticks and looks, so it shows what would have been
known and when; what it prints at a moment of the recording depends on nothing that comes later. Playbooks and newsrooms are
the installation's where there is one, else the packaged ones.
With ``--json`` each incident is one JSON object a line on stdout; everything else goes to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from crisis.visible import visible
from fireline.errors import Stop
from fireline.session import json_line

if TYPE_CHECKING:
    from crisis.media import Newsrooms
    from crisis.playbook import Playbook
    from crisis.replay_incidents import Episode
    from crisis.sensitivity import Sensitivity
    from crisis.values import CrisisType
    from crisis.watch import Mention


def _pointed(query: str, position: int) -> str:
    """The line of the query that is wrong, and below it a mark under the place as a terminal shows it."""
    from rich.cells import cell_len

    begins = query.rfind("\n", 0, position) + 1
    cut = max(begins, position - BEFORE)
    before, after = query[cut:position], query[position:].partition("\n")[0][:AFTER]
    before, after = (visible(part.replace("\t", " ")) for part in (before, after))
    more = "…" if cut > begins else ""
    return f"  {more}{before}{after}\n  {' ' * cell_len(more + before)}^"


BEFORE, AFTER = 60, 40
"""Characters of a query that are shown around what is wrong in it."""


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
    query: Annotated[str, Parameter(allow_leading_hyphen=True)],
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
    from crisis.replay import Replay
    from crisis.watch import Watch
    from fireline.progress_bar import shown
    from integrations.outcomes import Misconfigured
    from integrations.recorded import read_posts
    from tasks.progress import counted

    try:
        wanted = Matcher({"replay": parse(query)})
    except QueryError as error:
        raise Stop(f"--query, {error}\n{_pointed(query, error.position)}") from None
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

    books, rooms, sensitivity = _policy()
    run = Replay(watch, playbooks=books, newsrooms=rooms, opened=opened, sensitivity=sensitivity)
    attention = 0
    begin, minute = recording.posts[0].created_at, timedelta(minutes=1)
    minutes = (recording.posts[-1].created_at - begin) // minute + 1
    with shown(), counted("replay", f"Replay of {file.name}", total=minutes, unit="minutes of posts") as progress:
        for signal in run.run(posts, begin):
            attention += signal.alert == "attention"
            progress.at((signal.at - begin) // minute)
    for episode in run.episodes:
        _print_line(episode) if json else _print(episode)
    _summary(len(recording.posts), posts, run.episodes, attention)
    return 0


def _policy() -> tuple[Mapping[CrisisType, Playbook], Newsrooms, Sensitivity]:
    """Playbooks, newsrooms and what an alert takes, of the installation, if there is one."""
    import config
    from config.loading import find_file

    try:
        find_file()
    except config.ConfigError:
        settings = config.Settings(organisation="replay")
    else:
        settings = config.load()
    return config.playbooks(settings), config.newsrooms(settings.home), settings.detection


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

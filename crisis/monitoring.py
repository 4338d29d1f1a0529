"""How closely an incident is watched after the first word, and when that ends, by rule and for everybody to see.

The playbook says how often the reaction is measured (``observe_minutes``); severity, the first hour after a word and a
verdict of "made it worse" make it closer, calm makes it rarer. Watching ends by itself after so many hours of calm without
a break, the longer the graver; never while a promise is open. A new word, a graver rating or a person who extends it
begin it again. Ending it closes nothing: closing stays with people.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from crisis.clocks import span_in_words
from crisis.reaction import Observation
from crisis.record import Record
from crisis.values import Frozen, Severity, UtcDatetime

SEVERITY_FACTOR = {Severity.SEV1: 0.5, Severity.SEV2: 1.0, Severity.SEV3: 1.5, Severity.SEV4: 3.0}
"""Times the playbook's interval."""
CLOSE, CLOSE_FOR = timedelta(minutes=5), timedelta(hours=1)
"""In the first hour after a word, a measurement at least every five minutes: a third of a window."""
SHORTEST, LONGEST = timedelta(minutes=2), timedelta(minutes=60)
CALM_FOR = {
    Severity.SEV1: timedelta(hours=24),
    Severity.SEV2: timedelta(hours=12),
    Severity.SEV3: timedelta(hours=6),
    Severity.SEV4: timedelta(hours=3),
}
"""Calm without a break after which watching ends."""
POSTS = {Severity.SEV1: 5_000, Severity.SEV2: 5_000, Severity.SEV3: 2_000, Severity.SEV4: 1_000}
"""How many of the newest posts are searched for replies to ours and quotes of them, at each measurement."""
WIDE_FROM = Severity.SEV2
"""From this severity on, what answers or quotes our posts, or matches the watch's wider query, is heard also where it does not
match its query; below it no more."""
ENDED, EXTENDED = "monitoring.ended", "monitoring.extended"
BEGINS = frozenset({"statement.published", "incident.assessed", "incident.responding", EXTENDED})
"""Kinds of records after which watching goes on, when it had ended."""
MOST_HOURS = 168
"""A person extends by a week at most, as often as wanted."""


class Cadence(Frozen):
    """How often the reaction is measured now, and why."""

    every: timedelta
    says: str


class Monitoring(Frozen):
    """How an incident is watched, for showing it."""

    cadence: Cadence
    posts: int
    """The newest posts that are searched for answers to ours."""
    hears: str
    """What is heard at this severity, in words."""
    calm_since: UtcDatetime | None = None
    ends_at: UtcDatetime | None = None
    """When watching ends if it stays calm; None while it is not calm, or a promise is open."""
    ended_at: UtcDatetime | None = None
    says: str


def cadence(
    observe_minutes: int,
    severity: Severity,
    *,
    now: datetime,
    last_word: datetime | None,
    worse: bool = False,
    calm: int = 0,
    quiet: int = 3,
) -> Cadence:
    """How often to measure. ``calm``: calm measurements in a row; ``quiet``: those after which closing is proposed.

    Graver never means rarer, nor does "made it worse"; calm never means more often.
    """
    every = timedelta(minutes=observe_minutes) * SEVERITY_FACTOR[severity]
    why = [f"{severity}"]
    if last_word is not None and now - last_word < CLOSE_FOR:
        every = min(every, CLOSE)
        why.append("less than an hour since the last word")
    elif calm >= quiet:
        every *= 2 if calm < 2 * quiet else 4
        why.append(f"{calm} calm measurements in a row")
    if worse:
        every /= 2
        why.append("the last word made it worse")
    every = min(max(every, SHORTEST), LONGEST)
    return Cadence(every=every, says=f"every {span_in_words(every)}: {', '.join(why)}")


def calm_since(observations: Sequence[Observation]) -> datetime | None:
    """Since when every measurement was calm; None when the last one was not."""
    since = None
    for observation in sorted(observations, key=lambda o: o.at, reverse=True):
        if not observation.calm:
            break
        since = observation.at
    return since


def calm_in_a_row(observations: Sequence[Observation]) -> int:
    """How many of the last measurements were calm, without a break."""
    since = calm_since(observations)
    return 0 if since is None else sum(o.at >= since for o in observations)


def ends_at(
    severity: Severity,
    observations: Sequence[Observation],
    *,
    promises_open: bool,
    last_word: datetime | None,
    extended_until: datetime | None,
) -> datetime | None:
    """When watching ends if it stays calm; None while the rule does not run."""
    since = calm_since(observations)
    if since is None or promises_open:
        return None
    begins = max([since, *([last_word] if last_word else [])])
    return max([begins + CALM_FOR[severity], *([extended_until] if extended_until else [])])


def has_ended(records: Sequence[Record]) -> Record | None:
    """The record by which watching ended; None while it goes on. ``records``: of kinds ``ENDED`` and ``BEGINS``."""
    last = max((r for r in records if r.kind == ENDED or r.kind in BEGINS), key=lambda r: r.seq, default=None)
    return last if last is not None and last.kind == ENDED else None


def extended_until(records: Sequence[Record]) -> datetime | None:
    """Until when people have extended it at least."""
    return max((datetime.fromisoformat(str(r.data["until"])) for r in records if r.kind == EXTENDED), default=None)


def hears(severity: Severity, *, wider: bool) -> str:
    """What is listened to: wider from ``WIDE_FROM`` on, narrower below. ``wider``: the watch has a wider query."""
    more = "what answers or quotes our posts" + (", and what matches the wider query" if wider else "")
    if severity >= WIDE_FROM:
        return f"As it is {severity}, not only what matches the watch's query is heard, but also {more}"
    return f"As it is {severity}, only what matches the watch's query is heard; from {WIDE_FROM} on also {more}"


def describe(
    close: Cadence,
    severity: Severity,
    *,
    wider: bool = False,
    extended: datetime | None = None,
    ends: datetime | None,
    calm: datetime | None,
    ended: Record | None,
    promises_open: bool,
) -> Monitoring:
    """How it is watched, in words: how often, what is heard, until when, why it ended, and who may extend it.

    ``extended``: until when people have extended it at least.
    """
    who = "the incident lead, or whoever is one, may extend it"
    needs = f"{CALM_FOR[severity] // timedelta(hours=1)} h"
    heard = hears(severity, wider=wider)
    if ended is not None:
        says = f"Watching ended {ended.at:%d %b %H:%M} UTC: {ended.reason}; {who}"
    elif ends is not None:
        says = f"Measured {close.says}. {heard}. It ends {ends:%d %b %H:%M} UTC if it stays calm; {who}"
    else:
        why = "calm does not count while a promise is open" if promises_open else "it is not calm yet"
        longer = f", and not before {extended:%d %b %H:%M} UTC" if extended else ""
        says = f"Measured {close.says}. {heard}. It ends after {needs} of calm without a break{longer}; {why}"
    return Monitoring(
        cadence=close,
        posts=POSTS[severity],
        hears=heard,
        calm_since=calm,
        ends_at=None if ended else ends,
        ended_at=ended.at if ended else None,
        says=says,
    )

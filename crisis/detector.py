"""Detection for one watch: posts in, one signal a tick out, and an alert that opens once for one surge.

Time is the posts' and the ticks' own; no clock is read. Posts are counted as unique authors and distinct texts over
1, 5, 15 and 60 minutes (``crisis.windows``) and compared with the watch's own usual (``crisis.baseline``), also over
two and six hours, for what is small but does not stop. Volume alone is attention; an alert needs volume *and* a share of
negative authors above the usual (``crisis.surprise``). An author who only repeats others' words counts a tenth. Until
the first day is over the baseline knows nothing of the hours to come: then only an unmistakable burst alerts. An alert
closes when things have been usual for ``CALM`` without a break.

What ``tick`` says depends only on posts fed before it. ``dump`` and ``load`` continue exactly. Memory is bounded. A
post with a date in the future counts as posted now; one more than an hour late is not counted (``late`` says how
many).
"""

import json
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import ceil
from typing import Any, Literal

from crisis.baseline import STEP, WEEKS, Baseline
from crisis.copies import Originals
from crisis.reading import Reading
from crisis.sensitivity import ALERT, height
from crisis.surprise import HOUR, LENGTHS, Episode, Evidence, Span, outrage, raised, remarkable, sample, weigh
from crisis.triage import Signal
from crisis.understanding import Understood, understood
from crisis.watch import Mention, Watch
from crisis.windows import (
    ANGRY,
    AUTHORS,
    COPIES,
    COPYING,
    MENTIONS,
    NEGATIVE,
    REACH,
    READ,
    SLICE,
    SPAN,
    TEXTS,
    UNREAD,
    Counts,
    Sighting,
    Windows,
)

COPY_WEIGHT = 0.1
"""Voices of an author who only repeats others."""

_PER_STEP = STEP // SLICE
_QUARTER = LENGTHS.index(900)
_HISTORY = WEEKS * 7 * 86_400 // STEP


def _voices(held: tuple[int, ...]) -> float:
    return held[AUTHORS] + COPY_WEIGHT * held[COPYING]


class Detector:
    """Detection for one watch. Feed it the posts that match, tick it every few seconds."""

    def __init__(
        self, watch: Watch, reader: Callable[[str, str], Reading] | None = None, *, alert_at: float = ALERT
    ) -> None:
        """``reader``: as in ``crisis.understanding.understood``; ``alert_at``: the score at which an alert opens."""
        self.watch = watch
        self.late = 0
        """Posts not counted because they came more than an hour late."""
        self._reader = reader
        self._opens = height(alert_at)
        self._baseline = Baseline(len(LENGTHS))
        self._originals = Originals()
        self._windows: Windows | None = None
        self._fed: list[Mention | Understood] = []
        self._pending: list[Sighting] = []
        self._quarter = 0
        self._first = 0.0
        self._episode = Episode()
        self._at = 0.0

    @property
    def alerting(self) -> bool:
        """An episode is under way."""
        return self._episode.open

    @property
    def calm_since(self) -> datetime | None:
        """Since when things are usual again, during an episode that is not over yet."""
        since = self._episode.calm_since
        return datetime.fromtimestamp(since, UTC) if since else None

    def understand(self, posts: Sequence[Mention | Understood]) -> list[Understood]:
        """What is understood of posts, in order and each once; to be fed next. All together ten times as fast as singly."""
        return understood(posts, self._originals, self._reader)

    def feed(self, post: Mention | Understood) -> None:
        """Take one matching post; it counts from the next tick on."""
        mention = post if isinstance(post, Mention) else post.mention
        if not self.watch.keeps(mention.language):
            return
        self._fed.append(post)

    def _take(self) -> None:
        """Understand what was fed, and reduce it to what is counted."""
        for post in understood(self._fed, self._originals, self._reader):
            self._pending.append(self._sighting(post))
        self._fed = []

    def _sighting(self, post: Understood) -> Sighting:
        mention, text = post.mention, post.text
        negative = angry = readable = False
        language = mention.language
        if self._windows is None or not self._windows.knows(text):
            reading = post.reading
            readable, language = reading.supported, reading.language
            negative, angry = reading.hostile, reading.anger >= 0.5
        moment = mention.created_at.timestamp()
        return Sighting(
            ceil(moment / SLICE) - 1, moment, post.author, text, post.may_copy, post.mark.repost, readable, negative,
            angry, mention.source, language, mention.followers + mention.reposts, 1 + mention.reposts,
        )  # fmt: skip

    def tick(self, at: datetime) -> Signal:
        """Count what was fed, and say what the windows up to ``at`` hold against the usual.

        Ticks go forward; one that goes back repeats the latest.
        """
        self._at = max(self._at, at.timestamp())
        now = ceil(self._at / SLICE) - 1
        self._take()
        pending = sorted(self._pending, key=lambda post: post.moment)
        self._pending = []
        if self._windows is None:
            start = max(now - SPAN, min(now, pending[0].slice if pending else now))
            self._windows, self._quarter = Windows(start), start // _PER_STEP + 1
        self._quarter = max(self._quarter, now // _PER_STEP - _HISTORY)
        done = 0
        while (last := (self._quarter + 1) * _PER_STEP - 1) <= now:
            while done < len(pending) and pending[done].slice <= last:
                self._count(self._windows, pending[done])
                done += 1
            self._windows.advance(last)
            self._sample(self._windows, last)
        for post in pending[done:]:
            self._count(self._windows, post._replace(slice=min(post.slice, now), moment=min(post.moment, self._at)))
        self._windows.advance(now)
        totals = self._windows.totals()
        evidence = self._evidence(self._windows, totals)
        self._judge(self._windows, evidence, self._at)
        return self._signal(self._windows, totals, evidence)

    def _count(self, windows: Windows, post: Sighting) -> None:
        windows.advance(post.slice)
        if post.slice <= windows.now - SPAN:
            self.late += 1
            return
        windows.add(post)
        if post.slice // _PER_STEP == self._quarter and not self._first:
            self._first = post.moment

    def _sample(self, windows: Windows, last: int) -> None:
        """Close the present quarter: keep it for the baseline, and judge it."""
        totals = windows.totals()
        spans = self._spans(windows, totals, closing=True)
        held = spans[_QUARTER].held
        new = sample(
            self._baseline,
            spans,
            self._quarter,
            (held[NEGATIVE], held[READ]),
            first=self._first,
            quiet=self._episode.quiet(self._baseline),
        )
        new.held = held
        self._baseline.add(new)
        self._quarter, self._first = self._quarter + 1, 0.0
        self._judge(windows, self._evidence(windows, totals), (last + 1.0) * SLICE)

    def _spans(self, windows: Windows, totals: Counts, *, closing: bool = False) -> list[Span]:
        """What the windows hold, and hours of quarters up to now; the present one is whole when it is ``closing``."""
        found = []
        for length, column in zip(LENGTHS, (1, 2, 3), strict=False):
            held = _held(totals[:, column])
            found.append(Span(length, _voices(held), held[NEGATIVE], held[READ], held=held))
        passed = _PER_STEP if closing else max(0, windows.now + 1 - self._quarter * _PER_STEP)
        present = _held(windows.lately(passed))
        quarters = [known.held for known in islice(reversed(self._baseline.samples), LENGTHS[-1] // STEP)]
        for length in LENGTHS[HOUR + 1 :]:
            found.append(_lasting(present, passed / _PER_STEP, quarters[: length // STEP], length))
        return found

    def _evidence(self, windows: Windows, totals: Counts) -> list[Evidence]:
        return weigh(self._baseline, self._spans(windows, totals), self._quarter, self._opens)

    def _judge(self, windows: Windows, evidence: Sequence[Evidence], at: float) -> None:
        """Open or close the alert at ``at``."""
        hot = any(e.hot for e in evidence)
        warm = any(e.warm for e in evidence if e.span.length > LENGTHS[0])
        if self._episode.judge(hot, warm, at, lambda: self._onset(windows, at)):
            self._baseline.disturbed(int(self._episode.started) // STEP)

    def _onset(self, windows: Windows, at: float) -> float:
        """The first post of the episode: where the raised hours begin, or else where the last hour's rate breaks."""
        begin = raised(self._baseline)
        if begin is not None and begin.first < at - LENGTHS[HOUR]:
            return begin.first
        return windows.broke(at)

    def level(self) -> Signal:
        """The last quarter of an hour at the latest tick, whichever window carries an alert: for curves and comparisons.

        Raises:
            ValueError: nothing has been ticked yet.
        """
        if self._windows is None:
            raise ValueError("a detector has no level before its first tick")
        totals = self._windows.totals()
        return self._signal(self._windows, totals, self._evidence(self._windows, totals), quarter_only=True)

    def _signal(
        self, windows: Windows, totals: Counts, evidence: Sequence[Evidence], *, quarter_only: bool = False
    ) -> Signal:
        telling = [e for e in evidence if e.hot]
        best = evidence[_QUARTER]
        if telling and best not in telling and not quarter_only:
            best = max(telling, key=lambda e: e.score)
        column = min(3, LENGTHS.index(best.span.length) + 1)
        held, at = best.span.held, datetime.fromtimestamp(self._at, UTC)
        hour = evidence[2].span.voices / 60
        alert: Literal["", "attention", "outrage"] = ""
        if telling:
            alert = "outrage"
        elif not self._baseline.cold and remarkable(evidence):
            alert = "attention"
        return Signal(
            watch=self.watch.name,
            at=at,
            window=timedelta(seconds=best.span.length),
            mentions=held[MENTIONS],
            distinct_texts=held[TEXTS],
            authors=held[AUTHORS],
            copying_authors=held[COPYING],
            usual_authors=round(best.usual.voices, 2),
            negative_share=held[NEGATIVE] / held[READ] if held[READ] else 0.0,
            usual_negative_share=self._baseline.share(),
            anger_share=held[ANGRY] / held[READ] if held[READ] else 0.0,
            unread=held[UNREAD],
            copies=held[COPIES],
            reach=held[REACH],
            sources=windows.named("source", totals, column),
            languages=windows.named("language", totals, column),
            acceleration=round(evidence[0].span.voices / 5 / hour, 3) if hour else 0.0,
            score=1.0 - 0.5 ** outrage(evidence),
            alert=alert,
            started_at=datetime.fromtimestamp(self._episode.started, UTC) if self._episode.open else at,
            cold=self._baseline.cold,
        )

    def held(self) -> list[str]:
        """Words of posts that are kept, by which copies of them are found."""
        self._take()
        return self._originals.held()

    def forget(self, gone: Collection[str]) -> None:
        """Keep none of these words any more: they were erased."""
        self._originals.forget(gone)

    def dump(self) -> str:
        """Everything the detector knows, as JSON; ``load`` continues exactly."""
        self._take()
        state: dict[str, Any] = {
            "version": 3,
            "windows": self._windows.dump() if self._windows else None,
            "baseline": self._baseline.dump(),
            "originals": self._originals.dump(),
            "pending": [list(post) for post in self._pending],
            "episode": self._episode.dump(),
            "rest": [self.late, self._quarter, self._first, self._at],
        }
        return json.dumps(state, separators=(",", ":"))

    @classmethod
    def load(
        cls,
        watch: Watch,
        state: str,
        reader: Callable[[str, str], Reading] | None = None,
        *,
        alert_at: float = ALERT,
    ) -> "Detector":
        """The detector that ``dump`` described.

        Raises:
            ValueError: ``state`` is not what ``dump`` wrote; start afresh with ``Detector(watch)``.
        """
        new = cls(watch, reader, alert_at=alert_at)
        try:
            known = json.loads(state)
            known = _renewed(known) if known["version"] == 1 else known
            known = _widened(known) if known["version"] == 2 else known
            new._windows = Windows.load(known["windows"]) if known["windows"] else None
            new._baseline = Baseline.load(len(LENGTHS), STEP, known["baseline"])
            new._originals = Originals.load(known["originals"]) if "originals" in known else Originals()
            new._pending = [Sighting(*post) for post in known["pending"]]
            new._episode = Episode.load(known["episode"])
            new.late, new._quarter, new._first, new._at = known["rest"]
        except (LookupError, TypeError, ValueError) as error:
            raise ValueError(f"this is not a detector's state ({type(error).__name__}: {error})") from None
        return new


def _lasting(present: tuple[int, ...], passed: float, quarters: Sequence[tuple[int, ...]], length: int) -> Span:
    """A span that ends now: the ``passed`` part of the present quarter of an hour, and quarters before it, newest first.

    Of the oldest only what the present one leaves over counts. With some missing it is stretched, and not whole.
    """
    most = length // STEP
    whole = len(quarters) + passed >= most
    parts = [1.0] * len(quarters)
    if len(quarters) == most:
        parts[-1] = 1.0 - passed
    exact = [float(count) for count in present]
    for part, quarter in zip(parts, quarters, strict=True):
        exact = [sofar + part * count for sofar, count in zip(exact, quarter, strict=True)]
    held = tuple(round(count) for count in exact)
    voices = exact[AUTHORS] * most / max(1.0, min(most, len(quarters) + passed))
    return Span(length, voices, held[NEGATIVE], held[READ], whole, held)


def _held(counts: Counts) -> tuple[int, ...]:
    return tuple(int(value) for value in counts[: ANGRY + 1])


def _renewed(state: dict[str, Any]) -> dict[str, Any]:
    """A state of version 1, in which the share of negative authors was not yet held against its own past."""
    late, quarter, first, alerting, started, calm_since, at = state["rest"]
    samples = [
        [step, voices, above, [], [held[NEGATIVE], held[READ]], hour, begun, quiet, held]
        for step, voices, above, held, hour, begun, quiet in state["baseline"]
    ]
    episode = [alerting, started, calm_since]
    return {**state, "version": 2, "baseline": samples, "episode": episode, "rest": [late, quarter, first, at]}


def _widened(state: dict[str, Any]) -> dict[str, Any]:
    """A state of version 2, which knew no span of two hours: its past is that of the quarters, and as wild as the hour's."""
    between = HOUR + 1
    quarters, samples = LENGTHS[between] // STEP, []
    for place, (step, voices, *surprises, own, hour, first, quiet, held) in enumerate(state["baseline"]):
        lately = [known[-1][AUTHORS] for known in state["baseline"][max(0, place + 1 - quarters) : place + 1]]
        wider = [*voices[:between], sum(lately) / len(lately) * quarters, *voices[between:]]
        above, over = ([*known[:between], *known[HOUR:between], *known[between:]] for known in surprises)
        samples.append([step, wider, above, over, own, hour, first, quiet, held])
    return {**state, "version": 3, "baseline": samples}

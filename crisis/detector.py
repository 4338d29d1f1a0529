"""Detection for one watch: posts in, one signal a tick out, and an alert that opens once for one surge.

Time is the posts' and the ticks' own; no clock is read. Posts are counted as unique authors and distinct texts over
1, 5, 15 and 60 minutes (``crisis.windows``) and compared with the watch's own usual (``crisis.baseline``), also over
six hours, for what is small but does not stop. Volume alone is attention; an alert needs volume *and* a share of
negative texts above the usual: their surprises, each 1 at about one chance in a thousand, are blended as a geometric
mean. An author who only repeats others' words counts a tenth. Until the first day is over the baseline knows nothing
of the hours to come: then only an unmistakable burst alerts. An alert closes when things have been usual for ``CALM``
without a break.

What ``tick`` says depends only on posts fed before it. ``dump`` and ``load`` continue exactly. Memory is bounded. A
post with a date in the future counts as posted now; one more than an hour late is not counted (``late`` says how
many).
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import ceil, log1p, sqrt
from typing import Any, Literal, NamedTuple

from crisis.baseline import DAY, HISTORY, LENGTHS, STEP, Baseline, Sample, Usual
from crisis.copies import fingerprint, key
from crisis.reading import Reading, read
from crisis.triage import Signal
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

ALERT = {300: 1.0, 900: 0.9, 3600: 0.8, 21_600: 0.65}
"""Blended surprise from which an alert opens, by window: a short one is looked at more often, so it takes more."""
REST = 0.5
"""Share of that below which things are usual again."""
CALM = timedelta(hours=6)
"""How long things must be usual before an alert closes: longer than a night's pause."""
COPY_WEIGHT = 0.1
"""Voices of an author who only repeats others."""
MOST = 0.4
"""Share of negative authors that is bad enough by itself, if it is not below the usual."""
FEWEST = 10
"""Negative authors below which nothing is a firestorm."""
TIMES, VOLUME = 1.5, 0.5
"""Voices against the usual, and surprise at them, at the least."""
EXCESS = 0.08
"""Share of negative authors above the usual, at the least, unless it is bad enough by itself."""
COLD_NEGATIVE, COLD_TIMES, COLD_STEPS = 50, 5.0, 4
"""While cold: negative authors in the window, voices against the busiest window yet, and quarters that must be known."""
NEW_NORMAL = 2 * 86_400 // STEP
"""Quarters after which an episode that does not end becomes the usual."""

_PER_STEP = STEP // SLICE
_QUARTER = LENGTHS.index(900)
_SIX_HOURS = LENGTHS[-1] // STEP


class Evidence(NamedTuple):
    """What one window says."""

    length: int
    held: tuple[int, ...]
    voices: float
    usual: Usual
    volume: float
    """Surprise at the volume; 1 is the stream's own 99.9 % quantile."""
    negativity: float
    """Surprise at the share of negative authors; 1 is three standard deviations."""
    score: float
    """Both, blended, against what an alert takes: 1 alerts."""
    enough: bool
    """Large enough to be anything at all."""


def _voices(held: tuple[int, ...]) -> float:
    return held[AUTHORS] + COPY_WEIGHT * held[COPYING]


class Detector:
    """Detection for one watch. Feed it the posts that match, tick it every few seconds."""

    def __init__(self, watch: Watch, reader: Callable[[str, str], Reading] = read) -> None:
        self.watch = watch
        self.late = 0
        """Posts not counted because they came more than an hour late."""
        self._reader = reader
        self._baseline = Baseline()
        self._windows: Windows | None = None
        self._pending: list[Sighting] = []
        self._quarter = 0
        self._first = 0.0
        self._alerting = False
        self._started = self._calm_since = self._at = 0.0

    @property
    def alerting(self) -> bool:
        """An episode is under way."""
        return self._alerting

    @property
    def calm_since(self) -> datetime | None:
        """Since when things are usual again, during an episode that is not over yet."""
        return datetime.fromtimestamp(self._calm_since, UTC) if self._calm_since else None

    def feed(self, mention: Mention) -> None:
        """Take one matching post; it counts from the next tick on."""
        if self.watch.languages and mention.language and mention.language not in self.watch.languages:
            return
        mark = fingerprint(mention.text)
        author = key(f"{mention.source}/{mention.author or mention.id}")
        copy = mark.repost or mark.long_enough
        text = mark.value if copy else mark.value ^ author
        negative = angry = readable = False
        language = mention.language
        if self._windows is None or not self._windows.knows(text):
            reading = self._reader(mention.text, mention.language)
            readable, language = reading.supported, reading.language
            negative, angry = reading.hostile, reading.anger >= 0.5
        moment = mention.created_at.timestamp()
        self._pending.append(
            Sighting(
                ceil(moment / SLICE) - 1, moment, author, text, copy, mark.repost, readable, negative, angry,
                mention.source, language, mention.followers + mention.reposts, 1 + mention.reposts,
            )
        )  # fmt: skip

    def tick(self, at: datetime) -> Signal:
        """Count what was fed, and say what the windows up to ``at`` hold against the usual.

        Ticks go forward; one that goes back repeats the latest.
        """
        self._at = max(self._at, at.timestamp())
        now = ceil(self._at / SLICE) - 1
        pending = sorted(self._pending, key=lambda post: post.moment)
        self._pending = []
        if self._windows is None:
            start = max(now - SPAN, min(now, pending[0].slice if pending else now))
            self._windows, self._quarter = Windows(start), start // _PER_STEP + 1
        self._quarter = max(self._quarter, now // _PER_STEP - HISTORY)
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
        evidence = self._evidence(totals)
        self._judge(evidence, self._at)
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
        """Close the present quarter: judge it, and keep it for the baseline."""
        totals = windows.totals()
        evidence = self._evidence(totals)
        held = _held(totals, 2)
        recent = list(islice(reversed(self._baseline.samples), max(NEW_NORMAL, _SIX_HOURS)))
        past = [held[AUTHORS], *(sample.held[AUTHORS] for sample in recent[: _SIX_HOURS - 1])]
        voices = (*(e.voices for e in evidence[:3]), sum(past) / len(past) * _SIX_HOURS)
        usual = self._baseline.usual(self._quarter)
        above = (
            ()
            if self._baseline.cold
            else tuple((log1p(v) - log1p(u.voices)) / u.spread for v, u in zip(voices, usual, strict=True))
        )
        settled = len(recent) == NEW_NORMAL and not any(sample.quiet for sample in recent)
        whole = evidence[2].held
        hour = (whole[NEGATIVE], whole[READ]) if self._quarter % 4 == 3 else (0, 0)
        quiet = not self._alerting or settled
        self._baseline.add(Sample(self._quarter, voices, above, held, hour, self._first, quiet))
        self._quarter, self._first = self._quarter + 1, 0.0
        self._judge(self._evidence(totals), (last + 1.0) * SLICE)

    def _evidence(self, totals: Counts) -> list[Evidence]:
        usual = self._baseline.usual(self._quarter)
        found = []
        for column in (1, 2, 3):
            held = _held(totals, column)
            found.append(self._weigh(held, _voices(held), usual[column - 1], LENGTHS[column - 1]))
        if len(self._baseline.samples) >= _SIX_HOURS:
            quarters = [sample.held for sample in islice(reversed(self._baseline.samples), _SIX_HOURS)]
            held = tuple(map(sum, zip(*quarters, strict=True)))
            found.append(self._weigh(held, held[AUTHORS], usual[-1], LENGTHS[-1]))
        return found

    def _weigh(self, held: tuple[int, ...], voices: float, usual: Usual, length: int) -> Evidence:
        negative, known = held[NEGATIVE], held[READ]
        volume = usual.surprise(voices)
        above = self._baseline.surprise(negative, known)
        negativity = above / 3.0
        excess = negative >= (self._baseline.share() + EXCESS) * known
        if known and negative >= MOST * known and above >= -0.5:
            negativity, excess = max(negativity, 1 / 3), True
        score = sqrt(max(0.0, min(volume, 4.0)) * max(0.0, min(negativity, 4.0))) / ALERT[length]
        if self._baseline.cold:
            old = len(self._baseline.samples) >= COLD_STEPS and length < LENGTHS[-1]
            enough = old and negative >= COLD_NEGATIVE and voices >= COLD_TIMES * max(usual.voices, 1.0)
        else:
            enough = negative >= FEWEST and voices >= TIMES * usual.voices and volume >= VOLUME
        enough = enough and excess and negativity >= 1 / 3
        return Evidence(length, held, voices, usual, volume, negativity, score, enough)

    def _judge(self, evidence: list[Evidence], at: float) -> None:
        """Open or close the alert at ``at``."""
        if not self._alerting:
            if any(e.enough and e.score >= 1.0 for e in evidence):
                self._alerting, self._calm_since = True, 0.0
                self._started = self._onset(at)
                self._baseline.disturbed(int(self._started) // STEP)
        elif any(e.score >= REST and e.length > LENGTHS[0] and e.held[NEGATIVE] >= FEWEST for e in evidence):
            self._calm_since = 0.0
        else:
            self._calm_since = self._calm_since or at
            if at - self._calm_since >= CALM.total_seconds():
                self._alerting, self._calm_since, self._started = False, 0.0, 0.0

    def _onset(self, at: float) -> float:
        """The first post of the episode: where the raised hours begin, or else where the last hour's rate breaks."""
        begin, missed = 0.0, 0
        for sample in islice(reversed(self._baseline.samples), DAY):
            if sample.above and max(sample.above[1], sample.above[2]) >= 1.0 and sample.first:
                begin, missed = sample.first, 0
            elif (missed := missed + 1) > 1:
                break
        if begin and begin < at - LENGTHS[2]:
            return begin
        assert self._windows is not None  # noqa: S101
        return self._windows.broke(at)

    def level(self) -> Signal:
        """The last quarter of an hour at the latest tick, whichever window carries an alert: for curves and comparisons.

        Raises:
            ValueError: nothing has been ticked yet.
        """
        if self._windows is None:
            raise ValueError("a detector has no level before its first tick")
        totals = self._windows.totals()
        return self._signal(self._windows, totals, self._evidence(totals), quarter_only=True)

    def _signal(
        self, windows: Windows, totals: Counts, evidence: list[Evidence], *, quarter_only: bool = False
    ) -> Signal:
        telling = [e for e in evidence if e.enough and e.score >= 1.0]
        best = evidence[_QUARTER]
        if telling and best not in telling and not quarter_only:
            best = max(telling, key=lambda e: e.score)
        column = min(3, LENGTHS.index(best.length) + 1)
        held, at = best.held, datetime.fromtimestamp(self._at, UTC)
        hour = evidence[2].voices / 60
        alert: Literal["", "attention", "outrage"] = ""
        if telling:
            alert = "outrage"
        elif not self._baseline.cold and any(e.volume >= 1 and e.voices >= 2 * FEWEST for e in evidence[:3]):
            alert = "attention"
        return Signal(
            watch=self.watch.name,
            at=at,
            window=timedelta(seconds=best.length),
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
            acceleration=round(evidence[0].voices / 5 / hour, 3) if hour else 0.0,
            score=1.0 - 0.5 ** (max(e.score for e in evidence)),
            alert=alert,
            started_at=datetime.fromtimestamp(self._started, UTC) if self._alerting else at,
            cold=self._baseline.cold,
        )

    def dump(self) -> str:
        """Everything the detector knows, as JSON; ``load`` continues exactly."""
        state: dict[str, Any] = {
            "version": 1,
            "windows": self._windows.dump() if self._windows else None,
            "baseline": self._baseline.dump(),
            "pending": [list(post) for post in self._pending],
            "rest": [self.late, self._quarter, self._first, self._alerting, self._started, self._calm_since, self._at],
        }
        return json.dumps(state, separators=(",", ":"))

    @classmethod
    def load(cls, watch: Watch, state: str, reader: Callable[[str, str], Reading] = read) -> "Detector":
        """The detector that ``dump`` described.

        Raises:
            ValueError: ``state`` is not what ``dump`` wrote; start afresh with ``Detector(watch)``.
        """
        new = cls(watch, reader)
        try:
            known = json.loads(state)
            new._windows = Windows.load(known["windows"]) if known["windows"] else None
            new._baseline = Baseline.load(known["baseline"])
            new._pending = [Sighting(*post) for post in known["pending"]]
            new.late, new._quarter, new._first, new._alerting, new._started, new._calm_since, new._at = known["rest"]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this is not a detector's state ({type(error).__name__}: {error})") from None
        return new


def _held(totals: Counts, column: int) -> tuple[int, ...]:
    return tuple(int(value) for value in totals[: ANGRY + 1, column])

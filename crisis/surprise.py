"""How surprising a moment is, and whether an episode is under way: one mathematics for posts and for counts.

``crisis.detector`` (posts) and ``crisis.backtest`` (counts) measure *spans*: voices, and negative ones among them, over
5, 15 and 60 minutes, 2 and 6 hours. Each span is held against the stream's own usual (``crisis.baseline``) twice: the
volume, and the share of negative voices. Either surprise is 1 at the stream's own 99.9 % quantile. Volume alone is
*attention*. *Outrage* takes both: the mean of the two surprises, each by itself well above nothing, and those who came on
top of the usual clearly angrier than the usual, so that neither a flood of praise, nor news that is a little worse than
usual, nor three complaints on a quiet night pages anybody. An episode opens once, and closes when things
have been usual for ``CALM`` without a break.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from math import sqrt
from typing import Any

from crisis.baseline import Baseline, Sample, Usual

LENGTHS = (300, 900, 3600, 7200, 21_600)
"""Spans, in seconds: 5, 15, 60 min, 2 h for brands with few voices, and 6 h for what is small but does not stop."""
HOUR = LENGTHS.index(3600)
OUTRAGE = (1.15, 0.78, 0.7, 0.59, 0.68)
"""Mean surprise from which an episode opens, by span."""
YOUNG = 1.0
"""While the baseline is young it takes more: 1 + YOUNG / days."""
ATTENTION, ATTENTION_HOUR = 1.1, 1.2
"""Surprise at the volume that is attention: in every span below an hour, or else in the hour."""
VOLUME, NEGATIVITY = 0.25, 0.9
"""Either surprise, at the least, for an outrage."""
MOST = 4.0
"""More surprise than that counts as that much."""
TIMES = 1.3
"""Voices against the usual, at the least."""
FEWEST, FEWEST_LASTING = 7, 12
"""Negative voices below which nothing is a firestorm: in spans below six hours, and in longer ones."""
SOBER, CERTAIN = 0.1, 1.0
"""Share above the usual, at most one half in all, with which news is told soberly; and the standard deviations of
counting by which those on top must be beyond it: a few voices are often angrier by chance."""
FEWEST_VOICES = 10
"""Voices below which nothing is attention."""
EXCESS = 0.12
"""Share of negative voices above the usual, at the least."""
ADDED = 0.25
"""Likewise among the voices that came on top of the usual, where a brand's ordinary talk does not water it down."""
ADDED_HOUR = 0.2
"""Likewise within the hour, where a shorter span is judged: moods come and go, and those of news pass within minutes."""
FEWEST_ADDED = 0.15
"""Share of the voices that is taken to have come on top, at the least."""
BAD, BAD_SURPRISE = 0.5, 0.6
"""Share of negative voices that is bad enough by itself, if it is not below the usual, and the surprise it counts as."""
BAD_ADDED, BAD_ADDED_MOST = 0.18, 0.62
"""Share above the usual among those on top that goes with it, and the share that is enough wherever the usual lies."""
BAD_TIMES = 3.0
"""Voices against the usual from which on, in an hour or more, the share that is bad enough is that among those on top."""
PLAIN_TIMES, PLAIN_NEGATIVE, PLAIN_VOLUME = 6.0, 40, 0.4
"""Voices against the usual, negative ones, and surprise at the volume that with a share that is bad enough, and the
excess ``ADDED`` among those on top, are plainly an outrage, however wild the brand is; not in spans under a quarter."""
REST = 0.6
"""Share of what opens an episode below which things are usual again."""
CALM = timedelta(hours=8)
"""How long things must be usual before an episode is over: longer than a night's pause."""
COLD_NEGATIVE, COLD_TIMES, COLD_STEPS = 50, 5.0, 4
"""While cold: negative voices in the span, voices against the busiest span yet, and samples that must be known."""
NEW_NORMAL = 2.0
"""Days after which an episode that does not end becomes the usual."""


@dataclass(frozen=True)
class Span:
    """What was counted over one length of time that ends now."""

    length: int
    voices: float
    negative: int
    known: int
    """Voices of which it is known whether they are negative."""
    whole: bool = True
    """It was counted from end to end, not stretched from a shorter time."""
    held: tuple[int, ...] = ()
    """What else its owner wants to find again."""


@dataclass(frozen=True)
class Evidence:
    """What one span says."""

    span: Span
    usual: Usual
    """Of the volume."""
    share: float
    """The usual share of negative voices."""
    volume: float
    """Surprise at the volume; 1 is what the stream exceeds once in a thousand looks."""
    negativity: float
    """Surprise at the share of negative voices, likewise."""
    height: float
    """The volume against the stream's highest 0.1 %: like ``volume`` from 1 on, and finer below."""
    score: float
    """Their mean against what opens an episode: 1 opens it."""
    enough: bool
    """Large enough, and both surprises high enough, to be an outrage at all."""
    opens: float = 1.0
    """The score that opens an episode, where people have set another (``crisis.sensitivity``)."""

    @property
    def hot(self) -> bool:
        """It opens an episode."""
        return self.enough and self.score >= self.opens

    @property
    def warm(self) -> bool:
        """It keeps an episode going."""
        both = min(self.volume / VOLUME, self.negativity / NEGATIVITY)
        return self.score >= REST and both >= REST and self.span.negative >= FEWEST


def weigh(baseline: Baseline, spans: Sequence[Span], step: int, opens: float = 1.0) -> list[Evidence]:
    """What each span says in the step ``step``; spans are in the order of the baseline's windows.

    ``opens``: as in ``Evidence``.
    """
    expected = baseline.usual(step)
    lasting = _lasting(baseline, spans, expected)
    return [
        _weigh(baseline, window, span, usual, lasting or span.length >= LENGTHS[HOUR], opens)
        for window, (span, usual) in enumerate(zip(spans, expected, strict=True))
        if span.whole
    ]


def _lasting(baseline: Baseline, spans: Sequence[Span], expected: Sequence[Usual]) -> bool:
    """Whether those who came on top within the hour, taken together, are angrier than usual."""
    hour, usual = next(
        ((span, usual) for span, usual in zip(spans, expected, strict=True) if span.length >= LENGTHS[HOUR]),
        (spans[-1], expected[-1]),
    )
    share = baseline.share()
    return _added(hour, usual.voices, share) >= min(share + ADDED_HOUR, BAD_ADDED_MOST)


def _weigh(baseline: Baseline, window: int, span: Span, usual: Usual, lasting: bool, opens: float) -> Evidence:
    negative, known = span.negative, span.known
    volume = usual.surprise(span.voices)
    negativity = baseline.surprise(window, negative, known)
    share = baseline.share()
    added = _added(span, usual.voices, share)
    excess = negative >= (share + EXCESS) * known and added >= share + ADDED
    watered = added >= BAD and span.length >= LENGTHS[HOUR] and span.voices >= BAD_TIMES * usual.voices
    most = bool(known) and (watered or negative >= BAD * known)
    bad = most and added >= min(share + BAD_ADDED, BAD_ADDED_MOST)
    if bad:
        negativity = max(negativity, BAD_SURPRISE)
    angry = lasting and (bad or (excess and negativity >= NEGATIVITY)) and _certain(span, usual.voices, share)
    enough = angry and _large(baseline, span, usual, volume)
    threshold = OUTRAGE[max(0, bisect_right(LENGTHS, span.length) - 1)] * (1 + YOUNG / max(1.0, baseline.days))
    score = (max(0.0, min(volume, MOST)) + max(0.0, min(negativity, MOST))) / 2 / threshold
    if enough and excess and baseline.cold:  # little as is known so far, this is unmistakable
        score = max(score, 1.0)
    if enough and bad and added >= min(share + ADDED, BAD_ADDED_MOST) and _plain(baseline, span, usual, volume):
        score = max(score, 1.0)
    return Evidence(span, usual, share, volume, negativity, usual.height(span.voices), score, enough, opens)


def _large(baseline: Baseline, span: Span, usual: Usual, volume: float) -> bool:
    """Enough voices and negative ones to be an outrage, if they are angry."""
    if baseline.cold:
        old = len(baseline.samples) >= COLD_STEPS and span.length < LENGTHS[-1]
        return old and span.negative >= COLD_NEGATIVE and span.voices >= COLD_TIMES * max(usual.voices, 1.0)
    fewest = FEWEST if span.length < LENGTHS[-1] else FEWEST_LASTING
    return span.negative >= fewest and span.voices >= TIMES * usual.voices and volume >= VOLUME


def _plain(baseline: Baseline, span: Span, usual: Usual, volume: float) -> bool:
    """So many that no surprise at the share is asked for, if they are angry: some brands are too wild to be surprised."""
    lasting = span.length >= LENGTHS[1] and not baseline.cold
    many = span.negative >= PLAIN_NEGATIVE and span.voices >= PLAIN_TIMES * usual.voices
    return lasting and many and volume >= PLAIN_VOLUME


def _added(span: Span, usual: float, share: float) -> float:
    """The share of negative voices among those that came on top of ``usual`` ones, which are as negative as ever.

    Where few came, those of an ordinary time are taken to be fewer; voices that cannot be read are as those that can.
    """
    if not span.known:
        return 0.0
    ordinary = _ordinary(span, usual)
    return (span.negative - share * ordinary) / (span.known - ordinary)


def _ordinary(span: Span, usual: float) -> float:
    """How many of the voices known are those of an ordinary time."""
    return span.known * min(usual / max(span.voices, 1e-9), 1.0 - FEWEST_ADDED)


def _certain(span: Span, usual: float, share: float) -> bool:
    """Whether those on top are angrier than sober news by more than the chance of counting (binomial).

    What moods do by themselves is no matter of chance: the surprise at the share is held against that.
    """
    sober, ordinary = min(share + SOBER, BAD), _ordinary(span, usual)
    added = span.known - ordinary
    chance = added * sober * (1 - sober) + ordinary * share * (1 - share)
    return span.negative - share * ordinary - sober * added >= CERTAIN * sqrt(chance)


def outrage(evidence: Sequence[Evidence]) -> float:
    """How near the moment is to opening an episode: 1 opens it."""
    return max((e.score if e.enough else min(e.score, REST) for e in evidence), default=0.0)


def _short(evidence: Sequence[Evidence]) -> Sequence[Evidence]:
    """The spans below an hour, or the shortest there is."""
    return [e for e in evidence if e.span.length < LENGTHS[HOUR]] or evidence[:1]


def attention(evidence: Sequence[Evidence]) -> float:
    """How near the volume alone is to being remarkable, 1 is: what is there in five minutes *and* in fifteen."""
    return max(0.0, min((e.height / ATTENTION for e in _short(evidence)), default=0.0))


def remarkable(evidence: Sequence[Evidence]) -> bool:
    """The volume alone deserves attention."""
    for e in evidence:
        if e.span.length == LENGTHS[HOUR] and e.height >= ATTENTION_HOUR and e.span.voices >= FEWEST_VOICES:
            return True
    short = _short(evidence)
    return attention(evidence) >= 1.0 and max(e.span.voices for e in short) >= FEWEST_VOICES


def sample(
    baseline: Baseline, spans: Sequence[Span], step: int, read: tuple[int, int], *, first: float, quiet: bool
) -> Sample:
    """The sample that closes the step ``step``: ``read`` are its own negative and known voices."""
    cold = baseline.cold
    usual = baseline.usual(step)
    hour = next((span for span in spans if span.length >= 3600), spans[-1])
    ends = (step + 1) * baseline.step % hour.length < baseline.step
    return Sample(
        step=step,
        voices=tuple(span.voices for span in spans),
        above=() if cold else tuple(u.above(s.voices) for s, u in zip(spans, usual, strict=True)),
        over=() if cold else tuple(baseline.over(span.negative, span.known) for span in spans),
        read=read,
        hour=(hour.negative, hour.known) if ends else (0, 0),
        first=first,
        quiet=quiet,
    )


def raised(baseline: Baseline) -> Sample | None:
    """The first sample of the raised hours that reach until now; None when the last ones are usual."""
    begin, missed = None, 0
    for known in islice(reversed(baseline.samples), baseline.day):
        if known.above and max(known.above[1:3] or known.above) >= 1.0 and known.first:
            begin, missed = known, 0
        elif (missed := missed + 1) > 1:
            break
    return begin


class Episode:
    """Whether an episode is under way: it opens once for one surge, and closes after ``calm`` without a break."""

    def __init__(self, calm: timedelta = CALM) -> None:
        self._calm = calm.total_seconds()
        self.open = False
        self.started = 0.0
        """When it began, seconds since the epoch."""
        self.calm_since = 0.0
        """Since when things are usual again; 0 while they are not."""

    def judge(self, hot: bool, warm: bool, at: float, begun: Callable[[], float]) -> bool:
        """Take note of a moment; true when an episode opens with it. ``begun`` says when it had begun."""
        if not self.open:
            if hot:
                self.open, self.calm_since = True, 0.0
                self.started = begun()
            return hot
        if warm or hot:
            self.calm_since = 0.0
        else:
            self.calm_since = self.calm_since or at
            if at - self.calm_since >= self._calm:
                self.open, self.calm_since, self.started = False, 0.0, 0.0
        return False

    def quiet(self, baseline: Baseline) -> bool:
        """Whether a sample that is closed now belongs to the usual."""
        if not self.open:
            return True
        lasting = round(NEW_NORMAL * baseline.day)
        recent = list(islice(reversed(baseline.samples), lasting))
        return len(recent) == lasting and not any(known.quiet for known in recent)

    def dump(self) -> list[Any]:
        """Everything, as plain JSON values."""
        return [self.open, self.started, self.calm_since]

    @classmethod
    def load(cls, state: list[Any]) -> "Episode":
        """The episode that ``dump`` described."""
        new = cls()
        new.open, new.started, new.calm_since = state
        return new

"""Simulated outrages and brigades as posts through the live detector: the third table of ``benchmarks.detection``."""

import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks import outrage, say
from benchmarks.outrage import STEP, Stream
from crisis.detector import Detector
from crisis.reading import Reading
from crisis.watch import Mention, Watch


def read_made_up(text: str, hint: str) -> Reading:
    """Made-up posts say their mood in their first word."""
    if text.startswith("bad"):
        return Reading(language="en", supported=True, sentiment="negative", negative=0.9, anger=0.6)
    return Reading(language="en", supported=True, sentiment="neutral", negative=0.1)


def post_stream(stream: Stream, seed: int, *, brigade: bool) -> list[Mention]:
    """A stream as posts, each by somebody else and in words that nobody else uses, exactly as many negative as counted.

    With ``brigade`` what is added is one text by 80 authors, over and over, and the others are as negative as before.
    """
    dice = np.random.default_rng(seed)
    begin, found = datetime(2026, 1, 5, tzinfo=UTC), []
    usual = float(np.median(stream.values))
    share = stream.negative[: stream.begins].sum() / max(1, stream.values[: stream.begins].sum())
    for row, (value, negative) in enumerate(zip(stream.values, stream.negative, strict=True)):
        struck = brigade and row >= stream.begins
        moods = dice.random(value) < share if struck else dice.permutation(np.arange(value) < negative)
        for number, second in enumerate(np.sort(dice.uniform(0, STEP, int(value)))):
            author = f"author-{row}-{number}"
            told = f"{'bad' if moods[number] else 'good'} acme {dice.bytes(24).hex(' ', 4)}"
            if struck and number >= usual:
                author, told = f"troll-{dice.integers(80)}", "bad product, share this before they delete it"
            moment = begin + timedelta(seconds=STEP * row + float(second))
            found.append(Mention(id=f"{row}-{number}", text=told, author=author, created_at=moment))
    return found


def live(seed: int, count: int) -> None:
    """Table 3 of ``benchmarks.detection``."""
    say(f"\n3. As posts through the live detector: {count} streams each, 3 days of history, ticks of a minute")
    for name, times, brigade in (("outrage 10x", 10.0, False), ("outrage 3x", 3.0, False), ("brigade 10x", 10.0, True)):
        delays, before = [], 0
        for number in range(count):
            real = outrage.simulate(zlib.crc32(f"{seed} {name} {number}".encode()), "outrage", times, days=3.0)
            thin = min(1.0, 20.0 / max(1.0, float(np.median(real.values))))
            dice = np.random.default_rng(number)
            values = dice.binomial(real.values, thin)
            share = np.divide(real.negative, real.values, out=np.zeros(len(values)), where=real.values > 0)
            stream = Stream("outrage", values, dice.binomial(values, share), real.begins, real.shape)
            begins = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=STEP * stream.begins)
            opened = _first_alert(post_stream(stream, number, brigade=brigade), begins)
            before += sum(moment < begins for moment in opened)
            after = [(m - begins).total_seconds() / 60 for m in opened if begins <= m < begins + timedelta(hours=3)]
            delays.append(min(after, default=np.inf))
        found = np.asarray(delays)
        alerted = f"{int(np.isfinite(found).sum())} of {count} alerted"
        middle = float(np.quantile(found, 0.5, method="higher"))
        median = "" if brigade or np.isinf(middle) else f", median {middle:.0f} min"
        say(f"  {name:<12} {alerted}{median}; {before} alerts in the {3 * count} days before")


def _first_alert(posts: Sequence[Mention], begins: datetime) -> list[datetime]:
    """When alerts open, until three hours after it begins."""
    detector = Detector(Watch(name="acme", brand="Acme", query="acme"), read_made_up)
    at, index, opened, was = posts[0].created_at, 0, [], False
    while at < begins + timedelta(hours=3) and index < len(posts):
        at += timedelta(seconds=60)
        while index < len(posts) and posts[index].created_at <= at:
            detector.feed(posts[index])
            index += 1
        detector.tick(at)
        if detector.alerting and not was:
            opened.append(at)
        was = detector.alerting
    return opened

"""Watching a whole firehose: share of a core at 2,000 events a second, and memory over a simulated week.

    python benchmarks/watching.py [--seconds 30] [--days 7] [--per-minute 20]

First a stream as ``benchmarks/matching.py`` makes it, at 1,000 watches: every event passes the matcher, and one match in ten
is fed to a detector that ticks every ten seconds; the processor time it took is set against the seconds that so many
events last. Then a detector alone watches for a week of event time: different texts by different authors, waxing and
waning by the hour. Last, matching posts (those of ``benchmarks/replay.py``, no two alike) come 100 a second and are
understood together at each tick. Shown are the resident memory and the size of what is stored, after each day.
"""

import argparse
import random
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import say
from benchmarks.matching import brands, decode, events, queries, seen
from benchmarks.replay import QUERY, make
from crisis.detector import Detector
from crisis.matching import Matcher
from crisis.query import parse
from crisis.reading import read_many
from crisis.watch import Mention, Watch
from integrations.recorded import read_posts

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)
WATCH = Watch(name="bench", brand="Acme", query="acme")
TICK = timedelta(seconds=10)


def resident() -> float:
    """Largest resident memory so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def stream(seconds: int) -> None:
    """Share of a core that ``seconds`` of a 2,000-events-a-second stream take."""
    dice = random.Random(3)
    names = brands(1000, dice)
    lines = events(2000 * seconds, names, dice)
    matcher = Matcher({name: parse(query) for name, query in queries(names).items()}, text_key="text")
    detector, matched = Detector(WATCH), 0
    detector.tick(BEGIN)
    started = time.process_time()
    for number, line in enumerate(lines):
        moment = BEGIN + timedelta(seconds=number / 2000)
        if matcher.may_match(line) and (post := seen(decode(line))) is not None and matcher.matches(post):
            matched += 1
            if matched % 10 == 0:
                detector.feed(Mention(id=post.id, text=post.text, author=post.author, created_at=moment))
        if number % 20_000 == 19_999:
            detector.tick(moment)
    used = time.process_time() - started
    say(f"2,000 events/s at 1,000 watches, {matched / seconds:.0f} matches/s: {used / seconds:.1%} of a core")


def matches(count: int) -> None:
    """Posts a second and core from the match to the signal, of posts that come 100 a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "posts.jsonl"
        make(path, count)
        wanted = Matcher({"bench": parse(QUERY)})
        posts = [post for post in read_posts(path).posts if wanted.matches(post)]
    read_many([post.text for post in posts[:100]])  # the models are loaded
    detector, at = Detector(WATCH), BEGIN
    detector.tick(at)
    started = time.process_time()
    for number, post in enumerate(posts):
        if number % 1000 == 0:
            at += TICK
            detector.tick(at)
        detector.feed(post.model_copy(update={"created_at": at + timedelta(seconds=number % 1000 / 100)}))
    detector.tick(at + TICK)
    print(f"matching posts, 100 a second: {len(posts) / (time.process_time() - started):,.0f} posts/s and core")


def week(days: int, per_minute: float) -> None:
    """Memory of one detector, day by day."""
    dice = random.Random(4)
    words = [f"{a}{b}" for a in ("ba", "ke", "mo", "ti", "ru", "sa") for b in ("lo", "nd", "rt", "sk", "mp", "x")]
    detector, at, began = Detector(WATCH), BEGIN, BEGIN
    posts, due = 0, BEGIN + TICK
    for day in range(1, days + 1):
        while at < began + timedelta(days=day):
            rate = per_minute * (0.3 if at.hour < 6 else 1.2)
            at += timedelta(minutes=dice.expovariate(rate))
            while due <= at:
                detector.tick(due)
                due += TICK
            posts += 1
            text = "acme " + " ".join(dice.choices(words, k=14))
            detector.feed(Mention(id=str(posts), text=text, author=str(dice.randrange(10**9)), created_at=at))
        say(
            f"  day {day}: {posts:,} posts, {resident():.0f} MB resident at most, {len(detector.dump()) / 1e6:.2f} MB stored"
        )


def main(words: Sequence[str] = ()) -> None:
    """Measure and print; ``words`` are the command's arguments."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seconds", type=int, default=30)
    arguments.add_argument("--days", type=int, default=7)
    arguments.add_argument("--per-minute", type=float, default=20)
    arguments.add_argument("--matches", type=int, default=50_000, help="posts, of which three in ten match")
    given = arguments.parse_args(list(words))
    print(f"a week of {given.per_minute:g} posts a minute, one detector; {resident():.0f} MB before")
    week(given.days, given.per_minute)
    stream(given.seconds)
    matches(given.matches)


if __name__ == "__main__":
    main(sys.argv[1:])

"""Posts a second through replay: read, match, count, detect, triage; one process, one core.

    python benchmarks/replay.py [--posts 50000] [--runs 3] [FILE QUERY]

Without a file it makes posts: ten hours around a brand of which three in ten match, half of them in a storm in the
tenth hour, each text different (so nothing is saved by copies), written to a temporary JSON lines file. Prints the median
of the runs, the spread, and what each stage takes, in processor time: what one core does when it is left alone.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from config.scenarios.generate_firestorm import Recording
from crisis import reading
from crisis.matching import Matcher
from crisis.query import parse
from crisis.replay import Replay
from crisis.watch import Watch
from integrations.recorded import read_posts

QUERY = 'brewline OR "brew line" -giveaway'


def make(path: Path, count: int) -> None:
    """``count`` seeded posts, three in ten about the brand."""
    import yaml

    folder = Path(sys.modules[Recording.__module__].__file__ or "").parent
    texts = yaml.safe_load((folder / "firestorm.yaml").read_text(encoding="utf-8"))
    recording = Recording(texts, random.Random(7))
    begin, dice = datetime(2026, 3, 2, tzinfo=UTC), recording.dice
    with path.open("w", encoding="utf-8") as lines:
        for number in range(count):
            part_of = number / count
            storming = 0.35 <= part_of < 0.85
            hours = 9 * part_of / 0.35 if part_of < 0.35 else 9 + (part_of - 0.35) / 0.5
            part = "storm" if storming else "background"
            kind = dice.choice(["overheating", "broken"] if part == "storm" else ["praise", "neutral", "gripe"])
            text, language = recording.text(part, kind, "en")
            if dice.random() < 0.7:
                text = text.replace("Brewline", "Otherthing").replace("brewline", "otherthing")
            post = {
                "id": str(number),
                "text": f"{text} ({number})",
                "created_at": (begin + timedelta(hours=hours)).isoformat(timespec="seconds"),
                "author": recording.stranger() + str(dice.randrange(10**6)),
                "language": language if dice.random() < 0.5 else "",
                "source": "bluesky",
            }
            lines.write(json.dumps(post, ensure_ascii=False) + "\n")


def measure(path: Path, query: str) -> tuple[int, int, int, dict[str, float]]:
    """Posts read, matched, incidents, and seconds by stage."""
    started = time.process_time()
    posts = read_posts(path).posts
    read = time.process_time()
    wanted = Matcher({"replay": parse(query)})
    matching = [post for post in posts if wanted.matches(post)]
    matched = time.process_time()
    run = Replay(Watch(name="bench", brand="Brewline", query=query))
    for _ in run.run(matching):
        pass
    ended = time.process_time()
    stages = {"read": read - started, "match": matched - read, "detect and triage": ended - matched}
    return len(posts), len(matching), len(run.episodes), stages


def main(words: Sequence[str] = ()) -> None:
    """Measure and print; ``words`` are the command's arguments."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("file", nargs="?", type=Path)
    arguments.add_argument("query", nargs="?", default=QUERY)
    arguments.add_argument("--posts", type=int, default=50_000)
    arguments.add_argument("--runs", type=int, default=3)
    given = arguments.parse_args(list(words))
    with tempfile.TemporaryDirectory() as folder:
        path = given.file or Path(folder) / "posts.jsonl"
        if given.file is None:
            make(path, given.posts)
        results = []
        for _ in range(given.runs):
            reading._remembered.clear()
            results.append(measure(path, given.query))
    rates = sorted(read / sum(stages.values()) for read, _, _, stages in results)
    read, matched, incidents, _ = results[0]
    print(f"{read} posts, {matched} match, {incidents} incidents; {given.runs} runs")
    print(f"replay: {statistics.median(rates):,.0f} posts/s (median; {rates[0]:,.0f} to {rates[-1]:,.0f})")
    for stage in results[0][3]:
        taken = statistics.median(stages[stage] for *_, stages in results)
        count = matched if stage.startswith("detect") else read
        print(f"  {stage}: {taken:.2f} s, {count / taken:,.0f} posts/s")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Obsei's pipeline for sentiment, timed by itself: run with a Python that has Obsei, which is not Fireline's.

    python benchmarks/obsei_side.py < POSTS      one JSON object a line, with a ``text``

Prints the posts a second of processor time, median of three: each post decoded, made Obsei's payload, and judged by its
VADER analyzer. Obsei's newer versions (1.x) send posts to a language model instead: this is the last that reads itself.
"""

import json
import sys
import time

from obsei.analyzer.sentiment_analyzer import VaderSentimentAnalyzer  # type: ignore[import-not-found]
from obsei.payload import TextPayload  # type: ignore[import-not-found]

RUNS = 3


def main() -> None:
    """Read the posts, judge them three times, print the rate."""
    lines = sys.stdin.read().splitlines()
    analyzer = VaderSentimentAnalyzer(device="cpu")
    taken = []
    for _ in range(RUNS):
        begin = time.process_time()
        posts = [json.loads(line) for line in lines]
        payloads = [TextPayload(processed_text=post["text"], meta=post, source_name="posts") for post in posts]
        found = analyzer.analyze_input(payloads)
        taken.append(time.process_time() - begin)
        assert len(found) == len(lines), "a post was lost"
    print(len(lines) / sorted(taken)[1])


if __name__ == "__main__":
    main()

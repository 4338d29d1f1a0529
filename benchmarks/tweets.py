"""Labelled posts for training and judging: TweetEval folders and the airlines' tweets, and how they are divided.

A TweetEval folder holds ``<part>_text.txt`` and ``<part>_labels.txt``, one post a line; parts are ``train``, ``val``
and ``test``. The airline files are CSV with text, ``airline_sentiment`` and time. Divisions are seeded, so that two
runs hold out the same posts.
"""

import csv
import random
import sys
from pathlib import Path
from typing import NamedTuple, NoReturn

SENTIMENTS = ("negative", "neutral", "positive")
EMOTIONS = ("anger", "joy", "optimism", "sadness")


class Labelled(NamedTuple):
    """Posts and what people said about them."""

    texts: list[str]
    labels: list[int]

    def take(self, places: list[int]) -> "Labelled":
        """Those at ``places``."""
        return Labelled([self.texts[place] for place in places], [self.labels[place] for place in places])


def _refuse(says: str) -> NoReturn:
    print(says, file=sys.stderr)
    raise SystemExit(2)


def tweets(folder: Path, part: str) -> Labelled:
    """One part of a TweetEval folder.

    Raises:
        SystemExit: a file is missing, or posts and labels differ in number; what and where is on stderr.
    """
    try:
        texts = (folder / f"{part}_text.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")
        labels = [int(line) for line in (folder / f"{part}_labels.txt").read_text(encoding="utf-8").split()]
    except FileNotFoundError as missing:
        _refuse(f"{missing.filename} is not there: name a folder in the TweetEval layout")
    if len(texts) != len(labels):
        _refuse(f"{folder}: {len(texts)} posts but {len(labels)} labels in {part}; they must be one a line")
    return Labelled(texts, labels)


def airlines(folder: Path) -> dict[str, Labelled]:
    """The airlines' tweets by airline, 0 negative, 1 neutral, 2 positive; exact repeats of a text are left out."""
    found: dict[str, Labelled] = {}
    for path in sorted(folder.glob("*.csv")):
        kept: dict[str, int] = {}
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                kept.setdefault(row["text"], SENTIMENTS.index(row["airline_sentiment"]))
        found[path.stem] = Labelled(list(kept), list(kept.values()))
    return found


def hold_out(posts: Labelled, share: float, seed: int) -> tuple[Labelled, Labelled]:
    """What is trained on, and a seeded ``share`` that is not."""
    places = list(range(len(posts.texts)))
    random.Random(seed).shuffle(places)
    cut = round(len(places) * share)
    return posts.take(sorted(places[cut:])), posts.take(sorted(places[:cut]))

"""Copies: how many changed copies are found, and how many distinct posts are mistaken for copies of each other.

    python benchmarks/copies.py [--data ../shared/data] [--texts 6000] [--seed 2026] [--show 0]

Real posts, each text once: the TweetEval validation texts and three airlines' posts, where everybody talks about one brand,
which is harder. Thresholds were tuned on TweetEval's training texts and one airline (united) and chosen with all of these at
hand: give ``--data`` others to judge. All of them are fed first; then changed copies of some, made by seeded edits
(``benchmarks/edits.py``): found is a copy whose answer is its own original, or what that one copies itself. False pairs are
pairs of posts with different texts, as written, that ended up in one group, of a million pairs; they include what a person
would call a copy or a template (the same headline with another link), because nobody labelled these posts: beside the figure
stands how many are left without those that share nine letters in ten, and ``--show 20`` prints some.
Intervals are Wilson's, 95 %.
Beside it, in the same run: equal fingerprints, and plain MinHash (64 permutations of 5-letter sequences, copy from a
Jaccard estimate of 0.5 on).
"""

import argparse
import csv
import random
import sys
import time
from collections.abc import Callable, Sequence
from itertools import combinations
from math import sqrt
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Indel

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import say
from benchmarks.edits import EDITS
from crisis.copies import CopyFinder, fingerprint, plain
from crisis.likeness import LONG_ENOUGH

NEARLY_EQUAL = 0.9
"""How alike two texts are, letter by letter without handles and links, that anybody would call copies."""

Signature = npt.NDArray[np.uint64]


def posts(data: Path) -> dict[str, list[str]]:
    """Texts by collection, each once."""
    tweets = [
        line
        for task in ("sentiment", "offensive", "hate", "emotion", "irony")
        for line in (data / "tweeteval" / task / "val_text.txt").read_text(encoding="utf-8").splitlines()
    ]
    found = {"TweetEval, validation": tweets}
    for file in sorted((data / "airline").glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as lines:
            found[f"airline: {file.stem}"] = [row["text"] for row in csv.DictReader(lines)]
    return {name: list(dict.fromkeys(texts)) for name, texts in found.items()}


def wilson(hits: int, count: int) -> str:
    """A share with its 95 % interval."""
    if not count:
        return "-"
    z, share = 1.96, hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return f"{share:.3f} ({max(0.0, middle - half):.3f}-{min(1.0, middle + half):.3f})"


class MinHash:
    """The textbook method, for comparison."""

    def __init__(self) -> None:
        dice = np.random.default_rng(1)
        self.factors = dice.integers(1, 2**61, 64, dtype=np.uint64) | np.uint64(1)
        self.shifts = dice.integers(0, 2**61, 64, dtype=np.uint64)

    def of(self, text: str) -> Signature:
        said = plain(text).encode().ljust(5)
        codes = np.frombuffer(said, dtype=np.uint8).astype(np.uint64)
        grams = sum((codes[at : len(codes) - 4 + at] << np.uint64(8 * at) for at in range(5)), np.uint64(0))
        return np.asarray(((grams[:, None] * self.factors + self.shifts) >> np.uint64(20)).min(axis=0))

    def false_pairs(self, texts: Sequence[str]) -> int:
        signatures = np.stack([self.of(text) for text in texts])
        return sum(int(((signatures[i + 1 :] == row).mean(axis=1) >= 0.5).sum()) for i, row in enumerate(signatures))


def pairs(answers: Sequence[str | None], texts: Sequence[str]) -> tuple[int, int]:
    """Pairs of posts in one group, and how many of them are less than ``NEARLY_EQUAL``."""
    groups: dict[str, list[int]] = {}
    for number, answer in enumerate(answers):
        if answer is not None:
            groups.setdefault(answer, [int(answer)]).append(number)
    found = [pair for group in groups.values() for pair in combinations(group, 2)]
    apart = sum(Indel.normalized_similarity(*(plain(texts[n]) for n in pair)) < NEARLY_EQUAL for pair in found)
    return len(found), apart


def judge(name: str, texts: list[str], seed: int, show: int) -> None:
    """One collection: print its table."""
    dice = random.Random(seed)
    finder = CopyFinder(keep=2 * len(texts) + 2)
    answers = finder.add_many([(str(number), text) for number, text in enumerate(texts)])
    every = len(texts) * (len(texts) - 1) / 2e6
    vocabulary = [word for text in texts[:3000] for word in text.split()]
    method = MinHash()
    some = texts[: min(3000, len(texts))]
    rate = method.false_pairs(some) / (len(some) * (len(some) - 1) / 2e6)
    found, apart = pairs(answers, texts)
    say(
        f"\n{name}: {len(texts)} texts; false pairs a million: {found / every:.1f}, of them not nearly equal "
        f"{apart / every:.1f}; MinHash {rate:.1f}"
    )
    chosen = dice.sample(range(len(texts)), min(1000, len(texts)))
    state = finder.dump()
    heads = ("all lengths", f"from {LONG_ENOUGH} letters", "40 on", "equal", "MinHash")
    print(f"{'edit':20} {heads[0]:19} {heads[1]:19} {heads[2]:5} {heads[3]:5} {heads[4]}")
    for kind, edit in EDITS.items():
        copies = [edit(texts[number], dice, vocabulary) for number in chosen]
        found = CopyFinder.load(state).add_many([("copy", copy) for copy in copies])
        hits = [
            answer is not None and answer in (str(number), answers[number])
            for answer, number in zip(found, chosen, strict=True)
        ]
        columns = []
        for least in (0, LONG_ENOUGH, 40):
            counted = [hit for hit, number in zip(hits, chosen, strict=True) if len(plain(texts[number])) >= least]
            columns.append(f"{wilson(sum(counted), len(counted)):19}")
        both = [(copy, texts[number]) for copy, number in zip(copies, chosen, strict=True)]
        equal = _share(both, lambda one, other: fingerprint(one).value == fingerprint(other).value)
        close = _share(both, lambda one, other: bool((method.of(one) == method.of(other)).mean() >= 0.5))
        print(f"{kind:20} {columns[0]} {columns[1]} {columns[2][:5]} {equal:.3f} {close:.3f}")
    near = [(int(answer), number) for number, answer in enumerate(answers) if answer is not None]
    for first, number in dice.sample(near, min(show, len(near))):
        print(f"  {texts[first][:70]!r}\n  {texts[number][:70]!r}\n")


def _share(both: Sequence[tuple[str, str]], same: Callable[[str, str], bool]) -> float:
    return sum(same(one, other) for one, other in both) / len(both)


def main(words: Sequence[str] = ()) -> None:
    """Measure and print; ``words`` are the command's arguments."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments.add_argument("--texts", type=int, default=6000)
    arguments.add_argument("--seed", type=int, default=2026)
    arguments.add_argument("--show", type=int, default=0)
    given = arguments.parse_args(list(words))
    if not (given.data / "tweeteval").is_dir():
        print(
            f"{given.data}: there are no posts to judge by; give the folder with tweeteval/ and airline/",
            file=sys.stderr,
        )
        raise SystemExit(2)
    everything: list[str] = []
    for name, texts in posts(given.data).items():
        random.Random(given.seed).shuffle(texts)
        judge(name, texts[: given.texts], given.seed, given.show)
        everything += texts
    rates = []
    for _ in range(5):
        finder, named = CopyFinder(), [(str(number), text) for number, text in enumerate(everything)]
        started = time.process_time()
        finder.add_many(named)
        rates.append(len(named) / (time.process_time() - started))
    rates.sort()
    say(f"\nspeed: {rates[2]:,.0f} posts/s a core ({rates[0]:,.0f} to {rates[-1]:,.0f}) over {len(everything)} posts")


if __name__ == "__main__":
    main(sys.argv[1:])

"""Learn how common English words are in tweets: ``crisis/models/words.tsv``.

    python -m benchmarks.train_words --data ../shared/data --out crisis/models/words.tsv

Counts in how many of TweetEval's training texts (each once) the most frequent words are, and which pairs of them are
phrases: the second follows the first so often that it tells at least ``TELLS`` bits less than by itself. One line each:
the word or pair, and its bits. No text and no rare word is kept.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from math import log2
from pathlib import Path

from benchmarks.tweets import tweets
from crisis.copies import plain, said

WORDS, PAIRS = 4_000, 3_000
"""Lines kept of each, the most frequent ones."""
LEAST = 12
"""Texts that hold a pair, at the least."""
TELLS = 1.5
SETS = ("sentiment", "offensive", "hate", "emotion", "irony")


def learn(texts: Sequence[str]) -> dict[str, float]:
    """Bits of words and of pairs, the most frequent first."""
    words: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for text in texts:
        found = plain(said(text)[0]).split()
        words.update(set(found))
        pairs.update(set(pairwise(found)))
    kept = {word: log2(len(texts) / count) for word, count in words.most_common(WORDS)}
    phrases = {
        f"{first} {second}": bits
        for (first, second), count in pairs.most_common()
        if count >= LEAST
        and first in kept
        and second in kept
        and kept[second] - (bits := max(0.0, log2(words[first] / count))) >= TELLS
    }
    return kept | dict(list(phrases.items())[:PAIRS])


def main(words: Sequence[str] = ()) -> None:
    """Learn and write."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments.add_argument("--out", type=Path, default=Path("crisis/models/words.tsv"))
    given = arguments.parse_args(list(words))
    texts = {text: None for name in SETS for text in tweets(given.data / "tweeteval" / name, "train").texts}
    learned = learn(list(texts))
    given.out.write_text("".join(f"{name}\t{bits:.2f}\n" for name, bits in learned.items()), encoding="utf-8")
    print(f"{given.out}: {len(learned)} lines from {len(texts)} texts")


if __name__ == "__main__":
    main(sys.argv[1:])

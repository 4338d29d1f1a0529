"""Learn the words' vectors: ``crisis/models/words.npz``.

    python -m benchmarks.train_word_vectors --data ../shared/data --out crisis/models/words.npz

Needs the extra ``fireline[meaning]``. The vocabulary is the sentence model's whole English words and those that three
tweets of TweetEval's offensive, hate, emotion and irony sets have (``train``; their labels are not read, and none of
the sets that ``benchmarks narratives`` measures on). A word's vector begins as the sentence model's reading of the
word alone, weighed by rarity (Arora et al., ICLR 2017), and moves, by ridge regression, to where the sum over each of
those tweets is near the model's reading of the tweet, in its ``WIDTH`` principal directions.
"""

import argparse
import re
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from crisis.sentences import sentence_model
from crisis.topic_words import words

SETS = ("offensive", "hate", "emotion", "irony")
WIDTH = 128
RARE = 1e-3
"""Share of all words from which on a word weighs less than half."""
HOLD = 1.0
"""Weight of the squared distance from where a vector began."""
STEPS = 25
Rows = NDArray[np.float32]
Places = NDArray[np.int64]
_PLAIN = re.compile(r"(?:https?://|www\.)\S+|@\w+|#|^\s*rt\s", re.IGNORECASE)


class Bags:
    """Which words each tweet has: products with it and with its transpose."""

    def __init__(self, held: list[list[int]], size: int) -> None:
        count = np.array([len(places) for places in held])
        self._columns, rows = np.concatenate([np.array(p) for p in held]), np.repeat(np.arange(len(held)), count)
        self._share = (1 / np.sqrt(count))[rows].astype(np.float32)[:, None]
        self._first = np.concatenate([[0], np.cumsum(count)[:-1]])
        self._order = np.argsort(self._columns, kind="stable")
        self._rows, self._size = rows, size
        self._used, self._begin = np.unique(self._columns[self._order], return_index=True)

    def sums(self, vectors: Rows) -> Rows:
        """A row a tweet: its words' vectors over the root of their number."""
        found: Rows = np.add.reduceat(vectors[self._columns] * self._share, self._first, axis=0)
        return found

    def back(self, rows: Rows) -> Rows:
        """A row a word."""
        found = np.zeros((self._size, rows.shape[1]), np.float32)
        spread = rows[self._rows[self._order]] * self._share[self._order]
        found[self._used] = np.add.reduceat(spread, self._begin, axis=0)
        return found


def learned(bags: Bags, begun: Rows, wanted: Rows) -> Rows:
    """Vectors moved from ``begun`` so that the sums are near ``wanted``: conjugate gradients on the ridge."""
    first = bags.sums(begun)
    begun = begun * np.float32((first * wanted).sum() / (first * first).sum())
    moved = np.zeros_like(begun)
    left = bags.back(wanted - bags.sums(begun))
    way, size = left.copy(), float((left * left).sum())
    for _ in range(STEPS):
        ahead = bags.back(bags.sums(way)) + np.float32(HOLD) * way
        step = np.float32(size / float((way * ahead).sum()))
        moved += step * way
        left -= step * ahead
        now = float((left * left).sum())
        way, size = left + np.float32(now / size) * way, now
    apart = float(((wanted - bags.sums(begun + moved)) ** 2).sum() / (wanted**2).sum())
    print(f"squared distance left: {apart:.3f} of all")
    found: Rows = begun + moved
    return found


def main() -> None:
    """Learn and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    files = [given.data / "tweeteval" / name / "train_text.txt" for name in SETS]
    tweets = list(dict.fromkeys(line for f in files for line in f.read_text(encoding="utf-8").splitlines()))
    seen = [sorted(set(words(tweet))) for tweet in tweets]
    often = Counter(word for held in seen for word in held)
    model = sentence_model()
    whole = [w for w in model.vocabulary if w.isascii() and len(w) > 1 and words(w) == [w]]
    names = list(dict.fromkeys([*whole, *sorted(w for w, n in often.items() if n >= 3)]))
    places = {name: place for place, name in enumerate(names)}
    share = np.array([often[name] + 0.5 for name in names])
    share /= share.sum()
    print(f"{len(tweets):,} tweets, {len(names):,} words")
    alone = model.read(names)
    alone -= (share @ alone).astype(np.float32)
    wanted = model.read([" ".join(_PLAIN.sub(" ", tweet).split()) or "." for tweet in tweets])
    wanted -= wanted.mean(axis=0)
    basis = np.linalg.svd(wanted[:8000], full_matrices=False)[2][:WIDTH].T
    held = [[places[word] for word in row if word in places] for row in seen]
    kept = [row for row, known in enumerate(held) if len(known) >= 3]
    begun = (alone @ basis) * (RARE / (RARE + share)).astype(np.float32)[:, None]
    vectors = learned(Bags([held[row] for row in kept], len(names)), begun, wanted[kept] @ basis)
    scales = np.maximum(np.abs(vectors).max(axis=1) / 127, 1e-9).astype(np.float32)
    rounded = np.round(vectors / scales[:, None]).astype(np.int8)
    listed = np.frombuffer("\n".join(names).encode("utf-8"), np.uint8)
    np.savez_compressed(given.out, words=listed, vectors=rounded, scales=scales)
    print(f"{given.out}: {given.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

"""How much the words of a text tell: rare ones much, those that everybody uses little.

A word is worth the bits of the chance that a text holds it (-log2 of the share of texts that do). The share is that of
the texts met so far, on top of ``PRIOR`` texts of English tweets that a table of common words stands for; the second
word of a common pair ("can't wait") is worth what it tells after the first. So a phrase of many common words is worth
little from the beginning, and the brand that everybody in a stream speaks of soon is too. A word that neither the table
nor the stream knows is worth ``UNKNOWN`` bits, more if it is long: nobody can tell how common it is.

The table is learned by ``python -m benchmarks.train_words``. Nothing here reads a clock; the same texts in the same
order give the same bits.
"""

from collections import Counter
from functools import cache
from math import log2
from pathlib import Path

FILE = Path(__file__).parent / "models" / "words.tsv"
UNKNOWN = 14.0
"""Bits of a word that nobody met: one text in 16,000."""
PRIOR = 300
"""Texts that the table counts for beside those of the stream."""
ALL, SAMPLE = 2_000, 4
"""Texts of a stream of which each is counted; of those that follow one in so many is: shares are known well enough."""
ORDINARY = 12
"""Letters of a word from which on an unknown one is worth a bit a letter more."""
WIDE = "\u2e80"
"""From here on signs are ideographs, kana or Hangul: each is worth ``WIDE_BITS``."""
WIDE_BITS = 4.0


@cache
def table() -> dict[str, float]:
    """Chance that an English tweet holds a word, or, by ``first second``, that it goes on so after the first.

    Raises:
        OSError, ValueError: the package is damaged; install it again.
    """
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return {words: 2.0 ** -float(bits) for words, bits in (line.split("\t") for line in lines)}


class Stream:
    """In how many texts of a stream each word was: of all at first, then of a sample of them."""

    def __init__(self) -> None:
        self.texts = 0
        """How many were counted."""
        self._met = 0
        self._counts: Counter[str] = Counter()
        self._waiting: list[str] = []

    def meet(self, text: str) -> None:
        """Count the words of a plain text, if it is among the sample."""
        self._met += 1
        if self._met <= ALL or self._met % SAMPLE == 0:
            self.texts += 1
            self._waiting.append(text)

    @property
    def counts(self) -> Counter[str]:
        """Texts by word; a word twice in a text counts twice."""
        if self._waiting:
            self._counts.update(" ".join(self._waiting).split())
            self._waiting.clear()
        return self._counts


def _unknown(word: str) -> float:
    if word.isascii():
        return float(2.0 ** -(UNKNOWN + max(0, len(word) - ORDINARY)))
    return float(2.0 ** -max(UNKNOWN, WIDE_BITS * sum(sign >= WIDE for sign in word)))


def worth(text: str, streams: tuple[Stream, Stream]) -> list[float]:
    """Bits of each letter of a plain text: a word's are spread evenly, so that half a word counts half.

    Spaces are worth nothing.
    """
    chances = table()
    one, other = streams
    count, count_too = one.counts.get, other.counts.get
    texts = PRIOR + one.texts + other.texts
    found: list[float] = []
    before = ""
    for word in text.split(" "):
        chance = chances.get(word)
        if chance is None:
            chance = _unknown(word)
        elif before:
            chance = chances.get(f"{before} {word}", chance)
        met = count(word, 0) + count_too(word, 0) + PRIOR * chance
        size = len(word)
        found += [log2(texts / met) / size if met < texts else 0.0] * size
        found.append(0.0)
        before = word
    found.pop()
    return found


def familiar(text: str) -> bool:
    """Is at least half of a text's words in the table? Else nobody can tell whether a short one is a common phrase."""
    known, words = table(), text.split()
    return 2 * sum(word in known for word in words) >= len(words)

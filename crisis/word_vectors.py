"""What words mean, as vectors: a post's vector is the sum of its words', of length 1, so that paraphrases are near.

``models/word_vectors.npz`` holds a vector for each of some 24,000 English words, learned so that the sum over a post is near
what a sentence model (all-MiniLM-L6-v2) makes of the whole post; frequent words have learned to weigh little. A word is
a dictionary look-up: no model runs. Words that are not in it (names, other languages) add nothing. Learned by
``python -m benchmarks.train_word_vectors`` and described in docs/narratives.md.
"""

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from crisis.small import Floats, NoModel

FILE = Path(__file__).parent / "models" / "word_vectors.npz"


class WordVectors(NamedTuple):
    """The vectors, one byte a number."""

    places: dict[str, int]
    bytes: NDArray[np.int8]
    scales: Floats
    """What a byte of each word stands for."""

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        return int(self.bytes.shape[1])

    def post(self, words: Iterable[str]) -> Floats:
        """The unit vector of a post with these words, each counted once; zeros where none of them is known."""
        known = sorted({place for place in map(self.places.get, words) if place is not None})
        if not known:
            return np.zeros(self.width, np.float32)
        total: Floats = self.scales[known] @ self.bytes[known].astype(np.float32)
        return total / np.float32(max(float(np.sqrt(total @ total)), 1e-9))


@lru_cache(maxsize=1)
def word_vectors() -> WordVectors:
    """The vectors, read on the first call.

    Raises:
        NoModel: the file is missing or cannot be read.
    """
    try:
        with np.load(FILE, allow_pickle=False) as kept:
            names = bytes(kept["words"]).decode("utf-8").split("\n")
            return WordVectors({w: n for n, w in enumerate(names)}, kept["vectors"], kept["scales"].astype(np.float32))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise NoModel(f"the words' vectors cannot be read ({error}): install fireline again") from error

"""Originals in the order in which they came, and how those are found that a post may be a changed copy of.

Each text is remembered by its keys (``crisis.sketch``). Many posts are looked up at once (``Generation.look``): those that share most
with a post are its candidates, unless they are too unlike by a first measure. Then post by post is decided
(``Generation.copied``), with what earlier posts of the same batch left (``_Recent``), so that the answers are the same whether
posts come together or one by one.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Indel
from rapidfuzz.process import cpdist

from crisis.holders import SHARED, Holders, Shared
from crisis.likeness import BEGINS, LEAST_ALIKE, LETTERS, Compared, long_enough
from crisis.rarity import Stream
from crisis.sketch import BEGINNINGS, KEYS, Words

Name = str | int
"""What a post is called by whoever asks."""

_SHORT = 60
"""Letters below which the oldest holder of a key counts double: few keys are left of a text."""
_VARIANTS = 8
"""Changed copies of an original that are remembered beside it: each author of a brigade changes other words."""
_COMPARED = 4
"""Originals that a post is compared with, those that share most first."""
_ALIKE = min(least for _, least in LEAST_ALIKE)


class Remembered(NamedTuple):
    """A text, as an original or as a variant of one."""

    name: Name
    """The original's."""
    text: str
    """Plain."""
    written: str
    """The beginning of what was posted, for the names in it."""


class Looked(NamedTuple):
    """What was found for a batch of texts: numbers by place in the batch."""

    begun: dict[int, list[int]]
    """Of texts with the same beginning."""
    likely: dict[int, list[int]]
    """Of those to compare with."""


Asked = tuple[int, int, int, int]
"""A key that several texts of a batch have (or their keys have one place in the index): the place, the key, which of the
text's keys it is, and how many texts the index knows there."""


class Batch:
    """Texts that are looked up together."""

    def __init__(self, texts: list[str], keys: Words, generation: "Generation") -> None:
        self.texts, self.keys = texts, keys
        self._holders = generation.holders
        self.new = generation.look(texts, keys)
        self._repeated = self._all_asked() if len(texts) > 1 else {}

    def _all_asked(self) -> dict[int, list[Asked]]:
        places = self._holders.places(self.keys)
        known = self._holders.counts(self.keys)
        live = np.flatnonzero((known <= SHARED) & (self.keys > 0))
        place = places.ravel()[live]
        order = np.argsort(place, kind="stable")
        place = place[order]
        same = place[1:] == place[:-1]
        again = np.append(same, False) | np.append(False, same)
        live = np.sort(live[order][again])
        rows = (live // KEYS).tolist()
        every = zip(
            places.ravel()[live].tolist(),
            self.keys.ravel()[live].tolist(),
            (live % KEYS).tolist(),
            known.ravel()[live].tolist(),
            strict=True,
        )
        found: dict[int, list[Asked]] = {}
        for row, asked in zip(rows, every, strict=True):
            found.setdefault(row, []).append(asked)
        return found

    def asked(self, row: int, *, every: bool) -> list[Asked]:
        """Keys of the text that others of the batch may hold too; all its keys where ``every`` one is wanted."""
        if not every:
            return self._repeated.get(row, [])
        keys = self.keys[row : row + 1]
        known = self._holders.counts(keys)[0].tolist()
        columns = zip(self._holders.places(keys)[0].tolist(), keys[0].tolist(), range(KEYS), known, strict=True)
        return [one for one in columns if one[1]]


class Generation:
    """Texts numbered from 1, at most ``most``."""

    def __init__(self, most: int) -> None:
        self.originals: list[Remembered] = []
        self.stream = Stream()
        self.by_text: dict[str, int] = {}
        self.holders = Holders(most)
        self._said_by: dict[Name, list[int]] = {}
        """Numbers of the texts under one name: the original's, then those of its variants."""
        self._waiting: list[Words] = []
        """Keys of the newest texts, which are not in ``holders`` yet."""
        self._recent: dict[int, list[tuple[int, int, int]]] = {}
        """The same by place: key, column and number of each."""
        self._foreign = False
        """One of them was no text of the batch."""

    def __getitem__(self, number: int) -> Remembered:
        return self.originals[number - 1]

    def add(self, original: Remembered, keys: Words, asked: list[Asked] | None = None) -> None:
        """Remember a text with its ``keys``; ``asked`` are those that others of its batch may hold, None if it is of none."""
        self.originals.append(original)
        number = self.by_text[original.text] = len(self.originals)
        said_by = self._said_by.setdefault(original.name, [])
        said_by.append(number)
        if len(said_by) == 1:
            self.stream.meet(original.text)
        self._waiting.append(keys)
        if asked is None:
            self._foreign = True
            places = self.holders.places(keys).tolist()
            asked = [(*one, 0) for one in zip(places, keys.tolist(), range(KEYS), strict=True) if one[1]]
        for place, key, column, _ in asked:
            self._recent.setdefault(place, []).append((key, column, number))

    def settle(self) -> None:
        """Put the newest texts into the index: a batch is done with."""
        if self._waiting:
            count = len(self.originals)
            self.holders.add(range(count - len(self._waiting) + 1, count + 1), np.stack(self._waiting))
            self._waiting.clear()
            self._recent.clear()
        self._foreign = False

    def wants_variant(self, original: Remembered, text: str) -> bool:
        """Is ``text`` to be remembered beside that original? Not beside a variant, lest texts drift away from the original."""
        said_by = self._said_by[original.name]
        return (
            long_enough(text) and len(said_by) <= _VARIANTS and self.originals[said_by[0] - 1].text == original.text
        )

    def look(self, texts: Sequence[str], keys: Words) -> Looked:
        """Candidates for each of ``texts``, with their ``keys``."""
        if not self.originals:
            return Looked({}, {})
        shared = self.holders.share(keys)
        first = shared.key == 0
        begun: dict[int, list[int]] = {}
        for row, number in zip(shared.row[first].tolist(), shared.number[first].tolist(), strict=True):
            begun.setdefault(row, []).append(number)
        rows, numbers = _most_shared(shared, np.fromiter((len(text) < _SHORT for text in texts), bool, len(texts)))
        likely: dict[int, list[int]] = {}
        for row, number in self._alike(texts, rows.tolist(), numbers.tolist()):
            likely.setdefault(row, []).append(number)
        return Looked(begun, likely)

    def _alike(self, texts: Sequence[str], rows: list[int], numbers: list[int]) -> list[tuple[int, int]]:
        """Those of the pairs that are not too unlike at first sight."""
        ones, others = [texts[row] for row in rows], [self.originals[number - 1].text for number in numbers]
        alike = cpdist(ones, others, scorer=Indel.normalized_similarity, score_cutoff=_ALIKE).tolist()
        found, unlike = [], []
        for pair in zip(rows, numbers, ones, others, alike, strict=True):
            if pair[4] > 0:
                found.append(pair[:2])
            elif pair[2][:LETTERS] == pair[3][:LETTERS]:
                unlike.append(pair[:4])
        if unlike:
            length = [min(len(one), len(other)) for _, _, one, other in unlike]
            starts = [[pair[side][:size] for pair, size in zip(unlike, length, strict=True)] for side in (2, 3)]
            begins = cpdist(*starts, scorer=Indel.normalized_similarity, score_cutoff=BEGINS).tolist()
            found += [pair[:2] for pair, begin in zip(unlike, begins, strict=True) if begin > 0]
        return found

    def copied(self, post: Compared, batch: Batch, row: int) -> Remembered | None:
        """The text that ``post``, a text of ``batch``, is a changed copy of."""
        if not self.originals:
            return None
        begun, likely = batch.new.begun.get(row, []), batch.new.likely.get(row, [])
        if self._recent:
            begun, likely = self._with_recent(post.text, batch, row, begun, likely)
        return self.first_of(post, begun, likely)

    def first_of(self, post: Compared, begun: list[int], likely: list[int]) -> Remembered | None:
        """The one text of ``begun`` that ``post`` is cut from, else the first of those likely that it is a changed copy of."""
        originals = self.originals
        if begun and len(post.text) < _SHORT:
            only = post.cut_from([originals[number - 1].text for number in begun])
            if only is not None:
                return originals[begun[only] - 1]
        for number in likely:
            original = originals[number - 1]
            if post.copies(original.text, original.written):
                return original
        return None

    def _with_recent(
        self, text: str, batch: Batch, row: int, begun: list[int], likely: list[int]
    ) -> tuple[list[int], list[int]]:
        """``begun`` and ``likely`` with the texts that are not in the index yet."""
        votes: dict[int, int] = {}
        more: list[int] = []
        worn: list[int] = []
        doubly = 2 if len(text) < _SHORT else 1
        for place, key, column, known in batch.asked(row, every=self._foreign):
            held = self._recent.get(place)
            if held is None:
                continue
            if known + len(held) > SHARED:
                worn += [column] if 0 < known <= SHARED else []
                continue
            for nth, (other, in_column, number) in enumerate(held):
                if other == key:
                    times = (2 if column < BEGINNINGS else 1) * (doubly if known + nth == 0 else 1)
                    votes[number] = votes.get(number, 0) + times
                    if column == in_column == 0:
                        more.append(number)
        if worn:
            left = batch.keys[row : row + 1].copy()
            left[0, worn] = 0
            looked = self.look([text], left)
            begun, likely = looked.begun.get(0, []), looked.likely.get(0, [])
        recent = sorted((number for number in votes if votes[number] > 1), key=lambda number: -votes[number])
        return begun + more, likely + recent[:_COMPARED]


def _most_shared(shared: Shared, short: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of rows and numbers that share something: twice at least, or the oldest holder once; the most first."""
    times = np.where(shared.key < BEGINNINGS, 2, 1) << (short[shared.row] & shared.oldest)
    packed = np.sort(shared.row << 40 | shared.number << 8 | times)
    if not len(packed):
        return packed, packed
    pair = packed >> 8
    first = np.flatnonzero(np.append(True, pair[1:] != pair[:-1]))
    votes = np.add.reduceat(packed & 0xFF, first)
    enough = votes > 1
    pair, votes = pair[first][enough], votes[enough]
    ranked = np.sort(pair >> 32 << 40 | (0xFF - np.minimum(votes, 0xFF)) << 32 | pair & 0xFFFFFFFF)
    rows = ranked >> 40
    nth = np.arange(len(rows)) - np.searchsorted(rows, rows)
    ranked = ranked[nth < _COMPARED]
    return ranked >> 40, ranked & 0xFFFFFFFF

"""Narratives: what the posts of an episode claim or complain about, as clusters that keep their identity as they grow.

``Narratives`` takes posts one at a time, in order. A distinct text joins the narrative under which its words are most
likely against the words of all posts together, and whose meaning is nearest, or begins a new one: a Dirichlet process
mixture taken greedily, in the manner of MStream (Yin et al. 2018, *Model-based clustering for short text streams*,
KDD). ``settle`` looks at all texts at hand in one go (``crisis.communities``) and gives what it finds the ids that most
of its texts had; those of next to nobody are dissolved. Copies count once.

Promises: memory is bounded (``keep`` texts, ``NARRATIVES`` word counts); the same posts in the same order give the
same narratives; a narrative has the id of its earliest post, and keeps it once it was settled for as long as it exists;
when two are joined the id of the one with more texts at hand stays, and ``now`` says what became of the other's.
"""

import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log

import numpy as np
import numpy.typing as npt

from crisis.communities import LOOKED_AT, grouped
from crisis.copies import fingerprint
from crisis.grouping import NEAR, SHRINK, SMOOTH, Batch, Groups, Places, Wide, groups
from crisis.naming import Told, named
from crisis.small import Floats
from crisis.topic_words import telling, words
from crisis.triage import Narrative
from crisis.watch import Mention
from crisis.word_vectors import word_vectors

KEEP = 5_000
"""Distinct texts at hand, the newest ones; older ones are forgotten, and only counted."""
NARRATIVES = 256
"""Narratives held at once, before they are joined."""
SHOWN = 8
"""Narratives that an assessment names, largest first."""
LEAST = 3
"""Distinct texts that make a narrative worth naming."""
RARE = 0.01
"""Share of the texts at hand below which a narrative is dissolved into the others."""
NEW = 30.0
"""How readily a text begins a narrative."""
OTHER = "other"
"""The narrative of texts that share no telling word, and no meaning, with any."""
SETTLE_AFTER = 0.1
"""Share of new texts from which ``largest`` looks at all of them once more."""

_WORDS = 1 << 14
_PRIOR = 2_000.0
FIRST_LOOK = 64
"""Texts at which all are looked at for the first time, then at each doubling up to
``LOOKED_AT``: ids are settled early, and a file that grows
keeps them."""


@lru_cache(maxsize=65_536)
def _place(term: str) -> int:
    return zlib.crc32(term.encode("utf-8", "surrogatepass")) % _WORDS


@dataclass(slots=True)
class _Text(Told):
    """One distinct text at hand."""

    mark: int
    ids: Places
    vector: npt.NDArray[np.float16]
    row: int = -1
    sentence: npt.NDArray[np.float16] | None = None
    """What it means as a whole, once it was read."""


@dataclass(slots=True)
class _Row:
    """One narrative: its identity, and how many distinct texts it ever had."""

    id: str
    size: int = 0
    settled: bool = False
    """Its id stays; that of one begun since the last look may still give way to its earliest post's."""


class Narratives:
    """The narratives of one stream of posts. ``beside``: words that tell nothing apart: the brand, the query.

    ``known``: narratives named before (by an earlier process): whoever holds the quote of one takes over its id.
    ``sentences``: reads what whole texts mean, a unit vector each (``crisis.sentences``); without it words are read.
    """

    def __init__(
        self,
        beside: Iterable[str] = (),
        *,
        known: Sequence[Narrative] = (),
        keep: int = KEEP,
        sentences: Callable[[Sequence[str]], Floats] | None = None,
    ) -> None:
        self._sentences = sentences
        self._vectors = word_vectors()
        self._out = tuple(sorted({term for word in beside for term in telling(words(word))}))
        self._keep = keep
        self._known = {fingerprint(n.quote).value: n.id for n in known if n.quote}
        self._texts: dict[int, _Text] = {}
        self._rows: list[_Row | None] = []
        self._counts: Wide = np.zeros((_WORDS, 64), np.float32)
        self._total: Wide = np.zeros(64)
        self._size: Wide = np.zeros(64)
        self._sums: Floats = np.zeros((64, self._vectors.width), np.float32)
        self._mean: Floats = np.zeros(self._vectors.width, np.float32)
        """What all texts have in common in meaning, which tells nothing apart."""
        self._everywhere: Wide = np.zeros(_WORDS)
        self._words = 0.0
        self._became: dict[str, str] = {}
        self._live = 0
        self._fresh = 0
        """Texts that came since all were last looked at."""
        self._told: tuple[Narrative, ...] | None = None

    def add(self, text: str, *, reposts: int = 0) -> str:
        """Take one post; the id of its narrative as things stand (``now`` follows it later)."""
        mark = fingerprint(text).value
        held = self._texts.get(mark)
        if held is None:
            held = self._new(mark, text, reposts)
            if not len(held.ids):
                return OTHER
            self._take(held)
        return self._id(held.row)

    def _take(self, held: _Text) -> None:
        self._texts[held.mark] = held
        self._everywhere[held.ids] += 1
        self._words += len(held.ids)
        meaning = self._meaning(held.vector)
        row = self._best(held.ids, meaning)
        if row < 0 and self._live < NARRATIVES:
            row = self._begin(held.mark)
        held.row = row
        if row >= 0:
            self._row(row).size += 1
            self._count(held, 1, meaning)
        self._fresh, self._told = self._fresh + 1, None
        if len(self._texts) > self._keep:
            self._forget(next(iter(self._texts)))
        elif (many := len(self._texts)) >= FIRST_LOOK and many & (many - 1) == 0:
            if many <= LOOKED_AT:
                self.settle()
            else:
                self._recount(self._batch())

    def forget(self, text: str) -> None:
        """Keep a text no more: nothing is quoted from it, or named after it, from now on."""
        mark = fingerprint(text).value
        if mark in self._texts:
            self._forget(mark)
            self._told = None

    def narrative(self, text: str) -> str:
        """The id of the narrative that ``text`` belongs to now; a text that was forgotten is placed anew."""
        held = self._texts.get(fingerprint(text).value)
        if held is not None:
            return self._id(held.row)
        held = self._new(0, text, 0)
        return self._id(self._best(held.ids, self._meaning(held.vector), begin=False) if len(held.ids) else -1)

    def now(self, id: str) -> str:
        """What became of a narrative: its own id, or that of the one it was joined with."""
        while id in self._became:
            id = self._became[id]
        return id

    def settle(self, *, after: float = 0.0) -> None:
        """Look at all texts at hand in one go, and dissolve what is next to nothing.

        ``after``: only if more than this share of them is new since the last time.
        """
        if self._fresh <= after * len(self._texts):
            return
        batch = self._batch()
        read = self._read if self._sentences is not None else None
        labels, number = grouped(batch, max(LEAST, RARE * len(self._texts)), NARRATIVES, read)
        self._follow(labels, number)
        self._recount(batch)
        self._take_over_names()
        self._fresh, self._told = 0, None

    def _read(self, rows: Places) -> Floats:
        """What these texts at hand mean as wholes; each is read once."""
        assert self._sentences is not None  # noqa: S101 - asked only if there is a reader
        held = list(self._texts.values())
        asked = [held[row] for row in rows.tolist()]
        if new := [text for text in asked if text.sentence is None]:
            for text, vector in zip(new, self._sentences([text.text for text in new]), strict=True):
                text.sentence = vector.astype(np.float16)
        return np.stack([text.sentence for text in asked if text.sentence is not None]).astype(np.float32)

    def _follow(self, labels: Places, number: int) -> None:
        """Each text goes to the narrative of its group; a narrative that no group goes on is in what took most of it."""
        went: dict[int, Counter[int]] = {}
        first: dict[int, int] = {-1: 0}
        for held, label in zip(self._texts.values(), labels.tolist(), strict=True):
            first.setdefault(label, held.mark)
            if held.row >= 0:
                went.setdefault(held.row, Counter())[label] += 1
        rows = self._gone_on(went)
        past: Counter[int] = Counter()
        ended: list[tuple[str, int]] = []
        for row, to in went.items():
            target = next((label for label, same in rows.items() if same == row), to.most_common(1)[0][0])
            past[target] += max(self._row(row).size - to.total(), 0)
            if row not in rows.values():
                ended.append((self._row(row).id, target))
                self._end(row)
        for label in range(number):
            if label not in rows:
                rows[label] = self._begin(first[label])
        here = np.bincount(labels[labels >= 0], minlength=number)
        for label, row in rows.items():
            kept = self._row(row)
            kept.size, kept.settled = past[label] + int(here[label]), True
        for id, target in ended:
            self._join(id, self._id(rows.get(target, -1)))
        for held, label in zip(self._texts.values(), labels.tolist(), strict=True):
            held.row = rows.get(label, -1)

    def _gone_on(self, went: dict[int, Counter[int]]) -> dict[int, int]:
        """The settled narrative that each group goes on, if any: most texts in common first, then the older one."""
        pairs = sorted(
            (-count, row, label)
            for row, to in went.items()
            if self._row(row).settled
            for label, count in to.items()
            if label >= 0
        )
        found: dict[int, int] = {}
        for _, row, label in pairs:
            if label not in found and row not in found.values():
                found[label] = row
        return found

    def all(self) -> tuple[Narrative, ...]:
        """Every narrative, largest first, looked at once more."""
        self.settle()
        own = self._own()
        return tuple(self._named(n, own[n]) for n in self._by_size(own))

    def largest(self) -> tuple[Narrative, ...]:
        """The ``SHOWN`` largest narratives that are worth naming.

        Asked again and again while a storm grows, it looks at all texts once more only when a tenth of them is new: the
        whole effort stays in proportion to the posts.
        """
        self.settle(after=SETTLE_AFTER)
        if self._told is None:
            own = self._own()
            worth = [n for n in self._by_size(own) if self._size_of(n, own[n]) >= LEAST]
            self._told = tuple(self._named(n, own[n]) for n in worth[:SHOWN])
        return self._told

    def _own(self) -> dict[int, list[_Text]]:
        """The texts at hand of each narrative, by its row."""
        own: dict[int, list[_Text]] = {}
        for held in self._texts.values():
            if held.row >= 0:
                own.setdefault(held.row, []).append(held)
        return own

    def _size_of(self, number: int, own: Sequence[_Text]) -> int:
        return max(self._row(number).size, len(own))

    def _by_size(self, own: dict[int, list[_Text]]) -> list[int]:
        return sorted(own, key=lambda n: (-self._size_of(n, own[n]), self._row(n).id))

    def _named(self, number: int, own: Sequence[_Text]) -> Narrative:
        size, words = self._size_of(number, own), float(self._total[number])
        return named(self._row(number).id, size, own, words, self._usual_word)

    def _new(self, mark: int, text: str, reposts: int) -> _Text:
        found = [word for word in words(text) if not word.startswith(self._out)]
        terms = frozenset(telling(found))
        ids = np.unique(np.fromiter((_place(term) for term in terms), np.int64, len(terms)))
        vector = self._vectors.post(found).astype(np.float16)
        return _Text(text=text[:500], terms=terms, reposts=reposts, mark=mark, ids=ids, vector=vector)

    def _meaning(self, vector: npt.NDArray[np.float16]) -> Floats:
        """What sets a text's meaning apart from all others', of length 1 (0 where none of its words is known)."""
        if not vector.any():
            return self._mean * 0
        apart = vector.astype(np.float32) - self._mean
        return apart / np.float32(max(float(np.sqrt(apart @ apart)), 1e-9))

    def _id(self, number: int) -> str:
        return self._row(number).id if number >= 0 else OTHER

    def _row(self, number: int) -> _Row:
        row = self._rows[number]
        assert row is not None  # noqa: S101 - a text at hand always has its narrative
        return row

    def _usual(self, ids: Places) -> Wide:
        usual: Wide = (self._everywhere[ids] + 0.5) / (self._words + _PRIOR)
        return usual

    def _usual_word(self, term: str) -> float:
        return float(self._everywhere[_place(term)] + 0.5) / (self._words + _PRIOR)

    def _best(self, ids: Places, meaning: Floats, *, begin: bool = True) -> int:
        """The row under which the words are likeliest; -1 when a new one is likelier still."""
        height = len(self._rows)
        if not height:
            return -1
        size, total = self._size[:height], self._total[:height]
        likely = np.log(self._counts[ids, :height] / self._usual(ids)[:, None] + SMOOTH).sum(axis=0)
        likely -= len(ids) * np.log(total + SMOOTH)
        likely += np.log(np.maximum(size, 1e-9))
        near = self._sums[:height] @ meaning / (size + SHRINK)
        likely += NEAR * near
        likely[size <= 0] = -np.inf
        best = int(likely.argmax())
        if not begin or self._live >= NARRATIVES:
            fits = size[best] > 0 and (self._counts[ids, best].any() or near[best] > 0.1)
            return best if fits else -1
        return best if likely[best] >= log(NEW) else -1

    def _count(self, held: _Text, sign: int, meaning: Floats) -> None:
        self._counts[held.ids, held.row] += sign
        self._total[held.row] += sign * len(held.ids)
        self._size[held.row] += sign
        self._sums[held.row] += sign * meaning

    def _batch(self) -> Batch:
        """The texts at hand as arrays; what they have in common in meaning is found anew."""
        held = list(self._texts.values())
        lengths = np.fromiter((len(text.ids) for text in held), np.int64, len(held))
        columns, flat = np.unique(np.concatenate([text.ids for text in held]), return_inverse=True)
        raw = np.stack([text.vector for text in held]).astype(np.float32)
        known = raw.any(axis=1)
        if known.any():
            weight = self._rarity(held)[known].astype(np.float32)
            self._mean = weight @ raw[known] / weight.sum()
        raw[known] -= self._mean
        raw /= np.maximum(np.linalg.norm(raw, axis=1, keepdims=True), 1e-9)
        first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        return Batch(columns, flat, first, lengths, self._usual(columns), raw)

    def _rarity(self, held: Sequence[_Text]) -> Wide:
        """What each text weighs in what all have in common: the root of its narrative's share, or the largest
        narrative would be what is common, and its own meaning would be lost."""
        rows = np.fromiter((text.row for text in held), np.int64, len(held)) + 1
        often: Wide = 1 / np.sqrt(np.maximum(np.bincount(rows), 1))
        often[0] = 1.0
        found: Wide = often[rows]
        return found

    def _recount(self, batch: Batch) -> None:
        """Count all words and meanings of the texts at hand anew."""
        number = len(self._rows)
        labels = np.fromiter((held.row for held in self._texts.values()), np.int64, len(self._texts))
        found: Groups = groups(batch, labels, number)
        self._counts[:] = 0
        self._counts[batch.columns, :number] = found.counts
        self._total[:number], self._size[:number], self._sums[:number] = found.total, found.size, found.sums

    def _name(self, mark: int) -> str:
        """The id of a narrative that begins with the text of this mark."""
        taken = {row.id for row in self._rows if row is not None} | self._became.keys()
        for length in range(6, 17):
            if (name := f"n-{mark:016x}"[: length + 2]) not in taken:
                return name
        return f"n-{mark:016x}-{len(taken)}"

    def _begin(self, mark: int) -> int:
        """The row of a new narrative that begins with the text of this mark."""
        row = self._free()
        self._rows[row] = _Row(self._name(mark))
        self._live += 1
        return row

    def _free(self) -> int:
        for number, row in enumerate(self._rows):
            if row is None:
                return number
        self._rows.append(None)
        if len(self._rows) > len(self._size):
            self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)], axis=1)
            self._total, self._size, self._sums = (
                np.concatenate([held, np.zeros_like(held)]) for held in (self._total, self._size, self._sums)
            )
        return len(self._rows) - 1

    def _forget(self, mark: int) -> None:
        held = self._texts.pop(mark)
        if held.row < 0:
            return
        self._count(held, -1, self._meaning(held.vector))
        if self._size[held.row] < 0.5:
            self._end(held.row)

    def _join(self, id: str, into: str) -> None:
        """The narrative of this id is in another from now on."""
        if into not in (id, OTHER) and all(row is None or row.id != id for row in self._rows):
            self._became[id] = into
            if len(self._became) > 4 * NARRATIVES:
                del self._became[next(iter(self._became))]

    def _end(self, number: int) -> None:
        """A narrative is no more."""
        self._rows[number] = None
        self._live -= 1
        self._counts[:, number] = 0
        self._total[number] = self._size[number] = 0
        self._sums[number] = 0

    def _take_over_names(self) -> None:
        """Narratives that hold the quote of one named before go on under its id, the largest first."""
        for mark, name in list(self._known.items()):
            held = self._texts.get(mark)
            if held is None or held.row < 0:
                continue
            row = self._row(held.row)
            if name not in {other.id for other in self._rows if other is not None}:
                if row.id not in self._known.values():
                    self._became.pop(name, None)
                    self._became[row.id] = name
                    row.id = name
                else:
                    self._became.setdefault(name, row.id)


def cluster(
    mentions: Sequence[Mention], *, beside: Iterable[str] = (), known: Sequence[Narrative] = ()
) -> tuple[Narrative, ...]:
    """The narratives worth naming in ``mentions``, largest first: ``Narratives`` fed in order of time."""
    found = Narratives(beside, known=known)
    for mention in sorted(mentions, key=lambda m: (m.created_at, m.source, m.id)):
        found.add(mention.text, reposts=mention.reposts)
    return found.largest()

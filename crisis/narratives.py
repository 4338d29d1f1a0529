"""Narratives: what the posts of an episode claim or complain about, as clusters that keep their identity as they grow.

``Narratives`` takes posts one at a time, in order. A distinct text joins the narrative under which its words are most
likely against the words of all posts together, or begins a new one: a Dirichlet process mixture of word distributions,
taken greedily, in the manner of MStream (Yin et al. 2018, *Model-based clustering for short text streams*, KDD), with
the stream's own word distribution as the prior (Dirichlet smoothing, Zhai and Lafferty 2004), so that words that
everybody uses tell nothing apart. ``settle`` looks at the texts at hand once more, joins narratives whose distinctive
words are alike and dissolves those of next to nobody. Copies count once.

Promises: memory is bounded (``keep`` texts, ``NARRATIVES`` word counts); the same posts in the same order give the
same narratives; a narrative keeps its id for as long as it exists, and when two are joined the larger one's id stays
and ``now`` says what became of the other's.
"""

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import log

import numpy as np
import numpy.typing as npt

from crisis.copies import fingerprint, normalise
from crisis.folding import fold
from crisis.questions import questions
from crisis.triage import Narrative
from crisis.watch import Mention

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
NEW, SMOOTH, ALIKE = 30.0, 300.0, 0.1
"""How readily a text begins a narrative, how many words of everybody's a narrative starts with, and the cosine of
distinctive words from which two are one. Chosen on mixtures of topics (``fireline bench narratives``: its tuning half)."""
OTHER = "other"
"""The narrative of texts that share no telling word with any."""

_WORDS = 1 << 14
_PRIOR = 2_000.0
_SHARP = 10.0
_TERM = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+|[^\W\d_](?:[\w'’-]*[^\W_])?")
_SKIP = re.compile(r"@[\w.\-]+|&\w+;")
_CAMEL = re.compile(r"#(\w*[a-z][A-Z]\w*)")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_STOPWORDS = """
    the and for with that this was are you your from they have has had not but all can will just what when who how why
    our out get got been were their there them then than now she her his him its it's i'm i've i'll don't didn't can't
    won't doesn't isn't you're we're they're that's because about after again any some more most over only own same
    too very would could should did does doing being into off here which while where let us one two still even also
    please thanks thank yes really going know need want like make made see say said tell told time day today way back
    new good great lol omg amp via people anyone everyone ever never my me we is it in on of to at as an or be by so
    if do no up he am go user http https el la los las un una unos que por para con del al se lo le su mi es está son
    muy más como pero ya esto esta der die das den dem des ein eine einen und ist nicht mit für auf von zu im ich wir
    sie er hat haben wird wie auch noch nur schon bei aus nach mein meine sind war les une du de et est pas pour dans
    avec sur qui ne ce cette je il elle nous vous ils mon ma mes sont plus au aux très fait être avoir comme mais です
    ます した して
    から まで この その ない する いる ある
    """
_STOP = frozenset(_STOPWORDS.split())

_Ids = npt.NDArray[np.int64]
_Counts = npt.NDArray[np.floating]


def terms(text: str) -> list[str]:
    """The words of ``text`` that may tell a narrative; scripts without spaces give pairs of characters."""
    text = text[:1000]
    if "#" in text:
        text = _CAMEL.sub(lambda tag: f"{tag.group(1)} {_HUMP.sub(' ', tag.group(1))}", text)
    found: list[str] = []
    for word in _TERM.findall(_SKIP.sub(" ", normalise(fold(text)))):
        if "\u3040" <= word[0] <= "\u9fff":
            found += [word[i : i + 2] for i in range(len(word) - 1)]
        elif len(word) > 2:
            found.append(word.replace("’", "'"))
    return [term for term in found if term not in _STOP]


@lru_cache(maxsize=65_536)
def _place(term: str) -> int:
    return zlib.crc32(term.encode("utf-8", "surrogatepass")) % _WORDS


@dataclass
class _Text:
    """One distinct text at hand."""

    mark: int
    text: str
    terms: frozenset[str]
    ids: _Ids
    reposts: int
    row: int = -1


@dataclass
class _Row:
    """One narrative: its identity, and how many distinct texts it ever had."""

    id: str
    size: int = 0
    members: set[int] = field(default_factory=set)
    """Marks of its texts at hand."""


SETTLE_AFTER = 0.1
"""Share of new texts from which ``largest`` looks at all of them once more."""


class Narratives:
    """The narratives of one stream of posts. ``beside``: words that tell nothing apart: the brand, the query.

    ``known``: narratives named before (by an earlier process): whoever holds the quote of one takes over its id.
    """

    def __init__(self, beside: Iterable[str] = (), *, known: Sequence[Narrative] = (), keep: int = KEEP) -> None:
        self._out = tuple(sorted({term for word in beside for term in terms(word)}))
        self._keep = keep
        self._known = {fingerprint(n.quote).value: n.id for n in known if n.quote}
        self._texts: dict[int, _Text] = {}
        self._rows: list[_Row | None] = []
        self._counts: _Counts = np.zeros((_WORDS, 64), np.float32)
        self._total: _Counts = np.zeros(64)
        self._size: _Counts = np.zeros(64)
        self._everywhere: _Counts = np.zeros(_WORDS)
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
            self._texts[mark] = held
            self._everywhere[held.ids] += 1
            self._words += len(held.ids)
            self._join(held, self._best(held.ids))
            if held.row >= 0:
                self._row(held.row).size += 1
            self._fresh, self._told = self._fresh + 1, None
            if len(self._texts) > self._keep:
                self._forget(next(iter(self._texts)))
        return self._id(held.row)

    def narrative(self, text: str) -> str:
        """The id of the narrative that ``text`` belongs to now; a text that was forgotten is placed anew."""
        held = self._texts.get(fingerprint(text).value)
        if held is not None:
            return self._id(held.row)
        ids = self._new(0, text, 0).ids
        return self._id(self._best(ids, begin=False) if len(ids) else -1)

    def now(self, id: str) -> str:
        """What became of a narrative: its own id, or that of the one it was joined with."""
        while id in self._became:
            id = self._became[id]
        return id

    def settle(self, *, after: float = 0.0) -> None:
        """Look at the texts at hand once more, join what is alike, dissolve what is next to nothing.

        ``after``: only if more than this share of them is new since the last time.
        """
        if self._fresh <= after * len(self._texts):
            return
        for held in self._texts.values():
            self._again(held, begin=True)
        self._join_alike()
        self._dissolve()
        self._fresh, self._told = 0, None

    def all(self) -> tuple[Narrative, ...]:
        """Every narrative, largest first, looked at once more."""
        self.settle()
        return self._all()

    def _all(self) -> tuple[Narrative, ...]:
        if self._told is None:
            own: dict[int, list[_Text]] = {}
            for held in self._texts.values():
                if held.row >= 0:
                    own.setdefault(held.row, []).append(held)
            found = [self._tell(number, self._row(number), texts) for number, texts in own.items()]
            self._told = tuple(sorted(found, key=lambda n: (-n.size, n.id)))
        return self._told

    def largest(self) -> tuple[Narrative, ...]:
        """The ``SHOWN`` largest narratives that are worth naming.

        Asked again and again while a storm grows, it looks at all texts once more only when a tenth of them is new: the
        whole effort stays in proportion to the posts.
        """
        self.settle(after=SETTLE_AFTER)
        return tuple(n for n in self._all() if n.size >= LEAST)[:SHOWN]

    def _new(self, mark: int, text: str, reposts: int) -> _Text:
        words = frozenset(term for term in terms(text) if not term.startswith(self._out))
        ids = np.unique(np.fromiter((_place(w) for w in words), np.int64, len(words)))
        return _Text(mark, text[:500], words, ids, reposts)

    def _id(self, number: int) -> str:
        return self._row(number).id if number >= 0 else OTHER

    def _row(self, number: int) -> _Row:
        row = self._rows[number]
        assert row is not None  # noqa: S101 - a text at hand always has its narrative
        return row

    def _usual(self, ids: _Ids | slice) -> _Counts:
        usual: _Counts = (self._everywhere[ids] + 0.5) / (self._words + _PRIOR)
        return usual

    def _best(self, ids: _Ids, *, begin: bool = True) -> int:
        """The row under which the words are likeliest; -1 when a new one is likelier still."""
        height = len(self._rows)
        if not height:
            return -1
        usual = self._usual(ids)
        size, total = self._size[:height], self._total[:height]
        likely = np.log(self._counts[ids, :height] / usual[:, None] + SMOOTH).sum(axis=0)
        likely -= len(ids) * np.log(total + SMOOTH)
        likely += np.log(np.maximum(size, 1e-9))
        likely[size <= 0] = -np.inf
        best = int(likely.argmax())
        if not begin or self._live >= NARRATIVES:
            return best if size[best] > 0 and self._counts[ids, best].any() else -1
        return best if likely[best] >= log(NEW) else -1

    def _join(self, held: _Text, row: int, *, begin: bool = True) -> None:
        if row < 0 and begin and self._live < NARRATIVES:
            row = self._free()
            self._rows[row] = _Row(self._name(held.mark))
            self._live += 1
        held.row = row
        if row < 0:
            return
        self._row(row).members.add(held.mark)
        self._counts[held.ids, row] += 1
        self._total[row] += len(held.ids)
        self._size[row] += 1

    def _leave(self, held: _Text) -> None:
        if held.row < 0:
            return
        self._row(held.row).members.discard(held.mark)
        self._counts[held.ids, held.row] -= 1
        self._total[held.row] -= len(held.ids)
        self._size[held.row] -= 1

    def _again(self, held: _Text, *, begin: bool) -> None:
        """Place a text once more; the last text of a narrative stays, so that the narrative does."""
        if held.row >= 0:
            before = self._row(held.row)
            if len(before.members) == 1:
                return
            self._leave(held)
            before.size -= 1
        self._join(held, self._best(held.ids, begin=begin), begin=begin)
        if held.row >= 0:
            self._row(held.row).size += 1

    def _name(self, mark: int) -> str:
        """The id of a narrative that begins with the text of this mark."""
        taken = {row.id for row in self._rows if row is not None} | self._became.keys()
        for length in range(6, 17):
            if (name := f"n-{mark:016x}"[: length + 2]) not in taken:
                return name
        return f"n-{mark:016x}-{len(taken)}"

    def _free(self) -> int:
        for number, row in enumerate(self._rows):
            if row is None:
                return number
        self._rows.append(None)
        if len(self._rows) > len(self._size):
            self._counts = np.concatenate([self._counts, np.zeros_like(self._counts)], axis=1)
            self._total = np.concatenate([self._total, np.zeros_like(self._total)])
            self._size = np.concatenate([self._size, np.zeros_like(self._size)])
        return len(self._rows) - 1

    def _forget(self, mark: int) -> None:
        held = self._texts.pop(mark)
        self._leave(held)
        if held.row >= 0 and not self._row(held.row).members:
            self._end(held.row, "")

    def _end(self, number: int, into: str) -> None:
        """A narrative is no more; ``into``: the id of the one that took it up."""
        row = self._row(number)
        if into and into != row.id:
            self._became[row.id] = into
            if len(self._became) > 4 * NARRATIVES:
                del self._became[next(iter(self._became))]
        self._rows[number] = None
        self._live -= 1
        self._counts[:, number] = 0
        self._total[number] = self._size[number] = 0

    def _distinct(self, rows: Sequence[int], columns: _Ids) -> _Counts:
        """Unit vectors of distinctive words, one row for each of ``rows``."""
        counts, usual = self._counts[np.ix_(columns, np.asarray(rows))].T, self._usual(columns)
        above = np.log((counts + _SHARP * usual) / ((self._total[rows] + _SHARP)[:, None] * usual))
        weight = np.where(counts > 0, np.maximum(above, 0.0) * counts / self._size[rows][:, None], 0.0)
        found: _Counts = weight / np.maximum(np.linalg.norm(weight, axis=1, keepdims=True), 1e-9)
        return found

    def _join_alike(self) -> None:
        """Join the two that are most alike, until no two are alike enough."""
        rows = [number for number, row in enumerate(self._rows) if row is not None]
        if len(rows) < 2:
            return
        columns = np.flatnonzero(self._everywhere)
        shared = (self._counts[np.ix_(columns, np.asarray(rows))] > 0).sum(axis=1) > 1
        vectors = self._distinct(rows, columns)[:, shared]
        alike = vectors @ vectors.T
        np.fill_diagonal(alike, -1.0)
        gone = np.zeros(len(rows), bool)
        while True:
            one, other = divmod(int(alike.argmax()), len(rows))
            if alike[one, other] < ALIKE:
                return
            if self._weight(rows[one]) < self._weight(rows[other]):
                one, other = other, one
            self._merge(rows[one], rows[other])
            gone[other] = True
            vectors[one] = self._distinct([rows[one]], columns)[0, shared]
            alike[other], alike[:, other] = -1.0, -1.0
            likeness = vectors @ vectors[one]
            likeness[gone], likeness[one] = -1.0, -1.0
            alike[one], alike[:, one] = likeness, likeness

    def _weight(self, number: int) -> tuple[bool, float]:
        """Which of two goes on under its own id: one that was named before, then the larger."""
        row = self._row(number)
        return not self._known.keys().isdisjoint(row.members), float(row.size)

    def _merge(self, into: int, number: int) -> None:
        large, small = self._row(into), self._row(number)
        for mark in small.members:
            self._texts[mark].row = into
        large.members |= small.members
        large.size += small.size
        self._counts[:, into] += self._counts[:, number]
        self._total[into] += self._total[number]
        self._size[into] += self._size[number]
        self._end(number, large.id)

    def _dissolve(self) -> None:
        least = max(LEAST, RARE * len(self._texts))
        small = [n for n, row in enumerate(self._rows) if row is not None and len(row.members) < least]
        if len(small) < self._live:
            for number in small:
                self._size[number] = 0
            for number in small:
                self._scatter(number)
            for held in self._texts.values():
                self._again(held, begin=False)
        self._take_over_names()

    def _scatter(self, number: int) -> None:
        row = self._row(number)
        went: Counter[int] = Counter()
        for mark in sorted(row.members):
            held = self._texts[mark]
            target = self._best(held.ids, begin=False)
            self._join(held, target, begin=False)
            went[target] += 1
        first = went.most_common(1)[0][0]
        for target, count in went.items():
            if target >= 0:
                self._row(target).size += count
        if first >= 0:
            self._row(first).size += row.size - len(row.members)
        self._end(number, self._id(first))

    def _take_over_names(self) -> None:
        """Narratives that hold the quote of one named before go on under its id, the largest first."""
        for mark, name in list(self._known.items()):
            held = self._texts.get(mark)
            if held is None or held.row < 0:
                continue
            row = self._row(held.row)
            if name not in {other.id for other in self._rows if other is not None}:
                if row.id not in self._known.values():
                    self._became[row.id] = name
                    row.id = name
                else:
                    self._became.setdefault(name, row.id)

    def _tell(self, number: int, row: _Row, own: Sequence[_Text]) -> Narrative:
        inside = Counter(term for held in own for term in held.terms)
        usual = self._usual(slice(None))
        total = max(1.0, float(self._total[number]))
        weight = {}
        for term, count in inside.items():
            above = log(max(count / total / float(usual[_place(term)]), 1e-9))
            weight[term] = count * (max(above, 0.0) + 0.1)
        best = sorted(weight, key=lambda t: (-weight[t], t))
        quote = max(
            range(len(own)),
            key=lambda i: (sum(weight[t] for t in own[i].terms) / (4 + len(own[i].terms)), own[i].reposts, -i),
        )
        return Narrative(
            id=row.id,
            label=", ".join(best[:3]),
            size=max(row.size, len(own)),
            quote=own[quote].text,
            questions=questions((held.text for held in own), most=3, least=2),
        )


def cluster(
    mentions: Sequence[Mention], *, beside: Iterable[str] = (), known: Sequence[Narrative] = ()
) -> tuple[Narrative, ...]:
    """The narratives worth naming in ``mentions``, largest first: ``Narratives`` fed in order of time."""
    found = Narratives(beside, known=known)
    for mention in sorted(mentions, key=lambda m: (m.created_at, m.source, m.id)):
        found.add(mention.text, reposts=mention.reposts)
    return found.largest()

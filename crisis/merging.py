"""Questions that ask the same, put together: by what they mean, the words they share, and the kind of answer they want.

New wordings are taken together, the likest two first, by the mean likeness of their members (average linkage: Sokal and
Michener 1958); one joins a group that is there, or begins one. Groups that are there are never joined with each other, so a
question keeps its identity while it grows, and what a person has parted stays parted. Whole sentences are read where a
reader is given (``crisis.sentences``), else words (``crisis.word_vectors``). Wordings that name different numbers, days,
places or things, or of which one is negated (``crisis.contrasts``), and those that plainly want different answers ("why",
"when") are never put together. Pure: the same wordings in the same order give the same groups.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from crisis.contrasts import Named, contrast
from crisis.folding import fold
from crisis.interrogative import WORD
from crisis.paraphrases import PLAIN_KINDS, Wording, wording
from crisis.small import Floats

Sentences = Callable[[Sequence[str]], Floats]
"""Reads what whole texts mean: a unit vector each."""
Table = npt.NDArray[np.float64]
_T = TypeVar("_T")


class Weights(NamedTuple):
    """What makes two wordings alike, and how much it takes; chosen on all parts but `last` of benchmarks/questions.txt."""

    meaning: float
    words: float
    kind: float
    joins: float
    """Likeness from which on a wording joins."""
    apart: float
    """Share of the meaning of words that many have that is taken out; 0: nothing is."""
    maybe: float
    """Likeness from which on a person is asked whether two questions are one."""


BY_WORDS = Weights(meaning=0.45, words=0.55, kind=0.2, joins=0.4, apart=0.0, maybe=0.3)
BY_SENTENCES = Weights(meaning=1.0, words=0.2, kind=0.1, joins=0.3, apart=0.9, maybe=0.22)
LOOKED_AT = 12
"""Groups of the nearest meaning that a wording is compared with."""
AT_ONCE = 256
"""New wordings that are compared with one another."""
READ, MOST_READ = 12, 3_000
"""Wordings whose meaning is read: of a group that is there, and of all of them."""
FEW = 10.0
"""Wordings at which what they have in common in meaning (the crisis) is half taken out: it tells nothing apart."""
COMMON, COMMON_LEAST = 0.1, 2.0
"""Share and number of wordings that make a word one of the crisis ("jar", "water"), whose meaning tells little."""
SAME_MEANING = 0.6
"""Cosine from which on two wordings count as one for what all have in common."""
_NEVER = -np.inf


@dataclass
class Group:
    """Wordings of one question."""

    id: str
    wordings: int = 0
    words: Counter[str] = field(default_factory=Counter)
    telling: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    named: set[Named] = field(default_factory=set)
    vectors: list[Floats] = field(default_factory=list)
    """What some of the wordings mean."""

    def add(self, one: Wording) -> None:
        """Take a wording in."""
        self.wordings += 1
        self.words.update(one.words)
        self.telling.update(one.telling)
        self.kinds[one.kind] += 1
        self.named.add(one.named)

    @property
    def usual(self) -> list[str]:
        """Words that half of its wordings have, as written."""
        return [word for word, count in self.telling.items() if 2 * count >= self.wordings]

    def shares(self, one: Wording) -> float:
        """How far its words are those of ``one``, 0 to 1."""
        shared = sum(min(1.0, self.words[word] / self.wordings * 1.5) for word in one.words)
        own = sum(min(1.0, count / self.wordings * 1.5) for count in self.words.values() if 3 * count >= self.wordings)
        return float(shared / max(1.0, np.sqrt(len(one.words) * max(own, 1.0))))

    def bars(self, one: Wording, beside: frozenset[str]) -> bool:
        """``one`` asks something else, however alike it sounds. What a person put together counts as put together."""
        if not self.kinds[one.kind] and {one.kind, *self.kinds} <= PLAIN_KINDS:
            return True
        return one.named not in self.named and any(contrast(one.named, held, beside) for held in self.named)


class Merging:
    """The questions of one incident as their wordings come.

    ``sentences`` reads whole wordings, and is not asked before a wording comes that is not known word for word; without it
    words are read. ``beside``: names that tell nothing apart, such as the brand's.
    """

    def __init__(self, *, sentences: Sentences | None = None, beside: Iterable[str] = ()) -> None:
        self.weights = BY_SENTENCES if sentences is not None else BY_WORDS
        self.groups: dict[str, Group] = {}
        self._sentences = sentences
        self._beside = frozenset(name.lower() for name in beside)
        self._exact: dict[object, str] = {}
        self._unread: list[tuple[Group, list[Wording]]] = []
        self._means: Floats = np.zeros((0, 0), np.float32)
        """The mean of each group's vectors, ``_apart``."""
        self._mean: Floats = np.zeros(0, np.float32)
        self._common: Floats = np.zeros((0, 0), np.float32)
        """Directions of the words that many questions have."""

    def know(self, id: str, texts: Sequence[str]) -> None:
        """A group that is there, and wordings of it, the most frequent first; none that is empty."""
        group = self.groups[id] = Group(id)
        held = [wording(text) for text in texts]
        for one in held:
            self._add(group, one)
        self._unread.append((group, held))

    def place(self, texts: Sequence[str], new_id: Callable[[], str]) -> list[str]:
        """The id of the group that each of ``texts`` is in from now on; groups are begun as ``new_id`` names them."""
        found: dict[str, str] = {}
        for at in range(0, len(texts), AT_ONCE):
            cut = list(dict.fromkeys(texts[at : at + AT_ONCE]))
            new = {_key(text): wording(text) for text in reversed(cut) if self._asked_before(wording(text)) is None}
            if new:
                self._join(list(reversed(new.values())), new_id)
            found |= {text: self._asked_before(wording(text)) or "" for text in cut}
        return [found[text] for text in texts]

    def likeness(self, texts: Sequence[str]) -> Table:
        """How much each of ``texts`` asks what each group asks, a row a text, groups as in ``groups``."""
        held = [wording(text) for text in texts]
        self._read_known()
        return self._to_groups(held, self._apart(self._read(texts)), looked_at=len(self.groups))

    def _asked_before(self, one: Wording) -> str | None:
        """The group that has been asked this, word for word or by the same telling words."""
        return self._exact.get(_key(one.text)) or (
            self._exact.get((one.words, one.kind, one.named)) if one.words else None
        )

    def _add(self, group: Group, one: Wording) -> None:
        group.add(one)
        self._exact[_key(one.text)] = group.id
        self._exact.setdefault((one.words, one.kind, one.named), group.id)

    def _read(self, texts: Sequence[str]) -> Floats:
        if self._sentences is not None:
            return self._sentences(texts)
        return np.stack([wording(text).vector for text in texts])

    def _read_known(self) -> None:
        """What the groups that are there mean, as far as it is not read yet."""
        each = max(1, min(READ, MOST_READ // max(1, len(self.groups))))
        read = [(group, one.text) for group, held in self._unread for one in held[:each]]
        self._unread = []
        if read:
            for (group, _), vector in zip(read, self._read([text for _, text in read]), strict=True):
                group.vectors.append(vector)
            self._look()

    def _look(self, new: Sequence[Wording] = (), vectors: Floats | None = None) -> None:
        """What the groups mean, apart from what they and ``new`` have in common; those that mean the same count once."""
        groups = list(self.groups.values())
        held = [np.mean(group.vectors, axis=0) for group in groups] + ([] if vectors is None else list(vectors))
        if self.weights.apart and held:
            unit = np.stack(held)
            unit /= np.maximum(np.linalg.norm(unit, axis=1, keepdims=True), 1e-9)
            weight = 1 / (unit @ unit.T > SAME_MEANING).sum(axis=1).clip(1)
            self._mean = ((weight @ unit) / (weight.sum() + FEW)).astype(np.float32)
            often: Counter[str] = Counter()
            for words, times in zip([*[g.usual for g in groups], *[one.telling for one in new]], weight, strict=True):
                for word in words:
                    often[word] += times
            words = sorted(word for word, times in often.items() if times >= max(COMMON_LEAST, COMMON * weight.sum()))
            self._common = np.zeros((0, unit.shape[1]), np.float32)
            if words:
                self._common = np.linalg.qr((self._read(words) - self._mean).T)[0].T.astype(np.float32)
        if groups:
            first = np.cumsum([0, *[len(group.vectors) for group in groups[:-1]]])
            apart = self._apart(np.stack([vector for group in groups for vector in group.vectors]))
            many = np.array([len(group.vectors) for group in groups])[:, None]
            self._means = (np.add.reduceat(apart, first, axis=0) / many).astype(np.float32)

    def _apart(self, vectors: Floats) -> Floats:
        """The vectors less what all have in common, and most of what the words mean that many have; of length 1."""
        if not self.weights.apart:
            return vectors
        apart = vectors - self._mean
        apart = apart - self.weights.apart * (apart @ self._common.T) @ self._common
        return np.asarray(apart / np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-9), np.float32)

    def _join(self, new: Sequence[Wording], new_id: Callable[[], str]) -> None:
        """Put wordings into groups that are there or begin."""
        self._read_known()
        vectors = self._read([one.text for one in new])
        self._look(new, vectors)
        apart, groups = self._apart(vectors), list(self.groups.values())
        joined = _linked(
            self._among(new, apart),
            self._to_groups(new, apart),
            [group.wordings for group in groups],
            self.weights.joins,
        )
        begun: dict[int, Group] = {}
        for one, vector, to in zip(new, vectors, joined, strict=True):
            group = groups[to - len(new)] if to >= len(new) else begun.get(to)
            if group is None:
                group = begun[to] = Group(new_id())
                self.groups[group.id] = group
            self._add(group, one)
            if len(group.vectors) < READ:
                group.vectors.append(vector)
        self._look()

    def _to_groups(self, held: Sequence[Wording], apart: Floats, looked_at: int = LOOKED_AT) -> Table:
        """How alike wordings are to each group: the mean over its wordings; words count for the nearest in meaning."""
        groups = list(self.groups.values())
        if not groups:
            return np.zeros((len(held), 0))
        meaning = apart @ self._means.T
        near = np.argpartition(-meaning, min(looked_at, len(groups)) - 1, axis=1)[:, :looked_at]
        found: Table = self.weights.meaning * meaning.astype(float) - self.weights.kind / 2
        for row, (one, columns) in enumerate(zip(held, near.tolist(), strict=True)):
            for column in columns:
                kind = groups[column].kinds[one.kind] / groups[column].wordings
                found[row, column] += self.weights.words * groups[column].shares(one) + self.weights.kind * kind
            found[row, [group.bars(one, self._beside) for group in groups]] = _NEVER
        return found

    def _among(self, new: Sequence[Wording], apart: Floats) -> Table:
        """How alike new wordings are, each with each."""
        number = {word: n for n, word in enumerate(sorted({word for one in new for word in one.words}))}
        has = np.zeros((len(new), max(1, len(number))), np.float32)
        for row, one in enumerate(new):
            has[row, [number[word] for word in one.words]] = 1
        size = has.sum(axis=1)
        kinds, named = [one.kind for one in new], [one.named for one in new]
        found: Table = self.weights.meaning * (apart @ apart.T).astype(float)
        found += self.weights.words * (has @ has.T) / np.sqrt(np.maximum(1, np.outer(size, size)))
        found += self.weights.kind * (_pairs(kinds, lambda one, other: one == other) - 0.5)
        found[_pairs(kinds, lambda one, other: one != other and {one, other} <= PLAIN_KINDS)] = _NEVER
        found[_pairs(named, lambda one, other: contrast(one, other, self._beside))] = _NEVER
        return found


def _key(text: str) -> str:
    """The wording without marks and capitals."""
    return " ".join(WORD.findall(fold(text)))


def _pairs(held: Sequence[_T], holds: Callable[[_T, _T], bool]) -> npt.NDArray[np.bool_]:
    """Whether something holds of each two; asked once for each two that differ."""
    kinds = {one: place for place, one in enumerate(dict.fromkeys(held))}
    table = np.array([[holds(one, other) for other in kinds] for one in kinds])
    at = [kinds[one] for one in held]
    return np.asarray(table[np.ix_(at, at)], bool)


def _linked(among: Table, groups: Table, sizes: Sequence[int], joins: float) -> list[int]:
    """Where each new wording goes: the number of a new wording that it is with, or of them all plus that of a group."""
    count, there = groups.shape
    alike = np.full((count + there, count + there), _NEVER)
    alike[:count, :count] = among
    alike[:count, count:], alike[count:, :count] = groups, groups.T
    np.fill_diagonal(alike, _NEVER)
    size = np.array([1.0] * count + [float(n) for n in sizes])
    into: npt.NDArray[np.int64] = np.arange(count + there)
    while True:
        one, other = divmod(int(alike.argmax()), count + there)
        if alike[one, other] < joins:
            return [int(to) for to in into[:count]]
        kept, gone = (max(one, other), min(one, other)) if max(one, other) >= count else sorted((one, other))
        mean = (size[kept] * alike[kept] + size[gone] * alike[gone]) / (size[kept] + size[gone])
        mean[[kept, gone]] = _NEVER
        if kept >= count:
            mean[count:] = _NEVER
        alike[kept], alike[:, kept] = mean, mean
        alike[gone], alike[:, gone] = _NEVER, _NEVER
        size[kept] += size[gone]
        into[into == gone] = kept


def merged(texts: Sequence[str], sentences: Sentences | None = None) -> list[int]:
    """For each text the number of the question that it asks, numbered in order of their first wording."""
    merging = Merging(sentences=sentences)
    return [int(id) for id in merging.place(texts, lambda: str(len(merging.groups)))]

"""A published rival: the contextual anomaly detector CAD-OSE, written from its description, for comparison only.

M. Smirnov's detector took part in the Numenta Anomaly Benchmark (NAB) as ``contextOSE``: github.com/smirmik/CAD. The
algorithm is his, the words are ours. A count becomes three bits of its place between the smallest and the greatest of
the series. A *context* says "after these facts came those bits"; facts are the bits of the row before and the contexts
that were right about it. Where two contexts overlap in part, what they have in common becomes a context of its own. A
row is odd when what was predicted does not come, few of the contexts that spoke were right, and many new ones had to be
made. It knows the greatest count of the whole series beforehand, as in NAB: a favour that Fireline does not get. At
NAB's threshold it earns what NAB published for AMZN, CRM and FB, .002 more for AAPL, and for CVS one false alert more.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

BITS = 3
LONGEST = 7
"""Facts that a context made of an overlap may hold on its left."""
NEURONS = 15
"""Contexts that were right and become facts for the next row, at the most."""
ODD = 0.75
"""Score from which the detector falls silent for a while."""

Facts = tuple[int, ...]


@dataclass
class _Context:
    """After ``left`` (by number) came ``right``."""

    number: int
    right: int
    whole: bool
    """It was seen as it is, not made of an overlap."""
    asked: int = 0
    kept: int = 0
    fulfilled: int = 0

    @property
    def weight(self) -> float:
        """How often its bits came when it spoke."""
        return self.kept / self.asked if self.asked else 0.0


@dataclass
class _Side:
    """Sets of facts, each once, and which of them overlap with what is there now."""

    known: dict[Facts, int] = field(default_factory=dict)
    sets: list[Facts] = field(default_factory=list)
    having: dict[int, list[int]] = field(default_factory=dict)
    overlap: dict[int, list[int]] = field(default_factory=dict)

    def number(self, facts: Facts) -> int:
        """The number of a set; a new one is filed."""
        found = self.known.setdefault(facts, len(self.sets))
        if found == len(self.sets):
            self.sets.append(facts)
            for fact in facts:
                self.having.setdefault(fact, []).append(found)
        return found

    def meet(self, facts: Facts) -> None:
        """Take note of what is there now."""
        self.overlap = {}
        for fact in facts:
            for number in self.having.get(fact, ()):
                self.overlap.setdefault(number, []).append(fact)

    def complete(self, number: int) -> bool:
        """All of a set is there."""
        return len(self.overlap.get(number, ())) == len(self.sets[number])


class Contextual:
    """The detector for one series; rows come one after another."""

    def __init__(self, least: float, most: float, rest: int) -> None:
        self._least = least
        self._step = ((most - least) or (2**BITS - 1)) / (2**BITS - 1)
        self._rest = rest
        self._left, self._right = _Side(), _Side()
        self._contexts: list[_Context] = []
        self._after: list[dict[int, _Context]] = []
        """Contexts by the number of their left side, then of their right side."""
        self._facts: Facts = ()
        self._predicted: set[int] = set()
        self._history = [1.0]

    def score(self, value: float) -> float:
        """How odd a row is, 0 to 1."""
        place = int((value - self._least) / self._step)
        bits = tuple(2 * bit + (place >> bit & 1) for bit in range(BITS))
        missed = any(fact not in self._predicted for fact in bits)
        right, new = self._take(bits)
        odd = (1.0 - right + new) / 2 if missed else 0.0
        told = odd if max(self._history[-self._rest :]) < ODD else 0.0
        self._history.append(odd)
        return told

    def _take(self, bits: Facts) -> tuple[float, float]:
        """Learn a row: the share of contexts that were right about it, and of possible ones that had to be made."""
        first = None
        if self._facts:
            first, is_new = self._context(self._facts, bits, whole=True)
            first = first if is_new else None
        self._right.meet(bits)
        spoke, right, possible = self._judge(first)
        right.sort(key=lambda context: (context.fulfilled, context.number))
        neurons = sorted(2 * BITS + context.number for context in right[-NEURONS:])
        all_possible = {*possible, *([(self._facts, bits)] if self._facts else [])}
        self._facts = (*bits, *neurons)
        made = sum(self._context(*pair, whole=False)[1] for pair in possible)
        self._left.meet(self._facts)
        self._predict()
        share = len(right) / spoke if spoke else 0.0
        return share, (made + 1) / len(all_possible) if first is not None else 0.0

    def _context(self, left: Facts, right: Facts, *, whole: bool) -> tuple[_Context, bool]:
        """The context with these sides, and whether it is new."""
        before = self._left.number(left)
        if before == len(self._after):
            self._after.append({})
        after = self._right.number(right)
        found = self._after[before].get(after)
        if found is not None:
            found.whole = found.whole or whole
            return found, False
        found = self._after[before][after] = _Context(len(self._contexts), after, whole)
        self._contexts.append(found)
        return found, True

    def _judge(self, first: _Context | None) -> tuple[int, list[_Context], list[tuple[Facts, Facts]]]:
        """Contexts that spoke, those that were right, and the overlaps that could become contexts."""
        spoke, right, possible = 0, [], []
        for left, shared in self._left.overlap.items():
            for after, context in self._after[left].items():
                if context is first:
                    continue
                came = self._right.overlap.get(after, [])
                full = len(shared) == len(self._left.sets[left])
                if full:
                    spoke += 1
                    context.asked += len(self._right.sets[after])
                    context.kept += len(came)
                    if self._right.complete(after):
                        context.fulfilled += 1
                        right.append(context)
                        continue
                if came and context.whole and first is not None and len(shared) <= LONGEST:
                    possible.append((tuple(shared), tuple(came)))
        return spoke, right, possible

    def _predict(self) -> None:
        """What the most reliable of the contexts that speak now expect."""
        speaking = [c for n in self._left.overlap if self._left.complete(n) for c in self._after[n].values()]
        best = max((context.weight for context in speaking), default=0.0)
        self._predicted = {fact for c in speaking if c.weight == best for fact in self._right.sets[c.right]}


def contextual(values: Sequence[float], rest: int) -> npt.NDArray[np.float64]:
    """Scores of a series; ``rest`` rows are silent after an odd one (NAB: a fifth of the probation)."""
    detector = Contextual(min(values), max(values), rest)
    return np.array([detector.score(value) for value in values])

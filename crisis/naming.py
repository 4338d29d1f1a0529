"""What a narrative is called and quoted by: its distinctive words, the post that says most of them, what people ask.

Pure; the same texts in the same order give the same name.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log

from crisis.questions import Question, questions
from crisis.triage import Narrative


@dataclass(slots=True)
class Told:
    """One distinct text of a narrative."""

    text: str
    terms: frozenset[str]
    reposts: int


def named(id: str, size: int, own: Sequence[Told], words: float, usual: Callable[[str], float]) -> Narrative:
    """The narrative of these texts, which have ``words`` words; ``usual``: a word's share of all words of the stream."""
    inside = Counter(term for held in own for term in held.terms)
    total = max(1.0, words)
    weight = {}
    for term, count in inside.items():
        above = log(max(count / total / usual(term), 1e-9))
        weight[term] = count * (max(above, 0.0) + 0.1)
    best = sorted(weight, key=lambda t: (-weight[t], t))
    quote = max(
        range(len(own)),
        key=lambda i: (sum(weight[t] for t in own[i].terms) / (4 + len(own[i].terms)), own[i].reposts, -i),
    )
    return Narrative(
        id=id,
        label=", ".join(best[:3]),
        size=size,
        quote=own[quote].text,
        questions=_asked(tuple(held.text for held in own)),
    )


@lru_cache(maxsize=64)
def _asked(texts: tuple[str, ...]) -> tuple[Question, ...]:
    """What a narrative's texts ask: most narratives have got no new one when they are named again."""
    return questions(texts, most=3, least=2)

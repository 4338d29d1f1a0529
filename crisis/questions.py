"""What people ask: the interrogative sentences of posts, those that ask the same merged and counted.

Found by their question mark in any script, or in English by their first word. A question of fewer than three words
("wtf?") asks nothing that can be answered and is left out. Pure; the same posts in the same order give the same
questions.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from pydantic import Field

from crisis.copies import normalise
from crisis.folding import fold
from crisis.values import Frozen

LONGEST = 240
"""Characters of a question that are kept."""
SIMILAR = 0.5
"""Share of the rarer words that two questions must have in common to be one (Jaccard)."""
MOST_READ = 2_000
"""Questions that are compared; later ones are counted only where they fit."""

_SENTENCE = re.compile(r"(?:[^.!?？！。\n]|\.(?=\w))+[?？]?")
_NOISE = re.compile(
    r"(?:https?://|www\.)\S+|(?:^|\s)(?:rt\s+)?@[\w.\-]+:?"
    r"|[¿\x00-\x09\x0b-\x1f\u200b-\u200f\u202a-\u202e\u2066-\u2069]",
    re.IGNORECASE,
)
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w+(?:['’]\w+)?")
_ASKS = re.compile(
    r"(?:how|why|when|where|who|what|which|is|are|can|could|do(?! ?n[o'’]t)|does|did|will|would|should)\s",
    re.IGNORECASE,
)
_SMALL_WORDS = """
    a an the is are was were do does did it this that of to in on for my your i you we they and or be been with at
    """
_SMALL = frozenset(_SMALL_WORDS.split())


class Question(Frozen):
    """One thing that people ask."""

    text: str
    """As one of them asked it."""
    count: int = Field(ge=1)
    """Distinct posts that ask it."""


def asked(text: str) -> list[str]:
    """The questions in one post, as written."""
    found = []
    for sentence in _SENTENCE.findall(_NOISE.sub(" ", text[:2000])):
        plain = " ".join(sentence.split())
        marked = plain[-1:] in ("?", "？")
        if (marked or _ASKS.match(plain)) and len(_WORD.findall(plain)) >= 3 and (marked or len(plain) < 120):
            found.append(plain[:LONGEST])
    return found


def questions(texts: Iterable[str], *, most: int = 5, least: int = 1) -> tuple[Question, ...]:
    """What ``texts`` (of distinct posts) ask, the most frequent first; ``least``: posts that must ask it."""
    groups: list[tuple[str, frozenset[str], set[int]]] = []
    exact: dict[frozenset[str], int] = {}
    for number, text in enumerate(texts):
        for question, words in _asked_words(text[:2000]):
            place = exact.get(words)
            if place is None and len(exact) < MOST_READ:
                place = next((i for i, g in enumerate(groups) if _alike(words, g[1])), None)
                if place is None:
                    place = len(groups)
                    groups.append((question, words, set()))
                exact[words] = place
            if place is not None:
                groups[place][2].add(number)
    ranked = sorted(groups, key=lambda group: -len(group[2]))
    return tuple(Question(text=q, count=len(who)) for q, _, who in ranked[:most] if len(who) >= least)


@lru_cache(maxsize=8192)
def _asked_words(text: str) -> tuple[tuple[str, frozenset[str]], ...]:
    """The questions in one post, and what tells each apart: the same posts are asked about again and again."""
    told = ((question, frozenset(_WORD.findall(normalise(fold(question)))) - _SMALL) for question in asked(text))
    return tuple((question, words) for question, words in told if words)


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    fewer, more = sorted((len(one), len(other)))
    return fewer >= SIMILAR * more and len(one & other) >= SIMILAR * len(one | other)

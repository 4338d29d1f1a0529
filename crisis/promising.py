"""Promises in a text: which sentences bind the company to something, to what, and by when; in the templates' languages.

Rules over words (``crisis.promise_words``) and times (``crisis.promise_times``), no model: whoever wrote the sentence is
asked to confirm or strike what is found and to add what is missed, so nothing is owed, or forgotten, on a guess.
``fireline bench promises`` measures it on sentences it was not written from. A language without words is searched with
the English ones.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from crisis.commitment import PromiseKind
from crisis.cutting import sentences
from crisis.promise_times import When, when
from crisis.promise_words import ALLOWED, BINDS, NOT, WHAT
from crisis.values import Frozen

MOST = 40
"""Promises that are looked for in one text."""
LONGEST = 1_500
"""Characters of a sentence that are kept; nobody promises in longer ones."""
_CLAUSE = re.compile(
    r";\s+|,?\s+(?:and|und|et|y|و)\s+(?=(?:we|wir|nous|you)\b\s*(?:will|'ll|werden|erstatten|melden|\w+rons)\b)|,\s+then\s+",
    re.IGNORECASE,
)


class FoundPromise(Frozen):
    """A sentence, or a clause of one, that promises something."""

    sentence: str
    start: int
    """Offset in the text, in characters."""
    end: int
    kind: PromiseKind
    when: When


def find_promises(text: str, language: str, now: datetime) -> tuple[FoundPromise, ...]:
    """What ``text`` promises, in its order. ``now``: when it is written (aware); relative times count from then."""
    return tuple(_found(text, language.partition("-")[0].lower(), now))[:MOST]


def _found(text: str, language: str, now: datetime) -> Iterator[FoundPromise]:
    at = 0
    for sentence in sentences(text):
        at += len(sentence.before)
        for start, clause in _clauses(sentence.text):
            kind = kind_of(clause, language)
            if kind is not None:
                begin = at + start
                yield FoundPromise(
                    sentence=clause.strip()[:LONGEST],
                    start=begin,
                    end=begin + len(clause),
                    kind=kind,
                    when=when(clause, now),
                )
        at += len(sentence.text)


def _clauses(sentence: str) -> Iterator[tuple[int, str]]:
    begin = 0
    for cut in _CLAUSE.finditer(sentence):
        yield begin, sentence[begin : cut.start()]
        begin = cut.end()
    yield begin, sentence[begin:]


def kind_of(sentence: str, language: str) -> PromiseKind | None:
    """What one sentence promises; None when it promises nothing."""
    words = language if language in BINDS else "en"
    rules = _rules(words)
    text = sentence.replace("’", "'").strip()
    rest = rules.allowed.sub(" ", text).strip()
    if not rules.binds.search(rest) or rules.denied.search(rest):
        return None
    return next((kind for kind, says in rules.kinds if says.search(rest)), PromiseKind.OTHER)


@dataclass(frozen=True)
class _Rules:
    binds: re.Pattern[str]
    kinds: tuple[tuple[PromiseKind, re.Pattern[str]], ...]
    denied: re.Pattern[str]
    allowed: re.Pattern[str]


@cache
def _rules(language: str) -> _Rules:
    return _Rules(
        binds=_read(BINDS[language]),
        kinds=tuple((PromiseKind(kind), _read(says)) for kind, says in WHAT[language]),
        denied=_read(NOT[language]),
        allowed=_read(ALLOWED[language]),
    )


def _read(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.VERBOSE)

"""Do two texts that are alike come from one template? Then two people fill it in, and neither copies the other.

"Flight 495 to Boston is late" is told of many flights, "stuck in Denver" in many cities, "my kettle caught fire" of many
things. Two texts are taken for that if each names a number that the other does not; if all that they differ in are names;
or, in a short text, words that tell something on both sides, one for one ("my bag", "my phone"; "the best", "the worst").
A word with a typing error in it, or cut off, is the same word. Who changes a long text, or puts in a word that tells
nothing, fills in no template.
"""

import re

from rapidfuzz.distance import OSA, Indel

from crisis.folding import flat
from crisis.rarity import WIDE, table

TYPING = 2
"""Letters that may be different (a wrong one counts twice) before different numbers are taken for typing errors."""
SENTENCE = 48
"""Letters from which on another word is a change of the text, because nobody says so much alike by chance. An ideograph
counts as two."""
TELLING = 2.0**-6
"""A word that at least so many texts hold fills no slot: it is put in by somebody who changes a text."""
LONGEST_WORD = 12
"""Letters of a word that fills a slot, at the most: longer ones are tags and handles as a rule."""
OPINIONS = frozenset({"best", "good", "great", "like", "love"})
"""Words of more texts that tell something all the same: who writes the other one ("worst") says the opposite."""
_SAME_WORD = 0.5
"""How alike (1 - changes over letters) a word is at least to itself with typing errors."""
_FORM = re.compile(r"(?:(?<=\w\w)ed|(?<![sui])s|\d+)$")
_WRITTEN = re.compile(r"[^\W\d_][\w'’-]*")
_OPENS = '.!?…:;"“”‘(\n•|–—-'
_MARKED = frozenset("@#/&")
_NUMBER = re.compile(r"\d+")


def size(text: str) -> int:
    """Letters, an ideograph as two: it says as much."""
    return len(text) if text.isascii() else len(text) + sum(sign >= WIDE for sign in text)


def filled_otherwise(one: str, other: str) -> bool:
    """Is it only telling words that two short plain texts differ in, one for one?"""
    if min(size(one), size(other)) >= SENTENCE:
        return False
    words, others = one.split(), other.split()
    if len(words) != len(others):
        return False
    slots = [pair for pair in zip(words, others, strict=True) if pair[0] != pair[1] and not _same_word(*pair)]
    return bool(slots) and all(
        _form(word) == _form(instead) and _tells(word) and _tells(instead) for word, instead in slots
    )


def _form(word: str) -> str:
    """What a word ends with that says of which kind it is: a slot takes words of one kind."""
    form = _FORM.search(word)
    return form[0] if form else ""


def _tells(word: str) -> bool:
    return word in OPINIONS or (2 < len(word) <= LONGEST_WORD and table().get(word, 0.0) < TELLING)


def _same_word(word: str, other: str) -> bool:
    if word.startswith(other) or other.startswith(word):
        return True
    return OSA.normalized_similarity(word, other, score_cutoff=_SAME_WORD) > 0


def names(written: str) -> str:
    """The names in a text, folded, a space between: words with a capital, and at the beginning of a sentence those that
    are no common word. At most eight.

    Empty where capitals tell nothing: in shouting, and in headlines that capitalise most words.
    """
    found, words = [], 0
    for match in _WRITTEN.finditer(written):
        words += 1
        word, before = match[0], written[: match.start()].rstrip()
        if len(word) < 3 or not word[0].isupper() or not word[1:].islower() or before[-1:] in _MARKED:
            continue
        name = flat(word).split("'")[0]
        if (before and before[-1] not in _OPENS) or name not in table():
            found.append(name)
    return " ".join(found[:8]) if 3 * len(found) <= words else ""


def named_otherwise(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Is it only names that two texts (plain, and as written) differ in, each holding one that the other does not?

    "Stuck in Denver" and "Stuck in Oslo" are two people. A name with a typing error in it is the same name.
    """
    words, others = set(one[0].split()), set(other[0].split())
    if words <= others or others <= words:
        return False
    here = _names_more(names(one[1]), other[0])
    there = _names_more(names(other[1]), one[0]) if here else here
    if not there:
        return False
    rest = " ".join(word for word in one[0].split() if word not in here)
    rest_too = " ".join(word for word in other[0].split() if word not in there)
    return Indel.distance(rest, rest_too, score_cutoff=TYPING) <= TYPING


def _names_more(named: str, text: str) -> set[str]:
    """The names that ``text`` does not hold."""
    words = set(text.split())
    return {name for name in named.split() if not any(_is_name(name, word) for word in words)}


def _is_name(name: str, word: str) -> bool:
    """Is ``word`` that name, perhaps with a slip or cut off?"""
    slips = _slips(name)
    if word == name or word.startswith(name) or (len(word) > 2 and name.startswith(word)):
        return True
    return OSA.distance(name, word, score_cutoff=slips) <= slips


def _slips(name: str) -> int:
    return 1 + len(name) // 6


def about_others(one: str, other: str) -> bool:
    """Does each text name a number that the other does not? Another flight, price or order is another text.

    A number with one wrong digit, or with a letter typed into it, is the same number, unless nothing else is different.
    """
    here, there = _NUMBER.findall(one)[:20], _NUMBER.findall(other)[:20]
    first, second = set(here), set(there)
    if first <= second or second <= first:
        return False
    both = ((first, second), (second, first))
    if OSA.distance("".join(here), "".join(there), score_cutoff=1) > 1 and all(
        any(all(OSA.distance(n, m) > 1 for m in known) for n in named) for named, known in both
    ):
        return True
    return Indel.distance(_NUMBER.sub("", one), _NUMBER.sub("", other), score_cutoff=TYPING) <= TYPING

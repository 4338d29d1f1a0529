"""The fallback when the small model's file is missing or damaged: VADER, with everyday words of complaint added.

English only (Hutto and Gilbert 2014, MIT licence). It knows fewer complaints, no emotion and no offence beyond a list
of angry words; ``crisis.reading`` says once, in a warning, that it is in use.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from math import exp
from typing import Any

import numpy as np

from crisis.small import Judgement
from crisis.spelling import LONGEST, tidy

NEGATIVE_FROM = -0.2
"""VADER compound at and below which a post counts as negative: about one in ten others does so wrongly."""

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

_ANGRY = """angry anger mad furious fuming livid outraged outrageous outrage rage raging disgusting disgusted disgrace
    disgraceful unacceptable appalling ridiculous pathetic shame shameful shameless hate hates hated insane absurd
    inexcusable unforgivable boycott sue lawsuit liars liar lied lying scam scammers criminal negligent reckless
    infuriating enraged pissed wtf bullshit damn hell crap sick idiots incompetent never worst fired resign"""
ANGER = frozenset(_ANGRY.split())
"""High-arousal words, set by hand; a negative post with one of them, or shouting, counts as angry."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


@lru_cache(maxsize=1)
def _vader() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    analyzer.lexicon.update(COMPLAINTS)
    return analyzer


def judge(texts: Sequence[str]) -> Judgement:
    """What ``texts``, taken to be English, say by their words; offence is never found."""
    rows = [_one(text[:LONGEST]) for text in texts]
    sentiment = np.array([row[:3] for row in rows], np.float32).reshape(-1, 3)
    anger = np.array([row[3] for row in rows], np.float32)
    rest = (1 - anger) / 3
    emotion = np.stack([anger, rest, rest, rest], axis=1)
    return Judgement(sentiment, emotion, np.zeros(len(rows), np.float32), sentiment[:, 0])


def _one(text: str) -> tuple[float, float, float, float]:
    """Negative, neutral and positive, adding up to 1, and anger."""
    plain = tidy(text).replace("@user", " ").replace("http", " ")
    compound = float(_vader().polarity_scores(plain)["compound"])
    negative = 1.0 / (1.0 + exp(8.0 * (compound - NEGATIVE_FROM)))
    positive = (1.0 - negative) / (1.0 + exp(-8.0 * (compound - 0.2)))
    words = _WORD.findall(plain) if negative >= 0.5 else []
    hot = sum(word.lower() in ANGER for word in words)
    loud = sum(len(word) > 3 and word.isupper() for word in words) >= 2 or (bool(words) and "!!" in plain)
    anger = min(1.0, 0.5 * hot + (0.5 if loud else 0.0))
    return negative, 1.0 - negative - positive, positive, anger

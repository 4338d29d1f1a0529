"""Which question to answer first: a documented score over what it is about, who asks, how far it reaches, how it grows, and
how long it has gone unanswered.

What protects people comes first, as Coombs (2007) and the CDC's CERC manual want it: instructing information before
everything else. So the points for life and health are more than all the others together, and however many ask about a
refund, a question about a poisoned child stands above. What a question is about is told by English words; in another
language it counts 0 there, and the factor says so.
"""

import re
from datetime import datetime, timedelta
from math import log2, log10

from crisis.clocks import span_in_words
from crisis.language import languages
from crisis.paraphrases import kind_of
from crisis.public_questions import PublicQuestion, Standing, Tally, age_of
from crisis.triage import Factor

AUTHORS, REACH, GROWTH, AGE = 40.0, 15.0, 10.0, 10.0
"""The most points for each."""
HARM, AT_RISK, INSTRUCTING, ENDING, REDRESS, WHY = 100.0, 60.0, 40.0, 15.0, 10.0, 5.0
"""Points for what a question is about; the first that fits counts."""

_ABOUT: tuple[tuple[float, str, re.Pattern[str]], ...] = (
    (
        HARM,
        "life and health: instructing information",
        re.compile(
            r"\b(?:doctors?|hospital|ambulance|emergency|112|911|999|insulin|medic(?:ine|ation|al)|pills|allerg\w+|poison\w*"
            r"|injur\w+|hurt|die[ds]?|deaths?|dead(?! line)|ill|sick|symptoms?|pregnan\w+|bab(?:y|ies)|children|child"
            r"|dangerous|toxic|contaminat\w+|fire|burn\w*|explo\w+|safe to (?:eat|drink|use|drive|fly|touch|wear|give)"
            r"|(?:still|can i|can we) (?:eat|drink|feed)|evacuat\w+)\b",
            re.I,
        ),
    ),
    (
        AT_RISK,
        "money, data or identity at risk",
        re.compile(
            r"\b(?:(?:money|savings|account|accounts|balance|card|cards|data|deposits?)\b.{0,40}\b(?:safe|secure|stolen|leak\w*"
            r"|lost|gone|protected|out|affected|breach\w*|taken)|(?:safe|secure|stolen|leak\w*|lost|breach\w*)\b.{0,40}\b(?:money"
            r"|savings|account|accounts|card|cards|data|details|passwords?)|passwords?|identity|fraud|scam|phishing"
            r"|charged (?:twice|two times|double)|double charge\w*|hacked|am i affected)\b",
            re.I,
        ),
    ),
    (
        INSTRUCTING,
        "what people can do now",
        re.compile(r"\b(?:hotline|which number|whom? (?:do|can|should) i)\b", re.I),
    ),
    (ENDING, "when it ends", re.compile(r"(?!)")),
    (
        REDRESS,
        "redress",
        re.compile(
            r"\b(?:refund\w*|money back|compensat\w+|reimburs\w+|credit(?:ed)?|damages|voucher\w*|discount)\b", re.I
        ),
    ),
    (WHY, "cause and responsibility", re.compile(r"\b(?:who is responsible|whose fault|blame)\b", re.I)),
)
_BY_KIND = {"what to do": INSTRUCTING, "when": ENDING, "why": WHY, "since when": WHY}


def worth(question: PublicQuestion, tally: Tally, standing: Standing, now: datetime) -> tuple[Factor, ...]:
    """What makes a question matter, the weightiest first; the score is the sum of their points."""
    return tuple(
        sorted(
            (_about(question.text), _authors(tally), _reach(tally), _growth(tally), _age(question, standing, now)),
            key=lambda factor: -factor.points,
        )
    )


def score(factors: tuple[Factor, ...]) -> float:
    """The score: a sum, so that everybody can check it."""
    return round(sum(factor.points for factor in factors), 1)


def concerns_harm(text: str) -> bool:
    """Whether a question is about life, health, or money and data at risk: such a one is never left out."""
    return _about(text).points >= AT_RISK


def _about(text: str) -> Factor:
    kind = kind_of(text)
    for points, says, pattern in _ABOUT:
        if pattern.search(text) or _BY_KIND.get(kind) == points:
            return Factor(name="about", value=points, points=points, says=f"about {says}")
    language = languages([text])[0]
    if language not in ("en", ""):
        return Factor(name="about", value=0, says=f"what it is about was not judged (language {language})")
    return Factor(name="about", value=0, says="about nothing that outranks another")


def _authors(tally: Tally) -> Factor:
    points = min(AUTHORS, 6.0 * log2(1 + tally.authors))
    people = "1 person asks" if tally.authors == 1 else f"{tally.authors:,} people ask"
    return Factor(name="authors", value=tally.authors, points=round(points, 1), says=people)


def _reach(tally: Tally) -> Factor:
    points = min(REACH, 3.0 * log10(1 + tally.reach))
    says = f"its widest post reached up to {tally.reach:,}" if tally.reach else "its reach is not known"
    return Factor(name="reach", value=tally.reach, points=round(points, 1), says=says)


def _growth(tally: Tally) -> Factor:
    more = tally.last_hour - tally.hour_before
    points = min(GROWTH, 3.0 * log2(1 + max(0, more)))
    says = f"{tally.last_hour:,} asked in the last hour, {tally.hour_before:,} in the hour before"
    return Factor(name="growth", value=tally.last_hour, baseline=tally.hour_before, points=round(points, 1), says=says)


def _age(question: PublicQuestion, standing: Standing, now: datetime) -> Factor:
    hours = age_of(question, now)
    if not standing.unanswered:
        return Factor(name="age", value=0, says=f"it is {standing}")
    return Factor(
        name="age",
        value=round(hours, 2),
        points=round(min(AGE, 2 * hours), 1),
        says=f"unanswered for {span_in_words(timedelta(hours=hours))}",
    )

"""Made-up streams of posts for detection tests: a rate by hour, a share of hostile ones, and storms in them."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from crisis.detector import Detector
from crisis.reading import Reading
from crisis.triage import Signal
from crisis.watch import Mention, Watch

WATCH = Watch(name="acme", brand="Acme", query="acme")
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
HOSTILE, KIND = "bad", "good"


def reader(text: str, hint: str) -> Reading:
    """Reads the made-up texts: their first word is their sentiment."""
    hostile = text.startswith(HOSTILE)
    return Reading(
        language="en",
        supported=not text.startswith("unread"),
        sentiment="negative" if hostile else "neutral",
        negative=0.9 if hostile else 0.1,
        anger=0.6 if hostile else 0.0,
    )


def posts(
    dice: random.Random,
    begin: datetime,
    hours: float,
    per_hour: float,
    hostile: float,
    *,
    word: str = "",
    author: str = "",
) -> list[Mention]:
    """Posts at a steady rate, each by somebody else and in other words unless told otherwise."""
    found, at = [], begin
    while (at := at + timedelta(hours=dice.expovariate(per_hour))) < begin + timedelta(hours=hours):
        number = dice.randrange(10**9)
        mood = HOSTILE if dice.random() < hostile else KIND
        found.append(
            Mention(
                id=str(number),
                text=word or f"{mood} words about acme, number {number}",
                author=author or f"author-{number}",
                created_at=at,
            )
        )
    return found


def calm(days: float, *, per_hour: float = 20, hostile: float = 0.2, seed: int = 1) -> list[Mention]:
    """Days that wax and wane by the hour, and nothing happens."""
    dice, found = random.Random(seed), []
    for hour in range(round(days * 24)):
        rate = per_hour * (0.3 if hour % 24 < 6 else 1.0 if hour % 24 < 17 else 1.3)
        found += posts(dice, BEGIN + timedelta(hours=hour), 1, rate, hostile)
    return found


def run(
    mentions: list[Mention], *, detector: Detector | None = None, seconds: int = 120
) -> Iterator[tuple[Signal, bool]]:
    """Every signal, with whether an episode is under way."""
    detector = detector or Detector(WATCH, reader)
    mentions = sorted(mentions, key=lambda m: m.created_at)
    if not mentions:
        return
    index, at = 0, mentions[0].created_at.replace(second=0, microsecond=0)
    while index < len(mentions):
        at += timedelta(seconds=seconds)
        while index < len(mentions) and mentions[index].created_at <= at:
            detector.feed(mentions[index])
            index += 1
        yield detector.tick(at), detector.alerting


def episodes(mentions: list[Mention]) -> list[Signal]:
    """The signals with which episodes opened."""
    found, before = [], False
    for signal, alerting in run(mentions):
        if alerting and not before:
            found.append(signal)
        before = alerting
    return found

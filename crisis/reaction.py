"""The reaction after publication, measured against the moment before it.

A comparison of two signals of the same watch ends in one of three verdicts and one sentence for people. It looks at
*negative authors* (unique authors times negative share), because volume alone rises when news of an answer spreads,
and share alone rises when the indifferent go home. It says so when the numbers are too small to tell, and never
calls a change what chance alone makes. It proposes; closing an incident stays with people.
"""

from datetime import timedelta
from enum import StrEnum
from math import sqrt

from pydantic import Field

from crisis.triage import Signal
from crisis.values import Frozen, Share, UtcDatetime

CHANGE = 0.25
"""The smallest change of negative authors that is called one: a quarter."""
CHANCE = 2.0
"""How many standard errors a change must exceed: for two counts a and b, |a - b| / sqrt(a + b), the normal
approximation to the conditional test of equal Poisson rates (Przyborowski & Wilenski 1940); 2 is about one false call
in twenty."""


class Reaction(StrEnum):
    """Where public reaction is heading."""

    CALMING = "calming"
    HOLDING = "holding"
    GROWING = "growing"


class Observation(Frozen):
    """One measurement of the reaction after a statement, beside the moment before it."""

    incident: str
    at: UtcDatetime
    """The end of the window that was measured."""
    statement: str = ""
    """The statement whose effect is watched; empty before anything is published."""
    window: timedelta
    mentions: int = Field(ge=0)
    authors: int = Field(ge=0)
    negative_share: Share
    before_mentions: int = Field(ge=0)
    """Posts in the window that ended at publication, scaled to the same length as ``window``."""
    before_authors: int = Field(ge=0)
    before_negative_share: Share
    verdict: Reaction
    calm: bool
    """Volume and negativity are back within what is usual for the watch."""
    says: str


def compare(before: Signal | None, after: Signal, *, incident: str, statement: str = "") -> Observation:
    """Measure the reaction in ``after`` against the signal at the moment of publication, ``before``.

    ``before`` is ``None`` when nothing was measured then; the verdict then rests on what is usual alone.

    Raises:
        ValueError: the signals are of different watches, or ``after`` is not later than ``before``.
    """
    if before is not None and before.watch != after.watch:
        raise ValueError(f"a signal of {after.watch} cannot be measured against one of {before.watch}")
    if before is not None and after.at < before.at:
        raise ValueError(f"the reaction at {after.at:%H:%M:%S} lies before the moment it is measured against")
    scale = after.window / before.window if before is not None and before.window else 1.0
    before_authors = round(before.authors * scale) if before else 0
    before_share = before.negative_share if before else 0.0
    calm = is_calm(after)
    verdict = _verdict(before_authors * before_share, after.authors * after.negative_share, calm, before is not None)
    return Observation(
        incident=incident,
        at=after.at,
        statement=statement,
        window=after.window,
        mentions=after.mentions,
        authors=after.authors,
        negative_share=after.negative_share,
        before_mentions=round(before.mentions * scale) if before else 0,
        before_authors=before_authors,
        before_negative_share=before_share,
        verdict=verdict,
        calm=calm and verdict is not Reaction.GROWING,
        says=_says(before is not None, before_authors, before_share, after, verdict, calm),
    )


def is_calm(signal: Signal) -> bool:
    """Whether authors and negative authors are both within what is usual for the watch at this hour."""
    usual_negative = signal.usual_authors * signal.usual_negative_share
    return signal.authors <= ceiling(signal.usual_authors) and (
        signal.authors * signal.negative_share <= ceiling(usual_negative)
    )


def ceiling(usual: float) -> float:
    """The most authors that still count as usual: half as much again, plus chance (two standard errors) and one."""
    return 1.5 * usual + CHANCE * sqrt(usual) + 1


def _verdict(before: float, after: float, calm: bool, measured: bool) -> Reaction:
    if not measured:
        return Reaction.CALMING if calm else Reaction.HOLDING
    error = sqrt(before + after)
    certain = error > 0 and abs(after - before) / error >= CHANCE
    if certain and after >= before * (1 + CHANGE):
        return Reaction.GROWING
    if calm or (certain and after <= before * (1 - CHANGE)):
        return Reaction.CALMING
    return Reaction.HOLDING


def _says(measured: bool, authors: int, share: float, after: Signal, verdict: Reaction, calm: bool) -> str:
    minutes = max(1, round(after.window / timedelta(minutes=1)))
    now = f"{_people(after.authors)} in {minutes} min, {after.negative_share:.0%} negative"
    then = f"before the statement {_people(authors)}, {share:.0%} negative"
    if not measured:
        then = "nothing was measured before the statement"
    ending = {
        Reaction.CALMING: "it is calming",
        Reaction.HOLDING: "no change that chance would not make",
        Reaction.GROWING: "it is growing",
    }[verdict]
    if calm and verdict is Reaction.CALMING:
        ending = f"back to the usual {after.usual_authors:.0f}"
    return f"{now}; {then}: {ending}"


def _people(count: int) -> str:
    return f"{count:,} author" + ("" if count == 1 else "s")

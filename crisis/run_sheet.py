"""What whoever answers live has beside the questions: sentences that lead from a question to what is known, and what not to
say. After the CDC's CERC manual (say what you know, what you do not know, and how you find out; never speculate)."""

from collections.abc import Iterable

from crisis.fact import Fact, FactStatus
from crisis.values import Frozen

BRIDGES: tuple[tuple[str, str], ...] = (
    ("you know part of it", "What I can tell you for certain is this: …"),
    ("nobody knows yet", "We do not know that yet. We are finding out, and will say more by …"),
    ("they want a guess", "I will not guess: you must be able to rely on what we say. What is confirmed is …"),
    ("the premise is false", "That is not what we have found. What we have found is …"),
    ("they are angry", "You are right to be upset. This is what we are doing about it now: …"),
    (
        "it is about somebody's own case",
        "I want this solved for you. Please contact us, so that we can look at your case: …",
    ),
)
"""When, and the sentence that leads on. Each ends where an approved answer begins."""
NEVER: tuple[str, ...] = (
    "no number, cause, time or name that is not in an approved answer",
    "no time at which it will be repaired, unless it is a confirmed fact",
    "no blame of customers, suppliers or colleagues",
    "no “only”, “just” or “a small number” about harm",
    "nothing that repeats a rumour in order to deny it",
)


class NotToSay(Frozen):
    """A claim that must not be stated as true."""

    fact: Fact
    why: str


def not_to_say(facts: Iterable[Fact]) -> tuple[NotToSay, ...]:
    """The claims on record that nobody may state as true, the refuted ones first."""
    why = {FactStatus.REFUTED: "refuted: it is not true", FactStatus.UNCONFIRMED: "nobody has confirmed it yet"}
    found = [NotToSay(fact=f, why=why[f.status]) for f in facts if f.status in why]
    return tuple(sorted(found, key=lambda one: one.fact.status is not FactStatus.REFUTED))

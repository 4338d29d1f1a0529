"""What the public asks about one incident: questions with an identity of their own, who asks them, and how each stands.

A question keeps its id while it grows; merged into another it stays readable under its old id. Whether it is answered is
not stored: it follows from the statements that answer it and whether their facts still hold, so it cannot be out of date.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from pydantic import Field

from crisis.fact import Fact
from crisis.reliance import Broken, broken
from crisis.statement import Statement
from crisis.values import Frozen, UtcDatetime

WORDING = 240
"""Characters of a question."""


class Asking(Frozen):
    """One post that asks one question."""

    post: str
    """The mention's key in records."""
    place: int = 0
    """Which of the post's questions it is, from 0."""
    question: str
    text: str
    """As it was asked: text from outside."""
    author: str
    """Who asks: network and handle, or the post where no author is told."""
    at: UtcDatetime
    reach: int = Field(default=0, ge=0)
    """The author's audience, where known, plus reposts."""
    url: str = ""


class PublicQuestion(Frozen):
    """One question."""

    id: str
    """For people, too: ``INC-7-Q2``."""
    incident: str
    text: str
    """As it was first asked, or as a person put it."""
    first_asked_at: UtcDatetime
    owner: str = ""
    """E-mail address of whoever sees to its answer."""
    say_by: UtcDatetime | None = None
    """When an answer, or the next word on it, is promised."""
    set_aside: str = ""
    """Why it will not be answered, in a person's words; empty while it may be."""
    merged_into: str = ""
    parted_from: str = ""
    """The question that a person parted it from: nobody is asked whether the two are one."""


class Tally(Frozen):
    """Who asks a question, counted."""

    authors: int = 0
    posts: int = 0
    reach: int = 0
    """The widest post of it."""
    last_hour: int = 0
    """Distinct authors in the last hour, and in the hour before."""
    hour_before: int = 0
    last_asked_at: UtcDatetime | None = None


class Standing(StrEnum):
    """How the answer to a question stands."""

    OPEN = "open"
    DRAFTED = "drafted"
    PROPOSED = "waits for approval"
    APPROVED = "approved"
    ANSWERED = "answered"
    IN_DOUBT = "in doubt"
    """Answered, but a fact that the answer rests on has changed."""
    SET_ASIDE = "set aside"

    @property
    def unanswered(self) -> bool:
        """The public has no answer that holds."""
        return self not in (Standing.ANSWERED, Standing.SET_ASIDE)


class Answer(Frozen):
    """A statement version that answers a question, as far as it has come."""

    statement: Statement
    status: str
    """Its status in records: ``draft``, ``proposed``, ``approved``, ``published`` ..."""
    changed: tuple[Broken, ...] = ()
    """What it relied on and no longer holds as it was."""
    published_at: UtcDatetime | None = None


_COMING = {"draft": Standing.DRAFTED, "returned": Standing.DRAFTED, "proposed": Standing.PROPOSED}


def answers_to(
    question: PublicQuestion, said: Iterable[tuple[Statement, str]], facts: Iterable[Fact]
) -> tuple[Answer, ...]:
    """The answers to a question among the latest versions of statements and their statuses, oldest first. The page of all
    answers is none: it repeats them."""
    known = tuple(facts)
    return tuple(
        Answer(statement=s, status=status, changed=broken(s, known))
        for s, status in said
        if question.id in s.answers and not s.page
    )


def standing(question: PublicQuestion, answers: Iterable[Answer]) -> Standing:
    """How a question stands: what is out and holds counts first, then what is on its way."""
    if question.set_aside:
        return Standing.SET_ASIDE
    found = tuple(answers)
    out = [a for a in found if a.status == "published"]
    if out and not out[-1].changed:
        return Standing.ANSWERED
    for answer in reversed(found):
        if answer.status == "approved":
            return Standing.APPROVED
    if out:
        return Standing.IN_DOUBT
    coming = [_COMING[a.status] for a in found if a.status in _COMING]
    return coming[-1] if coming else Standing.OPEN


def in_force(answers: Iterable[Answer]) -> Answer | None:
    """The published answer that holds, the newest one."""
    return next((a for a in reversed(tuple(answers)) if a.status == "published" and not a.changed), None)


def age_of(question: PublicQuestion, now: datetime) -> float:
    """Hours since it was first asked."""
    return max(0.0, (now - question.first_asked_at).total_seconds() / 3600)

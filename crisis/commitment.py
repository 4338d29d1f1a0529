"""Commitments: promises that statements made, tracked until kept, broken, or withdrawn with their statement.

Also the rules of minding them: when whom to remind before a promise is due, so that it is escalated while it can still be
kept; what an author says about the promises of a draft (``Mark``); and what a published statement does to the open ones.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

from crisis.values import Frozen, Names, UtcDatetime


class CommitmentState(StrEnum):
    """Where a promise stands."""

    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"
    """The statement that made it was withdrawn, so it is no word to keep any more."""


class PromiseKind(StrEnum):
    """What is promised."""

    UPDATE = "update"
    """To speak again: the next published statement keeps it. Every other kind is kept by a person's word."""
    REPAIR = "repair"
    REFUND = "refund"
    REVIEW = "review"
    COMPENSATION = "compensation"
    CONTACT = "contact"
    OTHER = "other"


class Commitment(Frozen):
    """One promise with its due time."""

    id: str
    incident: str
    statement: str
    text: str
    due_at: UtcDatetime
    state: CommitmentState = CommitmentState.OPEN
    kept_at: UtcDatetime | None = None
    kept_by: str = ""
    """The statement id that kept it, or the person who said so."""
    reminded_at: UtcDatetime | None = None
    kind: PromiseKind = PromiseKind.UPDATE
    owner: str = ""
    """Who sees to it, by e-mail address; empty: the incident's lead."""
    made_at: UtcDatetime | None = None
    """When the statement that made it was published."""
    evidence: str = ""
    """What shows that it was kept, in a person's words."""


def commitment_id(statement: str, version: int, number: int) -> str:
    """The id of the ``number``-th promise (from 1) of a statement version."""
    return f"{statement}v{version}-C{number}"


class Ruling(StrEnum):
    """What an author says of a promise in a draft."""

    CONFIRMED = "confirmed"
    STRUCK = "struck"
    """It is no promise, or none to be tracked; why is said."""


class Mark(Frozen):
    """An author's word on one promise of one statement version, before it is proposed."""

    sentence: str = Field(min_length=1, max_length=2000)
    """The words that promise; for one added by hand, what is promised."""
    ruling: Ruling
    kind: PromiseKind = PromiseKind.OTHER
    due_at: UtcDatetime | None = None
    """Set exactly where it is confirmed."""
    owner: str = ""
    moves: str = ""
    """The id of an open commitment that this sentence moves to ``due_at``, saying so in public."""
    reason: str = ""
    """Why it was struck."""
    by: str
    at: UtcDatetime


class Reminder(Frozen):
    """One telling about an open promise."""

    step: str
    """``half``, ``quarter``, ``urgent`` or ``overdue``: told once each."""
    roles: Names = ()
    """Who is told besides the owner and the incident's lead."""


LEAST = timedelta(minutes=15)
"""A promise is urgent when no more than this is left, or a third of its whole time if that is shorter."""
LONG = timedelta(hours=2)
"""Of promises over at least this long, the owner is reminded at half and at a quarter of the time left, too."""
URGENT_ROLES = ("incident_lead", "comms")
OVERDUE_ROLES = ("incident_lead", "comms", "executive")


def due_reminder(promise: Commitment, now: datetime) -> Reminder | None:
    """The latest reminder of an open promise that is due at ``now``; None before the first.

    ``urgent`` is the escalation, and comes while the promise can still be kept: at a tenth of its time, at
    least ``LEAST`` before it is due (a third of the whole, where that is shorter).
    """
    left = promise.due_at - now
    if left < timedelta(0):
        return Reminder(step="overdue", roles=OVERDUE_ROLES)
    whole = promise.due_at - promise.made_at if promise.made_at else None
    least = LEAST if whole is None else max(min(LEAST, whole / 3), min(whole / 10, timedelta(hours=4)))
    if left <= least:
        return Reminder(step="urgent", roles=URGENT_ROLES)
    if whole is None or whole < LONG:
        return None
    if left <= whole / 4:
        return Reminder(step="quarter")
    return Reminder(step="half") if left <= whole / 2 else None

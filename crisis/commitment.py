"""Commitments: promises that statements made, tracked until kept, broken, or withdrawn with their statement."""

from enum import StrEnum

from crisis.values import Frozen, UtcDatetime


class CommitmentState(StrEnum):
    """Where a promise stands."""

    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"
    """The statement that made it was withdrawn, so it is no word to keep any more."""


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


def commitment_id(statement: str, version: int, number: int) -> str:
    """The id of the ``number``-th promise (from 1) of a statement version."""
    return f"{statement}v{version}-C{number}"

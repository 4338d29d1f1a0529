"""Commitments: promises that statements made, tracked until kept."""

from enum import StrEnum

from crisis.values import Frozen, UtcDatetime


class CommitmentState(StrEnum):
    """Where a promise stands."""

    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"


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

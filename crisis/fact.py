"""Facts: the claims that the company makes or answers."""

from enum import StrEnum

from crisis.values import Frozen, UtcDatetime


class FactStatus(StrEnum):
    """What is known about a claim."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    REFUTED = "refuted"


class Fact(Frozen):
    """One claim, in one sentence, with who answers for it."""

    id: str
    """For people, too: ``INC-7-F2``."""
    incident: str
    text: str
    status: FactStatus
    owner: str
    """E-mail address of whoever vouches for it."""
    evidence: str = ""
    material: bool = True
    """A change of a material fact voids pending approvals."""
    updated_at: UtcDatetime

"""Legal hold: nothing of an incident may be erased or expire until two people of the law let it go.

One person with the role ``legal`` puts it on, at once. To release it, one proposes and another one agrees. Pure.
"""

from enum import StrEnum

from crisis.values import Frozen, UtcDatetime

ROLE = "legal"


class HoldState(StrEnum):
    """Where a hold stands."""

    HELD = "held"
    RELEASING = "releasing"
    """One person wants it released; it holds until another one agrees."""
    RELEASED = "released"


class Hold(Frozen):
    """A legal hold on everything of one incident."""

    incident: str
    state: HoldState = HoldState.HELD
    by: str
    reason: str
    at: UtcDatetime
    release_by: str = ""
    """Who proposed the release."""
    release_reason: str = ""
    released_by: str = ""
    """The second person."""
    released_at: UtcDatetime | None = None

    @property
    def holds(self) -> bool:
        return self.state is not HoldState.RELEASED

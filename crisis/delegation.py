"""Delegation: an approver hands their turn to a named person, for a time or for one statement, on record, revocable.

The delegate decides in the role that the delegator holds, and the record says for whom. What was handed on cannot be
handed on again, and never reaches the author; the delegator may still decide while the delegate has not, and whichever
of the two is first has used the turn.
"""

from collections.abc import Iterable
from datetime import timedelta

from crisis.approval import NotAllowed
from crisis.stakeholder import Stakeholder
from crisis.values import Frozen, UtcDatetime

LONGEST = timedelta(days=30)
"""For how long a turn can be handed on at most."""


class Delegation(Frozen):
    """One approver's turn in the hands of another person."""

    id: str
    """``D-3``."""
    delegator: str
    delegate: str
    statement: str = ""
    """Only for this statement, in whatever version; empty: for all."""
    given_at: UtcDatetime
    until: UtcDatetime
    reason: str
    revoked_at: UtcDatetime | None = None

    def holds(self, at: UtcDatetime, statement: str) -> bool:
        """Whether it covers a decision on ``statement`` at that time."""
        about = self.statement in ("", statement)
        return about and self.given_at <= at < self.until and (self.revoked_at is None or at < self.revoked_at)


def check_delegation(new: Delegation, people: Iterable[Stakeholder], *, author: str = "") -> None:
    """Refuse what cannot be handed on.

    Args:
        author: of the one statement that it is about; empty when it is about all.

    Raises:
        NotAllowed: somebody is not known, holds no role, hands to themselves or to the author, or for too long.
    """
    known = {p.email: p for p in people}
    for email in (new.delegator, new.delegate):
        if email not in known:
            raise NotAllowed(f"{email} is not among the stakeholders, so no turn can be handed on there")
    if not known[new.delegator].roles:
        raise NotAllowed(f"{new.delegator} holds no role, so there is no turn to hand on")
    if new.delegate == new.delegator:
        raise NotAllowed("a turn is handed to somebody else: name another person")
    if author and author in (new.delegate, new.delegator):
        raise NotAllowed(f"{author} wrote {new.statement}: nobody decides for, or through, the author")
    if not new.given_at < new.until <= new.given_at + LONGEST:
        raise NotAllowed(f"a turn is handed on for some time, and for {LONGEST.days} days at most")
    if not new.reason.strip():
        raise NotAllowed("say why you hand your turn on: the reason goes on record")

"""Releases without the usual approvals: by breaking the glass, or by a pre-cleared holding statement. Both are loud.

A release is bound to one version and its content hash like a decision; whoever looks at it later sees by which means
it went out, who answers for it and why.
"""

from collections.abc import Collection
from enum import StrEnum

from crisis.approval import NotAllowed, Via
from crisis.values import ContentHash, Frozen, UtcDatetime

LEAD = "incident_lead"
LEAST_REASON = 20
"""Characters of a reason for breaking the glass."""


class Means(StrEnum):
    """How a text went out without the usual approvals."""

    BREAK_GLASS = "break_glass"
    PRECLEARED = "precleared"


class Release(Frozen):
    """One version that was released without the usual approvals."""

    statement: str
    version: int
    content_hash: ContentHash
    means: Means
    by: str
    """The incident lead who broke the glass; for a pre-cleared text, ``preclearance``."""
    reason: str
    via: Via
    clearance: str = ""
    """For a pre-cleared text: the clearance, ``PC-2``."""
    released_at: UtcDatetime

    @property
    def says(self) -> str:
        """One sentence for people."""
        if self.means is Means.PRECLEARED:
            return f"released by the pre-clearance {self.clearance}: {self.reason}"
        return f"released by {self.by}, who broke the glass: {self.reason}"


def check_break_glass(
    *, person: str, roles: Collection[str], lead: str, author: str, reason: str, allowed: bool, playbook: str
) -> None:
    """Refuse to break the glass for somebody who may not, or without a reason that can be read afterwards.

    Args:
        lead: the incident's lead.
        allowed: whether the playbook allows it at all.

    Raises:
        NotAllowed: see the message.
    """
    if not allowed:
        raise NotAllowed(f"the playbook {playbook!r} forbids breaking the glass: the approvals are needed")
    if person != lead and LEAD not in roles:
        raise NotAllowed(f"{person or 'nobody'} may not break the glass: only an incident lead may")
    if person == author:
        raise NotAllowed("nobody releases their own text, not even by breaking the glass: ask another incident lead")
    if len(" ".join(reason.split())) < LEAST_REASON:
        raise NotAllowed(f"say why it cannot wait, in at least {LEAST_REASON} characters: everybody will read it")

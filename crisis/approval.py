"""Approval: who must say yes, and whether they have. Every route ends in the same checks (DESIGN §6)."""

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum

from pydantic import Field

from crisis.values import ContentHash, Frozen, UtcDatetime


class Verdict(StrEnum):
    """An approver's answer."""

    APPROVE = "approve"
    RETURN = "return"


class Via(StrEnum):
    """The route by which a decision came."""

    DESK = "desk"
    EMAIL_LINK = "email_link"
    CLI = "cli"
    PREFECT_UI = "prefect_ui"
    SLACK = "slack"


class Decision(Frozen):
    """One approver's verdict on one content hash."""

    content_hash: ContentHash
    statement: str
    version: int
    approver: str
    """E-mail address."""
    role: str
    """The role in which they decided."""
    verdict: Verdict
    via: Via
    reason: str = ""
    decided_at: UtcDatetime


class Policy(Frozen):
    """Whose approval a kind of statement needs."""

    roles: dict[str, int] = Field(min_length=1)
    """How many approvals each role owes: ``{"legal": 1, "comms": 2}``."""
    expires_after: timedelta = timedelta(hours=4)
    """A proposal not decided by then must be proposed anew."""


class Standing(Frozen):
    """Where a proposal stands."""

    approved: bool
    returned: bool
    expired: bool
    missing: dict[str, int]
    """Approvals still owed, by role."""
    says: str
    """One sentence for people."""

    @property
    def settled(self) -> bool:
        return self.approved or self.returned or self.expired


WITHDRAWING = ("incident_lead", "comms", "legal")
"""Roles of which any one may take a published word back: haste protects people, so one person is enough."""


class NotAllowed(ValueError):
    """A decision that the policy refuses; the message says why and what to do."""


def check_withdrawal(*, actor: str, roles_of_actor: Iterable[str], lead: str, reason: str) -> None:
    """Refuse a withdrawal by somebody whose it is not to decide, or without a reason.

    Args:
        lead: the incident's lead, who may withdraw whatever their roles.

    Raises:
        NotAllowed: the actor neither leads the incident nor holds a role of ``WITHDRAWING``, or gives no reason.
    """
    if actor != lead and not set(WITHDRAWING) & set(roles_of_actor):
        raise NotAllowed(
            f"{actor or 'nobody'} may not withdraw a statement: ask the incident lead"
            f"{f' ({lead})' if lead else ''}, or somebody with the role {', '.join(WITHDRAWING[:-1])} "
            f"or {WITHDRAWING[-1]}"
        )
    if not reason.strip():
        raise NotAllowed("say why it is withdrawn: the reason goes on record and to everybody who was told of the text")


def check_decision(
    decision: Decision,
    *,
    policy: Policy,
    author: str,
    roles_of_approver: frozenset[str],
    proposed_at: UtcDatetime,
    current_hash: ContentHash,
    earlier: Iterable[Decision],
) -> None:
    """Refuse a decision that must not count.

    Raises:
        NotAllowed: unknown role, role not held, self-approval, stale content, expiry, or a second decision by the
            same person on the same content (which also keeps anyone from counting in two roles).
    """
    if decision.content_hash != current_hash:
        raise NotAllowed("the text has changed since you were asked: read the new version and decide on that")
    if decision.role not in policy.roles:
        raise NotAllowed(f"role {decision.role!r} does not approve this; it needs {', '.join(policy.roles)}")
    if decision.role not in roles_of_approver:
        raise NotAllowed(f"{decision.approver} does not hold the role {decision.role!r}")
    if decision.approver == author and decision.verdict is Verdict.APPROVE:
        raise NotAllowed("nobody approves their own text: ask another approver")
    if decision.decided_at > proposed_at + policy.expires_after:
        raise NotAllowed("the request for approval has expired: propose the statement again")
    for other in earlier:
        if other.approver == decision.approver and other.content_hash == decision.content_hash:
            raise NotAllowed(f"{decision.approver} has already decided: {other.verdict} as {other.role}")
    if decision.verdict is Verdict.RETURN and not decision.reason.strip():
        raise NotAllowed("say why you return it, so that the author can mend it")


def standing(
    policy: Policy,
    decisions: Iterable[Decision],
    *,
    content_hash: ContentHash,
    proposed_at: UtcDatetime,
    now: UtcDatetime,
) -> Standing:
    """Where the proposal of ``content_hash`` stands at ``now``. One ``return`` outweighs any approvals."""
    counted = [d for d in decisions if d.content_hash == content_hash]
    returned = next((d for d in counted if d.verdict is Verdict.RETURN), None)
    have: dict[str, set[str]] = {}
    for decision in counted:
        if decision.verdict is Verdict.APPROVE:
            have.setdefault(decision.role, set()).add(decision.approver)
    owed = {r: n - len(have.get(r, ())) for r, n in policy.roles.items()}
    missing = {r: n for r, n in owed.items() if n > 0}
    if returned is not None:
        says = f"returned by {returned.approver} ({returned.role}): {returned.reason}"
        return Standing(approved=False, returned=True, expired=False, missing=missing, says=says)
    if not missing:
        return Standing(approved=True, returned=False, expired=False, missing={}, says="approved")
    if now > proposed_at + policy.expires_after:
        says = "expired without the approvals it needed: propose it again"
        return Standing(approved=False, returned=False, expired=True, missing=missing, says=says)
    says = "waits for " + ", ".join(f"{n} × {r}" for r, n in missing.items())
    return Standing(approved=False, returned=False, expired=False, missing=missing, says=says)

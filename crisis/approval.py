"""Approval: who must say yes, in which order, and whether they have. Every route ends in the same checks (DESIGN §6)."""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from crisis.stakeholder import Stakeholder
from crisis.values import ContentHash, Frozen, UtcDatetime

if TYPE_CHECKING:
    from crisis.delegation import Delegation
    from crisis.release import Release


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
    PRECLEARANCE = "preclearance"
    """No route of a person: words that were approved beforehand."""


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
    number: int = Field(default=1, ge=1)
    """1 for the approver's first decision on this content, 2 for one after that was taken back ..."""
    on_behalf_of: str = ""
    """Whose turn it was, when they had handed it to the approver; empty: their own."""
    as_deputy: bool = False
    """They do not hold the role, and were asked in it as a deputy."""
    taken_back_at: UtcDatetime | None = None
    """When the approver took it back: from then on it counts for nothing."""

    @property
    def approves(self) -> bool:
        """It is an approval that was not taken back."""
        return self.verdict is Verdict.APPROVE and self.taken_back_at is None

    @property
    def people(self) -> frozenset[str]:
        """Whose turns it uses: nobody among them is counted again on this content."""
        return frozenset({self.approver, self.on_behalf_of} - {""})


class Policy(Frozen):
    """Whose approval a kind of statement needs."""

    roles: dict[str, int] = Field(min_length=1)
    """How many approvals each role owes: ``{"legal": 1, "comms": 2}``."""
    order: tuple[tuple[str, ...], ...] = ()
    """The stages: each asks its roles side by side, once the stage before it is complete. Empty: all side by side."""
    expires_after: timedelta = timedelta(hours=4)
    """A proposal not decided by then must be proposed anew."""
    escalate_after: timedelta = timedelta(minutes=20)
    """How long an answer is waited for before the next one is asked."""

    @model_validator(mode="after")
    def _each_role_in_one_stage(self) -> "Policy":
        named = [role for stage in self.order for role in stage]
        if self.order and (sorted(named) != sorted(self.roles) or not all(self.order)):
            raise ValueError(f"order must name each of the roles once ({', '.join(self.roles)}), and no other")
        return self

    @property
    def stages(self) -> tuple[tuple[str, ...], ...]:
        """The roles by stage, the first to be asked first."""
        return self.order or (tuple(self.roles),)


class Standing(Frozen):
    """Where a proposal stands."""

    approved: bool
    returned: bool
    expired: bool
    missing: dict[str, int]
    """Approvals still owed, by role; of a version that was released without them, those that were never given."""
    says: str
    """One sentence for people."""
    asked: tuple[str, ...] = ()
    """The roles that may decide now: those of the stage that is not complete, and of the stages before it."""
    asked_since: UtcDatetime | None = None
    """When that stage was first asked."""

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


class Seat(Frozen):
    """How somebody comes to decide in a role."""

    role: str
    on_behalf_of: str = ""
    as_deputy: bool = False


def seat_of(
    approver: str,
    role: str,
    *,
    at: UtcDatetime,
    statement: str,
    author: str,
    people: Iterable[Stakeholder],
    deputies: Collection[str],
    delegations: "Sequence[Delegation]",
    used: Collection[str],
) -> Seat:
    """The seat in which ``approver`` may decide as ``role``: their own, a deputy's, or one that was handed to them.

    Args:
        deputies: who has been asked in that role by now.
        used: whose turns are used already on this content.

    Raises:
        NotAllowed: they are not known, do not hold the role, and are neither deputy nor delegate for it now.
    """
    known = {p.email: p for p in people}
    if approver in known:
        if role in known[approver].roles:
            return Seat(role=role)
        if approver in deputies:
            return Seat(role=role, as_deputy=True)
        for given in delegations:
            holder = known.get(given.delegator)
            mine = given.delegate == approver and given.holds(at, statement) and given.delegator not in used
            if mine and holder is not None and role in holder.roles and given.delegator != author:
                return Seat(role=role, on_behalf_of=given.delegator)
    raise NotAllowed(f"{approver} does not hold the role {role!r}, and nobody who does has handed it to them now")


def check_decision(
    decision: Decision,
    *,
    policy: Policy,
    author: str,
    proposed_at: UtcDatetime,
    current_hash: ContentHash,
    stands: Standing,
    earlier: Iterable[Decision],
) -> None:
    """Refuse a decision that must not count. Whether its role is theirs is what ``seat_of`` finds.

    Args:
        stands: where the proposal stands before it.
        earlier: the decisions that count for this proposal so far (see ``counting``).

    Raises:
        NotAllowed: unknown role, self-approval, stale content, a stage whose turn has not come, expiry, or a turn that
            is used already (which also keeps anyone from counting in two roles).
    """
    if decision.content_hash != current_hash:
        raise NotAllowed("the text has changed since you were asked: read the new version and decide on that")
    if decision.role not in policy.roles:
        raise NotAllowed(f"role {decision.role!r} does not approve this; it needs {', '.join(policy.roles)}")
    if author in decision.people and decision.verdict is Verdict.APPROVE:
        raise NotAllowed("nobody approves their own text: ask another approver")
    if decision.decided_at > proposed_at + policy.expires_after:
        raise NotAllowed("the request for approval has expired: propose the statement again")
    for other in earlier:
        if twice := other.people & decision.people:
            whose = "" if other.people == {other.approver} else f" for {other.on_behalf_of}"
            who = other.approver if other.approver in twice or not whose else f"{other.approver}{whose}"
            raise NotAllowed(f"{who} has already decided: {other.verdict} as {other.role}")
    if decision.role not in stands.asked and not stands.settled:
        first = owed({r: n for r, n in stands.missing.items() if r in stands.asked})
        raise NotAllowed(f"{decision.role} is asked after {first}: you will be asked when it is your turn")
    if decision.verdict is Verdict.RETURN and not decision.reason.strip():
        raise NotAllowed("say why you return it, so that the author can mend it")


def counting(
    decisions: Iterable[Decision], *, content_hash: ContentHash, statement: str, version: int, proposed_at: UtcDatetime
) -> tuple[Decision, ...]:
    """The decisions that count for one proposal: on its bytes, made for it, and not taken back. Oldest first.

    What was decided on the same bytes in another statement or an earlier version, or before the proposal was renewed,
    was decided on another request and does not come to life again.
    """
    bound = (content_hash, statement, version)
    of_this = (d for d in decisions if (d.content_hash, d.statement, d.version) == bound)
    standing_ones = (d for d in of_this if d.taken_back_at is None and d.decided_at >= proposed_at)
    return tuple(sorted(standing_ones, key=lambda d: (d.decided_at, d.approver)))


def owed(missing: dict[str, int]) -> str:
    """``1 × comms, 2 × legal``."""
    return ", ".join(f"{n} × {role}" for role, n in missing.items())


def standing(
    policy: Policy,
    decisions: Iterable[Decision],
    *,
    content_hash: ContentHash,
    statement: str,
    version: int,
    proposed_at: UtcDatetime,
    now: UtcDatetime,
    release: "Release | None" = None,
) -> Standing:
    """Where the proposal of ``content_hash`` stands at ``now``. One ``return`` outweighs any approvals.

    A person is counted once, in one role, whatever rows there are.

    Args:
        release: by which the version went out without these approvals; it counts only for the very same content.
    """
    counted = counting(
        decisions, content_hash=content_hash, statement=statement, version=version, proposed_at=proposed_at
    )
    have: dict[str, list[Decision]] = {role: [] for role in policy.roles}
    used: set[str] = set()
    for d in counted:
        if d.verdict is Verdict.APPROVE and d.role in have and not used & d.people:
            have[d.role].append(d)
            used |= d.people
    missing = {r: n - len(have[r]) for r, n in policy.roles.items() if n > len(have[r])}
    asked, since = _asked(policy, have, proposed_at)
    stands = Standing(
        approved=False, returned=False, expired=False, missing=missing, says="", asked=asked, asked_since=since
    )
    returned = next((d for d in counted if d.verdict is Verdict.RETURN), None)
    if returned is not None:
        says = f"returned by {returned.approver} ({returned.role}): {returned.reason}"
        return stands.model_copy(update={"returned": True, "says": says})
    if release is not None and (release.content_hash, release.version) == (content_hash, version):
        return stands.model_copy(update={"approved": True, "says": release.says})
    if not missing:
        return stands.model_copy(update={"approved": True, "says": "approved"})
    if now > proposed_at + policy.expires_after:
        says = "expired without the approvals it needed: propose it again"
        return stands.model_copy(update={"expired": True, "says": says})
    stages = [owed({r: n for r, n in missing.items() if r in stage}) for stage in policy.stages]
    return stands.model_copy(update={"says": "waits for " + ", and then for ".join(filter(None, stages))})


def _asked(
    policy: Policy, have: dict[str, list[Decision]], proposed_at: UtcDatetime
) -> tuple[tuple[str, ...], UtcDatetime]:
    """The roles that may decide now, and since when the last of their stages is asked."""
    asked: tuple[str, ...] = ()
    since = proposed_at
    for stage in policy.stages:
        asked += stage
        if any(len(have[role]) < policy.roles[role] for role in stage):
            break
        since = max([since, *(have[role][policy.roles[role] - 1].decided_at for role in stage)])
    return asked, since

"""Pre-clearance: a holding statement whose words were approved beforehand, and the exact bounds in which it may go out.

Approved through the policy that the same words would need in an incident. It is bound to the bytes of the template (and
of all it includes) and of what is put into it, to channels, a range of severities, kinds of crisis, a last day and a
number of uses. Every bound is checked each time; the first that does not hold is the reason for which people are asked.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

from pydantic import Field

from crisis.approval import NotAllowed, Policy
from crisis.canonical import canonical
from crisis.fact import Fact
from crisis.incident import Incident
from crisis.playbook import Playbook
from crisis.statement import Statement
from crisis.values import ContentHash, CrisisType, Frozen, Severity, StatementKind, UtcDatetime

DECIDED_WITHIN = timedelta(days=7)
"""A clearance that is not decided on by then must be asked for anew: it is made in peace, so nobody is hurried."""
CHANGED = "the template, or what is put into it, has changed since it was cleared"
"""The one bound that, when it does not hold, ends a clearance."""
BY = "preclearance"
"""By whom a pre-cleared text is released, on record."""


class ClearanceState(StrEnum):
    """Where a pre-clearance stands."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    RETURNED = "returned"
    VOIDED = "voided"


class Clearance(Frozen):
    """What may go out without being asked about again, and under which conditions."""

    id: str
    """``PC-2``."""
    watch: str
    types: tuple[CrisisType, ...] = Field(min_length=1)
    mildest: Severity
    worst: Severity
    channels: tuple[str, ...] = Field(min_length=1)
    """By name; a text that goes anywhere else is not cleared."""
    expires_at: UtcDatetime
    most_uses: int = Field(ge=1, le=100)
    digests: dict[CrisisType, ContentHash]
    """For each kind of crisis: of its template, what that includes, and what is put into it (see ``digest``)."""
    shown: dict[CrisisType, str]
    """What each template says, with the names and times of a specimen: what its approvers read."""
    policy: Policy
    author: str
    """Who asked for it, and therefore does not approve it."""
    proposed_at: UtcDatetime

    @property
    def content_hash(self) -> ContentHash:
        """What its approvals are bound to: all of it."""
        return hashlib.sha256(canonical(self.model_dump(mode="json"))).hexdigest()

    @property
    def says(self) -> str:
        """Its bounds in one sentence."""
        kinds = ", ".join(kind.value.replace("_", " ") for kind in self.types)
        span = self.mildest.value if self.mildest == self.worst else f"{self.mildest} to {self.worst}"
        return (
            f"holding statements of {self.watch} on {kinds}, {span}, to {', '.join(self.channels)}, "
            f"until {self.expires_at:%d %B %Y %H:%M} UTC, {self.most_uses} times at most"
        )


def digest(sources: Mapping[str, str], words: Mapping[str, str]) -> ContentHash:
    """SHA-256 over the canonical JSON of template sources by name, and of the configured words that are put in."""
    covered: dict[str, Any] = {"templates": dict(sources), "words": dict(words)}
    return hashlib.sha256(canonical(covered)).hexdigest()


def policy_for(books: Sequence[Playbook]) -> Policy:
    """Whose approval a clearance needs: everybody's who would be asked in any of these kinds of crisis.

    Raises:
        NotAllowed: one of the playbooks does not allow pre-clearance.
    """
    for book in books:
        if not book.preclear:
            raise NotAllowed(
                f"the playbook {book.type.value!r} does not allow pre-cleared statements: "
                f"set preclear: true in your own copy of {book.type.value}.yaml first"
            )
    policies = [book.approval[StatementKind.HOLDING] for book in books]
    roles: dict[str, int] = {}
    for policy in policies:
        for role, count in policy.roles.items():
            roles[role] = max(count, roles.get(role, 0))
    same = all(policy.order == policies[0].order and policy.roles == roles for policy in policies)
    order = policies[0].order if same else ()
    return Policy(roles=roles, order=order, expires_after=DECIDED_WITHIN, escalate_after=DECIDED_WITHIN)


def why_not(
    clearance: Clearance,
    statement: Statement,
    *,
    incident: Incident,
    facts: Sequence[Fact],
    allowed: bool,
    digest: ContentHash,
    as_template: bool,
    uses: int,
    now: UtcDatetime,
) -> str:
    """The first bound that does not hold, in words; empty when the statement may go out by this clearance.

    Args:
        facts: all that are on record in the incident.
        allowed: whether the playbook allows pre-clearance now.
        digest: of the template and words as they are now.
        as_template: the statement is, byte for byte, what the template makes now.
    """
    kind, channels = incident.assessment.type, [r.target.channel for r in statement.renderings]
    elsewhere = sorted(set(channels) - set(clearance.channels))
    material = [fact.id for fact in facts if fact.material]
    bounds = (
        (allowed, f"the playbook {kind.value!r} does not allow it"),
        (
            statement.kind is StatementKind.HOLDING,
            f"it is a {statement.kind} statement, and only holding ones are cleared",
        ),
        (incident.watch == clearance.watch, f"it is about {incident.watch}, not {clearance.watch}"),
        (kind in clearance.types, f"it is {kind.value.replace('_', ' ')}, which is not cleared"),
        (
            clearance.mildest <= incident.severity <= clearance.worst,
            f"it is {incident.severity}, and cleared from {clearance.mildest} to {clearance.worst}",
        ),
        (now < clearance.expires_at, f"the clearance expired on {clearance.expires_at:%d %B %Y %H:%M} UTC"),
        (uses < clearance.most_uses, f"it was used {uses} times, which is the most"),
        (bool(channels) and not elsewhere, f"it goes to {', '.join(elsewhere) or 'no channel'}, which is not cleared"),
        (
            not material and not statement.facts,
            f"a fact is on record ({', '.join(material)}) that nobody knew when the words were cleared",
        ),
        (digest == clearance.digests.get(kind), CHANGED),
        (as_template and not statement.media, "the text is not the template's: a person or a writer changed it"),
    )
    return next((says for holds, says in bounds if not holds), "")

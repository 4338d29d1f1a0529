"""Whether the people there are could give the approvals a policy asks for, before anybody needs them at night."""

from collections.abc import Iterable, Mapping

from crisis.approval import Policy
from crisis.stakeholder import Stakeholder


def missing_approvers(policy: Policy, people: Iterable[Stakeholder], *, author: str = "") -> dict[str, int]:
    """How many approvers each role lacks; empty when the policy can be met.

    Nobody counts in two roles, and ``author`` (an e-mail address) does not approve. The most seats that can be filled
    at once is a maximum bipartite matching, found by augmenting paths (Kuhn 1955).
    """
    holders = {
        role: [p.email for p in people if role in p.roles and p.email != author]
        for people in (tuple(people),)
        for role in policy.roles
    }
    seats = [role for role, count in policy.roles.items() for _ in range(count)]
    taken: dict[str, int] = {}
    missing: dict[str, int] = {}
    for seat, role in enumerate(seats):
        if not _seated(seat, seats, holders, taken, set()):
            missing[role] = missing.get(role, 0) + 1
    return missing


def _seated(
    seat: int, seats: list[str], holders: Mapping[str, list[str]], taken: dict[str, int], asked: set[str]
) -> bool:
    """Give ``seat`` to somebody, moving others to seats they may hold as well."""
    for email in holders[seats[seat]]:
        if email in asked:
            continue
        asked.add(email)
        if email not in taken or _seated(taken[email], seats, holders, taken, asked):
            taken[email] = seat
            return True
    return False

"""Who is to be reached when nobody has said that they are on it, and by which way next.

The order is: the incident's lead, whoever holds ``incident_lead``, whoever is ``on_call``; and each person's routes in
the order they wrote them. A way that was tried is not tried again for the same incident.
"""

from collections.abc import Collection, Iterable, Iterator

from crisis.stakeholder import Route, Stakeholder

ROLES = ("incident_lead", "on_call")
CALLS = frozenset({"opened", "candidate", "unacknowledged"})
"""Occasions of notices by which somebody is asked to take an incident on."""


def calls(occasion: object) -> bool:
    """Whether a notice of that occasion asks somebody to take the incident on."""
    return str(occasion).partition("/")[0] in CALLS


def chain(lead: str, people: Iterable[Stakeholder], watch: str) -> Iterator[tuple[Stakeholder, Route]]:
    """Every way to reach somebody who may take it on, in order; people who follow other watches only are left out."""
    everybody = [p for p in people if not p.watches or watch in p.watches]
    ranked = [p for p in everybody if p.email == lead]
    ranked += [p for role in ROLES for p in everybody if role in p.roles]
    for person in {p.email: p for p in ranked}.values():
        for route in person.contact_routes():
            yield person, route


def next_way(
    lead: str, people: Iterable[Stakeholder], watch: str, tried: Collection[tuple[str, str]]
) -> tuple[Stakeholder, Route] | None:
    """The first way of the chain that is not among ``tried`` (e-mail address, route); None when all were."""
    return next(((p, r) for p, r in chain(lead, people, watch) if (p.email, str(r)) not in tried), None)

"""Restricting an incident to named people, and opening it again: its lead decides, and it is on record who and why.

Whoever may not see it is told nothing of it from then on, and decides nothing about it.
"""

from collections.abc import Iterable

from crisis.access import Restriction
from crisis.approval import NotAllowed
from crisis.incident import Incident
from crisis.stakeholder import Stakeholder
from tasks.incidents import may_act
from tasks.installation import Installation

ROLE = "role:"
"""Before the name of a role, where people are named by e-mail address otherwise."""


async def restrict(here: Installation, incident_id: str, to: Iterable[str], *, actor: str, reason: str) -> Restriction:
    """Let only those of ``to`` (e-mail addresses, or ``role:legal``), the lead and the actor see an incident.

    Raises:
        NotAllowed: the actor does not lead it, or somebody named is no stakeholder, or nobody holds a named role.
        records.NotFound: there is no such incident.
    """
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        everybody = await tx.stakeholders.list()
    await may_act(here, incident, actor)
    people, roles = _named(incident, everybody, to)
    restriction = Restriction(
        incident=incident_id,
        people=tuple(dict.fromkeys((actor, *people))),
        roles=roles,
        by=actor,
        at=here.clock.now(),
        reason=reason,
    )
    async with here.store.transaction() as tx:
        await tx.restrictions.put(restriction, actor=actor, via=here.via, reason=reason, flow_run_id=here.flow_run_id)
    return restriction


async def lift(here: Installation, incident_id: str, *, actor: str, reason: str) -> bool:
    """Open an incident to everybody at the desk again; False when it was open. Raises like ``restrict``."""
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
    await may_act(here, incident, actor)
    async with here.store.transaction() as tx:
        return await tx.restrictions.lift(
            incident_id, actor=actor, via=here.via, reason=reason, flow_run_id=here.flow_run_id
        )


def _named(
    incident: Incident, everybody: Iterable[Stakeholder], to: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    everybody = tuple(everybody)
    by_email = {p.email.casefold(): p.email for p in everybody}
    held = sorted({role for p in everybody for role in p.roles_on(incident.watch)})
    people, roles = [], []
    for name in to:
        if name.startswith(ROLE):
            if name.removeprefix(ROLE) not in held:
                raise NotAllowed(f"nobody holds the role {name.removeprefix(ROLE)!r}; there are: {', '.join(held)}")
            roles.append(name.removeprefix(ROLE))
        elif name.casefold() in by_email:
            people.append(by_email[name.casefold()])
        else:
            raise NotAllowed(
                f"{name!r} is not among the stakeholders: name e-mail addresses, or {ROLE}legal for a role"
            )
    return tuple(dict.fromkeys(people)), tuple(dict.fromkeys(roles))

"""Incidents that nobody has touched: when to remind, and how wide the circle is by then.

An open incident that no person has acted on is either over, and then it should be closed, or forgotten, and then the
public waits. So it nags after 3, 6, 12 and 24 hours, each time to more people, and once a day after that.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from crisis.stakeholder import Stakeholder
from crisis.values import Frozen

HOURS = (3, 6, 12, 24)
"""Hours without an act by a person after which it is said."""
CIRCLES: dict[int, tuple[str, ...]] = {
    3: (),
    6: ("incident_lead",),
    12: ("incident_lead", "comms"),
    24: ("incident_lead", "comms", "executive"),
}
"""Roles that are told besides the incident's lead, by hours."""


class Nag(Frozen):
    """One reminder that is due."""

    hours: int
    """How long nobody has done anything, in whole hours of the schedule."""
    roles: tuple[str, ...]
    """Who is told besides the lead."""


def due_nag(last_act: datetime, now: datetime) -> Nag | None:
    """The latest reminder that is due at ``now``; None before the first."""
    idle = now - last_act
    reached = [hours for hours in HOURS if idle >= timedelta(hours=hours)]
    if not reached:
        return None
    hours = reached[-1]
    if hours == HOURS[-1]:
        return Nag(hours=int(idle / timedelta(hours=24)) * 24, roles=CIRCLES[hours])
    return Nag(hours=hours, roles=CIRCLES[hours])


def circle(nag: Nag, lead: str, people: Iterable[Stakeholder]) -> tuple[Stakeholder, ...]:
    """Who is told: the lead and the roles of the reminder; where there is no such lead, whoever leads incidents."""
    people = tuple(people)
    roles = nag.roles if any(p.email == lead for p in people) else ("incident_lead", *nag.roles)
    return tuple(p for p in people if p.email == lead or set(p.roles) & set(roles))

"""Watching an incident longer than the rule would, or again: a person's act, with a reason, on record."""

from datetime import datetime, timedelta

from crisis.incident import IllegalStep
from crisis.monitoring import EXTENDED, MOST_HOURS
from tasks.incidents import may_act
from tasks.installation import Installation
from tasks.monitoring import WATCHED


async def extend(here: Installation, incident_id: str, hours: int, *, actor: str, reason: str) -> datetime:
    """Watch an incident for so many hours more at least, or again. Returns until when.

    Raises:
        ValueError: no whole number of hours from 1 to ``MOST_HOURS``.
        NotAllowed: neither its lead nor an incident lead.
        IllegalStep: it is not watched in its state.
    """
    if not 1 <= hours <= MOST_HOURS:
        raise ValueError(f"watching is extended by 1 to {MOST_HOURS} hours at once")
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
    await may_act(here, incident, actor)
    until = here.clock.now() + timedelta(hours=hours)
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(incident_id)
        if incident.state not in WATCHED:
            raise IllegalStep(f"{incident_id} is {incident.state}, and only what goes on is watched")
        await tx.ledger.append(
            EXTENDED,
            actor=actor,
            incident=incident_id,
            via=here.via,
            reason=reason,
            flow_run_id=here.flow_run_id,
            data={"hours": hours, "until": until.isoformat()},
        )
    return until

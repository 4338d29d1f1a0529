"""Bringing the configuration into records: who is protected and who is told is part of what an auditor reads; and which
of those people may see an incident.
"""

from crisis.access import may_see
from crisis.incident import Incident
from crisis.stakeholder import Stakeholder
from records import Transaction
from tasks.installation import Installation


async def save_configuration(here: Installation) -> None:
    """Store the configured watches and stakeholders; what did not change leaves no record."""
    async with here.store.transaction() as tx:
        for watch in here.settings.watches:
            await tx.watches.put(watch, actor="configuration", via=here.via)
        await tx.stakeholders.put_all(here.settings.stakeholders, actor="configuration", via=here.via)


async def sees(tx: Transaction, incident: Incident, person: Stakeholder | None) -> bool:
    """Whether somebody may see an incident, as the records have it now."""
    restriction = await tx.restrictions.get(incident.id)
    return may_see(person, watch=incident.watch, lead=incident.lead, restriction=restriction)


async def circle_of(tx: Transaction, incident: Incident) -> list[Stakeholder]:
    """Everybody who may see an incident, each with the roles that count there."""
    return [p.on(incident.watch) for p in await tx.stakeholders.list() if await sees(tx, incident, p)]


async def shut_out(tx: Transaction, incident: Incident) -> tuple[Stakeholder, ...]:
    """The stakeholders who may not see an incident: an approval that only they could give is never given."""
    return tuple([p for p in await tx.stakeholders.list() if not await sees(tx, incident, p)])

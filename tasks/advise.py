"""What the doctrine advises for an incident, from everything on record about it."""

from crisis.counsel import Counsel, counsel
from records import Transaction
from tasks.linting import SAID


async def advise(tx: Transaction, incident_id: str) -> Counsel:
    """The counsel for an incident as it stands.

    Raises:
        records.NotFound: there is no such incident.
    """
    incident = await tx.incidents.get(incident_id)
    watch = await tx.watches.get(incident.watch)
    latest = await tx.signals.latest(watch.name)
    heard = latest is not None and latest.at >= incident.started_at and latest.authors > 0
    statements = await tx.statements.list(incident_id)
    return counsel(
        incident.assessment,
        past_crises=watch.past_crises,
        standing=watch.standing,
        anger_share=latest.anger_share if latest is not None and heard else None,
        said=[s for s in statements if await tx.statements.status(s.id, s.version) in SAID],
    )

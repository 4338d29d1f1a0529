"""What an approval is bound to: the exact text and pictures, the incident's severity, and the facts as they were."""

from crisis.statement import Statement, hash_of
from records import NotFound, Transaction
from tasks.replies import approval_problem


async def what_changed(tx: Transaction, statement: Statement) -> str:
    """What an approval of this statement no longer matches, in words; empty when all is as it was approved."""
    if hash_of(statement) != statement.content_hash:
        return "its stored text does not match its content hash"
    try:
        for picture in statement.media:
            await tx.pictures.content(picture.sha256)
    except (ValueError, NotFound) as error:
        return str(error)
    incident = await tx.incidents.get(statement.incident)
    if incident.severity != statement.severity:
        return f"the incident is {incident.severity} now, and was {statement.severity} when this was written"
    for fact in statement.facts:
        current = await tx.facts.get(fact.id)
        if (current.text, current.status) != (fact.text, fact.status):
            return f"fact {fact.id} has changed: {current.status}: {current.text}"
    return await approval_problem(tx, statement)

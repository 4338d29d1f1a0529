"""Who is on it: an acknowledgement stops the calling and is mirrored to paging services; without one, the next is called.

Somebody is on an incident when they say so, or do anything about it on record. Until then, while it is SEV1 or SEV2 (or
a candidate of that severity), every ``acknowledge`` of its clocks one more way to reach somebody is tried, in the order
of ``crisis.oncall``. When all were tried, that is on record and an event, and the heartbeat falls silent.
"""

import logging
from datetime import datetime

import integrations
from crisis.incident import Incident, IncidentState
from crisis.oncall import next_way
from crisis.values import Severity
from integrations import Message
from records import Transaction
from records.work import Act
from tasks.installation import Installation
from tasks.notify import Notice, tell_by
from tasks.runs import emit

CALLED = frozenset({"opened", "candidate", "unacknowledged"})
"""Occasions on which somebody is asked to take an incident on."""
WAITING = frozenset({IncidentState.CANDIDATE, IncidentState.OPEN, IncidentState.RESPONDING})
"""States in which an incident needs somebody."""

logger = logging.getLogger(__name__)


async def acknowledge(here: Installation, incident_id: str, *, actor: str, reason: str = "") -> str:
    """Somebody says that they are on it. Returns who was first; saying it twice is no error.

    Raises:
        records.NotFound: there is no such incident.
    """
    act: Act = {"actor": actor, "via": here.via, "reason": reason, "flow_run_id": here.flow_run_id}
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(incident_id)
        first = await acknowledged_by(here, tx, incident)
        if not first:
            await tx.ledger.append("incident.acknowledged", incident=incident_id, **act)
    if not first:
        await _mirror(here, incident, actor)
    return first or actor


async def acknowledged_by(here: Installation, tx: Transaction, incident: Incident) -> str:
    """The first person who did anything about an incident; empty when nobody has."""
    people = {person.email for person in here.settings.stakeholders}
    return next((r.actor for r in await tx.ledger.list(incident=incident.id) if r.actor in people), "")


async def mind_acknowledgements(here: Installation) -> str:
    """Call the next one wherever nobody is on an incident in time; what was done, in words."""
    async with here.store.reading() as tx:
        waiting = [i for i in await tx.incidents.list() if i.state in WAITING and i.severity >= Severity.SEV2]
    called = [says for incident in waiting if (says := await _call_next(here, incident))]
    return "; ".join(called)


async def all_called_in_vain(here: Installation) -> list[str]:
    """The incidents that nobody has taken on although every way was tried."""
    async with here.store.reading() as tx:
        waiting = [i for i in await tx.incidents.list() if i.state in WAITING]
        return [
            incident.id
            for incident in waiting
            if not await acknowledged_by(here, tx, incident)
            and await tx.ledger.list(kind="incident.unacknowledged", incident=incident.id)
        ]


async def _call_next(here: Installation, incident: Incident) -> str:
    async with here.store.reading() as tx:
        if await acknowledged_by(here, tx, incident):
            return ""
        told = [r for r in await tx.ledger.list(kind="stakeholder.told", incident=incident.id) if _calls(r.data)]
        in_vain = await tx.ledger.list(kind="incident.unacknowledged", incident=incident.id)
        people = tuple(await tx.stakeholders.list())
    last = max((r.at for r in told), default=incident.opened_at)
    if in_vain or here.clock.now() - last < incident.assessment.clocks.acknowledge:
        return ""
    tried = {(str(r.data["stakeholder"]), str(r.data["route"])) for r in told}
    way = next_way(incident.lead, people, incident.watch, tried)
    if way is None:
        await _give_up(here, incident, last)
        return f"nobody has taken {incident.id} on, and every way was tried"
    person, route = way
    notice = Notice(occasion="unacknowledged", template="unacknowledged")
    await tell_by(here, incident, person, notice, route, why="nobody has taken it on yet")
    return f"called {person.name} for {incident.id} by {route.notifier}"


def _calls(data: dict[str, object]) -> bool:
    return str(data.get("occasion")).partition("/")[0] in CALLED


async def _give_up(here: Installation, incident: Incident, last: datetime) -> None:
    async with here.store.transaction() as tx:
        await tx.ledger.append(
            "incident.unacknowledged",
            incident=incident.id,
            actor="sweep",
            via=here.via,
            reason="every way to reach somebody was tried",
            flow_run_id=here.flow_run_id,
            data={"last_called_at": last.isoformat()},
        )
    payload = {"incident": incident.id, "severity": incident.severity.value}
    emit("incident.unacknowledged", incident=incident.id, reference=incident.id, payload=payload)


async def _mirror(here: Installation, incident: Incident, actor: str) -> None:
    """Tell every paging service that was used for it, so that it pages nobody further."""
    async with here.store.reading() as tx:
        told = [r for r in await tx.ledger.list(kind="stakeholder.told", incident=incident.id) if _calls(r.data)]
    known = {notifier.name for notifier in here.settings.notifiers}
    used = {str(r.data["route"]).partition(":")[0] for r in told} & known
    message = Message(key=f"{incident.id}/acknowledged", subject=actor, text="", thread=incident.id, occasion="opened")
    for name in sorted(used):
        try:
            notifier = await here.notifier(name)
            if hasattr(notifier, "acknowledge"):
                await notifier.acknowledge(message)
        except integrations.IntegrationError as error:
            logger.warning("%s was not told that %s is taken on: %s", name, incident.id, error)

"""Who is on it: an acknowledgement stops the calling and is mirrored to paging services; without one, the next is called.

Somebody is on an incident when they say so, or do anything about it on record. Until then, while it is SEV1 or SEV2 (or
a candidate of that severity), every ``acknowledge`` of its clocks one more way to reach somebody is tried, in the order
of ``crisis.oncall``. When all were tried, that is on record and an event, and the heartbeat falls silent.
"""

import asyncio
from datetime import datetime

from crisis.delivery import ARRIVED, Delivery, DeliveryClass, DeliveryState, Purpose, delivery_id
from crisis.incident import Incident, IncidentState
from crisis.oncall import calls, next_way
from crisis.statement import Part
from crisis.values import Severity
from integrations import integration
from records.work import Act
from tasks.deliver import deliver
from tasks.installation import Installation
from tasks.links import ON_IT_PLACEHOLDER
from tasks.notify import Notice, name_of, tell_by
from tasks.on_it import AGAIN, TAKER, acknowledged_by
from tasks.runs import emit
from tasks.sender import SHOWS_ON

WAITING = frozenset({IncidentState.CANDIDATE, IncidentState.OPEN, IncidentState.RESPONDING})
"""States in which an incident needs somebody."""

TOO_LATE = 3
"""Times the clock for an acknowledgement after which a call that did not go out shows that the calling is stuck."""


async def acknowledge(here: Installation, incident_id: str, *, actor: str, reason: str = "", via: str = "") -> str:
    """Somebody says that they are on it. Returns who was first; saying it twice is no error.

    It stops the calling, and shows on every notice that asked for somebody and can be changed: pagers stop paging.

    Args:
        via: the route by which they said so; empty: that of this process.

    Raises:
        records.NotFound: there is no such incident.
    """
    act: Act = {"actor": actor, "via": via or here.via, "reason": reason, "flow_run_id": here.flow_run_id}
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(incident_id)
        first = await acknowledged_by(here, tx, incident.id)
        if not first:
            await tx.ledger.append("incident.acknowledged", incident=incident_id, **act)
    await show_taken(here, incident, first or actor)
    return first or actor


async def mind_acknowledgements(here: Installation) -> str:
    """Call the next one wherever nobody is on an incident in time, and show wherever somebody is; in words."""
    async with here.store.reading() as tx:
        waiting = [i for i in await tx.incidents.list() if i.state in WAITING]
        taken = {i.id: await acknowledged_by(here, tx, i.id) for i in waiting}
    await asyncio.gather(*(show_taken(here, i, taken[i.id]) for i in waiting if taken[i.id]))
    untaken = [i for i in waiting if not taken[i.id] and i.severity >= Severity.SEV2]
    return "; ".join(filter(None, await asyncio.gather(*(_call_next(here, i) for i in untaken))))


async def all_called_in_vain(here: Installation) -> list[str]:
    """The incidents that nobody has taken on although every way was tried."""
    async with here.store.reading() as tx:
        waiting = [i for i in await tx.incidents.list() if i.state in WAITING]
        return [
            incident.id
            for incident in waiting
            if not await acknowledged_by(here, tx, incident.id)
            and await tx.ledger.list(kind="incident.unacknowledged", incident=incident.id)
        ]


async def stuck(here: Installation) -> list[str]:
    """The grave incidents that nobody is on and for which nobody has been called for far too long, though others could be.

    That happens only when the calling itself does not work.
    """
    late = []
    async with here.store.reading() as tx:
        for incident in await tx.incidents.list():
            if incident.state not in WAITING or incident.severity < Severity.SEV2:
                continue
            records = await tx.ledger.list(incident=incident.id)
            if await acknowledged_by(here, tx, incident.id) or any(
                r.kind == "incident.unacknowledged" for r in records
            ):
                continue
            called = (r.at for r in records if r.kind == "stakeholder.told" and calls(r.data.get("occasion")))
            last = max(called, default=incident.opened_at)
            if here.clock.now() - last > incident.assessment.clocks.acknowledge * TOO_LATE:
                late.append(incident.id)
    return late


async def _call_next(here: Installation, incident: Incident) -> str:
    async with here.store.reading() as tx:
        if await acknowledged_by(here, tx, incident.id):
            return ""
        told = [
            r
            for r in await tx.ledger.list(kind="stakeholder.told", incident=incident.id)
            if calls(r.data.get("occasion"))
        ]
        in_vain = await tx.ledger.list(kind="incident.unacknowledged", incident=incident.id)
        people = tuple([p.on(incident.watch) for p in await tx.stakeholders.list()])
    last = max((r.at for r in told), default=incident.opened_at)
    if in_vain or here.clock.now() - last < incident.assessment.clocks.acknowledge:
        return ""
    tried = {(str(r.data["stakeholder"]), str(r.data["route"])) for r in told}
    notice = Notice(occasion=AGAIN, template="unacknowledged")
    while way := next_way(incident.lead, people, incident.watch, tried):
        person, route = way
        tried.add((person.email, str(route)))
        if await tell_by(here, incident, person, notice, route, why="nobody has taken it on yet"):
            return f"called {person.name} for {incident.id} by {route.notifier}"
        async with here.store.reading() as tx:
            if await acknowledged_by(here, tx, incident.id):
                return ""
    await _give_up(here, incident, last)
    return f"nobody has taken {incident.id} on, and every way was tried"


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
    emit("incident.unacknowledged", incident=incident, reference=incident.id, payload={})


async def show_taken(here: Installation, incident: Incident, actor: str) -> None:
    """Show who is on it on every notice that asked for somebody and has arrived, where its kind can. Repeats show once."""
    async with here.store.transaction() as tx:
        asked = [
            d
            for d in await tx.outbox.list(incident=incident.id, purpose=Purpose.NOTICE, states=ARRIVED)
            if TAKER in d.rendering.options and getattr(integration(d.rendering.target.kind), "shows_taken", False)
        ]
        shown = [_shown(here, d, name_of(here, actor)) for d in asked]
        new = [
            d.id
            for d in shown
            if await tx.outbox.enqueue(d, actor="outbox", via=here.via, flow_run_id=here.flow_run_id)
        ]
    await asyncio.gather(*(deliver(here, id) for id in new))


def _shown(here: Installation, asked: Delivery, name: str) -> Delivery:
    """The delivery that shows on a notice who is on it."""
    rendering, now = asked.rendering, here.clock.now()
    text = "\n".join(line for line in rendering.text.splitlines() if ON_IT_PLACEHOLDER not in line)
    options = {n: v for n, v in rendering.options.items() if n not in (TAKER, "to")}
    options |= {SHOWS_ON: asked.id, "taken_by": name}
    return Delivery(
        id=delivery_id(Purpose.NOTICE, f"{asked.id}/taken", rendering.target),
        incident=asked.incident,
        purpose=Purpose.NOTICE,
        rendering=rendering.model_copy(
            update={
                "parts": (Part(text=text, length=len(text), limit=max(1, len(text))),),
                "html": "",
                "options": options,
            }
        ),
        delivery_class=DeliveryClass.CREATE_IF_ABSENT,
        state=DeliveryState.PENDING,
        created_at=now,
        updated_at=now,
    )

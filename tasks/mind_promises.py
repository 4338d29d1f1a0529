"""Open promises against the clock: reminded while there is time, escalated before they are overdue, loud when they are.

Each reminder (``crisis.commitment.due_reminder``) is told once, however often this runs: the sweep calls it every minute for
every incident, closed ones too, and a follow-up for its own.
"""

from crisis.commitment import Commitment, CommitmentState, Reminder, due_reminder
from crisis.incident import Incident, IncidentState
from crisis.stakeholder import Stakeholder
from records.work import Act
from tasks.installation import Installation
from tasks.notify import Notice, tell
from tasks.people import circle_of
from tasks.promises import owner_of
from tasks.runs import emit


async def mind_all_promises(here: Installation) -> str:
    """Remind of every open promise that is due for it; says whose. One query when nothing is."""
    now = here.clock.now()
    async with here.store.reading() as tx:
        open_ones = await tx.commitments.list(state=CommitmentState.OPEN)
        due = [p for p in open_ones if due_reminder(p, now)]
        incidents = [await tx.incidents.get(id) for id in dict.fromkeys(p.incident for p in due)]
    told = [i.id for i in incidents if i.state is not IncidentState.DISMISSED and await _mind(here, i, due)]
    return f"promises: {', '.join(told)}" if told else ""


async def mind_promises(here: Installation, incident_id: str) -> list[Commitment]:
    """The same for one incident. Returns its open promises."""
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        promises = await tx.commitments.list(incident=incident_id, state=CommitmentState.OPEN)
    await _mind(here, incident, promises)
    return promises


async def _mind(here: Installation, incident: Incident, promises: list[Commitment]) -> bool:
    """Whether anything was told that had not been told before."""
    now, told = here.clock.now(), False
    async with here.store.reading() as tx:
        said = [
            (r.data.get("commitment"), r.data.get("step"), r.data.get("due_at"))
            for kind in ("commitment.reminded", "commitment.overdue")
            for r in await tx.ledger.list(kind=kind, incident=incident.id)
        ]
        people = await circle_of(tx, incident)
    for promise in (p for p in promises if p.incident == incident.id):
        reminder = due_reminder(promise, now)
        key = (promise.id, reminder.step if reminder else "", promise.model_dump(mode="json")["due_at"])
        if reminder is None or key in said:
            continue
        await _tell(here, incident, promise, reminder, tuple(people))
        await _record(here, promise, reminder)
        told = True
    return told


async def _tell(
    here: Installation, incident: Incident, promise: Commitment, reminder: Reminder, people: tuple[Stakeholder, ...]
) -> None:
    overdue = reminder.step == "overdue"
    notice = Notice(
        occasion=f"promise/{promise.id}/{reminder.step}/{promise.due_at:%Y%m%dT%H%M}",
        template="commitment",
        context={"commitment": promise, "overdue": overdue},
    )
    first = {owner_of(promise, incident), incident.lead}
    roles = set(reminder.roles)
    if not any(p.email in first for p in people):
        roles.add("incident_lead")
    why = "a promise is overdue" if overdue else "a promise is due"
    for person in people:
        if person.email in first or roles & set(person.roles):
            await tell(here, incident, person, notice, why=why)


async def _record(here: Installation, promise: Commitment, reminder: Reminder) -> None:
    """After the telling: a kill in between tells again, which tells once."""
    act: Act = {"actor": "sweep", "via": here.via, "flow_run_id": here.flow_run_id}
    now = here.clock.now()
    async with here.store.transaction() as tx:
        if reminder.step != "overdue":
            await tx.commitments.reminded(promise.id, now, step=reminder.step, **act)
            return
        data = {"commitment": promise.id, "text": promise.text, "due_at": promise.due_at, "step": "overdue", "at": now}
        reason = "its time has passed and nobody has kept it"
        await tx.ledger.append("commitment.overdue", incident=promise.incident, data=data, **(act | {"reason": reason}))
        incident = await tx.incidents.get(promise.incident)
    emit(
        "commitment.overdue",
        incident=incident,
        reference=f"{promise.id}/{promise.due_at.isoformat()}",
        payload={"commitment": promise.id, "due_at": promise.due_at.isoformat().replace("+00:00", "Z")},
    )

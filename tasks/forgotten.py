"""Reminding people of incidents that nobody has acted on for hours; the rules are ``crisis.forgotten``'s."""

from collections.abc import Sequence
from datetime import datetime

from crisis.clocks import span_in_words
from crisis.forgotten import circle, due_nag
from crisis.incident import LIVE, Incident
from records import Transaction
from tasks.installation import Installation
from tasks.notify import Notice, tell
from tasks.people import circle_of
from tasks.runs import emit
from tasks.waiting import waiting_for


async def nag(here: Installation) -> str:
    """Remind of each live incident that was forgotten. Repeats of one reminder tell once; says whom it was about."""
    async with here.store.reading() as tx:
        live = await tx.incidents.list(LIVE)
        last = await _last_acts(tx, live)
    told = [i.id for i in live if await _nag(here, i, last[i.id])]
    return f"forgotten: {', '.join(told)}" if told else ""


async def _last_acts(tx: Transaction, incidents: Sequence[Incident]) -> dict[str, datetime]:
    """When a person last did something about each incident; when it opened, before anybody has."""
    people = [p.email for p in await tx.stakeholders.list()]
    acts = await tx.ledger.last_acts([i.id for i in incidents], actors=people, kinds=["incident.acknowledged"])
    return {i.id: max(acts.get(i.id, i.opened_at), i.opened_at) for i in incidents}


async def _nag(here: Installation, incident: Incident, last: datetime) -> bool:
    now = here.clock.now()
    due = due_nag(last, now)
    if due is None:
        return False
    async with here.store.reading() as tx:
        said = await tx.ledger.list(kind="incident.forgotten", incident=incident.id)
        people = await circle_of(tx, incident)
    since = last.isoformat()
    if any(r.data.get("since") == since and int(r.data.get("hours", 0)) >= due.hours for r in said):
        return False
    waits = await waiting_for(here, incident)
    notice = Notice(
        occasion=f"forgotten/{since}/{due.hours}",
        template="forgotten",
        context={"idle": span_in_words(now - last), "waits": waits},
    )
    for person in circle(due, incident.lead, people):
        await tell(here, incident, person, notice, why=f"nobody has acted for {due.hours} hours")
    async with here.store.transaction() as tx:  # after the telling: a kill in between tells again, which tells once
        await tx.ledger.append(
            "incident.forgotten",
            actor="sweep",
            incident=incident.id,
            via=here.via,
            reason=f"no act by a person for {span_in_words(now - last)}",
            flow_run_id=here.flow_run_id,
            data={"since": since, "hours": due.hours, "waits": waits},
        )
    emit(
        "incident.forgotten",
        incident=incident,
        reference=f"{since}/{due.hours}",
        payload={"hours": due.hours},
    )
    return True

"""After the first word: the reaction measured, closing proposed. One call is one observation.

What each statement did is judged in ``tasks.effect``; how often, and until when, in ``tasks.monitoring``."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx

from crisis.clock import SystemClock
from crisis.incident import IncidentState
from crisis.reaction import Observation, compare
from records import Transaction
from tasks.close import owed
from tasks.installation import Installation
from tasks.monitoring import monitoring_of
from tasks.notify import Notice, tell_lead
from tasks.runs import Started, runs_tagged, start_run

if TYPE_CHECKING:  # Prefect takes over a second to import; without a server it is not needed
    from prefect.client.schemas.objects import FlowRun


async def observe(here: Installation, incident_id: str) -> Observation | None:
    """Measure the reaction now against the moment before the last statement; None while nothing was measured at all."""
    async with here.store.transaction() as tx:
        incident = await tx.incidents.get(incident_id)
        after = await tx.signals.latest(incident.watch)
        if after is None:
            return None
        statement, published_at = await last_published(tx, incident_id)
        before = None
        if published_at is not None:
            past = [s for s in await tx.signals.list(incident.watch, until=published_at) if s.at <= after.at]
            before = past[-1] if past else None
        observation = compare(before, after, incident=incident_id, statement=statement)
        await tx.observations.add(observation)
        await tx.ledger.append(
            "reaction.observed",
            actor="follow_up",
            incident=incident_id,
            via=here.via,
            reason=observation.says,
            flow_run_id=here.flow_run_id,
            data=observation.model_dump(mode="json"),
        )
    return observation


async def last_published(tx: Transaction, incident_id: str) -> tuple[str, datetime | None]:
    """The statement published last for an incident, and when; ("", None) before the first. Replies to single people are
    none."""
    replies = {s.id for s in await tx.statements.list(incident_id) if not s.kind.to_all}
    records = await tx.ledger.list(kind="statement.published", incident=incident_id)
    records = [r for r in records if r.data.get("statement") not in replies]
    if not records:
        return "", None
    return str(records[-1].data.get("statement", "")), records[-1].at


async def propose_closing(here: Installation, incident_id: str) -> bool:
    """Propose to the lead that an incident be closed, once the last measurements were all calm. Never closes by itself."""
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        observations = await tx.observations.list(incident_id)
        proposed = await tx.ledger.list(kind="incident.closing_proposed", incident=incident_id)
    needed = here.playbook(incident.assessment.type).quiet_observations
    last = observations[-needed:]
    calm = len(last) == needed and all(o.calm for o in last)
    if not calm or incident.state is not IncidentState.MONITORING:
        return False
    if not proposed or proposed[-1].at < last[0].at:
        says = f"{needed} measurements in a row were calm"
        async with here.store.transaction() as tx:
            still = await owed(here, tx, incident)
            await tx.ledger.append(
                "incident.closing_proposed",
                actor="follow_up",
                incident=incident_id,
                via=here.via,
                reason=says,
                flow_run_id=here.flow_run_id,
                data={"observations": needed},
            )
        notice = Notice(
            occasion=f"closing/{last[0].at.isoformat()}",
            template="closing",
            context={"says": says, "observation": last[-1], "owed": still.says},
        )
        await tell_lead(here, incident, notice, why="the reaction has calmed")
    return True


async def schedule_observation(here: Installation, incident_id: str) -> Started | None:
    """Ask for the next ``follow_up`` run of an incident that is still watched; None when it is not, or one is asked for.

    None, too, once watching has ended by rule.

    Each run follows the one before it and is keyed by it, so that whoever asks, and however often, there is one chain;
    and it goes on when a measurement brought nothing new because nothing was heard.
    """
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(incident_id)
        observations = await tx.observations.list(incident_id)
        watched = await monitoring_of(here, tx, incident_id)
    if watched is None or watched.ended_at is not None:
        return None
    try:
        runs = await runs_tagged(f"incident:{incident_id}", "follow_up")
    except (httpx.HTTPError, OSError) as error:
        return Started(run_id="", says=f"the Prefect server does not answer ({type(error).__name__}); sweep will ask")
    before = next((r for r in runs if str(r.id) == here.flow_run_id), None)
    if before is None:
        if any(r.state is None or not r.state.is_final() for r in runs):
            return None
        before = max(runs, default=None, key=_created)
    wait = here.clock.wall_seconds(watched.cadence.every)
    return await start_run(
        "follow_up/follow_up",
        key=f"follow-up-{incident_id}-{incident.opened_at.isoformat()}-after-{before.id if before else 'the first word'}",
        name=f"{incident_id} · {incident.severity} · follow up {len(observations) + 1}",
        parameters={"incident": incident_id},
        tags=[f"incident:{incident_id}", "follow_up"],
        at=SystemClock().now() + timedelta(seconds=wait),
    )


def _created(run: "FlowRun") -> datetime:
    return run.created or datetime.min.replace(tzinfo=UTC)

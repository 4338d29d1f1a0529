"""Taking up what got lost: records say what should be going on, and whatever has no run is given one."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from crisis.approval import NotAllowed
from crisis.delivery import Delivery, DeliveryState, Purpose
from crisis.incident import Incident, IncidentState
from crisis.values import StatementKind
from records import StatementStatus
from tasks.approve import CHECK_AGAIN, standing_of
from tasks.close import start_review
from tasks.corrections import recover_corrections
from tasks.deliver import deliver, expire_leases
from tasks.detect import has_ended, progress_name
from tasks.first_word import renew
from tasks.follow_up import last_published, schedule_observation
from tasks.incidents import ask_to_confirm
from tasks.installation import Installation
from tasks.mailing import is_mailing
from tasks.monitoring import WATCHED
from tasks.publish import ask_about_open, finish, publish_statement
from tasks.runs import is_over, runs_tagged, server_is_known, start_run, wake
from tasks.sources import sources_of
from tasks.triage import start_response
from tasks.withdraw import recover_withdrawals

OVER = frozenset({IncidentState.REVIEWED, IncidentState.DISMISSED})
"""States in which nobody is asked about an incident any more."""

RESPONDED = (IncidentState.RESPONDING, IncidentState.MONITORING)
"""States in which a response has a run."""

logger = logging.getLogger(__name__)


async def recover_deliveries(here: Installation) -> str:
    """Settle what was armed by a sender that vanished, send what waits, publish what was approved and not published,
    and make sure that the lead knows of whatever only a person can settle. One that fails stops no other."""
    await expire_leases(here)
    async with here.store.reading() as tx:
        waiting = await tx.outbox.list(states=(DeliveryState.PENDING, DeliveryState.UNKNOWN))
        incidents = [i for i in await tx.incidents.list() if i.state not in OVER]
        unsaid = [
            s
            for i in incidents
            for s in await tx.statements.list(i.id)
            if await tx.statements.status(s.id, s.version) is StatementStatus.APPROVED
        ]
    due = [d for d in waiting if not d.needs_human and (d.not_before is None or d.not_before <= datetime.now(UTC))]
    await _each(_go_on(here, d) for d in due)
    texts = {(d.statement, d.version) for d in due if d.purpose is Purpose.STATEMENT}
    await _each(finish(here, statement, version) for statement, version in sorted(texts))
    await _each(publish_statement(here, s.id, s.version) for s in unsaid)
    await _each([recover_withdrawals(here, frozenset(i.id for i in incidents))])
    await _each(_ask_about_open(here, i) for i in incidents)
    return f"{len(due)} deliveries and {len(unsaid)} approved statements taken up" if due or unsaid else ""


async def _go_on(here: Installation, delivery: Delivery) -> None:
    """Deliver; a mailing takes long and gets a run of its own."""
    if is_mailing(delivery) and server_is_known():
        text, version = delivery.statement, delivery.version
        await start_run(
            "publish/publish",
            key=f"mailing-{delivery.id}-{delivery.attempts}",
            name=f"{text} v{version} · go on with a mailing",
            parameters={"statement": text, "version": version},
            tags=[f"incident:{delivery.incident}"],
        )
    else:
        await deliver(here, delivery.id)


async def _ask_about_open(here: Installation, incident: Incident) -> None:
    async with here.store.reading() as tx:
        deliveries = await tx.outbox.list(incident=incident.id)
    await ask_about_open(here, incident, deliveries)


async def _each(stages: Iterable[Coroutine[Any, Any, object]]) -> None:
    """Go through all of them side by side; what fails is logged, and found again by the next sweep."""
    for outcome in await asyncio.gather(*stages, return_exceptions=True):
        if isinstance(outcome, NotAllowed):
            logger.warning("%s", outcome)
        elif isinstance(outcome, BaseException):
            logger.error("not recovered now", exc_info=outcome)


async def recover_responses(here: Installation) -> str:
    """Renew proposals that became void, start the response of every incident that has none, replace runs that ended
    early, wake runs that need not wait."""
    started = []
    async with here.store.reading() as tx:
        incidents = await tx.incidents.list(states=(IncidentState.OPEN, *RESPONDED))
        candidates = await tx.incidents.list(states=(IncidentState.CANDIDATE,))
    await _each(ask_to_confirm(here, candidate) for candidate in candidates)
    await _each(renew(here, incident.id) for incident in incidents)
    for incident in incidents:
        if incident.state is IncidentState.MONITORING:  # published, but perhaps not by its run, which may still wait
            await _wake_if_decided(here, incident)
        elif not incident.flow_run_id:
            await start_response(here, incident)
            started.append(incident.id)
        elif await is_over(incident.flow_run_id):
            if await _replace(here, incident):
                started.append(incident.id)
        else:
            await _wake_if_decided(here, incident)
    opened = await recover_corrections(here)
    found = [("responses started", started), ("corrections opened", opened)]
    return "; ".join(f"{what}: {', '.join(names)}" for what, names in found if names)


async def _replace(here: Installation, incident: Incident) -> bool:
    """Start another run for a response whose run ended before anything was published."""
    async with here.store.reading() as tx:
        told = {
            str(r.data["statement"]) for r in await tx.ledger.list(kind="statement.published", incident=incident.id)
        }
        texts = await tx.statements.list(incident.id)
        published = [
            s for s in texts if s.id in told and s.kind is not StatementKind.REPLY
        ]  # these are no answer to all
    if published:
        return False
    async with here.store.transaction() as tx:
        freed = await tx.incidents.claim(
            incident.id, "", takeover_from=incident.flow_run_id, actor="sweep", via=here.via, reason="its run has ended"
        )
    if freed:
        await start_run(
            "respond/respond",
            key=f"respond-{incident.id}-after-{incident.flow_run_id}",
            name=f"{incident.id} · {incident.severity} · respond again",
            parameters={"incident": incident.id},
            tags=[f"incident:{incident.id}"],
        )
    return freed


async def _wake_if_decided(here: Installation, incident: Incident) -> None:
    async with here.store.reading() as tx:
        statements = await tx.statements.list(incident.id)
        proposed = [s for s in statements if await tx.statements.proposal(s.id, s.version)]
    for statement in proposed[:1]:
        if (await standing_of(here, statement.id, statement.version)).approved:
            await wake(incident.flow_run_id, CHECK_AGAIN)


async def recover_follow_ups(here: Installation) -> str:
    """Schedule the next measurement wherever none is scheduled, and mind every promise."""
    scheduled = []
    async with here.store.reading() as tx:
        incidents = [
            i for i in await tx.incidents.list(states=tuple(WATCHED)) if (await last_published(tx, i.id))[1] is not None
        ]
    for incident in incidents:
        runs = await runs_tagged(f"incident:{incident.id}", "follow_up")
        under_way = any(r.state and not r.state.is_final() for r in runs)
        if not under_way and await schedule_observation(here, incident.id) is not None:
            scheduled.append(incident.id)
    return f"measurements scheduled: {', '.join(scheduled)}" if scheduled else ""


async def recover_reviews(here: Installation) -> str:
    """Start the review of every incident whose report or evidence lags behind it; the key makes it one.

    A resolved incident waits for people to sign after that, and a reviewed one for nothing.
    """
    recent = here.clock.now() - timedelta(days=7)
    async with here.store.reading() as tx:
        found = {i.id: i.closed_at for i in await tx.incidents.list(states=(IncidentState.RESOLVED,))}
        found |= {r.incident: r.at for r in await tx.ledger.list(kind="incident.reviewed") if r.at >= recent}
        incidents = [
            await tx.incidents.get(name)
            for name, since in found.items()
            if not any(
                r.actor == "review" and r.at >= (since or r.at)
                for r in await tx.ledger.list(kind="evidence.sealed", incident=name)
            )
        ]
    for incident in incidents:
        await start_review(incident)
    return f"reviews asked for: {', '.join(i.id for i in incidents)}" if incidents else ""


async def recover_watches(here: Installation) -> str:
    """Start the run of every watch that has sources, has no run, and is not yet at the end of them all."""
    started = []
    for watch in here.settings.watches:
        name, sources = watch.name, sources_of(here, watch.name)
        async with here.store.reading() as tx:
            progress = await tx.watches.progress(progress_name(name))
        if not sources or has_ended(progress, sources):
            continue
        runs = await runs_tagged(f"watch:{name}")
        if any(r.state and not r.state.is_final() for r in runs):
            continue
        await start_run(
            "watch/watch",
            key=f"watch-{name}-{len(runs)}",
            name=f"{name} · watch",
            parameters={"watch": name},
            tags=[f"watch:{name}"],
        )
        started.append(name)
    return f"watches started: {', '.join(started)}" if started else ""


async def sign_ledger(here: Installation) -> None:
    """Sign the head of the ledger, if it moved."""
    await here.store.checkpoint()

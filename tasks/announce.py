"""Telling other systems of what is on record: every subscriber, in order, from where it stopped listening.

The ledger is what events are made of, so none is lost when a process dies or a receiver is down; each is sent again until
it is taken, under the same id. Restricted incidents are left out unless a subscriber is meant to hear of them; what became
restricted in the meantime is, too.
"""

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import config
import integrations
from crisis.events import KINDS, Event, event_of, type_of, wanted
from crisis.incident import Incident
from crisis.record import Record
from integrations.protocols import Subscriber
from integrations.rate_limits import Unshared
from records import NotFound, Store, Transaction
from records.checks import Checked
from records.subscriptions import Subscription
from tasks.connections import connected
from tasks.installation import Installation
from tasks.runs import emit, server_is_known

PREFECT = "(prefect)"
"""Prefect's place among the subscribers; no configured one can be called so."""
BATCH = 500
"""Records that are looked at in one go."""
LEASE = timedelta(seconds=60)
"""How long one process has a subscriber to itself."""
SECONDS = 30.0
"""How long one subscriber may take in one go; the rest is for the next."""
LONGEST = timedelta(hours=1)
"""Between two tries."""

logger = logging.getLogger(__name__)


async def announce(here: Installation) -> str:
    """Tell every subscriber what it has not been told; who did not listen, in words."""
    said = await asyncio.gather(*(_tell(here, chosen) for chosen in here.settings.subscribers))
    if server_is_known():
        await _leave_with_prefect(here)
    return "; ".join(says for says in said if says)


async def events_after(here: Installation, after: int, *, limit: int) -> tuple[list[Event], int]:
    """Events after a place in the ledger, as ``here`` may see them, and the place up to which these are all."""
    found, end = await _next(here.store, after, limit=limit)
    events = [e for record, incident in found if (e := event_of(record, incident, here.store.installation))]
    return events, found[-1][0].seq if len(found) == limit else max(end, after)


async def _tell(here: Installation, chosen: config.SubscriberSettings) -> str:
    place = await _take(here, chosen.name)
    if place is None:
        return ""
    told = place
    problem = ""
    try:
        async with asyncio.timeout(SECONDS):
            told, problem = await _go_on(here, chosen, place)
    except TimeoutError:
        problem = "it is too slow"
        told = await _place(here, chosen.name) or place
    await _leave(here, place, told, problem)
    return f"{chosen.name} did not take an event: {problem}" if problem else ""


async def _leave_with_prefect(here: Installation) -> None:
    """Leave with Prefect what nobody left there at once. What is lost on the way is lost: it is the trail, not the truth."""
    place = await _take(here, PREFECT)
    while place is not None:
        found, end = await _next(here.store, place.seq)
        for record, incident in found:
            kind, event = type_of(record), event_of(record, incident, here.store.installation)
            if kind is not None and event is not None and incident is not None and not kind.at_once:
                emit(kind.name, incident=incident, reference=event.id, payload=event.data)
        place = place.model_copy(update={"seq": found[-1][0].seq if found else end, "again_at": None})
        async with here.store.transaction() as tx:
            await tx.subscriptions.put(place)
        if not found:
            return


async def _take(here: Installation, name: str) -> Subscription | None:
    """A subscriber's place, held for ``LEASE``; None when there is nothing new, another process has it, or it rests."""
    now = datetime.now(UTC)
    async with here.store.reading() as tx:
        end, place = await tx.ledger.end(), await tx.subscriptions.get(name)
    if place is not None and (place.seq >= end or (place.again_at and place.again_at > now)):
        return None
    async with here.store.transaction() as tx:
        place = await tx.subscriptions.get(name)
        if place is None:  # it hears of what happens from now on
            await tx.subscriptions.put(Subscription(name=name, seq=await tx.ledger.end()))
            return None
        if place.again_at and place.again_at > now:
            return None
        await tx.subscriptions.put(place.model_copy(update={"again_at": now + LEASE}))
        return place


async def _go_on(
    here: Installation, chosen: config.SubscriberSettings, place: Subscription
) -> tuple[Subscription, str]:
    """Send what is new, one after another; how far it got, and why not further."""
    try:
        settings = {"source": f"{here.settings.desk.url.rstrip('/')}/", **chosen.settings}
        subscriber: Subscriber = await connected(chosen.kind, chosen.credentials_name, settings, Unshared())
    except integrations.IntegrationError as error:
        return place, str(error)
    store = here.store if chosen.restricted else here.store.seen_by(None)
    try:
        while True:
            found, end = await _next(store, place.seq)
            for record, incident in found:
                event = event_of(record, incident, store.installation)
                place = place.model_copy(update={"seq": record.seq})
                if event is not None and wanted(event.type, chosen.events):
                    await subscriber.inform(event)
                    await _note(here, place)
            if not found:
                return place.model_copy(update={"seq": end}), ""
    except integrations.IntegrationError as error:
        return (await _place(here, place.name)) or place, str(error)
    finally:
        await subscriber.close()


async def _next(store: Store, after: int, *, limit: int = BATCH) -> tuple[list[tuple[Record, Incident | None]], int]:
    """What may be told next, and up to where there is nothing else."""
    async with store.reading() as tx:
        records = await tx.ledger.list(kinds=KINDS, after=after, limit=limit)
        about = {r.incident: await _incident(tx, r.incident) for r in records if r.incident}
        return [(r, about.get(r.incident)) for r in records], await tx.ledger.end()


async def _incident(tx: Transaction, id: str) -> Incident | None:
    try:
        return await tx.incidents.get(id)
    except NotFound:
        return None


async def _place(here: Installation, name: str) -> Subscription | None:
    async with here.store.reading() as tx:
        return await tx.subscriptions.get(name)


async def _note(here: Installation, place: Subscription) -> None:
    held = place.model_copy(update={"again_at": datetime.now(UTC) + LEASE, "failures": 0, "problem": ""})
    async with here.store.transaction() as tx:
        await tx.subscriptions.put(held)


async def _leave(here: Installation, before: Subscription, after: Subscription, problem: str) -> None:
    """Save the place, when to try again, and how the subscriber is, for the desk to show; a change of that is on record."""
    now = datetime.now(UTC)
    failures = before.failures + 1 if problem and after.seq == before.seq else int(bool(problem))
    rest = min(LONGEST, timedelta(seconds=15 * 2 ** min(failures, 12))) if problem else None
    place = after.model_copy(
        update={"failures": failures, "problem": problem, "again_at": now + rest if rest else None}
    )
    async with here.store.transaction() as tx:
        await tx.subscriptions.put(place)
        if bool(problem) != bool(before.problem):
            kind = "subscriber.lost" if problem else "subscriber.returned"
            act = {"actor": "sweep", "via": here.via, "reason": problem, "flow_run_id": here.flow_run_id}
            await tx.ledger.append(kind, data={"subscriber": place.name}, **act)
        if problem or before.problem:
            says = problem or "takes events again"
            await tx.checks.note(Checked(part="subscriber", name=place.name, ok=not problem, says=says, at=now))

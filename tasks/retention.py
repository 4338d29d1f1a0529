"""Erasing what is due by the rules of ``[retention]``: shown in advance, done once a day by the sweep, and on record.

Incidents that are open or under legal hold are never touched. Every piece is one transaction with its record, and
finding out anew what is due finds what a crash left over.
"""

import asyncio
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from crisis.erasure import Matcher
from crisis.incident import Incident, IncidentState
from crisis.mailing import RecipientState
from crisis.retention import Due, Kept
from records import Transaction
from tasks.erase import erase_places, rewrite_documents
from tasks.installation import Installation
from tasks.review import has_documents, report_folder

LOOKED = "retention.looked"
"""The kind of the record that tells that everything due was erased."""
ANNOUNCED = "retention.announced"
"""The kind of the record that tells, before anything is erased for the first time, what will be."""
EVERY = timedelta(days=1)
NOTICE = timedelta(days=7)
"""Between that and the first time."""
_OVER = (IncidentState.REVIEWED, IncidentState.DISMISSED)
_UNSETTLED = {RecipientState.PENDING, RecipientState.ARMED, RecipientState.UNKNOWN}


async def due(here: Installation) -> tuple[Due, ...]:
    """What would be erased now. Changes nothing."""
    now, keep = here.clock.now(), here.settings.retention
    async with here.store.whole.reading() as tx:
        held = await tx.holds.held()
        closed = [i for i in await tx.incidents.list(_OVER) if i.closed_at is not None and i.id not in held]
        found = [
            *[d for i in closed for d in await _posts(here, tx, i, now - timedelta(days=keep.posts_days))],
            *[d for i in closed for d in await _recipients(tx, i, now - timedelta(days=keep.recipients_days))],
            *await _of_no_incident(here, tx, now),
        ]
    names = {incident.id for incident in closed}
    folder = here.settings.home / "reports"
    return (*found, *await asyncio.to_thread(_old_bundles, folder, names, now - timedelta(days=keep.bundles_days)))


async def carry_out(here: Installation, *, actor: str = "retention", reason: str = "") -> tuple[Due, ...]:
    """Erase what is due; what was."""
    done = [one for one in await due(here) if await _erase(here, one, actor, reason)]
    async with here.store.transaction() as tx:
        for incident, of_it in _by_incident(done):
            await tx.ledger.append(LOOKED, incident=incident, data={"erased": of_it}, **_act(here, actor, reason))
    return tuple(done)


def _by_incident(found: Collection[Due]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What is told of each incident, so that only those read it who see it; last, and always, what is of none."""
    for name in sorted({"", *(one.incident for one in found)}, reverse=True):
        yield name, [one.model_dump(mode="json") for one in found if one.incident == name]


async def mind_retention(here: Installation) -> str:
    """Once a day, erase what is due; for the first time a week after it was announced, on record and at ``/keeping``.

    One look at the ledger's newest such record at other times.
    """
    now = here.clock.now()
    async with here.store.whole.reading() as tx:
        looked = await tx.ledger.list(kind=LOOKED, newest=1)
        announced = await tx.ledger.list(kind=ANNOUNCED, newest=1)
    if looked and now - looked[-1].at < EVERY:
        return ""
    if not looked and not announced:
        coming = await due(here)
        async with here.store.transaction() as tx:
            for incident, of_it in _by_incident(coming):
                data = {"from": (now + NOTICE).isoformat(), "due": of_it}
                await tx.ledger.append(ANNOUNCED, incident=incident, data=data, **_act(here, "retention", ""))
        return f"retention begins on {now + NOTICE:%Y-%m-%d}" if coming else ""
    if not looked and now - announced[-1].at < NOTICE:
        return ""
    done = await carry_out(here)
    return f"retention: {len(done)} kinds of data erased" if done else ""


async def _posts(here: Installation, tx: Transaction, incident: Incident, before: datetime) -> list[Due]:
    if incident.closed_at is None or incident.closed_at > before:
        return []
    places = await tx.erasing.places(Matcher(everything=True), incident=incident.id)
    count = sum(place.texts for place in places)
    if not count:  # a crash may have left documents that quote what is gone
        told = await tx.ledger.list(kinds=("personal.erased", "report.written"), incident=incident.id, newest=1)
        left = bool(told) and told[-1].kind == "personal.erased" and told[-1].data.get("erasure") == "retention"
        folder = report_folder(here, incident.id)
        count = int(left and await asyncio.to_thread(has_documents, folder))
    return [Due(kind=Kept.POSTS, incident=incident.id, count=count, before=before)] if count else []


async def _recipients(tx: Transaction, incident: Incident, before: datetime) -> list[Due]:
    if incident.closed_at is None or incident.closed_at > before:
        return []
    found = []
    counts = await tx.mailings.counts_of([d.id for d in await tx.outbox.list(incident=incident.id)])
    for delivery, states in counts.items():
        if not _UNSETTLED & set(states):
            left = sum(1 for r in await tx.mailings.list(delivery) if r.address)
            if left:
                found.append(Due(kind=Kept.RECIPIENTS, incident=incident.id, what=delivery, count=left, before=before))
    return found


async def _of_no_incident(here: Installation, tx: Transaction, now: datetime) -> list[Due]:
    keep, found = here.settings.retention, []
    for kind, days in (
        (Kept.SUPPRESSIONS, keep.suppressions_days),
        (Kept.INBOX, keep.inbox_days),
        (Kept.SIGN_INS, keep.sign_ins_days),
    ):
        before = now - timedelta(days=days)
        if places := await tx.erasing.old(kind, before):
            found.append(Due(kind=kind, count=len(places), before=before))
    return found


def _old_bundles(folder: Path, closed: set[str], before: datetime) -> Iterator[Due]:
    found = []
    for file in sorted(folder.glob("*/*-evidence-*.zip")):
        written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        if file.parent.name in closed and written < before:
            found.append(Due(kind=Kept.BUNDLES, incident=file.parent.name, what=file.name, count=1, before=before))
    return iter(found)


async def _erase(here: Installation, one: Due, actor: str, reason: str) -> bool:
    """Erase one thing that is due, unless its incident has come under legal hold meanwhile; whether it was erased."""
    act = _act(here, actor, reason or f"kept for as long as [retention] says: {one.kind.value}")
    if one.kind is Kept.BUNDLES:
        return await _expire(here, one, act)
    if one.kind is Kept.RECIPIENTS:
        async with here.store.whole.transaction() as tx:
            if one.incident in await tx.holds.held():
                return False
            await tx.mailings.erase(one.what, incident=one.incident, **act)
        return True
    whose = Matcher(everything=True)
    async with here.store.whole.reading() as tx:
        if one.kind is Kept.POSTS:
            places = await tx.erasing.places(whose, incident=one.incident)
        else:
            places = await tx.erasing.old(one.kind, one.before)
    if not await erase_places(here, whose, places, erasure="retention", act=act):
        return False
    folder = report_folder(here, one.incident)
    if one.kind is Kept.POSTS and await asyncio.to_thread(has_documents, folder):
        await rewrite_documents(here, one.incident)
    return True


async def _expire(here: Installation, one: Due, act: Any) -> bool:
    """Delete an old bundle, inside the transaction that saw no hold: nobody can place one between the look and the end."""
    file = here.settings.home / "reports" / one.incident / one.what
    data = one.model_dump(mode="json")
    for kind in ("retention.expiring", "retention.expired"):
        async with here.store.whole.transaction() as tx:
            if one.incident in await tx.holds.held():
                return False
            await tx.ledger.append(kind, incident=one.incident, data=data, **act)
            if kind == "retention.expired":
                await asyncio.to_thread(file.unlink, True)
    return True


def _act(here: Installation, actor: str, reason: str) -> Any:
    return {"actor": actor, "via": here.via, "reason": reason, "flow_run_id": here.flow_run_id}

"""Looking back: does what we published still stand there, as it was approved? Noticed, recorded, told; never sent again.

Every statement that arrived on a platform that can be read is looked at, often while it is new and rarely later
(``crisis.read_back.STEPS``), a few at a time. What stands is on record when it is first seen and whenever that changes; of
a change the incident lead is told. An answer that is unclear changes nothing, and is asked for again later. Times are the
platforms', so real ones, also in a replay.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import config
import integrations
from crisis.delivery import Delivery, Purpose
from crisis.read_back import LONGEST, OnPlatform, ReadBack, Stand, next_look, stand_of
from integrations import IntegrationError, ReadsBack
from records import Transaction
from records.work import Act
from tasks.installation import Installation
from tasks.notify import Notice, tell_lead
from tasks.runs import emit

logger = logging.getLogger(__name__)
AT_ONCE = 12
"""Deliveries that one sweep looks at."""
SECONDS = 15.0
"""Real time that the looks of one sweep may take."""
LATER = timedelta(minutes=10)
"""When to look again where there was no clear answer."""


def can_read(kind: str) -> bool:
    """Whether a channel's kind can look a post up by its receipt."""
    try:
        return issubclass(integrations.integration(kind), ReadsBack)
    except IntegrationError:
        return False


async def read_back_due(here: Installation) -> str:
    """Look at whatever is due; says what had changed. Two queries when nothing is due."""
    now = datetime.now(UTC)
    async with here.store.reading() as tx:
        fresh = await tx.read_backs.unwatched(most=4 * AT_ONCE)
        due = [one.delivery for one in await tx.read_backs.due(now, most=AT_ONCE)]
        new = [await tx.outbox.get(id) for id in fresh]
    if new:
        await _begin(here, new, now)
        async with here.store.reading() as tx:
            due = [one.delivery for one in await tx.read_backs.due(now, most=AT_ONCE)]
    changed = await read_back(here, due) if due else []
    return f"not as published: {', '.join(changed)}" if changed else ""


async def read_back(here: Installation, deliveries: Sequence[str]) -> list[str]:
    """Look at these deliveries now, all at once; the channels on which something had changed since the look before."""
    if not deliveries:
        return []
    looks = [asyncio.ensure_future(_look(here, id)) for id in dict.fromkeys(deliveries)]
    done, waiting = await asyncio.wait(looks, timeout=SECONDS)
    for look in waiting:
        look.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    found = []
    for look in done:
        if error := look.exception():
            logger.error("a published text could not be looked at: %s", error)
        elif says := look.result():
            found.append(says)
    return found


async def _begin(here: Installation, new: Sequence[Delivery], now: datetime) -> None:
    """Take new deliveries up, those that nobody can read as such, so that they are asked for no more."""
    async with here.store.transaction() as tx:
        known = await tx.read_backs.last(d.id for d in new)
        for delivery in new:
            if delivery.id not in known:
                able = can_read(delivery.rendering.target.kind)
                says = "not looked at yet" if able else "this kind of channel cannot be read back"
                due_at = now if able and next_look(_published(delivery), now) else None
                await tx.read_backs.put(
                    ReadBack(delivery=delivery.id, incident=delivery.incident, says=says, due_at=due_at)
                )


async def _look(here: Installation, id: str) -> str:
    """One look. The channel's name when what stands there is not what stood there before; else empty."""
    async with here.store.reading() as tx:
        delivery = await tx.outbox.get(id)
        before = (await tx.read_backs.last([id])).get(id) or ReadBack(delivery=id, incident=delivery.incident)
        taken_back = await _is_taken_back(tx, delivery)
        replaced = await _is_replaced(tx, delivery)
    now = datetime.now(UTC)
    published = _published(delivery)
    if taken_back or replaced or delivery.receipt is None:
        says = "taken back by us" if taken_back or not replaced else "its next version was put in its place, by us"
        await _note(here, before.model_copy(update={"says": says, "due_at": None}))
        return ""
    try:
        there = await _read(here, delivery)
    except (IntegrationError, config.ConfigError) as error:
        again = None if now - published > timedelta(days=30) else now + LATER
        says = f"nobody can tell now: {error}"[:300]
        await _note(here, before.model_copy(update={"says": says, "due_at": again}))
        return ""
    stand, says = stand_of(approved_parts(delivery, there), there)
    seen = before.model_copy(
        update={
            "stand": stand,
            "says": says,
            "at": now,
            "since": before.since if before.stand is stand else now,
            "seen": tuple(None if part is None else part[:LONGEST] for part in there.parts),
            "due_at": next_look(published, now),
        }
    )
    is_news = stand is not before.stand or (stand is Stand.EDITED and seen.seen != before.seen)
    untold = is_news and not (stand is Stand.MATCHED and before.stand is None)
    if untold:  # before it is noted: after a kill in between it is news once more, and the same notice is told once
        await _tell(here, delivery, seen, before)
    await _note(here, seen, delivery if is_news else None, before)
    return f"{delivery.rendering.target.channel} ({stand})" if untold else ""


def _published(delivery: Delivery) -> datetime:
    return delivery.receipt.accepted_at if delivery.receipt else delivery.created_at


def approved_parts(delivery: Delivery, there: OnPlatform) -> tuple[str, ...]:
    """What was approved for this target, in the form in which the platform shows it."""
    if there.is_html:
        return (delivery.rendering.html,)
    return tuple(part.text for part in delivery.rendering.parts)


async def _read(here: Installation, delivery: Delivery) -> OnPlatform:
    channel = await here.channel(delivery.rendering.target.channel)
    if not isinstance(channel, ReadsBack) or delivery.receipt is None:
        raise integrations.Refused("this channel cannot be read back any more")
    return await channel.read(delivery.receipt)


async def _is_taken_back(tx: Transaction, delivery: Delivery) -> bool:
    planned = await tx.outbox.list(statement=delivery.statement, version=delivery.version, purpose=Purpose.WITHDRAWAL)
    return any(d.withdraws == delivery.id and d.arrived for d in planned)


async def _is_replaced(tx: Transaction, delivery: Delivery) -> bool:
    """Whether a later version of the same page of ours stands at its address."""
    page, target = delivery.rendering.options.get("page"), delivery.rendering.target
    if not page:
        return False
    others = await tx.outbox.list(incident=delivery.incident, purpose=Purpose.STATEMENT)
    return any(
        d.arrived and d.created_at > delivery.created_at
        for d in others
        if d.rendering.target == target and d.rendering.options.get("page") == page
    )


async def _note(
    here: Installation, seen: ReadBack, news: Delivery | None = None, before: ReadBack | None = None
) -> None:
    """Keep a look, and put what is new on record: of two that look at once, once."""
    act: Act = {"actor": "sweep", "via": here.via, "reason": seen.says, "flow_run_id": here.flow_run_id}
    async with here.store.transaction() as tx:
        known = (await tx.read_backs.last([seen.delivery])).get(seen.delivery)
        await tx.read_backs.put(seen)
        told = known is not None and (known.stand, known.seen) == (seen.stand, seen.seen)
        if news is not None and not told:
            was = before.stand.value if before and before.stand else ""
            await tx.read_backs.told(seen, news.rendering.target.channel, was, **act)


async def _tell(here: Installation, delivery: Delivery, seen: ReadBack, before: ReadBack) -> None:
    async with here.store.reading() as tx:
        incident = await tx.incidents.get(delivery.incident)
        statement = await tx.statements.get(delivery.statement, delivery.version)
    stand = seen.stand.value if seen.stand else ""
    channel = delivery.rendering.target.channel
    notice = Notice(
        occasion=f"read_back/{delivery.id}/{stand}/{before.at or _published(delivery):%Y%m%dT%H%M%S}",
        template="read_back",
        context={"statement": statement, "channel": channel, "says": seen.says, "stand": stand},
    )
    await tell_lead(here, incident, notice, why="a published text does not stand as it did")
    emit(
        f"delivery.{stand}",
        incident=incident,
        reference=f"{delivery.id}/{stand}/{before.at}",
        payload={"delivery": delivery.id, "channel": channel},
    )

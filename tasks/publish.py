"""Publishing an approved statement on every target at once, and only exactly what was approved.

Planning is one transaction that checks the approval again and fills the outbox; sending is one delivery a target, all
side by side, so that a slow channel delays no other. Doing it twice plans and sends nothing twice.
"""

import asyncio
import math

from crisis.approval import NotAllowed
from crisis.delivery import (
    SETTLED,
    Delivery,
    DeliveryState,
    Purpose,
    delivery_id,
)
from crisis.incident import Incident, IncidentState
from crisis.statement import Rendering, Statement, hash_of
from crisis.values import StatementKind
from integrations import integration
from records import StatementStatus, Transaction
from tasks.binding import what_changed
from tasks.deliver import MAX_ATTEMPTS, STOPPED, deliver
from tasks.doubt import mark_doubts
from tasks.follow_up import schedule_observation
from tasks.installation import Installation
from tasks.links import ACTING_PLACEHOLDER
from tasks.mailing import is_mailing
from tasks.notify import Notice, tell_lead, tell_stakeholders
from tasks.promises import settle_by
from tasks.replies import HELD, schedule
from tasks.runs import emit
from tasks.standing import mark, proposal_standing

SAYING = frozenset({StatementStatus.APPROVED, StatementStatus.PUBLISHED})
"""Statuses under which a statement may be (or go on being) published."""


async def publish_statement(
    here: Installation, statement: str, version: int, *, mailing_seconds: float | None = None
) -> list[Delivery]:
    """Publish, and return every delivery as it then stands; a long mailing may still be going out (``mail_on``).

    ``mailing_seconds``: how long a mailing is waited for; left out, as long as any delivery.

    Raises:
        NotAllowed: it is not approved, or something it relies on has changed since.
    """
    planned = await plan(here, statement, version)
    going = {d.id: asyncio.create_task(deliver(here, d.id, patience=mailing_seconds)) for d in planned}
    posts = [going[d.id] for d in planned if not is_mailing(d)]
    if len(posts) < len(planned):  # the posts are out long before the last mail is
        await asyncio.gather(*posts)
        await finish(here, statement, version)
    deliveries = list(await asyncio.gather(*going.values()))
    await finish(here, statement, version)
    return deliveries


async def mail_on(here: Installation, statement: str, version: int) -> bool:
    """Go on with the mailings of a statement until they are through, wait for hours, or wait for a human.

    Whether there was anything to go on with.
    """
    async with here.store.reading() as tx:
        planned = await tx.outbox.list(statement=statement, version=version, purpose=Purpose.STATEMENT)
    open_ones = [d for d in planned if is_mailing(d) and d.state not in SETTLED and not d.needs_human]
    await asyncio.gather(*(deliver(here, d.id, patience=math.inf) for d in open_ones))
    return bool(open_ones)


async def plan(here: Installation, statement: str, version: int) -> list[Delivery]:
    """Check the approval and fill the outbox: one delivery a target. Raises like ``publish_statement``."""
    async with here.store.transaction() as tx:
        text = await tx.statements.get(statement, version)
        known = await tx.outbox.list(statement=statement, version=version, purpose=Purpose.STATEMENT)
        if known:
            return known
        await _check_approved(here, tx, text)
        changed = await what_changed(tx, text)
        planned = [] if changed else await _fill(here, tx, text)
        if changed:
            await mark(here, tx, text, StatementStatus.VOIDED, changed, actor="outbox")
    if changed:
        raise NotAllowed(f"{text.label} is not published, because {changed}: draft it again")
    return planned


async def hand_over(here: Installation, tx: Transaction, text: Statement) -> None:
    """Fill the outbox in the very transaction that records the last decision (or the release): from then on it is being
    published, and no decision can be taken back. Raises like ``plan``; what the text relies on was looked at by the caller."""
    await _check_approved(here, tx, text)
    await _fill(here, tx, text)


async def _fill(here: Installation, tx: Transaction, text: Statement) -> list[Delivery]:
    planned = await schedule(tx, [delivery_of(here, text, rendering) for rendering in text.renderings])
    for delivery in planned:
        await tx.outbox.enqueue(delivery, actor="outbox", via=here.via, flow_run_id=here.flow_run_id)
    return planned


async def _check_approved(here: Installation, tx: Transaction, text: Statement) -> None:
    """Refuse anything that has not, byte for byte, the approvals it needs, or a release in their place."""
    status = await tx.statements.status(text.id, text.version)
    proposal = await tx.statements.proposal(text.id, text.version)
    if status not in SAYING or proposal is None or hash_of(text) != proposal.content_hash:
        raise NotAllowed(f"{text.label} is {status.value}, not approved, so it is not published")
    stands = await proposal_standing(tx, text, proposal, now=proposal.proposed_at)
    if not stands.approved:
        raise NotAllowed(f"{text.label} is not published: {stands.says}")


def delivery_of(here: Installation, text: Statement, rendering: Rendering) -> Delivery:
    """One rendering of a statement on its way, as it is planned."""
    now = here.clock.now()
    return Delivery(
        id=delivery_id(Purpose.STATEMENT, _reference(text, rendering), rendering.target),
        incident=text.incident,
        purpose=Purpose.STATEMENT,
        statement=text.id,
        version=text.version,
        content_hash=text.content_hash,
        rendering=rendering,
        delivery_class=integration(rendering.target.kind).delivery_class,
        created_at=now,
        updated_at=now,
    )


def _reference(text: Statement, rendering: Rendering) -> str:
    """What tells one delivery of a statement from another besides the target: of several answers, the post answered."""
    name = f"{text.id}/{text.version}/{text.content_hash}"
    alone = sum(r.target == rendering.target for r in text.renderings) == 1
    return name if alone and not rendering.answers else f"{name}/{rendering.place[1]}"


async def finish(here: Installation, statement: str, version: int) -> str:
    """Once a first target carries the text: it is published, its promises run, older ones are kept, and the
    reaction is going to be measured. Repeats do nothing.

    Returns one sentence for people.
    """
    async with here.store.transaction() as tx:
        text = await tx.statements.get(statement, version)
        incident = await tx.incidents.get(text.incident)
        deliveries = await tx.outbox.list(statement=statement, version=version, purpose=Purpose.STATEMENT)
        arrived = [d for d in deliveries if d.arrived]
        status = await tx.statements.status(statement, version)
        first_time = bool(arrived) and status is StatementStatus.APPROVED
        if first_time:
            await tx.statements.set_status(
                statement,
                version,
                StatementStatus.PUBLISHED,
                actor="outbox",
                via=here.via,
                reason=f"{len(arrived)} of {len(deliveries)} targets carry it",
                flow_run_id=here.flow_run_id,
            )
            if text.kind is not StatementKind.REPLY:  # a word to a few keeps no promise to all
                await settle_by(here, tx, text)
                incident = await _now_monitoring(here, tx, incident, text)
            # A fact may have changed while it was on its way: the sweep opens the correction.
            await mark_doubts(tx, incident.id, {"actor": "outbox", "via": here.via, "flow_run_id": here.flow_run_id})
    if first_time:
        payload = {"statement": statement, "version": version, "content_hash": text.content_hash}
        emit("statement.published", incident=incident, reference=f"{statement}/{version}", payload=payload)
    if text.kind is not StatementKind.REPLY and (first_time or status is StatementStatus.PUBLISHED):
        notice = Notice(
            occasion=f"published/{statement}/{version}",
            template="published",
            context={"statement": text, "deliveries": deliveries},
        )
        await tell_stakeholders(here, incident, notice)
        await schedule_observation(here, incident.id)
    await ask_about_open(here, incident, deliveries)
    return f"{len(arrived)} of {len(deliveries)} targets carry {text.label}"


async def _now_monitoring(here: Installation, tx: Transaction, incident: Incident, text: Statement) -> Incident:
    """The incident after its word is out, also where no run had taken up the response before."""
    ways = {
        IncidentState.OPEN: (IncidentState.RESPONDING, IncidentState.MONITORING),
        IncidentState.RESPONDING: (IncidentState.MONITORING,),
    }
    for to in ways.get(incident.state, ()):
        incident = await tx.incidents.step(
            incident.id,
            to,
            actor="outbox",
            via=here.via,
            reason=f"{text.label} is out",
            flow_run_id=here.flow_run_id,
        )
    return incident


def concerns_lead(delivery: Delivery) -> bool:
    """Whether a person has to do something about it, or has to know that it is still not out."""
    if delivery.purpose is Purpose.NOTICE:
        return False
    meant = delivery.problem == STOPPED or delivery.problem.startswith(HELD)
    refused = delivery.state is DeliveryState.REFUSED and not meant
    held_up = delivery.state is DeliveryState.PENDING and delivery.attempts >= MAX_ATTEMPTS
    return delivery.needs_human or refused or held_up


async def ask_about_open(here: Installation, incident: Incident, deliveries: list[Delivery]) -> None:
    """Put every delivery that a person has to see to in front of the incident lead, once."""
    for delivery in filter(concerns_lead, deliveries):
        held_up = delivery.state is DeliveryState.PENDING
        notice = Notice(
            occasion=f"held up/{delivery.id}" if held_up else f"stuck/{delivery.id}/{delivery.attempts}",
            template="delivery",
            context={"delivery": delivery},
            link=ACTING_PLACEHOLDER if delivery.needs_human else "",
            button="Say whether it is there" if delivery.needs_human else "Open the incident",
        )
        why = "is still not out" if held_up else f"is {delivery.state} and needs a human"
        await tell_lead(here, incident, notice, why=f"a delivery {why}")


def all_settled(deliveries: list[Delivery]) -> bool:
    """Nothing more happens by itself: every target carries it, refused it, or waits for a human."""
    return all(d.state in SETTLED or d.needs_human for d in deliveries)

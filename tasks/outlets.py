"""Where a statement goes: the channels its playbook names, or, for a correction, every target that carries the wrong text."""

from collections.abc import Collection

from crisis.delivery import ARRIVED, Delivery, Purpose
from crisis.drafting import Outlet
from crisis.incident import Incident
from crisis.mailing import LIST_HASH, LIST_OF, RECIPIENTS
from crisis.statement import Statement, Target
from crisis.values import CrisisType, StatementKind
from records import Transaction
from tasks.installation import Installation
from tasks.kinds import limits_of
from tasks.mailing import is_mailing


class NothingToCorrect(ValueError):
    """No target carries the statement that a correction was asked for, or nothing on record says what was wrong in it."""


async def outlets_for(
    tx: Transaction,
    here: Installation,
    incident: Incident,
    kind: StatementKind,
    lists: dict[str, dict[str, str]],
    *,
    pictures: bool,
    only: Collection[str] = (),
) -> list[Outlet]:
    """The channels named by ``only``, else by the playbook for this kind, or all of them when it names none; without
    ``pictures``, those that take text alone; mailings with their ``lists``.

    On a status page, what follows an incident's first word there is an update of it, not another incident.
    """
    named = only or here.playbook(incident.assessment.type).channels.get(kind, ())
    chosen = [here.settings.channel(name) for name in named] or list(here.settings.channels)
    opened = await _opened(tx, incident)
    failing = incident.assessment.type is CrisisType.SERVICE_FAILURE
    outlets = []
    for c in chosen:
        target, limits = Target(channel=c.name, kind=c.kind, address=c.address), limits_of(c)
        if not pictures and limits.pictures is not None and limits.pictures.needed:
            continue
        joins = opened.get(target, "") if limits.status else ""
        components = c.components if failing else ()
        options = lists.get(c.name, {})
        outlets.append(Outlet(target=target, limits=limits, options=options, reply_to=joins, components=components))
    return outlets


async def _opened(tx: Transaction, incident: Incident) -> dict[Target, str]:
    """The platform's id of the first post of an incident that still stands, by target."""
    deliveries = await tx.outbox.list(incident=incident.id)
    withdrawn = {d.withdraws for d in deliveries if d.purpose is Purpose.WITHDRAWAL and d.state in ARRIVED}
    first: dict[Target, str] = {}
    for d in sorted(deliveries, key=lambda d: d.created_at):
        stands = d.purpose is Purpose.STATEMENT and d.state in ARRIVED and d.id not in withdrawn
        if stands and d.receipt is not None and d.receipt.id:
            first.setdefault(d.rendering.target, d.receipt.id)
    return first


async def outlets_again(tx: Transaction, here: Installation, wrong: Statement) -> list[Outlet]:
    """Every target that carries any version of the wrong text, as an answer to the very post.

    A mailing's correction goes to whoever of its recipients has the text, may have it, or is about to get it.
    """
    outlets: dict[Target, Outlet] = {}
    for delivery in await tx.outbox.list(statement=wrong.id, purpose=Purpose.STATEMENT):
        mailed = is_mailing(delivery) and bool(await tx.mailings.reached([delivery.id]))
        if not delivery.arrived and not mailed:
            continue
        target = delivery.rendering.target
        before = outlets[target].options.get(LIST_OF, "") if target in outlets else ""
        outlets[target] = Outlet(
            target=target,
            limits=limits_of(here.settings.channel(target.channel)),
            options=_readers_of(delivery, before) if mailed else {},
            reply_to=delivery.receipt.id if delivery.receipt else "",
        )
    if not outlets:
        raise NothingToCorrect(f"no target carries {wrong.id}, so there is nothing to correct")
    return list(outlets.values())


def _readers_of(mailing: Delivery, before: str) -> dict[str, str]:
    """The options of a rendering for the recipients of a mailing, and of those ``before`` it."""
    known = mailing.rendering.options
    return {
        LIST_OF: f"{before} {mailing.id}".strip(),
        **{name: known[name] for name in (RECIPIENTS, LIST_HASH) if name in known},
    }

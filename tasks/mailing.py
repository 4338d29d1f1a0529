"""Mailings: one approved text to every recipient of the approved list, each at most once, resumable at the next one.

A batch of recipients is armed in one transaction, and goes out on several connections at once; what came of the one
before is stored in the same transaction. Between transactions the journal knows who was begun with. So a sender that is
killed leaves at most the one recipient in flight on each connection ``unknown``; nobody else is doubted, and nobody is
written to twice. The delivery's lease decides who sends; a sender that has lost it stops before the next message.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Required, TypedDict

import integrations
from crisis.delivery import Delivery, DeliveryState, Purpose, Receipt
from crisis.mailing import (
    LIST_HASH,
    LIST_OF,
    NO_LIST,
    OPEN,
    RECIPIENTS,
    RecipientList,
    RecipientState,
    of_counts,
    recipient_list,
)
from integrations import mail
from integrations.mailing import Mailer, Mailing
from records.journal import NOTHING, JournalWriter, read_journal
from records.mailings import Settled
from records.work import Act
from tasks.installation import Installation
from tasks.postbag import Postbag, Trouble
from tasks.progress import Progress, under_way
from tasks.sender import with_pictures

R = RecipientState
_VANISHED = {
    R.UNKNOWN: "the sender vanished while the mail was on its way",
    R.REFUSED: "refused; the sender vanished before it stored what the server said",
}


class Outcome(TypedDict, total=False):
    """What came of an attempt, as the outbox settles it."""

    to: Required[DeliveryState]
    receipt: Receipt | None
    problem: str
    not_before: datetime | None


def is_mailing(delivery: Delivery) -> bool:
    """Whether a delivery goes to a list of recipients, and not to one address."""
    target = delivery.rendering.target
    if delivery.purpose is not Purpose.STATEMENT or target.address:
        return False
    try:
        return hasattr(integrations.integration(target.kind), "mailing")
    except integrations.Misconfigured:
        return False


def journal_of(here: Installation, delivery: Delivery) -> Path:
    """Where the sender of this attempt keeps its journal."""
    return here.settings.home / "mailings" / f"{delivery.id}-{delivery.attempts}.journal"


def act_of(here: Installation, reason: str = "") -> Act:
    return {"actor": "outbox", "via": here.via, "reason": reason, "flow_run_id": here.flow_run_id}


async def audience_options(here: Installation) -> dict[str, dict[str, str]]:
    """What the rendering for each mailing channel says of its list, by channel: how many, and the list's hash.

    A list that cannot be read is said so there, where approvers see it; the other channels are not held up.
    """
    found = {}
    for chosen in here.settings.channels:
        if chosen.address or not hasattr(integrations.integration(chosen.kind), "mailing"):
            continue
        try:
            mailer: Mailer = await here.channel(chosen.name)  # type: ignore[assignment]
            found[chosen.name] = options_of(await mailer.audience())
        except integrations.IntegrationError as error:
            found[chosen.name] = {NO_LIST: str(error)}
    return found


def options_of(to: RecipientList) -> dict[str, str]:
    """The options by which a rendering is bound to a list."""
    return {RECIPIENTS: str(len(to.addresses)), LIST_HASH: to.sha256}


async def mail_out(here: Installation, armed: Delivery, owner: str, lease_seconds: float, patience: float) -> Outcome:
    """Send an armed mailing on, for at most ``patience`` seconds, and say how it then stands."""
    try:
        mailer: Mailer = await here.channel(armed.rendering.target.channel)  # type: ignore[assignment]
        await _plan(here, mailer, armed)
        mailing = await mailer.mailing(await with_pictures(here, armed), armed.id)
    except integrations.RateLimited as later:
        return await came(here, armed, Trouble(str(later), later.until))
    except (integrations.Refused, integrations.Misconfigured) as no:
        return await came(here, armed, Trouble(str(no), final=True))
    except integrations.Unknown as doubt:  # while the list was read: nothing was sent
        return await came(here, armed, Trouble(str(doubt), datetime.now(UTC) + integrations.outcomes.AGAIN))
    journal = await asyncio.to_thread(JournalWriter, journal_of(here, armed))
    until = time.monotonic() + patience
    async with _shown(here, armed) as progress:
        bag = Postbag(
            here, armed, mailing, journal, owner=owner, lease_seconds=lease_seconds, until=until, told=progress.more
        )
        if trouble := await bag.empty():
            progress.ended("failed", f"paused: {trouble.says}")
    return await came(here, armed, trouble, mailing)


@asynccontextmanager
async def _shown(here: Installation, armed: Delivery) -> AsyncIterator[Progress]:
    """How far the mailing is, counting those who had been written to before."""
    async with here.store.reading() as tx:
        counts = await tx.mailings.counts(armed.id)
    title = f"Mailing of {armed.statement} by {armed.rendering.target.channel}"
    total, waiting = sum(counts.values()), sum(counts.get(state, 0) for state in OPEN)
    async with under_way(
        here, f"mailing/{armed.id}", title, total=total, unit="recipients", incident=armed.incident
    ) as progress:
        progress.at(total - waiting)
        yield progress


async def came(here: Installation, armed: Delivery, trouble: Trouble | None, mailing: Mailing | None = None) -> Outcome:
    """How a mailing stands after a run: over, open, or stopped by ``trouble``."""
    async with here.store.reading() as tx:
        counts = await tx.mailings.counts(armed.id)
        due = await tx.mailings.next_due(armed.id)
    says = of_counts(counts) if counts else "nothing was sent"
    receipt = armed.receipt
    if mailing is not None or receipt is not None:
        receipt = receipt_of(armed, counts, mailing.id if mailing else "")
    if trouble is not None and trouble.final and not counts.get(R.ACCEPTED) and not counts.get(R.UNKNOWN):
        return Outcome(to=DeliveryState.REFUSED, problem=trouble.says)
    if trouble is not None:
        problem = f"{trouble.says} ({says})"
        later = trouble.until or (datetime.now(UTC) + timedelta(minutes=5) if trouble.final else None)
        return Outcome(to=DeliveryState.PENDING, problem=problem, not_before=later, receipt=receipt)
    if not counts or any(counts.get(state) for state in OPEN):
        return Outcome(to=DeliveryState.PENDING, problem=f"still going out: {says}", not_before=due, receipt=receipt)
    if counts.get(R.UNKNOWN):
        return Outcome(to=DeliveryState.UNKNOWN, problem=_unknown(counts), receipt=receipt)
    if not counts.get(R.ACCEPTED):
        return Outcome(to=DeliveryState.REFUSED, problem=f"nobody took it: {says}")
    return Outcome(to=DeliveryState.ACCEPTED, receipt=receipt)


def receipt_of(delivery: Delivery, counts: dict[RecipientState, int], id: str = "") -> Receipt | None:
    """The receipt of a mailing: how many recipients are in which state; none before anybody has it."""
    if not counts.get(R.ACCEPTED) and not counts.get(R.UNKNOWN):
        return delivery.receipt
    raw = {
        "recipients": {state.value: n for state, n in counts.items()},
        LIST_HASH: delivery.rendering.options.get(LIST_HASH, ""),
    }
    known = delivery.receipt
    if known is not None:
        return known.model_copy(update={"raw": raw})
    return Receipt(id=id or delivery.id, accepted_at=datetime.now(UTC), raw=raw)


def _unknown(counts: dict[RecipientState, int]) -> str:
    number = counts[R.UNKNOWN]
    who = "one recipient it is" if number == 1 else f"{number:,} recipients it is"
    return f"of {who} not known whether the mail arrived ({of_counts(counts)}): `fireline mailing` names them"


async def _plan(here: Installation, mailer: Mailer, armed: Delivery) -> None:
    """Put the approved list before the sender, unless that is done.

    Raises:
        integrations.Refused: the list is not the one that was approved.
    """
    async with here.store.reading() as tx:
        if await tx.mailings.counts(armed.id):
            return
        earlier = armed.rendering.options.get(LIST_OF, "").split()
        to = recipient_list(enumerate(await tx.mailings.reached(earlier), 1), mail.mailbox) if earlier else None
    if to is None:
        to = await mailer.audience()
        _check_approved(armed, to)
    if not to.addresses:
        raise integrations.Refused("there is nobody to write to" if not earlier else "nobody has the text it corrects")
    async with here.store.transaction() as tx:
        for wrong in earlier:  # whoever has not got it yet gets the correction alone
            await tx.mailings.stop(wrong, "corrected before it was sent", incident=armed.incident, **act_of(here))
        channel = armed.rendering.target.channel
        await tx.mailings.plan(armed.id, to, incident=armed.incident, given=channel, **act_of(here))


def _check_approved(armed: Delivery, to: RecipientList) -> None:
    options = armed.rendering.options
    if problem := options.get(NO_LIST):
        raise integrations.Refused(f"its recipients were not known when it was approved ({problem}): draft it again")
    if LIST_HASH not in options:
        raise integrations.Refused("it was approved without its list of recipients: draft it again")
    if to.sha256 != options[LIST_HASH]:
        raise integrations.Refused(
            f"the list of recipients has changed since it was approved ({options.get(RECIPIENTS, '?')} recipients "
            f"then, {len(to.addresses)} now), so nobody was written to: draft it again and have it approved"
        )


async def take_up(here: Installation, delivery: Delivery) -> Outcome:
    """After a sender has vanished: who was written to, as its journal tells, and how the mailing stands."""
    file = journal_of(here, delivery)
    journal = await asyncio.to_thread(read_journal, file)
    async with here.store.transaction() as tx:
        outcomes = []
        for r in await tx.mailings.list(delivery.id, R.ARMED):
            fate = (journal if r.attempt == delivery.attempts else NOTHING).fate(r.position)
            outcomes.append(Settled(r.position, fate, _VANISHED.get(fate, "")))
        if outcomes:
            act = act_of(here, "as the journal of the sender that vanished tells")
            await tx.mailings.settle(
                delivery.id, outcomes, attempt=delivery.attempts, incident=delivery.incident, **act
            )
    await asyncio.to_thread(file.unlink, missing_ok=True)
    return await came(here, delivery, None)

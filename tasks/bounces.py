"""What comes back after a mailing: bounces and complaints put an address on the suppression list and mark its recipient.

They come from SES, by a queue that the sweep empties or by SNS's posts to the desk. Taking the same news twice changes
nothing, so a message leaves the queue only once it is stored.
"""

import logging
from collections.abc import Iterable

import integrations
from crisis.mailing import fingerprint
from integrations import mail
from integrations.ses_events import CameBack, SesEvents, Told
from integrations.sns_message import SnsDoor
from tasks.installation import Installation

ROUNDS = 200
"""Times that a queue is asked in one go: 2,000 messages."""
logger = logging.getLogger(__name__)


async def take_note(here: Installation, told: Iterable[CameBack], *, via: str) -> int:
    """Store what came back; how many addresses are newly suppressed."""
    new = 0
    async with here.store.transaction() as tx:
        for one in told:
            try:
                address = mail.mailbox(one.address)
            except ValueError:
                logger.warning("a bounce or complaint names no address that could be written to; it is passed over")
                continue
            if one.key:
                await tx.mailings.came_back(
                    one.key, fingerprint(address), one.state, one.says, actor="ses", via=via, reason=one.state.value
                )
            why = one.state.value
            new += await tx.suppressions.add(address, why=why, detail=one.says, actor="ses", via=via)
    return new


async def collect_bounces(here: Installation) -> str:
    """Empty the queues of all channels that have one; what one of them cannot do keeps no other from it."""
    new = 0
    for chosen in here.settings.channels:
        if not chosen.settings.get("events_queue"):
            continue
        try:
            events = getattr(await here.channel(chosen.name), "events", None)
            if isinstance(events, SesEvents):
                new += await _empty(here, events)
        except integrations.IntegrationError as error:
            logger.warning("bounces of %s not collected now: %s", chosen.name, error)
    return f"{new} addresses suppressed" if new else ""


async def _empty(here: Installation, events: SesEvents) -> int:
    new = 0
    for _ in range(ROUNDS):
        told: list[Told] = await events.receive()
        if not told:
            break
        new += await take_note(here, (one for t in told for one in t.came_back), via="sqs")
        await events.forget(told)
    return new


def sns_door(here: Installation) -> SnsDoor:
    """Where SNS's posts are checked: the topics that the channels name, and no other, are heard."""
    topics = {str(c.settings.get("events_topic", "")) for c in here.settings.channels}
    return SnsDoor(topics - {""})

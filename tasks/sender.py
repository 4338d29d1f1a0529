"""How one delivery is sent and looked up: which connection, which call, and the message that a notice becomes."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import integrations
from crisis.delivery import Delivery, Purpose, Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations import Message, Notifier, Publisher
from integrations.thread import planned
from records import NotFound
from tasks.installation import Installation
from tasks.links import ON_IT_PLACEHOLDER, decides, fill_links, links_of

SHOWS_ON = "shows_on"
"""Option of a notice that shows who is on it: the delivery of the notice on which it shows that."""


async def with_pictures(here: Installation, delivery: Delivery) -> Rendering:
    """A delivery's rendering with the bytes of the pictures that were approved.

    Raises:
        integrations.Refused: they are not there any more, or not the same: nothing else is sent in their place.
    """
    try:
        async with here.store.reading() as tx:
            return await tx.pictures.with_content(delivery.rendering)
    except (ValueError, NotFound) as error:
        raise integrations.Refused(f"nothing was sent: {error}") from None


@dataclass(frozen=True)
class Sender:
    """How one delivery's kind of message goes out and is looked up."""

    here: Installation
    delivery: Delivery

    @property
    def may_have_left_parts(self) -> bool:
        """A thread that was begun before: a refusal now does not say that nothing of it is there."""
        d = self.delivery
        return d.purpose is not Purpose.WITHDRAWAL and len(d.rendering.parts) > 1 and d.attempts > 1

    async def connect(self) -> None:
        """Have the connection and the message made, so that what goes wrong with that is known to have sent nothing."""
        if self.delivery.purpose is Purpose.NOTICE:
            await self._notifier()
            await self._message()
        else:
            await self._channel()

    async def send(self) -> Receipt:
        d = self.delivery
        if d.purpose is Purpose.NOTICE:
            route = Route(notifier=d.rendering.target.channel, address=d.rendering.target.address)
            return await (await self._notifier()).notify(await self._message(), route)
        channel = await self._channel()
        if d.purpose is Purpose.WITHDRAWAL:
            async with self.here.store.reading() as tx:
                original = await tx.outbox.get(d.withdraws)
            if original.receipt is None or not original.receipt.id:
                raise integrations.Refused("there is no receipt of the post, so it cannot be taken back from here")
            await channel.withdraw(original.receipt)
            return original.receipt.model_copy(update={"accepted_at": datetime.now(UTC), "raw": {"withdrawn": True}})
        with planned(self._planned_at):
            return await channel.publish(await with_pictures(self.here, d), d.id)

    async def look_up(self) -> Receipt | None:
        d = self.delivery
        if d.purpose is Purpose.WITHDRAWAL or SHOWS_ON in d.rendering.options:
            return None  # taking back or showing twice is no error, so it is simply done again
        with planned(self._planned_at):
            if d.purpose is Purpose.NOTICE:
                return await (await self._notifier()).find(d.id, d.rendering)
            return await (await self._channel()).find(d.id, d.rendering)

    @property
    def _planned_at(self) -> datetime:
        """When it was planned, in real time: the installation's clock may be a replay's."""
        return datetime.now(UTC) - max(self.here.clock.now() - self.delivery.created_at, timedelta())

    async def _channel(self) -> Publisher:
        return await self.here.channel(self.delivery.rendering.target.channel)

    async def _notifier(self) -> Notifier:
        return await self.here.notifier(self.delivery.rendering.target.channel)

    async def _message(self) -> Message:
        d, rendering = self.delivery, self.delivery.rendering
        options = rendering.options
        links = links_of(self.here, options)  # once, so that text and button carry the same
        earlier: Receipt | None = None
        if SHOWS_ON in options:
            async with self.here.store.reading() as tx:
                earlier = (await tx.outbox.get(options[SHOWS_ON])).receipt
        return Message(
            key=d.id,
            subject=rendering.subject,
            text=fill_links(rendering.text, links),
            html=fill_links(rendering.html, links),
            thread=d.incident,
            link=fill_links(options.get("link", ""), links),
            occasion=options.get("occasion", ""),
            severity=options.get("severity", ""),
            on_it=links.get(ON_IT_PLACEHOLDER, ""),
            decides=decides(options),
            taken_by=options.get("taken_by", ""),
            earlier=earlier,
        )

"""How far each subscriber has been told of the ledger, and when to try again where it did not listen."""

from crisis.values import Frozen, UtcDatetime
from records.tables import subscriptions
from records.work import Work, body, read


class Subscription(Frozen):
    """One subscriber's place in the ledger."""

    name: str
    seq: int
    """The newest record it has been told of, or that is not for it."""
    failures: int = 0
    """Tries in a row that were not taken."""
    again_at: UtcDatetime | None = None
    """Real time before which it is left alone; also set for a moment while one process is telling it."""
    problem: str = ""


class Subscriptions:
    """One row for each subscriber."""

    def __init__(self, work: Work) -> None:
        self._work = work

    async def get(self, name: str) -> Subscription | None:
        """Where a subscriber is; None before it was ever seen."""
        row = await self._work.first(subscriptions.select().where(subscriptions.c.name == name))
        return None if row is None else read(Subscription, row.body)

    async def put(self, subscription: Subscription) -> None:
        """Save where it is."""
        await self._work.upsert(subscriptions, {"name": subscription.name, "body": body(subscription)})

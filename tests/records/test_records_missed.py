"""Of two mailings, who had the first and not the second, and who of them may not be written to: counted in the database."""

from crisis.mailing import RecipientState, recipient_list
from integrations.mail import mailbox
from records.mailings import Settled

R = RecipientState
ACT = {"actor": "outbox"}


async def mailed(tx, delivery: str, names: list[str], but: tuple[str, ...] = ()) -> None:
    to = recipient_list(enumerate(f"{name}@x.example" for name in names), mailbox)
    await tx.mailings.plan(delivery, to, incident="INC-1", given="readers", **ACT)
    batch = await tx.mailings.list(delivery, R.PENDING, limit=99)
    await tx.mailings.arm(delivery, batch, attempt=1, incident="INC-1", given="readers", **ACT)
    outcomes = [Settled(r.position, R.REFUSED if r.address.split("@")[0] in but else R.ACCEPTED) for r in batch]
    await tx.mailings.settle(delivery, outcomes, attempt=1, incident="INC-1", **ACT)


async def test_readers_of_the_first_mail_without_the_last_are_counted_and_those_who_left_apart(store):
    async with store.transaction() as tx:
        await mailed(tx, "first", ["ana", "ben", "eva", "leo"])
        assert await tx.mailings.missed(["first"], [], "readers") == (4, 0)
        await tx.suppressions.add("eva@x.example", why="unsubscribed", list="readers", actor="test")
        await tx.suppressions.add("leo@x.example", why="unsubscribed", list="another", actor="test")
        await mailed(tx, "last", ["ana", "ben", "eva", "leo"], but=("ben",))
        assert await tx.mailings.missed(["first"], ["last"], "readers") == (2, 1), "ben, and eva, who left"
        assert await tx.mailings.missed(["last"], ["first"], "readers") == (0, 0)

"""Recipients of mailings, frozen posts and legal holds are what the ledger tells of, or ``verify`` names what is not."""

import pytest
from record_samples import ANA, AT, assessment, behind_its_back
from sqlalchemy.exc import DBAPIError
from test_records_agreement import lived

from crisis.erasure import Matcher
from crisis.freeze import FreezeState, FrozenPost, ScheduledPost
from crisis.hold import Hold
from crisis.mailing import RecipientState, fingerprint, in_spans, recipient_list, spans
from crisis.personal import ERASED
from crisis.triage import Narrative
from crisis.watch import Mention
from integrations.mail import mailbox
from records import Store
from records.mailings import Settled

R = RecipientState
ACT = {"actor": "outbox"}
LIST = recipient_list(enumerate([f"p{n}@x.example" for n in range(30)]), mailbox)


async def mailed(store: Store) -> None:
    """A mailing with everything that may happen to a recipient, a post frozen and put back, and a hold."""
    where = {"incident": "INC-1", **ACT}
    async with store.transaction() as tx:
        await tx.suppressions.add("p3@x.example", why="by hand", **ACT)
        await tx.mailings.plan("d1", LIST, given="readers", **where)
        batch = await tx.mailings.list("d1", R.PENDING, limit=12)
        await tx.mailings.arm("d1", batch, attempt=1, given="readers", **where)
        outcomes = [Settled(n, R.ACCEPTED) for n in (0, 1, 2, 4)]
        outcomes += [Settled(5, R.REFUSED, "550"), Settled(6, R.UNKNOWN, "?"), Settled(7, R.UNKNOWN, "?")]
        outcomes += [Settled(8, R.PENDING, "450", AT)]
        await tx.mailings.settle("d1", outcomes, attempt=1, **where)
        await tx.mailings.settle("d1", [Settled(6, R.ACCEPTED)], attempt=1, **where)
        await tx.mailings.answer("d1", arrived=True, addresses=["p7@x.example"], **where)
        await tx.mailings.came_back("d1", fingerprint("p0@x.example"), R.BOUNCED, "no such user p0@x.example", **ACT)
        await tx.mailings.stop("d1", "withdrawn", **where)
        post = ScheduledPost(id="7", at=AT, text="Sale!", where="x Acme", original={"draft": True})
        frozen = FrozenPost(
            incident="INC-1", scheduler="marketing", post=post, state=FreezeState.FREEZING, changed_at=AT
        )
        await tx.frozen.put(frozen, **ANA)
        await tx.frozen.put(frozen.model_copy(update={"state": FreezeState.FROZEN}), **ANA)
        await tx.holds.put(Hold(incident="INC-1", by="lea@example.com", reason="a suit", at=AT), **ANA)


async def test_what_was_only_changed_with_records_agrees(store: Store) -> None:
    await lived(store)
    await mailed(store)
    found = await store.verify()
    assert (found.ok, found.problem) == (True, "")
    async with store.transaction() as tx:
        await tx.mailings.erase("d1", incident="INC-1", **ACT)
    found = await store.verify()
    assert (found.ok, found.problem) == (True, "")


@pytest.mark.parametrize(
    ("attack", "says"),
    [
        (
            "UPDATE recipients SET state = 'accepted' WHERE position = 5",
            "recipient 5 of mailing d1 was altered: its state",
        ),
        (
            "UPDATE recipients SET state = 'pending' WHERE position = 0",
            "recipient 0 of mailing d1 was altered: its state",
        ),
        ("UPDATE recipients SET address = 'eve@x.example' WHERE position = 2", "its address is not the one"),
        ("UPDATE recipients SET address = '' WHERE position = 2", "no record tells that it was erased"),
        ("DELETE FROM recipients WHERE position = 4", "recipient 4 of mailing d1 is missing"),
        ("DELETE FROM recipients WHERE position = 29", "has 29 recipients; record"),
        (
            "INSERT INTO recipients (delivery, position, address, fingerprint, state, attempt, tries, problem) "
            "SELECT 'd2', position, address, fingerprint, state, attempt, tries, problem FROM recipients",
            "d2 were put in behind Fireline's back",
        ),
        ("UPDATE recipients SET fingerprint = 'abc', address = '' WHERE position = 1", "has lost its address"),
        ("UPDATE frozen_posts SET state = 'restored'", "its state is not what record"),
        ("UPDATE frozen_posts SET body = replace(body, 'Sale!', 'Buy!')", "its text is not what record"),
        ("UPDATE frozen_posts SET body = replace(body, 'draft', 'daft')", "its original is not what record"),
        ("DELETE FROM frozen_posts", "scheduled post 7 of marketing under INC-1 is missing"),
        ("DELETE FROM holds", "the legal hold of INC-1 is missing"),
        ("UPDATE holds SET state = 'released'", "the legal hold of INC-1 was altered: its state"),
    ],
)
async def test_a_changed_or_removed_row_is_named(store: Store, url: str, attack: str, says: str) -> None:
    await lived(store)
    await mailed(store)
    await behind_its_back(url, attack)
    found = await store.verify()
    assert (found.ok, found.of) == (False, "tables")
    assert says in found.problem


def test_positions_are_written_shortly_and_read_back() -> None:
    assert spans([7, 3, 4, 5, 9, 9]) == "3-5,7,9"
    assert list(in_spans("3-5,7,9")) == [3, 4, 5, 7, 9]
    assert (spans([]), list(in_spans(""))) == ("", [])


async def test_what_is_erased_on_record_agrees_on_either_database_and_nothing_else_may_change(
    store: Store, url: str
) -> None:
    words = "Four hours at the station, and not one word from them"
    post = Mention(id="9", text=words, author="@kim.b", created_at=AT)
    async with store.transaction() as tx:
        incident = await tx.incidents.open(
            watch="acme", title="@kim.b complains", assessment=assessment(), opened_at=AT, started_at=AT, **ANA
        )
        quoted = assessment().model_copy(update={"narratives": (Narrative(id="n", label="late", size=1, quote=words),)})
        await tx.incidents.assess(incident.id, quoted, **ANA)
        await tx.mentions.relied_on(incident.id, [post])
    whose = Matcher(["kim.b"], [words])
    async with store.transaction() as tx:
        places = await tx.erasing.places(whose)
        assert {p.table for p in places} == {"mentions", "disclosures"}
        assert await tx.erasing.erase(whose, places, erasure="E-1", **ANA) == {"mentions": 1, "disclosures": 2}
        assert await tx.erasing.places(whose) == []
        assert await tx.mentions.relied_on(incident.id, [post]) == 0
        assert (await tx.incidents.get(incident.id)).title == ERASED
    found = await store.verify()
    assert (found.ok, found.problem) == (True, "")
    with pytest.raises(DBAPIError, match="written once"):
        await behind_its_back(url, "UPDATE assessments SET body = replace(body, 'late', 'soon') WHERE number = 1")
    await behind_its_back(url, "UPDATE assessments SET body = replace(body, 'late', 'soon') WHERE number = 2")
    found = await store.verify()
    assert "assessment of INC-1 (2) was altered" in found.problem

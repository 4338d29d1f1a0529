"""What the desk's pages look up in one question: whose deliveries are hidden, whose notices are whose, who acted last."""

from datetime import timedelta

import pytest
from record_samples import ANA, AT, delivery, opened

from crisis.access import Restriction
from crisis.clock import FixedClock
from crisis.delivery import Delivery
from records import Store
from records.one_trip import connect


def notice(to: str, incident: str = "INC-1") -> Delivery:
    plain = delivery(f"{incident}/{to}")
    rendering = plain.rendering.model_copy(update={"options": {"to": to}})
    return plain.model_copy(update={"rendering": rendering, "incident": incident})


async def test_deliveries_of_hidden_incidents_and_of_none_are_unseen(store: Store) -> None:
    async with store.transaction() as tx:
        for name in ("INC-1", "INC-2"):
            assert (await opened(tx)).id == name
        sent = {name: notice("lena@example.com", name) for name in ("INC-1", "INC-2", "")}
        for one in sent.values():
            await tx.outbox.enqueue(one, **ANA)
        await tx.restrictions.put(Restriction(incident="INC-2", people=("ida@example.com",), by="x", at=AT), **ANA)
    async with store.reading() as tx:
        assert await tx.outbox.unseen() == {sent[""].id}
    async with store.seen_by(None).reading() as tx:
        assert await tx.outbox.unseen() == {sent[""].id, sent["INC-2"].id}
        places = await tx.outbox.places([one.id for one in sent.values()] + ["nothing"])
        assert places[sent["INC-1"].id].incident == "INC-1"
        assert sent["INC-2"].id not in places


async def test_notices_are_found_by_their_person_and_nobody_elses(store: Store) -> None:
    people = ("a_b@example.com", "axb@example.com", "A_B@example.com", 'a"b@example.com')
    async with store.transaction() as tx:
        for person in people:
            await tx.outbox.enqueue(notice(person), **ANA)
    async with store.reading() as tx:
        for person in people:
            assert await tx.outbox.noticed(person) == {notice(person).id}


async def test_kinds_of_records_of_hidden_incidents_alone_are_not_told(store: Store) -> None:
    async with store.transaction() as tx:
        for _ in range(2):
            await opened(tx)
        await tx.ledger.append("fact.put", incident="INC-2", **ANA)
        await tx.ledger.append("watch.saved", **ANA)
        await tx.restrictions.put(Restriction(incident="INC-2", people=("ida@example.com",), by="x", at=AT), **ANA)
        whole = await tx.ledger_search.kinds()
    assert whole == ["fact.put", "incident.opened", "incident.restricted", "watch.saved"]
    async with store.seen_by(None).reading() as tx:
        assert await tx.ledger_search.kinds() == ["incident.opened", "watch.saved"]


async def test_the_last_act_is_that_of_a_person_or_an_acknowledgement(store: Store, clock: FixedClock) -> None:
    async with store.transaction() as tx:
        await tx.ledger.append("fact.put", incident="INC-1", actor="ana@example.com")
        clock.move(timedelta(hours=1))
        await tx.ledger.append("incident.acknowledged", incident="INC-2", actor="gone@example.com")
        await tx.ledger.append("incident.assessed", incident="INC-1", actor="triage")
    async with store.reading() as tx:
        found = await tx.ledger.last_acts(
            ["INC-1", "INC-2", "INC-3"], actors=["ana@example.com"], kinds=["incident.acknowledged"]
        )
    assert found == {"INC-1": AT, "INC-2": AT + timedelta(hours=1)}


async def test_a_question_to_sqlite_takes_one_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = await connect(":memory:")
    trips, execute = [], connection._execute

    async def counted(*what: object) -> object:
        trips.append(what)
        return await execute(*what)

    monkeypatch.setattr(connection, "_execute", counted)
    cursor = await connection.cursor()
    await cursor.execute("SELECT 1 UNION SELECT 2")
    assert await cursor.fetchall() == [(1,), (2,)]
    await cursor.close()
    assert len(trips) == 1
    await connection.close()

"""What the desk looks up: whether anything changed, who acted, where posts come from, and what closed last."""

from record_samples import ANA, mention, opened
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from crisis.incident import IncidentState
from records import Store
from records.migrations.versions.desk_indexes import _fill_in
from records.watches import MOST_REACH


async def test_the_ledger_tells_its_end_and_that_of_each_incident(store: Store) -> None:
    async with store.transaction() as tx:
        assert await tx.ledger.end() == 0
        await opened(tx)
        await opened(tx)
        last = await tx.ledger.append("incident.acknowledged", incident="INC-1", **ANA)
        assert await tx.ledger.end() == last.seq
        assert await tx.ledger.ends(["INC-1", "INC-2", "INC-9"]) == {"INC-1": last.seq, "INC-2": last.seq - 1}
        assert await tx.ledger.ends([]) == {}
        found = await tx.ledger.list(incident="INC-1", kinds=("incident.acknowledged", "incident.none"))
    assert found == [last]


async def test_the_first_thing_that_each_one_did_is_found(store: Store) -> None:
    async with store.transaction() as tx:
        await opened(tx)
        first = await tx.ledger.append("incident.acknowledged", incident="INC-1", actor="lea@example.com")
        await tx.ledger.append("fact.saved", incident="INC-1", actor="lea@example.com")
        acts = await tx.ledger.first_acts("INC-1")
    assert acts[first.actor] == first
    assert len(acts) == 2


async def test_where_posts_come_from_and_which_reached_most_is_counted(store: Store) -> None:
    posts = [
        mention(str(n), minutes=n).model_copy(update={"source": source, "language": language, "followers": followers})
        for n, (source, language, followers) in enumerate(
            [("x", "en", 5), ("x", "en", 0), ("bluesky", "de", 10**30), ("x", "", 7)]
        )
    ]
    async with store.transaction() as tx:
        await opened(tx)
        await tx.mentions.relied_on("INC-1", posts)
        assert await tx.mentions.spread("INC-1") == {("x", "en"): 2, ("bluesky", "de"): 1, ("x", ""): 1}
        assert [m.id for m in await tx.mentions.widest("INC-1", limit=9)] == ["2", "3", "0"]
        assert [m.id for m in await tx.mentions.newest("INC-1", limit=2)] == ["3", "2"]


async def test_what_closed_last_comes_first(store: Store) -> None:
    async with store.transaction() as tx:
        for _ in range(3):
            await opened(tx)
        for name in ("INC-1", "INC-3"):
            await tx.incidents.step(name, IncidentState.DISMISSED, **ANA)
        assert [i.id for i in await tx.incidents.lately_closed(5)] == ["INC-3", "INC-1"]
        assert [i.id for i in await tx.incidents.lately_closed(1)] == ["INC-3"]
        assert await tx.incidents.names() == ["INC-1", "INC-2", "INC-3"]


async def test_posts_of_an_older_store_get_their_columns_from_what_is_stored(store: Store, url: str) -> None:
    posts = [mention(str(n)).model_copy(update={"source": f"net\u0000{n}", "language": "de"}) for n in range(3)]
    huge = mention("9").model_copy(update={"followers": 10**30})
    async with store.transaction() as tx:
        await opened(tx)
        await tx.mentions.relied_on("INC-1", [*posts, huge])
        before = await tx.mentions.spread("INC-1")
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE mentions SET source = '', language = '', reach = 0"))
        await connection.run_sync(_fill_in)
        assert (await connection.execute(text("SELECT max(reach) FROM mentions"))).scalar() == MOST_REACH
    await engine.dispose()
    async with store.reading() as tx:
        assert await tx.mentions.spread("INC-1") == before

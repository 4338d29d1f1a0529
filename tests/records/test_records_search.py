"""Looking things up in the ledger: every filter, paging to the very first record, and bounded looking through the rest."""

from datetime import UTC, datetime, timedelta

import pytest

from records import Store, ledger_search
from records.ledger_search import Wanted

KINDS = ("fact.saved", "delivery.armed", "delivery.accepted", "code.enrolled")


async def filled(store: Store, records: int = 40) -> None:
    async with store.transaction() as tx:
        for n in range(records):
            await tx.ledger.append(
                KINDS[n % 3] if n else "code.enrolled",
                incident=f"INC-{n % 4}",
                actor="ana@example.com" if n % 5 else "outbox",
                via="desk" if n % 2 else "flow",
                reason=f"because {n}",
                flow_run_id=f"run-{n % 6}",
                data={"text": f"Ärger number {n}"},
            )


async def numbers(store: Store, wanted: Wanted, *, limit: int = 7) -> list[int]:
    """Every matching record, page after page."""
    found, before = [], None
    while True:
        async with store.reading() as tx:
            page = await tx.ledger_search.find(wanted, before=before, limit=limit)
        found += [record.seq for record in page.records]
        if page.older is None:
            return found
        before = page.older


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(incident="INC-2"),
        Wanted(kind="delivery"),
        Wanted(kind="code.enrolled"),
        Wanted(actor="outbox"),
        Wanted(via="desk", actor="outbox"),
        Wanted(run="run-3"),
        Wanted(text="Ärger NUMBER 1"),
        Wanted(text="because 7"),
        Wanted(kind="delivery", incident="INC-1", text="3"),
    ],
)
async def test_paging_finds_each_matching_record_once_the_newest_first(
    store: Store, wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_search, "WINDOW", 3)
    monkeypatch.setattr(ledger_search, "WINDOWS", 2)
    await filled(store)
    async with store.reading() as tx:
        ledger = await tx.ledger.list()

    def matches(n: int) -> bool:
        record = ledger[n]
        named = (wanted.incident, record.incident), (wanted.actor, record.actor), (wanted.via, record.via)
        held = f"{record.reason}\n{record.data}".lower()
        return (
            all(not asked or asked == has for asked, has in (*named, (wanted.run, record.flow_run_id)))
            and (not wanted.kind or record.kind == wanted.kind or record.kind.startswith(f"{wanted.kind}."))
            and wanted.text.lower() in held
        )

    expected = [ledger[n].seq for n in reversed(range(len(ledger))) if matches(n)]
    assert expected
    assert await numbers(store, wanted) == expected


async def test_a_span_of_time_holds_both_its_ends(store: Store) -> None:
    await filled(store, 3)
    async with store.reading() as tx:
        at = (await tx.ledger.list())[0].at
    assert len(await numbers(store, Wanted(since=at, until=at))) == 3
    assert await numbers(store, Wanted(since=at + timedelta(microseconds=1))) == []
    assert await numbers(store, Wanted(until=datetime(1999, 1, 1, tzinfo=UTC))) == []


async def test_a_search_without_an_index_looks_at_a_bounded_number_of_records_and_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_search, "WINDOW", 5)
    monkeypatch.setattr(ledger_search, "WINDOWS", 2)
    await filled(store)
    async with store.reading() as tx:
        found = await tx.ledger_search.find(Wanted(text="because 3x"))
    assert found.records == []
    assert found.looked_at == 10
    assert found.older is not None


async def test_kinds_are_told_each_once(store: Store) -> None:
    await filled(store)
    async with store.reading() as tx:
        assert await tx.ledger_search.kinds() == sorted(KINDS)


async def test_an_empty_ledger_holds_nothing(store: Store) -> None:
    async with store.reading() as tx:
        assert await tx.ledger_search.kinds() == []
        assert (await tx.ledger_search.find(Wanted())).records == []

"""Restrictions, sessions and tokens in the store, on both databases: hidden is hidden, ended is ended, once is once."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from record_samples import ANA, drafted, opened

from crisis.access import Method, Restriction, Scope, Session, Token
from crisis.stakeholder import Stakeholder
from records import NotFound, Store
from records.tables import metadata
from records.view import Hidden

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
IDLE = timedelta(hours=12)
LENA = Stakeholder(name="Lena", email="lena@example.com", roles=("legal",))
VIC = Stakeholder(name="Vic", email="vic@example.com", roles=("viewer",), watches=("other",))
ABOUT_INCIDENTS = {"incident", "statement", "delivery"}
"""Columns by which a row hangs on an incident."""


async def begun(store: Store, person: str, secret: str = "a", now: datetime = NOW) -> Session:
    async with store.transaction() as tx:
        return await tx.sessions.begin(
            secret,
            person=person,
            method=Method.LINK,
            agent="x",
            address="192.0.2.1",
            now=now,
            lasts=timedelta(days=7),
            actor=person,
        )


async def test_what_hangs_on_a_hidden_incident_is_not_there(store: Store) -> None:
    draft = await drafted(store)
    async with store.transaction() as tx:
        await opened(tx)
        restriction = Restriction(incident=draft.incident, people=("ana@example.com",), by="ana@example.com", at=NOW)
        await tx.restrictions.put(restriction, **ANA)
    for viewer in (None, LENA):
        async with store.seen_by(viewer).reading() as tx:
            assert [i.id for i in await tx.incidents.list()] == ["INC-2"]
            assert await tx.statements.list(draft.incident) == []
            with pytest.raises(NotFound):
                await tx.statements.get(draft.id)
            with pytest.raises(NotFound):
                await tx.incidents.get(draft.incident)
            assert {r.incident for r in await tx.ledger.list()} == {"INC-2"}
            assert (await tx.ledger.verify()).ok
    async with store.seen_by(VIC).reading() as tx:
        assert await tx.incidents.list() == []
        assert await tx.ledger.list() == []
    async with store.seen_by(LENA).whole.reading() as tx:
        assert len(await tx.incidents.list()) == 2
    async with store.transaction() as tx:
        assert await tx.restrictions.lift(draft.incident, **ANA)
        assert not await tx.restrictions.lift(draft.incident, **ANA)
    async with store.seen_by(None).reading() as tx:
        assert len(await tx.incidents.list()) == 2


def test_every_table_that_hangs_on_incidents_is_filtered() -> None:
    """A new table says by a column of these names what it belongs to; others hold nothing of one incident."""
    open_to_all = {
        *("watches", "watch_progress", "coverage", "signals", "inbox", "shared_sources", "budgets", "shared_mentions"),
        *("counters", "pictures", "suppressions", "stakeholders", "codes", "ledger_head", "checkpoints"),
        *("sign_ins", "sessions", "api_tokens"),
        *("take_backs", "delegations", "clearances"),  # hashes, names of people, and words for any incident
        *("erasures", "erased_posts", "do_not_engage"),  # people and hashes, of no incident
        "subscriptions",  # how far other systems were told
        *("progress", "checks"),  # the first is filtered by its own rows
    }
    hidden = Hidden(frozenset({"INC-1"}), frozenset({"other"}))
    for name, table in metadata.tables.items():
        filtered = str(hidden.left_out(table.select())) != str(table.select())
        assert filtered == (name not in open_to_all), f"{name}: does it hold anything of an incident?"


async def test_one_transaction_writes_at_a_time_through_whatever_view(store: Store) -> None:
    async with store.transaction():
        with pytest.raises(RuntimeError, match="pass it on"):
            async with store.seen_by(None).transaction():
                pass


async def test_a_session_lives_until_it_ends_is_idle_or_too_old(store: Store) -> None:
    session = await begun(store, "ana@example.com")
    assert session.lives(NOW + IDLE - timedelta(seconds=1), IDLE)
    assert not session.lives(NOW + IDLE, IDLE)
    async with store.transaction() as tx:
        await tx.sessions.seen(session.id, NOW + timedelta(days=6, hours=23))
        found = await tx.sessions.find("a")
        assert found is not None
        assert found.lives(NOW + timedelta(days=6, hours=23, minutes=59), IDLE)
        assert not found.lives(NOW + timedelta(days=7), IDLE)
        assert await tx.sessions.end([session.id], NOW, actor="ana@example.com") == 1
        assert await tx.sessions.end([session.id], NOW, actor="ana@example.com") == 0
        found = await tx.sessions.find("a")
        assert found is not None
        assert not found.lives(NOW, IDLE)
        assert [r.kind for r in await tx.ledger.list()] == ["session.begun", "session.ended"]


async def test_sessions_that_are_long_over_are_forgotten(store: Store) -> None:
    await begun(store, "ana@example.com")
    await begun(store, "ana@example.com", "b", NOW + timedelta(days=38))
    async with store.reading() as tx:
        assert await tx.sessions.find("a") is None
        assert await tx.sessions.find("b") is not None


async def test_whoever_leaves_the_stakeholders_has_no_session_and_no_way_in(store: Store) -> None:
    await begun(store, LENA.email)
    await begun(store, VIC.email, "b")
    async with store.transaction() as tx:
        await tx.stakeholders.put_all([LENA, VIC], actor="configuration")
        await tx.sessions.ask(
            "way", person=VIC.email, method=Method.LINK, good_until=NOW + timedelta(minutes=15), now=NOW
        )
        await tx.stakeholders.put_all([LENA], actor="configuration")
        assert [s.person for s in await tx.sessions.list(now=NOW, idle=IDLE)] == [LENA.email]
        assert await tx.sessions.asked("way", NOW) is None


async def test_a_way_in_is_used_once_however_many_try(store: Store) -> None:
    async with store.transaction() as tx:
        until = NOW + timedelta(minutes=15)
        await tx.sessions.ask("way", person=LENA.email, method=Method.LINK, good_until=until, now=NOW)

    async def use() -> bool:
        async with store.transaction() as tx:
            return await tx.sessions.use("way", NOW)

    async def once() -> bool:
        async with store.transaction() as tx:
            return await tx.sessions.once("other", method=Method.OIDC, now=NOW)

    assert sorted(await asyncio.gather(*(use() for _ in range(5)))) == [False] * 4 + [True]
    assert sorted(await asyncio.gather(*(once() for _ in range(5)))) == [False] * 4 + [True]
    async with store.transaction() as tx:
        await tx.sessions.ask("late", person=LENA.email, method=Method.LINK, good_until=until, now=NOW)
        assert await tx.sessions.asked("late", NOW) == LENA.email
        assert not await tx.sessions.use("late", until)
        assert not await tx.sessions.use("never", NOW)


async def test_a_token_is_found_by_its_hash_until_it_is_revoked(store: Store) -> None:
    token = Token(id="0a", name="board", scopes=(Scope.READ, Scope.INGEST), made_by="ana@example.com", made_at=NOW)
    async with store.transaction() as tx:
        await tx.tokens.add(token, "hash", **ANA)
        with pytest.raises(ValueError, match="in use"):
            await tx.tokens.add(token.model_copy(update={"id": "0b"}), "other", **ANA)
        assert await tx.tokens.find("hash") == token
        assert await tx.tokens.find("other") is None
        for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1"):
            found = await tx.tokens.find("hash")
            assert found is not None
            await tx.tokens.used(found, NOW, address)
        assert len(await tx.ledger.list(kind="token.used")) == 2, "each new address once"
        gone = await tx.tokens.revoke("board", NOW, **ANA)
        assert gone.id == "0a"
        with pytest.raises(NotFound):
            await tx.tokens.revoke("board", NOW, **ANA)
        revoked = await tx.tokens.find("hash")
        assert revoked is not None
        assert not revoked.lives(NOW)

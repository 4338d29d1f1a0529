"""A source that feeds several watches is connected once; each hears its own, loses nothing, and counts once."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from acme import acme
from atproto_networks import JetstreamNetwork
from network import Fault

from crisis.clock import SystemClock
from crisis.coverage import SourceState
from integrations.listening import LiveSource
from records import Holding
from records.shared import SharedSources
from tasks import sharing
from tasks.coverage import coverage
from tasks.detect import listen
from tasks.installation import Installation

KEY = "jetstream:bluesky"
NO_WEBHOOK = ('name = "webhook"\nkind = "webhook"\nwatch = ["acme"]', 'name = "webhook"\nkind = "webhook"\nwatch = []')
SOON = "tick_seconds = 10", "tick_seconds = 1"
SHARED = """
[[watches]]
name = "globex"
brand = "Globex"
query = "globex"
[[sources]]
name = "bluesky"
kind = "jetstream"
watch = ["acme", "globex"]
[sources.settings]
base_url = "{url}"
"""


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiveSource, "first_wait", 0.02)
    monkeypatch.setattr(random, "uniform", lambda low, high: low)
    monkeypatch.setattr("tasks.detect.BATCH_SECONDS", 0.0)
    monkeypatch.setattr("integrations.jetstream.LOOK_EVERY", 0.0)
    for name, seconds in (("STORE_EVERY", 0.02), ("LOOK_EVERY", 0.02), ("CLAIM_EVERY", 0.05), ("PATIENCE", 0.2)):
        monkeypatch.setattr(sharing, name, seconds)
    monkeypatch.setattr("tasks.listening.PATIENCE", 0.2)


@pytest.fixture
async def network() -> AsyncIterator[JetstreamNetwork]:
    async with JetstreamNetwork().running() as running:
        assert isinstance(running, JetstreamNetwork)
        yield running


@asynccontextmanager
async def installed(folder: Path, network: JetstreamNetwork) -> AsyncIterator[Installation]:
    feeds = NO_WEBHOOK[0], NO_WEBHOOK[0].replace('"acme"', '"idle"')
    idle = '[[watches]]\nname = "idle"\nbrand = "Idle"\nquery = "idle"\n'
    async with acme(folder, feeds, SOON, clock=SystemClock(), more=idle + SHARED.format(url=network.url)) as here:
        yield here


@asynccontextmanager
async def listeners(here: Installation, *watches: str) -> AsyncIterator[dict[str, "asyncio.Task[str]"]]:
    tasks = {watch: asyncio.create_task(listen(here, watch)) for watch in watches}
    try:
        yield tasks
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


async def until(ready: Callable[[], Awaitable[Any]], says: str) -> None:
    async with asyncio.timeout(20):
        while not await ready():
            await asyncio.sleep(0.02)
    assert says


async def taken(here: Installation, watch: str) -> list[str]:
    """What a watch has on record, in the order in which it came."""
    async with here.store.reading() as tx:
        progress = await tx.watches.progress(watch)
    return [m["text"] for m in json.loads(progress[1])["recent"]] if progress else []


async def hear(here: Installation, watch: str, *texts: str) -> None:
    async def ready() -> bool:
        return set(texts) <= set(await taken(here, watch))

    try:
        await until(ready, f"{watch} hears {texts}")
    except TimeoutError:
        raise AssertionError(f"{watch} waited in vain for {texts}; it has {await taken(here, watch)}") from None


async def holding(here: Installation) -> Holding | None:
    async with here.store.reading() as tx:
        return await tx.shared.get(KEY)


async def connected(network: JetstreamNetwork) -> None:
    async def ready() -> bool:
        return bool(network.connected)

    await until(ready, "the stream is open")


async def gone(network: JetstreamNetwork) -> bool:
    """Whether nobody is connected any more, which a server notices when it has something to send."""
    network.publish("calm")
    return not network.connected


async def test_two_watches_on_one_source_connect_once_and_each_hears_its_own(
    tmp_path: Path, network: JetstreamNetwork
) -> None:
    async with installed(tmp_path, network) as here, listeners(here, "acme", "globex"):
        await connected(network)
        network.publish("acme fails", "globex fails", "calm", "acme and globex fail")
        await hear(here, "acme", "acme fails", "acme and globex fail")
        await hear(here, "globex", "globex fails", "acme and globex fail")
        assert await taken(here, "acme") == ["acme fails", "acme and globex fail"]
        assert len(network.requests) == 1, "one connection for both"
        assert {(c.watch, c.source, c.health.state) for c in await coverage(here)} == {
            ("acme", "bluesky", SourceState.OK),
            ("globex", "bluesky", SourceState.OK),
        }


async def test_a_watch_that_is_not_listening_finds_its_mentions_on_record_when_it_comes(
    tmp_path: Path, network: JetstreamNetwork
) -> None:
    async with installed(tmp_path, network) as here:
        async with listeners(here, "acme"):
            await connected(network)
            network.publish("globex fails", "acme fails")
            await hear(here, "acme", "acme fails")
        async with listeners(here, "globex"):
            await hear(here, "globex", "globex fails")


async def test_when_the_holder_ends_another_goes_on_where_it_stopped(tmp_path: Path, network: JetstreamNetwork) -> None:
    async with installed(tmp_path, network) as here, listeners(here, "acme", "globex") as tasks:
        await connected(network)
        network.publish("acme 1", "globex 1")
        await hear(here, "acme", "acme 1")
        await hear(here, "globex", "globex 1")
        for ended, left in (("acme", "globex"), ("globex", "acme")):
            tasks[ended].cancel()
            await asyncio.gather(tasks[ended], return_exceptions=True)
            network.publish(f"{left} meanwhile", f"{ended} missed")
            await hear(here, left, f"{left} meanwhile")
            tasks[ended] = asyncio.create_task(listen(here, ended))
            await hear(here, ended, f"{ended} missed")
        assert await taken(here, "acme") == ["acme 1", "acme missed", "acme meanwhile"]
        assert await taken(here, "globex") == ["globex 1", "globex meanwhile", "globex missed"]
        assert len(network.connected) == 1


async def test_a_holder_that_was_killed_is_followed_when_its_lease_has_run_out(
    tmp_path: Path, network: JetstreamNetwork
) -> None:
    async with installed(tmp_path, network) as here:
        async with listeners(here, "acme"):
            await connected(network)
            network.publish("acme before")
            await hear(here, "acme", "acme before")
        left = await holding(here)
        assert left is not None
        until_then = datetime.now(UTC) + timedelta(seconds=1)
        async with here.store.transaction() as tx:  # as it stands when nobody could let go
            await tx.shared.put(KEY, left.model_copy(update={"holder": "killed", "until": until_then}))
        network.publish("globex meanwhile")
        async with listeners(here, "globex"):
            await hear(here, "globex", "globex meanwhile")
            assert datetime.now(UTC) >= until_then
        assert int(network.requests[-1][1]["cursor"]) == int(left.cursor) - 3_000_000


async def test_who_holds_the_source_no_more_stores_nothing_for_it(
    tmp_path: Path, network: JetstreamNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with installed(tmp_path, network) as here, listeners(here, "acme"):
        await connected(network)
        network.publish("acme before")
        await hear(here, "acme", "acme before")
        mine = await holding(here)
        assert mine is not None
        until_then = datetime.now(UTC) + timedelta(hours=1)
        async with here.store.transaction() as tx:
            await tx.shared.put(KEY, mine.model_copy(update={"holder": "another", "until": until_then}))
        network.publish("acme after")

        await until(lambda: gone(network), "it disconnects")
        async with here.store.reading() as tx:
            texts = [m.text for _, m in await tx.shared.after(KEY, "acme", 0, 100)]
        assert texts == ["acme before"]
        assert await holding(here) == mine.model_copy(update={"holder": "another", "until": until_then})


async def test_the_cursor_moves_only_when_the_mentions_of_every_watch_are_on_record(
    tmp_path: Path, network: JetstreamNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = SharedSources.take

    async def broken(self: SharedSources, source: str, found: Any) -> int:
        found = list(found)
        if any("both" in mention.text for _, mention in found):
            await take(self, source, found[:1])
            raise OSError("the disk is full")
        return await take(self, source, found)

    async with installed(tmp_path, network) as here:
        async with listeners(here, "acme", "globex"):
            await connected(network)
            network.publish("acme before")
            await hear(here, "acme", "acme before")
            before = await holding(here)
            with monkeypatch.context() as patch:
                patch.setattr(SharedSources, "take", broken)
                network.publish("acme and globex, both")

                await until(lambda: gone(network), "it cannot store")
                after = await holding(here)
                assert before is not None
                assert after is not None
                assert after.cursor == before.cursor
                assert await taken(here, "acme") == ["acme before"]
        async with here.store.transaction() as tx:
            await tx.shared.put(KEY, after.model_copy(update={"holder": ""}))
        async with listeners(here, "acme", "globex"):
            await hear(here, "acme", "acme and globex, both")
            await hear(here, "globex", "acme and globex, both")


async def test_a_watch_that_the_holder_knows_nothing_of_takes_the_source_over(
    tmp_path: Path, network: JetstreamNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with installed(tmp_path, network) as here, listeners(here, "acme"):
        await connected(network)
        network.publish("acme before")
        await hear(here, "acme", "acme before")
        there = await holding(here)
        assert there is not None
        state = json.loads(there.state)
        del state["asks"]["globex"]
        state["configured_at"] = "2020-01-01T00:00:00Z"
        until_then = datetime.now(UTC) + timedelta(hours=1)
        changed = {"holder": "of an older file", "until": until_then, "state": json.dumps(state)}
        async with here.store.transaction() as tx:
            await tx.shared.put(KEY, there.model_copy(update=changed))
        async with listeners(here, "globex"):
            await connected(network)
            network.publish("globex now")
            await hear(here, "globex", "globex now")


async def test_what_a_watch_missed_while_it_read_the_source_alone_is_not_lost_when_another_joins(
    tmp_path: Path, network: JetstreamNetwork
) -> None:
    network.publish("acme 1", "acme missed")
    alone = {KEY: str(network.posts[0].number * 1000)}
    async with installed(tmp_path, network) as here:
        async with listeners(here, "acme"):
            await connected(network)
            network.publish("acme 2")
            await hear(here, "acme", "acme 2")
        async with here.store.transaction() as tx:
            progress = await tx.watches.progress("acme")
            assert progress is not None
            await tx.watches.save_progress("acme", json.dumps(alone), progress[1])
            from sqlalchemy import text

            await tx.shared._work.write(text("DELETE FROM shared_sources"))
            await tx.shared._work.write(text("DELETE FROM shared_mentions"))
        async with listeners(here, "globex", "acme"):
            await hear(here, "acme", "acme missed")


async def test_a_source_that_is_down_is_down_for_each_of_its_watches(tmp_path: Path, network: JetstreamNetwork) -> None:
    network.faults += [Fault(403)] * 1000
    async with installed(tmp_path, network) as here, listeners(here, "acme", "globex"):

        async def told() -> bool:
            return {(c.watch, c.health.state) for c in await coverage(here)} == {
                ("acme", SourceState.DOWN),
                ("globex", SourceState.DOWN),
            }

        await until(told, "both say so")
        assert len(network.requests) == 1, "it is asked again after a minute, not by each watch in turn"
        assert all("403" in c.health.says for c in await coverage(here))


async def test_what_both_have_taken_is_forgotten_after_a_day_and_what_one_has_not_is_kept(
    tmp_path: Path, network: JetstreamNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "KEPT", timedelta(0))
    async with installed(tmp_path, network) as here:
        async with listeners(here, "acme"):
            await connected(network)
            network.publish("acme 1", "globex 1")
            await hear(here, "acme", "acme 1")
            await asyncio.sleep(0.1)
        async with here.store.reading() as tx:
            assert await tx.shared.after(KEY, "acme", 0, 10) == []
            assert [m.text for _, m in await tx.shared.after(KEY, "globex", 0, 10)] == ["globex 1"]

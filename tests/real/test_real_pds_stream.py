"""A real personal data server's stream of repositories (@atproto/dev-env), with real CAR archives. About 15 s."""

import asyncio
from contextlib import aclosing

import httpx
import pytest

import integrations
from crisis.coverage import SourceState
from integrations.bluesky import COLLECTION

pytestmark = pytest.mark.slow


class Author:
    """An account that posts."""

    def __init__(self, pds: str, name: str) -> None:
        self.client = httpx.AsyncClient(base_url=pds)
        self.name = name
        self.did = ""

    async def log_in(self) -> None:
        body = {"identifier": f"{self.name}.test", "password": f"password-of-{self.name}"}
        answer = (await self.client.post("/xrpc/com.atproto.server.createSession", json=body)).json()
        self.did, self.client.headers["authorization"] = answer["did"], f"Bearer {answer['accessJwt']}"

    async def _write(self, *texts: str) -> None:
        writes = [
            {
                "$type": "com.atproto.repo.applyWrites#create",
                "collection": COLLECTION,
                "value": {"$type": COLLECTION, "text": t, "createdAt": "2026-03-01T12:00:00.000Z", "langs": ["de"]},
            }
            for t in texts
        ]
        body = {"repo": self.did, "writes": writes}
        (await self.client.post("/xrpc/com.atproto.repo.applyWrites", json=body)).raise_for_status()

    async def post(self, *texts: str, at_once: bool = False) -> None:
        if at_once:
            await self._write(*texts)
            return
        for text in texts:
            await self._write(text)


@pytest.fixture
async def ana(pds):
    author = Author(pds, "ana")
    await author.log_in()
    yield author
    await author.client.aclose()


async def hear(source, cursor: str | None, last: str) -> tuple[list[str], list[str]]:
    """Texts, and the cursors behind them, until ``last`` is heard."""
    texts, cursors = [], []
    async with asyncio.timeout(20), aclosing(source.listen(cursor)) as posts:
        async for at, mention in posts:
            texts.append(mention.text)
            cursors.append(at)
            if mention.text == last:
                break
    return texts, cursors


async def listening(source, cursor: str | None, last: str) -> asyncio.Task:
    task = asyncio.create_task(hear(source, cursor, last))
    while not source.health.in_contact:
        await asyncio.sleep(0.01)
    return task


async def test_posts_of_a_real_server_are_heard_and_resumed_without_loss(pds, ana):
    source = integrations.connect("pds_repos", base_url=pds.replace("http", "ws"), timeout=10)
    task = await listening(source, None, "third 👩‍👩‍👧")
    await ana.post("first", "second", "third 👩‍👩‍👧")
    texts, cursors = await task
    assert texts == ["first", "second", "third 👩‍👩‍👧"]
    assert source.health.state is SourceState.OK

    await ana.post("missed 1", "missed 2")
    resumed, _ = await hear(source, cursors[0], "missed 2")
    assert resumed == ["second", "third 👩‍👩‍👧", "missed 1", "missed 2"]
    await source.close()


async def test_a_post_says_whose_and_which_it_is(pds, ana):
    source = integrations.connect("pds_repos", base_url=pds, timeout=10)
    async with aclosing(source.listen(None)) as posts:
        waiting = asyncio.create_task(anext(posts))
        while not source.health.in_contact:
            await asyncio.sleep(0.01)
        await ana.post("whose is it?")
        _, mention = await asyncio.wait_for(waiting, 10)
    await source.close()
    listed = await ana.client.get(
        "/xrpc/com.atproto.repo.listRecords", params={"repo": ana.did, "collection": COLLECTION}
    )
    assert mention.id in {record["uri"] for record in listed.json()["records"]}
    assert (mention.author, mention.language, mention.source) == (ana.did, "de", "bluesky")
    assert mention.url == f"https://bsky.app/profile/{ana.did}/post/{mention.id.rpartition('/')[2]}"


async def test_many_posts_of_one_commit_all_come_and_a_stop_between_them_loses_none(pds, ana):
    source = integrations.connect("pds_repos", base_url=pds, timeout=10)
    task = await listening(source, None, "e")
    await ana.post("a", "b", "c", "d", "e", at_once=True)
    texts, cursors = await task
    assert texts == ["a", "b", "c", "d", "e"]
    again, _ = await hear(source, cursors[1], "e")
    assert {"c", "d", "e"} <= set(again)
    await source.close()


async def test_a_cursor_that_the_real_server_never_gave_begins_at_the_present(pds, ana):
    source = integrations.connect("pds_repos", base_url=pds, timeout=10)
    task = asyncio.create_task(hear(source, "999999999", "now"))
    while "lost" not in source.health.says or not source.health.in_contact:
        await asyncio.sleep(0.01)
    await ana.post("now")
    texts, _ = await task
    assert texts == ["now"]
    await source.close()


async def test_check_opens_the_real_stream(pds):
    source = integrations.connect("pds_repos", base_url=pds, timeout=10)
    health = await source.check()
    await source.close()
    assert health.ok, health.says
    assert "the stream opens" in health.says

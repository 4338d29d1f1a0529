"""Mastodon's hashtag timelines against mastodon-mock, a stateful server of its API. About 10 s."""

import asyncio
from contextlib import aclosing
from typing import Any

import httpx
import pytest

import integrations

pytestmark = pytest.mark.slow


def write(server: Any, *texts: str) -> None:
    with httpx.Client(base_url=server.base_url, headers={"Authorization": "Bearer alice_token"}) as client:
        for text in texts:
            client.post("/api/v1/statuses", data={"status": text, "visibility": "public"}).raise_for_status()


async def heard(source: Any, cursor: str | None, until: str) -> tuple[list[str], str]:
    """What comes from ``cursor`` until a text is heard, and the cursor behind it."""
    texts: list[str] = []
    async with asyncio.timeout(20), aclosing(source.listen(cursor)) as posts:
        async for at, mention in posts:
            texts.append(mention.text)
            if until in mention.text:
                return texts, at
    raise AssertionError(texts)


async def test_a_hashtag_timeline_is_read_and_resumed_over_a_stop(mastodon_server) -> None:
    write(mastodon_server, "the first #acme", "not about it")
    settings = {"base_url": mastodon_server.base_url, "hashtags": ["acme"], "access_token": "alice_token"}
    source = integrations.connect("mastodon_hashtag", **settings)
    assert (await source.check()).ok
    texts, cursor = await heard(source, None, "the first")
    assert texts == ["the first #acme"]
    await source.close()
    missed = [f"missed {n} #acme" for n in range(90)]
    await asyncio.to_thread(write, mastodon_server, *missed)
    source = integrations.connect("mastodon_hashtag", **settings)
    texts, _ = await heard(source, cursor, "missed 89")
    await source.close()
    assert [t for t in texts if "missed" in t] == missed, "three pages, in their order"

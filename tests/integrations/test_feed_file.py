"""Feeds in a folder: each statement once in all of them, whole files, and nothing of anybody else's lost."""

import asyncio
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import feedparser
import pytest

import integrations
from integrations import Misconfigured, Refused, Unknown, Unreachable
from integrations.feed_file import ATOM, FEED, RSS

HOSTILE = "5 < 6 & <script>alert('x')</script> ]]> \x00 é ☕"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "newsroom"


@pytest.fixture
def feeds(folder):
    return integrations.connect("feed_file", base_url="https://acme.test/news", directory=folder)


def entry(render, text="We know.", subject="Outage", **more):
    return render(text, kind="feed_file", subject=subject, **more)


def titles(folder):
    """Of each of the three feeds, as a feed reader sees them."""
    listed = [item["title"] for item in json.loads((folder / FEED).read_bytes())["items"]]
    return [
        listed,
        *([e.title for e in feedparser.parse((folder / name).read_bytes()).entries] for name in (ATOM, RSS)),
    ]


async def test_a_statement_is_in_every_feed_once_however_often_it_is_sent(folder, feeds, render):
    assert await feeds.find("k", entry(render)) is None
    receipts = [await feeds.publish(entry(render), "k") for _ in range(3)]
    await feeds.publish(entry(render, subject="More"), "k2")
    assert len({r.id for r in receipts}) == 1
    assert (await feeds.find("k")).id == receipts[0].id
    assert [sorted(seen) for seen in titles(folder)] == [["More", "Outage"]] * 3
    assert all(stat.S_IMODE((folder / name).stat().st_mode) == 0o644 for name in (FEED, ATOM, RSS))


async def test_text_stays_text_in_every_feed(folder, feeds, render):
    await feeds.publish(entry(render, HOSTILE, subject=HOSTILE), "k")
    for name in (ATOM, RSS):
        ElementTree.parse(folder / name)
    rss = ElementTree.parse(folder / RSS).find("channel/item/description").text
    assert rss.startswith("5 &lt; 6 &amp; &lt;script&gt;")
    assert feedparser.parse((folder / ATOM).read_bytes()).entries[0].content[0].value.startswith("5 < 6 & <script>")


async def test_a_statement_that_is_not_in_every_feed_is_finished(folder, feeds, render):
    await feeds.publish(entry(render), "k")
    (folder / RSS).unlink()
    assert await feeds.find("k") is None
    await feeds.publish(entry(render), "k")
    assert titles(folder) == [["Outage"]] * 3


async def test_corrections_are_entries_changes_keep_their_place_and_what_is_taken_back_is_gone(folder, feeds, render):
    first = await feeds.publish(entry(render), "k")
    await feeds.publish(entry(render, "It was 3.", subject="Correction", reply_to=first.id), "k2")
    await feeds.amend(first, entry(render, "We know more.", subject="Outage since 9"))
    assert sorted(titles(folder)[0]) == ["Correction", "Outage since 9"]
    await feeds.withdraw(first)
    await feeds.withdraw(first)
    assert titles(folder) == [["Correction"]] * 3
    assert await feeds.find("k") is None
    with pytest.raises(Refused, match="correction"):
        await feeds.amend(first, entry(render))


async def test_writers_at_the_same_time_lose_nothing_of_each_other(folder, render):
    def write(number: int) -> None:
        own = integrations.connect("feed_file", base_url="https://acme.test/news", directory=folder)
        asyncio.run(own.publish(entry(render, subject=f"{number:02}"), f"k{number}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(16)))
    assert [sorted(seen) for seen in titles(folder)] == [[f"{n:02}" for n in range(16)]] * 3


async def test_a_folder_that_cannot_be_used_is_told_and_nothing_is_there(tmp_path, render, monkeypatch):
    (tmp_path / "file").write_text("x")
    feeds = integrations.connect("feed_file", base_url="https://acme.test", directory=tmp_path / "file" / "sub")
    with pytest.raises(Unreachable):
        await feeds.publish(entry(render), "k")
    with pytest.raises(Unknown):
        await feeds.find("k")
    assert not (await feeds.check()).ok
    other = tmp_path / "other"
    other.mkdir()
    (other / FEED).write_text('{"version": "mine"}')
    feeds = integrations.connect("feed_file", base_url="https://acme.test", directory=other)
    with pytest.raises(Misconfigured, match="move it away"):
        await feeds.publish(entry(render), "k")
    assert (other / FEED).read_text() == '{"version": "mine"}'
    assert not (await feeds.check()).ok


async def test_a_disk_that_is_full_half_way_leaves_whole_files_and_is_unknown(folder, feeds, render, monkeypatch):
    await feeds.publish(entry(render), "k")
    written = []
    original = integrations.feed_file._replace

    def full(path, content):
        if written:
            raise OSError(28, "No space left on device")
        written.append(path)
        original(path, content)

    monkeypatch.setattr(integrations.feed_file, "_replace", full)
    with pytest.raises(Unknown, match="No space"):
        await feeds.publish(entry(render, subject="Second"), "k2")
    assert await feeds.find("k2") is None
    assert titles(folder)[1:] == [["Outage"]] * 2
    monkeypatch.setattr(integrations.feed_file, "_replace", original)
    await feeds.publish(entry(render, subject="Second"), "k2")
    assert [sorted(seen) for seen in titles(folder)] == [["Outage", "Second"]] * 3


async def test_check_leaves_nothing_but_the_folder(folder, feeds):
    health = await feeds.check()
    assert health.ok
    assert "0 statements" in health.says
    assert [path.name for path in folder.iterdir()] == [".fireline-lock"]

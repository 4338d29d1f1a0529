"""Whatever its network, a source loses nothing, survives everything, and tells how it is.

Each kind listens to a loopback network (``networks.py``) that behaves as the platform's documentation says.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from network import SECRET, Fault, Network
from networks import NETWORKS

import integrations
from crisis.coverage import SourceState
from crisis.watch import Mention
from integrations import Misconfigured, Source
from integrations.listening import LiveSource, Pulse

HOSTILE = "acme \x00\x07 \u202eesrever <script>alert(1)</script> & \u200f👩‍👩‍👧 'quoted' \"twice\" {{7*7}}"


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources ask again at once instead of after seconds; rate limits are kept."""
    monkeypatch.setattr(LiveSource, "first_wait", 0.02)
    monkeypatch.setattr(random, "uniform", lambda low, high: low)


@pytest.fixture(params=NETWORKS, ids=lambda network: network.kind)
async def network(request: pytest.FixtureRequest) -> AsyncIterator[Network]:
    async with request.param().running() as running:
        yield running


@asynccontextmanager
async def listening(network: Network, cursor: str | None = None, **more: Any) -> AsyncIterator["Listening"]:
    source = integrations.connect(network.kind, **{**network.settings, **more})
    if source.every is not None:
        source.every = 0.05
    heard = Listening(source, cursor)
    try:
        yield heard
    finally:
        await heard.stop()


class Listening:
    """A source being listened to, and what it gave out."""

    def __init__(self, source: Any, cursor: str | None) -> None:
        self.source: Any = source
        self.cursor = cursor
        self.mentions: list[Mention] = []
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async with aclosing(self.source.listen(self.cursor)) as posts:
            async for self.cursor, mention in posts:
                self.mentions.append(mention)

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.source.close()

    @property
    def texts(self) -> list[str]:
        """What was said, without what the platform puts around it."""
        return [re.sub(r"^(What happened\?|Outage|Broken)\n", "", m.text) for m in self.mentions]

    async def until(self, what: Any, says: str) -> None:
        for _ in range(1000):
            if what():
                return
            if self.task.done():
                self.task.result()
            await asyncio.sleep(0.01)
        raise AssertionError(f"waited in vain until {says}; heard {self.texts}, {self.source.health}")

    async def ready(self, network: Network) -> None:
        """Connected, or asked once."""
        await self.until(lambda: self.source.health.in_contact, "there is contact")
        if network.streams:
            await self.until(lambda: network.connected, "the stream is open")

    async def hear(self, *texts: str) -> None:
        await self.until(lambda: set(texts) <= set(self.texts), f"{texts} are heard")


async def test_posts_come_with_all_that_is_known_of_them(network: Network) -> None:
    async with listening(network) as heard:
        await heard.ready(network)
        [post] = network.publish("acme is down & out")
        await heard.hear("acme is down & out")
        [mention] = heard.mentions
        assert mention.id
        assert mention.author
        assert mention.url.startswith("https://") or network.kind in {"feed"}
        assert abs(mention.created_at - post.at) <= timedelta(seconds=1)
        assert heard.source.health.state is SourceState.OK
        assert heard.source.health.last_post_at == mention.created_at


async def test_stopped_and_resumed_it_loses_nothing(network: Network) -> None:
    async with listening(network) as heard:
        await heard.ready(network)
        network.publish("one", "two", "three")
        await heard.hear("one", "two", "three")
        cursor = heard.cursor
    missed = [f"missed {n}" for n in range(7)]
    network.publish(*missed)
    async with listening(network, cursor) as heard:
        await heard.hear(*missed)
        await heard.ready(network)
        network.publish("after")
        await heard.hear("after")
        assert [t for t in dict.fromkeys(heard.texts) if t.startswith("missed")] == missed, "in their order"


async def test_stopped_after_any_post_it_resumes_behind_that_one(network: Network) -> None:
    async with listening(network) as heard:
        await heard.ready(network)
        network.publish("first")
        await heard.hear("first")
        cursor = heard.cursor
    texts = [f"post {n}" for n in range(6)]
    network.publish(*texts)
    taken: list[str] = []
    while not set(texts) <= set(taken):
        before = len(set(taken))
        async with listening(network, cursor) as heard:
            new = lambda: any(t not in taken and t in texts for t in heard.texts)  # noqa: E731, B023
            await heard.until(new, "another post is heard")
            at = next(i for i, t in enumerate(heard.texts) if t not in taken and t in texts)
            taken += heard.texts[: at + 1]
            # Only what was taken counts: the cursor that came with it.
            source = integrations.connect(network.kind, **network.settings)
            async with aclosing(source.listen(cursor)) as posts:
                number = 0
                async for at_this, _ in posts:
                    cursor = at_this
                    if number == at:
                        break
                    number += 1
            await source.close()
        assert len(set(taken)) > before


async def test_a_broken_connection_is_made_again_and_what_was_said_meanwhile_is_heard(network: Network) -> None:
    async with listening(network) as heard:
        await heard.ready(network)
        network.publish("before")
        await heard.hear("before")
        network.drop()
        if network.streams:
            await heard.until(lambda: heard.source.health.reconnects > 0, "the break is noticed")
        network.publish("meanwhile 1", "meanwhile 2", "meanwhile 3")
        await heard.hear("meanwhile 1", "meanwhile 2", "meanwhile 3")
        assert heard.source.health.reconnects >= 1
        assert heard.source.health.in_contact
        assert len(heard.texts) == len(set(heard.texts)), "what comes again after a reconnection is not given out again"


async def test_what_cannot_be_read_is_skipped_and_stops_nothing(network: Network) -> None:
    async with listening(network) as heard:
        await heard.ready(network)
        network.publish("before")
        await heard.hear("before")
        network.garbage()
        network.publish("after")
        await heard.hear("after")
        assert set(heard.texts) == {"before", "after"}


async def test_hostile_texts_arrive_harmless_and_bounded(network: Network) -> None:
    async with listening(network) as heard:
        await heard.ready(network)
        network.publish(HOSTILE, "acme " + "x" * 1_000_000, "calm")
        await heard.hear("calm")
        await heard.until(lambda: len(set(heard.texts)) == 3, "all three are heard")
        for mention in heard.mentions:
            assert len(mention.text) <= 100_000
            assert not re.search(r"[\x00-\x08\x0e-\x1f\ud800-\udfff]", mention.text)
            mention.model_dump_json()
        hostile = next(t for t in heard.texts if "esrever" in t)
        assert "👩‍👩‍👧" in hostile or network.kind == "feed"


async def test_a_rate_limit_is_waited_out_as_the_platform_says(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    if network.kind == "x_stream":  # its own rule is a minute at the least; see the test of its waits
        monkeypatch.setattr("integrations.x_stream.XStream.wait", LiveSource.wait)
    network.faults += [Fault(429, network.limit)]
    async with listening(network) as heard:
        await heard.until(lambda: not network.faults, "the limit is met")
        await heard.until(lambda: "come back at" in heard.source.health.says, "it says so")
        assert heard.source.health.state is SourceState.DEGRADED
        asked = len(network.requests)
        await asyncio.sleep(0.3)
        assert len(network.requests) == asked, "it does not ask meanwhile"
        await heard.ready(network)
        network.publish("after the limit")
        await heard.hear("after the limit")


async def test_wrong_credentials_end_listening_and_are_told_without_the_secret(network: Network) -> None:
    network.faults += [Fault(403, body=f'{{"error": "bad token {SECRET}"}}')] * 3
    source = integrations.connect(network.kind, **network.settings)
    with pytest.raises(Misconfigured) as caught:
        async for _ in source.listen(None):
            pass
    health = source.health
    await source.close()
    assert health.state is SourceState.DOWN
    assert "403" in health.says
    if network.token:
        assert SECRET not in str(caught.value) + health.says


async def test_a_server_that_is_gone_leaves_the_source_degraded_and_then_down(network: Network) -> None:
    class Gone(type(network)):  # type: ignore[misc]
        pass

    gone = Gone()
    gone.url = "http://127.0.0.1:9"
    async with listening(gone) as heard:
        now = datetime.now(UTC)
        heard.source.pulse._now = lambda: now
        await heard.until(lambda: heard.source.health.reconnects > 0, "the first attempt has failed")
        assert heard.source.health.state is SourceState.DEGRADED
        now += timedelta(minutes=2)
        assert heard.source.health.state is SourceState.DOWN
        assert "cannot be reached" in heard.source.health.says
        health = await heard.source.check()
        assert not health.ok


async def test_check_proves_the_way_without_taking_posts(network: Network) -> None:
    network.publish("one", "two")
    source = integrations.connect(network.kind, **network.settings)
    health = await source.check()
    assert health.ok, health.says
    network.faults += [Fault(403, body=SECRET)] * 3
    refused = await source.check()
    await source.close()
    assert not refused.ok
    assert not network.token or SECRET not in refused.says


async def test_a_cursor_of_another_kind_is_refused_in_words(network: Network) -> None:
    source = integrations.connect(network.kind, **network.settings)
    with pytest.raises(Misconfigured, match="no cursor"):
        async for _ in source.listen("no cursor at all/"):
            pass
    await source.close()


@pytest.mark.parametrize("status", [500, 502, 408])
async def test_an_answer_of_500_is_tried_again_and_loses_nothing(network: Network, status: int) -> None:
    async with listening(network) as heard:
        await heard.ready(network)
        network.publish("before")
        await heard.hear("before")
        cursor = heard.cursor
    network.publish("missed 1", "missed 2", "missed 3")
    network.faults += [Fault(status)] * 4
    async with listening(network, cursor) as heard:
        await heard.hear("missed 1", "missed 2", "missed 3")
        assert not network.faults
        await heard.until(lambda: heard.source.health.state is SourceState.OK, "all is well again")


@pytest.mark.parametrize("body", ["{not json", "", "[]", "null", '{"data": 5}', "<html>We are down</html>", "\x00\xff"])
async def test_an_answer_that_makes_no_sense_is_told_and_tried_again(network: Network, body: str) -> None:
    network.publish("before")
    async with listening(network) as heard:
        await heard.ready(network)
        network.publish("one")
        await heard.hear("one")
        cursor = heard.cursor
    network.faults += [Fault(200, body=body)] * 2
    network.publish("two")
    async with listening(network, cursor) as heard:
        await heard.hear("two")
        assert not network.faults


async def test_a_server_that_answers_nonsense_is_asked_less_and_less_and_is_down_after_a_minute(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.faults += [Fault(404, body="nothing here")] * 1000
    waits: list[float] = []
    monkeypatch.setattr(type(network), "drop", lambda self: None)
    async with listening(network) as heard:
        now = datetime.now(UTC)
        heard.source.pulse._now = lambda: now
        wait = heard.source.wait
        heard.source.wait = lambda error, failures: waits.append(wait(error, failures)) or 0.01
        if network.kind in {"jetstream", "pds_repos"}:  # a wrong address: no waiting mends it
            with pytest.raises(Misconfigured, match="404"):
                await asyncio.wait_for(asyncio.shield(heard.task), 5)
            return
        await heard.until(lambda: len(waits) >= 5, "it has tried five times")
        assert waits == sorted(waits)
        assert waits[4] >= 4 * waits[0] or network.kind == "x_stream"
        now += timedelta(minutes=2)
        await heard.until(lambda: len(waits) >= 8, "it goes on trying")
        assert heard.source.health.state is SourceState.DOWN
        assert "404" in heard.source.health.says


async def test_where_nobody_says_anything_all_is_well_and_nothing_is_given_out(network: Network) -> None:
    async with listening(network) as heard:
        await heard.ready(network)
        await asyncio.sleep(0.3)
        assert heard.mentions == []
        assert heard.cursor is None
        assert heard.source.health.state is SourceState.OK
        assert heard.source.health.reconnects == 0


async def test_an_answer_that_does_not_come_in_time_is_told_and_asked_for_again(network: Network) -> None:
    async with listening(network) as heard:
        await heard.ready(network)
        network.publish("before")
        await heard.hear("before")
        cursor = heard.cursor
    network.publish("late")
    network.faults += [Fault(503, delay=0.4)] * 3
    async with listening(network, cursor, timeout=0.15) as heard:
        await heard.until(lambda: heard.source.health.reconnects > 0, "it gives up")
        said = heard.source.health.says
        assert "no answer within 0.15 s" in said or "timed out" in said, said
        await heard.hear("late")


async def test_a_connection_that_is_reset_is_made_again(network: Network) -> None:
    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    server = await asyncio.start_server(reset, "127.0.0.1", 0)
    there, network.url = network.url, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with listening(network) as heard:
        await heard.until(lambda: heard.source.health.reconnects >= 2, "it tries again")
        assert heard.source.health.state is SourceState.DEGRADED
        assert heard.source.health.says
    server.close()
    network.url = there
    async with listening(network) as heard:
        await heard.ready(network)


async def test_posts_that_are_deleted_confuse_nothing(network: Network) -> None:
    async with listening(network) as heard:
        await heard.ready(network)
        first = network.publish("one", "two")
        await heard.hear("one", "two")
        network.delete(*first)
        network.publish("three")
        await heard.hear("three")
        assert heard.texts == ["one", "two", "three"], "what was heard stays heard, once"
        assert heard.source.health.reconnects == 0
        cursor = heard.cursor
    [last] = [p for p in network.posts if p.text == "three"]
    taken_back, _ = network.publish("four", "five")
    network.delete(last, taken_back)
    async with listening(network, cursor) as heard:
        await heard.hear("five")
        assert network.streams or set(heard.texts) <= {"three", "five"}, "what is gone is listed no more"


async def test_a_token_that_expired_ends_listening_in_words_or_is_renewed(network: Network) -> None:
    network.faults += [Fault(401, body='{"error": "token expired"}')]
    renews = network.kind in {"reddit", "play_reviews"}
    async with listening(network) as heard:
        if renews:
            await heard.ready(network)
            network.publish("after")
            await heard.hear("after")
        else:
            with pytest.raises(Misconfigured, match="401"):
                await asyncio.wait_for(asyncio.shield(heard.task), 5)
            assert heard.source.health.state is SourceState.DOWN


@pytest.mark.parametrize("kind", [network.kind for network in NETWORKS])
def test_every_setting_is_explained_and_every_source_has_the_protocol(kind: str) -> None:
    cls = integrations.integration(kind)
    assert all(f.description for f in cls.settings_model.model_fields.values())
    assert {"base_url", "timeout"} <= set(cls.settings_model.model_fields)
    assert {"listen", "check", "close", "health", "live"} <= set(dir(cls))
    assert issubclass(cls, LiveSource)
    assert Source


def test_a_gap_is_told_for_a_while_and_late_posts_are() -> None:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    pulse = Pulse(stream=True, now=lambda: now)
    assert pulse.health.state is SourceState.DEGRADED, "not connected yet"
    pulse.contact()
    assert pulse.health.state is SourceState.OK
    pulse.gap("posts are lost")
    assert (pulse.health.state, pulse.health.says) == (SourceState.DEGRADED, "posts are lost")
    now += timedelta(minutes=16)
    assert pulse.health.state is SourceState.OK
    pulse.post(Mention(id="1", text="x", created_at=now - timedelta(minutes=30)))
    assert pulse.health.says == "posts arrive 30 minutes late"
    pulse.post(Mention(id="2", text="x", created_at=now))
    assert pulse.health.state is SourceState.OK
    pulse.carried(now)
    pulse.post(Mention(id="3", text="x", created_at=now - timedelta(days=400)))
    assert pulse.health.state is SourceState.OK, "its author dated it back; the platform sent it at once"

"""Whatever goes wrong, every kind says the same: there, certainly not there, or unknown; none posts twice by itself."""

import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from counting_http import Fault
from kinds_served import ADDRESSES, KINDS, SECRET, media_of, settings_of
from proxy import Proxy

import integrations
from crisis.delivery import Receipt
from crisis.stakeholder import Route
from crisis.statement import Rendering
from integrations import Message, Misconfigured, RateLimited, Refused, Unknown, Unreachable
from integrations.thread import planned

NOTICE = Message(key="key-1", subject="SEV1", text="Look at this", thread="INC-1")


@dataclass
class Bench:
    """A receiver, how to connect to it, and how to send to it."""

    receiver: Any
    settings: dict[str, Any]
    write: bytes
    """The start of the request that posts."""
    look: bytes
    """What every request that looks up holds."""
    send: Callable[[Any], Awaitable[Receipt]]
    find: Callable[[Any], Awaitable[Receipt | None]]
    kind: str

    def connect(self, **more: Any) -> Any:
        settings = {"base_url": self.receiver.url, "timeout": 5, **self.settings, **more}
        return integrations.connect(self.kind, **settings)


@pytest.fixture(scope="module", params=sorted(KINDS))
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Any]]:
    with KINDS[request.param][0]() as receiver:
        yield request.param, receiver


@pytest.fixture
def bench(served: tuple[str, Any], render) -> Bench:
    kind, receiver = served
    receiver.reset()
    settings, write = settings_of(kind, receiver), KINDS[kind][2]
    rendering: Rendering = render(
        "We are sorry & looking into it.",
        kind=kind,
        subject="Outage",
        address=ADDRESSES.get(kind, ""),
        media=media_of(kind),
    )

    async def send(channel: Any) -> Receipt:
        if kind == "slack":
            return await channel.notify(NOTICE, Route(notifier="slack", address=ADDRESSES[kind]))
        return await channel.publish(rendering, "key-1")

    async def find(channel: Any) -> Receipt | None:
        with planned(datetime.now(UTC)):
            return await channel.find("key-1", rendering)

    look = b"POST /api/conversations." if kind == "slack" else b"GET "
    return Bench(receiver, settings, write, look, send, find, kind)


async def test_what_was_sent_is_found_and_sent_once(bench):
    channel = bench.connect()
    assert await bench.find(channel) is None
    receipt = await bench.send(channel)
    assert (await bench.find(channel)).id == receipt.id
    assert (await bench.find(bench.connect())).id == receipt.id
    assert len(bench.receiver.created) == 1
    await channel.close()


@pytest.mark.parametrize("silent", [False, True], ids=["reset", "timeout"])
async def test_delivered_but_the_answer_lost_is_unknown_and_then_found(bench, silent):
    with Proxy("127.0.0.1", bench.receiver.port, after=bench.write) as proxy:
        url = bench.receiver.url.replace(str(bench.receiver.port), str(proxy.port))
        channel = bench.connect(base_url=url, timeout=1)
        proxy.silent = silent
        proxy.lose()
        with pytest.raises(Unknown):
            await bench.send(channel)
        assert proxy.lost == 1
        assert len(bench.receiver.created) == 1
        assert await bench.find(channel) is not None


async def test_500_after_it_was_taken_is_unknown_and_then_found(bench):
    bench.receiver.faults.append(Fault(500, done=True))
    channel = bench.connect()
    with pytest.raises(Unknown, match="500"):
        await bench.send(channel)
    assert len(bench.receiver.created) == 1
    assert await bench.find(channel) is not None


async def test_500_before_it_was_taken_is_unknown_and_then_proven_absent(bench):
    bench.receiver.faults.append(Fault(503))
    channel = bench.connect()
    with pytest.raises(Unknown, match="503"):
        await bench.send(channel)
    assert await bench.find(channel) is None


@pytest.mark.parametrize("body", ["<html>ok</html>", "[]", "{}", '{"id": 7, "uri": null}', ""])
async def test_a_malformed_answer_after_a_write_is_unknown_and_then_found(bench, body):
    bench.receiver.faults.append(Fault(200, body, done=True))
    channel = bench.connect()
    with pytest.raises(Unknown):
        await bench.send(channel)
    assert await bench.find(channel) is not None
    assert len(bench.receiver.created) == 1


def _in(seconds: int) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (lambda: {"Retry-After": "90"}, 90),
        (lambda: {"Retry-After": format_datetime(_in(90), usegmt=True)}, 90),
        (lambda: {"ratelimit-reset": str(int(_in(90).timestamp()))}, 90),
        (lambda: {"X-RateLimit-Reset": _in(90).isoformat().replace("+00:00", "Z")}, 90),
        (lambda: {"X-RateLimit-Reset-After": "90.5"}, 90.5),
        (lambda: {}, 30),
        (lambda: {"Retry-After": "soon"}, 30),
    ],
    ids=["seconds", "http-date", "epoch", "iso-8601", "fraction", "absent", "junk"],
)
async def test_a_rate_limit_says_when_to_come_back_and_nothing_is_there(bench, headers, seconds):
    bench.receiver.faults.append(Fault(429, headers=headers()))
    channel = bench.connect()
    with pytest.raises(RateLimited) as caught:
        await bench.send(channel)
    assert type(caught.value) is RateLimited
    assert abs((caught.value.until - _in(0)).total_seconds() - seconds) < 3
    assert await bench.find(channel) is None


@pytest.mark.parametrize(
    ("status", "outcome"), [(400, Refused), (422, Refused), (401, Misconfigured), (403, Misconfigured)]
)
async def test_a_refusal_is_certain_and_repeats_no_secret(bench, status, outcome):
    bench.receiver.faults.append(Fault(status, f'{{"error": "no", "you_sent": "Bearer abcdefgh1234 {SECRET}"}}'))
    channel = bench.connect()
    with pytest.raises(outcome) as caught:
        await bench.send(channel)
    assert SECRET not in str(caught.value)
    assert "abcdefgh1234" not in str(caught.value)
    assert await bench.find(channel) is None


async def test_a_redirect_is_misconfigured_and_not_followed(bench):
    bench.receiver.faults.append(Fault(307, headers={"Location": "http://elsewhere.test/"}))
    with pytest.raises(Misconfigured, match=r"elsewhere\.test"):
        await bench.send(bench.connect())


async def test_no_connection_means_that_nothing_was_sent(bench):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    for base_url in (f"http://127.0.0.1:{port}", "http://nowhere.invalid"):
        with pytest.raises(Unreachable) as caught:
            await bench.send(bench.connect(base_url=base_url))
        assert caught.value.until > _in(0)


async def test_a_look_up_that_fails_never_says_that_the_post_is_absent(bench):
    channel = bench.connect()
    await bench.send(channel)
    with Proxy("127.0.0.1", bench.receiver.port, after=bench.look) as proxy:
        url = bench.receiver.url.replace(str(bench.receiver.port), str(proxy.port))
        other = bench.connect(base_url=url)
        proxy.lose(100)
        with pytest.raises(Unknown):
            await bench.find(other)
    with pytest.raises(Unknown):
        await bench.find(bench.connect(base_url="http://nowhere.invalid"))


async def test_a_look_up_survives_one_lost_answer(bench):
    with Proxy("127.0.0.1", bench.receiver.port, after=bench.look) as proxy:
        channel = bench.connect(base_url=bench.receiver.url.replace(str(bench.receiver.port), str(proxy.port)))
        await bench.send(channel)
        proxy.lose(1)
        assert await bench.find(channel) is not None


async def test_a_token_that_ran_out_is_misconfigured_or_renewed(bench):
    if bench.kind == "bluesky":
        channel = bench.connect()
        await bench.find(channel)
        bench.receiver.expire()
        await bench.send(channel)
        assert len(bench.receiver.created) == 1
        return
    status, body = (200, '{"ok": false, "error": "token_expired"}') if bench.kind == "slack" else (401, "{}")
    bench.receiver.faults.append(Fault(status, body))
    with pytest.raises(Misconfigured, match="Check the"):
        await bench.send(bench.connect())


async def test_check_publishes_nothing_and_says_who_we_are_or_what_is_wrong(bench):
    health = await bench.connect().check()
    assert health.ok, health.says
    assert bench.receiver.created == []
    broken = await bench.connect(base_url="http://nowhere.invalid").check()
    assert not broken.ok
    assert SECRET not in broken.says


async def test_receipts_hold_no_secret(bench):
    receipt = await bench.send(bench.connect())
    assert SECRET not in receipt.model_dump_json()
    assert receipt.raw["parts"]


async def test_settings_show_no_secret_and_wrong_ones_are_named_without_it(bench):
    model = integrations.integration(bench.kind).settings_model
    secret = next(name for name, f in model.model_fields.items() if "Secret" in str(f.annotation))
    assert SECRET not in repr(model(**{"base_url": "http://x.test", **bench.settings}))
    with pytest.raises(Misconfigured, match="Its settings are") as caught:
        bench.connect(**{secret: ["hunter2"]})
    assert "hunter2" not in str(caught.value)

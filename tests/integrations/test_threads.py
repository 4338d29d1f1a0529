"""A text in several parts, on every kind that has threads: finished when it broke off, and never half left standing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from counting_http import Fault
from kinds_served import ADDRESSES, KINDS, THREADED

import integrations
from integrations import RateLimited, Refused, Unknown
from integrations.thread import planned


@pytest.fixture(scope="module", params=THREADED)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Any]]:
    with KINDS[request.param][0]() as receiver:
        yield request.param, receiver


@pytest.fixture
def thread(served: tuple[str, Any], render) -> tuple[Any, Any, Any]:
    kind, receiver = served
    receiver.reset()

    def connect() -> Any:
        return integrations.connect(kind, base_url=receiver.url, timeout=5, **KINDS[kind][1])

    parts = ("We are sorry (1/3)", "We are working on it (2/3)", "Next update at 15:00 UTC (3/3)")
    return receiver, connect, render(*parts, kind=kind, address=ADDRESSES.get(kind, ""))


def after(writes: int, fault: Fault) -> list[Fault | None]:
    return [*[None] * writes, fault]


@pytest.mark.parametrize("fault", [Fault(500), Fault(500, done=True), Fault(429, headers={"Retry-After": "1"})])
async def test_a_thread_that_broke_off_is_finished_by_another_process_and_not_begun_again(thread, fault):
    receiver, connect, whole = thread
    receiver.faults += after(1, fault)
    with pytest.raises((Unknown, RateLimited)):
        await connect().publish(whole, "k")
    assert await connect().find("k", whole) is None
    receipt = await connect().publish(whole, "k")
    assert receiver.created == [part.text for part in whole.parts]
    found = await connect().find("k", whole)
    assert found.raw["parts"] == receipt.raw["parts"]
    assert len(set(receipt.raw["parts"])) == 3


async def test_a_refused_part_leaves_nothing_standing(thread):
    receiver, connect, whole = thread
    receiver.faults += after(2, Fault(400, '{"error": "no"}'))
    with pytest.raises(Refused):
        await connect().publish(whole, "k")
    assert await connect().find("k", whole.model_copy(update={"parts": whole.parts[:1]})) is None


async def test_a_thread_that_is_there_is_not_sent_again(thread):
    receiver, connect, whole = thread
    first = await connect().publish(whole, "k")
    again = await connect().publish(whole, "k")
    assert len(receiver.created) == 3
    assert again.raw["parts"] == first.raw["parts"]


@pytest.mark.parametrize("kind", ["mastodon", "x", "threads"])
async def test_an_older_post_of_the_same_words_is_another_statement(kind, render):
    with KINDS[kind][0]() as receiver:
        channel = integrations.connect(kind, base_url=receiver.url, timeout=5, **KINDS[kind][1])
        said = render("We are sorry.", "More by 15:00 UTC.", kind=kind)
        first = await channel.publish(said, "k")
        with planned(datetime.now(UTC) + timedelta(hours=1)):
            assert await channel.find("k2", said) is None
        with planned(datetime.now(UTC)):
            assert (await channel.find("k", said)).id == first.id
        await channel.close()

"""Schedulers: what is scheduled is listed, paused and put back exactly; what people changed meanwhile is left to them."""

import inspect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from counting_http import Fault
from proxy import Proxy
from scheduler_receivers import SCHEDULERS

import integrations
from crisis.freeze import same_time
from integrations import Misconfigured, RateLimited, Refused, Scheduler, Unknown, Unreachable

SECRET = "right"
NOW = datetime.now(UTC).replace(second=0, microsecond=0)
AWAY = (NOW + timedelta(days=28),)
SOON, LATER = NOW + timedelta(hours=2), NOW + timedelta(days=3)
KINDS = sorted(SCHEDULERS)


@pytest.fixture(scope="module", params=KINDS)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Any]]:
    with SCHEDULERS[request.param]() as receiver:
        yield request.param, receiver


@pytest.fixture
def receiver(served: tuple[str, Any]) -> Any:
    served[1].reset()
    return served[1]


@pytest.fixture
def connect(served: tuple[str, Any], receiver: Any) -> Any:
    def made(**more: Any) -> Any:
        settings = {"base_url": receiver.url, "timeout": 5, **receiver.settings, **more}
        return integrations.connect(served[0], **settings)

    return made


@pytest.mark.parametrize("kind", [*KINDS, "by_hand"])
def test_a_scheduler_has_the_methods_of_its_protocol_and_says_what_each_setting_is(kind):
    cls = integrations.integration(kind)
    for name, method in inspect.getmembers(Scheduler, inspect.isfunction):
        if not name.startswith("_"):
            assert list(inspect.signature(getattr(cls, name)).parameters) == list(inspect.signature(method).parameters)
    assert {"base_url", "timeout"} <= set(cls.settings_model.model_fields)
    assert all(field.description for field in cls.settings_model.model_fields.values())


async def test_everything_that_is_scheduled_is_listed_with_its_time_and_words(receiver, connect):
    ids = [receiver.add(LATER + timedelta(hours=n), f"Buy {n} ☕") for n in range(5)]
    receiver.add(NOW - timedelta(days=1), "long out")
    posts = await connect().scheduled(NOW)
    assert [p.id for p in posts] == ids
    assert [(p.at, p.text) for p in posts] == [(LATER + timedelta(hours=n), f"Buy {n} ☕") for n in range(5)]
    assert all(p.where for p in posts)


async def test_what_is_paused_does_not_go_out_and_comes_back_exactly(receiver, connect):
    receiver.add(SOON, "Buy now!")
    other = receiver.add(LATER, "Buy then!")
    before, scheduler = receiver.stands(), connect()
    post = (await scheduler.scheduled(NOW))[0]
    await scheduler.pause(post, AWAY)
    assert list(receiver.stands()) == [other]
    await scheduler.pause(post, AWAY)
    await connect().restore(post, AWAY)
    await connect().restore(post, AWAY)
    assert receiver.stands() == before


async def test_a_pause_whose_answer_was_lost_is_done_again_without_harm(receiver, connect):
    receiver.add(SOON, "Buy now!")
    before = receiver.stands()
    post = (await connect().scheduled(NOW))[0]
    with Proxy("127.0.0.1", receiver.port, after=receiver.write) as proxy:
        scheduler = connect(base_url=receiver.url.replace(str(receiver.port), str(proxy.port)))
        if (
            receiver.write == b"POST / HTTP"
        ):  # reads and writes of Buffer look alike: the first is a read, and is repeated
            proxy.lose(100)
            with pytest.raises((Unknown, Unreachable)):
                await scheduler.pause(post, AWAY)
        else:
            proxy.lose()
            with pytest.raises(Unknown):
                await scheduler.pause(post, AWAY)
            assert receiver.stands() == {}
    await connect().pause(post, AWAY)
    assert receiver.stands() == {}
    await connect().restore(post, AWAY)
    assert receiver.stands() == before


async def test_what_people_changed_meanwhile_is_refused_not_overwritten(receiver, connect, served):
    kind, _ = served
    number = receiver.add(SOON, "Buy now!")
    scheduler = connect()
    post = (await scheduler.scheduled(NOW))[0]
    await scheduler.pause(post, AWAY)
    there = receiver.posts[number]
    if kind == "mixpost":
        there["versions"][0]["content"][0]["body"] = "We are sorry."
    else:
        there[{"postiz": "content", "buffer": "text", "facebook_scheduled": "message"}[kind]] = "We are sorry."
    with pytest.raises(Refused, match="look at it"):
        await scheduler.restore(post, AWAY)
    assert receiver.stands() == {}
    del receiver.posts[number]
    with pytest.raises(Refused):
        await scheduler.restore(post, AWAY)


async def test_the_usual_troubles_mean_what_they_always_mean(receiver, connect):
    receiver.add(SOON, "Buy now!")
    post = (await connect().scheduled(NOW))[0]
    for fault, outcome in (
        (Fault(429, headers={"Retry-After": "90"}), RateLimited),
        (Fault(503), (Unknown, Unreachable)),
        (Fault(401, f'{{"error": "no {SECRET}"}}'), Misconfigured),
        (Fault(200, "[]"), (Unknown, Unreachable)),
    ):
        receiver.faults[:] = [fault] * 3
        with pytest.raises(outcome) as caught:
            await connect().pause(post, AWAY)
        assert SECRET not in str(caught.value)
    receiver.faults.clear()
    with pytest.raises(Unreachable):
        await connect(base_url="http://nowhere.invalid").scheduled(NOW)


async def test_check_changes_nothing_and_says_what_is_wrong(receiver, connect):
    receiver.add(SOON, "Buy now!")
    before = receiver.stands()
    assert (await connect().check()).ok
    assert receiver.stands() == before
    broken = await connect(base_url="http://nowhere.invalid").check()
    assert not broken.ok
    assert SECRET not in broken.says


async def test_facebook_is_put_off_further_for_as_long_as_the_freeze_lasts():
    with SCHEDULERS["facebook_scheduled"]() as receiver:
        number = receiver.add(SOON, "Buy now!")
        scheduler = integrations.connect("facebook_scheduled", base_url=receiver.url, **receiver.settings)
        post = (await scheduler.scheduled(NOW))[0]
        early, further = NOW + timedelta(days=8), NOW + timedelta(days=29)
        await scheduler.pause(post, (early,))
        await scheduler.pause(post, (early, further))
        assert receiver.posts[number]["scheduled_publish_time"] == int(further.timestamp())
        receiver.posts[number]["scheduled_publish_time"] += 3600
        with pytest.raises(Refused, match="people"):
            await scheduler.pause(post, (early, further))
        with pytest.raises(Refused, match="people"):
            await scheduler.restore(post, (early, further))
        assert not same_time((await scheduler.scheduled(NOW))[0], post)


async def test_where_no_api_reaches_a_human_is_named():
    scheduler = integrations.connect("by_hand", what="posts scheduled in X", base_url="https://x.com/compose")
    (post,) = await scheduler.scheduled(NOW)
    assert (post.at, post.where, post.url) == (None, "posts scheduled in X", "https://x.com/compose")
    with pytest.raises(Refused, match="by hand"):
        await scheduler.pause(post, AWAY)

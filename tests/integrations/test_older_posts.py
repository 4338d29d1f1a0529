"""Kinds that find posts by their text: an older one that says the same is another statement's."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kinds_served import KINDS, media_of, settings_of

import integrations
from integrations.cachet import _made
from integrations.thread import planned

TEXTUAL = ("facebook", "instagram", "threads", "linkedin", "subreddit", "instatus", "cachet")
AGO = timedelta(hours=10)


@pytest.fixture(scope="module", params=TEXTUAL)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Any]]:
    with KINDS[request.param][0]() as receiver:
        yield request.param, receiver


@pytest.fixture
async def page(served: tuple[str, Any]) -> Any:
    kind, receiver = served
    receiver.reset()
    receiver.knows_meta = False
    channel = integrations.connect(kind, base_url=receiver.url, timeout=5, **settings_of(kind, receiver))
    yield kind, receiver, channel
    await channel.close()


def age(kind: str, receiver: Any) -> None:
    """Everything that is there was made ``AGO``."""
    at = datetime.now(UTC) - AGO
    things = receiver.things if kind == "subreddit" else receiver.incidents if kind == "instatus" else None
    if kind == "cachet":
        for resource in (*receiver.incidents.values(), *receiver.updates.values()):
            resource["attributes"]["created"] = {"string": at.strftime("%Y-%m-%d %H:%M:%S"), "human": "10 hours ago"}
        return
    for thing in (things if things is not None else receiver.posts).values():
        for one in (thing, *thing.get("updates", ())):
            if kind == "linkedin":
                one["createdAt"] = int(at.timestamp() * 1000)
            elif kind == "subreddit":
                one["created_utc"] = at.timestamp()
            else:
                one |= {name: at.isoformat() for name in ("created_time", "timestamp", "started", "createdAt")}


async def test_an_equal_post_from_before_it_was_planned_is_not_taken_for_it(page, render):
    kind, receiver, channel = page
    said = render("We know.", kind=kind, subject="Outage", media=media_of(kind))
    first = await channel.publish(said, "other")
    age(kind, receiver)
    with planned(datetime.now(UTC)):
        assert await channel.find("k", said) is None
    with planned(datetime.now(UTC) - AGO):
        assert (await channel.find("k", said)).id == first.id
    assert (await channel.find("k", said)).id == first.id


async def test_an_equal_answer_from_before_it_was_planned_is_not_taken_for_it(page, render):
    kind, receiver, channel = page
    opened = await channel.publish(render("We know.", kind=kind, subject="Outage", media=media_of(kind)), "k")
    answer = render("No change.", kind=kind, subject="Outage", reply_to=opened.id)
    earlier = await channel.publish(answer, "k1")
    age(kind, receiver)
    with planned(datetime.now(UTC)):
        assert await channel.find("k2", answer) is None
        if kind != "facebook":  # which refuses to say the same twice
            assert (await channel.publish(answer, "k2")).id != earlier.id
    assert await channel.find("k2", answer) is not None


@pytest.mark.parametrize(
    ("string", "human", "seconds"),
    [
        (timedelta(), "5 seconds ago", 0),
        (timedelta(hours=5), "3 seconds ago", 3),
        (timedelta(hours=-5), "2 minutes ago", 120),
        (timedelta(hours=3), "vor 3 Stunden", 3 * 3600),
        (timedelta(hours=3, minutes=20), "3 hours ago", 3 * 3600 + 20 * 60),
    ],
)
def test_cachets_own_time_zone_makes_no_post_older_or_newer(string, human, seconds):
    created = {"string": (datetime.now(UTC) - string).strftime("%Y-%m-%d %H:%M:%S"), "human": human}
    made = _made({"attributes": {"created": created}})
    assert abs((datetime.now(UTC) - made).total_seconds() - seconds) < 60

"""X: signed requests, threads that are finished and not begun again, and duplicates told from what is there."""

from collections.abc import Iterator

import pytest
from x_receiver import KEYS, XReceiver

import integrations
from integrations import Misconfigured, Refused


@pytest.fixture(scope="module")
def served() -> Iterator[XReceiver]:
    with XReceiver() as receiver:
        yield receiver


@pytest.fixture
def x(served: XReceiver) -> XReceiver:
    served.reset()
    served.refuses_doubles = True
    return served


def connect(receiver: XReceiver, **more: str) -> integrations.Publisher:
    channel: integrations.Publisher = integrations.connect("x", **{"base_url": receiver.url, **KEYS, **more})
    return channel


async def test_a_post_is_signed_answered_by_its_thread_and_tells_where_it_is(x, render):
    channel = connect(x)
    receipt = await channel.publish(render("one https://acme.com/a?b=1", "two & three", kind="x"), "k")
    first, second = x.tweets.values()
    assert receipt.id == first["id"]
    assert receipt.url == f"https://x.com/acme/status/{first['id']}"
    assert receipt.raw["parts"] == [first["id"], second["id"]]
    assert second["referenced_tweets"] == [{"type": "replied_to", "id": first["id"]}]
    assert [r.json for r in x.requests if r.method == "POST"] == [
        {"text": "one https://acme.com/a?b=1"},
        {"text": "two & three", "reply": {"in_reply_to_tweet_id": first["id"]}},
    ]
    await channel.withdraw(receipt)
    await channel.withdraw(receipt)
    assert not x.tweets


async def test_a_thread_that_broke_off_is_finished_though_links_were_replaced(x, render):
    whole = render("one https://acme.com/a", "two &lt; acme.com", "three", kind="x")
    await connect(x).publish(whole.model_copy(update={"parts": whole.parts[:2]}), "k")
    assert await connect(x).find("k", whole) is None
    receipt = await connect(x).publish(whole, "k")
    assert len(x.created) == 3
    assert (await connect(x).find("k", whole)).raw["parts"] == receipt.raw["parts"]


async def test_a_duplicate_that_is_this_very_post_counts_as_there_and_any_other_is_refused(x, render):
    said = render("We know.", kind="x")
    first = await connect(x).publish(said, "k")
    assert (await connect(x).publish(said, "k2")).id == first.id
    x.tweets[first.id]["created_at"] = "2020-01-01T00:00:00.000Z"
    with pytest.raises(Refused, match="duplicate of an older post"):
        await connect(x).publish(said, "k3")
    assert len(x.created) == 1


async def test_a_correction_answers_the_post_and_is_not_taken_for_it(x, render):
    first = await connect(x).publish(render("We know.", kind="x"), "k")
    x.refuses_doubles = False
    answer = render("We know.", kind="x", reply_to=first.id)
    assert await connect(x).find("k2", answer) is None
    second = await connect(x).publish(answer, "k2")
    assert (await connect(x).find("k2", answer)).id == second.id != first.id


async def test_a_refused_part_takes_the_thread_back(x, render):
    first = await connect(x).publish(render("gone", kind="x"), "k")
    x.tweets.clear()
    with pytest.raises(Refused, match="not visible") as caught:
        await connect(x).publish(render("one", "two", kind="x", reply_to=first.id), "k2")
    assert not isinstance(caught.value, Misconfigured)
    assert not x.tweets


async def test_check_names_the_account_and_a_wrong_secret_is_told_without_being_shown(x):
    assert (await connect(x).check()).says == "posts as @acme"
    health = await connect(x, access_token_secret="hunter2-very-secret").check()
    assert not health.ok
    assert "credentials" in health.says
    assert "hunter2" not in health.says

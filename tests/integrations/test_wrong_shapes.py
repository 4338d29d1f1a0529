"""Answers with other types than documented: nothing is known then, and nothing breaks."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from kinds_served import KINDS, media_of, settings_of
from scripted import Scripted

import integrations
from integrations import IntegrationError, Unknown

AT, NUMBER = "2999-01-01T00:00:00Z", 32_000_000_000_000
URN, STRANGE = "urn:li:share:1", (None, 5, 1e300, "x", [3], {"x": 3})
POST = {
    "id": URN, "name": "t3_1", "message": "We know.", "text": "We know.", "caption": "We know.", "commentary": "We know.",
    "selftext": "We know.", "body": "We know.", "title": "Outage", "subreddit": "acme", "parent_id": "t3_1",
    "timestamp": AT, "created_time": AT, "createdAt": NUMBER, "created_utc": NUMBER / 1000, "started": AT,
    "replied_to": {"id": "t3_1"}, "reshareContext": {"parent": "t3_1"}, "permalink": "p", "permalink_url": "p",
    "content": {"multiImage": {"images": []}}, "status": "FINISHED", "status_code": "FINISHED",
    "attributes": {"message": "We know.", "name": "Outage", "status": {"value": 1}, "guid": "g",
                   "created": {"string": AT, "human": "now"}, "meta": None},
    "updates": [{"id": "u1", "message": "We know.", "status": "INVESTIGATING", "createdAt": AT}],
    "things": [{"data": {"name": "t1_1"}}],
}  # fmt: skip
FIELDS = tuple(POST)
NESTED = (("attributes", "created"), ("attributes", "status"), ("content", "multiImage"), ("attributes", "guid"))
TEXTUAL = ("facebook", "threads", "instagram", "linkedin", "subreddit", "instatus", "cachet")


def answers(post: Any) -> Any:
    """What everybody answers, in one: lists of ``post`` where they keep them, and the post itself."""
    data = [post]
    return {**(post if isinstance(post, dict) else {}), "data": data, "elements": data, "paging": {}}


@pytest.fixture(scope="module", params=TEXTUAL)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Scripted]]:
    with Scripted() as receiver:
        yield request.param, receiver


def connect(kind: str, receiver: Scripted) -> Any:
    return integrations.connect(kind, base_url=receiver.url, timeout=5, **settings_of(kind, receiver))


def say(kind: str, receiver: Scripted, post: Any) -> None:
    """Have it answer with ``post``, as this kind does."""

    def tells(request):
        if request.url.path.endswith("access_token"):
            return 200, {"access_token": "token", "expires_in": 10**30}
        if kind == "subreddit" and request.method == "GET":
            return 200, {"data": {"children": [{"data": post}]}}
        if kind == "subreddit":
            return 200, {"json": {"errors": [], "data": post}}
        if kind == "instatus" and request.method == "GET" and request.url.path.endswith("/incidents"):
            return 200, [post]
        if kind == "cachet" and request.method != "GET":
            return 200, {"data": post}
        return 200, answers(post)

    receiver.tells = tells


async def quietly(call: Any) -> None:
    """Whatever comes of it is one of the outcomes that callers know."""
    with suppress(IntegrationError):
        await call


@pytest.mark.parametrize("reply_to", ["", "t3_1"])
async def test_a_field_of_another_type_is_no_crash(served, render, reply_to):
    kind, receiver = served
    receiver.reset()
    channel = connect(kind, receiver)
    pictures = () if reply_to or kind != "instagram" else media_of(kind)
    said = render("We know.", kind=kind, subject="Outage", reply_to=reply_to, media=pictures)
    for path in [(field,) for field in FIELDS] + list(NESTED):
        for strange in STRANGE:
            post = json.loads(json.dumps(POST))
            place = post[path[0]] if len(path) > 1 else post
            place[path[-1]] = strange
            say(kind, receiver, post)
            await quietly(channel.find("k", said))
            if kind != "instagram" and kind != "threads":  # which would wait for it to be ready
                await quietly(channel.publish(said, "k"))
    await channel.close()


@pytest.mark.parametrize("strange", [None, "x", 5, [3], ["x"], [None], [[]], {"x": 3}])
async def test_a_list_of_something_else_proves_nothing(served, render, strange):
    kind, receiver = served
    receiver.reset()

    def tells(request):
        if request.url.path.endswith("access_token"):
            return 200, {"access_token": "token", "expires_in": 3600}
        if kind == "instatus":
            return 200, strange if strange != [[]] else {}
        if kind == "subreddit":
            return 200, {"data": {"children": strange}}
        return 200, {"data": strange, "elements": strange}

    receiver.tells = tells
    channel = connect(kind, receiver)
    with pytest.raises(Unknown):
        await channel.find("k", render("We know.", kind=kind, subject="Outage"))
    await channel.close()


@pytest.mark.parametrize("told", ["x", 5, [1], None, {"data": "x"}, {"data": 1.5}, {"data": [2]}])
async def test_a_check_of_another_shape_is_a_state_of_health(served, told):
    kind, receiver = served
    receiver.reset()
    receiver.tells = lambda request: (200, told)
    channel = connect(kind, receiver)
    assert isinstance((await channel.check()).says, str)
    await channel.close()


def test_every_kind_that_reads_back_its_texts_is_here() -> None:
    assert set(TEXTUAL) <= set(KINDS)

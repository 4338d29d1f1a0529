"""Bluesky: records as the lexicons say, at keys that never change, with marks at the right bytes."""

import asyncio
import json

import pytest
import specs
from hypothesis import given, settings
from hypothesis import strategies as st
from receivers import BlueskyReceiver, Fault

import integrations
from integrations import RateLimited, Refused, Unknown
from integrations.bluesky import tid


@pytest.fixture
def receiver():
    with BlueskyReceiver() as server:
        yield server


@pytest.fixture
async def bluesky(receiver):
    channel = integrations.connect("bluesky", base_url=receiver.url, identifier="acme.test", password="right")
    yield channel
    await channel.close()


async def test_every_request_is_as_the_lexicons_say(receiver, bluesky, render):
    text = "Sorry @ana.test, see https://x.test/a. #outage ünd 👩‍👩‍👧"
    receipt = await bluesky.publish(render(text, "two", kind="bluesky", language="de-CH"), "k")
    await bluesky.publish(render("we were wrong", kind="bluesky", reply_to=receipt.id), "k2")
    await bluesky.find("k")
    await bluesky.withdraw(receipt)
    await bluesky.check()
    names = set()
    for seen in receiver.requests:
        name = seen.path.removeprefix("/xrpc/")
        names.add(name.rpartition(".")[2])
        if name.endswith(("resolveHandle", "getSession")):
            continue
        value = seen.json if seen.method == "POST" else seen.query
        assert specs.lexicon_problems(name, value) == []
        if name.endswith("putRecord"):
            assert specs.lexicon_problems("app.bsky.feed.post", value["record"]) == []
            assert value["swapRecord"] is None
    assert names >= {"createSession", "putRecord", "getRecord", "deleteRecord"}


async def facets(bluesky, text):
    whole = text.encode()
    return [
        (f["features"][0]["$type"].rpartition("#")[2], whole[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode())
        for f in await bluesky._facets(text)
    ]


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("plain", []),
        ("ü https://x.test/ä?b=#frag.", [("link", "https://x.test/ä?b=#frag")]),
        ("(see https://x.test/a), ok", [("link", "https://x.test/a")]),
        (
            "https://en.wikipedia.org/wiki/Recall_(product) (or https://x.test/a_(b)).",
            [("link", "https://en.wikipedia.org/wiki/Recall_(product)"), ("link", "https://x.test/a_(b)")],
        ),
        ("👩‍👩‍👧 @ana.test!", [("mention", "@ana.test")]),
        ("mail ana@mail.test or @nobody.example", []),
        ("#outage #1 #2nd #größe, a#b", [("tag", "#outage"), ("tag", "#2nd"), ("tag", "#größe")]),
        ("https://x.test/@ana.test", [("link", "https://x.test/@ana.test")]),
    ],
)
async def test_links_mentions_and_hashtags_are_marked_at_their_bytes(bluesky, text, marks):
    assert await facets(bluesky, text) == marks


@given(st.text(max_size=60), st.integers(0, 24))
@settings(max_examples=200, deadline=None)
def test_a_key_always_gives_the_same_valid_record_key_and_parts_follow_each_other(key, number):
    made = tid(key, number)
    assert made == tid(key, number)
    assert len(made) == 13
    assert set(made) <= set("234567abcdefghijklmnopqrstuvwxyz")
    assert made[0] in "234567abcdefghij"
    assert made < tid(key, number + 1)


def test_different_keys_give_different_record_keys():
    assert len({tid(f"key {n}", 0) for n in range(20_000)}) == 20_000


async def test_a_half_published_thread_is_finished(receiver, bluesky, render):
    whole = render("one", "two", "three", kind="bluesky")
    await bluesky._did()
    uri = f"at://did:plc:abcdefghijklmnopqrstuvwx/app.bsky.feed.post/{tid('k', 0)}"
    good = json.dumps({"uri": uri, "cid": "bafyone"})
    receiver.faults.extend([Fault(200, good, done=True), Fault(429, headers={"ratelimit-reset": "60"})])
    with pytest.raises(RateLimited):
        await bluesky.publish(whole, "k")
    assert await bluesky.find("k", whole) is None
    receipt = await bluesky.publish(whole, "k")
    assert receiver.created == ["one", "two", "three"]
    assert len(receipt.raw["parts"]) == 3


async def test_another_text_at_the_same_key_is_never_taken_for_ours(bluesky, render):
    await bluesky.publish(render("one", kind="bluesky"), "k")
    with pytest.raises(Unknown, match="another post"):
        await bluesky.publish(render("other", kind="bluesky"), "k")


async def test_over_300_graphemes_or_3000_bytes_is_refused_before_sending(receiver, bluesky, render):
    for text in ("é" * 301, "👩‍👩‍👧" * 290):
        with pytest.raises(Refused):
            await bluesky.publish(render(text, kind="bluesky", limit=300 if "é" in text else 10_000), "k")
    assert receiver.created == []


async def test_a_post_to_answer_that_is_gone_is_refused_before_sending(receiver, bluesky, render):
    for reply_to in ("at://did:plc:abcdefghijklmnopqrstuvwx/app.bsky.feed.post/3k", "https://bsky.app/x"):
        with pytest.raises(Refused, match="not there"):
            await bluesky.publish(render("x", kind="bluesky", reply_to=reply_to), "k")
    assert receiver.created == []


async def test_many_posts_at_once_log_in_once(receiver, bluesky, render):
    await asyncio.gather(*(bluesky.publish(render(f"text {n}", kind="bluesky"), f"k{n}") for n in range(8)))
    assert len(receiver.created) == 8
    assert sum(seen.path.endswith("createSession") for seen in receiver.requests) == 1


async def test_an_expired_token_is_renewed_once_for_all(receiver, bluesky):
    await bluesky.check()
    expired = bluesky._session
    await asyncio.gather(*(bluesky._renew(expired) for _ in range(4)))
    assert sum(seen.path.endswith("refreshSession") for seen in receiver.requests) == 1


async def test_a_server_that_has_every_record_is_not_asked_for_ever(receiver, bluesky, render):
    record = {"uri": "at://did:plc:me/app.bsky.feed.post/x", "cid": "c", "value": {"text": "x"}}
    await bluesky.check()
    receiver.denial.append(Fault(200, json.dumps(record)))
    assert await asyncio.wait_for(bluesky.find("k"), 10) is not None
    assert await bluesky.find("k", render("one", "two", kind="bluesky")) is not None
    assert sum(seen.path.endswith("getRecord") for seen in receiver.requests) < 30

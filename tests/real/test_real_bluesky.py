"""Bluesky against a real personal data server (@atproto/dev-env). About 10 s."""

import asyncio
from typing import Any

import httpx
import pytest
from drawn import ALT, picture

import integrations
from crisis.statement import Part, Rendering, Target
from integrations import Misconfigured, Refused
from integrations.bluesky import COLLECTION, tid

pytestmark = pytest.mark.slow


@pytest.fixture
async def bluesky(pds):
    channel = integrations.connect(
        "bluesky", base_url=pds, identifier="brandex.test", password="password-of-brandex", timeout=20
    )
    yield channel
    await channel.close()


def rendering(*texts: str, **more: Any) -> Rendering:
    parts = tuple(Part(text=text, length=min(300, len(text)), limit=300) for text in texts)
    return Rendering(target=Target(channel="b", kind="bluesky"), parts=parts, **more)


async def records(pds: str, who: str = "brandex.test") -> list[dict]:
    async with httpx.AsyncClient(base_url=pds) as client:
        params = {"repo": who, "collection": COLLECTION, "limit": 100}
        return (await client.get("/xrpc/com.atproto.repo.listRecords", params=params)).json()["records"]


async def test_a_post_is_there_once_however_often_it_is_sent_and_by_how_many(pds, bluesky):
    text = "Grüße 👩‍👩‍👧 @ana.test: see https://status.example/a?b=c. #outage"
    receipts = await asyncio.gather(*(bluesky.publish(rendering(text), "once") for _ in range(5)))
    assert len({r.id for r in receipts}) == 1
    (record,) = [r["value"] for r in await records(pds) if r["uri"] == receipts[0].id]
    whole = text.encode()
    marked = {
        f["features"][0]["$type"].rpartition("#")[2]: whole[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode()
        for f in record["facets"]
    }
    assert marked == {"mention": "@ana.test", "link": "https://status.example/a?b=c", "tag": "#outage"}
    found = await bluesky.find("once")
    assert found is not None
    assert found.id == receipts[0].id


async def test_a_thread_that_broke_off_is_finished_and_not_begun_again(pds, bluesky):
    whole = rendering("one (1/3)", "two (2/3)", "three (3/3)")
    receipt = await bluesky.publish(whole, "thread")
    session = bluesky._session
    async with httpx.AsyncClient(base_url=pds) as client:
        for number in (1, 2):
            await client.post(
                "/xrpc/com.atproto.repo.deleteRecord",
                json={"repo": session["did"], "collection": COLLECTION, "rkey": tid("thread", number)},
                headers={"Authorization": f"Bearer {session['access']}"},
            )
    assert await bluesky.find("thread", whole) is None
    again = await bluesky.publish(whole, "thread")
    assert again.raw["parts"] == receipt.raw["parts"]
    values = {r["uri"]: r["value"] for r in await records(pds)}
    first, second, third = receipt.raw["parts"]
    assert values[second]["reply"]["parent"]["uri"] == first
    assert values[third]["reply"]["parent"]["uri"] == second
    assert values[third]["reply"]["root"]["uri"] == first


async def test_a_correction_answers_the_post_and_keeps_its_root(pds, bluesky):
    first = await bluesky.publish(rendering("one", "two"), "corrected")
    last = first.raw["parts"][-1]
    answer = await bluesky.publish(rendering("we were wrong", reply_to=last), "correction")
    values = {r["uri"]: r["value"] for r in await records(pds)}
    assert values[answer.id]["reply"]["parent"]["uri"] == last
    assert values[answer.id]["reply"]["root"]["uri"] == first.id
    with pytest.raises(Refused, match="not there"):
        await bluesky.publish(rendering("x", reply_to=first.id[:-13] + tid("nothing", 0)), "to nothing")


async def test_a_withdrawn_post_is_gone_and_withdrawing_twice_is_no_error(pds, bluesky):
    receipt = await bluesky.publish(rendering("a", "b"), "withdrawn")
    assert (await bluesky.read(receipt)).parts == ("a", "b")
    await bluesky.withdraw(receipt)
    await bluesky.withdraw(receipt)
    assert not {r["uri"] for r in await records(pds)} & set(receipt.raw["parts"])
    assert await bluesky.find("withdrawn") is None
    assert (await bluesky.read(receipt)).parts == (None, None)
    with pytest.raises(Refused, match="no edits"):
        await bluesky.amend(receipt, rendering("c"))


async def test_a_session_that_ran_out_is_renewed(pds, bluesky):
    await bluesky.check()
    bluesky._session["access"] = bluesky._session["refresh"]
    assert await bluesky.publish(rendering("after renewal"), "renewed")
    bluesky._session |= {"access": "nonsense", "refresh": "nonsense"}
    assert await bluesky.publish(rendering("after log-in"), "logged in")


async def test_the_server_takes_300_graphemes_and_refuses_301(pds, bluesky):
    family = "👩‍👩‍👧"
    assert await bluesky.publish(rendering(family * 150 + "é" * 150), "long")
    with pytest.raises(Refused, match="400"):
        await bluesky.publish(rendering("é" * 301), "too long")
    with pytest.raises(Refused, match="bytes"):
        await bluesky.publish(rendering(family * 300), "too many bytes")


async def test_a_refused_part_takes_the_thread_back(pds, bluesky):
    with pytest.raises(Refused):
        await bluesky.publish(rendering("fine", "x" * 301), "half")
    assert await bluesky.find("half") is None
    assert "fine" not in {r["value"]["text"] for r in await records(pds)}


async def test_a_wrong_password_is_misconfigured(pds):
    channel = integrations.connect("bluesky", base_url=pds, identifier="brandex.test", password="wrong-password")
    with pytest.raises(Misconfigured) as caught:
        await channel.publish(rendering("x"), "k")
    assert "wrong-password" not in str(caught.value)
    health = await channel.check()
    assert not health.ok
    await channel.close()


async def test_check_names_the_account(bluesky):
    health = await bluesky.check()
    assert health.ok
    assert "@brandex.test" in health.says


async def test_a_picture_is_there_byte_for_byte_with_its_alternative_text(pds, bluesky):
    shown = (picture(), picture("red", alt="A closed station", kind="PNG"))
    whole = rendering("We know.", "More.", media=shown)
    receipt = await bluesky.publish(whole, "pictures")
    assert (await bluesky.publish(whole, "pictures")).id == receipt.id
    values = {r["uri"]: r["value"] for r in await records(pds)}
    embed = values[receipt.id]["embed"]
    assert embed["$type"] == "app.bsky.embed.images"
    assert [(i["alt"], i["aspectRatio"]) for i in embed["images"]] == [
        (ALT, {"width": 64, "height": 48}),
        ("A closed station", {"width": 64, "height": 48}),
    ]
    assert "embed" not in values[receipt.raw["parts"][1]]
    did = receipt.id.split("/")[2]
    async with httpx.AsyncClient(base_url=pds) as client:
        for one, image in zip(shown, embed["images"], strict=True):
            params = {"did": did, "cid": image["image"]["ref"]["$link"]}
            kept = await client.get("/xrpc/com.atproto.sync.getBlob", params=params)
            assert kept.content == one.content
            assert kept.headers["content-type"] == one.media_type.value


async def test_a_link_is_a_card(pds, bluesky):
    options = {"card_link": "https://acme.example/status", "card_title": "Trains stand"}
    receipt = await bluesky.publish(rendering("See https://acme.example/status", options=options), "card")
    (value,) = [r["value"] for r in await records(pds) if r["uri"] == receipt.id]
    assert value["embed"]["external"] == {
        "uri": "https://acme.example/status",
        "title": "Trains stand",
        "description": "",
    }

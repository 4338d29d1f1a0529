"""Mastodon against mastodon-mock, a stateful server of its API. About 10 s."""

import httpx
import pytest
from drawn import ALT, picture

import integrations
from crisis.counting import Unit, measure
from crisis.read_back import Stand, stand_of
from crisis.statement import Part, Rendering, Target
from integrations import Misconfigured, Refused

pytestmark = pytest.mark.slow


@pytest.fixture
async def mastodon(mastodon_server):
    channel = integrations.connect("mastodon", base_url=mastodon_server.base_url, access_token="alice_token")
    yield channel
    await channel.close()


def rendering(*texts: str, **more) -> Rendering:
    parts = tuple(Part(text=text, length=measure(Unit.FEDIVERSE, text), limit=500) for text in texts)
    return Rendering(target=Target(channel="m", kind="mastodon"), parts=parts, **more)


async def timeline(channel) -> list[dict]:
    return [status async for status in channel._recent()]


async def test_a_status_is_there_once_and_found_by_its_text(mastodon):
    whole = rendering(
        "We're sorry & looking into it <now>.\n\n"
        "More: https://status.example/very/long/address?x=1&y=2\n@dave@remote.example #outage",
        language="en-GB",
        options={"visibility": "unlisted", "spoiler_text": "Outage"},
    )
    assert await mastodon.find("k", whole) is None
    first = await mastodon.publish(whole, "k")
    second = await mastodon.publish(whole, "k")
    assert first.id == second.id
    (status,) = await timeline(mastodon)
    assert (status["visibility"], status["language"], status["spoiler_text"]) == ("unlisted", "en", "Outage")
    found = await mastodon.find("k", whole)
    assert found is not None
    assert found.id == first.id


async def test_a_thread_that_broke_off_is_finished_even_where_keys_are_ignored(mastodon):
    whole = rendering("one (1/3)", "two (2/3)", "three (3/3)")
    receipt = await mastodon.publish(whole, "first attempt")
    await mastodon._delete(receipt.raw["parts"][2])
    assert await mastodon.find("first attempt", whole) is None
    again = await mastodon.publish(whole, "a key the server never saw")
    assert again.raw["parts"][:2] == receipt.raw["parts"][:2]
    statuses = await timeline(mastodon)
    assert len(statuses) == 3
    assert statuses[0]["in_reply_to_id"] == receipt.raw["parts"][1]


async def test_an_amendment_changes_the_status_in_place(mastodon):
    receipt = await mastodon.publish(rendering("one", "two"), "k")
    changed = await mastodon.amend(receipt, rendering("eins", "zwei"))
    assert changed.raw["parts"] == receipt.raw["parts"]
    assert await mastodon.find("k", rendering("eins", "zwei")) is not None
    assert stand_of(("eins", "zwei"), await mastodon.read(receipt))[0] is Stand.MATCHED
    assert stand_of(("one", "two"), await mastodon.read(receipt))[0] is Stand.EDITED
    with pytest.raises(Refused, match="2 parts"):
        await mastodon.amend(receipt, rendering("eins"))


async def test_a_withdrawn_thread_is_gone_and_withdrawing_twice_is_no_error(mastodon):
    receipt = await mastodon.publish(rendering("one", "two"), "k")
    await mastodon.withdraw(receipt)
    await mastodon.withdraw(receipt)
    assert await timeline(mastodon) == []
    assert (await mastodon.read(receipt)).parts == (None, None)


async def test_check_learns_the_servers_own_limit(mastodon):
    health = await mastodon.check()
    assert health.ok, health.says
    assert "@alice" in health.says
    assert mastodon.limits.source.endswith("/api/v2/instance")


async def test_a_wrong_token_is_misconfigured(mastodon_server):
    channel = integrations.connect("mastodon", base_url=mastodon_server.base_url, access_token="wrong")
    with pytest.raises(Misconfigured):
        await channel.publish(rendering("x"), "k")
    await channel.close()


async def test_a_picture_is_there_byte_for_byte_with_its_description(mastodon):
    shown = (picture(), picture("red", alt="A closed station"))
    await mastodon.publish(rendering("We know. (1/2)", "More. (2/2)", media=shown), "k")
    second, first = await timeline(mastodon)
    assert second["media_attachments"] == []
    assert [m["description"] for m in first["media_attachments"]] == [ALT, "A closed station"]
    async with httpx.AsyncClient() as client:
        for one, media in zip(shown, first["media_attachments"], strict=True):
            assert (await client.get(media["url"])).content == one.content


async def test_what_the_instance_takes_of_pictures_is_read_from_it(mastodon):
    limits = (await mastodon.read_limits()).pictures
    assert limits is not None
    assert limits.most == 4
    assert limits.size >= 1_000_000
    assert "instance" in limits.source

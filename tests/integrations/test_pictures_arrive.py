"""Pictures arrive as they were approved, byte for byte and with their alternative texts, and once, like the post itself."""

from collections.abc import Iterator
from typing import Any

import pytest
from counting_http import Fault
from drawn import picture
from kinds_served import ADDRESSES, KINDS, settings_of
from page_receivers import ACCOUNT, PAGE
from proxy import Proxy

import integrations
from integrations import Refused, Unknown, Unreachable

UPLOADS: dict[str, bytes] = {
    "bluesky": b"POST /xrpc/com.atproto.repo.uploadBlob",
    "mastodon": b"POST /api/v2/media",
    "x": b"POST /2/media/upload",
    "facebook": f"POST /{PAGE}/photos".encode(),
    "linkedin": b"PUT /dms-uploads/",
    "threads": b"POST /me/threads HTTP",
    "discord": b"",
    "matrix": b"POST /_matrix/media/v3/upload",
    "instagram": f"POST /{ACCOUNT}/media HTTP".encode(),
}
"""Kinds that show pictures, and the start of the request that uploads one before the post; empty where they go together."""


@pytest.fixture(scope="module", params=sorted(UPLOADS))
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Any]]:
    with KINDS[request.param][0]() as receiver:
        yield request.param, receiver


@pytest.fixture
def receiver(served: tuple[str, Any]) -> Any:
    served[1].reset()
    return served[1]


@pytest.fixture
async def channel(served: tuple[str, Any], receiver: Any) -> Any:
    connected = integrations.connect(
        served[0], base_url=receiver.url, timeout=5, **settings_of(served[0], receiver, pictures=True)
    )
    yield connected
    await connected.close()


@pytest.fixture
def post(served: tuple[str, Any], render: Any) -> Any:
    kind = served[0]

    def build(*pictures: Any, texts: tuple[str, ...] = ("We are sorry & looking into it.",)) -> Any:
        return render(*texts, kind=kind, address=ADDRESSES.get(kind, ""), media=pictures)

    return build


async def test_a_picture_arrives_byte_for_byte_with_its_alternative_text(receiver, channel, post):
    shown = picture(alt="A closed station, and a sign: “buses” → left")
    receipt = await channel.publish(post(shown), "key-1")
    assert receiver.shown == [[(shown.content, shown.alt)]]
    assert (await channel.find("key-1", post(shown))).id == receipt.id


async def test_as_many_as_the_channel_takes_arrive_in_order_and_one_more_is_refused(receiver, channel, post):
    most = channel.limits.pictures.most
    several = [picture(f"#{n:02x}3366", alt=f"Step {n}") for n in range(most + 1)]
    await channel.publish(post(*several[:most]), "key-1")
    assert receiver.shown == [[(p.content, p.alt) for p in several[:most]]]
    with pytest.raises(Refused, match="pictures in a post"):
        await channel.publish(post(*several), "key-2")
    assert len(receiver.created) == 1


async def test_an_upload_whose_answer_is_lost_has_sent_nothing_and_is_done_again(served, receiver, channel, post):
    if not UPLOADS[served[0]]:
        return
    with Proxy("127.0.0.1", receiver.port, after=UPLOADS[served[0]]) as proxy:
        url = receiver.url.replace(str(receiver.port), str(proxy.port))
        other = integrations.connect(
            served[0], base_url=url, timeout=5, **settings_of(served[0], receiver, pictures=True)
        )
        proxy.lose()
        with pytest.raises(Unreachable, match="nothing was sent"):
            await other.publish(post(picture()), "key-1")
        assert receiver.created == []
        assert await other.find("key-1", post(picture())) is None
        await other.publish(post(picture()), "key-1")
        await other.close()
    assert len(receiver.created) == 1
    assert receiver.shown == [[(picture().content, picture().alt)]]


async def test_a_post_with_a_picture_whose_answer_is_lost_is_found_or_finished_and_never_twice(receiver, channel, post):
    receiver.faults.append(Fault(500, done=True))
    with pytest.raises(Unknown):
        await channel.publish(post(picture()), "key-1")
    if await channel.find("key-1", post(picture())) is None:
        assert channel.kind == "matrix", "where text and picture are two messages"
        await channel.publish(post(picture()), "key-1")
    assert len(receiver.created) == 1
    assert receiver.shown == [[(picture().content, picture().alt)]]


async def test_nothing_is_sent_of_a_picture_that_is_not_the_approved_one(receiver, channel, post):
    approved = picture()
    for altered in (
        approved.model_copy(update={"content": approved.content[:-1] + b"\0"}),
        approved.model_copy(update={"content": b""}),
        approved.model_copy(update={"alt": " "}),
    ):
        with pytest.raises(Refused):
            await channel.publish(post(altered), "key-1")
    assert receiver.requests == [] or not any(seen.method == "POST" for seen in receiver.requests)


async def test_of_a_thread_the_first_post_shows_the_picture(served, receiver, channel, post):
    if not channel.limits.threads:
        return
    await channel.publish(post(picture(), texts=("one (1/2)", "two (2/2)")), "key-1")
    assert len(receiver.created) == 2
    assert receiver.shown == [[(picture().content, picture().alt)]]


async def test_the_same_words_without_the_picture_are_another_post(served, receiver, channel, post):
    if served[0] not in ("mastodon", "x", "discord", "linkedin"):
        return
    await channel.publish(post(), "key-1")
    assert await channel.find("key-1", post()) is not None
    assert await channel.find("key-2", post(picture())) is None

"""Instagram: what is sent is what its documentation says; nothing is published of what it could not fetch."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from drawn import picture
from kinds_served import settings_of
from page_receivers import ACCOUNT, InstagramReceiver

import integrations
from integrations import Refused


@pytest.fixture(scope="module")
def served() -> Iterator[InstagramReceiver]:
    with InstagramReceiver() as receiver:
        yield receiver


@pytest.fixture
def receiver(served: InstagramReceiver) -> InstagramReceiver:
    served.reset()
    served.deletes = True
    return served


@pytest.fixture
async def instagram(receiver: InstagramReceiver) -> Any:
    channel = integrations.connect("instagram", base_url=receiver.url, **settings_of("instagram", receiver))
    yield channel
    await channel.close()


def forms(receiver: InstagramReceiver) -> list[tuple[str, dict[str, str]]]:
    """What was posted, in order."""
    sent = [r for r in receiver.requests if r.method == "POST"]
    return [(r.path, {n: v[0] for n, v in parse_qs(r.body.decode()).items()}) for r in sent]


async def test_one_picture_is_a_container_and_then_published(receiver, instagram, render):
    shown = picture()
    await instagram.publish(render("We know.", kind="instagram", media=(shown,)), "k")
    address = f"{receiver.url}/shelf/pictures/{shown.sha256}.jpg"
    assert forms(receiver) == [
        (f"/{ACCOUNT}/media", {"image_url": address, "alt_text": shown.alt, "caption": "We know."}),
        (f"/{ACCOUNT}/media_publish", {"creation_id": next(iter(receiver.containers))}),
    ]


async def test_several_are_a_carousel_whose_caption_is_the_parents(receiver, instagram, render):
    several = (picture(), picture("red", alt="A closed station"))
    await instagram.publish(render("We know.", kind="instagram", media=several), "k")
    sent = forms(receiver)
    assert [f.get("is_carousel_item") for _, f in sent[:2]] == ["true", "true"]
    assert not any("caption" in f for _, f in sent[:2])
    assert sent[2][1] == {
        "media_type": "CAROUSEL",
        "children": ",".join(list(receiver.containers)[:2]),
        "caption": "We know.",
    }


async def test_a_picture_that_it_cannot_take_publishes_nothing(receiver, instagram, render):
    receiver.statuses[:] = ["IN_PROGRESS", "ERROR"]
    with pytest.raises(Refused, match="could not take a picture"):
        await instagram.publish(render("We know.", kind="instagram", media=(picture(),)), "k")
    assert receiver.created == []


async def test_words_alone_are_refused_unless_they_answer_a_post(receiver, instagram, render):
    with pytest.raises(Refused, match="no post without a picture"):
        await instagram.publish(render("We know.", kind="instagram"), "k")
    first = await instagram.publish(render("We know.", kind="instagram", media=(picture(),)), "k")
    answer = render("We were wrong.", kind="instagram", reply_to=first.id)
    second = await instagram.publish(answer, "k2")
    assert receiver.posts[second.id]["parent"] == first.id
    with pytest.raises(Refused, match="an answer shows 0 pictures here"):
        await instagram.publish(answer.model_copy(update={"media": (picture(),)}), "k3")


async def test_where_it_lets_nobody_delete_a_person_is_told_to(receiver, instagram, render):
    receipt = await instagram.publish(render("We know.", kind="instagram", media=(picture(),)), "k")
    receiver.deletes = False
    with pytest.raises(Refused, match="delete it in the app"):
        await instagram.withdraw(receipt)

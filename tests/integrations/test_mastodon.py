"""Mastodon: what is sent is what its documentation says, and a thread is whole or not there."""

import json

import pytest
import specs
from drawn import picture
from receivers import Fault, MastodonReceiver

import integrations
from integrations import Refused, Unknown
from integrations.markup import plain
from integrations.mastodon import comparable

HOST = "https://mastodon.example"


@pytest.fixture
def receiver():
    with MastodonReceiver(length=600) as server:
        yield server


@pytest.fixture
async def mastodon(receiver):
    channel = integrations.connect("mastodon", base_url=receiver.url, access_token="t", visibility="unlisted")
    yield channel
    await channel.close()


async def test_every_request_is_as_documented(receiver, mastodon, render):
    whole = render("one", "two https://x.test/a", kind="mastodon", options={"spoiler_text": "Outage"}, language="de-CH")
    receipt = await mastodon.publish(whole, "k")
    await mastodon.find("k", whole)
    await mastodon.amend(receipt, render("eins", "zwei", kind="mastodon"))
    await mastodon.withdraw(receipt)
    await mastodon.check()
    specs.hold(specs.mastodon(), HOST, receiver.requests)
    first = next(r for r in receiver.requests if r.method == "POST")
    assert first.json == {"status": "one", "language": "de", "spoiler_text": "Outage", "visibility": "unlisted"}
    assert first.headers["idempotency-key"] == "k.0"
    assert first.headers["authorization"] == "Bearer t"
    assert first.headers["user-agent"].startswith("Fireline")


async def test_a_host_that_ignores_keys_gets_no_second_thread(render):
    whole = render("one (1/2)", "two (2/2)", kind="mastodon")
    with MastodonReceiver(idempotent=False) as receiver:
        channel = integrations.connect("mastodon", base_url=receiver.url, access_token="t")
        receiver.faults.extend([Fault(500, done=True)])
        with pytest.raises(Unknown):
            await channel.publish(whole, "k")
        assert await channel.find("k", whole) is None
        receipt = await channel.publish(whole, "k")
        assert receiver.created == ["one (1/2)", "two (2/2)"]
        assert (await channel.find("k", whole)).raw["parts"] == receipt.raw["parts"]


async def test_a_refused_part_takes_the_thread_back(receiver, mastodon, render):
    await mastodon._who()
    receiver.faults.extend([Fault(200, done=True, body='{"id": "1"}'), Fault(422, '{"error": "no"}')])
    with pytest.raises(Refused, match="422"):
        await mastodon.publish(render("one", "two", kind="mastodon"), "k")
    assert receiver.statuses == {}


async def test_a_refused_part_whose_forerunner_cannot_be_taken_back_is_unknown(receiver, mastodon, render):
    receiver.faults.extend([Fault(200, done=True, body='{"id": "1"}'), Fault(422), Fault(500)])
    with pytest.raises(Unknown, match="still there"):
        await mastodon.publish(render("one", "two", kind="mastodon"), "k")
    assert list(receiver.statuses) == ["1"]


async def test_a_limit_above_the_usual_is_the_servers_to_give(receiver, mastodon, render):
    await mastodon.publish(render("x" * 600, kind="mastodon"), "k")
    with pytest.raises(Refused, match="limit is 600"):
        await mastodon.publish(render("x" * 601, kind="mastodon"), "k2")
    assert len(receiver.created) == 1


async def test_the_same_words_as_an_answer_are_another_post(receiver, mastodon, render):
    first = await mastodon.publish(render("We are still working on it.", kind="mastodon"), "k1")
    answer = render("We are still working on it.", kind="mastodon", reply_to=first.id)
    assert await mastodon.find("k2", answer) is None


async def test_without_the_rendering_nothing_can_be_looked_up(mastodon):
    with pytest.raises(Unknown, match="rendering"):
        await mastodon.find("k")


def test_text_and_its_html_compare_equal():
    content = (
        '<p>Hi <span class="h-card"><a href="https://remote.test/@ana">@<span>ana</span></a></span> &amp; all<br />'
        '<a href="https://x.test/long"><span class="invisible">https://</span><span class="ellipsis">x.test/lo</span>'
        '<span class="invisible">ng</span></a></p><p>Bye</p>'
    )
    assert comparable(plain(content)) == comparable("Hi @ana@remote.test & all\nhttps://x.test/long\n\nBye")
    assert comparable(plain(content)) != comparable("Hi @ana@remote.test & all\nhttps://x.test/lo\n\nBye")


async def test_a_picture_is_uploaded_as_documented_and_waited_for_until_it_is_ready(receiver, mastodon, render):
    receiver.working.extend([False, True])
    await mastodon.publish(render("one", kind="mastodon", media=(picture(),)), "k")
    sent = [r for r in receiver.requests if r.path.startswith(("/api/v2/media", "/api/v1/media", "/api/v1/statuses"))]
    specs.hold(specs.mastodon(), HOST, [r for r in sent if r.path != "/api/v2/media"])
    assert [(r.method, r.path) for r in sent] == [
        ("POST", "/api/v2/media"),
        ("GET", "/api/v1/media/1"),
        ("GET", "/api/v1/media/1"),
        ("POST", "/api/v1/statuses"),
    ]
    assert specs.multipart(sent[0]).keys() <= specs.mastodon_media_fields()
    assert sent[-1].json["media_ids"] == ["1"]


async def test_what_the_instance_takes_of_pictures_is_asked_of_it(receiver, mastodon, render):
    large = picture(size=(6000, 5600))
    assert mastodon.limits.pictures.problems((large,))
    with pytest.raises(Refused, match="33,177,600 pixels"):
        await mastodon.publish(render("one", kind="mastodon", media=(large,)), "k")
    receiver.media_limits["image_matrix_limit"] = 40_000_000
    await mastodon.publish(render("one", kind="mastodon", media=(large,)), "k")
    assert receiver.shown == [[(large.content, large.alt)]]


@pytest.mark.parametrize(
    ("tag", "known"),
    [
        ("zh-TW", "zh-TW"),
        ("zh_hk", "zh-HK"),
        ("zh-Hans", "zh-CN"),
        ("zh-Hant-HK", "zh-HK"),
        ("zh", "zh"),
        ("de-CH", "de"),
        ("pt-BR", "pt"),
    ],
)
async def test_the_language_is_one_that_mastodon_knows(receiver, mastodon, render, tag, known):
    await mastodon.publish(render("繁體", kind="mastodon", language=tag), "k")
    (sent,) = [r for r in receiver.requests if r.method == "POST"]
    assert sent.json["language"] == known


@pytest.mark.parametrize("configuration", ["x", {"statuses": "x"}, {"media_attachments": 5}])
async def test_an_instance_that_describes_itself_otherwise_is_told(receiver, mastodon, configuration):
    told = {"id": "1", "acct": "acme", "configuration": configuration}
    receiver.denial.append(Fault(200, json.dumps(told)))
    health = await mastodon.check()
    assert not health.ok
    assert "describes itself" in health.says

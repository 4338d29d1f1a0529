"""A reply goes under the very post that its approval names, on every network that can; care gets its person once."""

import pytest
import specs
from care_receivers import AGENT, TOKEN, IntercomReceiver, ZendeskReceiver
from receivers import BlueskyReceiver, Fault, MastodonReceiver
from x_receiver import KEYS, XReceiver

import integrations
from crisis.stakeholder import Route
from crisis.statement import Answered
from integrations import Message, Refused, Unknown
from integrations.bluesky import COLLECTION

ELSEWHERE = "https://other.example/users/ada/statuses/77"


def answering(rendering, source, id, url=""):
    answered = Answered(source=source, id=id, author="ada", url=url)
    return rendering.model_copy(update={"reply_to": id, "answers": answered})


def written(receiver, path):
    return [r.json for r in receiver.requests if r.method == "POST" and r.path == path]


async def test_mastodon_answers_by_its_own_id_of_a_status_of_another_server(render):
    with MastodonReceiver() as receiver:
        channel = integrations.connect("mastodon", base_url=receiver.url, access_token="t")
        receiver.known_elsewhere[ELSEWHERE] = "4711"
        reply = answering(render("@ada Thank you.", kind="mastodon"), "mastodon", ELSEWHERE)
        receipt = await channel.publish(reply, "k")
        assert [r["in_reply_to_id"] for r in written(receiver, "/api/v1/statuses")] == ["4711"]
        [search] = [r for r in receiver.requests if r.path == "/api/v2/search"]
        assert search.query == {"q": ELSEWHERE, "type": "statuses", "resolve": "true", "limit": "5"}
        assert (await channel.find("k", reply)).id == receipt.id
        specs.hold(specs.mastodon(), "https://mastodon.example", receiver.requests)
        with pytest.raises(Refused, match="not there"):
            await channel.publish(answering(reply, "mastodon", f"{ELSEWHERE}8"), "k2")
        await channel.close()


async def test_mastodon_sends_no_second_reply_when_the_answer_was_lost(render):
    with MastodonReceiver(idempotent=False) as receiver:
        channel = integrations.connect("mastodon", base_url=receiver.url, access_token="t")
        receiver.known_elsewhere[ELSEWHERE] = "4711"
        receiver.faults.append(Fault(500, done=True))
        reply = answering(render("@ada Thank you.", kind="mastodon"), "mastodon", ELSEWHERE)
        with pytest.raises(Unknown):
            await channel.publish(reply, "k")
        assert await channel.find("k", reply)
        assert len(receiver.created) == 1
        await channel.close()


async def test_bluesky_names_root_and_parent_with_their_cids(render):
    with BlueskyReceiver() as receiver:
        channel = integrations.connect("bluesky", base_url=receiver.url, identifier="acme.test", password="right")
        own = await channel.publish(render("first", kind="bluesky"), "root")
        root, inner = (
            {"uri": f"at://did:plc:{who}/{COLLECTION}/3k{who}", "cid": f"bafy{who}"} for who in ("ada", "bob")
        )
        receiver.records[root["uri"]] = {**root, "value": {"text": "acme?"}}
        receiver.records[inner["uri"]] = {**inner, "value": {"text": "yes!", "reply": {"root": root, "parent": root}}}
        receiver.requests.clear()
        await channel.publish(answering(render("third", kind="bluesky"), "bluesky", inner["uri"]), "third")
        [made] = [r["record"] for r in written(receiver, "/xrpc/com.atproto.repo.putRecord")]
        assert made["reply"] == {"root": root, "parent": inner}
        with pytest.raises(Refused, match="our own"):
            await channel.publish(answering(render("to ourselves", kind="bluesky"), "bluesky", own.id), "own")
        gone = f"at://did:plc:nobody/{COLLECTION}/3kaaaaaaaaaaa"
        with pytest.raises(Refused, match="not there"):
            await channel.publish(answering(render("fourth", kind="bluesky"), "bluesky", gone), "fourth")
        await channel.close()


async def test_x_answers_by_the_number_of_the_post(render):
    with XReceiver() as receiver:
        channel = integrations.connect("x", base_url=receiver.url, **KEYS)
        first = await channel.publish(render("first", kind="x"), "k1")
        await channel.publish(answering(render("Thank you.", kind="x"), "x", first.id), "k2")
        assert written(receiver, "/2/tweets")[-1] == {
            "text": "Thank you.",
            "reply": {"in_reply_to_tweet_id": first.id},
        }
        await channel.close()


def message(**more):
    return Message(key="k1", subject="INC-7: help", text="Please help.", thread="INC-7", severity="SEV2", **more)


async def test_zendesk_gets_one_private_ticket_with_our_key_twice():
    with ZendeskReceiver() as receiver:
        desk = integrations.connect("zendesk", base_url=receiver.url, email=AGENT, api_token=TOKEN)
        receiver.faults.append(Fault(502, done=True))
        with pytest.raises(Unknown):
            await desk.notify(message(), Route(notifier="care", address="360"))
        there = await desk.find("k1")
        again = await desk.notify(message(), Route(notifier="care", address="360"))
        assert (there.id, receiver.created) == (again.id, ["Please help."])
        [asked] = [r for r in receiver.requests if r.method == "POST"]
        assert asked.headers["idempotency-key"] == "k1"
        assert asked.json == {
            "ticket": {
                "subject": "INC-7: help",
                "comment": {"body": "Please help.", "public": False},
                "external_id": "k1",
                "tags": ["fireline"],
                "priority": "high",
                "group_id": 360,
            }
        }
        assert again.url == f"{receiver.url}/agent/tickets/{again.id}"
        assert (await desk.check()).ok
        await desk.close()


async def test_intercom_begins_from_a_contact_of_our_own_and_never_twice():
    with IntercomReceiver() as receiver:
        desk = integrations.connect("intercom", base_url=receiver.url, access_token=TOKEN)
        route = Route(notifier="care", address="fireline-care")
        made = await desk.notify(message(), route)
        await desk.notify(message(), route)
        assert list(receiver.contacts) == ["fireline-care"], "the contact is made once"
        assert receiver.asked[0] == {
            "from": {"type": "user", "id": receiver.contacts["fireline-care"]},
            "body": "INC-7: help\n\nPlease help.",
        }
        assert made.id.startswith("49")
        with pytest.raises(Unknown, match="keeps no key"):
            await desk.find("k1")
        assert (await desk.check()).ok
        await desk.close()

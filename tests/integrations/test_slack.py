"""Slack: notices as documented, in the incident's thread, in which foreign text can ring no bells."""

import json

import pytest
import specs
from receivers import Fault, SlackReceiver

import integrations
from crisis.stakeholder import Route
from integrations import Message, Misconfigured, RateLimited, Refused, Unknown
from integrations.slack_actions import Click, decision_view

ROOM = Route(notifier="slack", address="#war-room")


@pytest.fixture
def receiver():
    with SlackReceiver() as server:
        yield server


@pytest.fixture
async def slack(receiver):
    channel = integrations.connect("slack", base_url=receiver.url, token="xoxb-t")
    yield channel
    await channel.close()


def notice(key="k1", text="Look", thread="INC-1", **more):
    return Message(key=key, subject="SEV1", text=text, thread=thread, **more)


async def test_every_request_is_as_documented(receiver, slack, render):
    await slack.notify(notice("k1", link="https://desk.test/"), ROOM)
    await slack.notify(notice("k2"), ROOM)
    await slack.notify(notice("k3"), Route(notifier="slack", address="U1234567"))
    await slack.find("k2", render("x", address="#war-room"))
    await slack.check()
    specs.hold_slack(receiver.requests)
    assert {r.headers["authorization"] for r in receiver.requests} == {"Bearer xoxb-t"}
    posts = [specs.form(r) for r in receiver.requests if r.path.endswith("postMessage")]
    assert [p["channel"] for p in posts] == ["C0000001", "C0000001", "D0000001"]
    assert json.loads(posts[1]["metadata"])["event_payload"] == {"key": "k2", "incident": "INC-1"}
    assert posts[1]["thread_ts"] == receiver.messages[0]["ts"]
    assert "thread_ts" not in posts[2]


async def test_what_answers_a_button_is_as_documented_and_a_notice_then_shows_who_is_on_it(receiver):
    receiver.people["U1"] = {"team_id": "T1", "profile": {"email": "ana@example.com"}}
    slack = integrations.connect("slack", base_url=receiver.url, token="xoxb-t", signing_secret="s")
    call = notice("k1", text="Look:\n\nI am on it: https://d/on/1", on_it="https://d/on/1", link="https://d/read/1")
    receipt = await slack.notify(call, ROOM)
    buttons = receiver.messages[0]["blocks"][-1]["elements"]
    assert [(b["action_id"], b.get("value"), b.get("url")) for b in buttons] == [
        ("on_it", "INC-1", None),
        ("open", None, "https://d/read/1"),
    ]
    assert "https://d/on/1" not in json.dumps(receiver.messages[0]["blocks"])
    assert await slack.email_of("U1", "T1") == "ana@example.com"
    assert await slack.email_of("U1", "T2") == ""
    await slack.whisper("C0000001", "U1", "<@U2> & <!channel>")
    await slack.ask("t1", decision_view(Click("approve", "v", "U1", "T1", "T1", "C1", "1.1", "t1"), "T" * 99, "s", []))
    taken = notice("k2", text="Look:", link="https://d/read/1", taken_by="<!here> Ida", earlier=receipt)
    assert (await slack.notify(taken, ROOM)).id == receipt.id
    shown = json.dumps(receiver.messages[0]["blocks"])
    assert "<!here> Ida is on it." in shown
    assert '"on_it"' not in shown
    assert receiver.whispers[0]["text"] == "&lt;@U2&gt; &amp; &lt;!channel&gt;"
    assert len(receiver.messages) == 1
    specs.hold_slack(receiver.requests)


def test_texts_that_a_view_cannot_show_whole_are_not_decided_on_in_it():
    click = Click("approve", "v", "U1", "T1", "T1", "C1", "1.1", "t1")
    with pytest.raises(Refused, match="longer than Slack shows"):
        decision_view(click, "t", "s", [("mastodon", "x" * 300_000)])


async def test_a_notice_inside_a_thread_is_found_by_its_key(receiver, slack, render):
    await slack.notify(notice("k1"), ROOM)
    second = await slack.notify(notice("k2"), ROOM)
    assert (await slack.find("k2", render("x", address="#war-room"))).id == second.id
    assert await slack.find("k3", render("x", address="#war-room")) is None


async def test_foreign_text_mentions_nobody_and_pretends_no_link(receiver, slack):
    evil = "<!channel> <https://evil.test|your bank> & <@U1>"
    await slack.notify(notice(text=evil), ROOM)
    sent = json.dumps(receiver.messages[0]["blocks"]) + receiver.messages[0]["text"]
    assert "<" not in sent
    assert "&lt;!channel&gt; &lt;https://evil.test|your bank&gt; &amp; &lt;@U1&gt;" in sent
    assert receiver.messages[0]["unfurl_links"] == "false"


async def test_a_long_text_is_cut_into_sections_and_none_of_it_is_lost(receiver, slack):
    await slack.notify(notice(text="<&>" * 3000), ROOM)
    sections = [b["text"]["text"] for b in receiver.messages[0]["blocks"] if b["type"] == "section"]
    assert "".join(sections) == "&lt;&amp;&gt;" * 3000
    assert max(map(len, sections)) <= 3000
    assert not any(s.endswith(("&", "&l", "&lt", "&amp", "&gt")) for s in sections)
    assert len(receiver.messages[0]["text"]) <= 4000
    with pytest.raises(Refused, match="shorten"):
        await slack.notify(notice(text="x" * 200_000), ROOM)


async def test_a_thread_that_cannot_be_looked_up_delays_nobody(receiver, slack, monkeypatch):
    await slack.notify(notice("k1"), ROOM)
    other = integrations.connect("slack", base_url=receiver.url, token="xoxb-t")

    def unreadable(*_):
        raise Unknown("no history")

    monkeypatch.setattr(other, "_pages", unreadable)
    receipt = await other.notify(notice("k2"), Route(notifier="slack", address="C0000001"))
    assert receipt.raw["thread_ts"] == ""
    assert len(receiver.created) == 2


async def test_an_unknown_channel_is_refused_before_sending(receiver, slack):
    with pytest.raises(Refused, match="invite"):
        await slack.notify(notice(), Route(notifier="slack", address="#nowhere"))
    assert receiver.created == []


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        ("channel_not_found", Refused),
        ("msg_too_long", Refused),
        ("invalid_auth", Misconfigured),
        ("missing_scope", Misconfigured),
        ("ratelimited", RateLimited),
        ("internal_error", Unknown),
    ],
)
async def test_errors_that_slack_wraps_in_a_200_are_told_apart(receiver, slack, error, outcome):
    receiver.faults.append(Fault(200, json.dumps({"ok": False, "error": error})))
    with pytest.raises(outcome, match=error):
        await slack.notify(notice(), ROOM)


async def test_a_public_channel_needs_no_scope_for_private_ones_and_the_missing_one_is_told(receiver, slack):
    receiver.lists_private = False
    await slack.notify(notice(), ROOM)
    assert len(receiver.messages) == 1
    with pytest.raises(Misconfigured, match=r"no public channel '#secret'.*groups:read.*id"):
        await slack.notify(notice(), Route(notifier="slack", address="#secret"))
    receiver.lists_private = True
    await slack.notify(notice(), Route(notifier="slack", address="#secret"))
    assert receiver.messages[-1]["channel"] == "C0000002"


@pytest.mark.parametrize(
    "body",
    [
        {"messages": ["x"]},
        {"messages": 3.5},
        {"messages": [{"metadata": {}}]},
        {"messages": [], "response_metadata": "x"},
    ],
)
async def test_a_history_that_cannot_be_read_is_unknown(receiver, slack, render, body):
    receiver.denial.append(Fault(200, json.dumps({"ok": True, **body})))
    with pytest.raises(Unknown):
        await slack.find("k", render("x", address="C0000001"))

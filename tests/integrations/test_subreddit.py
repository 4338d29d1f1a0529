"""What is particular to Reddit: its Markdown, refusals with a status of 200, tokens that run out, comments."""

import pytest
from counting_http import Fault
from hypothesis import given
from hypothesis import strategies as st
from more_pages_receivers import REDDIT, SubredditReceiver

import integrations
from integrations import Misconfigured, RateLimited, Refused
from integrations.subreddit import escaped


@pytest.fixture(scope="module")
def served():
    with SubredditReceiver() as receiver:
        yield receiver


@pytest.fixture
def reddit(served):
    served.reset()
    served.expires_in = 3600
    return served


def connect(receiver, **more):
    return integrations.connect("subreddit", base_url=receiver.url, timeout=5, **{**REDDIT, **more})


def shown(markdown: str) -> str:
    """What Reddit shows of escaped text: no backslash before punctuation, no spaces at the end of a line."""
    kept, at = [], 0
    while at < len(markdown):
        at += markdown[at] == "\\"
        kept.append(markdown[at : at + 1])
        at += 1
    return "\n".join(line.rstrip(" ") for line in "".join(kept).split("\n"))


@given(
    st.text(alphabet="ab1. *_#>-=:[]()\\`~^&|{}\n", max_size=60).map(
        lambda t: "\n".join(x.rstrip() for x in t.split("\n"))
    )
)
def test_text_is_shown_as_it_was_approved(text):
    assert shown(escaped(text)) == text


def test_markup_and_mentions_of_headings_lists_and_links_do_nothing():
    assert escaped("#acme") == r"\#acme"
    assert escaped("*now* [x](y)") == r"\*now\* \[x\](y)"
    assert escaped("1. one") == r"1\. one"
    assert escaped("one\ntwo\n\nthree") == "one  \ntwo\n\nthree"


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (
            ["RATELIMIT", "Looks like you've been doing that a lot. Take a break for 9 minutes.", "ratelimit"],
            RateLimited,
        ),
        (["SUBREDDIT_NOTALLOWED", "you aren't allowed to post there.", "sr"], Refused),
        (["SUBMIT_VALIDATION_FLAIR_REQUIRED", "Your post must contain post flair.", "flair"], Refused),
    ],
)
async def test_what_reddit_refuses_with_200_is_no_success(reddit, render, error, outcome):
    import json

    reddit.faults.append(Fault(200, json.dumps({"json": {"errors": [error]}})))
    with pytest.raises(outcome) as caught:
        await connect(reddit).publish(render("x", kind="subreddit", subject="Outage"), "k")
    if outcome is RateLimited:
        from datetime import UTC, datetime

        assert 530 < (caught.value.until - datetime.now(UTC)).total_seconds() <= 540


async def test_a_token_is_renewed_before_it_ends(reddit, render):
    reddit.expires_in = 60
    channel = connect(reddit)
    await channel.publish(render("x", kind="subreddit", subject="One"), "k1")
    await channel.publish(render("y", kind="subreddit", subject="Two"), "k2")
    assert len(reddit.tokens) == 2
    await channel.close()


async def test_a_refresh_token_will_do_and_a_wrong_password_is_told_without_it(reddit, render):
    given_none = {"password": None}
    assert (await connect(reddit, **given_none, refresh_token="right").check()).says == "posts as u/acme_news in r/acme"
    health = await connect(reddit, password="hunter2").check()
    assert not health.ok
    assert "hunter2" not in health.says
    with pytest.raises(Misconfigured, match="password"):
        await connect(reddit, password=None).publish(render("x", kind="subreddit", subject="x"), "k")


async def test_a_post_goes_to_its_address_with_its_flair_and_a_title_stays(reddit, render):
    channel = connect(reddit, subreddit="", flair_id="f-1", flair_text="Official")
    with pytest.raises(Refused, match="subreddit"):
        await channel.publish(render("x", kind="subreddit", subject="Outage"), "k")
    asked = render("x", kind="subreddit", subject="Outage", address="acme")
    receipt = await channel.publish(asked, "k")
    form = reddit.requests[-1].body.decode()
    assert "flair_id=f-1" in form
    assert "flair_text=Official" in form
    with pytest.raises(Refused, match="title"):
        await channel.amend(receipt, asked.model_copy(update={"subject": "Outage over"}))
    assert receipt.url.startswith("https://www.reddit.com/r/acme/")


async def test_a_post_is_found_however_much_was_posted_since(reddit, render):
    channel = connect(reddit)
    first = await channel.publish(render("first", kind="subreddit", subject="First"), "k")
    for number in range(120):
        reddit._add("t3", f"text {number}", title=f"{number}", selftext=f"text {number}", subreddit="acme")
    assert (await channel.find("k", render("first", kind="subreddit", subject="First"))).id == first.id
    assert await channel.find("k", render("other", kind="subreddit", subject="First")) is None

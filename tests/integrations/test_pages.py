"""What is particular to LinkedIn, Facebook, Threads and Cachet."""

import pytest
from counting_http import Fault
from hypothesis import given
from hypothesis import strategies as st
from page_receivers import PAGE, TOKEN, CachetReceiver, FacebookReceiver, LinkedInReceiver, shown

import integrations
from crisis.counting import Unit, measure
from integrations import Misconfigured, RateLimited, Refused, Unknown
from integrations.linkedin import little, plain


@given(st.text(alphabet=st.one_of(st.sampled_from("\\|{}@[]()<>#*_~ a1\n"), st.characters(codec="utf-8")), max_size=80))
def test_nothing_cuts_a_text_off_on_linkedin_and_it_reads_back_as_it_was(text):
    assert shown(little(text)) == text
    assert plain(little(text)) == text


def test_hashtags_stay_and_a_fragment_of_a_link_makes_none():
    assert little("#acme (see https://a.com/x#top)") == r"#acme \(see https://a.com/x\#top\)"


async def test_a_text_with_parentheses_arrives_whole_on_linkedin(render):
    with LinkedInReceiver() as receiver:
        channel = integrations.connect("linkedin", base_url=receiver.url, organization="1", access_token=TOKEN)
        text = "Logins fail (since 09:40 UTC). See [status] https://a.com/x_y #outage"
        receipt = await channel.publish(render(text, kind="linkedin"), "k")
        assert receiver.created == [text]
        assert receipt.url == f"https://www.linkedin.com/feed/update/{receipt.id}"


@pytest.mark.parametrize(
    ("code", "outcome"), [(190, Misconfigured), (200, Misconfigured), (32, RateLimited), (368, Refused), (2, Unknown)]
)
async def test_facebooks_errors_mean_what_their_code_says_whatever_their_status(code, outcome, render):
    with FacebookReceiver() as receiver:
        channel = integrations.connect("facebook", base_url=receiver.url, page=PAGE, access_token=TOKEN)
        error = f'{{"error": {{"message": "no", "type": "OAuthException", "code": {code}}}}}'
        receiver.faults.append(Fault(400, error))
        with pytest.raises(outcome):
            await channel.publish(render("x", kind="facebook"), "k")


async def test_an_app_that_wants_proof_of_its_secret_gets_it(render):
    with FacebookReceiver() as receiver:
        settings = {"base_url": receiver.url, "page": PAGE, "access_token": TOKEN, "app_secret": "hunter2"}
        channel = integrations.connect("facebook", **settings)
        await channel.publish(render("x", kind="facebook"), "k")
        await channel.check()
        assert all(b"appsecret_proof" in r.body or "appsecret_proof" in r.query for r in receiver.requests)
        assert all(b"hunter2" not in r.body for r in receiver.requests)


def test_threads_counts_an_emoji_by_its_bytes():
    assert measure(Unit.EMOJI_BYTES, "né ☕ 👩‍💻 1#") == len("né ☕ 👩‍💻 1#") - 4 + len("☕👩‍💻".encode())


async def test_a_page_of_cachet_without_metadata_is_searched_by_text(render):
    with CachetReceiver() as receiver:
        receiver.knows_meta = False
        channel = integrations.connect("cachet", base_url=receiver.url, token=TOKEN)
        asked = render("We know.", kind="cachet", subject="Outage", options={"components": "3=major_outage"})
        receipt = await channel.publish(asked, "k")
        assert (await channel.find("k", asked)).id == receipt.id
        assert await channel.find("k", render("Other.", kind="cachet", subject="Outage")) is None
        assert receiver.requests[0].json["components"] == [{"id": 3, "status": 4}]


async def test_an_update_on_cachet_is_sent_once_and_says_its_status(render):
    with CachetReceiver() as receiver:
        channel = integrations.connect("cachet", base_url=receiver.url, token=TOKEN)
        first = await channel.publish(render("We know.", kind="cachet", subject="Outage"), "k")
        update = render("It works.", kind="cachet", reply_to=first.id, options={"status": "resolved"})
        receipts = [await channel.publish(update, "k2") for _ in range(2)]
        assert receiver.created == ["We know.", "It works."]
        assert receipts[0].id == receipts[1].id == f"{first.id}/2"
        assert receiver.updates["2"]["attributes"]["status"] == {"value": 4}
        for options in ({"status": "gone"}, {"components": "x=up"}):
            with pytest.raises(Refused):
                await channel.publish(render("x", kind="cachet", subject="s", options=options), "k3")

"""Statuspage: incidents and updates that carry their key, as the documentation says."""

import pytest
import specs
from receivers import Fault, StatuspageReceiver

import integrations
from integrations import Refused, Unknown


@pytest.fixture
def receiver():
    with StatuspageReceiver() as server:
        yield server


@pytest.fixture
async def page(receiver):
    channel = integrations.connect("statuspage", base_url=receiver.url, page_id="p1", api_key="k")
    yield channel
    await channel.close()


def opening(render, text="We are investigating.", **more):
    options = {"status": "investigating", "impact": "major", "components": "c1=major_outage, c2=degraded_performance"}
    return render(text, **{"kind": "statuspage", "subject": "Login is down", "options": options, **more})


async def test_every_write_is_as_documented(receiver, page, render):
    receipt = await page.publish(opening(render), "k1")
    await page.publish(opening(render, "Found it.", reply_to=receipt.id, options={"status": "identified"}), "k2")
    assert (await page.check()).ok
    writes = [r for r in receiver.requests if r.method in {"POST", "PATCH"}]
    assert [r.path for r in writes] == ["/v1/pages/p1/incidents", f"/v1/pages/p1/incidents/{receipt.id}"]
    for seen in writes:
        specs.hold_incident(seen.json)
        assert seen.headers["authorization"] == "OAuth k"
    first = writes[0].json["incident"]
    assert first["components"] == {"c1": "major_outage", "c2": "degraded_performance"}
    assert first["component_ids"] == ["c1", "c2"]
    assert (first["name"], first["impact_override"]) == ("Login is down", "major")


async def test_updates_join_their_incident_and_are_found_by_their_keys(receiver, page, render):
    first = await page.publish(opening(render), "k1")
    update = opening(render, "Found it.", reply_to=first.id)
    second = await page.publish(update, "k2")
    third = await page.publish(opening(render, "Fixed.", reply_to=second.id), "k3")
    assert len(receiver.incidents) == 1
    assert len({first.id, second.id, third.id}) == 3
    for key, receipt in (("k1", first), ("k2", second), ("k3", third)):
        assert (await page.find(key)).id == receipt.id
    assert (await page.find("k2", update)).id == second.id
    assert await page.find("k4", update) is None


async def test_an_update_already_there_is_not_sent_again(receiver, page, render):
    first = await page.publish(opening(render), "k1")
    receiver.faults.append(Fault(502, done=True))
    update = opening(render, "Found it.", reply_to=first.id)
    with pytest.raises(Unknown):
        await page.publish(update, "k2")
    receipt = await page.publish(update, "k2")
    assert receiver.created == ["We are investigating.", "Found it."]
    assert receipt.id.startswith(f"{first.id}/")


async def test_metadata_of_others_is_kept(receiver, page, render):
    first = await page.publish(opening(render), "k1")
    receiver.incidents[first.id]["metadata"]["jira"] = {"issue_id": "7"}
    await page.publish(opening(render, "Found it.", reply_to=first.id), "k2")
    assert receiver.incidents[first.id]["metadata"]["jira"] == {"issue_id": "7"}
    assert set(receiver.incidents[first.id]["metadata"]["fireline"]) == {"k1", "k2"}


async def test_an_opening_is_told_from_its_updates_even_when_the_page_rewrote_the_text(receiver, page, render):
    first = await page.publish(opening(render), "k1")
    await page.publish(opening(render, "Found it.", reply_to=first.id), "k2")
    for update in receiver.incidents[first.id]["incident_updates"]:
        update["body"] = f"<p>{update['body']}</p>"
    found = await page.find("k1")
    assert (found.id, found.raw["update"]) == (first.id, first.raw["update"])


async def test_an_older_incident_is_found_on_a_later_page(receiver, page, render):
    await page.publish(opening(render), "old")
    for number in range(120):
        await page.publish(opening(render, f"text {number}"), f"k{number}")
    assert (await page.find("old")).id == "inc1"


async def test_an_amendment_changes_the_text_of_that_update_and_the_title(receiver, page, render):
    first = await page.publish(opening(render), "k1")
    second = await page.publish(opening(render, "Found it.", reply_to=first.id), "k2")
    await page.amend(second, opening(render, "Found the cause."))
    await page.amend(first, opening(render, "We are looking.", subject="Sign-in is down"))
    incident = receiver.incidents[first.id]
    assert [u["body"] for u in incident["incident_updates"]] == ["Found the cause.", "We are looking."]
    assert incident["name"] == "Sign-in is down"


async def test_a_withdrawn_incident_is_gone_and_a_single_update_cannot_be(receiver, page, render):
    first = await page.publish(opening(render), "k1")
    second = await page.publish(opening(render, "Found it.", reply_to=first.id), "k2")
    with pytest.raises(Refused, match="correction"):
        await page.withdraw(second)
    await page.withdraw(first)
    await page.withdraw(first)
    assert receiver.incidents == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"options": {"status": "exploded"}},
        {"options": {"impact": "huge"}},
        {"options": {"components": "c1=broken"}},
        {"subject": " "},
        {"reply_to": "inc99"},
    ],
)
async def test_what_statuspage_does_not_know_is_refused_before_sending(receiver, page, render, wrong):
    with pytest.raises(Refused):
        await page.publish(opening(render, **wrong), "k")
    assert receiver.created == []


async def test_what_resolves_an_incident_that_is_resolved_becomes_its_postmortem(receiver, page, render):
    first = await page.publish(opening(render), "k1")
    resolved = opening(render, "It works.", reply_to=first.id, options={"status": "resolved"})
    assert (await page.publish(resolved, "k2")).raw["update"]
    account = opening(render, "What happened, and what we change.", reply_to=first.id, options={"status": "resolved"})
    assert await page.find("k3", account) is None
    receipts = [await page.publish(account, "k3") for _ in range(2)]
    assert receipts[0].id == receipts[1].id == (await page.find("k3", account)).id == f"{first.id}/postmortem"
    assert receiver.incidents[first.id]["postmortem"]["body"] == "What happened, and what we change."
    assert receiver.created.count("What happened, and what we change.") == 1
    other = opening(render, "Something else.", reply_to=first.id, options={"status": "resolved"})
    with pytest.raises(Refused, match="another postmortem"):
        await page.publish(other, "k4")
    await page.amend(receipts[0], opening(render, "What happened, in short."))
    assert receiver.incidents[first.id]["postmortem"]["body"] == "What happened, in short."
    await page.withdraw(receipts[0])
    await page.withdraw(receipts[0])
    assert "postmortem" not in receiver.incidents[first.id]


async def test_a_postmortem_whose_answer_was_lost_is_finished_or_found(receiver, page, render):
    first = await page.publish(opening(render, options={"status": "resolved"}), "k1")
    account = opening(render, "What happened.", reply_to=first.id, options={"status": "resolved"})
    for fault in ([Fault(502, done=True)], [None, Fault(502)], [None, Fault(502, done=True)]):
        receiver.incidents[first.id].pop("postmortem", None)
        receiver.faults[:] = fault
        with pytest.raises(Unknown):
            await page.publish(account, "k2")
        public = len(fault) == 2 and fault[1].done
        assert (await page.find("k2", account) is not None) is public
        await page.publish(account, "k2")
        assert await page.find("k2", account) is not None


async def test_updates_that_are_no_list_are_no_clear_answer(receiver, page, render):
    receiver.faults.append(Fault(201, '{"id": "i1", "incident_updates": 3.5}', done=True))
    with pytest.raises(Unknown, match="no list"):
        await page.publish(opening(render), "k1")

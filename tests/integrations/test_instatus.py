"""What is particular to Instatus: components, updates, titles."""

import pytest
from more_pages_receivers import INSTATUS, InstatusReceiver

import integrations
from integrations import Refused


@pytest.fixture(scope="module")
def served():
    with InstatusReceiver() as receiver:
        yield receiver


@pytest.fixture
def receiver(served):
    served.reset()
    return served


@pytest.fixture
def page(receiver):
    return integrations.connect("instatus", base_url=receiver.url, timeout=5, **INSTATUS)


def opening(render, text="We know.", **more):
    return render(text, **{"kind": "instatus", "subject": "Outage", **more})


async def test_an_incident_says_which_components_it_concerns_and_how(receiver, page, render):
    options = {"status": "identified", "impact": "major", "components": "c1=major_outage, c2=operational"}
    await page.publish(opening(render, options=options), "k")
    asked = receiver.requests[-1].json
    assert asked["components"] == ["c1", "c2"]
    assert asked["statuses"] == [{"id": "c1", "status": "MAJOROUTAGE"}, {"id": "c2", "status": "OPERATIONAL"}]
    assert (asked["status"], asked["name"], asked["notify"]) == ("IDENTIFIED", "Outage", True)
    for wrong in ({"components": "c1=broken"}, {"status": "gone"}):
        with pytest.raises(Refused):
            await page.publish(opening(render, options=wrong), "k")
    with pytest.raises(Refused, match="title"):
        await page.publish(opening(render, subject=" "), "k")
    assert len(receiver.created) == 1


async def test_updates_join_their_incident_and_each_is_found_by_its_text_and_status(receiver, page, render):
    first = await page.publish(opening(render), "k1")
    update = opening(render, "Fixed.", reply_to=first.id, options={"status": "resolved"})
    second = await page.publish(update, "k2")
    assert second.id.startswith(f"{first.id}/")
    assert (await page.find("k2", update)).id == second.id
    other = opening(render, "Fixed.", reply_to=first.id, options={"status": "monitoring"})
    assert await page.find("k3", other) is None
    assert receiver.incidents[first.id]["status"] == "RESOLVED"
    assert len(receiver.incidents) == 1
    with pytest.raises(Refused):
        await page.publish(opening(render, "x", reply_to="inc99"), "k4")


async def test_a_change_of_an_opening_changes_title_and_text_and_of_an_update_its_text_alone(receiver, page, render):
    first = await page.publish(opening(render), "k1")
    second = await page.publish(opening(render, "Found it.", reply_to=first.id), "k2")
    await page.amend(second, opening(render, "Found the cause."))
    await page.amend(first, opening(render, "We are looking.", subject="Sign-in is down"))
    incident = receiver.incidents[first.id]
    assert [u["message"] for u in incident["updates"]] == ["We are looking.", "Found the cause."]
    assert incident["name"] == "Sign-in is down"
    await page.withdraw(second)
    await page.withdraw(second)
    assert len(receiver.incidents[first.id]["updates"]) == 1


async def test_an_older_incident_is_found_on_a_later_page(receiver, page, render):
    await page.publish(opening(render), "old")
    for number in range(60):
        await page.publish(opening(render, f"text {number}"), f"k{number}")
    assert (await page.find("old", opening(render))).raw["name"] == "Outage"

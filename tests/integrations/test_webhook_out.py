"""The outgoing webhook: signed so that its receiver can tell, and never sent twice by itself."""

from collections.abc import Iterator

import pytest
from counting_http import Fault
from hook_receivers import SECRET, HookReceiver

import integrations
from crisis.stakeholder import Route as To
from integrations import Message, Refused, Unknown


@pytest.fixture
def hook() -> Iterator[HookReceiver]:
    with HookReceiver() as receiver:
        yield receiver


def connect(hook: HookReceiver, secret: str = SECRET) -> integrations.Publisher:
    channel: integrations.Publisher = integrations.connect("webhook", base_url=f"{hook.url}/hook", secret=secret)
    return channel


async def test_a_statement_and_a_notice_arrive_signed_with_their_keys(hook, render):
    receipt = await connect(hook).publish(render("We know. “é”", kind="webhook", subject="Outage", address="a"), "k")
    await connect(hook).notify(
        Message(key="n", subject="SEV1", text="Look", thread="INC-1"), To(notifier="hook", address="b")
    )
    assert hook.created == ["We know. “é”", "Look"]
    first, second = hook.requests
    assert first.headers["idempotency-key"] == receipt.id == "k"
    assert (first.json["kind"], second.json["incident"]) == ("statement", "INC-1")
    assert (await connect(hook).check()).ok


async def test_a_wrong_secret_is_told(hook, render):
    with pytest.raises(integrations.Misconfigured, match="does not fit"):
        await connect(hook, "another secret").publish(render("x", kind="webhook"), "k")


async def test_no_clear_answer_is_for_a_human(hook, render):
    hook.faults.append(Fault(502, done=True))
    with pytest.raises(Unknown):
        await connect(hook).publish(render("x", kind="webhook"), "k")
    with pytest.raises(Unknown, match="look there"):
        await connect(hook).find("k")
    with pytest.raises(Refused):
        await connect(hook).withdraw(await connect(hook).publish(render("y", kind="webhook"), "k2"))


async def test_the_address_is_called_exactly_as_it_was_given_and_its_query_is_kept_secret(hook, render):
    for path in ("/slashed/", "/hook?sig=s3cr%2Ft&x=1"):
        channel = integrations.connect("webhook", base_url=f"{hook.url}{path}", secret=SECRET)
        await channel.publish(render("x", kind="webhook"), f"k{path}")
        await channel.close()
    assert [(r.path, r.query) for r in hook.requests] == [("/slashed/", {}), ("/hook", {"sig": "s3cr/t", "x": "1"})]
    hook.denial.append(Fault(400, "you called /hook?sig=s3cr%2Ft&x=1"))
    channel = integrations.connect("webhook", base_url=f"{hook.url}/hook?sig=s3cr%2Ft&x=1", secret=SECRET)
    with pytest.raises(Refused) as caught:
        await channel.publish(render("x", kind="webhook"), "k")
    assert "s3cr" not in str(caught.value)


@pytest.mark.parametrize("address", ["ftp://x.test/", "https://u:p@x.test/", "https://x.test/#a", "https:///x"])
def test_what_is_no_address_of_a_webhook_is_told(address):
    with pytest.raises(integrations.Misconfigured, match="base_url"):
        integrations.connect("webhook", base_url=address, secret=SECRET)

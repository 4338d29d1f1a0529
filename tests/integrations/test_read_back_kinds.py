"""Reading back what was published, on every kind that can: it stands, it was changed, it is gone, or nobody can tell."""

from collections.abc import Iterator
from typing import Any

import pytest
from counting_http import Fault
from kinds_served import ADDRESSES, KINDS, media_of, settings_of
from test_requests import HELD

import integrations
from crisis.read_back import Stand, stand_of
from integrations import ReadsBack, Unknown

READING = sorted(kind for kind in KINDS if issubclass(integrations.integration(kind), ReadsBack))
TEXT = "We know that some of you cannot log in. (a) [b] More at https://acme.example/help by 15:00 UTC."


@pytest.fixture(scope="module", params=READING)
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Any]]:
    with KINDS[request.param][0]() as receiver:
        yield request.param, receiver


@pytest.fixture
def out(served: tuple[str, Any], render) -> tuple[Any, Any]:
    kind, receiver = served
    receiver.reset()

    def made(text: str) -> Any:
        return render(text, kind=kind, subject="Outage", address=ADDRESSES.get(kind, ""), media=media_of(kind))

    return integrations.connect(kind, base_url=receiver.url, timeout=5, **settings_of(kind, receiver)), made


def approved(rendering: Any, there: Any) -> tuple[str, ...]:
    return (rendering.html,) if there.is_html else tuple(part.text for part in rendering.parts)


def test_these_kinds_can_be_read_back():
    assert set(READING) >= {
        "bluesky", "mastodon", "x", "facebook", "instagram", "linkedin", "threads", "discord", "matrix", "statuspage",
        "cachet", "instatus", "subreddit",
    }  # fmt: skip


async def test_what_was_published_stands_there_and_what_was_taken_back_is_gone(out, served):
    channel, made = out
    rendering = made(TEXT)
    receipt = await channel.publish(rendering, "k")
    there = await channel.read(receipt)
    assert stand_of(approved(rendering, there), there)[0] is Stand.MATCHED
    await channel.withdraw(receipt)
    there = await channel.read(receipt)
    assert stand_of(approved(rendering, there), there)[0] is Stand.GONE
    if served[0] in HELD:
        HELD[served[0]][1]([seen for seen in served[1].requests if seen.method == "GET"])


async def test_a_text_that_was_changed_is_seen(out):
    channel, made = out
    rendering = made(TEXT)
    receipt = await channel.publish(rendering, "k")
    try:
        await channel.amend(receipt, made("We know that nobody can log in."))
    except integrations.Refused:
        return  # nobody can change it there, us included
    there = await channel.read(receipt)
    assert stand_of(approved(rendering, there), there)[0] is Stand.EDITED


async def test_an_answer_of_another_kind_is_no_sign_that_it_is_gone(out, served):
    channel, made = out
    receipt = await channel.publish(made(TEXT), "k")
    served[1].denial.append(Fault(401, '{"error": "no"}'))
    with pytest.raises(Unknown):
        await channel.read(receipt)
    served[1].denial.clear()
